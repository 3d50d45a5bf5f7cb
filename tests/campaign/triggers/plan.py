# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of the campaign: wave 2's own triggers, probe and times, with two phases of one agent and two checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.rollout.scenario import boundaries, plans
from tests.rollout.scenario.boundaries import Boundary
from tests.rollout.scenario.latency import criteria_without_latency

ROLLOUT = "triggers"
PLAYBOOK = "tests/campaign/triggers/rollout.yml"
FIRST, SECOND = "network-expert", "tdd-expert"
CONTROL = ("nix-expert", "qa-expert")
HOSTS = ("dgx-1", "dgx-2", "dgx-3")

#: What of a rollout a fault may begin in.
STAGGER, SOAK, CHECKPOINTS, APPROVAL = "stagger", "soak", "between checkpoints", "approval awaited"
STATES = (STAGGER, SOAK, CHECKPOINTS, APPROVAL)
#: A rollout to its end.
WHOLE = "whole"
WHOLE_SOAK_S = 2 * 3600

#: The plan's checkpoints, and their names in rollout.yml.
CHECKPOINTS_AT = ("1h", "6h")
CHECKPOINT_NAMES = tuple(f"T+{at}" for at in CHECKPOINTS_AT)


@dataclass(frozen=True)
class Pace:
    """What a case needs longer than usual: times of the plan, and how many looks a wait gets."""

    baseline: str = "10m"
    soak: str = "2h"
    looks: int = 4

    @property
    def skipping(self) -> dict[str, Any]:
        """What a rehearsal is told."""
        return {"rollout_skip_waits": True, "rollout_looks_per_wait": self.looks}


USUAL_PACE = Pace()
#: Of a rollout that goes to its end.
WHOLE_PACE = Pace(looks=3)

_PLAYS = {STAGGER: "Deploy phase first", SOAK: "Soak of phase first", WHOLE: "Soak of phase first"}


def look_in(state: str, number: int = 1) -> Boundary:
    """Where a rollout stands before a look of that state: all that the look collects is still to be collected."""
    if state == CHECKPOINTS:
        return boundaries.look(f"Checkpoint {CHECKPOINT_NAMES[1]}", number)
    if state == APPROVAL:
        return boundaries.look("Approval before second", number)
    return boundaries.look(_PLAYS[state], number, "deploy" if state == STAGGER else "watch")


def shipped_triggers() -> list[str]:
    """The names of wave 2's triggers."""
    return [str(trigger["name"]) for trigger in plans.shipped("wave2")["rollback"]["when"]]


def small(
    state: str, thresholds: dict[str, str] | None = None, without: tuple[str, ...] = (), pace: Pace = USUAL_PACE
) -> dict[str, Any]:
    """The plan for a run whose fault begins in `state`. Its gates don't judge latency, which triggers and alerts do.

    `thresholds`: trigger name -> what it is above of, where the shipped number can't be reached on one's own machine;
    `without`: triggers to leave out.
    """
    plan = criteria_without_latency(plans.shipped("wave2"))
    del plan["needs"]
    plan.update(rollout=ROLLOUT, title="Triggers of wave 2", backup=f"/opt/cim-dgx/configs/backups/{ROLLOUT}")
    plan["preflight"]["quiet_for"] = "1s"
    plan["baseline"]["window"] = pace.baseline
    stagger = {"serial": 1, "stagger": "1h"} if state == STAGGER else {"serial": len(HOSTS), "stagger": "0s"}
    plan["phases"] = [
        {"name": "first", "agents": [FIRST], **stagger, "verify_within": "10m", "soak": pace.soak},
        {"name": "second", "agents": [SECOND], "serial": len(HOSTS), "stagger": "0s", "verify_within": "10m"},
    ]
    plan["checkpoints"] = {"after": "second", "at": list(CHECKPOINTS_AT), "look_again": {"times": 1, "every": "5m"}}
    if state == APPROVAL:
        plan["approvals"] = [{"before": "second", "within": "2h", "otherwise": "hold"}]
    plan["rollback"]["when"] = [each for each in plan["rollback"]["when"] if each["name"] not in without]
    for trigger in plan["rollback"]["when"]:
        if trigger["name"] in (thresholds or {}):
            trigger["above"] = (thresholds or {})[trigger["name"]]
    return plan
