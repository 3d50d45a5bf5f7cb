# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of a whole, of all agents together and of each alone: what is bad of one must not drown in the good of others. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Reading

# A share of fewer than this says little about one agent or instance alone.
STANDS_ALONE = 1000
# Below that, what chance would show less often than this is sure; there are hundreds of looks.
SURE = 0.002
# One or two of something are an accident.
FEWEST = 5


@dataclass(frozen=True)
class Share:
    """`good` of `of`, such as answers that arrived of those expected; few of it are good when something is wrong."""

    good: int
    of: int

    @property
    def alone(self) -> tuple[float, float]:
        """(its percentage, the one that it answers for by itself): of few, the most that it may truly be."""
        percent = 100.0 * self.good / self.of if self.of else 0.0
        if self.of >= STANDS_ALONE:
            return percent, percent
        return percent, 100.0 * (1.0 - surely_at_least(self.of - self.good, self.of))


def share_reading(
    shares: dict[str, Share], samples: int, missing: dict[str, str], note: str, doubt: dict[str, str] | None = None
) -> Reading:
    """The share of all together, with those of each alone."""
    good, whole = sum(share.good for share in shares.values()), sum(share.of for share in shares.values())
    alone = {name: share.alone for name, share in shares.items()}
    by = {name: percent for name, (percent, _sure) in alone.items()}
    value = 100.0 * good / whole if whole else None
    return Reading(value, samples, missing, by, note, alone=alone, doubt=doubt or {})


def rate_alone(errors: float, messages: int) -> tuple[float, float]:
    """(the error rate in percent of one agent or instance, the one that it answers for by itself): of few, the least that is sure."""
    percent = 100.0 * errors / messages
    if messages >= STANDS_ALONE:
        return percent, percent
    return percent, 100.0 * surely_at_least(int(min(errors, messages)), messages)


def surely_at_least(hits: int, of: int) -> float:
    """The share (0..1) below which so many hits are chance with probability SURE at most; 0 for fewer than FEWEST.

    The lower bound of Clopper and Pearson (1934).
    """
    if hits < FEWEST or of <= 0:
        return 0.0
    from scipy.special import betaincinv

    return float(betaincinv(hits, of - hits + 1, SURE))
