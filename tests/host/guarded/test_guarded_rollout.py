# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts wait for the confirmation of a rollout: given by the verification, and what happens when nobody gave it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.host.shared_fleet import RehearsalHost, SharedFleet
from tests.rollout.scenario import plans
from tests.rollout.scenario.story import ROOT, Story

ROLLOUT = "guarded"
AGENTS = {"first": "tdd-expert", "second": "git-expert"}
INSTANCES = {phase: f"{agent}@dgx-1" for phase, agent in AGENTS.items()}
STATE = "/var/lib/cowboyai-rollout"
#: The guard's deadline is moved into the past and its own service started, instead of waiting for it.
FIRE = f"""
cd {STATE}/{ROLLOUT}
sed -i 's/"deadline_monotonic": [0-9.]*/"deadline_monotonic": 1.0/' guard.json
unit=$(systemctl list-timers --all --no-legend 'cowboyai-rollout-guard-*' | grep -o 'cowboyai[^ ]*service')
systemctl start "$unit"
while test -e guard.json; do sleep 0.1; done
"""


def plan() -> dict[str, Any]:
    """Wave 1 with two phases, on hosts alone: what NATS says is another test's subject."""
    content = plans.shipped("wave1")
    content.update(rollout=ROLLOUT, title="Guarded", hosts="dgx-1", backup=f"/opt/cim-dgx/configs/backups/{ROLLOUT}")
    content["phases"] = [
        {"name": phase, "agents": [agent], "serial": 1, "stagger": "0s", "verify_within": "10m"}
        for phase, agent in AGENTS.items()
    ]
    content["phases"][0]["soak"] = "5m"
    content["verify"] = {"window": "1m", "criteria": [{"metric": "instances_proven", "equals": "100%"}]}
    content["preflight"]["quiet_for"] = "0s"
    content["checkpoints"] = {"after": "second", "at": ["1h"]}
    content["criteria"] = {"primary": [{"metric": "agent_uptime", "above": "99.9%", "over": "rollout"}]}
    content["rollback"]["when"] = []
    for section in ("sample", "probe", "control", "alerts", "watch"):
        content.pop(section, None)
    content["corruption_signs"] = []
    return content


class Guarded:
    """The rollout up to its second phase, whose change nobody confirmed: the host has put itself back."""

    def __init__(self, fleet: SharedFleet) -> None:
        self.host = RehearsalHost(fleet)
        self.story = Story(ROLLOUT, fleet=fleet.name, out=ROOT / "build" / "guarded")
        self.extra = {"rollout_plan": str(plans.write(self.story.out, plan())), "rollout_skip_waits": True}
        self.opened = self.play("opened", "tests/host/guarded/opened.yml")
        self.confirmed = self.records("guard.confirmed")
        self.state_confirmed = self.state()
        self.second = self.play("second", "tests/host/guarded/second.yml")
        self.state_armed, self.flags_armed = self.state(), self.flags()
        self.ledger = self.path.read_bytes()
        self.host.root(FIRE)
        self.flags_reverted = self.flags()
        self.kept = base64.b64decode(self.host.root(f"tar -C {STATE} -c . | base64"))

    @property
    def path(self) -> Any:
        return self.story.monitoring / "ledger" / f"{ROLLOUT}.jsonl"

    def play(self, label: str, playbook: str, **more: Any) -> int:
        return self.story.run(label, playbook, extra={**self.extra, **more}, deadline_s=900)

    def output(self, label: str) -> str:
        return (self.story.out / f"{label}.log").read_text()[-3000:]

    def records(self, kind: str) -> list[dict[str, Any]]:
        return [dict(record["data"]) for record in self.story.records(ROLLOUT) if record["kind"] == kind]

    def state(self) -> list[str]:
        return self.host.root(f"ls {STATE}/{ROLLOUT}").split()

    def flags(self) -> dict[str, bool]:
        """By phase, whether its agent's file has the flag."""
        return {
            phase: "ENABLE_UNIFIED_SUBJECTS=true" in self.host.text(agent).splitlines()
            for phase, agent in AGENTS.items()
        }

    def nothing_noticed_yet(self, counted: bool) -> None:
        """The host has put itself back, and no run of the rollout has been there since; without `counted` the run
        died before its batch was counted."""
        self.host.root(f"rm -rf {STATE}/*; tar -C {STATE} -x", self.kept)
        kept = self.ledger
        if not counted:
            at = kept.rindex(b'"kind":"batch.done"')
            kept = kept[: kept.rindex(b"\n", 0, at) + 1]
        self.path.write_bytes(kept)


@pytest.fixture(scope="module")
def guarded(shared_fleet: SharedFleet) -> Guarded:
    shared_fleet.reset()
    return Guarded(shared_fleet)


def test_verify_confirms_and_the_ledger_says_whom(guarded: Guarded) -> None:
    assert guarded.opened == 0, guarded.output("opened")
    assert [each["confirm_within_s"] for each in guarded.records("batch.started")] == [900.0, 900.0]
    assert [each["hosts"] for each in guarded.confirmed] == [["dgx-1"]]
    assert guarded.state_confirmed == ["fence.json"]


def test_a_second_verification_confirms_nothing_anew_and_the_next_phase_is_guarded(guarded: Guarded) -> None:
    assert guarded.second == 0, guarded.output("second")
    assert guarded.ledger.count(b'"kind":"guard.confirmed"') == 1
    assert guarded.state_armed == ["fence.json", "guard.json"]
    assert guarded.flags_armed == {"first": True, "second": True}
    # What was confirmed does not go back with the rest.
    assert guarded.flags_reverted == {"first": True, "second": False}


@pytest.mark.parametrize("step", ["verify", "deploy"])
def test_a_host_that_went_back_is_seen_recorded_and_not_changed_again(guarded: Guarded, step: str) -> None:
    # Where the batch was not counted, the change itself is the first contact.
    guarded.nothing_noticed_yet(counted=step == "verify")
    assert guarded.play(step, f"playbooks/{step}.yml", phase="second") != 0
    [reverted] = guarded.records("host.reverted")
    assert (reverted["host"], list(reverted["instances"])) == ("dgx-1", [INSTANCES["second"]])
    assert "not confirmed within" in reverted["why"]
    decided = guarded.records("gate.decided")[-1]
    assert (decided["gate"], decided["decision"]) == ("guard", "rollback")
    assert guarded.records("rollback.done")[-1]["complete"] is True
    assert "DECISION ROLLED BACK" in guarded.output(step)
    assert guarded.flags() == {"first": False, "second": False}
    assert guarded.play(step, f"playbooks/{step}.yml", phase="second") != 0
    assert len(guarded.records("host.reverted")) == 1
