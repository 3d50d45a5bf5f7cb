# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of messages: the fields of the runbook, host data as data, a person's own templates."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._due import messages_due
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._facts import Place, facts_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._render import TEMPLATES, Text, data_text, render
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, Story, at, records

MONITORING = Path("/srv/monitoring")
NASTY = "<!channel> @everyone {{ 7*7 }} {% raw %} [click](http://evil)\n\nStatus: PASS\r\x1b[2J\u202e"


def criterion(metric: str, value: float | None, unit: str, verdict: str = "pass", **more: Any) -> dict[str, Any]:
    return {
        "name": metric, "metric": metric, "kind": "primary", "verdict": verdict, "text": "below 1%", "unit": unit, "value": value,
        "reasons": {}, "worst": {}, "by_unit": unit, "against": None, **more,
    }  # fmt: skip


SUMMARY = {
    "criteria": [
        criterion("agent_uptime", 99.98, "percent"),
        criterion("error_rate", 4.2, "percent", "fail", worst={"router@h-1": 5.1}),
        criterion("latency_p50", 0.0124, "duration"),
        criterion("latency_p99", None, "duration", "inconclusive", reasons={"agent_silent": "no answer"}),
        criterion("dual_publish_success", 99.4, "percent"),
        criterion("latency_p50", 3.0, "percent", against="previous"),
    ]
}


def message(story: Story, summary: dict[str, Any] | None = None, own: Path | None = None, index: int = -1) -> Text:
    due = messages_due(story.records, 0)[index]
    upcoming = (("T+1h", at(3600)), ("T+6h", at(6 * 3600)))
    seen = [record for record in story.records if record.seq <= due.record.seq]
    return render(due.event, facts_of(due, seen, summary, Place(MONITORING, upcoming)), own)


def test_a_checkpoint_has_the_fields_of_the_runbook() -> None:
    story = Story().both_phases().gate("checkpoint", "T+1h", "go", evidence="checkpoints/wave2/T+1h/evidence.json")
    text = message(story, SUMMARY)
    assert text.title == "wave2 checkpoint: T+1h GO"
    lines = text.body.splitlines()
    assert lines[0] == "Status: ✅ PASS (GO): because"
    assert "- Agent uptime: 99.98%" in lines
    assert "- Error rate: 4.2%" in lines
    assert "- Response latency (p50): 12.4 ms" in lines
    assert "- Response latency (p99): not measured" in lines
    assert "- Dual publishing: 99.4%" in lines
    assert any(line.startswith("- error_rate 4.2%") and "router@h-1" in line for line in lines)
    assert "Next checkpoint: T+6h at 2026-01-23 18:00:00Z" in lines
    assert "Full report: /srv/monitoring/checkpoints/wave2/T+1h/summary.json" in lines


def test_a_checkpoint_without_trouble_says_none() -> None:
    good = {"criteria": [criterion("agent_uptime", 100.0, "percent")]}
    text = message(Story().both_phases().gate("checkpoint", "T+6h", "go"), good)
    assert "Issues: None" in text.body
    assert "Next checkpoint: T+1h" in text.body
    stopped = message(Story().both_phases().gate("checkpoint", "T+1h", "no_go"), good, index=-2)
    assert "Next checkpoint" not in stopped.body
    assert "Issues:\n- because" in stopped.body


def alert(kind: str, severity: str = "critical", **more: Any) -> Story:
    data = {
        "id": "error_rate", "name": "error_rate", "metric": "error_rate", "severity": severity, "value": 4.2, "unit": "percent",
        "text": "error_rate 4.2% (trips at above 1%)", "instances": ALL_INSTANCES[:2], "action": "Page the operator", "condition": "c",
    }  # fmt: skip
    return Story().both_phases().add(f"alert.{kind}", **{**data, **more})


def test_an_alert_has_the_fields_of_the_runbook() -> None:
    text = message(alert("opened"))
    assert text.title == "🚨 wave2 alert: error_rate"
    lines = text.body.splitlines()
    assert lines[:2] == ["Alert: error_rate 4.2% (trips at above 1%)", "Severity: CRITICAL"]
    assert lines[2].startswith("Time: 2026-01-23 ")
    assert "- error_rate: 4.2%" in lines
    assert f"- Instances: {', '.join(ALL_INSTANCES[:2])}" in lines
    assert "What to do: Page the operator" in lines
    assert "Action taken: None so far, the watch goes on" in lines
    assert "Status page: /srv/monitoring/alerts/wave2.log" in lines


def test_an_alert_tells_that_a_rollback_is_under_way() -> None:
    story = (
        alert("opened")
        .add("rollback.started", instances=ALL_INSTANCES, why="bad")
        .add("alert.resent", **alert("opened").records[-1].data, open_s=3600.0)
    )
    text = message(story)
    assert "Action taken: Rollback initiated" in text.body
    assert "Open for: 1h" in text.body


def test_an_alert_of_the_gate_that_rolls_back_says_so() -> None:
    story = alert("opened")
    due = messages_due(story.records, 0)[-1]
    latest = story.gate("checkpoint", "T+1h", "rollback").state()
    facts = facts_of(due, story.records[:-1], None, Place(MONITORING), latest)
    assert "Action taken: Rollback initiated" in render(due.event, facts).body


def test_what_a_criterion_says_already_is_no_issue_twice() -> None:
    failed = criterion("error_rate", 4.2, "percent", "fail", text="above 1%", kind="trigger")
    text = message(alert("opened").gate("checkpoint", "T+1h", "hold"), {"criteria": [failed]})
    assert text.body.count("error_rate 4.2% (trips at above 1%)") == 1


def test_an_alert_that_is_over_and_one_that_nobody_could_see() -> None:
    assert message(alert("closed", why="it no longer holds", open_s=60.0)).title == "✅ wave2 alert is over: error_rate"
    assert "could not see" in message(alert("resent", open_s=60.0, unseen=True)).body
    assert message(alert("updated", was="warning")).title == "🚨 wave2 alert is now critical: error_rate"


def test_deployment_rollback_report_and_approval() -> None:
    story = Story().prepared().batch("network-expert", "dgx-1")
    assert message(story).title == "wave2 deployment: phase network-expert begins"
    story.batch("network-expert", "dgx-2", complete=True)
    done = message(story)
    assert done.title == "wave2 deployment: phase network-expert is deployed"
    assert "Agents so far: network-expert (2)" in done.body
    back = Story().both_phases().rolled_back(ALL_INSTANCES)
    assert [message(back, index=i).title for i in (-3, -2, -1)] == [
        "🚨 wave2 rollback begins", "✅ wave2 rollback is done", "wave2: ROLLED BACK",
    ]  # fmt: skip
    part = message(Story().both_phases().rolled_back(ALL_INSTANCES, ALL_INSTANCES[1:]), index=-2)
    assert part.title == "🚨 wave2 rollback is NOT complete"
    assert f"Still changed: {ALL_INSTANCES[0]}" in part.body
    decided = message(Story().both_phases().add("decision.made", decision="go", why="all well"), SUMMARY)
    assert decided.title == "wave2: GO"
    assert "✅ agent_uptime below 1%: 99.98%" in decided.body
    assert "❌ error_rate below 1%: 4.2%" in decided.body
    assert "⚠️ latency_p99 below 1%: -" in decided.body
    assert "Full report: /srv/monitoring/reports/wave2/decision.md" in decided.body
    wanted = (
        Story()
        .both_phases()
        .add(
            "approval.requested",
            approval="tdd-expert",
            until="2026-01-23T20:00:00+00:00",
            otherwise="hold",
        )
    )
    text = message(wanted, SUMMARY)
    assert "tdd-expert" in text.title
    assert "without an answer by then: hold" in text.body
    assert "playbooks/approve.yml -e rollout=wave2" in text.body


def test_answers_to_an_approval() -> None:
    story = Story().both_phases()
    story.add("approval.requested", approval="decision", until="2026-01-23T20:00:00+00:00", otherwise="hold")
    assert "without an answer by then: hold" in message(story).body
    given_ = message(story.add("approval.given", approval="decision", decision="go", reason="looks well"))
    assert given_.title == "wave2 approval before decision: answered"
    assert "Status: GO, answered by me@here: looks well" in given_.body
    expired = message(story.add("approval.expired", approval="decision", decision="hold"))
    assert "nobody answered in time; that leads to HOLD" in expired.body


def test_a_rehearsal_says_so_first() -> None:
    story = Story().started(rehearsal=True, time_scale=900.0).batch("network-expert", "dgx-1")
    assert message(story).title.startswith("[REHEARSAL] wave2 deployment")


@pytest.mark.parametrize("rollout", ["wave1", "wave2"])
def test_every_message_of_a_recorded_rollout_renders(rollout: str) -> None:
    recorded = records(rollout)
    for due in messages_due(recorded, 0):
        before: list[Record] = [record for record in recorded if record.seq <= due.record.seq]
        text = render(due.event, facts_of(due, before, None, Place(MONITORING)))
        assert text.title.startswith("[REHEARSAL] ")
        assert "\n" not in text.title
        assert len(text.body.splitlines()) > 2


# Host data is data


def test_host_data_makes_no_lines_no_mentions_no_templates() -> None:
    text = message(alert("opened", text=NASTY, name=NASTY, action=NASTY, instances=[NASTY]))
    whole = f"{text.title}\n{text.body}"
    assert "<!" not in whole
    assert "@everyone" not in whole
    assert "](http" not in whole
    assert "49" not in whole
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", whole)
    assert not any(line.startswith("Status: PASS") for line in whole.splitlines())


@given(st.text())
def test_any_text_stays_on_one_line(text: str) -> None:
    cleaned = str(data_text(text))
    assert len(cleaned.splitlines()) <= 1
    assert len(cleaned) <= 1000
    assert "<!" not in cleaned


def test_nothing_is_endless() -> None:
    text = message(alert("opened", text="x" * 50_000, instances=[f"a@h-{n}" for n in range(5000)]))
    assert len(text.title) <= 200
    assert len(text.body) < 5000
    assert "and 4988 more" in text.body


# A person's own templates


def test_an_own_template_takes_the_place_of_ours_and_can_include_ours(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.txt.j2").write_text('Subject: {{ rollout }} mine\nhi\n{% include "next.txt.j2" %}')
    text = message(Story().both_phases().gate("checkpoint", "T+1h", "go"), own=tmp_path)
    assert (text.title, text.body) == ("wave2 mine", "hi\nNext checkpoint: T+6h at 2026-01-23 18:00:00Z")
    assert message(alert("opened"), own=tmp_path).title == "🚨 wave2 alert: error_rate"


@pytest.mark.parametrize(
    "broken",
    ["{% if %}", "{{ no_such_fact }}", "{{ 1 // 0 }}", "{{ ''.__class__.__mro__ }}", "{% include 'none' %}", "\udcff"],
)
def test_a_broken_own_template_costs_nobody_the_message(tmp_path: Path, broken: str) -> None:
    (tmp_path / "checkpoint.txt.j2").write_bytes(broken.encode("utf-8", "surrogateescape"))
    text = message(Story().both_phases().gate("checkpoint", "T+1h", "go"), own=tmp_path)
    assert text.title == "wave2 checkpoint: T+1h GO"
    assert "could not be used" in text.body


def test_templates_can_reach_nothing_but_their_facts(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.txt.j2").write_text("{{ next.__class__.__init__.__globals__ }}")
    assert "could not be used" in message(Story().both_phases().gate("checkpoint", "T+1h", "go"), own=tmp_path).body


def test_every_event_has_a_template() -> None:
    names = {path.name for path in TEMPLATES.glob("*.txt.j2")}
    assert names >= {
        f"{event}.txt.j2"
        for event in ("deployment", "checkpoint", "approval", "incident", "rollback", "report", "message")
    }


def test_moments_are_shown_in_utc() -> None:
    assert data_text(at(0) + timedelta(hours=1)) == "2026-01-23 13:00:00Z"
