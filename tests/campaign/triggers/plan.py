# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of the campaign: wave 2's own triggers, criteria and probe, with two phases of one agent and short times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.rollout.scenario import plans

#: Time scales, and the unit of plan time that is then one second of a run.
MINUTES, HOURS = 60, 3600
UNITS = {MINUTES: "m", HOURS: "h"}
#: Seconds of a run between two looks: several times what a look takes, as it is in production.
TICK_S = 15
ROLLOUT = "triggers"
FIRST, SECOND = "network-expert", "tdd-expert"
CONTROL = ("nix-expert", "qa-expert")
HOSTS = ("dgx-1", "dgx-2", "dgx-3")

#: What of a rollout a fault may begin in.
STAGGER, SOAK, CHECKPOINTS, APPROVAL = "stagger", "soak", "between checkpoints", "approval awaited"
STATES = (STAGGER, SOAK, CHECKPOINTS, APPROVAL)
#: A rollout to its end, with a soak of a few looks.
WHOLE = "whole"
WHOLE_SOAK_S = 30


#: Seconds of a run after which its checkpoints are due.
CHECKPOINTS_AT_S = (15, 55)


@dataclass(frozen=True)
class Pace:
    """How fast plan time passes, and the seconds of a run that its parts take where a case needs others than usual."""

    scale: int = MINUTES
    baseline_s: int = 5
    soak_s: int = 0

    def span(self, seconds: int) -> str:
        """Seconds of a run as a duration of the plan."""
        return f"{seconds}{UNITS[self.scale]}"

    @property
    def checkpoints(self) -> list[str]:
        """Their names in the plan."""
        return [f"T+{self.span(seconds)}" for seconds in CHECKPOINTS_AT_S]


USUAL_PACE = Pace()


def shipped_triggers() -> list[str]:
    """The names of wave 2's triggers."""
    return [str(trigger["name"]) for trigger in plans.shipped("wave2")["rollback"]["when"]]


def small(
    state: str, thresholds: dict[str, str] | None = None, without: tuple[str, ...] = (), pace: Pace = USUAL_PACE
) -> dict[str, Any]:
    """The plan for a run whose fault begins in `state`: that state lasts long, and what comes before it is short.

    `thresholds`: trigger name -> what it is above of, where the shipped number can't be reached on one's own machine;
    `without`: triggers to leave out.
    """
    span = pace.span
    plan = plans.shipped("wave2")
    del plan["needs"]
    plan.update(rollout=ROLLOUT, title="Triggers of wave 2", backup=f"/opt/cim-dgx/configs/backups/{ROLLOUT}")
    plan["preflight"]["quiet_for"] = "1s"
    plan["baseline"] = {"window": span(pace.baseline_s), "history": "30d"}
    stagger = {"serial": 1, "stagger": span(40)} if state == STAGGER else {"serial": len(HOSTS), "stagger": "0s"}
    soak_s = pace.soak_s or {SOAK: 60, WHOLE: WHOLE_SOAK_S}.get(state, TICK_S)
    plan["phases"] = [
        {"name": "first", "agents": [FIRST], **stagger, "verify_within": "30d", "soak": span(soak_s)},
        {"name": "second", "agents": [SECOND], "serial": len(HOSTS), "stagger": "0s", "verify_within": "30d"},
    ]
    plan["watch"]["every"] = span(TICK_S)
    plan["sample"]["window"] = span(3)
    at = [span(seconds) for seconds in CHECKPOINTS_AT_S]
    plan["checkpoints"] = {"after": "second", "at": at, "look_again": {"times": 1, "every": span(3)}}
    if state == APPROVAL:
        plan["approvals"] = [{"before": "second", "within": span(120), "otherwise": "hold"}]
    plan["rollback"]["when"] = [each for each in plan["rollback"]["when"] if each["name"] not in without]
    for trigger in plan["rollback"]["when"]:
        if trigger["name"] in (thresholds or {}):
            trigger["above"] = (thresholds or {})[trigger["name"]]
    return plan
