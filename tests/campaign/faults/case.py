# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A case of the campaign: something goes wrong with one rollout. And the places at which it may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.campaign.faults.assess import COMPLETED, HELD, ROLLED_BACK
from tests.campaign.faults.lane import Lane
from tests.campaign.faults.plan import PHASES
from tests.rollout.scenario.boundaries import Boundary

ANY_END = frozenset({COMPLETED, HELD, ROLLED_BACK})
FIRST_HOST, SECOND_HOST = "dgx-1", "dgx-2"
FIRST, SECOND = PHASES

BACKUP = Boundary("Backup", "cowboyai.rollout.backup : Copy the environment files, with a manifest")
SOAK = Boundary(f"Soak of phase {FIRST}", "cowboyai.rollout.watch : Wait for the next look")
#: All that the first look of the soak collects has been collected; what it could not see is missing there.
SOAK_SEEN = Boundary(f"Soak of phase {FIRST}", "cowboyai.rollout.watch : Judge the look")
#: The second time that its play measures: the first is the look on the way to it.
SAMPLE = Boundary("Checkpoint T+1h", "cowboyai.rollout.measure : Sample NATS and probe the agents", 2)
CHECKPOINT_LOOK = Boundary(
    "Checkpoint T+1h", "cowboyai.rollout.measure : Look at units, the agents' own log lines, and hosts", 2
)
VERIFY = Boundary(f"Verify phase {FIRST}", "cowboyai.rollout.verify : Open the step")


def change(phase: str, host: str) -> Boundary:
    """Just before a host's change; hosts are changed one after the other."""
    task = "cowboyai.rollout.deploy : Change the environment files, restart, and prove the new processes"
    return Boundary(f"Deploy phase {phase}", task, 1 if host == FIRST_HOST else 2)


def counted(phase: str, host: str) -> Boundary:
    """Just after it."""
    return Boundary(
        f"Deploy phase {phase}", "cowboyai.rollout.deploy : Count what is proven", 1 if host == FIRST_HOST else 2
    )


@dataclass(frozen=True)
class Case:
    """`act` runs the rollout as "first" and makes the fault; `mend` ends the fault after that run. The same command follows."""

    name: str
    act: Callable[[Lane], None]
    mend: Callable[[Lane], None] = lambda lane: None
    ends: frozenset[str] = ANY_END
    hosts: int = 2
    #: agent -> stops of its unit, on each host, that the fault itself makes.
    own_stops: dict[str, int] = field(default_factory=dict)
    quick: bool = False
    #: The environment file is somebody else's for a while: what it is then is not judged.
    foreign: frozenset[str] = frozenset()

    @property
    def group(self) -> str:
        return self.name.rpartition(",")[0] or self.name


Fault = Callable[[Lane], None]


def at(place: Boundary, fault: Fault, mend: Fault | None = None, until: Boundary | None = None) -> Fault:
    """The fault begins while the run stands at a boundary; with `mend` it ends at a later one, or with the run."""

    def act(lane: Lane) -> None:
        with lane.running("first", [place, *([until] if until else [])]) as run:
            run.comes_to(place)
            fault(lane)
            lane.strike()
            run.goes_on()
            if mend and until:
                run.comes_to_or_ends(until)
                mend(lane)

    return act


def while_changing(
    host: str, agent: str, fault: Fault, mend: Fault | None = None, until: Boundary | None = None
) -> Fault:
    """The fault begins the moment that the host has a new environment file, and before its unit is proven."""

    def act(lane: Lane) -> None:
        with lane.change_of(host, agent) as changed, lane.running("first", [until] if until else []) as run:
            changed(run)
            fault(lane)
            lane.strike()
            if mend and until:
                run.comes_to_or_ends(until)
                mend(lane)

    return act
