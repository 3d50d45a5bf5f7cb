# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets that are not log-normal around a mean: patterns of real ones without a fault, and faults that hide in a part of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.bench.judge.bending import Bend, Fault, slots, span, start, victim
from tests.bench.judge.fleet import USUAL_P99_S, WIDER, day_shape, slow_walk

if TYPE_CHECKING:
    from tests.bench.judge.fleet import Array, Fleet, Rng
    from tests.bench.judge.history import World
    from tests.bench.judge.timetable import Timetable

SHAPE = "shape"


def _usual_p99_s(fleet: Fleet) -> Array:
    """Seconds per agent at the busiest hour, noise included, as `fleet.draw` has it."""
    noise = (WIDER * fleet.noise) ** 2 + (WIDER * fleet.shared_noise) ** 2
    return np.array(
        [fleet.base_s[each] * np.exp(2.33 * np.sqrt(fleet.spread[each] ** 2 + noise)) for each in fleet.agents]
    )


def _alike(rng: Rng, fleet: Fleet, factor: Array) -> Array:
    """A course [minute] that everybody has, each agent a little more or less of it [agent, 1, minute]."""
    return np.asarray(factor[None, None, :] ** rng.uniform(0.9, 1.1, (len(fleet.agents), 1, 1)))


# ---------------------------------------------------------------- nothing is wrong


def _week(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
    """A weekend begins or ends: half of the latency and a fifth of the traffic, or back again within an hour."""
    turn = float(rng.uniform(0.0, times.minutes))
    weekend = 1.0 / (1.0 + np.exp((np.arange(times.minutes) - turn) / 10.0))
    weekend = weekend if rng.random() < 0.5 else 1.0 - weekend
    world.factor *= _alike(rng, fleet, 1.0 - 0.5 * weekend)
    world.busy *= 1.0 - 0.8 * weekend


def _drift(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
    """Everybody becomes slower, by up to two thirds from the first minute to the last."""
    world.factor *= _alike(rng, fleet, np.exp(np.linspace(np.log(rng.uniform(0.6, 0.9)), 0.0, times.minutes)))


def _hosts_alike(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
    """What slows down a host slows down all its agents: each host wanders by some percent for an hour."""
    walks = slow_walk(rng, float(rng.uniform(0.03, 0.10)), 60.0, len(fleet.hosts), times.minutes)
    world.factor *= np.exp(walks - 0.1)[None]


def _queues(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
    """Each agent has one to three minutes now and then in which its queue is long, before the change as after it."""
    for agent, p99 in enumerate(_usual_p99_s(fleet)):
        for at in np.flatnonzero(rng.random(times.minutes) < rng.uniform(0.3, 1.5) / 60.0):
            many = min(float(rng.uniform(1.5, 4.0)), USUAL_P99_S / p99)
            world.factor[agent, :, at : at + int(rng.integers(1, 4))] *= max(many, 1.0)


def _longer(rng: Rng, fleet: Fleet, world: World, least: float, most: float) -> None:
    """A part of every agent's answers takes longer, within what the plan's limits leave."""
    world.factor *= 0.5
    world.longer_s[:] = rng.uniform(0.3, 1.0, len(fleet.agents)) * (USUAL_P99_S - 0.5 * _usual_p99_s(fleet))
    world.longer[:] = np.exp(rng.uniform(np.log(least), np.log(most), (len(fleet.agents), 1)))


def _pauses(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
    """Collections of garbage stop some answers in a hundred for tens of milliseconds."""
    _longer(rng, fleet, world, 0.002, 0.03)


def _cache(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
    """Answers are quick from a cache or slow without it: two heaps, the larger one of the quick."""
    _longer(rng, fleet, world, 0.05, 0.4)


def _ticks(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
    """Timers of 1 to 16 ms: few different latencies."""
    world.tick_s = float(rng.choice([0.001, 0.005, 0.010, 0.0156]))


def _idle(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
    """Nobody but the probe talks to most of the agents."""
    world.busy[:] = rng.choice([0.0, 0.01, 0.1], (len(fleet.agents), 1))


def _emptied(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
    """All agents grow over the day and are emptied at night."""
    night = float(rng.uniform(0.0, 1440.0))
    filled = ((np.arange(times.minutes) - night) % 1440.0) / 1440.0
    for agent, name in enumerate(fleet.agents):
        world.memory_mib[agent] += fleet.memory_mib[name] * float(rng.uniform(0.04, 0.06)) * filled


CLEAN: tuple[Fault, ...] = tuple(
    Fault(SHAPE, size, False, 24, bend)
    for size, bend in {
        "weekend begins or ends": _week,
        "drift of everybody": _drift,
        "hosts wander": _hosts_alike,
        "bursts of queues": _queues,
        "pauses": _pauses,
        "cache, two heaps": _cache,
        "timers of milliseconds": _ticks,
        "idle": _idle,
        "memory emptied at night": _emptied,
    }.items()
)

# ---------------------------------------------------------------- something is wrong, in a part


def _errors_at_peak(share: float) -> Bend:
    """A changed agent errs in the busiest hours only."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent = victim(rng, fleet)
        phase = times.phase_of(fleet.agents[agent]) or times.phases[0]
        busy = (day_shape(fleet, times.minutes) > 0.8) & (np.arange(times.minutes) > phase.deployed + 5.0)
        world.failing[agent][:, busy] = share
        world.onset = float(np.flatnonzero(busy)[0])

    return bend


def _errors_of_one(share: float, minutes: float) -> Bend:
    """One instance of many errs."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent, host = victim(rng, fleet), int(rng.integers(len(fleet.hosts)))
        world.onset = start(rng, fleet, times, agent, minutes)
        world.failing[agent, host, span(world.failing, world.onset, minutes)] = share

    return bend


def _loss_of_one_host(percent: float, hours: float) -> Bend:
    """All changed agents of one host, and no others, lose answers from so many hours after the change on."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        host, slot = int(rng.integers(len(fleet.hosts))), slots(times, world)
        world.onset = float(int(times.deployed + 60.0 * hours) + 1)
        first, last = int(world.onset) * slot, (times.gates[-1].at - 10) * slot
        tested = len(fleet.test)
        world.lost[:tested, host, first:last] |= rng.random((tested, last - first)) < percent / 100.0

    return bend


def _late_death(hours: float, minutes: float) -> Bend:
    """An agent hangs, hours after everything was well."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent = victim(rng, fleet)
        world.onset = times.deployed + 60.0 * hours + float(rng.uniform(0.0, 120.0))
        world.alive[agent, :, span(world.alive, world.onset, minutes, slots(times, world))] = False

    return bend


def _late_leak(days: float, hours: float) -> Bend:
    """Nothing grows for some hours; then it does, as fast as a process that is full in so many days."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent = victim(rng, fleet)
        world.onset = times.deployed + 60.0 * hours
        per_minute = (fleet.limit_mib - fleet.memory_mib[fleet.agents[agent]]) / (days * 1440.0)
        world.memory_mib[agent] += np.maximum(np.arange(times.minutes) - world.onset, 0.0) * per_minute

    return bend


def _heavier(before: float, after: float, longer_s: float) -> Bend:
    """Both heaps stay where they are; the change moves weight from the quick one to the slow one."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        world.factor *= 0.5
        world.longer_s[:], world.longer[:] = longer_s, before
        for agent, name in enumerate(fleet.test):
            phase = times.phase_of(name) or times.phases[0]
            world.longer[agent, int(phase.deployed) :] = after
        world.onset = times.phases[0].deployed

    return bend


HARMFUL: tuple[Fault, ...] = (
    Fault("errors", "5 % at the busiest hours", True, 23, _errors_at_peak(0.05)),
    Fault("errors", "all for 10 min, one instance", True, 23, _errors_of_one(1.0, 10.0)),
    Fault("message_loss", "1 % of one host", True, 23, _loss_of_one_host(1.0, 0.0)),
    Fault("message_loss", "1 % of one host after 12 h", True, 23, _loss_of_one_host(1.0, 12.0)),
    Fault("dead", "5 min after 18 h, one agent", True, 23, _late_death(18.0, 5.0)),
    Fault("late_leak", "full in 3 days, from 8 h on", True, 23, _late_leak(3.0, 8.0), 512.0),
    Fault("heavier_heap", "30 to 70 %", True, 23, _heavier(0.3, 0.7, 0.040)),
    Fault("heavier_heap", "0.2 to 5 % of 0.4 s", True, 23, _heavier(0.002, 0.05, 0.400)),
)
