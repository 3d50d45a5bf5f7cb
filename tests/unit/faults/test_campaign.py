# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How kills are shared out among rollouts."""

from __future__ import annotations

import itertools
import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.campaign import SPACING, Chain, chains
from tests.faults.lane import Boundary, Kill

PLACES = [Boundary("play", f"task {number}") for number in range(303)]
KILLS = [Kill(place) for place in PLACES]


def shared(left: list[Kill]) -> list[Chain]:
    return chains(PLACES, left, random.Random(1))


@given(st.sets(st.sampled_from(KILLS)))
def test_each_place_that_is_left_is_in_one_chain_in_order(wanted: set[Kill]) -> None:
    left = [kill for kill in KILLS if kill in wanted]
    made = shared(left)
    assert Counter(itertools.chain.from_iterable(each.kills for each in made)) == Counter(left)
    assert all(each.kills and list(each.kills) == sorted(each.kills, key=KILLS.index) for each in made)


def test_kills_of_one_rollout_are_apart() -> None:
    made = shared(KILLS)
    assert len(made) == SPACING
    for each in made:
        at = [KILLS.index(kill) for kill in each.kills]
        assert all(later - one == SPACING for one, later in itertools.pairwise(at))


def test_few_places_that_are_left_cost_few_rollouts() -> None:
    made = shared(KILLS[::5])
    assert len(made) == 6
    assert max(len(each.kills) for each in made) == 11
    assert shared([]) == []
