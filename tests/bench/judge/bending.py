# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bends a calm world: its kind, and where and when it does so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.bench.judge.fleet import Array, Fleet, Rng
    from tests.bench.judge.history import World
    from tests.bench.judge.timetable import Timetable

Bend = Callable[["Rng", "Fleet", "Timetable", "World"], None]


@dataclass(frozen=True)
class Fault:
    """`weight`: its share of the rollouts; `limit_mib`: the memory limit of its fleets, where that is part of it."""

    name: str
    size: str
    harmful: bool
    weight: int
    bend: Bend
    limit_mib: float | None = None

    @property
    def label(self) -> str:
        return f"{self.name} {self.size}".strip()


def victim(rng: Rng, fleet: Fleet) -> int:
    return int(rng.integers(len(fleet.test)))


def start(rng: Rng, fleet: Fleet, times: Timetable, agent: int, lasts: float) -> float:
    """A moment after the agent's change, early enough for the fault to be over before the last gate begins."""
    phase = times.phase_of(fleet.agents[agent])
    first = (phase.deployed if phase else times.deployed) + 5.0
    return float(rng.uniform(first, times.gates[-1].at - 10.0 - lasts))


def span(values: Array, start: float, minutes: float, slots: int = 1) -> slice:
    """The part of the last axis that lies in these minutes; whole slots, so that what is cut is cut by chance."""
    first = int(np.ceil(start * slots))
    return slice(first, min(first + max(round(minutes * slots), 1), values.shape[-1]))


def slots(times: Timetable, world: World) -> int:
    return int(world.alive.shape[-1] // times.minutes)
