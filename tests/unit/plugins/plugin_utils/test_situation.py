# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rollout stands, in lines: stage, what comes next, readings, alerts, and what needs a person."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._recorded_plan import limit, recorded_plan, seconds
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._situation import (
    Situation,
    Waiting,
    block_lines,
    clean,
    last_readings,
    open_alerts,
    person_line,
    rollout_line,
    situation,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._stages import stage, upcoming
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import fold
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, HOSTS, HOUR, Story, at, plan, records

PLANNED = {"plan": {
    "phases": [
        {"name": "network-expert", "agents": ["network-expert"], "stagger": "30s", "verify_within": "10m", "soak": "2h"},
        {"name": "tdd-expert", "agents": ["tdd-expert"], "stagger": "30s", "verify_within": "10m"},
    ],
    "checkpoints": {"after": "tdd-expert", "at": ["1h", "6h", "24h"]},
    "watch": {"every": "5m"},
}}  # fmt: skip


def reading(name: str, kind: str = "primary", text: str = "below 1%", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "text": text, "value": 0.5, "unit": "percent", "verdict": "pass", **more}


def told(story: Story, **more: Any) -> Situation:
    """The situation a second after the story's last record."""
    story.records[0].data.update({**PLANNED, **story.records[0].data})
    now = more.pop("now", at(story.now + 1))
    return situation(story.state(), story.records, now, **more)


def lines(story: Story, **more: Any) -> list[str]:
    return block_lines(told(story, **more))


def deploying() -> Story:
    return Story().prepared().batch("network-expert", "dgx-1")


STAGES = {
    "begun": (Story().started(), "preflight", "preflight"),
    "prepared": (Story().prepared(), "deploy", "phase network-expert (1 of 2): deploying, no instance changed yet"),
    "first batch": (deploying(), "deploy", "phase network-expert (1 of 2): deploying, 1 of 1 touched instances proven"),
    "deployed": (Story().prepared().deployed("network-expert"), "verify", "phase network-expert (1 of 2): verifying"),
    "verified": (Story().prepared().verified("network-expert"), "soak", "phase network-expert (1 of 2): soaking"),
    "soaks anew": (
        Story().prepared().verified("network-expert").add("soak.reset", phase="network-expert", why="NATS of cim nats_unreachable", **{"from": iso(at(0))}),
        "soak", "phase network-expert (1 of 2): soaking, began anew 1 time, the last time for: NATS of cim nats_unreachable",
    ),
    "soaked": (Story().prepared().soaked("network-expert"), "deploy", "phase tdd-expert (2 of 2): deploying, no instance changed yet"),
    "both": (Story().both_phases(), "checkpoint", "all 2 phases changed, on the way to T+1h"),
    "first taken": (Story().both_phases().gate("checkpoint", "T+1h", "go"), "checkpoint", "all 2 phases changed, on the way to T+6h"),
    "all taken": (
        Story().both_phases().gate("checkpoint", "T+1h", "go").gate("checkpoint", "T+6h", "go").gate("checkpoint", "T+24h", "go"),
        "decide", "every checkpoint is over, the decision comes next",
    ),
    "decided": (Story().both_phases().add("decision.made", decision="go", why="all passed"), "done", "over"),
    "rolled back": (Story().both_phases().rolled_back(ALL_INSTANCES), "done", "over"),
    "in part": (Story().both_phases().rolled_back(ALL_INSTANCES, ALL_INSTANCES[:2]), "rollback", "rolled back in part"),
    "asked": (
        Story().prepared().add("approval.requested", approval="network-expert", until=iso(at(999)), otherwise="hold"),
        "approval", "waiting for a person's approval before network-expert",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(STAGES))
def test_the_stage_is_told_wherever_a_rollout_stands(name: str) -> None:
    story, step, text = STAGES[name]
    seen = told(story).stage
    assert (seen.step, seen.text) == (step, text)


def test_nothing_started() -> None:
    assert block_lines(situation(Story().state(), [], at(0))) == ["wave2  NOT STARTED"]


@pytest.mark.parametrize("rollout", ["wave1", "wave2"])
def test_what_a_rehearsal_recorded_can_be_shown_at_every_moment(rollout: str) -> None:
    """Also by a ledger that knows neither readings nor the whole plan."""
    kept = records(rollout)
    for count in range(1, len(kept) + 1):
        state = fold(rollout, kept[:count])
        seen = situation(state, kept[:count], kept[count - 1].moment)
        assert block_lines(seen)[0].startswith(f"{rollout}  {state.outcome}")
        assert rollout_line(seen).startswith(rollout)


# ---------------------------------------------------------------- what comes next


def test_checkpoints_are_counted_from_the_phase_that_the_plan_names() -> None:
    story = Story().both_phases()
    seen = told(story)
    deployed = story.state().phase("tdd-expert").deployed_at
    due = {event.what: (event.at - deployed).total_seconds() for event in seen.events if deployed}
    assert due["checkpoint T+1h"] == HOUR
    assert due["checkpoint T+24h"] == 24 * HOUR
    assert [event.what for event in seen.events][:2] == ["look", "checkpoint T+1h"]


def test_what_is_due_in_a_ledger_of_scaled_time_was_divided() -> None:
    """By an earlier version; this one reads it."""
    story = Story().prepared().verified("network-expert")
    story.records[0].data.update(time_scale=3600.0, rehearsal=True)
    seen = told(story)
    soak = next(event for event in seen.events if event.step == "soak")
    look = next(event for event in seen.events if event.step == "look")
    verified = story.state().phase("network-expert").verified_at
    assert verified
    assert (soak.at - verified).total_seconds() == 2.0
    assert (look.at - verified).total_seconds() == pytest.approx(300 / 3600, abs=1e-6)
    assert block_lines(seen)[0].startswith("wave2  IN PROGRESS  attempt 1, rehearsal, time scale 3600")


def test_where_waits_are_skipped_what_is_due_comes_when_the_plan_says() -> None:
    story = Story().prepared().verified("network-expert")
    story.records[0].data.update(skips_waits=True, rehearsal=True)
    seen = told(story)
    due = {event.step: event.at for event in seen.events}
    verified = story.state().phase("network-expert").verified_at
    assert verified
    assert (due["soak"] - verified).total_seconds() == 2 * HOUR
    assert (due["look"] - verified).total_seconds() == 300.0
    assert block_lines(seen)[0].startswith("wave2  IN PROGRESS  attempt 1, rehearsal, waits skipped")


def test_the_way_to_a_checkpoint_in_a_ledger_of_scaled_time_was_divided() -> None:
    story = Story().both_phases()
    story.records[0].data.update(time_scale=3600.0, rehearsal=True)
    deployed = story.state().phase("tdd-expert").deployed_at
    due = next(event.at for event in told(story).events if event.what == "checkpoint T+6h")
    assert deployed and (due - deployed).total_seconds() == 6.0


def test_a_shadow_rollout_is_not_held_up_by_a_backup_that_it_never_makes() -> None:
    story = Story().started(shadow=True).add("preflight.passed", accepted=[], nats_groups=[])
    story.add("baseline.taken", evidence="checkpoints/wave2/baseline/evidence.json")
    assert told(story).stage.step == "deploy"


def test_nothing_comes_next_once_it_is_to_be_rolled_back() -> None:
    story = Story().both_phases().gate("checkpoint", "T+1h", "rollback")
    assert told(story).events == []
    assert upcoming(story.state(), recorded_plan({})) == []


def test_a_wait_tells_its_goal_and_its_next_look_once() -> None:
    story = Story().both_phases()
    waiting = Waiting("checkpoint T+1h", at(story.now + 60), at(story.now + 600))
    shown = lines(story, waiting=waiting)
    assert f"  waiting    checkpoint T+1h: in 9m59s, at {short(waiting.goal)}" in shown
    assert "  next       look: in 59s" in shown
    assert sum("T+1h" in line and "in 9m" in line for line in shown) == 1
    assert not any(line.startswith("  ledger") for line in shown)


def test_what_is_late_says_so() -> None:
    story = Story().both_phases()
    assert any("checkpoint T+1h: due for 1h" in line for line in lines(story, now=at(story.now + 2 * HOUR)))


# ---------------------------------------------------------------- readings


def test_trouble_stands_on_top_with_its_threshold() -> None:
    rows = [
        reading("fine"),
        reading("unseen", value=None, verdict="inconclusive"),
        reading("bad", text="below 0.1%", verdict="fail"),
        reading("fired", "trigger", "above 0", unit="count", verdict="fail"),
        reading("told", "alert", "above 2", unit="number", value=2.4, verdict="fail"),
        reading("slow", "secondary", "below 10ms", unit="duration", value=0.012, verdict="fail"),
    ]
    shown = lines(Story().both_phases().add("look.taken", label="x", gaps={}, readings=rows))
    table = [line for line in shown if line.startswith("    ") and line[4] != " "]
    assert table == [
        "    FAIL  bad      0.5%  wanted below 0.1%",
        "    FIRED fired     0.5  trips above 0 (trigger)",
        "    ALERT told      2.4  trips above 2 (alert)",
        "    off   slow    12 ms  wanted below 10ms (informs)",
        "    ?     unseen      -  wanted below 1%",
        "    ok    fine     0.5%  wanted below 1%",
    ]


def test_a_newer_reading_replaces_the_older_one_of_the_same_rule() -> None:
    story = Story().both_phases().gate("checkpoint", "T+1h", "go", evidence="e/evidence.json")
    summary = {"decision": {"why": "because"}, "criteria": [reading("error_rate", value=9.0), reading("uptime")]}
    story.add("look.taken", label="x", gaps={}, readings=[reading("error_rate", value=0.1)])
    look, gate = last_readings(story.records, summary)
    assert [(row.name, row.value) for row in look.rows] == [("error_rate", 0.1)]
    assert [(row.name, row.value) for row in gate.rows] == [("uptime", 0.5)]


def test_a_summary_of_another_look_is_not_taken_for_this_one() -> None:
    story = Story().both_phases().gate("checkpoint", "T+1h", "go", evidence="e/evidence.json")
    assert last_readings(story.records, {"decision": {"why": "another"}, "criteria": [reading("error_rate")]}) == []


def test_without_readings_the_words_of_the_last_look_are_shown() -> None:
    shown = lines(Story().both_phases(), told="6 of 6 well, errors 0")
    assert "  readings   6 of 6 well, errors 0" in shown


@pytest.mark.parametrize("raw", [None, "text", [None, 3, {}, {"name": ""}], [{"name": "x", "value": "NaN"}]])
def test_readings_that_are_none_do_no_harm(raw: Any) -> None:
    story = Story().both_phases().add("look.taken", label="x", gaps={}, readings=raw)
    assert lines(story)[0].startswith("wave2  IN PROGRESS")


# ---------------------------------------------------------------- alerts


def alert(story: Story, kind: str, name: str, severity: str = "warning") -> Story:
    more = {"name": name, "metric": name, "severity": severity, "text": f"{name} is high", "action": "look"}
    return story.add(f"alert.{kind}", id=name, instances=[], value=1.0, **more)


def test_alerts_that_are_open_the_worst_first() -> None:
    story = alert(Story().both_phases(), "opened", "load")
    alert(alert(story, "opened", "crash", "critical"), "opened", "gone")
    alert(alert(story, "updated", "load"), "closed", "gone")
    assert [each.id for each in open_alerts(story.records)] == ["crash", "load"]
    # An update is no new alert.
    assert open_alerts(story.records)[1].since == at(story.now - 4)
    shown = lines(story)
    assert "  alerts     2 open" in shown
    assert "    CRITICAL  crash is high (for 4s; look)" in shown


def test_alerts_of_older_ledgers_last_until_the_next_look() -> None:
    story = Story().both_phases().add("alert.raised", alerts=[{"severity": "warning", "text": "load"}])
    assert [each.text for each in open_alerts(story.records)] == ["load"]
    story.add("look.taken", label="x", gaps={})
    assert open_alerts(story.records) == []


# ---------------------------------------------------------------- persons


CALM = {
    "on its way": Story().both_phases(),
    "done": Story().both_phases().add("decision.made", decision="go", why="x"),
    "back": Story().both_phases().rolled_back(ALL_INSTANCES),
    "warned": alert(Story().both_phases(), "opened", "load"),
}
NEEDED = {
    "hold": (Story().both_phases().gate("checkpoint", "T+1h", "hold"), "start the same command again"),
    "rollback due": (Story().both_phases().gate("checkpoint", "T+1h", "rollback"), "a rollback is due"),
    "incomplete": (Story().both_phases().rolled_back(ALL_INSTANCES, ALL_INSTANCES[:5]), f"{ALL_INSTANCES[5]} still run"),
    "no go": (Story().both_phases().gate("checkpoint", "T+1h", "no_go"), "the change is in place"),
    "critical": (alert(Story().both_phases(), "opened", "crash", "critical"), "1 critical alert is open"),
    "approval": (
        Story().both_phases().add("approval.requested", approval="decision", until=iso(at(9e4)), otherwise="hold"),
        "decision waits for an approval: ansible-playbook playbooks/approve.yml",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CALM))
def test_nobody_is_called_without_need(name: str) -> None:
    assert person_line(told(CALM[name])) == "wave2: nothing needs a person"


@pytest.mark.parametrize("name", list(NEEDED))
def test_a_person_is_called_by_name_of_what_to_do(name: str) -> None:
    story, words = NEEDED[name]
    last = person_line(told(story))
    assert last.startswith("wave2 NEEDS A PERSON: ") and words in last
    assert "NEEDS A PERSON" in rollout_line(told(story))


def test_an_approval_that_was_given_calls_nobody() -> None:
    story = NEEDED["approval"][0]
    given = Story().both_phases()
    given.records += [*story.records[-1:]]
    given.add("approval.given", approval="decision", decision="go")
    assert "nothing needs a person" in person_line(told(given))


@pytest.mark.parametrize(("silent_s", "called"), [(300, False), (900, False), (961, True)])
def test_silence_beyond_three_looks_calls_somebody(silent_s: float, called: bool) -> None:
    story = Story().both_phases()
    last = person_line(told(story, now=at(story.now + silent_s)))
    assert ("nothing was recorded for" in last) is called


def test_a_run_that_waits_is_not_silent() -> None:
    story = Story().both_phases()
    waiting = Waiting("x", at(story.now + 9999), at(story.now + 9999))
    assert told(story, now=at(story.now + 5000), waiting=waiting).person == []


# ---------------------------------------------------------------- wild text


@given(st.text())
def test_no_line_moves_a_cursor_or_breaks(text: str) -> None:
    story = Story().both_phases().gate("checkpoint", "T+1h", "hold", why=text)
    alert(story, "opened", text or "x")
    story.records[0].data["title"] = text
    story.add("look.taken", label=text, gaps={}, readings=[reading(text or "x", text=text)], accounting=text)
    for line in [*lines(story), person_line(told(story)), rollout_line(told(story)), clean(text)]:
        assert line.isprintable()


# ---------------------------------------------------------------- plans as they were recorded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1h30m", 5400.0),
        ("250ms", 0.25),
        ("2d", 172800.0),
        ("0.5s", 0.5),
        ("", 0.0),
        (None, 0.0),
        ("5", 0.0),
        ("x5m", 0.0),
    ],
)
def test_durations_of_plans(text: Any, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("below 0.1%", ("below", 0.1)),
        ("above 20% against baseline", ("above", 20.0)),
        ("at least 5", ("at_least", 5.0)),
        ("below 200ms", ("below", 0.2)),
        ("above 1h30m", ("above", 5400.0)),
        ("above 24MiB", ("above", 24 * 1048576.0)),
        ("equals -1.5%", ("equals", -1.5)),
        ("nonsense", None),
        ("", None),
    ],
)
def test_thresholds_of_rules(text: str, expected: Any) -> None:
    assert limit(text) == expected


def test_every_threshold_of_a_shipped_plan_is_read() -> None:
    """As the judge has it, whatever the unit."""
    whole = plan()
    for criterion in [*whole.criteria.primary, *whole.criteria.secondary, *whole.alerts, *whole.rollback.when]:
        found = limit(criterion.text.removeprefix(f"{criterion.metric} "))
        assert found == (criterion.comparison, pytest.approx(criterion.threshold)), criterion.text


def test_the_recorded_plan_says_what_the_plan_says() -> None:
    whole = plan()
    kept = recorded_plan({"plan": whole.to_dict(), "skips_waits": False})
    assert [(p.name, list(p.agents), p.soak_s, p.stagger_s) for p in kept.phases] == [
        (p.name, list(p.agents), p.soak or 0.0, p.stagger) for p in whole.phases
    ]
    assert [name for name, _offset in kept.checkpoints] == whole.checkpoint_names()
    assert [offset for _name, offset in kept.checkpoints] == [
        c.offset_s for c in map(whole.checkpoint, whole.checkpoint_names())
    ]
    assert (kept.checkpoints_after, kept.watch_every_s) == (whole.checkpoints.after, whole.watch.every)


def test_a_ledger_without_its_plan_still_has_a_stage() -> None:
    assert stage(Story().both_phases().state(), recorded_plan({})).step == "decide"


@pytest.mark.parametrize(
    ("hosts", "later", "line"),
    [
        (["dgx-1"], 100, "  guards     dgx-1 puts itself back unless confirmed, in 13m20s, at 2026-01-23 12:15:05Z"),
        (HOSTS, 0, "  guards     dgx-1, dgx-2, dgx-3 put themselves back unless confirmed, the first in 15m"),
        (HOSTS, 1000, "dgx-3: not confirmed by 2026-01-23 12:15:05Z (1m40s ago), so a host that was not told has put itself back"),
        ([f"h{n}" for n in range(9)], 0, "h0, h1, h2, h3, h4 and 4 more put themselves back"),
        ([], 0, ""),
    ],
)  # fmt: skip
def test_hosts_that_wait_for_their_confirmation_are_told(hosts: list[str], later: int, line: str) -> None:
    story = Story().prepared()
    if hosts:
        story.add("batch.started", phase="network-expert", hosts=hosts, instances=[], confirm_within_s=900.0)
    shown = block_lines(situation(story.state(), story.records, at(story.now + later)))
    found = [each for each in shown if "unless confirmed" in each or "not confirmed by" in each]
    assert len(found) == bool(hosts)
    assert line in "".join(found)
