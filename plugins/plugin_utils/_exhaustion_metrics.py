# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long memory and disks last, read out of the series of the evidence. Pure.

A trend is measured since the change, less what control's memory did.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Evidence, Reading, add_missing, metric
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import HOSTS, INSTANCES, Columns
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series_metrics import (
    alpha_of,
    changed_of,
    middle,
    series_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import MIN_SAMPLES, median

if TYPE_CHECKING:
    import numpy as np
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._trend import Slopes

    Array = np.ndarray[Any, Any]

# Trends are taken from here on (plan time): a new process fills its caches first. Before that only what would be
# exhausted in less time than it was watched for is: a line is drawn no farther than it was seen.
TREND_FROM_S = 6 * 3600.0
# What would be used up within so many times the time that it was watched for is no trend yet, and nothing to pass over.
DRAWN_SO_FAR = 4.0
# Looks at which a trend's bounds are taken anew: every so many points more, from this many on.
TREND_POINTS, TREND_GROWTH = 8, 1.15
# Of alpha, so much is for a trend that began later: the latter half of the time shows it alone.
LATER_SHARE = 0.2
# Without this much confidence at one look there is no trend to speak of.
TREND_ALPHA = 0.05
# Control's own course is taken in at most so many pieces of time.
CONTROL_CELLS = 256


@metric("memory_lasts")
def memory_lasts(evidence: Evidence, role: str) -> Reading:
    """Time until an instance reaches its memory limit (that of its host where it has none), as it grew since its change."""

    columns, missing = series_of(evidence)
    if columns is None:
        return Reading(None, 0, missing)
    course = control_memory(columns) if role == "test" else None
    rows: list[_Course] = []
    entries = changed_of(columns.series[INSTANCES], role)
    for name, each in entries.items():
        item = evidence["instances"].get(name) or {}
        if item.get("reason"):
            add_missing(missing, item["reason"], name)
            continue
        limit = item.get("memory_limit_bytes") or _memory_of(evidence, each["host"])
        index, value = memory_since_start(columns, name, each.get("changed") or 0)
        if limit is None:
            add_missing(missing, reasons.TOOL_ERROR, f"{name} (neither it nor its host has a known limit)")
        elif len(index) < MIN_SAMPLES:
            add_missing(missing, reasons.TOO_FEW_SAMPLES, f"{name} ({len(index)} measurements since its start)")
        else:
            level = value if course is None else value / course[index]
            rows.append(_Course(name, index, level, float(limit) - median(value[-3:])))
    if not entries:
        missing[reasons.TOO_FEW_SAMPLES] = "no instance is changed yet"
    everyone = sum(each["role"] != "control" for each in columns.series[INSTANCES].values())
    return _lasting(columns, rows, alpha_of(evidence, everyone), missing)


@metric("disk_lasts")
def disk_lasts(evidence: Evidence, role: str) -> Reading:
    """Time until the fullest disk of a host is full, as it filled since the first change."""

    columns, missing = series_of(evidence)
    if columns is None:
        return Reading(None, 0, missing)
    changed = [each["changed"] for each in changed_of(columns.series[INSTANCES], "test").values()]
    rows: list[_Course] = []
    for host in columns.series[HOSTS] if changed else ():
        seen = evidence["hosts"].get(host) or {}
        if seen.get("reason"):
            add_missing(missing, seen["reason"], host)
            continue
        index, value = columns.points(HOSTS, host, "disk_pct")
        since = int(index.searchsorted(min(changed)))
        index, value = index[since:], value[since:]
        if len(index) < MIN_SAMPLES:
            add_missing(missing, reasons.TOO_FEW_SAMPLES, f"{host} ({len(index)} measurements since the change)")
        else:
            rows.append(_Course(host, index, value, 100.0 - median(value[-3:])))
    if not changed:
        missing[reasons.TOO_FEW_SAMPLES] = "no instance is changed yet"
    return _lasting(columns, rows, alpha_of(evidence, len(columns.series[HOSTS])), missing)


class _Course:
    """What one instance or host used over time (bucket indexes, ascending), and how much room is left now."""

    __slots__ = ("index", "level", "name", "room")

    def __init__(self, name: str, index: Array, level: Array, room: float):
        self.name, self.index, self.level, self.room = name, index, level, room


def _memory_of(evidence: Evidence, host: str) -> float | None:
    seen = (evidence["hosts"].get(host) or {}).get("host") or {}
    total = (seen.get("memory") or {}).get("total_bytes")
    return float(total) if total else None


def memory_since_start(columns: Columns, name: str, changed: int) -> tuple[Array, Array]:
    """Memory of the process that runs now: since the change, and since its last restart after that."""
    index, value = columns.points(INSTANCES, name, "memory")
    restarts = columns.points(INSTANCES, name, "restarts")[0]
    start = max(changed, int(restarts[-1]) + 1) if len(restarts) else changed
    first = int(index.searchsorted(start))
    return index[first:], value[first:]


def control_memory(columns: Columns) -> Array:
    """How control's memory went, per bucket, as a factor around 1: the median of its instances, each relative to its own median.

    What grows with the traffic of the day grows there as well. Instances that started anew meanwhile count only where
    there are no others.
    """
    import numpy as np

    steps = -(-columns.buckets // CONTROL_CELLS)
    cells = -(-columns.buckets // steps)
    control = [name for name, each in columns.series[INSTANCES].items() if each["role"] == "control"]
    steady = [name for name in control if not len(columns.points(INSTANCES, name, "restarts")[0])]
    rows = []
    for name in steady or control:
        index, value = memory_since_start(columns, name, 0)
        good = value > 0
        if good.any():
            cell, logs = index[good] // steps, np.log(value[good])
            row = np.full(cells, np.nan)
            number = np.bincount(cell, minlength=cells)
            np.divide(np.bincount(cell, weights=logs, minlength=cells), number, out=row, where=number > 0)
            rows.append(row - median(row[number > 0]))
    if not rows:
        return np.ones(columns.buckets)
    course_of_all = middle(np.array(rows))
    known = np.flatnonzero(np.isfinite(course_of_all))
    course = np.interp((np.arange(columns.buckets) + 0.5) / steps - 0.5, known, course_of_all[known])
    return np.asarray(np.exp(course))


def _lasting(columns: Columns, rows: list[_Course], alpha: float, missing: dict[str, str]) -> Reading:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import _trend

    if not rows:
        return Reading(None, 0, missing)
    import numpy as np

    now = _slopes(columns, rows, [len(row.index) for row in rows], np.full(len(rows), TREND_ALPHA))
    stages = [_trend.stage(len(row.index), TREND_POINTS, TREND_GROWTH) for row in rows]
    by: dict[str, float] = {}
    high: dict[str, float] = {}
    rising: list[int] = []
    young = 0
    for place, row in enumerate(rows):
        watched = float(row.index[-1] - row.index[0]) * columns.bucket_s
        lasts = _trend.lasts(row.room, float(now.slope[place]) if now.low[place] > 0 else 0.0)
        known = stages[place][0] >= 0 and (watched >= TREND_FROM_S or lasts <= watched)
        # Before that, what would be used up soon is told, but never sure.
        seen = known or (stages[place][0] >= 0 and lasts <= DRAWN_SO_FAR * watched)
        by[row.name] = lasts if seen else _trend.NEVER
        if known:
            high[row.name] = _trend.NEVER
            if lasts < _trend.NEVER:
                rising.append(place)
        young += not known
    if rising:
        # Most rows don't rise. How sure it is that they do is asked of those that do.
        risen = [rows[place] for place in rising]
        spent = _spent(alpha * (1.0 - LATER_SHARE), [stages[place][0] for place in rising])
        sure = _slopes(columns, risen, [max(stages[place][1], MIN_SAMPLES) for place in rising], spent)
        for row, low in zip(risen, sure.low.tolist(), strict=True):
            high[row.name] = _trend.lasts(row.room, low)
    for name, (lasts, low_lasts) in _later(columns, rows, stages, alpha * LATER_SHARE).items():
        by[name], high[name] = min(by[name], lasts), min(high[name], low_lasts)
    note = f"{young} of {len(rows)} seen for less than {TREND_FROM_S / 3600:.0f} h: no trend yet" if young else ""
    samples = min(len(row.index) for row in rows)
    return Reading(min(by.values()), samples, missing, by, note, high=high)


def _spent(alpha: float, looks: list[int]) -> Array:
    """1/(k+1)^2 of alpha at the k-th of the looks: all together stay below it."""
    import numpy as np

    return alpha * 6.0 / (math.pi * (np.array(looks) + 1.0)) ** 2


def _later(
    columns: Columns, rows: list[_Course], stages: list[tuple[int, int]], alpha: float
) -> dict[str, tuple[float, float]]:
    """(how long it lasts, how long at most) of rows that surely rise in the latter half of their time.

    A line through hours in which nothing grew and hours in which something did fits neither: what it leaves is no noise, and
    is taken for such. The halves are taken at the looks of the whole, each at the same part of a share of their own of
    alpha (Bonferroni), so that all trends of a rollout together stay below it.
    """
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import _trend

    old = [
        place
        for place, (look, points) in enumerate(stages)
        if look >= 0
        and float(rows[place].index[points - 1] - rows[place].index[0]) * columns.bucket_s >= 2.0 * TREND_FROM_S
    ]
    if not old:
        return {}
    chosen = [rows[place] for place in old]
    pieces, every = _pieces(columns, chosen, [stages[place][1] for place in old])
    half = pieces[:, _trend.BLOCKS // 2 :]
    found = _trend.theil_sen(half, _spent(alpha, [stages[place][0] for place in old]), every)
    return {
        row.name: (_trend.lasts(row.room, slope), _trend.lasts(row.room, low))
        for row, slope, low in zip(chosen, found.slope.tolist(), found.low.tolist(), strict=True)
        if low > 0.0
    }


def _slopes(columns: Columns, rows: list[_Course], points: list[int], alpha: Array) -> Slopes:
    """Slopes of the first so many points of each row, per second of plan time."""
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import _trend

    pieces, every = _pieces(columns, rows, points)
    return _trend.theil_sen(pieces, alpha, every)


def _pieces(columns: Columns, rows: list[_Course], points: list[int]) -> tuple[Array, Array]:
    """(means of the first so many points of each row, in blocks of equal time; how long a block of each is, in seconds of plan time)."""
    import numpy as np
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import _trend

    index = [row.index[:count] for row, count in zip(rows, points, strict=True)]
    number = np.array([len(each) for each in index])
    first = np.array([each[0] for each in index], dtype=float)
    span = np.array([each[-1] + 1 for each in index], dtype=float) - first
    row = np.repeat(np.arange(len(rows)), number)
    place = (np.concatenate(index) - first[row]) / span[row]
    level = np.concatenate([each.level[:count] for each, count in zip(rows, points, strict=True)])
    every = span * columns.bucket_s / _trend.BLOCKS
    return _trend.blocks(row, place, level, len(rows), _trend.BLOCKS), every
