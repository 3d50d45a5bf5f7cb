# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How kills are shared out among rollouts."""

from __future__ import annotations

import itertools
import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.campaign.faults.campaign import SPACING, Chain, chains
from tests.campaign.faults.lane import Kill
from tests.rollout.scenario.boundaries import Boundary

PLACES = [Boundary("play", f"task {number}") for number in range(303)]
KILLS = [Kill(place) for place in PLACES]


def shared(left: list[Kill]) -> list[Chain]:
    return chains(PLACES, left, random.Random(1))


# How long it takes is no matter of this test.
@settings(deadline=None)
@given(st.sets(st.sampled_from(KILLS)))
def test_each_kill_that_is_left_is_in_one_chain_far_from_the_one_before(wanted: set[Kill]) -> None:
    left = [kill for kill in KILLS if kill in wanted]
    made = shared(left)
    assert Counter(itertools.chain.from_iterable(each.kills for each in made)) == Counter(left)
    for each in made:
        at = [KILLS.index(kill) for kill in each.kills]
        assert at and all(later - one >= SPACING for one, later in itertools.pairwise(at))
    # No chain more than the most crowded stretch needs.
    crowds = [sum(kill in wanted for kill in KILLS[begin : begin + SPACING]) for begin in range(len(KILLS))]
    assert len(made) == max(crowds)


def test_all_of_them_need_as_many_rollouts_as_kills_are_apart() -> None:
    assert len(shared(KILLS)) == SPACING
