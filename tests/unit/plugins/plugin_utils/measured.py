# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks and NATS lines for tests of what they add up to: small ones by hand, wild ones by hypothesis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import START, at

HOST = "dgx-1"
BUCKET_S = 60.0
# The bucket since the epoch that START begins.
FIRST = int(START.timestamp() // BUCKET_S)
OLD, NEW = "0" * 32, "f" * 32
NAMES = ("network-expert", "nix-expert")
SUBJECTS = [
    Subject("network-expert", HOST, "test", START + timedelta(minutes=20), NEW, "one"),
    Subject("nix-expert", HOST, "control", START, None, None, False),
    Subject("tdd-expert", HOST, "pending", START, None, "two", False),
]


def event(name: str, seconds: float, invocation: str | None = None) -> dict[str, Any]:
    return {"event": name, "at": iso(at(seconds)), "detail": "", "invocation_id": invocation}


def log(**more: Any) -> dict[str, Any]:
    counts = {"lines": 0, "errors": 0, "warnings": 0, "panics": 0, "unparsed": 0, "unreadable": 0}
    return {**counts, "first_at": None, "last_at": None, "kinds": [], "counters": {}, "lifecycle": [], **more}


def seen(invocation: str = OLD, started: float = -9000.0, **more: Any) -> dict[str, Any]:
    """What a look saw of one agent; `log` may be given."""
    return {
        "unit": "agent.service", "active_state": "active", "invocation_id": invocation, "accounting": "unit",
        "started_at": iso(at(started)), "memory_bytes": 4096, "cpu_s": 1.0, "log": log(), **more,
    }  # fmt: skip


def look(
    seconds: float, since: float, instances: Mapping[str, Any], host: Mapping[str, Any] | None = None, **journal: Any
) -> dict[str, Any]:
    """A look at `seconds` after START that read the journal from `since`."""
    facts = {
        "now": iso(at(seconds)), "clock_offset_s": 0.4, "load": [1.5, 1.0, 0.5], "memory": {"used_pct": 40.0},
        "disks": {"/a": {"used_pct": 10.0}, "/b": {"used_pct": 55.5}, "/gone": None}, "nats_connections": 4,
    }  # fmt: skip
    return {
        "host_name": HOST,
        "at": iso(at(seconds)),
        "received_at": iso(at(seconds + 1.0)),
        "journal": {"cursor": f"c{seconds}", "since": iso(at(since)), "complete": True, "reason": None, **journal},
        "host": {**facts, **(host or {})},
        "instances": dict(instances),
    }


def line(
    begin: float, end: float, agents: Mapping[str, Any] | None = None, group: str = "nats", **more: Any
) -> dict[str, Any]:
    """A line of the NATS book; rows of `agents` count buckets from START."""
    rows = {agent: [[FIRST + row[0], *row[1:]] for row in each] for agent, each in (agents or {}).items()}
    return {
        "at": iso(at(end)), "group": group, "hosts": [HOST], "measured_at": HOST, "from": iso(at(begin)),
        "to": iso(at(end)), "kind": "low_rate", "reason": None, "message": "", "bucket_s": BUCKET_S, "agents": rows,
        "sample": None, **more,
    }  # fmt: skip


# ---------------------------------------------------------------- wild ones

_seconds = st.integers(0, 3000)
_counts = st.integers(0, 5)


@st.composite
def _logs(draw: st.DrawFn, seconds: int) -> dict[str, Any]:
    counts = {name: draw(_counts) for name in ("lines", "errors", "warnings", "panics", "unparsed", "unreadable")}
    out = log(**counts)
    if draw(st.booleans()):
        out["buckets"] = {
            str(FIRST + seconds // 60 - draw(st.integers(0, 3))): [draw(_counts), draw(_counts), draw(_counts)]
            for _bucket in range(draw(st.integers(0, 2)))
        }
    for invocation in draw(st.sets(st.sampled_from([OLD, NEW]))):
        low = draw(st.integers(0, 100))
        high = low + draw(st.integers(0, 50))
        out["counters"][invocation] = {"first": {"inbox": low}, "last": {"inbox": high, "agent-ref": draw(_counts)}}
    for name in draw(st.lists(st.sampled_from(["boom <n>", "late", "lost"]), unique=True)):
        moments = sorted(iso(at(draw(_seconds))) for _end in range(2))
        out["kinds"].append(
            {"kind": name, "level": "ERROR", "count": draw(st.integers(1, 4)), "first_at": moments[0],
             "last_at": moments[1], "recurring": draw(st.booleans()), "example": f"{name} {draw(_counts)}"}
        )  # fmt: skip
    names = st.sampled_from(["started", "stopped", "exited", "failed", "oom", "restart_scheduled"])
    invocations = st.sampled_from([OLD, NEW, None])
    out["lifecycle"] = [
        event(draw(names), draw(_seconds), draw(invocations)) for _each in range(draw(st.integers(0, 3)))
    ]
    if draw(st.booleans()):
        out["gap"] = draw(st.sampled_from([None, {"reason": "output_elsewhere", "message": "it goes to /dev/null"}]))
    if draw(st.booleans()):
        count = draw(_counts)
        out["signs"] = {"(?i)corrupt": {"count": count, "examples": ["corrupt"] * min(count, 3)}}
    # Looks of earlier versions told neither.
    if draw(st.booleans()):
        texts = draw(st.lists(st.sampled_from(["banner", "could not publish", "???"]), unique=True))
        out["unread"] = [{"count": draw(st.integers(1, 4)), "example": each} for each in texts]
    if draw(st.booleans()):
        known = draw(st.sets(st.sampled_from(["gpu_probe", "art"])))
        out["harmless"] = {name: {"count": draw(st.integers(1, 4)), "examples": [name]} for name in sorted(known)}
    return out


@st.composite
def _looks(draw: st.DrawFn) -> dict[str, Any]:
    seconds = draw(_seconds)
    instances = {
        agent: seen(
            draw(st.sampled_from([OLD, NEW])),
            memory_bytes=draw(st.none() | st.integers(0, 2**40)),
            cpu_s=draw(st.none() | st.floats(0, 100)),
            log=draw(_logs(seconds)),
        )
        for agent in draw(st.sets(st.sampled_from(NAMES)))
    }
    host = {
        "clock_offset_s": draw(st.sampled_from([None, 0.3, 0.9, 130.0])),
        "load": draw(st.sampled_from([[], [1.0]])),
    }
    complete = draw(st.booleans())
    reason = None if complete else draw(st.sampled_from([None, "journal_rotated"]))
    return look(seconds, seconds - draw(st.integers(0, 600)), instances, host, complete=complete, reason=reason)


@st.composite
def _lines(draw: st.DrawFn) -> dict[str, Any]:
    end = draw(_seconds)
    rows = st.tuples(
        st.integers(0, 50), st.integers(0, 18), st.integers(0, 18), _counts, _counts,
        st.lists(st.tuples(st.integers(0, 1399), st.integers(1, 9)).map(list), max_size=3),
    ).map(list)  # fmt: skip
    agents = {name: draw(st.lists(rows, max_size=3)) for name in draw(st.sets(st.sampled_from(NAMES)))}
    sample = {name: dict.fromkeys(("legacy", "unified", "published", "matched"), draw(_counts)) for name in agents}
    reason = draw(st.sampled_from([None, "nats_unreachable", "sampler_lossy"]))
    measured_at = draw(st.sampled_from([HOST, "dgx-2"]))
    group = draw(st.sampled_from(["nats", "other"]))
    return line(end - 60, end, agents, group, reason=reason, measured_at=measured_at,
                sample=draw(st.sampled_from([None, sample])))  # fmt: skip


wild_looks = st.lists(_looks(), max_size=5)
wild_lines = st.lists(_lines(), max_size=5)
