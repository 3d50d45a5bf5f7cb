# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch arms, who was told that its change is good, and what a host that went back does to the rollout."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.action import step, tally
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _confirming
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context

from tests.unit.plugins.plugin_utils.recorded import HOSTS, Story, at, plan

PHASE = "network-expert"
NOW = 100.0
GONE_BACK = {
    "state": "reverted",
    "reverted": {
        "id": "r1",
        "at": "2026-01-23T12:20:00+00:00",
        "why": "not confirmed within 900 s",
        "complete": True,
        "instances": {PHASE: {"state": "restored", "reason": None}},
    },
}


def action(of: Any, now: float = NOW, check: bool = False) -> Any:
    made = of.ActionModule.__new__(of.ActionModule)
    made._context = SimpleNamespace(clock=SimpleNamespace(now=lambda: at(now)))
    made._task = SimpleNamespace(check_mode=check)
    return made


def context_of(folder: Path, story: Story, **variables: Any) -> Context:
    known = {"rollout": "wave2", "rollout_monitoring_dir": str(folder), "ansible_play_batch": HOSTS[:1], **variables}
    made = Context(
        {**known, "ansible_play_hosts_all": HOSTS, "hostvars": {h: {} for h in HOSTS}}, needs_plan=False, run="run-1"
    )
    made.__dict__["plan"] = plan()
    for record in story.records:
        made.record(record.kind, record.data, record.moment, attempt=1)
    return made


@pytest.fixture
def armed(tmp_path: Path) -> Context:
    """The first phase is deployed and verified, its hosts wait."""
    story = Story().prepared()
    for host in HOSTS:
        story.add("batch.started", phase=PHASE, hosts=[host], instances=[f"{PHASE}@{host}"], confirm_within_s=900.0)
        story.batch(PHASE, host, complete=host == HOSTS[-1])
    return context_of(tmp_path, story.gate("verify", f"verify-{PHASE}", "go", phase=PHASE))


def confirm(context: Context, results: dict[str, Any], **order: Any) -> dict[str, Any]:
    asked = {"state": "confirmed", "hosts": HOSTS, **order}
    return dict(action(tally)._confirm(context, {"order": asked}, results))


def test_a_batch_records_what_it_arms_and_hands_it_to_the_hosts(tmp_path: Path) -> None:
    context = context_of(tmp_path, Story().prepared())
    begun = action(tally)._begin(context, {"order": {"phase": PHASE, "named": [f"{PHASE}@dgx-1"]}}, {})
    assert context.records[-1].data["confirm_within_s"] == 900.0
    assert begun["guard"] == {"rollout": "wave2", "directory": "/b", "within": 900.0, "known": []}
    assert begun["fence"]["token"] % 1_000_000 == context.records[-1].seq
    assert list(context.state.armed) == HOSTS[:1]


def test_a_shadow_and_check_mode_arm_nothing(tmp_path: Path) -> None:
    order = {"order": {"phase": PHASE, "named": [f"{PHASE}@dgx-1"]}}
    checked = context_of(tmp_path / "a", Story().prepared())
    assert set(action(tally, check=True)._begin(checked, order, {})) == {"due", "msg"}
    shadow = context_of(tmp_path / "b", Story().prepared(), rollout_shadow=True)
    assert set(action(tally)._begin(shadow, order, {})) == {"due", "msg"}
    assert shadow.state.armed == {}


def test_all_were_told(armed: Context) -> None:
    done = confirm(armed, {host: {"guard": {"state": "none", "reverted": None}} for host in HOSTS})
    assert (done["complete"], done["decision"]) == (True, "go")
    assert (armed.records[-1].kind, armed.records[-1].data["hosts"]) == ("guard.confirmed", HOSTS)
    assert armed.state.armed == {}


def test_a_host_that_could_not_be_told_holds_and_is_told_by_the_next_run(armed: Context) -> None:
    told = {host: {"guard": {"state": "none", "reverted": None}} for host in HOSTS[:2]}
    done = confirm(armed, {**told, "dgx-3": {"unreachable": True, "msg": "no route to host"}})
    assert done["decision"] == "hold"
    assert "dgx-3: no route to host" in armed.state.stop.why
    assert list(armed.state.armed) == HOSTS[2:]
    armed.run = "run-2"
    armed.record("run.resumed", {"after": "", "was": ""}, at(NOW))
    assert _confirming.confirmation(action(step).view(armed))["hosts"] == HOSTS[2:]


def test_a_host_that_could_not_be_renewed_is_tried_again_by_the_next_look(armed: Context) -> None:
    told = {host: {"guard": {"state": "armed", "reverted": None}} for host in HOSTS[:2]}
    done = confirm(armed, told, state="renewed", within_s=900.0)
    assert (done["complete"], done["decision"], armed.state.stop) == (False, "go", None)
    assert armed.records[-1].kind == "guard.renewed"


def test_a_host_that_went_back_before_it_was_told(armed: Context) -> None:
    told = {host: {"guard": {"state": "none", "reverted": None}} for host in HOSTS[:2]}
    done = confirm(armed, {**told, "dgx-3": {"guard": GONE_BACK}})
    assert done["decision"] == "rollback"
    kinds = [record.kind for record in armed.records[-3:]]
    assert kinds == ["host.reverted", "guard.confirmed", "gate.decided"]
    assert armed.records[-2].data["hosts"] == HOSTS[:2]
    assert f"{PHASE}@dgx-3" not in armed.state.proven()


def test_a_change_that_meets_a_host_that_went_back_is_no_fault_of_the_agents(tmp_path: Path) -> None:
    name = f"{PHASE}@dgx-1"
    story = (
        Story().prepared().add("batch.started", phase=PHASE, hosts=["dgx-1"], instances=[name], confirm_within_s=90.0)
    )
    context = context_of(tmp_path, story)
    refused = {"state": "failed", "reason": "host_reverted", "message": "it has put itself back"}
    results = {"dgx-1": {"failed": True, "instances": {PHASE: refused}, "guard": GONE_BACK}}
    action(tally)._deploy(context, {"order": {"phase": PHASE, "named": [name]}}, results)
    decided = context.records[-1].data
    assert (decided["gate"], decided["decision"]) == ("guard", "rollback")
    assert context.records[-2].kind == "host.reverted"


@pytest.mark.parametrize(
    "reason",
    ["fenced", "guard_failed", "host_busy", "disk_full", "write_failed", "permission_denied", "env_file_not_regular"],
)
def test_what_never_reached_an_agent_holds(tmp_path: Path, reason: str) -> None:
    name = f"{PHASE}@dgx-1"
    context = context_of(
        tmp_path, Story().prepared().add("batch.started", phase=PHASE, hosts=["dgx-1"], instances=[name])
    )
    results = {"dgx-1": {"failed": True, "instances": {PHASE: {"state": "failed", "reason": reason, "message": "no"}}}}
    action(tally)._deploy(context, {"order": {"phase": PHASE, "named": [name]}}, results)
    assert context.records[-1].data["decision"] == "hold"


def test_the_next_batch_is_not_changed_when_the_first_has_gone_back(tmp_path: Path) -> None:
    name = f"{PHASE}@dgx-1"
    story = (
        Story().prepared().add("batch.started", phase=PHASE, hosts=["dgx-1"], instances=[name], confirm_within_s=90.0)
    )
    context = context_of(tmp_path, story.batch(PHASE, "dgx-1"), ansible_play_batch=["dgx-2"], phase=PHASE)
    order = action(step, now=story.now + 200)._deploy(context, {"phase": PHASE})
    assert (order["due"], context.state.stop.decision) == (False, "rollback")
    assert "dgx-1 was not confirmed in time" in order["stopped_by"]
