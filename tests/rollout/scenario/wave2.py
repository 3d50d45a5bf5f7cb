# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 2's own playbook with wave 2's plan, several times in one story.

The plan differs from the shipped one in what a short run can't wait for: it needs no wave 1 and no five quiet minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.rollout.scenario import plans
from tests.rollout.scenario.story import Story

#: Hours of the plan in seconds.
TIME_SCALE = 3600


def shortened() -> dict[str, Any]:
    """The plan as it is shipped, without what a short run can't wait for."""
    plan = plans.shipped("wave2")
    del plan["needs"]
    plan["preflight"]["quiet_for"] = "1s"
    plan["checkpoints"]["look_again"] = {"times": 1, "every": "1m"}
    return plan


class Wave2(Story):
    def __init__(self, scenario: str) -> None:
        super().__init__(scenario)
        self.everything = self.monitoring
        plans.write(self.out / "plans", shortened())

    def start(self, part: str) -> None:
        """A monitoring folder of its own, and what the hosts are before."""
        self.monitoring = self.everything / part
        self.look(f"{part}.before")

    def wave2(
        self,
        label: str,
        folder: str = "plans",
        during: tuple[str, Callable[[], bool], Callable[[], None]] | None = None,
    ) -> None:
        """Run the wave; `during`: what to wait for in it, when that is so, and what then happens to the hosts."""
        extra = {"rollout_plans_dir": str(self.out / folder), "rollout_time_scale": TIME_SCALE}
        with self.running(label, "playbooks/wave2.yml", extra=extra) as process:
            if during:
                what, condition, act = during
                self.wait_for(what, condition, process)
                act()
        self.look(label)
