# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 2's own playbook with wave 2's plan, several times in one story: a part each, with a monitoring folder of its own.

The plan differs from the shipped one in what a short run can't wait for (wave 1, five quiet minutes), and in the pauses
between batches: what a change breaks is then found by the gate of its phase, whatever the machine does meanwhile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from tests.rollout.scenario import boundaries, plans
from tests.rollout.scenario.boundaries import Boundary, Run
from tests.rollout.scenario.latency import criteria_without_latency
from tests.rollout.scenario.story import ROOT, Story
from tests.rollout.scenario.told import Told

ROLLOUT = "wave2"
SKIPPING = {"rollout_skip_waits": True, "rollout_looks_per_wait": 1}
TEST, CONTROL = ("network-expert", "tdd-expert"), ("nix-expert", "qa-expert")
HOSTS = ("dgx-1", "dgx-2", "dgx-3")
FIRST, SECOND = ({f"{agent}@{host}" for host in HOSTS} for agent in TEST)


def shortened() -> dict[str, Any]:
    """The plan as it is shipped, without what is said above. Its gates don't judge latency; its triggers do."""
    plan = criteria_without_latency(plans.shipped(ROLLOUT))
    del plan["needs"]
    plan["preflight"]["quiet_for"] = "1s"
    for phase in plan["phases"]:
        phase["stagger"] = "0s"
    plan["checkpoints"]["look_again"] = {"times": 1, "every": "5m"}
    return plan


class Parts(Story):
    def __init__(self, name: str, fleet: str) -> None:
        super().__init__(name, fleet=fleet, out=ROOT / "build" / name)
        self.everything = self.monitoring
        plans.write(self.out / "plans", shortened())

    def start(self, part: str) -> None:
        """A monitoring folder of its own, and what the hosts are before."""
        self.monitoring = self.everything / part
        self.look(f"{part}.before")

    @contextlib.contextmanager
    def running_wave2(self, label: str, at: Sequence[Boundary] = (), folder: str = "plans") -> Iterator[Run]:
        """The wave while it runs; at its end, what the hosts are then."""
        extra = {"rollout_plans_dir": str(self.out / folder), **SKIPPING}
        with boundaries.running(self, label, "playbooks/wave2.yml", at, extra=extra) as run:
            yield run
        self.look(label)

    def wave2(self, label: str, folder: str = "plans") -> None:
        with self.running_wave2(label, folder=folder):
            pass

    def told(self, part: str) -> Told:
        """What a part left."""
        return Told(self.out.name, part, out=self.out)

    def undo(self, label: str) -> None:
        self.run(label, "playbooks/rollback.yml", extra={"rollout": ROLLOUT, **SKIPPING})
