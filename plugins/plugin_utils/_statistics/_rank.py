# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two samples compared by ranks: is one larger, by how much, and how sure is that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import MIN_SAMPLES

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


# Beyond this, sums of two values are no numbers any more.
_HUGE = 1e300


@dataclass(frozen=True)
class Ranked:
    """Test against control. shift: in the samples' unit, Hodges-Lehmann; delta: Cliff's, -1..1; p: two-sided."""

    n_test: int
    n_control: int
    shift: float
    delta: float
    p: float


def rank_test(test: Array, control: Array) -> Ranked | None:
    """Mann and Whitney's rank test (1947) with effect sizes; None with fewer than MIN_SAMPLES finite values a side."""
    import numpy as np
    from scipy.stats import mannwhitneyu

    test, control = _finite(test), _finite(control)
    if min(len(test), len(control)) < MIN_SAMPLES:
        return None
    same = test.min() == test.max() == control.min() == control.max()
    found = None if same else mannwhitneyu(test, control, alternative="two-sided")
    pairs = len(test) * len(control)
    return Ranked(
        len(test),
        len(control),
        shift(np.sort(control), np.sort(test)),
        0.0 if found is None else float(2.0 * found.statistic / pairs - 1.0),
        1.0 if found is None else float(found.pvalue),
    )


def shift(before: Array, after: Array) -> float:
    """Hodges and Lehmann's estimate (1963) of how much `after` is larger: the median of all differences between them.

    Both ascending, finite, not empty. Found by halving the interval, so that not all pairs need be written down: exact
    to a millionth of the range.
    """
    low = max(float(after[0]) - float(before[-1]), -_HUGE)
    high = min(float(after[-1]) - float(before[0]), _HUGE)
    half = len(before) * len(after) / 2.0
    for _step in range(22):
        middle = (low + high) / 2.0
        # Ties stand on both sides with half a pair each.
        least = float(after.searchsorted(before + middle, side="left").sum())
        most = float(after.searchsorted(before + middle, side="right").sum())
        if (least + most) / 2.0 < half:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _finite(values: Array) -> Array:
    import numpy as np

    values = np.asarray(values, dtype=float).ravel()
    return values[np.isfinite(values)].clip(-_HUGE, _HUGE)
