# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rollout's true course, minute by minute: what agents did, and what of it the measurer could see.

Arrays are indexed [agent, host, minute] unless said otherwise; agents in the order of `Fleet.agents`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tests.bench.judge import fleet as fleets

if TYPE_CHECKING:
    from tests.bench.judge.fleet import Array, Fleet, Rng
    from tests.bench.judge.timetable import Timetable

# What control logs as well when NATS shakes; what a broken agent logs.
SHARED_ERROR = ("nats: connection closed, reconnecting", "nats: connection closed, reconnecting in 2 s")
OWN_ERROR = ("request handler failed: deadline", "request handler failed: deadline of 3 s exceeded")


@dataclass
class World:
    """What a fault may bend. Everything starts as a fleet without any fault.

    `alive`: answers (False: hangs, stays up, says nothing) per 10 s slot [agent, host, minute * slots]; `lost`: single
    answers that never come, same shape; `loss`: chance of each answer to be lost [agent, minute]; `factor`: of latencies;
    `memory_mib`: on top of what is used; `failing`: share of messages that end in an error; `own_failing`: whether those
    errors are of a kind of their own; `published`: share of the responses that go out on the unified subjects too [agent];
    `busy`: factor of the traffic [agent, minute]; `longer`: share of the answers that take `longer_s` seconds [agent] more (a
    pause, a cache that has it not) [agent, minute]; `tick_s`: latencies are whole multiples of so many seconds (0: they are not);
    `connected`: to NATS [host, minute]; `load`: on top of a host's load [host, minute]; `ssh`: the controller reaches
    the host [host, minute]; `nats`: the measurer reaches NATS [minute]; `onset` and `until`: minutes of the fault.
    """

    alive: Array
    lost: Array
    loss: Array
    factor: Array
    memory_mib: Array
    failing: Array
    own_failing: bool
    published: Array
    connected: Array
    load: Array
    busy: Array
    longer: Array
    longer_s: Array
    ssh: Array
    nats: Array
    tick_s: float = 0.0
    onset: float | None = None
    until: float | None = None


@dataclass
class History:
    """A rollout's course with everything drawn.

    `asked`, `answered`, `late`, `error_answers` [agent, minute]: of the probe; `latencies` [agent, minute, n] in seconds
    of the low-rate one, NaN where no answer came, and `windows`, by minute, [agent, n] of the gates' own; `messages`,
    `errors`, `shared_errors`, `warnings` [agent, host, minute] counts; `memory` in bytes, `cpu` in CPU seconds per
    minute [agent, host, minute]; `load`, `host_memory`, `disk` [host, minute]; `level` [agent, host, minute]: the usual
    latency of that minute in seconds; `usual_latency` in seconds, `usual_memory` in bytes [agent, host]: without noise,
    hour, drift and fault.
    """

    fleet: Fleet
    times: Timetable
    world: World
    seed: tuple[int, ...]
    asked: Array
    answered: Array
    late: Array
    error_answers: Array
    latencies: Array
    windows: dict[int, Array]
    messages: Array
    errors: Array
    shared_errors: Array
    warnings: Array
    memory: Array
    cpu: Array
    load: Array
    host_memory: Array
    disk: Array
    level: Array
    usual_latency: Array
    usual_memory: Array
    timeout_s: float
    slots: int


def calm(fleet: Fleet, times: Timetable, slots: int) -> World:
    """A world without a fault."""
    agents, hosts, minutes = len(fleet.agents), len(fleet.hosts), times.minutes
    shape = (agents, hosts, minutes)
    return World(
        alive=np.ones((agents, hosts, minutes * slots), dtype=bool),
        lost=np.zeros((agents, hosts, minutes * slots), dtype=bool),
        loss=np.zeros((agents, minutes)),
        factor=np.ones(shape),
        memory_mib=np.zeros(shape),
        failing=np.zeros(shape),
        own_failing=True,
        published=np.ones(agents),
        connected=np.ones((hosts, minutes), dtype=bool),
        load=np.zeros((hosts, minutes)),
        busy=np.ones((agents, minutes)),
        longer=np.zeros((agents, minutes)),
        longer_s=np.zeros(agents),
        ssh=np.ones((hosts, minutes), dtype=bool),
        nats=np.ones(minutes, dtype=bool),
    )


def unfold(
    rng: Rng,
    fleet: Fleet,
    times: Timetable,
    world: World,
    *,
    slots: int,
    timeout_s: float,
    requests_of_a_gate: int,
    seed: tuple[int, ...],
) -> History:
    """Draw everything that the world leaves to chance."""
    agents, hosts, minutes = len(fleet.agents), len(fleet.hosts), times.minutes
    shape = fleets.day_shape(fleet, minutes)
    level, usual_latency = _levels(rng, fleet, times, shape)
    level = level * world.factor
    _lose(rng, times, world, slots)
    latencies = _answers(rng, fleet, times, world, level, slots)
    asks = times.asked(slots)
    asked = np.tile(asks.sum(axis=1) * hosts, (agents, 1))
    latencies[:, ~np.repeat(asks, hosts, axis=1)] = np.nan
    answered = np.sum(~np.isnan(latencies), axis=2)
    late = np.sum(latencies > timeout_s, axis=2)
    windows = {}
    for minute, requests in times.windows(requests_of_a_gate).items():
        # While a gate measures, its own requests take the place of the slow ones.
        windows[minute] = answers = window(rng, fleet, world, level, minute, requests, slots)
        asked[:, minute] = requests * hosts
        answered[:, minute] = np.sum(~np.isnan(answers), axis=1)
        late[:, minute] = np.sum(answers > timeout_s, axis=1)

    up_share = world.alive.reshape(agents, hosts, minutes, slots).mean(axis=3)
    rate = np.array([fleet.traffic[agent] for agent in fleet.agents])[:, None, None]
    rate = (
        rate
        * world.busy[:, None, :]
        * (0.3 + 0.7 * shape)
        * fleets.heavy(rng, fleet.noise, fleet.tail, (agents, hosts, minutes))
        + slots
    )
    messages = rng.poisson(rate * up_share)
    errors = rng.binomial(messages, world.failing)
    failing = world.failing.mean(axis=1)
    error_answers = rng.binomial(answered, failing)
    shared = np.zeros((agents, hosts, minutes), dtype=int)
    for minute in (minute for minute in fleet.hiccups if minute < minutes):
        shared[:, :, minute] += rng.integers(1, 4, size=(agents, hosts))
    if not world.own_failing:
        shared, errors = shared + errors, np.zeros_like(errors)
    # Who lost his connection says so.
    shared[:, ~world.connected] += 1
    memory, usual_memory = _memory(rng, fleet, times, world, shape)
    return History(
        fleet=fleet,
        times=times,
        world=world,
        seed=seed,
        asked=asked,
        answered=answered,
        late=late,
        error_answers=error_answers,
        latencies=latencies,
        windows=windows,
        messages=messages,
        errors=errors,
        shared_errors=shared,
        warnings=rng.poisson(0.01, (agents, hosts, minutes)) * (up_share > 0.5),
        memory=memory,
        cpu=(0.05 + messages * 0.001) * rng.lognormal(0.0, 0.1, (agents, hosts, minutes)),
        load=_loads(rng, fleet, minutes) + world.load,
        host_memory=np.clip(rng.uniform(20, 75, (hosts, 1)) + fleets.slow_walk(rng, 1.0, 240.0, hosts, minutes), 1, 90),
        disk=rng.uniform(20, 80, (hosts, 1)) + np.arange(minutes) * rng.uniform(0.0, 0.0005, (hosts, 1)),
        level=level,
        usual_latency=usual_latency,
        usual_memory=usual_memory,
        timeout_s=timeout_s,
        slots=slots,
    )


def _levels(rng: Rng, fleet: Fleet, times: Timetable, shape: Array) -> tuple[Array, Array]:
    """(latency of each minute [agent, host, minute], the usual one [agent, host])."""
    agents, minutes = len(fleet.agents), times.minutes
    own = fleets.heavy(rng, fleet.noise, fleet.tail, (agents, minutes))
    drift = np.exp(fleets.slow_walk(rng, fleet.wander, 180.0, agents, minutes))
    shared = (
        fleets.heavy(rng, fleet.shared_noise, fleet.tail, (1, minutes)) * (1.0 + fleet.day * shape) / (1.0 + fleet.day)
    )
    base = np.array([fleet.base_s[agent] for agent in fleet.agents])[:, None]
    # No two hosts are alike.
    hosts = rng.lognormal(0.0, 0.05, (agents, len(fleet.hosts)))
    return np.asarray((base * own * drift * shared)[:, None, :] * hosts[:, :, None]), np.asarray(base * hosts)


def _lose(rng: Rng, times: Timetable, world: World, slots: int) -> None:
    """Draw the answers that get lost. A loss that loses nothing is none, so one is lost at least."""
    if not world.loss.any():
        return
    chance = np.repeat(world.loss, slots, axis=1)[:, None, :]
    world.lost |= rng.random(world.lost.shape) < chance
    last = times.gates[-1].at - 10
    for agent in np.flatnonzero(world.loss.any(axis=1)):
        first = int(np.flatnonzero(world.loss[agent])[0]) + 1
        if not world.lost[agent, :, first * slots : last * slots].any():
            at = int(rng.integers(first * slots, last * slots)) // slots * slots + slots - 1
            world.lost[agent, rng.integers(world.lost.shape[1]), at] = True


def _answers(rng: Rng, fleet: Fleet, times: Timetable, world: World, level: Array, slots: int) -> Array:
    """Latencies of the low-rate probe [agent, minute, slot and host], NaN where no answer comes."""
    agents, hosts, minutes = len(fleet.agents), len(fleet.hosts), times.minutes
    spread = np.array([fleet.spread[agent] for agent in fleet.agents], dtype=np.float32)[:, None, None, None]
    found = np.exp(rng.standard_normal((agents, minutes, slots, hosts), dtype=np.float32) * spread)
    found *= level.transpose(0, 2, 1)[:, :, None, :].astype(np.float32)
    found = _shaped(rng, world, found, world.longer[:, :, None, None])
    comes = (world.alive & ~world.lost).reshape(agents, hosts, minutes, slots).transpose(0, 2, 3, 1)
    found[~(comes & world.connected.T[None, :, None, :])] = np.nan
    return np.asarray(found.reshape(agents, minutes, slots * hosts))


def _shaped(rng: Rng, world: World, found: Array, longer: Array) -> Array:
    """Latencies with those that take longer, in whole ticks. `longer`: the share, in the shape of `found`."""
    if world.longer.any():
        more = world.longer_s.reshape(-1, *(1,) * (found.ndim - 1)) * rng.uniform(0.8, 1.2, found.shape)
        found = found + np.where(rng.random(found.shape) < longer, more, 0.0).astype(found.dtype)
    return np.ceil(found / world.tick_s) * world.tick_s if world.tick_s else found


def window(rng: Rng, fleet: Fleet, world: World, level: Array, minute: int, requests: int, slots: int) -> Array:
    """Latencies of so many requests to each agent within one minute [agent, request and host], NaN where no answer comes."""
    agents, hosts = len(fleet.agents), len(fleet.hosts)
    spread = np.array([fleet.spread[agent] for agent in fleet.agents])[:, None, None]
    found = np.exp(rng.standard_normal((agents, requests, hosts)) * spread) * level[:, None, :, minute]
    found = _shaped(rng, world, found, world.longer[:, minute, None, None])
    slot = minute * slots + np.arange(requests) * slots // requests
    comes = world.alive[:, :, slot].transpose(0, 2, 1) & world.connected[None, None, :, minute]
    comes &= rng.random(comes.shape) >= world.loss[:, minute][:, None, None]
    # A single lost answer is the one to the slot's first request.
    first = np.append(True, slot[1:] != slot[:-1])
    comes &= ~(
        world.lost[:, :, slot].transpose(0, 2, 1) & first[None, :, None] & (world.loss[:, minute] == 0)[:, None, None]
    )
    found[~comes] = np.nan
    return np.asarray(found.reshape(agents, requests * hosts))


def _memory(rng: Rng, fleet: Fleet, times: Timetable, world: World, shape: Array) -> tuple[Array, Array]:
    """(bytes in use [agent, host, minute], usual ones [agent, host])."""
    agents, hosts, minutes = len(fleet.agents), len(fleet.hosts), times.minutes
    base = np.array([fleet.memory_mib[agent] for agent in fleet.agents])[:, None, None]
    base = base * rng.lognormal(0.0, 0.05, (agents, hosts, 1))
    noise = 1.0 + rng.normal(0.0, fleet.memory_noise, (agents, hosts, minutes))
    drift = fleets.slow_walk(rng, fleet.memory_wander, float(rng.uniform(20.0, 90.0)), agents * hosts, minutes)
    day = 1.0 + fleet.memory_day * shape
    warm = np.ones((agents, hosts, minutes))
    at = np.arange(minutes)
    for row, agent in enumerate(fleet.agents):
        for column, host in enumerate(fleet.hosts):
            since = times.changed(agent, host)
            if since is not None:
                # A process that has just started fills its caches first.
                cold = np.exp(-np.maximum(at - since, 0.0) / fleet.warm_up_minutes)
                warm[row, column] = np.where(at >= since, 1.0 - fleet.warm_up * cold, 1.0)
    used = base * noise * day * warm * np.exp(drift.reshape(agents, hosts, minutes)) + world.memory_mib
    used = np.minimum(used, fleet.limit_mib) * fleets.MIB
    return used.astype(np.int64), np.asarray(base[:, :, 0] * fleets.MIB)


def _loads(rng: Rng, fleet: Fleet, minutes: int) -> Array:
    hosts = len(fleet.hosts)
    return np.asarray(fleet.load * fleets.heavy(rng, fleet.noise, fleet.tail, (hosts, minutes)))
