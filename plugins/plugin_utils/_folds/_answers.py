# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of one agent by bucket, with their latencies, as columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import LARGEST, Shelf

COUNTS = ("asked", "answered", "late", "errors")
# A bin and how often it was hit in one number: there are fewer than 1400 bins.
BINS = 2048
# Rows stay open for a while, because several probes ask in the same minute.
FRESH = 64
_LARGEST_PAIR = 2**32 - 1

Row = list[Any]


class Answers:
    """Rows [bucket, asked, answered, late, errors, sketch]; two rows of one bucket become one."""

    def __init__(self) -> None:
        # Sealed rows, ascending by bucket: five columns, how many bins each sketch has, and all bins in a row.
        self.columns: list[array[int]] = [array("q") for _name in ("bucket", *COUNTS)]
        self.lengths: array[int] = array("q")
        self.pairs: array[int] = array("I")
        # New rows by bucket: [asked, answered, late, errors, {bin: count}].
        self.fresh: dict[int, Row] = {}

    def add(self, bucket: int, counts: Iterable[Any], sketch: Iterable[Iterable[int]]) -> None:
        if len(self.fresh) >= FRESH and bucket not in self.fresh:
            self.seal()
        self._count(bucket, counts, sketch)

    def _count(self, bucket: int, counts: Iterable[Any], sketch: Iterable[Iterable[int]]) -> None:
        row = self.fresh.setdefault(bucket, [0, 0, 0, 0, {}])
        for place, number in enumerate(counts):
            row[place] = min(row[place] + int(number), LARGEST)
        bins = row[4]
        for bin_, count in sketch:
            place = min(max(int(bin_), 0), BINS - 1)
            bins[place] = bins.get(place, 0) + int(count)

    def seal(self) -> None:
        """Put the new rows to the others."""
        if not self.fresh:
            return
        if self.columns[0] and min(self.fresh) <= self.columns[0][-1]:
            self._reopen(min(self.fresh))
        for bucket in sorted(self.fresh):
            row = self.fresh[bucket]
            for column, number in zip(self.columns, (bucket, *row[:4]), strict=True):
                column.append(number)
            pairs = [count * BINS + bin_ for bin_, count in sorted(row[4].items())]
            if self.pairs.typecode == "I" and max(pairs, default=0) > _LARGEST_PAIR:
                self.pairs = array("Q", self.pairs)
            self.pairs.extend(pairs)
            self.lengths.append(len(pairs))
        self.fresh = {}

    def _reopen(self, bucket: int) -> None:
        """Take sealed rows from `bucket` on back among the new ones."""
        buckets = self.columns[0]
        while buckets and buckets[-1] >= bucket:
            index, *counts = (column.pop() for column in self.columns)
            length = self.lengths.pop()
            pairs = self.pairs[len(self.pairs) - length :]
            del self.pairs[len(self.pairs) - length :]
            self._count(index, counts, ((pair % BINS, pair // BINS) for pair in pairs))

    def rows(self) -> Iterator[tuple[int, list[int], list[tuple[int, int]]]]:
        """(bucket, counts, sketch) of all rows, ascending."""
        self.seal()
        begin = 0
        for bucket, *row, length in zip(*self.columns, self.lengths, strict=True):
            pairs = self.pairs[begin : begin + length]
            begin += length
            yield bucket, row, [(pair % BINS, pair // BINS) for pair in pairs]

    def freeze(self, shelf: Shelf) -> list[int]:
        self.seal()
        return [shelf.put(column) for column in (*self.columns, self.lengths, self.pairs)]

    @classmethod
    def thaw(cls, state: list[int], shelf: Shelf) -> Answers:
        answers = cls()
        *answers.columns, answers.lengths, answers.pairs = (shelf.take(number) for number in state)
        return answers
