# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The series of a rollout folded into what charts can show: test beside control, at most a few hundred columns.

Pure: the document of docs/evidence.md (`cowboyai.rollout/series/1`) in, lists out. What was not measured is None, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils._latency_sketch import quantile
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso

# More than a screen can show apart, and what keeps a report of a week as small as one of an hour.
MOST_COLUMNS = 240
TEST, CONTROL = "test", "control"


@dataclass(frozen=True)
class Course:
    """One value per column, None where it is not known; `low` and `high` span the instances behind it, if any."""

    values: list[float | None]
    low: list[float | None] = field(default_factory=list)
    high: list[float | None] = field(default_factory=list)

    @property
    def known(self) -> bool:
        return any(value is not None for value in self.values)


class Fold:
    """A series document with its buckets put together into columns. `agent/group` entries count as agents of their own."""

    def __init__(
        self, series: dict[str, Any], most: int = MOST_COLUMNS, first: int = 0, until: int | None = None
    ) -> None:
        """Of the buckets from `first` on, and before `until`. Bucket numbers stay those of the document."""
        self.series = series
        self.end = int(series["buckets"]) if until is None else min(int(series["buckets"]), until)
        self.first = max(0, min(first, self.end - 1))
        self.buckets = self.end - self.first
        self.bucket_s = float(series["bucket_s"])
        self.width = max(1, math.ceil(self.buckets / most))
        self.columns = math.ceil(self.buckets / self.width)
        self.start = parse_iso(series["start"])
        self.instances: dict[str, dict[str, Any]] = series.get("instances") or {}
        self.agents: dict[str, dict[str, Any]] = series.get("agents") or {}
        self.hosts: dict[str, dict[str, Any]] = series.get("hosts") or {}

    @property
    def column_s(self) -> float:
        """Real seconds of one column."""
        return self.width * self.bucket_s

    def moment(self, bucket: float) -> datetime:
        return self.start + timedelta(seconds=bucket * self.bucket_s)

    def middles(self, origin: datetime) -> list[float]:
        """Seconds from `origin` to the middle of each column."""
        first = (self.moment(self.first) - origin).total_seconds()
        return [first + (column + 0.5) * self.column_s for column in range(self.columns)]

    def of_role(self, things: dict[str, dict[str, Any]], role: str) -> list[dict[str, Any]]:
        return [thing for thing in things.values() if thing.get("role") == role]

    @cached_property
    def changed(self) -> tuple[int, int] | None:
        """First and last bucket in which a changed thing was proven; None when nothing was changed."""
        moments = [
            int(thing["changed"])
            for thing in [*self.of_role(self.instances, TEST), *self.of_role(self.agents, TEST)]
            if thing.get("changed") is not None
        ]
        return (min(moments), max(moments)) if moments else None

    @cached_property
    def before(self) -> Fold | None:
        """The stretch before the first change by itself: often it is shorter than one column of the whole."""
        if not self.changed or self.changed[0] < 1:
            return None
        return Fold(self.series, until=self.changed[0])

    def since(self, course: Course) -> list[float]:
        """The known values of the columns wholly after the last change; all of them where nothing was changed."""
        first = max(0, math.ceil((self.changed[1] - self.first) / self.width)) if self.changed else 0
        return [value for value in course.values[first:] if value is not None]

    # ------------------------------------------------------------ counts

    def _sums(self, things: Iterable[dict[str, Any]], key: str) -> list[float | None]:
        """Sum per column; None where there is no point at all."""
        sums: list[float | None] = [None] * self.columns
        for thing in things:
            for bucket, value in thing.get(key) or []:
                column = self._column(bucket)
                if column is not None:
                    sums[column] = (sums[column] or 0.0) + value
        return sums

    def _column(self, bucket: int) -> int | None:
        """A bucket's column; None for what lies outside of the axis, which then is somebody else's."""
        return (bucket - self.first) // self.width if self.first <= bucket < self.end else None

    def watched(self, role: str) -> list[int]:
        """How many instances of a role the journal was read of, per column."""
        counts = [0] * self.columns
        for instance in self.of_role(self.instances, role):
            seen: set[int] = set()
            for from_bucket, to_bucket in instance.get("watched") or []:
                first, after = max(0, int(from_bucket) - self.first), min(self.end, int(to_bucket)) - self.first
                if after > first:
                    seen.update(range(first // self.width, (after - 1) // self.width + 1))
            for column in seen:
                counts[column] += 1
        return counts

    def per_instance(self, role: str, key: str) -> Course:
        """Count of a column divided by the instances that were watched in it: zero is seen, unknown is None."""
        watched = self.watched(role)
        sums = self._sums(self.of_role(self.instances, role), key)
        return Course(
            [
                (total or 0.0) / count if count else (total if total is None else float(total))
                for total, count in zip(sums, watched, strict=True)
            ]
        )

    def total(self, role: str, key: str) -> float:
        things = self.of_role(self.instances, role)
        return float(sum(value for thing in things for _bucket, value in thing.get(key) or []))

    def share(self, role: str, part: str, less: str | None, *wholes: str) -> Course:
        """`part` (without `less`) of the sum of `wholes`, in percent, over the agents of a role."""
        agents = self.of_role(self.agents, role)
        parts = self._sums(agents, part)
        lesser = self._sums(agents, less) if less else [None] * self.columns
        whole = [self._sums(agents, key) for key in wholes]
        values: list[float | None] = []
        for column in range(self.columns):
            total = sum(sums[column] or 0.0 for sums in whole)
            seen = (parts[column] or 0.0) - (lesser[column] or 0.0)
            values.append(100.0 * seen / total if total > 0 else None)
        return Course(values)

    # ------------------------------------------------------------ latency

    @cached_property
    def _latency(self) -> dict[str, list[dict[int, int]]]:
        merged: dict[str, list[dict[int, int]]] = {}
        for role in (TEST, CONTROL):
            columns: list[dict[int, int]] = [{} for _each in range(self.columns)]
            for agent in self.of_role(self.agents, role):
                for bucket, sketch in agent.get("latency") or []:
                    column = self._column(bucket)
                    if column is None:
                        continue
                    counts = columns[column]
                    for bin_, times in sketch:
                        counts[bin_] = counts.get(bin_, 0) + times
            merged[role] = columns
        return merged

    def latency(self, role: str, q: float) -> Course:
        """Quantile of all answers of a column, in seconds."""
        return Course([quantile(sorted(counts.items()), q) if counts else None for counts in self._latency[role]])

    # ------------------------------------------------------------ gauges

    def gauge(self, things: Iterable[dict[str, Any]], key: str, of: Callable[[list[float]], float] = median) -> Course:
        """The last value of each thing in a column; one figure over all of them, and the span from lowest to highest."""
        columns: list[list[float]] = [[] for _each in range(self.columns)]
        for thing in things:
            last: dict[int, float] = {}
            for bucket, value in thing.get(key) or []:
                column = self._column(bucket)
                if column is not None and value is not None:
                    last[column] = float(value)
            for column, value in last.items():
                columns[column].append(value)
        return Course(
            [of(values) if values else None for values in columns],
            [min(values) if values else None for values in columns],
            [max(values) if values else None for values in columns],
        )

    # ------------------------------------------------------------ what was asked

    def asked_spans(self) -> list[tuple[int, int]]:
        """Runs of buckets [from, to) in which some agent was sent requests."""
        asked = sorted(
            {int(bucket) for agent in self.agents.values() for bucket, count in agent.get("asked") or [] if count}
        )
        return runs(asked)

    def silence_between(self) -> tuple[float, float, str] | None:
        """How blind we were for a hang that logs nothing: (share of buckets with a request, longest stretch without one in
        seconds, whose), over each changed agent since its change. None without any changed agent."""
        shares: list[float] = []
        longest, whose = 0.0, ""
        for name, agent in self.agents.items():
            since = agent.get("changed")
            if agent.get("role") != TEST or since is None or since >= self.end:
                continue
            asked = sorted({int(b) for b, count in agent.get("asked") or [] if count and since <= b < self.end})
            shares.append(100.0 * len(asked) / (self.end - since))
            edges = [since - 1, *asked, self.end]
            stretch = max(after - before - 1 for before, after in pairwise(edges)) * self.bucket_s
            if stretch > longest or not whose:
                longest, whose = stretch, name
        return (min(shares), longest, whose) if shares else None


def runs(buckets: list[int]) -> list[tuple[int, int]]:
    """Ascending bucket numbers as runs [from, to)."""
    found: list[tuple[int, int]] = []
    for bucket in buckets:
        if found and found[-1][1] == bucket:
            found[-1] = (found[-1][0], bucket + 1)
        else:
            found.append((bucket, bucket + 1))
    return found
