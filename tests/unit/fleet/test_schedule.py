# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rhythm of the traffic source."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import schedule


def targets() -> list[schedule.Target]:
    return [schedule.Target(f"agent-{i}", "c", "id", schedule.BUSY_WEIGHT if i < 8 else 1, i) for i in range(31)]


def test_everyone_is_asked_as_often_as_its_weight_says() -> None:
    counted = Counter(target.agent for target in islice(schedule.rotation(targets()), 550))
    assert {counted[f"agent-{i}"] for i in range(8)} == {40}
    assert {counted[f"agent-{i}"] for i in range(8, 31)} == {10}


def test_a_busy_agent_is_asked_evenly() -> None:
    order = [target.agent for target in islice(schedule.rotation(targets()), 550)]
    at = [place for place, agent in enumerate(order) if agent == "agent-0"]
    assert max(later - earlier for earlier, later in pairwise(at)) <= 2 * 55 / 4


def test_a_fifth_goes_to_the_unified_subject_from_the_start() -> None:
    order = islice(schedule.rotation(targets()), 200)
    share = sum(target.next_is_unified() for target in order) / 200
    assert 0.15 <= share <= 0.25
