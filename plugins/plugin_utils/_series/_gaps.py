# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was not measured, as spans of buckets with a typed reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds import HostFold, NatsFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._moment import bucket_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._axis import Axis

Gap = dict[str, Any]
# So many ticks without a look are a gap.
QUIET_TICKS = 2


def gaps(
    hosts: Mapping[str, HostFold | None],
    nats: NatsFold,
    axis: Axis,
    tick_s: float,
    since: int,
    until: int,
    skipped_s: float = 0.0,
) -> list[Gap]:
    """All gaps, those of one thing and reason that touch as one. `since`, `until`: microseconds, what should be covered.

    What a rehearsal skipped is no gap: `skipped_s`, seconds until now, as its looks have them.
    """
    found: list[Gap] = []
    for name, host in hosts.items():
        what = f"host {name}"
        if host is None or not host.at:
            found.append(_never(what, host, axis, since))
            continue
        found += _unread(what, host, axis)
        found += _quiet(what, host, axis, tick_s, until, skipped_s)
    found += _blind(nats, hosts, axis)
    return merged(found)


def _gap(axis: Axis, begin: int, end: int, what: str, reason: str, message: str) -> Gap:
    """`begin` and `end` (exclusive) are buckets since the epoch. Anything that happened takes at least one bucket."""
    first = axis.clamped(begin)
    return {"from": first, "to": max(axis.edge(end), first + 1), "what": what, "reason": reason, "message": message}


def _never(what: str, host: HostFold | None, axis: Axis, since: int) -> Gap:
    reason, message = _why(host.missed if host else [], "no look so far")
    begin = bucket_of(since, host.bucket_s) if host else axis.first
    return _gap(axis, begin, axis.first + axis.count, what, reason, message)


def _unread(what: str, host: HostFold, axis: Axis) -> list[Gap]:
    """Journals that were not whole, and agents whose lines don't get there."""
    found = [_gap(axis, begin, end + 1, what, reason, text) for _row, _at, reason, text, begin, end in host.gaps]
    for agent in host.agents:
        who = instance_id(agent, what.removeprefix("host "))
        found += [_gap(axis, begin, end + 1, who, reason, text) for begin, end, reason, text in host.agent_gaps(agent)]
    return found


def _quiet(what: str, host: HostFold, axis: Axis, tick_s: float, until: int, skipped_s: float) -> list[Gap]:
    """Times without a look: longer than two ticks, or with one that failed."""
    out = []
    missed: dict[int, list[list[Any]]] = {}
    for each in host.missed:
        missed.setdefault(each[3], []).append(each)
    moments = [*host.at, until + round(host.shift * host.bucket_s * 1e6)]
    skipped = [*host.skipped, max(skipped_s, *host.skipped[-1:])]
    for place in range(1, len(moments)):
        length = (moments[place] - moments[place - 1]) / 1e6 - (skipped[place] - skipped[place - 1])
        failed = missed.get(place, [])
        if length <= QUIET_TICKS * tick_s and not failed:
            continue
        reason, message = _why(failed, f"no look for {duration_text(max(length, 0.0))}")
        out.append(_gap(axis, host.bucket(moments[place - 1]) + 1, host.bucket(moments[place]), what, reason, message))
    if 0 in missed:
        reason, message = _why(missed[0], "")
        begin = min((each[0] for each in missed[0] if each[0] is not None), default=host.at[0])
        out.append(_gap(axis, bucket_of(begin, host.bucket_s), host.buckets[0], what, reason, message))
    return out


def _why(missed: list[list[Any]], otherwise: str) -> tuple[str, str]:
    """Reason and message of the newest look that failed; where nobody looked, the look is late."""
    if missed:
        return missed[-1][1], missed[-1][2]
    return reasons.SAMPLER_LATE, otherwise


def _blind(nats: NatsFold, hosts: Mapping[str, HostFold | None], axis: Axis) -> Iterable[Gap]:
    for group, begin, end, reason, message, measurer, counted in nats.gaps:
        host = hosts.get(measurer)
        first = bucket_of(begin, nats.bucket_s)
        if counted is not None:
            first = max(first, counted - (host.shift if host else 0) + 1)
        yield _gap(axis, first, bucket_of(end, nats.bucket_s) + 1, f"nats group {group}", reason, message)


def merged(found: Iterable[Gap]) -> list[Gap]:
    """By begin; gaps of the same thing and reason that overlap or touch are one, with the newest message."""
    out: list[Gap] = []
    open_: dict[tuple[str, str], Gap] = {}
    for gap in sorted(found, key=lambda each: (each["from"], each["to"])):
        known = open_.get((gap["what"], gap["reason"]))
        if known is not None and gap["from"] <= known["to"]:
            known["to"] = max(known["to"], gap["to"])
            known["message"] = gap["message"] or known["message"]
        else:
            out.append(gap)
            open_[gap["what"], gap["reason"]] = gap
    return out
