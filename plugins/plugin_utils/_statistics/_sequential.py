# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that may be looked at as often as one likes: their false alarms are bounded over all looks together.

A bet against "nothing changed" whose expected gain is never above zero turns one coin into 1/alpha coins with
probability alpha at most, at whatever moment one looks (Ville 1939). Bets on means of bounded values: Waudby-Smith and
Ramdas, "Estimating means of bounded random variables by betting", JRSS B 2024. docs/judgement.md has the derivation.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import MIN_SAMPLES, median

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# How alpha is split between what the baseline may have been by chance, and what the time since may be by chance. The
# baseline is short and can't grow, so it gets most.
BASELINE_SHARE = 0.8
# How much of what may be lost is staked: small stakes win on small shifts, large ones fast. All are placed at once.
_STAKES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.8)
# A shift may begin long after the change. So often a new series of bets starts, in buckets.
START_EVERY = 60
# Of alpha, so much is for a shift that began later: the values before it are its baseline then, which are many.
LATER_SHARE = 0.2
# A later beginning may be in any of the first so many hours alike; half of the money is for those after them.
EVEN_BEGINNINGS = 16
# Smaller rises (logarithms) are not worth asking about.
SMALLEST_RISE = 0.02
# From so many values on, the sum of uniform ones is near enough to normal, whose tails are the heavier ones.
_EXACT_UP_TO = 16


def shares(lengths: int) -> list[float]:
    """Weights of an endless row of tests, of which `lengths` have begun: 1/(k+1)^2, so that all of them add up to one at most."""
    return [6.0 / (math.pi**2 * (k + 1) ** 2) for k in range(lengths)]


def later_share(beginning: int) -> float:
    """Weight of the test whose values begin at the `beginning`-th block of bets (1, 2, ...); all together add up to one at most."""
    if beginning <= EVEN_BEGINNINGS:
        return 0.5 / EVEN_BEGINNINGS
    return 0.5 * 6.0 / (math.pi * (beginning - EVEN_BEGINNINGS)) ** 2


def surest_shift(before: Array, after: Array, alpha: float, grid: Array) -> tuple[float, int] | None:
    """The largest shift of an ascending grid that is sure to be exceeded, and from which value of `after` on; None if none is.

    What began with the change is asked against `before` (ShiftTest); what began later against all that was until then.
    Over all lengths of `after` together, the answer is above the true shift with probability alpha at most.
    """
    import numpy as np

    found = ShiftTest(before, after, alpha * (1.0 - LATER_SHARE)).low(grid)
    beginning = _later_beginning(after)
    if beginning is None:
        return found
    start = beginning * START_EVERY
    until_then = np.concatenate((before, after[:start]))
    later = ShiftTest(until_then, after[start:], alpha * LATER_SHARE * later_share(beginning)).low(grid)
    if later is None or (found is not None and found[0] >= later[0]):
        return found
    return later[0], start + later[1]


def _later_beginning(after: Array) -> int | None:
    """The block of bets from which on `after` is highest above what was before; None where it never rose by SMALLEST_RISE.

    Any choice is fair, since each beginning has its own share of alpha.
    """
    import numpy as np

    whole = len(after) // START_EVERY
    if whole < 2:
        return None
    blocks = np.median(after[: whole * START_EVERY].reshape(whole, START_EVERY), axis=1)
    if len(after) - whole * START_EVERY >= MIN_SAMPLES:
        blocks = np.append(blocks, np.median(after[whole * START_EVERY :]))
    rises = [median(blocks[place:]) - median(blocks[:place]) for place in range(1, len(blocks))]
    place = int(np.argmax(rises))
    return place + 1 if rises[place] > SMALLEST_RISE else None


@lru_cache(maxsize=512)
def lowest_mean(count: int, alpha: float) -> float:
    """The mean of `count` independent uniform values (0..1) is below this with probability alpha at most (Irwin-Hall)."""
    if count > _EXACT_UP_TO:
        from scipy.special import ndtri

        return max(0.0, 0.5 + float(ndtri(alpha)) * math.sqrt(1.0 / (12.0 * count)))
    low, high = 0.0, count / 2.0
    for _step in range(50):
        middle = (low + high) / 2.0
        if _irwin_hall(count, middle) <= alpha:
            low = middle
        else:
            high = middle
    return low / count


def _irwin_hall(count: int, x: float) -> float:
    terms = ((-1.0) ** k * math.comb(count, k) * (x - k) ** count for k in range(math.floor(x) + 1))
    return math.fsum(terms) / math.factorial(count)


class ShiftTest:
    """Is `after` larger than `before` by more than a shift? To be asked as often as `after` grows.

    Both are of the same shape whatever it is, tails and skew included, but for the shift; `before` is complete,
    `after` is in the order of time. Values are finite; `before` and `after` have MIN_SAMPLES or more.

    Every value of `after`, less the shift in question, has a rank among `before`: the share of `before` below it. If the
    shift is the true one, the mean rank is what the baseline happened to be: 1 less the mean of independent uniform
    values, of which `lowest_mean` knows the tail (alpha x BASELINE_SHARE). That the ranks of `after` have a mean no
    higher than that is bet against with the rest of alpha.
    """

    def __init__(self, before: Array, after: Array, alpha: float):
        import numpy as np

        if min(len(before), len(after)) < MIN_SAMPLES:
            raise ValueError(f"{len(before)} and {len(after)} values, at least {MIN_SAMPLES} are needed on both sides")
        self.before = np.sort(before)
        self.after = after
        self.highest = 1.0 - lowest_mean(len(before), alpha * BASELINE_SHARE)
        self.needed = -math.log(alpha * (1.0 - BASELINE_SHARE))
        stakes = np.array(_STAKES) / self.highest
        ranks = np.arange(len(before) + 1) / len(before)
        # What each rank does to the logarithm of each stake's fortune.
        self._gains = np.log1p(np.outer(ranks - self.highest, stakes))
        self._block = np.arange(len(after)) // START_EVERY
        self._blocks = int(self._block[-1]) + 1
        self._weights = np.log(np.array(shares(self._blocks)) / len(_STAKES))

    def fortunes(self, shift: float) -> Array:
        """Logarithms of the weighted fortunes of all bets against "no more than `shift`", by the block they began in."""
        import numpy as np

        width = len(self.before) + 1
        rank = self.before.searchsorted(self.after - shift, side="left")
        seen = np.bincount(self._block * width + rank, minlength=self._blocks * width).reshape(self._blocks, width)
        since = (seen @ self._gains)[::-1].cumsum(axis=0)[::-1]
        highest = since.max(axis=1)
        return np.asarray(self._weights + highest + np.log(np.exp(since - highest[:, None]).sum(axis=1)))

    def rejects(self, shift: float) -> bool:
        """Is it sure that the shift is larger than this?"""
        import numpy as np

        fortunes = self.fortunes(shift)
        highest = float(fortunes.max())
        return bool(highest + math.log(float(np.exp(fortunes - highest).sum())) >= self.needed)

    def low(self, grid: Array) -> tuple[float, int] | None:
        """The largest shift of an ascending grid that is sure to be exceeded, and from which value of `after` on.

        None when not even the smallest is. Over all lengths of `after` together, the answer is above the true shift
        with probability alpha at most.
        """
        if not self.rejects(float(grid[0])):
            return None
        low, high = 0, len(grid)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.rejects(float(grid[middle])) else (low, middle)
        shift = float(grid[low])
        return shift, int(self.fortunes(shift).argmax()) * START_EVERY
