# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact percentiles of measured latencies."""

from __future__ import annotations

from typing import Dict, Optional, Sequence, Union

LatencySummary = Dict[str, Union[int, float, None]]


def nearest_rank(ordered: Sequence[float], numerator: int, denominator: int = 100) -> Optional[float]:
    """The nearest-rank percentile of values sorted upwards: the smallest value with at least numerator/denominator of
    all at or below it.

    Always a measured value, never an interpolated one; None for no values. The rank is computed in integers, because
    99.9 / 100 * 1000 in floats is a little more than 999 and would pick the wrong value. Below 1,000 values p99.9 is
    the maximum.
    """
    if not ordered:
        return None
    rank = -(-len(ordered) * numerator // denominator)
    return ordered[max(rank, 1) - 1]


def milliseconds(seconds: Optional[float]) -> Optional[float]:
    """Seconds to milliseconds, to the microsecond; None stays None."""
    return None if seconds is None else round(seconds * 1000.0, 3)


def summary(seconds: Sequence[float]) -> LatencySummary:
    """{p50_ms, p99_ms, p999_ms, max_ms, n} of latencies given in seconds, in any order; all but n are None when there
    are none."""
    ordered = sorted(seconds)
    return {
        "p50_ms": milliseconds(nearest_rank(ordered, 50)),
        "p99_ms": milliseconds(nearest_rank(ordered, 99)),
        "p999_ms": milliseconds(nearest_rank(ordered, 999, 1000)),
        "max_ms": milliseconds(ordered[-1] if ordered else None),
        "n": len(ordered),
    }
