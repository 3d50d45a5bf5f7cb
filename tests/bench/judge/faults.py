# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in a labelled history, and how much of it. Each fault bends a calm world.

Harmful ones are the change's and must be found. Harmless ones are not the change's: whatever is decided, it must not be a
rollback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.bench.judge import shapes
from tests.bench.judge.bending import Bend, Fault, slots, span, start, victim

if TYPE_CHECKING:
    from tests.bench.judge.fleet import Fleet, Rng
    from tests.bench.judge.history import World
    from tests.bench.judge.timetable import Timetable


def _nothing(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
    """Nothing goes wrong."""


def _dead(minutes: float, everywhere: bool) -> Bend:
    """A changed agent hangs: its process stays, it answers nothing, it logs nothing."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent = victim(rng, fleet)
        hosts = slice(None) if everywhere else slice(at := int(rng.integers(len(fleet.hosts))), at + 1)
        world.onset = start(rng, fleet, times, agent, minutes)
        world.alive[agent, hosts, span(world.alive, world.onset, minutes, slots(times, world))] = False

    return bend


def _burst(share: float, minutes: float) -> Bend:
    """A share of what a changed agent handles ends in an error of its own for a while."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent = victim(rng, fleet)
        world.onset = start(rng, fleet, times, agent, minutes)
        world.failing[agent, :, span(world.failing, world.onset, minutes)] = share

    return bend


def _leak(days: float) -> Bend:
    """A changed agent's processes grow evenly, so that they reach their limit so many days after the change."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent = victim(rng, fleet)
        name = fleet.agents[agent]
        per_minute = (fleet.limit_mib - fleet.memory_mib[name]) / (days * 1440.0)
        for column, host in enumerate(fleet.hosts):
            since = times.changed(name, host) or 0.0
            world.memory_mib[agent, column] = np.maximum(np.arange(times.minutes) - since, 0.0) * per_minute
        world.onset = min((times.phase_of(name) or times.phases[0]).proven.values())

    return bend


def _slower(percent: float) -> Bend:
    """The change makes its agents slower, from the first minute on."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        for agent, name in enumerate(fleet.test):
            for column, host in enumerate(fleet.hosts):
                since = times.changed(name, host)
                if since is not None:
                    world.factor[agent, column, int(since) :] *= 1.0 + percent / 100.0
        world.onset = min(times.phases[0].proven.values())

    return bend


def _slower_later(percent: float) -> Bend:
    """One changed agent becomes slower at some time after its change, and stays so."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent = victim(rng, fleet)
        world.onset = start(rng, fleet, times, agent, 360.0)
        world.factor[agent, :, int(world.onset) :] *= 1.0 + percent / 100.0

    return bend


def _one_message() -> Bend:
    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent, host, slot = victim(rng, fleet), int(rng.integers(len(fleet.hosts))), slots(times, world)
        at = int(start(rng, fleet, times, agent, 1.0) * slot)
        asked = times.asked(slot).reshape(-1)
        while not asked[at]:
            at += 1  # of the request that nobody sends no answer can be lost
        world.lost[agent, host, at] = True
        world.onset = at / slot

    return bend


def _loss(percent: float) -> Bend:
    """The change makes one of its agents drop a share of what it is asked."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent = victim(rng, fleet)
        world.onset = (times.phase_of(fleet.agents[agent]) or times.phases[0]).deployed
        world.loss[agent, int(world.onset) + 1 :] = percent / 100.0

    return bend


def _dual(percent: float, everybody: bool) -> Bend:
    """Changed agents publish this share of their responses on both trees: all of them, or one."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        agent = 0 if everybody else victim(rng, fleet)
        agents = range(len(fleet.test)) if everybody else [agent]
        world.published[list(agents)] = percent / 100.0
        world.onset = (times.phase_of(fleet.agents[agent]) or times.phases[0]).deployed

    return bend


def _after_change(rng: Rng, times: Timetable, lasts: float) -> float:
    return float(rng.uniform(times.phases[0].deployed + 5.0, times.gates[-1].at - 10.0 - lasts))


def _host_loses_nats(minutes: float) -> Bend:
    """The NATS of one host is away: none of its agents, control's neither, is connected or answers."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        host = int(rng.integers(len(fleet.hosts)))
        world.onset = _after_change(rng, times, minutes)
        world.connected[host, span(world.connected, world.onset, minutes)] = False

    return bend


def _host_slow(factor: float, minutes: float) -> Bend:
    """Something else keeps one host busy: all its agents are slow."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        host = int(rng.integers(len(fleet.hosts)))
        world.onset = _after_change(rng, times, minutes)
        when = span(world.factor, world.onset, minutes)
        world.factor[:, host, when] *= factor
        world.load[host, when] += 6.0

    return bend


def _host_frozen(minutes: float) -> Bend:
    """One host hangs: it is not reached, and none of its agents answers."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        host = int(rng.integers(len(fleet.hosts)))
        world.onset = _after_change(rng, times, minutes)
        world.alive[:, host, span(world.alive, world.onset, minutes, slots(times, world))] = False
        world.ssh[host, span(world.ssh, world.onset, minutes)] = False

    return bend


def _all_dead(minutes: float) -> Bend:
    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        world.onset = _after_change(rng, times, minutes)
        world.alive[:, :, span(world.alive, world.onset, minutes, slots(times, world))] = False

    return bend


def _all_slower(percent: float) -> Bend:
    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        world.onset = _after_change(rng, times, 0.0)
        world.factor[:, :, int(world.onset) :] *= 1.0 + percent / 100.0

    return bend


def _all_lose(percent: float) -> Bend:
    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        world.onset = _after_change(rng, times, 0.0)
        world.loss[:, int(world.onset) :] = percent / 100.0

    return bend


def _all_fail(share: float, minutes: float) -> Bend:
    """Everybody logs the same kind of error, at the same rate."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        world.onset = _after_change(rng, times, minutes)
        world.failing[:, :, span(world.failing, world.onset, minutes)] = share
        world.own_failing = False

    return bend


def _gaps(percent: float) -> Bend:
    """The measurer misses a share of its ticks, each for 1 to 10 minutes: NATS or one host."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        for at in range(int(times.phases[0].deployed) + times.every, times.minutes, times.every):
            if rng.random() < percent / 100.0:
                lasts = float(rng.integers(1, 11))
                if rng.random() < 0.5:
                    world.nats[span(world.nats, at, lasts)] = False
                else:
                    world.ssh[int(rng.integers(len(fleet.hosts))), span(world.ssh, at, lasts)] = False

    return bend


def _outage(what: str) -> Bend:
    """The measurer is cut off for 30 minutes to 4 hours, over a checkpoint and its further attempts or at any time."""

    def bend(rng: Rng, fleet: Fleet, times: Timetable, world: World) -> None:
        lasts = float(np.exp(rng.uniform(np.log(30.0), np.log(240.0))))
        if rng.random() < 0.7:
            gate = times.gates[[i for i, gate in enumerate(times.gates) if gate.kind == "checkpoint"][rng.integers(4)]]
            before = float(rng.uniform(gate.window + 1.0, 10.0))
            again = float((times.look_again + 1) * times.look_again_every)
            world.onset, lasts = gate.at - before, max(lasts, before + again + 5.0)
        else:
            world.onset = _after_change(rng, times, lasts)
        cut = span(world.nats, world.onset, lasts)
        world.onset, world.until = float(cut.start), float(cut.stop)
        if what == "NATS":
            world.nats[cut] = False
            return
        host = int(rng.integers(len(fleet.hosts)))
        world.ssh[slice(host, host + 1) if what == "SSH to one host" else slice(None), cut] = False

    return bend


NONE = Fault("none", "", False, 600, _nothing)
OUTAGE = "measurer_outage"

FAULTS: tuple[Fault, ...] = (
    NONE,
    *(Fault("dead", f"{n} min, one agent", True, 36, _dead(n, True)) for n in (1, 2, 5, 10, 30, 60)),
    *(Fault("dead", f"{n} min, one instance", True, 36, _dead(n, False)) for n in (1, 2, 5, 10, 30, 60)),
    Fault("errors", "1 % for 10 min", True, 12, _burst(0.01, 10)),
    Fault("errors", "10 % for 10 min", True, 12, _burst(0.10, 10)),
    Fault("errors", "all for 5 min", True, 12, _burst(1.0, 5)),
    Fault("errors", "2 % for 3 h", True, 12, _burst(0.02, 180)),
    *(
        Fault("leak", f"full in {days} days, {limit}", True, 40, _leak(days), mib)
        for limit, mib in (("512 MiB", 512.0), ("8 GiB", 8192.0))
        for days in (3, 5, 7)
    ),
    Fault("latency", "+10 %", True, 42, _slower(10)),
    Fault("latency", "+25 %", True, 130, _slower(25)),
    Fault("latency", "+50 %", True, 30, _slower(50)),
    Fault("latency", "+50 %, later, one agent", True, 24, _slower_later(50)),
    Fault("message_loss", "one message", True, 50, _one_message()),
    *(Fault("message_loss", f"{percent} %", True, 36, _loss(percent)) for percent in (0.02, 0.1, 1.0)),
    Fault("dual_publishing", "98 %", True, 20, _dual(98, True)),
    Fault("dual_publishing", "98 %, one agent", True, 16, _dual(98, False)),
    Fault("one_host_bad", "NATS away 15 min", False, 16, _host_loses_nats(15)),
    Fault("one_host_bad", "3 times slower 60 min", False, 16, _host_slow(3.0, 60)),
    Fault("one_host_bad", "hangs 20 min", False, 16, _host_frozen(20)),
    Fault("control_bad_too", "dead 10 min", False, 16, _all_dead(10)),
    Fault("control_bad_too", "latency +50 %", False, 16, _all_slower(50)),
    Fault("control_bad_too", "loss 1 %", False, 16, _all_lose(1)),
    Fault("control_bad_too", "errors 10 % for 10 min", False, 16, _all_fail(0.1, 10)),
    Fault("sampler_gaps", "2 % of ticks", False, 14, _gaps(2)),
    Fault("sampler_gaps", "20 % of ticks", False, 14, _gaps(20)),
    *(Fault(OUTAGE, what, False, 40, _outage(what)) for what in ("NATS", "SSH", "SSH to one host")),
    *shapes.CLEAN,
    *shapes.HARMFUL,
)


def shares(rollouts: int) -> list[tuple[Fault, int]]:
    """How many rollouts of each fault: at least one, together about `rollouts`, clean ones in proportion."""
    total = sum(fault.weight for fault in FAULTS)
    return [(fault, max(1, round(rollouts * fault.weight / total))) for fault in FAULTS]
