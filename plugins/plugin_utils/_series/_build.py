# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts looks and NATS measurements on one axis of time. No files, no clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds import HostFold, NatsFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._host import GAUGES
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._moment import (
    SECOND,
    bucket_of,
    micros_of,
    text_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import Looks
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._agents import agents
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._axis import Axis
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._collection import no_collection
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._gaps import gaps
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._instances import instance

SCHEMA = "cowboyai.rollout/series/1"
# Of a plan that does not say otherwise.
TICK_S = 300.0
# The first look reads what the journal still has: so much of it (plan time) is the baseline's history.
HISTORY_S = 86400.0


def build(
    looks: Mapping[str, Looks],
    nats: Iterable[dict[str, Any]] | NatsFold,
    subjects: Iterable[Subject],
    bucket_s: float,
    start: datetime,
    now: datetime,
    tick_s: float | None = None,
    skipped_s: float = 0.0,
) -> dict[str, Any]:
    """The series of a rollout (`cowboyai.rollout/series/1`, see docs/evidence.md).

    `looks`: host -> its looks, as a list or as `LookBook.folded` gives them (with the same `bucket_s`); `nats`: the
    lines of the NATS book, or its fold; `bucket_s` and `tick_s` (time between two looks) in seconds; `start`: begin of the
    attempt. The axis begins there, or up to a day earlier if the first look's history does; what is older is left out.
    `skipped_s`: of a rehearsal, the seconds that were skipped until now, as its looks have them.
    The document's points must not be changed in place: points that are alike may be one object.
    """
    with no_collection():
        return _build(looks, nats, list(subjects), bucket_s, start, now, tick_s or TICK_S, skipped_s)


def _build(
    looks: Mapping[str, Looks],
    nats: Iterable[dict[str, Any]] | NatsFold,
    subjects: list[Subject],
    bucket_s: float,
    start: datetime,
    now: datetime,
    tick_s: float,
    skipped_s: float,
) -> dict[str, Any]:
    hosts = {name: _of_host(seen, bucket_s) for name, seen in looks.items()}
    lines = _of_nats(nats, bucket_s)
    last = bucket_of(micros_of(now), bucket_s)
    first = bucket_of(micros_of(start), bucket_s)
    earliest = min([first, *(host.earliest for host in hosts.values() if host.earliest is not None)])
    axis = Axis(max(earliest, first - math.ceil(HISTORY_S / bucket_s)), last, bucket_s)
    places = {name: axis.places(host.buckets) for name, host in hosts.items()}
    named: dict[str, HostFold | None] = {
        name: hosts.get(name) for name in {**looks, **{s.host: None for s in subjects}}
    }
    return {
        "schema": SCHEMA,
        "start": text_of(round(axis.first * bucket_s * SECOND)),
        "bucket_s": bucket_s,
        "skips_waits": skipped_s > 0.0,
        "buckets": axis.count,
        "instances": {
            subject.id: instance(subject, hosts.get(subject.host), axis, places.get(subject.host))
            for subject in subjects
        },
        "agents": agents(lines, hosts, subjects, axis),
        "hosts": {name: {gauge: axis.gauges(host.gauges[gauge]) for gauge in GAUGES} for name, host in hosts.items()},
        "gaps": gaps(named, lines, axis, tick_s, micros_of(start), micros_of(now), skipped_s),
    }


def _of_host(looks: Looks, bucket_s: float) -> HostFold:
    if isinstance(looks, HostFold):
        _check(looks.bucket_s, bucket_s)
        return looks
    fold = HostFold(bucket_s)
    for look in looks:
        fold.add(look)
    return fold


def _of_nats(lines: Iterable[dict[str, Any]] | NatsFold, bucket_s: float) -> NatsFold:
    if isinstance(lines, NatsFold):
        _check(lines.bucket_s, bucket_s)
        return lines
    fold = NatsFold(bucket_s)
    for line in lines:
        fold.add(line)
    return fold


def _check(folded: float, asked: float) -> None:
    if folded != asked:
        raise ValueError(
            f"series in buckets of {asked:g} s out of a fold in buckets of {folded:g} s: fold anew for them"
        )
