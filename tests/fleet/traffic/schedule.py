# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which agent is asked next, and how: a fixed rhythm, so that every run has the same mix of traffic."""

from __future__ import annotations

from collections.abc import Iterator

BUSY_WEIGHT = 4
UNIFIED_EVERY = 5  # every fifth message is a command on the unified subject: 20 %


class Target:
    """One agent that is asked, with the weight of its share of the traffic."""

    __slots__ = ("agent", "agent_id", "asked", "cluster", "credit", "weight")

    def __init__(self, agent: str, cluster: str, agent_id: str, weight: int, index: int = 0) -> None:
        self.agent = agent
        self.cluster = cluster
        self.agent_id = agent_id
        self.weight = weight
        self.credit = 0
        self.asked = 2 * index  # agents begin at different places of the rhythm, so that the mix is right at once

    def next_is_unified(self) -> bool:
        """Whether the next message to this agent goes to the unified subject; counted per agent, so all get some."""
        self.asked += 1
        return self.asked % UNIFIED_EVERY == 0


def rotation(targets: list[Target]) -> Iterator[Target]:
    """The targets for ever, each as often as its weight says and as evenly spread as that allows."""
    total = sum(target.weight for target in targets)
    while True:
        for target in targets:
            target.credit += target.weight
        chosen = max(targets, key=lambda target: target.credit)
        chosen.credit -= total
        yield chosen
