# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports and status: they render wherever a rollout stands, and what agents log can't format them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _rules
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._checkpoint_files import write_checkpoint
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import read_json, write_gate
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import decide, judge
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._report import REPORTS, write_reports
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._status_table import status_lines

from tests.unit.plugins.plugin_utils.recorded import (
    ALL_INSTANCES,
    HOSTS,
    PLANS,
    Story,
    evidence_of_now,
    ledger_path,
    looks,
    plan,
)

NASTY = "| <b> {{ 7*7 }} {% raw %} \\ `x` [a](b)\n# heading\r| forged | row |"
AGENTS = PLANS.parents[1] / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"


def context(tmp_path: Path, story: Story | None = None, rollout: str = "wave2", needs_plan: bool = False) -> Context:
    """A context whose ledger tells the story."""
    variables: dict[str, Any] = {
        "rollout": rollout, "rollout_monitoring_dir": str(tmp_path), "groups": {"dgx": HOSTS}, "ansible_play_hosts_all": HOSTS,
        "hostvars": {host: {"rollout_agents_file": str(AGENTS)} for host in HOSTS},
    }  # fmt: skip
    made = Context(variables, needs_plan=needs_plan)
    for told in story.records if story else []:
        made.record(told.kind, told.data, told.moment, attempt=told.attempt)
    return made


def reports(tmp_path: Path, story: Story | None = None, rollout: str = "wave2") -> dict[str, str]:
    paths = write_reports(context(tmp_path, story, rollout))
    assert [path.name for path in paths] == [*REPORTS, "report.html"]
    return {path.name: path.read_text(encoding="utf-8") for path in paths if path.suffix == ".md"}


def gate(tmp_path: Path, story: Story, name: str = "T+1h", why: str = "", **edits: Any) -> Story:
    """A checkpoint with real files behind its record."""
    document = evidence_of_now()
    for key, values in edits.items():
        document["instances"][key.replace("__", "@").replace("_", "-")].update(values)
    verdicts = judge(_rules.for_checkpoint(plan(), name), document)
    decision = decide(verdicts, failed_leads_to="rollback", trigger_leads_to="rollback")
    decision.why = why or decision.why
    shown = [verdict.to_dict() for verdict in verdicts]
    folder = tmp_path / "checkpoints" / "wave2" / name
    write_gate(folder, document, shown, vars(decision), {"text": "expected 6 = 6 good"})
    path = f"checkpoints/wave2/{name}/evidence.json"
    return story.gate("checkpoint", name, decision.decision, decision.why, evidence=path, accounting={"text": "t"})


def tables_are_whole(text: str) -> None:
    """Every row of a table has as many cells as its head."""
    columns = None
    for line in text.splitlines():
        if not line.startswith("|"):
            columns = None
            continue
        cells = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))
        assert columns in (None, cells), line
        columns = cells


STORIES = {
    "nothing started": (None, "NOT STARTED"),
    "only begun": (Story().started(), "IN PROGRESS"),
    "held at preflight": (
        Story().started().add("preflight.failed", problems=["dgx-1: disk"], accepted=[]).gate("preflight", "preflight", "hold"), "HOLD",
    ),
    "rolled back": (Story().both_phases().gate("checkpoint", "T+1h", "rollback").rolled_back(ALL_INSTANCES), "ROLLED BACK"),
    "partly": (
        Story().both_phases().gate("checkpoint", "T+1h", "rollback").rolled_back(ALL_INSTANCES, ALL_INSTANCES[:2]),
        "ROLLBACK INCOMPLETE",
    ),
    "missed": (Story().both_phases().add("checkpoint.missed", name="T+1h", planned_at="x", late_s=1.0), "IN PROGRESS"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(STORIES))
def test_reports_render_wherever_a_rollout_stands(tmp_path: Path, name: str) -> None:
    story, outcome = STORIES[name]
    for text in reports(tmp_path, story).values():
        tables_are_whole(text)
    assert f"# wave2: {outcome}" in (tmp_path / "reports/wave2/decision.md").read_text()


@pytest.mark.parametrize(("rollout", "outcome"), [("wave1", "GO"), ("wave2", "ROLLED BACK")])
def test_reports_of_what_a_rehearsal_recorded(tmp_path: Path, rollout: str, outcome: str) -> None:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / f"{rollout}.jsonl").write_bytes(ledger_path(rollout).read_bytes())
    texts = reports(tmp_path, rollout=rollout)
    assert f"# {rollout}: {outcome}" in texts["decision.md"]
    # It was recorded by a version that scaled time.
    assert "**Rehearsal** (time scale 900): this decision never counts for production" in texts["decision.md"]
    assert "(rehearsal, time scale 900)" in texts["deployment.md"]
    assert (
        "Its waits were 900 times shorter than the plan" in (tmp_path / "reports" / rollout / "report.html").read_text()
    )
    for text in texts.values():
        tables_are_whole(text)


def test_reports_of_a_rehearsal_that_skipped_its_waits(tmp_path: Path) -> None:
    story = Story().prepared().verified("network-expert")
    story.records[0].data.update(skips_waits=True, rehearsal=True)
    span = {"from": "2026-01-23T12:30:00+00:00", "to": "2026-01-23T14:00:00+00:00"}
    texts = reports(tmp_path, story.add("clock.skipped", **span, **{"for": "soak of network-expert"}))
    assert "**Rehearsal** (waits skipped): this decision never counts for production" in texts["decision.md"]
    assert "(rehearsal, waits skipped)" in texts["deployment.md"]
    assert "skipped 1h30m of soak of network-expert" in "".join(texts.values())
    assert "Its waits were skipped." in (tmp_path / "reports" / "wave2" / "report.html").read_text()


def test_a_partial_rollback_names_what_is_still_changed(tmp_path: Path) -> None:
    text = reports(tmp_path, STORIES["partly"][0])["decision.md"]
    assert f"Still changed: {', '.join(ALL_INSTANCES[2:])}" in text


def test_criteria_are_shown_with_value_and_verdict(tmp_path: Path) -> None:
    text = reports(tmp_path, gate(tmp_path, Story().both_phases()))["decision.md"]
    assert re.search(r"\| agent_uptime \| above 99\.9% \| 100% \| 6 \| pass \|", text)
    assert re.search(r"Triggers that fired:\s+none", text)
    tables_are_whole(text)


def test_what_agents_log_neither_formats_a_report_nor_is_templated(tmp_path: Path) -> None:
    story = gate(tmp_path, Story().both_phases(), why=f"failed: {NASTY}")
    alert = {"id": "errors", "name": "errors", "metric": "errors", "severity": "critical", "text": NASTY}
    story.add("alert.opened", **alert, instances=[NASTY], value=1.0, action=NASTY)
    story.add("preflight.failed", problems=[NASTY], accepted=[])
    story.gate("checkpoint", "T+6h", "rollback", why=NASTY)
    story.rolled_back(ALL_INSTANCES, []).records[-1].data["accounting"]["why"] = {ALL_INSTANCES[0]: NASTY}
    story.records[-1].data["why"] = NASTY
    for name, text in reports(tmp_path, story).items():
        tables_are_whole(text)
        assert "<b>" not in text, name
        assert "[a](b)" not in text.replace("\\[", ""), name
        assert "49" not in re.sub(r"\d\d:\d\d:\d\d|[0-9a-f]{12}", "", text.replace(str(tmp_path), "")), name
        assert not re.search(r"^# heading|^\| forged", text, re.MULTILINE), name
        assert "\r" not in text, name


# ---------------------------------------------------------------- files of later checkpoints


def later(tmp_path: Path, *names: str) -> tuple[Context, list[set[str]]]:
    story = Story().both_phases()
    for name in names:
        gate(tmp_path, story, name)
    made = context(tmp_path, story, needs_plan=True)
    written = []
    for name in names:
        folder = tmp_path / "checkpoints" / "wave2" / name
        summary = read_json(folder / "summary.json")
        document = read_json(folder / "evidence.json")
        written.append(set(write_checkpoint(made, folder, name, document, summary["criteria"], summary["decision"])))
    return made, written


def test_later_checkpoints_add_their_files(tmp_path: Path) -> None:
    _made, (first, second, third, last) = later(tmp_path, "T+1h", "T+6h", "T+12h", "T+24h")
    assert first == {"trends.json", "trends.txt"}
    assert second == first | {"comparison.json", "analysis.txt"}
    assert third == second
    assert last == third | {"aggregate_metrics.json", "final_analysis.md"}
    folder = tmp_path / "checkpoints" / "wave2" / "T+24h"
    aggregate = read_json(folder / "aggregate_metrics.json")["metrics"]["agent_uptime"]
    assert (aggregate["measured_at"], aggregate["of"], round(aggregate["min"], 6)) == (4, 4, 100.0)
    tables_are_whole((folder / "final_analysis.md").read_text())


def test_what_was_missed_stays_empty(tmp_path: Path) -> None:
    later(tmp_path, "T+1h", "T+12h")
    trends = (tmp_path / "checkpoints" / "wave2" / "T+12h" / "trends.txt").read_text()
    (uptime,) = [line for line in trends.splitlines() if line.startswith("agent_uptime")]
    assert uptime.split() == ["agent_uptime", "100%", "missing", "100%", "stable"]


def test_test_and_control_stand_side_by_side(tmp_path: Path) -> None:
    later(tmp_path, "T+1h", "T+6h")
    rows = read_json(tmp_path / "checkpoints" / "wave2" / "T+6h" / "comparison.json")["metrics"]
    assert rows["message_delivery"]["test"]["value"] == rows["message_delivery"]["control"]["value"] == 100.0
    assert rows["message_delivery"]["difference_pct"] == 0.0


# ---------------------------------------------------------------- status


def test_status_shows_trouble_on_top_and_a_silent_host_as_a_line() -> None:
    look = looks()[0]
    answer = {"instances": look["instances"], "host": look["host"], "journal": look["journal"]}
    answer["instances"]["tdd-expert"].update(active_state="failed")
    lines, counts = status_lines({"dgx-1": answer, "dgx-2": {"unreachable": True, "msg": "no route"}}, HOSTS[:3])
    assert counts == {"expected": 4, "active": 3, "not_active": 1, "unreachable_hosts": 2}
    assert any(re.match(r"dgx-2 +host_unreachable: no route", line) for line in lines)
    instances = lines[lines.index("") + 2 :]
    assert re.match(r"tdd-expert@dgx-1 +failed", instances[0])
    assert len(instances) == 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.25, "250ms"), (45, "45s"), (5400, "1h30m"), (90061, "1d1h1m1s"), (-60, "-1m"), (59.7, "1m")],
)
def test_durations_as_plans_write_them(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="no UTC offset"):
        parse_iso("2026-01-23T23:12:10")
    assert parse_iso("2026-01-23T23:12:10Z") == parse_iso("2026-01-24T00:12:10+01:00")
