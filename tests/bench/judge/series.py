# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A history as the product's series document (`cowboyai.rollout/series/1`), cut at any minute.

Points are made once per history; a document of a minute holds slices of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series import _columns
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import Columns

from tests.bench.judge.timetable import STAGGER

if TYPE_CHECKING:
    from datetime import datetime

    from tests.bench.judge.fleet import Array
    from tests.bench.judge.history import History

SCHEMA = "cowboyai.rollout/series/1"
# Agents print their counters every so many messages.
PRINTED_EVERY = 100
Points = list[list[Any]]


class _Line:
    """Points in ascending order, cut where an index begins. Lists are made when a document needs them."""

    def __init__(self, at: Array, values: Array | Callable[[], list[Any]]) -> None:
        self.at, self._values = at, values
        self._points: Points | None = None

    def table(self) -> Array:
        """The points as an array of two columns."""
        values = self._values() if callable(self._values) else self._values
        return np.column_stack((self.at.astype(float), values))

    def before(self, index: int) -> Points:
        if self._points is None:
            values = self._values() if callable(self._values) else self._values.tolist()
            self._points = [list(pair) for pair in zip(self.at.tolist(), values, strict=True)]
        return self._points[: int(self.at.searchsorted(index))]


def _line(values: Array, known: Array, *, sparse: bool) -> _Line:
    """Points of the minutes that are known; `sparse`: without zeros."""
    at = np.flatnonzero(known & (values != 0)) if sparse else np.flatnonzero(known)
    return _Line(at, values[at])


class SeriesOf:
    """Series of one history.

    Gauges of a host have a point at every look and gate of the timetable that reached it. Columns of the whole history
    are made once; those of a document of an earlier minute are their beginnings, which the product's own `Columns`
    offers: what is judged is the same, and test_judge_bench.py holds it to that.
    """

    def __init__(self, history: History, start: datetime, whole_documents: bool = False) -> None:
        self.history, self.start, self.whole_documents = history, iso(start), whole_documents
        self.blind = self._blind_minutes()
        self._gaps = self._gap_list()
        self._agents = [self._agent(row) for row in range(len(history.fleet.agents))]
        self._hosts = [self._host(column) for column in range(len(history.fleet.hosts))]
        self._instances = {
            (row, column): self._instance(row, column)
            for row in range(len(history.fleet.agents))
            for column in range(len(history.fleet.hosts))
        }
        self._whole: Columns | None = None

    # ------------------------------------------------------------ what could be measured

    def _blind_minutes(self) -> list[bool]:
        """No probe: cut off, and from then on until a look begins a new one."""
        history = self.history
        cut = ~(history.world.nats & history.world.ssh.any(axis=0))
        looks = {gate.at for gate in history.times.gates}
        blind, broken = [], False
        for minute, off in enumerate(cut.tolist()):
            broken = off or (broken and minute not in looks)
            blind.append(broken)
        return blind

    def _gap_list(self) -> list[dict[str, Any]]:
        history = self.history
        gaps = [
            {"from": first, "to": last, "what": "nats group nats", "reason": "nats_unreachable", "message": ""}
            for first, last in _runs(np.array(self.blind))
        ]
        for column, host in enumerate(history.fleet.hosts):
            for first, last in _runs(~history.world.ssh[column]):
                gaps.append(
                    {"from": first, "to": last, "what": f"host {host}", "reason": "host_unreachable", "message": ""}
                )
        return sorted(gaps, key=lambda gap: gap["from"])

    # ------------------------------------------------------------ points

    def _agent(self, row: int) -> dict[str, _Line]:
        history = self.history
        known = ~np.array(self.blind) & (history.asked[row] > 0)
        lines = {
            "asked": _line(history.asked[row], known, sparse=False),
            "answered": _line(history.answered[row], known, sparse=False),
            "late": _line(history.late[row], known, sparse=True),
            "errors": _line(history.error_answers[row], known, sparse=True),
            "latency": self._latency(row, known),
        }
        # Every look but a stagger's listens for some seconds: a twelfth of its minute.
        looks = np.zeros(history.times.minutes, dtype=bool)
        looks[[gate.at - 1 for gate in history.times.gates if gate.name != STAGGER]] = True
        chance = np.random.default_rng([*history.seed, row, 99])
        published = chance.binomial(history.messages[row].sum(axis=0), 1.0 / 12.0)
        phase = history.times.phase_of(history.fleet.agents[row])
        after = np.arange(history.times.minutes) > (phase.deployed if phase else np.inf)
        matched = np.where(after, chance.binomial(published, history.world.published[row]), 0)
        sampled = known & looks
        lines["legacy"] = _line(2 * published, sampled, sparse=False)
        lines["unified"] = _line(matched, sampled, sparse=False)
        lines["published"] = _line(published, sampled, sparse=False)
        lines["matched"] = _line(matched, sampled, sparse=False)
        return lines

    def _latency(self, row: int, known: Array) -> _Line:
        """Sketches of the minutes in which anybody answered."""
        at = np.flatnonzero(known & (self.history.answered[row] > 0))
        return _Line(at, lambda: _sketches(self.history, row, at))

    def _looks(self, column: int) -> list[int]:
        """Minutes of the looks and gates that reached a host."""
        return [gate.at for gate in self.history.times.gates if self.history.world.ssh[column, gate.at]]

    def _host(self, column: int) -> dict[str, _Line]:
        history, at = self.history, np.array(self._looks(column))

        def gauge(values: Array) -> _Line:
            return _Line(at - 1, values[column, at])

        return {
            "load": gauge(history.load),
            "memory_pct": gauge(history.host_memory),
            "disk_pct": gauge(history.disk),
            "nats_connections": _Line(at - 1, np.full(len(at), 10)),
        }

    def _instance(self, row: int, column: int) -> dict[str, _Line]:
        history, at = self.history, np.array(self._looks(column))
        always = np.ones(history.times.minutes, dtype=bool)
        errors = history.errors[row, column] + history.shared_errors[row, column]
        changed = history.times.changed(history.fleet.agents[row], history.fleet.hosts[column])
        # What an agent handled is known from its own counters, which it prints every so many messages.
        handled = np.cumsum(history.messages[row, column])
        printed = handled // PRINTED_EVERY * PRINTED_EVERY
        printed[1:] -= printed[:-1].copy()
        spent = np.concatenate(([0.0], np.cumsum(history.cpu[row, column])))
        # Another process has another count of CPU seconds.
        same = np.ones(len(at) - 1, dtype=bool) if changed is None else ~((at[:-1] < changed) & (changed <= at[1:]))
        return {
            "errors": _line(errors, always, sparse=True),
            "warnings": _line(history.warnings[row, column], always, sparse=True),
            "messages": _line(printed, always, sparse=True),
            "memory": _Line(at - 1, history.memory[row, column, at]),
            "cpu": _Line(at[1:][same] - 1, (np.diff(spent[at]) / (60.0 * np.diff(at)))[same]),
        }

    # ------------------------------------------------------------ a document

    def until(self, at: int, last_seen: dict[str, int]) -> dict[str, Any]:
        """The series of all minutes before `at`; instances as far as their host was seen.

        Where every host was seen and `whole_documents` is not asked for, the document's points stay behind: its columns
        are known, and nobody else asks for them.
        """
        shared = not self.whole_documents and all(seen == at for seen in last_seen.values())
        document = self._cut(at, last_seen, points=not shared)
        if shared:
            _columns.remember(Columns(document, self.whole()))
        return document

    def whole(self) -> Columns:
        """Columns of the whole history."""
        if self._whole is None:
            minutes = self.history.times.minutes
            everything = self._cut(minutes, dict.fromkeys(self.history.fleet.hosts, minutes), points=False)
            for section, name, lines in self._all_lines():
                entry = everything[section][name]
                entry.update({key: line.table() for key, line in lines.items() if key != "latency"})
            self._whole = Columns(everything)
            for row, name in enumerate(self.history.fleet.agents):
                # What `Columns` makes of the sketches; the test of the cut columns holds this to it.
                self._whole._dense["agents", name, "latency"] = self._logs(row, _nearest_median)
                self._whole._dense["agents", name, "slowest"] = self._logs(row, _slowest)
        return self._whole

    def _all_lines(self) -> Iterator[tuple[str, str, dict[str, _Line]]]:
        fleet = self.history.fleet
        for row, agent in enumerate(fleet.agents):
            yield "agents", agent, self._agents[row]
            for column, host in enumerate(fleet.hosts):
                yield "instances", f"{agent}@{host}", self._instances[row, column]
        for column, host in enumerate(fleet.hosts):
            yield "hosts", host, self._hosts[column]

    def _logs(self, row: int, of: Callable[[Array], Array]) -> Array:
        """Logarithm of one latency of each minute as its sketch has it, NaN where nobody answered. `of`: which, by row."""
        history = self.history
        chosen = of(history.latencies[row])
        for minute, answers in history.windows.items():
            chosen[minute] = of(answers[row][None, :])[0]
        out = np.full(history.times.minutes, np.nan)
        at = self._agents[row]["latency"].at
        out[at] = _columns._LOG_FIRST + _columns._LOG_STEP * _bins(chosen[at])
        return out

    def _cut(self, at: int, last_seen: dict[str, int], *, points: bool) -> dict[str, Any]:
        def cut(lines: dict[str, _Line], end: int) -> dict[str, Points]:
            return {name: line.before(end) for name, line in lines.items()} if points else {}

        history = self.history
        fleet, times = history.fleet, history.times
        instances, agents = {}, {}
        for row, agent in enumerate(fleet.agents):
            phase = times.phase_of(agent)
            role = "control" if phase is None else "test" if phase.deployed <= at else "pending"
            for column, host in enumerate(fleet.hosts):
                seen = last_seen[host]
                lines = self._instances[row, column]
                proven = times.changed(agent, host)
                done = proven is not None and proven <= at
                instances[f"{agent}@{host}"] = {
                    "agent": agent,
                    "host": host,
                    "role": "control" if proven is None else "test" if done else "pending",
                    "phase": phase.name if phase else None,
                    "changed": int(np.ceil(proven)) if proven is not None and done else None,
                    "restarts": [],
                    **cut(lines, seen),
                    "watched": [[0, seen]] if seen else [],
                }
            lines = self._agents[row]
            agents[agent] = {
                "agent": agent,
                "group": "nats",
                "hosts": list(fleet.hosts),
                "role": role,
                "changed": int(np.ceil(phase.deployed)) if phase and role == "test" else None,
                **cut(lines, at),
            }
        return {
            "schema": SCHEMA,
            "start": self.start,
            "bucket_s": 60.0,
            "skips_waits": False,
            "buckets": at,
            "instances": instances,
            "agents": agents,
            "hosts": {host: cut(self._hosts[column], last_seen[host]) for column, host in enumerate(fleet.hosts)},
            "gaps": [{**gap, "to": min(gap["to"], at)} for gap in self._gaps if gap["from"] < at],
        }


def _runs(flags: Array) -> list[tuple[int, int]]:
    """(first, last exclusive) of every run of True."""
    padded = np.concatenate([[False], flags, [False]]).astype(int)
    edges = np.diff(padded)
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


_LONGEST_BIN = 32000


def _sketches(history: History, row: int, at: Array) -> list[list[list[int]]]:
    """The sketches of one agent's minutes; the bins are those of the product's sketch."""
    regular = _binned(history.latencies[row])
    for minute, answers in history.windows.items():
        regular[minute] = _binned(answers[row][None, :])[0]
    return [regular[minute] for minute in at.tolist()]


def _nearest_median(seconds: Array) -> Array:
    """The median of each row by nearest rank, NaN where a row has no value."""
    ranked = np.sort(seconds, axis=1)
    came = np.sum(~np.isnan(ranked), axis=1)
    place = np.maximum((came + 1) // 2 - 1, 0)
    return np.asarray(np.take_along_axis(ranked, place[:, None], axis=1)[:, 0])


def _slowest(seconds: Array) -> Array:
    """The largest of each row, NaN where a row has no value."""
    return np.asarray(np.fmax.reduce(seconds, axis=1))


def _bins(seconds: Array) -> Array:
    """Bins of the product's sketch, NaN where there is no latency."""
    with np.errstate(invalid="ignore"):
        clipped = np.clip(seconds.astype(float), _latency_sketch.SHORTEST_S, _latency_sketch.LONGEST_S)
        return np.asarray(np.ceil(np.log(clipped / _latency_sketch.SHORTEST_S) * _latency_sketch._PER_LOG))


def _binned(seconds: Array) -> list[list[list[int]]]:
    """A sketch per row of latencies (NaN: none)."""
    bins = _bins(seconds)
    whole = np.where(np.isnan(bins), _LONGEST_BIN, bins).astype(np.int32)
    whole.sort(axis=1)
    rows, width = whole.shape
    # The first of each run of equal bins, row by row.
    new = np.ones_like(whole, dtype=bool)
    new[:, 1:] = whole[:, 1:] != whole[:, :-1]
    at = np.flatnonzero(new.ravel())
    counts = np.diff(np.append(at, rows * width)).tolist()
    values = whole.ravel()[at].tolist()
    starts = np.searchsorted(at, np.arange(rows + 1) * width).tolist()
    pairs = [list(pair) for pair in zip(values, counts, strict=True)]
    return [
        pairs[first : last - 1] if last > first and values[last - 1] == _LONGEST_BIN else pairs[first:last]
        for first, last in itertools.pairwise(starts)
    ]
