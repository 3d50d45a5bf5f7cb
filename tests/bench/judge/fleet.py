# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up fleet and its weather: hosts, agents, traffic, latencies, memory, and how noisy all of it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Rng = np.random.Generator
    Array = np.ndarray[Any, Any]

MIB = 1024.0 * 1024.0
# A fleet whose usual 99th percentile at the busiest hour, noise included, is beyond the plan's own limit (200 ms) is no
# clean one under any judge: three quarters of that limit may be used up.
USUAL_P99_S = 0.150
# Heavy tails make minutes this much wider than their middle half says.
WIDER = 1.3
LIMITS_MIB = (512.0, 8192.0)


@dataclass(frozen=True)
class Fleet:
    """One rollout's fleet. Latencies in seconds, memory in MiB, traffic in messages per minute and instance.

    `base_s`: an agent's median latency at the busiest hour: the plan has a limit of 100 ms for it, and a fleet that is
    beyond it at noon every day is no clean one.
    `noise`: spread of each agent's own factor per minute (0.02..0.20); `shared_noise`: of the one that all agents
    have in common; `tail`: degrees of freedom of both (Student's t: 3 is heavy, 30 nearly normal); `spread`: of single
    answers around their minute (log-normal); `day`: how much slower everybody is at the busiest hour, as a share;
    `peak`: the minute of that hour; `wander`: slow drift of an agent's latency; `hiccups`: minutes in which NATS shook
    and everybody logged the same error.
    """

    hosts: tuple[str, ...]
    test: tuple[str, ...]
    control: tuple[str, ...]
    noise: float
    shared_noise: float
    tail: float
    wander: float
    day: float
    peak: float
    base_s: dict[str, float]
    spread: dict[str, float]
    traffic: dict[str, float]
    memory_mib: dict[str, float]
    limit_mib: float
    memory_noise: float
    memory_wander: float
    memory_day: float
    warm_up: float
    warm_up_minutes: float
    load: float
    hiccups: tuple[int, ...]

    @property
    def agents(self) -> tuple[str, ...]:
        return self.test + self.control


def draw(
    rng: Rng, test: tuple[str, ...], control: tuple[str, ...], minutes: int, limit_mib: float | None = None
) -> Fleet:
    """A fleet at random; `limit_mib` fixes the memory limit where a fault is about it."""
    hosts = int(rng.choice([2, 3, 3, 3, 3, 4, 6]))
    agents = test + control
    day = float(rng.uniform(0.0, 0.5))
    noise = float(rng.uniform(0.02, 0.20))
    shared_noise = float(rng.uniform(0.0, noise))
    base, spread = {}, {}
    for agent in agents:
        spread[agent] = float(rng.uniform(0.1, 0.6))
        width = np.sqrt(spread[agent] ** 2 + (WIDER * noise) ** 2 + (WIDER * shared_noise) ** 2)
        drawn = float(np.exp(rng.uniform(np.log(0.010), np.log(0.080))))
        base[agent] = min(drawn, float(USUAL_P99_S / np.exp(2.33 * width)))
    # From agents that nobody but the probe talks to, up to 50 messages a second.
    level = float(np.exp(rng.uniform(np.log(0.05), np.log(3000.0))))
    limit = float(rng.choice(LIMITS_MIB)) if limit_mib is None else limit_mib
    highest = 250.0 if limit < 1024.0 else 1500.0
    return Fleet(
        hosts=tuple(f"host-{number + 1}" for number in range(hosts)),
        test=test,
        control=control,
        noise=noise,
        shared_noise=shared_noise,
        tail=float(rng.choice([3.0, 4.0, 6.0, 30.0])),
        wander=float(rng.uniform(0.0, 0.02)),
        day=day,
        peak=float(rng.uniform(0.0, 1440.0)),
        base_s=base,
        spread=spread,
        traffic={agent: level * float(np.exp(rng.normal(0.0, 0.5))) for agent in agents},
        memory_mib={agent: float(rng.uniform(60.0, highest)) for agent in agents},
        limit_mib=limit,
        memory_noise=float(rng.uniform(0.005, 0.03)),
        memory_wander=float(rng.uniform(0.002, 0.01)),
        memory_day=float(rng.uniform(0.0, 0.04)),
        warm_up=float(rng.uniform(0.0, 0.08)),
        warm_up_minutes=float(rng.uniform(5.0, 30.0)),
        load=float(rng.uniform(0.05, 1.5)),
        hiccups=tuple(int(minute) for minute in rng.integers(20, minutes, size=rng.poisson(0.3))),
    )


def day_shape(fleet: Fleet, minutes: int) -> Array:
    """0 at the quietest hour, 1 at the busiest, per minute."""
    at = np.arange(minutes)
    return 0.5 + 0.5 * np.cos(2.0 * np.pi * (at - fleet.peak) / 1440.0)


def heavy(rng: Rng, spread: float, tail: float, shape: tuple[int, ...]) -> Array:
    """Factors around 1: exp of Student's t, scaled so that its middle half is as wide as a normal one's of `spread`."""
    exponent = rng.standard_t(tail, shape) * (spread * 0.6745 / float(_QUARTILE[tail]))
    # Beyond this no answer would come within any timeout, and the fault would be another one.
    return np.exp(np.clip(exponent, -3.0, 3.0))


# Upper quartiles of Student's t by degrees of freedom (a normal distribution has 0.6745).
_QUARTILE = {3.0: 0.7649, 4.0: 0.7407, 6.0: 0.7176, 30.0: 0.6828}


def slow_walk(rng: Rng, spread: float, minutes_to_forget: float, rows: int, minutes: int) -> Array:
    """Rows that wander around 0 with standard deviation `spread` and forget themselves after so many minutes."""
    from scipy.signal import lfilter

    keep = float(np.exp(-1.0 / minutes_to_forget))
    steps = rng.normal(0.0, spread * np.sqrt(1.0 - keep * keep), (rows, minutes))
    steps[:, 0] = rng.normal(0.0, spread, rows)
    return np.asarray(lfilter([1.0], [1.0, -keep], steps, axis=1))
