# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trends: how fast something rises, how sure that is, and when it reaches its end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# As many pieces of time a trend is taken over: enough for a line, and the noise within a piece averages out.
BLOCKS = 32
# A line through fewer says nothing.
FEWEST = 5
# Errors of slopes are taken for so much larger than they are measured: the measure is too small in short samples.
SMALL_SAMPLE = 1.5
# Squares of what is larger are no numbers any more; no gauge counts so far.
_HUGE = 1e150
# Rows at once: 496 slopes each, so that ten thousand rows need no more than a few megabytes.
_ROWS = 2000
# More time than any limit of a plan asks for: 100 years, in seconds.
NEVER = 100.0 * 365.0 * 86400.0


@dataclass(frozen=True)
class Slopes:
    """Rows of slopes, each with a one-sided lower and upper bound at the level asked for; NaN with fewer than FEWEST points."""

    slope: Array
    low: Array
    high: Array
    points: Array


def theil_sen(values: Array, alpha: Array | float, every: Array | float = 1.0) -> Slopes:
    """Theil and Sen's slope of each row: the median of the slopes of all pairs (Sen 1968), per unit of `every`.

    values: rows x points, evenly spaced by `every` (a number, or one per row); NaN is unknown. alpha: of each bound, a
    number or one per row. The bounds are Sen's, from the variance of Kendall's S, widened where neighbours resemble each
    other by as much as a first-order autoregression says (after Hamed and Rao 1998).
    """
    import numpy as np
    from scipy.special import ndtri

    values = np.asarray(values, dtype=float)
    count, points = values.shape
    z = np.broadcast_to(-ndtri(np.asarray(alpha, dtype=float)), (count,))
    spacing = np.broadcast_to(np.asarray(every, dtype=float), (count,))
    first, second, steps = _pairs(points)
    out = np.full((3, count), np.nan)
    for start in range(0, count, _ROWS):
        rows = slice(start, min(start + _ROWS, count))
        chunk = np.where(np.abs(values[rows]) < _HUGE, values[rows], np.nan)
        known = np.isfinite(chunk).sum(axis=1)
        slopes = np.sort((chunk[:, second] - chunk[:, first]) / steps, axis=1)
        pairs = known * (known - 1) // 2
        middle = (_pick(slopes, (pairs - 1) // 2) + _pick(slopes, pairs // 2)) / 2.0
        reach = z[rows] * _error(chunk, middle, known)
        enough = known >= FEWEST
        for row, found in zip(out, (middle, middle - reach, middle + reach), strict=True):
            row[rows] = np.where(enough, found / spacing[rows], np.nan)
    return Slopes(out[0], out[1], out[2], np.isfinite(values).sum(axis=1))


def _pick(rows: Array, column: Array) -> Array:
    """One value of each row. NaN stands at the end of sorted rows."""
    import numpy as np

    if not rows.shape[1]:
        return np.full(len(rows), np.nan)
    return np.asarray(rows[np.arange(len(rows)), np.clip(column, 0, rows.shape[1] - 1)])


def _error(chunk: Array, slope: Array, known: Array) -> Array:
    """Standard error of a slope per step, from what the residuals have in common with those that follow (Newey, West 1987).

    Memory wanders for an hour or two without going anywhere, and a line drawn through such a time explains it away: over
    a quarter of the points the covariances count, and SMALL_SAMPLE stands for the rest.
    """
    import numpy as np

    width = chunk.shape[1]
    rest = chunk - slope[:, None] * np.arange(width)
    here = np.isfinite(rest)
    total = np.maximum(known, 1).astype(float)
    rest = np.where(here, rest - (np.where(here, rest, 0.0).sum(axis=1) / total)[:, None], 0.0)
    # One wild value must not hide what the others have in common.
    spread = np.sqrt((rest**2).sum(axis=1) / total)[:, None]
    rest = np.clip(rest, -3.0 * spread, 3.0 * spread)
    alone = (rest**2).sum(axis=1) / total
    long_run = ((rest @ _weights(width)) * rest).sum(axis=1) / total
    steps = float(width) * float(width) - 1.0
    return np.asarray(SMALL_SAMPLE * np.sqrt(12.0 * np.maximum(long_run, alone) / (total * steps)))


@lru_cache(maxsize=8)
def _pairs(points: int) -> tuple[Array, Array, Array]:
    """All pairs of so many points, and how far they are apart."""
    import numpy as np

    first, second = np.triu_indices(points, 1)
    return first, second, (second - first).astype(float)


@lru_cache(maxsize=8)
def _weights(points: int) -> Array:
    """What the product of two residuals counts (Bartlett): less the farther apart, nothing beyond a quarter of the points."""
    import numpy as np

    apart = np.abs(np.subtract.outer(np.arange(points), np.arange(points)))
    return np.asarray(np.maximum(1.0 - apart / (points // 4 + 1.0), 0.0))


def blocks(row: Array, place: Array, values: Array, rows: int, count: int) -> Array:
    """Means of values by row and place (0 <= place < 1 of the row's time): rows x count, NaN where there is none."""
    import numpy as np

    keep = (place >= 0.0) & (place < 1.0) & np.isfinite(values)
    cell = row[keep] * count + np.minimum((place[keep] * count).astype(int), count - 1)
    number = np.bincount(cell, minlength=rows * count)
    total = np.bincount(cell, weights=values[keep], minlength=rows * count)
    out = np.full(rows * count, np.nan)
    np.divide(total, number, out=out, where=number > 0)
    return np.asarray(out.reshape(rows, count))


def stage(points: int, first: int, growth: float) -> tuple[int, int]:
    """(which look this is, how many points it takes) of looks at first, first x growth, first x growth^2, ... points.

    An interval that is taken anew at these looks only, the k-th with the k-th part of alpha, holds at all of them; in
    between the last one stands. (-1, 0) before the first.
    """
    if points < first:
        return -1, 0
    number = math.floor(math.log(points / first) / math.log(growth) + 1e-9)
    return number, min(points, math.ceil(first * growth**number - 1e-9))


def lasts(room: float, slope: float) -> float:
    """Seconds until `room` is used up at `slope` per second; NEVER without a rise."""
    if room <= 0.0:
        return 0.0
    return min(room / slope, NEVER) if slope > 0.0 else NEVER
