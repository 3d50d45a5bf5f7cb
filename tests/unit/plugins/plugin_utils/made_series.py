# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series made by hand: a quiet fleet with seeded noise, to which a test does what it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ansible_collections.cowboyai.rollout.plugins.module_utils._latency_sketch import bin_of

TEST, CONTROL = ("network-expert", "tdd-expert"), ("nix-expert", "qa-expert")
HOSTS = ("dgx-1", "dgx-2", "dgx-3")
MIB = 1048576.0
Floats = np.ndarray[Any, np.dtype[np.float64]]


class Made:
    """Minute buckets; the change is proven before bucket `changed`. `tick`: memory and disk are seen every so often."""

    def __init__(self, buckets: int = 360, changed: int = 60, noise: float = 0.05, seed: int = 1, tick: int = 5):
        self.buckets, self.changed, self.noise, self.tick = buckets, changed, noise, tick
        self.rng = np.random.default_rng(seed)
        self.at: Floats = np.arange(buckets, dtype=float)
        shared = self.factors()
        agents = {name: self._agent(name, shared) for name in (*TEST, *CONTROL)}
        instances = {f"{name}@{host}": self._instance(name, host) for name in (*TEST, *CONTROL) for host in HOSTS}
        hosts = {host: {"disk_pct": self.ticks(40.0 * self.factors() ** 0.01)} for host in HOSTS}
        self.document: dict[str, Any] = {
            "schema": "cowboyai.rollout/series/1",
            "start": "2026-01-23T12:00:00.000000+00:00",
            "bucket_s": 60.0,
            "skips_waits": False,
            "buckets": buckets,
            "instances": instances,
            "agents": agents,
            "hosts": hosts,
            "gaps": [],
        }

    def factors(self) -> Floats:
        """Noise around 1, a value per bucket."""
        return np.exp(self.rng.normal(0.0, self.noise, self.buckets))

    def ticks(self, values: Floats) -> list[list[float]]:
        return [[int(i), float(values[i])] for i in range(0, self.buckets, self.tick)]

    def every(self, value: float) -> list[list[float]]:
        return [[int(i), value] for i in self.at]

    def sketches(self, seconds: Floats) -> list[list[Any]]:
        return [[i, [[bin_of(float(value)), 18]]] for i, value in enumerate(seconds)]

    def _role(self, name: str) -> dict[str, Any]:
        test = name in TEST
        return {"role": "test" if test else "control", "changed": self.changed if test else None}

    def _agent(self, name: str, shared: Floats) -> dict[str, Any]:
        return {
            "agent": name, "group": "cim", "hosts": list(HOSTS), **self._role(name),
            "asked": self.every(18), "answered": self.every(18), "late": [], "errors": [],
            "latency": self.sketches(0.020 * shared * self.factors()),
            "legacy": [], "unified": [], "published": [], "matched": [],
        }  # fmt: skip

    def _instance(self, name: str, host: str) -> dict[str, Any]:
        return {
            "agent": name, "host": host, "phase": name, **self._role(name),
            "errors": [], "warnings": [], "messages": self.every(30), "restarts": [],
            "memory": self.ticks(200 * MIB * self.factors() ** 0.4), "cpu": [], "watched": [[0, self.buckets]],
        }  # fmt: skip

    def latency(self, agent: str, factor: Callable[[Floats], Floats] | float, since: int | None = None) -> Made:
        """Make an agent slower since a bucket, by default since the change."""
        since = self.changed if since is None else since
        by = np.where(self.at >= since, factor(self.at) if callable(factor) else factor, 1.0)
        self.document["agents"][agent]["latency"] = self.sketches(0.020 * self.factors() * by)
        return self

    def answers(self, agent: str, first: int, last: int, answered: int) -> Made:
        """Let an agent answer only so often from bucket `first` to `last` (exclusive)."""
        for point in self.document["agents"][agent]["answered"][first:last]:
            point[1] = answered
        return self

    def memory(self, instance: str, mib: Callable[[Floats], Floats]) -> Made:
        """Let an instance use so much, noise included, as a function of the bucket."""
        values = mib(self.at) * MIB * self.factors() ** 0.4
        self.document["instances"][instance]["memory"] = self.ticks(values)
        return self

    def evidence(self, **more: Any) -> dict[str, Any]:
        """The series with as much evidence around it as its metrics want: limits of 512 MiB."""
        instances = {
            name: {"agent": each["agent"], "host": each["host"], "role": each["role"], "memory_limit_bytes": 512 * MIB}
            for name, each in self.document["instances"].items()
        }
        return {"instances": instances, "hosts": {host: {} for host in HOSTS}, "series": self.document, **more}
