# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks and NATS lines of a long rollout over a whole fleet, as hosts would have told them: seeded, every value different."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject

START = datetime(2026, 1, 23, 12, 0, 0, tzinfo=UTC)
BUCKET_S = 60.0
LIMIT = 8589934592


@dataclass(frozen=True)
class Load:
    """`hosts` x `agents` instances watched for `hours`, a look every `tick_s`, a probe of every agent every `probe_s`."""

    hosts: int = 3
    agents: int = 31
    hours: float = 168.0
    tick_s: float = 300.0
    probe_s: float = 10.0
    seed: int = 1

    @property
    def looks(self) -> int:
        return round(self.hours * 3600.0 / self.tick_s)

    @property
    def end(self) -> datetime:
        return START + timedelta(hours=self.hours)

    def host_names(self) -> list[str]:
        return [f"host-{number}" for number in range(1, self.hosts + 1)]

    def agent_names(self) -> list[str]:
        return [f"agent-{number:02d}-expert" for number in range(1, self.agents + 1)]

    def subjects(self) -> list[Subject]:
        """The first third of the agents is changed at the start, the second one pending, the rest control."""
        found = []
        for place, agent in enumerate(self.agent_names()):
            role = ("test", "pending", "control")[place * 3 // self.agents]
            for host in self.host_names():
                invocation = _invocation(agent, host) if role == "test" else None
                found.append(Subject(agent, host, role, START, invocation, "all", role == "test"))
        return found


def _invocation(agent: str, host: str) -> str:
    return f"{random.Random(agent + host).getrandbits(128):032x}"


def looks(load: Load, host: str) -> Iterator[dict[str, Any]]:
    """The looks at one host, as `look_of` makes them."""
    rng = random.Random(f"{load.seed} {host}")
    totals = dict.fromkeys(load.agent_names(), 0)
    cpu = dict.fromkeys(load.agent_names(), 0.0)
    for number in range(1, load.looks + 1):
        at = START + timedelta(seconds=number * load.tick_s, microseconds=rng.randrange(2_000_000))
        since = at - timedelta(seconds=load.tick_s)
        buckets = range(int(since.timestamp() // BUCKET_S), int(at.timestamp() // BUCKET_S))
        busy = 1.0 + 0.5 * math.sin(at.timestamp() / 86400.0 * 2.0 * math.pi)
        yield {
            "host_name": host,
            "at": iso(at),
            "received_at": iso(at + timedelta(milliseconds=rng.randrange(200, 1500))),
            "journal": {
                "cursor": f"s={rng.getrandbits(128):032x};i={number * 977:x};b={rng.getrandbits(128):032x};m={number:x}",
                "since": iso(since), "complete": True, "reason": None, "message": None, "entries": 31 * 60,
                "bucket_s": BUCKET_S,
            },
            "host": _host(rng, host, at, busy, load.agents),
            "instances": {
                agent: _instance(rng, agent, host, at, since, buckets, busy, totals, cpu) for agent in load.agent_names()
            },
        }  # fmt: skip


def _host(rng: random.Random, host: str, at: datetime, busy: float, agents: int) -> dict[str, Any]:
    load = round(busy * rng.uniform(0.5, 1.5), 2)
    return {
        "hostname": host, "now": iso(at), "clock_offset_s": round(rng.uniform(0.2, 1.2), 6),
        "boot_id": "041c74f8-6345-4271-af08-7eb4602b57fa", "booted_at": iso(START - timedelta(days=9)),
        "load": [load, round(load * 0.9, 2), round(load * 0.8, 2)], "cpus": 72,
        "memory": {"total_bytes": 127775277056, "available_bytes": rng.randrange(9 * 10**10, 10**11),
                   "used_pct": round(rng.uniform(20, 30), 3)},
        "disks": {"/opt/agents": {"total_bytes": 10**12, "available_bytes": rng.randrange(8 * 10**11, 9 * 10**11),
                                  "used_pct": round(rng.uniform(10, 11), 3)}},
        "nats_connections": agents,
    }  # fmt: skip


def _instance(
    rng: random.Random, agent: str, host: str, at: datetime, since: datetime, buckets: range, busy: float,
    totals: dict[str, int], cpu: dict[str, float],
) -> dict[str, Any]:  # fmt: skip
    invocation = _invocation(agent, host)
    before = totals[agent]
    points = []
    for bucket in buckets:
        totals[agent] += int(busy * rng.uniform(40, 120))
        points.append([bucket, invocation, totals[agent]])
    cpu[agent] += busy * rng.uniform(1.0, 4.0)
    warns = {str(bucket): [rng.randrange(8, 14), 0, 0] for bucket in buckets}
    kinds = []
    if rng.random() < 0.1:
        warns[str(buckets[0])][2] = 1
        kinds.append(_kind(rng, "WARN", since, "agent_service: Slow answer to <uuid>, <n> ms"))
    if rng.random() < 0.01:
        warns[str(buckets[-1])][1] = 1
        kinds.append(_kind(rng, "ERROR", at, "agent_service: Error handling inbox command: expected value at <n>"))
    count = {"inbox": totals[agent] - totals[agent] // 7, "broadcast": 3, "agent-ref": totals[agent] // 7 - 3}
    first = {"inbox": before - before // 7, "broadcast": 3, "agent-ref": before // 7 - 3}
    return {
        "unit": f"agent-runtime@{agent}.service", "load_state": "loaded", "active_state": "active",
        "sub_state": "running", "result": "success", "main_pid": 4000 + len(agent), "invocation_id": invocation,
        "restarts": 0, "active_since": iso(START), "started_at": iso(START),
        "memory_bytes": 4096 * rng.randrange(20_000, 30_000), "memory_limit_bytes": LIMIT,
        "cpu_s": round(cpu[agent], 6), "accounting": "unit", "nats_connections": 1, "enabled": "enabled",
        "environment": None,
        "log": {
            "lines": sum(counts[0] for counts in warns.values()),
            "errors": sum(counts[1] for counts in warns.values()),
            "warnings": sum(counts[2] for counts in warns.values()),
            "panics": 0, "unparsed": 0, "unreadable": 0,
            "first_at": iso(since + timedelta(microseconds=rng.randrange(10**6))), "last_at": iso(at), "kinds": kinds,
            "lifecycle": [], "signs": {"(?i)corrupt|checksum": {"count": 0, "examples": []}},
            "counters": {invocation: {"first": first, "first_at": iso(since), "last": count, "last_at": iso(at), "final": False}},
            "buckets": warns, "counter_points": points,
        },
    }  # fmt: skip


def _kind(rng: random.Random, level: str, at: datetime, text: str) -> dict[str, Any]:
    moment = iso(at + timedelta(microseconds=rng.randrange(10**6)))
    example = f"{text[15:40]} {rng.getrandbits(64):x} {rng.randrange(10**6)}"
    return {"kind": text, "level": level, "count": 1, "first_at": moment, "last_at": moment, "recurring": False,
            "example": example}  # fmt: skip


def nats_lines(load: Load) -> Iterator[dict[str, Any]]:
    """Per tick the low-rate probe since the tick before, and a light sample; one group of servers."""
    rng = random.Random(f"{load.seed} nats")
    median = {agent: rng.uniform(0.003, 0.04) for agent in load.agent_names()}
    for number in range(1, load.looks + 1):
        at = START + timedelta(seconds=number * load.tick_s)
        since = at - timedelta(seconds=load.tick_s)
        buckets = range(int(since.timestamp() // BUCKET_S), int(at.timestamp() // BUCKET_S))
        head = {"at": iso(at), "group": "nats", "hosts": load.host_names(), "measured_at": "host-1",
                "from": iso(since), "to": iso(at), "reason": None, "message": "", "bucket_s": BUCKET_S}  # fmt: skip
        agents = {agent: [_answers(rng, load, bucket, median[agent]) for bucket in buckets] for agent in median}
        yield {**head, "kind": "low_rate", "agents": agents, "sample": None}
        yield {**head, "kind": "light", "from": iso(at - timedelta(seconds=20)), "agents": {},
               "sample": {agent: _sample(rng) for agent in median}}  # fmt: skip


def _answers(rng: random.Random, load: Load, bucket: int, median: float) -> list[Any]:
    asked = round(BUCKET_S / load.probe_s) * load.hosts
    lost = 1 if rng.random() < 0.001 else 0
    sketch: list[list[int]] = []
    for _answer in range(asked - lost):
        _latency_sketch.add(sketch, median * rng.lognormvariate(0.0, 0.2))
    return [bucket, asked, asked - lost, 0, 0, sketch]


def _sample(rng: random.Random) -> dict[str, int]:
    published = rng.randrange(20, 60)
    return {"legacy": published * 2, "unified": rng.randrange(5, 25), "published": published, "matched": published}
