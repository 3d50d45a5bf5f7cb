# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The series of agents as NATS shows them, per group of connected servers."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds import HostFold, NatsFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._answers import BINS, Answers
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import Points
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._nats import SAMPLED
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._axis import Axis, Pairs
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._instances import changed

# An agent is what most of its instances are on the way to: one changed instance makes it one under test.
_ROLES = ("test", "pending", "control")


class _Pool(dict[int, list[int]]):
    """[bin, count] by what stands for it in columns, alike ones as one object: there are millions of them, few different."""

    def __missing__(self, pair: int) -> list[int]:
        made = self[pair] = [pair % BINS, pair // BINS]
        return made


def agents(
    nats: NatsFold, hosts: Mapping[str, HostFold], subjects: Iterable[Subject], axis: Axis
) -> dict[str, dict[str, Any]]:
    """`agents` of the series: by agent, or by `agent/group` where there are several groups."""
    by_agent: dict[str, list[Subject]] = {}
    for subject in subjects:
        by_agent.setdefault(subject.agent, []).append(subject)
    pool = _Pool()
    shared: dict[str, Pairs] = {}
    out = {}
    for group, members in nats.groups.items():
        for agent, own in by_agent.items():
            here = [subject for subject in own if subject.host in members] or ([] if len(nats.groups) > 1 else own)
            if not here:
                continue
            name = f"{agent}/{group}" if len(nats.groups) > 1 else agent
            moments = [
                moment for moment in (changed(each, hosts.get(each.host), axis) for each in here) if moment is not None
            ]
            roles = {subject.role for subject in here}
            out[name] = {
                "agent": agent,
                "group": group,
                "hosts": [subject.host for subject in here],
                "role": next((role for role in _ROLES if role in roles), here[0].role),
                "changed": max(moments, default=None),
                **_answers(nats.answers.get(group, {}).get(agent, {}), hosts, axis, pool, shared),
                **_samples(nats.samples.get(group, {}).get(agent), axis),
            }
    return out


def _answers(
    measured: Mapping[str, Answers],
    hosts: Mapping[str, HostFold],
    axis: Axis,
    pool: _Pool,
    shared: dict[str, Pairs],
) -> dict[str, Pairs]:
    """Sums by bucket. A measuring host counts by its own clock, as it does in its looks."""
    one = None
    if len(measured) == 1:
        host, one = next(iter(measured.items()))
        shift = hosts[host].shift if host in hosts else 0
    else:
        one, shift = _together(measured, hosts), 0
    one.seal()
    buckets = one.columns[0]
    if len(buckets) and not axis.first <= buckets[0] - shift <= buckets[-1] - shift < axis.first + axis.count:
        one, shift = _inside(one, shift, axis), 0
    return _pairs(one, shift, axis, pool, shared)


def _together(measured: Mapping[str, Answers], hosts: Mapping[str, HostFold]) -> Answers:
    both = Answers()
    for host, answers in measured.items():
        shift = hosts[host].shift if host in hosts else 0
        for bucket, counts, sketch in answers.rows():
            both.add(bucket - shift, counts, sketch)
    return both


def _inside(answers: Answers, shift: int, axis: Axis) -> Answers:
    """What lies behind the axis in its last bucket, without what lies before it."""
    inside = Answers()
    for bucket, counts, sketch in answers.rows():
        if bucket - shift >= axis.first:
            inside.add(axis.clamped(bucket - shift) + axis.first, counts, sketch)
    inside.seal()
    return inside


def _pairs(answers: Answers, shift: int, axis: Axis, pool: _Pool, shared: dict[str, Pairs]) -> dict[str, Pairs]:
    """The points."""
    numbers, first = axis.numbers, axis.first + shift
    buckets, asked, answered, late, errors = answers.columns
    at = [numbers[bucket - first] for bucket in buckets]
    bins = [*map(pool.__getitem__, answers.pairs)]
    latency: Pairs = []
    begin = 0
    for number, length in zip(at, answers.lengths, strict=True):
        if length:
            latency.append([number, bins[begin : begin + length]])
            begin += length
    asked_points = _shared([[number, count] for number, count in zip(at, asked, strict=True)], shared.get("asked"))
    shared["asked"] = asked_points
    return {
        "asked": asked_points,
        # Zero says that nobody answered, so it stays wherever somebody was asked. Where all did, it is the same point.
        "answered": [
            point if point[1] == count else [point[0], count]
            for point, count in zip(asked_points, answered, strict=True)
        ],
        "late": [[number, count] for number, count in zip(at, late, strict=True) if count],
        "errors": [[number, count] for number, count in zip(at, errors, strict=True) if count],
        "latency": latency,
    }


def _shared(points: Pairs, others: Pairs | None) -> Pairs:
    """The other agent's points where they are the same: agents are asked together."""
    return list(others) if others is not None and points == others else points


def _samples(columns: list[array[int]] | None, axis: Axis) -> dict[str, Pairs]:
    """Counts of the samples, each in the bucket of its middle. A zero was counted, too."""
    if columns is None:
        return {name: [] for name in SAMPLED}
    places = axis.places(columns[1])
    if places is not None:
        return {
            name: [[place, number] for place, number in zip(places, column, strict=True)]
            for name, column in zip(SAMPLED, columns[2:], strict=True)
        }
    out: dict[str, Pairs] = {}
    for name, column in zip(SAMPLED, columns[2:], strict=True):
        sums = Points()
        for bucket, number in zip(columns[1], column, strict=True):
            sums.add(bucket, number)
        out[name] = axis.counts(sums)
    return out
