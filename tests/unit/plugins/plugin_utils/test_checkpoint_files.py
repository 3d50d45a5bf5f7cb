# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a checkpoint adds: by its position in the plan, and by how late it is; deltas to the one before."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._checkpoint_files import deltas, due
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import plan

TRENDS = {"trends.txt", "trends.json"}
COMPARED = TRENDS | {"comparison.json", "analysis.txt"}
LAST = COMPARED | {"aggregate_metrics.json", "final_analysis.md"}


@pytest.mark.parametrize(
    ("rollout", "wanted"),
    [
        ("wave1", {"T+1h": TRENDS, "T+3h": COMPARED, "T+6h": LAST}),
        ("wave2", {"T+1h": TRENDS, "T+6h": COMPARED, "T+12h": COMPARED, "T+24h": LAST}),
        ("wave3", {"T+6h": COMPARED, "T+12h": COMPARED, "T+18h": COMPARED, "T+24h": LAST}),
    ],
)
def test_shipped_plans(rollout: str, wanted: dict[str, set[str]]) -> None:
    assert {each.name: due(plan(rollout), each.name) for each in plan(rollout).checkpoint_list()} == wanted


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        (["359m", "48h"], TRENDS),
        (["6h", "48h"], COMPARED),
        (["12h", "48h"], COMPARED),
    ],
)
def test_a_late_first_checkpoint_is_written_with_what_there_is(at: list[str], wanted: set[str]) -> None:
    made = plan(checkpoints={"after": "tdd-expert", "at": at})
    assert due(made, made.checkpoint_names()[0]) == wanted


@given(st.sampled_from(["T+30h", "T+7d"]))
def test_a_follow_up_after_the_last_has_all_but_the_end(name: str) -> None:
    assert due(plan(), name) == COMPARED


def summary(name: str, uptime: float | None, p50: float | None) -> dict[str, Any]:
    def reading(value: float | None, unit: str) -> dict[str, Any]:
        return {"value": value, "unit": unit, "samples": 1, "verdict": "pass"}

    metrics = {"agent_uptime": reading(uptime, "percent"), "latency_p50": reading(p50, "duration")}
    return {"checkpoint": name, "status": "taken", "at": "", "decision": "go", "metrics": metrics}


def test_deltas_are_to_the_checkpoint_taken_before_and_say_which_way_it_goes() -> None:
    missed = {"checkpoint": "T+6h", "status": "missed", "metrics": {}}
    found = deltas([summary("T+30m", 1.0, 9.0), summary("T+1h", 99.0, 0.02), missed, summary("T+12h", 90.0, 0.01)])
    assert found["against"] == "T+1h"
    assert {name: row["direction"] for name, row in found["rows"].items()} == {
        "agent_uptime": "degrading",
        "latency_p50": "improving",
    }
    assert found["rows"]["latency_p50"]["change_pct"] == pytest.approx(-50.0)


def test_what_was_not_measured_has_no_delta() -> None:
    assert deltas([summary("T+1h", 99.0, 0.02)])["rows"]["latency_p50"]["before"] is None
    found = deltas([summary("T+1h", None, 0.0), summary("T+6h", 99.0, 0.02)])
    assert [row["change_pct"] for row in found["rows"].values()] == [None, None]
    assert found["rows"]["agent_uptime"]["direction"] == "unknown"
