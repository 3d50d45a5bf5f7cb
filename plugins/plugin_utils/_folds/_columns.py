# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of numbers and how they are put aside: eight bytes a number instead of the hundred of a Python object."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

LARGEST = 2**62


class Shelf:
    """Takes arrays while a fold is frozen and gives them back, in the same order, when it is thawed."""

    def __init__(self, columns: list[array[Any]] | None = None):
        self.columns: list[array[Any]] = columns or []

    def put(self, column: array[Any]) -> int:
        """The number under which the column comes back."""
        self.columns.append(column)
        return len(self.columns) - 1

    def take(self, number: int) -> array[Any]:
        return self.columns[number]


class Points:
    """Ascending (index, number) pairs. Indexes are buckets since the epoch, or numbers of looks."""

    __slots__ = ("at", "values")

    def __init__(self, code: str = "q"):
        self.at: array[int] = array("q")
        self.values: array[Any] = array(code)

    def add(self, index: int, number: float) -> None:
        """Count on top of what stands there."""
        place = self._place(index)
        self.values[place] = min(self.values[place] + number, LARGEST)

    def put(self, index: int, number: float) -> None:
        """In the stead of what stands there."""
        self.values[self._place(index)] = min(number, LARGEST)

    def _place(self, index: int) -> int:
        at = self.at
        if not at or index > at[-1]:
            at.append(index)
            self.values.append(0)
            return len(at) - 1
        place = bisect_left(at, index)
        if at[place] != index:
            at.insert(place, index)
            self.values.insert(place, 0)
        return place

    def __len__(self) -> int:
        return len(self.at)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        return zip(self.at, self.values, strict=True)

    def freeze(self, shelf: Shelf) -> list[int]:
        return [shelf.put(self.at), shelf.put(self.values)]

    @classmethod
    def thaw(cls, state: list[int], shelf: Shelf) -> Points:
        points = cls()
        points.at, points.values = shelf.take(state[0]), shelf.take(state[1])
        return points
