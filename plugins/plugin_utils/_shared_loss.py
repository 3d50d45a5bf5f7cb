# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an agent loses answers no more often than control does, over its whole time since the change. Pure.

A single look sees too few losses for that: where everybody loses one answer in a hundred, somebody always lost more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import AGENTS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series_metrics import (
    asked_of,
    control_of,
    series_of,
)

if TYPE_CHECKING:
    import numpy as np
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Evidence

    Array = np.ndarray[Any, Any]

# An agent loses more than control where chance alone would show it less often than this. There are hundreds of looks, so
# it is small; six answers lost beside a control without a loss, a dead minute of one instance, are still beyond it.
SURELY_MORE = 0.002
# So many buckets a loss that may be everybody's waits for control's: two looks, as a rule.
WAIT = 10


@dataclass(frozen=True)
class _Losses:
    """Per bucket since the agent's change: answers that it lost, those that control lost, and where both were asked."""

    own: Array
    control: Array
    known: Array
    peers: int

    @property
    def alone(self) -> Array:
        """Buckets in which the agent lost something and control nothing."""
        return self.known & (self.own > 0) & (self.control <= 0)

    @property
    def control_alone(self) -> Array:
        return self.known & (self.own <= 0) & (self.control > 0)

    def surely_more(self, lost: int, of_both: int) -> bool:
        """Whether an agent that loses as often as each of control hardly ever has so many of both's losses."""
        return _chance(lost, of_both, 1.0 / (1 + self.peers)) < SURELY_MORE


def _losses(evidence: Evidence, agent: str, group: str) -> _Losses | None:
    """None where the series don't show the agent beside control."""
    columns = series_of(evidence)[0]
    if columns is None:
        return None
    entries, peers = columns.series[AGENTS], control_of(columns).get(group, [])
    own = [name for name, each in entries.items() if (each["agent"], each["group"]) == (agent, group)]
    if not own or not peers:
        return None
    since = slice(entries[own[0]].get("changed") or 0, None)
    asked, answered = (column[since] for column in asked_of(columns, own))
    asked_control, heard = (column[since] for column in asked_of(columns, peers))
    own_lost, control_lost = (asked - answered).clip(0.0), (asked_control - heard).clip(0.0)
    return _Losses(own_lost, control_lost, (asked > 0) & (asked_control > 0), len(peers))


def loses_as_control(evidence: Evidence, agent: str, group: str, now: tuple[int, int]) -> bool:
    """Could chance alone explain what an agent lost on a NATS group, if it loses as often as control?

    `now`: answers that the agent and control lost in this look. Neither they may surely be more than control's, nor the
    buckets since the change in which one side lost something and the other nothing, nor the answers lost in those: what
    hit both at once was told at the time, and must excuse nothing later. Control that lost nothing by itself excuses nobody.
    """
    losses = _losses(evidence, agent, group)
    if losses is None:
        return False
    alone, control_alone = losses.alone, losses.control_alone
    buckets = int(alone.sum()), int(control_alone.sum())
    answers = int(losses.own[alone].sum()), int(losses.control[control_alone].sum())
    share = 1.0 / (1 + losses.peers)
    surely = losses.surely_more(now[0], sum(now)) or any(_ever_surely_more(*each, share) for each in (buckets, answers))
    return buckets[1] > 0 and not surely


@dataclass(frozen=True)
class Lone:
    """What an agent lost while control, so far, loses nothing by itself.

    `waits`: too few and too new to know that control will not lose as often: it is told at the next look; `before`:
    answers that looks before this one waited with, and that are the agent's own by now.
    """

    waits: bool = False
    before: int = 0


def lone_losses(evidence: Evidence, agent: str, group: str, lost: int) -> Lone:
    """Whether the `lost` answers of this look must wait, and which of those before count now.

    Where everybody begins to lose answers, the first one may happen to be a changed agent's. A loss waits for WAIT buckets and
    until control was asked again, unless it is surely more than chance. Losses with a share of control's around them are
    not alone.
    """
    losses = _losses(evidence, agent, group)
    if losses is None or losses.control_alone.any():
        return Lone()
    import numpy as np

    more = _around(losses.own) > 2.0 * _around(losses.control) / losses.peers
    places = np.flatnonzero(losses.known & (losses.own > 0) & more)
    if not len(places):
        return Lone()
    last_known = int(np.flatnonzero(losses.known)[-1])
    old = places[(places < len(more) - WAIT) & (places < last_known)]
    if len(old):
        return Lone(before=int(losses.own[old].sum()))
    so_far = max(lost, int(losses.own[places].sum()))
    of_control = int(losses.control[max(len(more) - WAIT, 0) :].sum())
    return Lone(waits=not losses.surely_more(so_far, so_far + of_control))


def _around(values: Array) -> Array:
    """Sums over each bucket and the WAIT ones on either side."""
    import numpy as np

    total = np.concatenate(([0.0], np.cumsum(values)))
    at = np.arange(len(values))
    return np.asarray(total[np.minimum(at + WAIT + 1, len(values))] - total[np.maximum(at - WAIT, 0)])


def _ever_surely_more(mine: int, theirs: int, share: float) -> bool:
    """Whether losses that are added up look by look have shown that an agent's part of them is more than `share`.

    It may be asked at each look: a bet on every larger part alike, whose fortune reaches 1/SURELY_MORE with that probability at
    most, however long it is watched (Ville 1939).
    """
    if mine <= (mine + theirs) * share:
        return False
    from scipy.special import betaincc, betaln

    larger = float(betaincc(mine + 1, theirs + 1, share))
    fortune = float(betaln(mine + 1, theirs + 1)) + math.log(max(larger, 1e-300)) - math.log1p(-share)
    return fortune - mine * math.log(share) - theirs * math.log1p(-share) >= -math.log(SURELY_MORE)


def _chance(lost: int, of: int, share: float) -> float:
    """How likely it is that at least `lost` of so many losses fall to one whose share of them is `share`."""
    ways = (
        math.lgamma(of + 1) - math.lgamma(number + 1) - math.lgamma(of - number + 1)
        + number * math.log(share) + (of - number) * math.log1p(-share)
        for number in range(lost, of + 1)
    )  # fmt: skip
    return min(sum(math.exp(way) for way in ways), 1.0)
