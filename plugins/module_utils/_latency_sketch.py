# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Latencies counted in bins that grow by a constant factor: quantiles within 1 %, and sketches that add up exactly.

After Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", VLDB
2019. Percentiles of minutes can't be averaged into one of an hour; counts per bin can be added.

A sketch is ``[[bin, count], ...]``, ascending by bin, every count above 0, as it stands in JSON. A sketch without
values is ``[]``.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Dict, Iterable, List, Optional, Sequence

Sketch = List[List[int]]

#: A quantile differs from the exact nearest-rank value by at most this share of it, from SHORTEST_S to LONGEST_S.
RELATIVE_ACCURACY = 0.01
#: What is shorter counts as this short: no answer over a network is.
SHORTEST_S = 1e-6
#: What is longer counts as this long, so that there are fewer than 1400 bins whatever was measured.
LONGEST_S = 1e6

_GROWTH = (1.0 + RELATIVE_ACCURACY) / (1.0 - RELATIVE_ACCURACY)
_PER_LOG = 1.0 / math.log(_GROWTH)
# Of the bin (upper / growth, upper] this point is as far from one end as from the other, in relation to them.
_MIDDLE = 2.0 / (_GROWTH + 1.0)


def bin_of(seconds: float) -> int:
    """The bin of a latency, 0 for SHORTEST_S and below. ValueError for what is no number."""
    if math.isnan(seconds):
        raise ValueError("a latency of nan seconds, expected a number")
    if seconds <= SHORTEST_S:
        return 0
    return math.ceil(math.log(min(seconds, LONGEST_S) / SHORTEST_S) * _PER_LOG)


def value_of(bin_: int) -> float:
    """Seconds that stand for a bin: within RELATIVE_ACCURACY of everything in it."""
    return float(SHORTEST_S * _GROWTH**bin_ * _MIDDLE)


def add(sketch: Sketch, seconds: float, times: int = 1) -> None:
    """Count a latency in ``sketch``, ``times`` times. ValueError for less than once and for what is no number."""
    if times < 1:
        raise ValueError("counted {0} times, expected at least once".format(times))
    bin_ = bin_of(seconds)
    at = bisect_left(sketch, [bin_])
    if at < len(sketch) and sketch[at][0] == bin_:
        sketch[at][1] += times
    else:
        sketch.insert(at, [bin_, times])


def merge(sketches: Iterable[Sequence[Sequence[int]]]) -> Sketch:
    """One sketch of all values of the given ones, which stay as they are. Their order makes no difference."""
    counts: Dict[int, int] = {}
    for sketch in sketches:
        for bin_, times in sketch:
            counts[bin_] = counts.get(bin_, 0) + times
    return [[bin_, counts[bin_]] for bin_ in sorted(counts)]


def count(sketch: Sequence[Sequence[int]]) -> int:
    """How many values the sketch holds."""
    return sum(times for _bin, times in sketch)


def quantile(sketch: Sequence[Sequence[int]], q: float) -> Optional[float]:
    """Seconds at the nearest rank of ``q`` (0..1): the smallest value with at least that share at or below it.

    None for a sketch without values. ValueError for a ``q`` outside 0..1.
    """
    if not 0.0 <= q <= 1.0:
        raise ValueError("quantile {0!r}, expected 0 to 1".format(q))
    # Rounded first: 0.55 * 100 is a little more than 55 in floats and would pick the value above.
    rank = max(1, math.ceil(round(q * count(sketch), 6)))
    below = 0
    for bin_, times in sketch:
        below += times
        if below >= rank:
            return value_of(bin_)
    return None
