# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens rise with the ledger, and reverts that hosts tell of are recorded once and stop the rollout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _fencing, _orders, _reverts
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context

from tests.unit.plugins.plugin_utils.recorded import HOSTS, Story, at, plan

FIRST = "network-expert"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Wave 2 with its first phase deployed, in a ledger of its own."""
    made = Context({"rollout": "wave2", "rollout_monitoring_dir": str(tmp_path)}, needs_plan=False, run="run-1")
    made.__dict__["plan"] = plan()
    for record in Story().prepared().deployed(FIRST).records:
        made.record(record.kind, record.data, record.moment, attempt=1)
    return made


def told(host: str, identity: str = "r1", agents: tuple[str, ...] = (FIRST,)) -> dict[str, Any]:
    instances = {agent: {"state": "restored", "reason": None} for agent in agents}
    reverted = {
        "id": identity,
        "at": "2026-01-23T12:20:00+00:00",
        "why": "not confirmed within 900 s",
        "complete": True,
    }
    return {host: {"guard": {"state": "reverted", "reverted": {**reverted, "instances": instances}}}}


def test_a_token_rises_with_every_record() -> None:
    records = Story().prepared().deployed(FIRST).records
    tokens = [_fencing.token(records[:length]) for length in range(1, len(records) + 1)]
    assert tokens == sorted(set(tokens))
    assert _fencing.token([]) is None


def test_a_ledger_that_is_begun_anew_has_higher_tokens() -> None:
    old, new = Story().both_phases(), Story().wait(60)
    assert _fencing.token(new.started().records) > _fencing.token(old.records)


def test_a_fence_without_a_ledger_has_no_token() -> None:
    assert _fencing.fence("wave2", "rollback", []) == {"rollout": "wave2", "step": "rollback"}
    assert _fencing.fence("wave2", "backup", Story().prepared().records)["token"] > 1


def test_a_revert_is_recorded_once(context: Context) -> None:
    assert _reverts.record_reverts(context, told("dgx-1"), at(2000)) == [f"{FIRST}@dgx-1"]
    assert _reverts.record_reverts(context, told("dgx-1"), at(2001)) == []
    assert _reverts.known(context.records) == ["r1"]
    assert f"{FIRST}@dgx-1" not in context.state.proven()
    assert context.records[-1].data["why"] == "not confirmed within 900 s"


def test_hosts_that_say_nothing_of_it_are_no_reverts(context: Context) -> None:
    silent = {"dgx-1": {"unreachable": True}, "dgx-2": {"guard": {"state": "armed", "reverted": None}}, "dgx-3": None}
    assert _reverts.record_reverts(context, silent, at(2000)) == []


def test_what_this_attempt_has_not_touched_is_recorded_and_stops_nothing(context: Context) -> None:
    assert _reverts.record_reverts(context, told("dgx-1", agents=("tdd-expert",)), at(2000)) == []
    assert _reverts.known(context.records) == ["r1"]


def test_a_host_that_went_back_takes_the_rollout_with_it(context: Context) -> None:
    back = _reverts.record_reverts(context, told("dgx-1"), at(2000))
    said = _reverts.stop_for(context, back, at(2000))
    assert said["decision"] == "rollback"
    assert "network-expert@dgx-1 went back by itself: not confirmed within 900 s" in said["msg"]
    order = _orders.rollback(context.state, forced=False, why="", chosen=lambda name: True)
    assert order["instances"] == [f"{FIRST}@{host}" for host in HOSTS]
    assert context.state.stopped("a later run") is not None


@pytest.mark.parametrize(("scope", "count"), [("instance", 1), ("phase", 3), ("rollout", 3)])
def test_as_far_as_the_plan_says(context: Context, scope: str, count: int) -> None:
    context.__dict__["plan"] = plan(rollback={"scope": scope, "when": [], "on": ["failed_phase"]})
    _reverts.stop_for(context, _reverts.record_reverts(context, told("dgx-1"), at(2000)), at(2000))
    assert len(context.state.stop.instances) == count


def test_where_rollbacks_are_a_persons_it_ends_with_no_go(context: Context) -> None:
    context.__dict__["plan"] = plan(rollback={"when": [], "on": []})
    back = _reverts.record_reverts(context, told("dgx-1"), at(2000))
    assert _reverts.stop_for(context, back, at(2000))["decision"] == "no_go"


SECOND = "tdd-expert"


@pytest.fixture
def second(tmp_path: Path) -> Context:
    """The first phase is verified and confirmed, the second deployed; every guard that is armed is the second's."""
    made = Context({"rollout": "wave2", "rollout_monitoring_dir": str(tmp_path)}, needs_plan=False, run="run-1")
    made.__dict__["plan"] = plan(rollback={"scope": "phase", "when": [], "on": ["failed_phase"]})
    story = Story().prepared()
    for phase in (FIRST, SECOND):
        for host in HOSTS:
            names = [f"{phase}@{host}"]
            story.add("batch.started", phase=phase, hosts=[host], instances=names, confirm_within_s=900.0)
            story.batch(phase, host, complete=host == HOSTS[-1])
        if phase == FIRST:
            story.gate("verify", f"verify-{FIRST}", "go", phase=FIRST).add("guard.confirmed", hosts=HOSTS)
    for record in story.records:
        made.record(record.kind, record.data, record.moment, attempt=1)
    return made


@pytest.mark.parametrize(
    ("scope", "back"), [("instance", [f"{SECOND}@dgx-1"]), ("phase", [f"{SECOND}@{host}" for host in HOSTS])]
)
def test_a_guard_that_ran_out_takes_nothing_of_a_verified_phase_back(
    second: Context, scope: str, back: list[str]
) -> None:
    second.__dict__["plan"] = plan(rollback={"scope": scope, "when": [], "on": ["failed_phase"]})
    _reverts.stop_for_overdue(second, {"dgx-1": at(1000)}, at(2000))
    assert second.state.stop is not None
    assert second.state.stop.instances == back
    assert _orders.rollback(second.state, forced=False, why="", chosen=lambda name: True)["instances"] == back


def test_each_host_that_went_back_has_its_own_reason(second: Context) -> None:
    second.__dict__["plan"] = plan(rollback={"scope": "instance", "when": [], "on": ["failed_phase"]})
    first, other = told("dgx-1", agents=(SECOND,)), told("dgx-2", "r2", (SECOND,))
    other["dgx-2"]["guard"]["reverted"]["why"] = "it was rebooted"
    back = _reverts.record_reverts(second, {**first, **other}, at(2000))
    said = _reverts.stop_for(second, back, at(2000))["msg"]
    assert f"{SECOND}@dgx-1 went back by itself: not confirmed within 900 s" in said
    assert f"{SECOND}@dgx-2 went back by itself: it was rebooted" in said
    assert second.state.stop is not None
    assert second.state.stop.instances == [f"{SECOND}@dgx-1", f"{SECOND}@dgx-2"]


def test_a_second_reason_to_go_back_adds_to_the_first(second: Context) -> None:
    second.__dict__["plan"] = plan(rollback={"scope": "instance", "when": [], "on": ["failed_phase"]})
    for host, identity in (("dgx-1", "r1"), ("dgx-2", "r2")):
        back = _reverts.record_reverts(second, told(host, identity, (SECOND,)), at(2000))
        _reverts.stop_for(second, back, at(2000))
    assert second.state.stop is not None
    assert second.state.stop.instances == [f"{SECOND}@dgx-1", f"{SECOND}@dgx-2"]
