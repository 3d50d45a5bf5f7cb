# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outages: what is gone for minutes and says nothing to a rank test, whose median does not move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Odds of losing an answer so many times control's are not control's as well.
MANY_TIMES = 10.0


def longest_silence(lost: Array, known: Array) -> float:
    """The longest silence, in buckets: all of it lost in one bucket at least, and the lost shares of those on both sides.

    lost: the share of each bucket that was not answered (0..1). Silences don't begin with buckets: one of two minutes
    fills one minute, and parts of its neighbours. A bucket that is not known neither breaks a silence nor lengthens it.
    """
    import numpy as np

    share = np.concatenate(([0.0], np.asarray(lost, dtype=float)[np.asarray(known, dtype=bool)], [0.0]))
    edges = np.flatnonzero(np.diff((share >= 1.0).astype(np.int8)))
    if not len(edges):
        return 0.0
    first, last = edges[::2], edges[1::2] + 1
    return round(float((last - first - 1 + share[first] + share[last]).max()), 6)


def lost_share(asked: Array, answered: Array) -> Array:
    """Of what was asked in each bucket, the share without an answer (0..1); NaN where nothing was asked."""
    import numpy as np

    asked, answered = np.nan_to_num(asked), np.nan_to_num(answered)
    share = np.full(asked.shape, np.nan)
    np.divide(asked - np.minimum(answered, asked), asked, out=share, where=asked > 0)
    return share


def beyond(lost: Array, control: Array) -> Array:
    """Buckets with a loss that is not control's as well: control lost less than half as much. NaN compares as neither.

    Half as much is no excuse for one that loses nearly all: its odds are many times control's then.
    """
    odds, of_control = lost * (1.0 - control), control * (1.0 - lost)
    return (lost > 0) & ((lost > 2.0 * control) | (odds > MANY_TIMES * of_control))
