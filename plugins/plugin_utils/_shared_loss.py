# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an agent loses answers no more often than control does, over its whole time since the change. Pure.

A single look sees too few losses for that: where everybody loses one answer in a hundred, somebody always lost more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import AGENTS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series_metrics import asked_of, control_of, series_of

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Evidence

# An agent loses more than control where chance alone would show it less often than this. There are hundreds of looks, so
# it is small; six answers lost beside a control without a loss, a dead minute of one instance, are still beyond it.
SURELY_MORE = 0.002


def loses_as_control(evidence: Evidence, agent: str, group: str, now: tuple[int, int]) -> bool:
    """Could chance alone explain what an agent lost on a NATS group, if it loses as often as control?

    `now`: answers that the agent and control lost in this look. Neither they may surely be more than control's, nor the
    buckets since the change in which one side lost something and the other nothing, nor the answers lost in those: what
    hit both at once was told at the time, and must excuse nothing later. Control that lost nothing by itself excuses nobody.
    """
    columns = series_of(evidence)[0]
    if columns is None:
        return False
    entries, peers = columns.series[AGENTS], control_of(columns).get(group, [])
    own = [name for name, each in entries.items() if (each["agent"], each["group"]) == (agent, group)]
    if not own or not peers:
        return False
    since = slice(entries[own[0]].get("changed") or 0, None)
    asked, answered = (column[since] for column in asked_of(columns, own))
    asked_control, heard = (column[since] for column in asked_of(columns, peers))
    lost, lost_by_control = asked - answered, asked_control - heard
    known = (asked > 0) & (asked_control > 0)
    alone, control_alone = known & (lost > 0) & (lost_by_control <= 0), known & (lost <= 0) & (lost_by_control > 0)
    buckets = int(alone.sum()), int(control_alone.sum())
    answers = int(lost[alone].sum()), int(lost_by_control[control_alone].sum())
    share = 1.0 / (1 + len(peers))
    surely = any(_chance(mine, mine + theirs, share) < SURELY_MORE for mine, theirs in (now, buckets, answers))
    return buckets[1] > 0 and not surely


def _chance(lost: int, of: int, share: float) -> float:
    """How likely it is that at least `lost` of so many losses fall to one whose share of them is `share`."""
    ways = (
        math.lgamma(of + 1) - math.lgamma(number + 1) - math.lgamma(of - number + 1)
        + number * math.log(share) + (of - number) * math.log1p(-share)
        for number in range(lost, of + 1)
    )  # fmt: skip
    return min(sum(math.exp(way) for way in ways), 1.0)
