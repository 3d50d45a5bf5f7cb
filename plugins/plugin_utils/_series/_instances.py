# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The series of one instance, out of the fold of its host."""

from __future__ import annotations

import math
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds import HostFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._agent import UNKNOWN, AgentFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import Points
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._moment import (
    SECOND,
    bucket_of,
    micros,
    micros_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._spans import without
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import DOWN_EVENTS, UP_EVENTS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._axis import Axis, Pairs

_NEVER = -(2**62)


def instance(subject: Subject, host: HostFold | None, axis: Axis, places: list[int] | None) -> dict[str, Any]:
    """One entry of `instances`; its series are empty when no look saw it. `places`: of the host's looks, see `_use`."""
    seen = (host.agents.get(subject.agent) if host else None) or AgentFold()
    return {
        "agent": subject.agent,
        "host": subject.host,
        "role": subject.role,
        "phase": subject.phase,
        "changed": changed(subject, host, axis),
        "errors": axis.counts(seen.errors),
        "warnings": axis.counts(seen.warnings),
        "messages": axis.counts(seen.messages.points),
        "restarts": axis.counts(restarts(seen.events, subject, host)) if host else [],
        **(_use(seen, places, host, axis) if host else {"memory": [], "cpu": []}),
        "watched": _watched(seen, subject, host, axis) if host else [],
    }


def changed(subject: Subject, host: HostFold | None, axis: Axis) -> int | None:
    """The first bucket wholly after the proof of the change; None for what was not changed."""
    if not subject.touched or subject.role != "test":
        return None
    # An edge that the moment hits exactly begins a bucket wholly after it.
    before = micros_of(subject.since) - 1
    return axis.edge((host.bucket(before) if host else bucket_of(before, axis.bucket_s)) + 1)


def restarts(events: list[list[Any]], subject: Subject, host: HostFold) -> Points:
    """Times that it went down, by bucket. Going down for the change itself is none."""
    told = sorted(
        ((moment, event) for moment, event in ((micros(event.get("at")), event) for _row, event in events) if moment),
        key=lambda item: item[0],
    )
    downs = Points()
    down: int | None = None
    for moment, event in told:
        name = event.get("event")
        if name in DOWN_EVENTS and down is None:
            down = host.bucket(moment)
            downs.add(down, 1)
        elif name in UP_EVENTS:
            if down is not None and subject.invocation and event.get("invocation_id") == subject.invocation:
                # This is the start that was proven: what ended the process before it was the change.
                downs.add(down, -1)
            down = None
    kept = Points()
    for bucket, number in downs:
        if number:
            kept.put(bucket, number)
    return kept


def _use(seen: AgentFold, places: list[int] | None, host: HostFold, axis: Axis) -> dict[str, Pairs]:
    """Memory and CPU. `places`: the number of each look's bucket where they are ascending and on the axis."""
    if places is not None:
        rows = [places[row] for row in seen.rows]
        return {
            "memory": [[place, value] for place, value in zip(rows, seen.memory, strict=True) if value != UNKNOWN],
            # What is not equal to itself is nan: not known.
            "cpu": [[place, value] for place, value in zip(rows, seen.cpu, strict=True) if not math.isnan(value)],
        }
    points = sorted(zip((host.buckets[row] for row in seen.rows), seen.memory, seen.cpu, strict=True))
    return {
        "memory": axis.gauges((bucket, memory) for bucket, memory, _cpu in points if memory != UNKNOWN),
        "cpu": axis.gauges((bucket, cpu) for bucket, _memory, cpu in points if not math.isnan(cpu)),
    }


def _watched(seen: AgentFold, subject: Subject, host: HostFold, axis: Axis) -> Pairs:
    """Buckets that journal reads covered from begin to end."""
    spans = seen.watched
    if subject.touched:
        # The look that saw the change left out the lines of the process before it.
        since = micros_of(subject.since)
        before = host.look_before(since)
        spans = without(spans, _NEVER if before is None else before, since)
    length = host.bucket_s * SECOND
    out: Pairs = []
    for begin, end in spans:
        first = axis.edge(math.ceil(begin / length) - host.shift)
        last = axis.edge(math.floor(end / length) - host.shift)
        if out and first <= out[-1][1]:
            out[-1][1] = max(out[-1][1], last)
        elif first < last:
            out.append([first, last])
    return out
