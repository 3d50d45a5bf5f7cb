# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The campaign of triggers: does it cover what it should, and does its judgement of a run see what goes wrong?"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.campaign.triggers import campaign, plan
from tests.campaign.triggers.assess import Row, check_case, check_hosts, soak_problem, touched_by
from tests.campaign.triggers.cases import CASES, EVERYWHERE, NEIGHBOURS, Case
from tests.rollout.scenario.told import Instance

BEGUN = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
#: The last record of a history before its fault begins.
FAULT_AFTER = 3
CASE = next(case for case in CASES if case.name == "agent_crash_soak")
Records = list[dict[str, Any]]


def record(seq: int, after_s: float, kind: str, **data: Any) -> dict[str, Any]:
    return {"seq": seq, "at": (BEGUN + timedelta(seconds=after_s)).isoformat(), "kind": kind, "data": data}


def decision(seq: int, after_s: float, **more: Any) -> dict[str, Any]:
    data = {
        "name": "look-1", "decision": "rollback", "causes": [CASE.trigger], "fired": [CASE.trigger],
        "instances": sorted(EVERYWHERE), **more,
    }  # fmt: skip
    return record(seq, after_s, "gate.decided", **data)


def rolled_back(seq: int, after_s: float, good: list[str] | None = None) -> dict[str, Any]:
    good = sorted(EVERYWHERE) if good is None else good
    parts = {"expected": len(good), "good": good, "bad": [], "unreachable": [], "skipped": []}
    return record(seq, after_s, "rollback.done", accounting=parts)


@pytest.fixture
def history() -> Records:
    """A run in which all went well: crash in the soak, seen by the next look, and back."""
    return [
        record(1, -20, "batch.started"),
        record(2, -15, "batch.done"),
        record(3, -2, "gate.decided", name="verify-first", decision="go", fired=[], causes=[]),
        record(4, 5, "look.taken", fired=[CASE.trigger]),
        decision(5, 5),
        record(6, 6, "rollback.started"),
        rolled_back(7, 9),
    ]


def judged(records: Records, case: Case = CASE) -> Row:
    row = Row(case.name, case.trigger, case.state, case.fault.said)
    check_case(row, case, records, FAULT_AFTER)
    return row


def test_every_trigger_of_the_shipped_plan_has_its_run() -> None:
    assert {case.trigger for case in CASES} == set(plan.shipped_triggers())
    assert len({run.name for run in (*CASES, *NEIGHBOURS)}) == len(CASES) + len(NEIGHBOURS)


def test_every_state_has_a_trigger_of_the_hosts_and_one_of_nats() -> None:
    for state in plan.STATES:
        assert {"agent_crash", "message_loss"} <= {case.trigger for case in CASES if case.state == state}


def test_a_fault_begins_before_a_look_of_its_state() -> None:
    assert {plan.look_in(state).play for state in plan.STATES} == {
        "Deploy phase first", "Soak of phase first", "Checkpoint T+6h", "Approval before second",
    }  # fmt: skip
    assert plan.look_in(plan.STAGGER).task.startswith("cowboyai.rollout.deploy")


def test_a_wait_has_the_looks_that_its_fault_is_noticed_within() -> None:
    assert all(case.pace.looks >= case.within_looks for case in CASES)
    assert all(each.looks < plan.WHOLE_PACE.looks for each in NEIGHBOURS)


def test_the_campaign_s_triggers_are_those_of_the_shipped_plan_to_the_letter() -> None:
    shipped = plan.plans.shipped("wave2")["rollback"]
    for state in (*plan.STATES, plan.WHOLE):
        assert plan.small(state)["rollback"] == shipped
    for case in CASES:
        left = {each["name"] for each in plan.small(case.state, without=case.without)["rollback"]["when"]}
        assert left == {each["name"] for each in shipped["when"]} - set(case.without) and case.trigger in left
    raised = plan.small(plan.SOAK, {"host_memory_exhausted": "20%"})["rollback"]["when"]
    changed = [mine for mine, theirs in zip(raised, shipped["when"], strict=True) if mine != theirs]
    assert [(each["name"], each["above"]) for each in changed] == [("host_memory_exhausted", "20%")]


def test_a_good_run_has_its_looks_and_no_problem(history: Records) -> None:
    row = judged(history)
    assert row.problems == []
    assert (row.noticed_at_look, row.decided_at_look) == (1, 1)


def test_gates_are_looks_and_what_decides_is_no_second_one(history: Records) -> None:
    gate = record(4, 3, "gate.decided", gate="checkpoint", name="T+1h", decision="hold", fired=[], causes=[])
    later = [{**each, "seq": each["seq"] + 1} for each in history[3:]]
    row = judged([*history[:3], gate, *later])
    assert (row.problems, row.noticed_at_look, row.decided_at_look) == ([], 2, 2)


def late_notice(records: Records) -> None:
    records[3:] = [record(4, 5, "look.taken"), record(5, 5, "look.taken"), record(6, 6, "look.taken", fired=[CASE.trigger]),
                   decision(7, 6), record(8, 6, "rollback.started"), rolled_back(9, 7)]  # fmt: skip


def wrong_cause(records: Records) -> None:
    records[4]["data"]["causes"] = ["error_rate"]


def wrong_instances(records: Records) -> None:
    records[4]["data"]["instances"] = sorted(EVERYWHERE)[:2]


def unproven_instance(records: Records) -> None:
    records[6] = rolled_back(7, 9, sorted(EVERYWHERE)[1:])


def never_done(records: Records) -> None:
    del records[6]


def never_decided(records: Records) -> None:
    del records[4:]


def second_rollback(records: Records) -> None:
    records += [record(8, 20, "rollback.started"), rolled_back(9, 21)]


def went_on(records: Records) -> None:
    records.append(record(8, 20, "batch.started"))


def soak_was_over(records: Records) -> None:
    records.insert(3, record(3, -1, "soak.done"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (late_notice, "noticed at look 3, wanted within 2"),
        (wrong_cause, "names ['error_rate'], not agent_crash"),
        (wrong_instances, "the decision names the instances"),
        (unproven_instance, "proven back"),
        (never_done, "no rollback was done"),
        (never_decided, "no rollback was decided"),
        (second_rollback, "more than one rollback"),
        (went_on, "went on after the decision: ['batch.started']"),
        (soak_was_over, "not while soak"),
    ],
)
def test_what_goes_wrong_is_said(history: Records, spoil: Callable[[Records], None], words: str) -> None:
    spoil(history)
    problems = judged(history).problems
    assert any(words in problem for problem in problems), problems


def test_a_trigger_that_fired_before_the_fault_is_not_noticed_by_that(history: Records) -> None:
    history[2]["data"]["fired"] = [CASE.trigger]
    del history[3:]
    assert f"{CASE.trigger} never fired" in judged(history).problems


def instance(name: str, **more: Any) -> Instance:
    usual: dict[str, Any] = {
        "bytes": base64.b64decode("QT0xCg=="), "sha256": "", "owner": (0, 0), "mode": "0o640", "identity": (1, 2),
        "active": True, "invocation": "i", "restarts": 0, "pid": 7, "flag": "false",
    }  # fmt: skip
    return Instance(name=name, **{**usual, **more})


@pytest.mark.parametrize(
    ("name", "now", "words"),
    [
        ("network-expert@dgx-1", {"bytes": b"A=1"}, "environment file"),
        ("network-expert@dgx-1", {"flag": "true"}, "flag true"),
        ("network-expert@dgx-1", {"active": False}, "active False"),
        ("nix-expert@dgx-1", {"pid": 8}, "was touched"),
        ("nix-expert@dgx-1", {"mode": "0o600"}, "environment file"),
    ],
)
def test_hosts_that_are_not_as_before_are_named(name: str, now: dict[str, Any], words: str) -> None:
    before = {each: instance(each) for each in (*EVERYWHERE, "nix-expert@dgx-1")}
    after = dict(before)
    row = Row(CASE.name, CASE.trigger, CASE.state, CASE.fault.said)
    check_hosts(row, CASE, before, {**after, "network-expert@dgx-2": instance("network-expert@dgx-2", pid=9)})
    assert row.problems == []
    check_hosts(row, CASE, before, {**after, name: instance(name, **now)})
    assert any(name in problem and words in problem for problem in row.problems)


@pytest.mark.parametrize(
    ("resets", "done", "words"), [((), 29.9, ""), ((), 29, "29.0 s"), ((10,), 45, ""), ((10, 20), 30, "10.0 s")]
)
def test_a_soak_begins_anew_with_each_interruption(resets: tuple[float, ...], done: float, words: str) -> None:
    records = [record(1, 0, "gate.decided", name="verify-first", decision="go")]
    for after_s in resets:
        records.append(record(2, after_s, "soak.reset", **{"from": (BEGUN + timedelta(seconds=after_s)).isoformat()}))
    problem = soak_problem([*records, record(9, done, "soak.done")], 30.0)
    assert words in problem and bool(problem) == bool(words)


def test_who_was_touched_when() -> None:
    assert touched_by(plan.STAGGER) == {"network-expert@dgx-1"}
    assert touched_by(plan.SOAK) == touched_by(plan.APPROVAL) == EVERYWHERE
    assert len(touched_by(plan.CHECKPOINTS)) == 6


def test_quick_is_a_part_of_all_and_words_choose() -> None:
    quick, everything = campaign.chosen([], quick=True), campaign.chosen([], quick=False)
    assert 0 < len(quick) < len(everything) == len(CASES) + len(NEIGHBOURS)
    assert [run.name for run in campaign.chosen(["disk"], quick=False)] == ["disk_exhausted_soak"]
    assert {run.state for run in quick if isinstance(run, Case)} == set(plan.STATES)
