# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The points of a series as numpy columns, converted once however many rules ask for them."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.module_utils._latency_sketch import value_of

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

AGENTS, INSTANCES, HOSTS = "agents", "instances", "hosts"
# The series judged now and, in a bench, a few in turn.
_REMEMBERED = 4
_LOG_FIRST = math.log(value_of(0))
_LOG_STEP = math.log(value_of(1)) - _LOG_FIRST
#: How far apart neighbouring bins of a sketch are, as logarithms.
BIN = _LOG_STEP


class Columns:
    """Numpy views of one series document. Columns are made when they are asked for, and kept.

    `source`: columns of a longer series of the same start, of which this one is the beginning; nothing is converted
    again then. The document is not changed, and must not be while its columns are in use.
    """

    def __init__(self, series: dict[str, Any], source: Columns | None = None):
        self.series = series
        self.buckets = int(series["buckets"])
        #: Plan time of a bucket, in seconds.
        # Rehearsals of earlier versions scaled time.
        self.bucket_s = float(series["bucket_s"]) * float(series.get("time_scale") or 1.0)
        self._source = source
        self._points: dict[tuple[str, str, str], tuple[Array, Array]] = {}
        self._dense: dict[tuple[str, str, str], Array] = {}
        self._counted: dict[tuple[str, str, str], Array] = {}
        self._kept: dict[tuple[str, ...], Any] = {}

    def keep(self, key: tuple[str, ...], make: Callable[[Columns, tuple[str, ...]], Any]) -> Any:
        """What `make` makes of these columns and the key, made once. Not to be changed."""
        if key not in self._kept:
            self._kept[key] = make(self, key)
        return self._kept[key]

    def points(self, section: str, name: str, key: str) -> tuple[Array, Array]:
        """(indexes, values) of a list of points, ascending; empty where the series has none. Not to be changed."""
        import numpy as np

        found = self._points.get((section, name, key))
        if found is None:
            if self._source is not None:
                index, value = self._source.points(section, name, key)
                end = int(index.searchsorted(self.buckets))
                found = index[:end], value[:end]
            else:
                # Lists as they stand in JSON, or an array of two columns: of ten thousand instances lists fill gigabytes.
                raw = (self.series[section].get(name) or {}).get(key)
                table = np.asarray(() if raw is None else raw, dtype=float).reshape(-1, 2)
                table = table[np.isfinite(table).all(axis=1) & (table[:, 0] >= 0) & (table[:, 0] < self.buckets)]
                found = table[:, 0].astype(int), table[:, 1]
            self._points[section, name, key] = found
        return found

    def dense(self, section: str, name: str, key: str) -> Array:
        """A value per bucket, NaN where there is none. Not to be changed."""
        import numpy as np

        found = self._dense.get((section, name, key))
        if found is None:
            if self._source is not None:
                found = self._source.dense(section, name, key)[: self.buckets]
            else:
                index, value = self.points(section, name, key)
                found = np.full(self.buckets, np.nan)
                found[index] = value
            self._dense[section, name, key] = found
        return found

    def counted(self, section: str, name: str, key: str) -> Array:
        """A count per bucket, 0 where there is none. Not to be changed."""
        import numpy as np

        found = self._counted.get((section, name, key))
        if found is None:
            if self._source is not None:
                found = self._source.counted(section, name, key)[: self.buckets]
            else:
                index, value = self.points(section, name, key)
                found = np.zeros(self.buckets)
                found[index] = value
            self._counted[section, name, key] = found
        return found

    def log_p50(self, name: str) -> Array:
        """Logarithm of the median latency (seconds) of an agent per bucket, NaN where nothing was answered."""
        return self._of_sketches(name, "latency", _log_medians)

    def log_slowest(self, name: str) -> Array:
        """Logarithm of the slowest answer (seconds) of an agent per bucket, NaN where nothing was answered."""
        return self._of_sketches(name, "slowest", _log_slowest)

    def _of_sketches(self, name: str, what: str, of: Callable[[list[Any]], Array]) -> Array:
        import numpy as np

        key = (AGENTS, name, what)
        found = self._dense.get(key)
        if found is None:
            if self._source is not None:
                found = self._source._of_sketches(name, what, of)[: self.buckets]
            else:
                points = (self.series[AGENTS].get(name) or {}).get("latency") or []
                points = [point for point in points if point[1] and 0 <= point[0] < self.buckets]
                found = np.full(self.buckets, np.nan)
                found[[point[0] for point in points]] = of([point[1] for point in points])
            self._dense[key] = found
        return found


def _log_medians(sketches: list[Any]) -> Array:
    """The logarithm of each sketch's median, nearest rank, without a loop over their bins."""
    import numpy as np

    if not sketches:
        return np.zeros(0)
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(sketches)), dtype=float).reshape(-1, 2)
    ends = np.cumsum([len(sketch) for sketch in sketches])
    total = flat[:, 1].cumsum()
    before = np.concatenate(([0.0], total[ends[:-1] - 1]))
    middle = before + np.ceil((total[ends - 1] - before) / 2.0)
    return np.asarray(_LOG_FIRST + _LOG_STEP * flat[total.searchsorted(middle), 0])


def _log_slowest(sketches: list[Any]) -> Array:
    """The logarithm of each sketch's largest value: its bins ascend."""
    import numpy as np

    return np.asarray(_LOG_FIRST + _LOG_STEP * np.array([sketch[-1][0] for sketch in sketches], dtype=float))


_known: OrderedDict[int, Columns] = OrderedDict()


def columns_of(series: dict[str, Any]) -> Columns:
    """The columns of a series, those made before where it is the same object. Of a few series only, the last used."""
    found = _known.get(id(series))
    # The columns hold their series, so no other object can have its id while they are remembered.
    if found is None or found.series is not series:
        found = remember(Columns(series))
    _known.move_to_end(id(series))
    return found


def remember(columns: Columns) -> Columns:
    """Let `columns_of` find these columns for their series."""
    _known[id(columns.series)] = columns
    while len(_known) > _REMEMBERED:
        _known.popitem(last=False)
    return columns
