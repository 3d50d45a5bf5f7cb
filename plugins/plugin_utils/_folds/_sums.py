# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which looks of a host count when everything is counted from a moment on."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import Points
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._moment import micros_of


class Window:
    """The looks from `since` on (all when None). Looks are in order of time unless a host's clock ran back."""

    def __init__(self, at: array[int], in_order: bool, since: datetime | None):
        self.at = at
        self.since = None if since is None else micros_of(since)
        self.first = 0
        self._mask: bytes | None = None
        if self.since is not None:
            if in_order:
                self.first = bisect_left(at, self.since)
            else:
                self._mask = bytes(moment >= self.since for moment in at)

    def __contains__(self, row: int) -> bool:
        return row >= self.first if self._mask is None else bool(self._mask[row])

    def total(self, points: Points) -> int:
        """The sum of what stands at the looks of this window."""
        if self._mask is not None:
            return sum(number for row, number in points if self._mask[row])
        return sum(points.values[bisect_left(points.at, self.first) :]) if len(points) else 0

    def places(self, rows: array[int]) -> Iterator[int]:
        """Where in ascending `rows` those of this window stand."""
        begin = bisect_left(rows, self.first)
        return (place for place in range(begin, len(rows)) if self._mask is None or self._mask[rows[place]])

    def counts(self, moment: Any) -> bool:
        """Whether an event of that moment counts."""
        return self.since is None or (moment is not None and moment >= self.since)
