# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The axis of a series: buckets numbered from 0, and how counts and gauges are put on it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from operator import ge
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import Points

# Ten weeks of minutes. A clock that was years off must not make an axis of a million buckets.
LONGEST = 100_000

Pairs = list[list[Any]]


class Axis:
    """`first`: the bucket since the epoch that is number 0; `count`: how many there are, of `bucket_s` seconds each."""

    def __init__(self, first: int, last: int, bucket_s: float):
        self.bucket_s = bucket_s
        self.first = max(first, last - LONGEST + 1)
        self.count = max(last - self.first, 0) + 1
        # One object for each number, in the stead of one for each point.
        self.numbers = list(range(self.count))

    def clamped(self, bucket: int) -> int:
        """The number of a bucket; the nearest one for what lies outside."""
        return min(max(bucket - self.first, 0), self.count - 1)

    def edge(self, bucket: int) -> int:
        """The same for the end of a span, which may lie just behind the last bucket."""
        return min(max(bucket - self.first, 0), self.count)

    def counts(self, points: Points) -> Pairs:
        """Counts. What comes after the axis (a clock that is fast) counts in its last bucket, what came before is left out."""
        first, end, numbers = self.first, self.first + self.count, self.numbers
        if not points.at or points.at[-1] < end:
            return [[numbers[index - first], number] for index, number in points if index >= first]
        out: Pairs = []
        late = 0
        for index, number in points:
            if index >= end - 1:
                late += number
            elif index >= first:
                out.append([numbers[index - first], number])
        return [*out, [numbers[-1], late]]

    def gauges(self, points: Iterable[tuple[int, Any]]) -> Pairs:
        """Ascending readings; of several in one bucket the last one; what lies outside is left out."""
        out: Pairs = []
        for index, value in points:
            place = index - self.first
            if not 0 <= place < self.count:
                continue
            if out and out[-1][0] == place:
                out[-1][1] = value
            else:
                out.append([self.numbers[place], value])
        return out

    def places(self, buckets: array[int]) -> list[int] | None:
        """The numbers of buckets that ascend, none twice, and all lie on the axis; None when they don't."""
        if any(map(ge, buckets, buckets[1:])) or (
            buckets and not self.first <= buckets[0] <= buckets[-1] < self.first + self.count
        ):
            return None
        return [self.numbers[bucket - self.first] for bucket in buckets]
