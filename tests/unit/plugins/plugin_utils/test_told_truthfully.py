# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read: the true size of what was not judged, who only informs, and what could not be told apart from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _checkpoint_files, _rejudge
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._criteria import criteria_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import (
    PASS,
    ROLLBACK,
    Rule,
    Verdict,
    decide,
    describe,
    judge,
    metric_value,
    told_value,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify import _facts
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._report import write_reports
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._situation import rows_of

from tests.unit.plugins.plugin_utils.constructed import Made, construct
from tests.unit.plugins.plugin_utils.made_series import Made as Series
from tests.unit.plugins.plugin_utils.recorded import evidence

SLOWER = Rule(
    "latency_p50", "latency_p50", "below", 20.0, "below 20% against baseline", against="baseline", relative=True,
    unit="percent", by_unit="duration", over="checkpoint", ignore_under=0.005,
)  # fmt: skip


def small_change(**more: Any) -> Verdict:
    """Thirty percent slower, which is three milliseconds."""
    document = evidence()
    for answers in document["baseline"]["nats"][0]["probe"]["agents"].values():
        answers["p50_ms"] = 10.0
    for agent in ("network-expert", "tdd-expert"):
        document["nats"][0]["probe"]["agents"][agent]["p50_ms"] = 13.0
    return judge([Rule(**{**vars(SLOWER), **more})], document)[0]


def test_a_change_below_ignore_under_has_its_true_size_and_is_not_judged() -> None:
    verdict = small_change()
    assert (verdict.verdict, verdict.not_judged, verdict.passed_over) == (PASS, True, True)
    assert verdict.value == pytest.approx(30.0)
    assert verdict.note == "a difference of 3 ms is below ignore_under (5 ms)"
    assert told_value(vars(verdict)) == "30% (not judged)"
    assert "30% (not judged)" in describe(verdict)


def test_so_it_is_of_a_shift_in_the_series() -> None:
    made = Series(buckets=360, noise=0.02).latency("network-expert", 1.3)
    rule = Rule(
        "shift",
        "latency_shift",
        "above",
        20.0,
        "",
        kind="trigger",
        unit="percent",
        by_unit="percent",
        ignore_under=0.05,
    )
    (verdict,) = judge([rule], {**evidence(), **made.evidence()})
    assert (verdict.verdict, verdict.not_judged) == (PASS, True)
    assert 25.0 < (verdict.value or 0.0) < 35.0
    assert "is below ignore_under (50 ms)" in verdict.note


def test_a_decision_names_what_it_passed_over_and_nothing_else() -> None:
    decision = decide([small_change()], failed_leads_to=ROLLBACK, trigger_leads_to=ROLLBACK)
    assert decision.why == (
        "all 1 criteria pass; latency_p50 30% (not judged): a difference of 3 ms is below ignore_under (5 ms)"
    )
    calm = decide([small_change(threshold=50.0)], failed_leads_to=ROLLBACK, trigger_leads_to=ROLLBACK)
    assert calm.why == "all 1 criteria pass"


def test_every_table_shows_it() -> None:
    found = small_change().to_dict()
    gate = {"summary": {"criteria": [found], "at": "2026-01-23T12:00:00+00:00"}}
    assert criteria_of(gate, [gate], None)["primary"][0].value == "30\u202f% (not judged)"
    assert _facts._criterion(found)["value"] == "30% (not judged)"
    assert _rejudge._row(found, found).value == "30% (not judged)"
    assert [row.shown for row in rows_of([found])] == ["30% (not judged)"]
    (change,) = _checkpoint_files.comparison(evidence(), [found])["changes"]
    assert (change["value"], change["not_judged"], change["informs"]) == (pytest.approx(30.0), True, False)
    assert "below ignore_under" in change["note"]


# ---------------------------------------------------------------- what a measurer can't tell apart


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "< 1 ms"), (0.0009, "< 1 ms"), (0.001, "1 ms"), (0.0042, "4.2 ms"), (None, "-")]
)
def test_a_publish_time_below_the_samplers_resolution_is_no_zero(seconds: float | None, shown: str) -> None:
    assert metric_value("publish_time", seconds, "duration") == shown
    verdict = Verdict("publish_time", "publish_time", "secondary", PASS, "below 10ms", "duration", seconds)
    assert _facts._criterion(verdict.to_dict())["value"] == shown
    assert told_value(vars(verdict)) == shown


def test_a_change_of_it_in_percent_has_none() -> None:
    assert metric_value("publish_time", 0.0, "percent") == "0%"
    assert metric_value("latency_p50", 0.0, "duration") == "0 ms"


# ---------------------------------------------------------------- who informs


SUMMARIES = [
    {
        "checkpoint": name,
        "status": "taken",
        "at": "2026-01-23T12:00:00+00:00",
        "decision": "go",
        "metrics": {
            "error_rate": {"value": 0.0, "unit": "percent", "samples": 9, "verdict": "pass", "kind": "primary"},
            "publish_time": {"value": 0.0, "unit": "duration", "samples": 9, "verdict": "pass", "kind": "secondary"},
        },
    }
    for name in ("T+1h", "T+6h")
]


@pytest.mark.parametrize("text", [_checkpoint_files.trends(SUMMARIES), _checkpoint_files.analysis("T+6h", SUMMARIES)])
def test_informational_criteria_are_marked_in_text(text: str) -> None:
    lines = {line.split(" ", 1)[0]: line for line in text.splitlines()}
    assert "(informs)" in lines["publish_time"] and "< 1 ms" in lines["publish_time"]
    assert "(informs)" not in lines["error_rate"]


def test_and_in_data() -> None:
    for rows in (_checkpoint_files.aggregate(SUMMARIES), _checkpoint_files.deltas(SUMMARIES)["rows"]):
        assert {name: row["informs"] for name, row in rows.items()} == {"error_rate": False, "publish_time": True}


def test_and_in_every_report(tmp_path: Path) -> None:
    written = {path.name: path.read_text() for path in write_reports(construct(Made(tmp_path, hours=6.0)))}
    for name in ("decision.md", "final_analysis.md"):
        rows = [line for line in written[name].splitlines() if line.startswith("| cpu_overhead")]
        assert rows and all("(informs)" in row for row in rows), name
        rows = [line for line in written[name].splitlines() if line.startswith("| error_rate")]
        assert rows and not any("(informs)" in row for row in rows), name
    assert "<small>informs</small>" in written["report.html"]


def test_and_in_messages() -> None:
    metric = {"metric": "error_rate", "kind": "secondary", "value": 0.1, "unit": "percent", "against": None}
    assert _facts._metrics({"criteria": [metric]}) == [{"label": "Error rate (informs)", "value": "0.1%"}]
