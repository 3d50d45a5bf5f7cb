# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal sorted by instance: what each one logged, what systemd said about it, and why something might be missing."""

from __future__ import annotations

from collections import deque
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _agent_log,
    _canary,
    _instant,
    _journal,
    _journal_look,
    _journald_limits,
    _output_route,
    _process,
    _unit_processes,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._canary import Place
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import Instance
from ansible_collections.cowboyai.rollout.plugins.module_utils._journal_look import Edge, Looked, Source
from ansible_collections.cowboyai.rollout.plugins.module_utils._output_route import Route
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import Output, Unit
from ansible_collections.cowboyai.rollout.plugins.module_utils._unit_output import NOWHERE, Gap, gap_of

# journald counts these priorities together.
_POOLS = (0, 0, 0, 1, 2, 3, 3, 4)
# A journal that begins so soon after a process has its first lines.
_START_SLACK_US = 1000000


class Burst:
    """Whether journald's rate limit may be dropping lines: it says so only with the next line that passes."""

    def __init__(self, output: Output, usual: Tuple[float, int]) -> None:
        self.interval_us = int((output.rate_interval_s or usual[0]) * 1000000)
        self.burst = output.rate_burst or usual[1]
        self.pools: Dict[int, Deque[int]] = {}

    def add(self, at: int, priority: Optional[int]) -> None:
        """Take in a line."""
        if not self.burst:
            return
        pool = _POOLS[priority if priority is not None else _canary.LEVEL]
        self.pools.setdefault(pool, deque(maxlen=self.burst)).append(at)

    @property
    def may_drop(self) -> bool:
        """The last lines came as fast as the limit lets them."""
        return any(len(last) == self.burst and last[-1] - last[0] < self.interval_us for last in self.pools.values())


class Collector:
    """Sorts journal records by instance. A unit's records come under any of its names, and under its invocation."""

    def __init__(
        self,
        instances: Sequence[Instance],
        units: Mapping[str, Unit],
        signs: Sequence[str] = (),
        bucket_s: float = 0.0,
    ) -> None:
        self.tallies = {instance.unit: _agent_log.Tally(signs, bucket_s, instance.log_lines) for instance in instances}
        self.lifecycles: Dict[str, List[Dict[str, Any]]] = {instance.unit: [] for instance in instances}
        self.begins = {instance.unit: instance.since for instance in instances if instance.since is not None}
        usual = {unit.output.namespace: _journald_limits.limits(namespace_of(unit)) for unit in units.values()}
        self.bursts = {unit.name: Burst(unit.output, usual[unit.output.namespace]) for unit in units.values()}
        self.heard: Set[str] = set()
        self.by_name: Dict[str, List[str]] = {}
        self.by_invocation: Dict[str, List[str]] = {}
        for instance in instances:
            unit = units[instance.unit]
            for name in unit.all_names:
                self.by_name.setdefault(name, []).append(instance.unit)
            if unit.invocation_id:
                self.by_invocation.setdefault(unit.invocation_id, []).append(instance.unit)

    def asked_for(self, name: str, invocation: str) -> List[str]:
        """Names of the units asked for that a record is about."""
        return self.by_name.get(name) or self.by_invocation.get(invocation) or []

    def __call__(self, record: _journal.Record) -> None:
        for unit in self.asked_for(record.unit, record.invocation_id):
            if not record.by_manager:
                self.heard.add(record.invocation_id)
                self.bursts[unit].add(record.at, record.priority)
            if record.at < self.begins.get(unit, record.at):
                continue
            if not record.by_manager:
                self.tallies[unit].add(record.text, record.damaged, record.at, record.invocation_id, record.priority)
            elif record.event:
                self.lifecycles[unit].append(
                    {
                        "at": _instant.iso(record.at),
                        "event": record.event,
                        "detail": record.detail,
                        "invocation_id": record.invocation_id or None,
                    }
                )


def _sources(units: Sequence[Unit]) -> Dict[str, Source]:
    """By namespace whose lines are read there; systemd's own words stand in the default one."""
    names: Dict[str, Set[str]] = {"": set()}
    invocations: Dict[str, Set[str]] = {"": set()}
    for unit in units:
        for namespace in sorted({"", namespace_of(unit)}):
            names.setdefault(namespace, set()).update(unit.all_names)
            if unit.invocation_id:
                invocations.setdefault(namespace, set()).add(unit.invocation_id)
    return {
        namespace: Source(tuple(sorted(found)), tuple(sorted(invocations.get(namespace, ()))))
        for namespace, found in names.items()
    }


def namespace_of(unit: Unit) -> str:
    """The namespace of the journal that a unit's lines are in, empty for the default one."""
    return unit.output.namespace if _canary.is_namespace(unit.output.namespace) else ""


def _places(units: Sequence[Unit], owner: Callable[[int], Optional[int]]) -> Dict[Place, int]:
    """Where these units' lines end up, and the priority with which most of them come there."""
    places = {Place(): _canary.LEVEL}
    for unit in units:
        uid = owner(unit.main_pid) if unit.main_pid else None
        if uid is None:
            continue
        place = Place(namespace_of(unit), uid)
        level = _canary.LEVEL if unit.output.level is None else unit.output.level
        places[place] = max(places.get(place, 0), level)
    return places


class Reading:
    """What one look read: ``collector``, ``looked``, and ``gaps`` by the unit asked for."""

    def __init__(self, collector: Collector, looked: Looked, gaps: Dict[str, Gap], now: int) -> None:
        self.collector, self.looked, self.gaps, self.now = collector, looked, gaps, now

    def journal(self) -> Dict[str, Any]:
        """The ``journal`` part of ``agent_units_info``."""
        looked = self.looked
        return {
            "cursor": looked.bookmark,
            "since": _instant.iso(looked.start if looked.start is not None else self.now),
            "complete": looked.complete,
            "reason": looked.reason,
            "message": looked.message,
            "entries": looked.entries,
            "proven_at": _instant.iso(looked.proven_at),
            "namespaces": [name for name in looked.namespaces if name],
        }

    def log(self, unit: Unit, kinds: int) -> Dict[str, Any]:
        """The ``log`` part of one instance."""
        log = self.collector.tallies[unit.name].as_dict(kinds)
        gap = self.gaps.get(unit.name)
        log["lifecycle"] = self.collector.lifecycles[unit.name]
        log["gap"] = None if gap is None else {"reason": gap.reason, "message": gap.message}
        log["namespace"] = unit.output.namespace or None
        return log


def read(
    instances: Sequence[Instance],
    units: Mapping[str, Unit],
    signs: Sequence[str],
    bucket_s: float,
    since: Optional[int],
    cursor: Optional[str],
    max_entries: int,
    edge: Optional[Edge] = None,
) -> Reading:
    """Read the journal for these instances, from ``cursor`` or ``since`` on; without either only its end is looked for."""
    edge = edge or Edge()
    known = [units[instance.unit] for instance in instances]
    now = edge.now_us()
    looked, collector = _journal_look.look(
        edge,
        _sources(known),
        _places(known, _process.owner),
        lambda: Collector(instances, units, signs, bucket_s),
        since,
        cursor,
        max_entries,
        [instance.since for instance in instances if instance.since is not None],
    )
    suppressed = sorted(name for name in looked.suppressed if collector.asked_for(name, ""))
    if suppressed:
        looked.fail("lines_suppressed", "journald dropped lines of {0} (rate limit)".format(", ".join(suppressed)))
    return Reading(collector, looked, _gaps(instances, units, collector), now)


def _gaps(instances: Sequence[Instance], units: Mapping[str, Unit], collector: Collector) -> Dict[str, Gap]:
    working = {unit.main_pid: _unit_processes.working(unit.main_pid, unit.control_group) for unit in units.values()}
    routes = _output_route.routes(sorted({pid for pids in working.values() for pid in pids}))
    gaps: Dict[str, Gap] = {}
    for instance in instances:
        unit = units[instance.unit]
        own = [route for pid in working[unit.main_pid] for route in routes[pid]]
        proven = bool(instance.proven) and instance.proven == unit.invocation_id
        gap = gap_of(unit, own, _heard(unit, own, proven, collector), proven, _speaks(unit, own))
        burst = collector.bursts[instance.unit]
        if gap is None and burst.may_drop:
            gap = Gap(
                "lines_suppressed",
                "{0} wrote {1} lines in less than {2:g} s, as many as journald lets pass: it may be dropping more".format(
                    unit.name, burst.burst, burst.interval_us / 1e6
                ),
            )
        if gap is not None:
            gaps[instance.unit] = gap
    return gaps


def _speaks(unit: Unit, routes: Sequence[Route]) -> bool:
    """Whether this process has sent lines to journald itself; asked only where its streams lead nowhere."""
    if not unit.invocation_id or not any(route.what in NOWHERE for route in routes):
        return False
    own = "_SYSTEMD_INVOCATION_ID=" + unit.invocation_id
    return _journal.holds([own, "_TRANSPORT=journal", "_TRANSPORT=syslog"], namespace_of(unit))


def _heard(unit: Unit, routes: Sequence[Route], proven: bool, collector: Collector) -> Optional[bool]:
    """Whether the journal has a line of this process; asked only where something hangs on it."""
    unknown = any(route.kind == _output_route.UNKNOWN for route in routes)
    if not unit.invocation_id or not (proven or unknown):
        return None
    if unit.invocation_id in collector.heard:
        return True
    namespace = namespace_of(unit)
    if _journal.holds(["_SYSTEMD_INVOCATION_ID=" + unit.invocation_id], namespace):
        return True
    oldest = _journal.oldest(namespace)
    whole = oldest is None or unit.started_at is None or oldest <= unit.started_at + _START_SLACK_US
    return False if whole else None
