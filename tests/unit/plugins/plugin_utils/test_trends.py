# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checkpoints tell people of the series: where things are heading, what stands out, test against control by ranks."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import format_value
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._trends import rank_rows, trends, trends_text

from tests.unit.plugins.plugin_utils.made_series import CONTROL, HOSTS, TEST, Made

AGENT, OTHER = TEST
NAME = f"{AGENT}@{HOSTS[0]}"
MIB = 1048576.0


def made_trends(made: Made, earlier: dict[str, Any] | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    document = trends(made.evidence(at="2026-01-24T01:00:00+00:00"), earlier)
    json.dumps(document, allow_nan=False)
    return {(row["what"], row["name"]): row for row in document["rows"]}


def test_a_quiet_fleet_has_a_stable_row_for_everything() -> None:
    rows = made_trends(Made(buckets=600))
    assert len(rows) == 12 + 4 + 12 + 3
    assert {row["direction"] for row in rows.values()} == {"stable"}
    assert rows["memory", NAME]["lasts_at_least_s"] is None or rows["memory", NAME]["lasts_at_least_s"] > 86400.0


def test_what_rises_has_a_slope_bounds_around_it_and_an_end() -> None:
    made = Made(buckets=780).memory(NAME, lambda at: 200.0 + np.maximum(at - 60, 0) * 0.1)
    row = made_trends(made)["memory", NAME]
    assert row["slope_per_h"] == pytest.approx(6.0 * MIB, rel=0.1)
    assert row["low"] < row["slope_per_h"] < row["high"]
    assert row["direction"] == "degrading"
    assert row["lasts_s"] == pytest.approx((512.0 - 272.0) / 6.0 * 3600.0, rel=0.15)
    assert row["lasts_at_least_s"] < row["lasts_s"]


def test_errors_are_per_hour_and_none_where_the_journal_was_read() -> None:
    made = Made(buckets=660)
    instance = made.document["instances"][NAME]
    instance["errors"] = [[at, at // 100] for at in range(60, 660) if at >= 100]
    instance["watched"] = [[0, 300], [320, 660]]
    row = made_trends(made)["errors", NAME]
    assert row["points"] == 600 - 20
    assert (row["direction"], row["now"]) == ("degrading", 360.0)


def test_a_row_knows_the_checkpoint_before() -> None:
    leak = Made(buckets=780).memory(NAME, lambda at: 200.0 + np.maximum(at - 60, 0) * 0.1)
    earlier = trends(Made(buckets=400).evidence(at="x"))
    before = made_trends(leak, earlier)["memory", NAME]["before"]
    assert before["direction"] == "stable" and before["now"] == pytest.approx(200.0 * MIB, rel=0.1)
    assert made_trends(leak)["memory", NAME]["before"] is None


def test_what_stands_out_is_told_with_its_time() -> None:
    made = Made(buckets=600)
    made.document["agents"][AGENT]["latency"][300] = [300, [[999, 1]]]
    found = made_trends(made)["latency", AGENT]["anomalies"]
    assert [each["at"] for each in found] == ["2026-01-23T17:00:00.000000+00:00"]


def test_too_few_points_are_no_trend() -> None:
    rows = made_trends(Made(buckets=63))
    assert rows["latency", AGENT]["direction"] == "unknown" and rows["latency", AGENT]["slope_per_h"] is None
    text = trends_text(trends(Made(buckets=63).evidence(at="x")), format_value)
    assert "too few points (3, at least 5)" in text


def test_without_a_series_there_are_no_rows_and_the_reason_is_told() -> None:
    document = trends({"at": "x", "series": None})
    assert (document["rows"], document["why"]) == ([], "the evidence holds no series")
    assert trends_text(document, format_value) == "no trends: the evidence holds no series\n"
    assert rank_rows({"series": None}) == []


def test_the_text_begins_with_what_gets_worse() -> None:
    made = Made(buckets=780).memory(NAME, lambda at: 200.0 + np.maximum(at - 60, 0) * 0.1)
    lines = trends_text(trends(made.evidence(at="x")), format_value).splitlines()
    assert lines[1].startswith(f"memory   {NAME}") and "degrading" in lines[1] and "1." in lines[1]
    assert len(lines) == 1 + 31


def test_ranks_see_a_shift_in_each_series_against_control() -> None:
    made = Made(buckets=400).latency(AGENT, 1.25)
    for host in HOSTS:
        made.document["instances"][f"{AGENT}@{host}"]["errors"] = [[at, 1] for at in range(60, 400, 3)]
        made.document["instances"][f"{CONTROL[0]}@{host}"]["errors"] = [[at, 1] for at in range(60, 400, 30)]
    rows = {(row["series"], row["name"]): row for row in rank_rows(made.evidence())}
    latency = rows["latency", AGENT]
    assert latency["shift_pct"] == pytest.approx(25.0, abs=4.0)
    assert latency["p"] < 1e-6 and latency["cliffs_delta"] > 0.8
    assert (latency["n_test"], latency["n_control"], latency["reason"]) == (340, 340, None)
    assert rows["latency", OTHER]["cliffs_delta"] < 0.2
    assert rows["errors", AGENT]["p"] < 1e-6
    assert rows["memory", AGENT]["p"] is not None
    # Nothing measured their CPU here.
    assert rows["cpu", AGENT]["reason"] == "too_few_samples" and rows["cpu", AGENT]["p"] is None
