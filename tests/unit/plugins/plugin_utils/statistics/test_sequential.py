# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bets that may be looked at at any time: how often they are wrong in 2,000 rollouts without a shift, and what they find."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import MIN_SAMPLES, _sequential
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._sequential import (
    ShiftTest,
    later_share,
    lowest_mean,
    shares,
    surest_shift,
)
from hypothesis import given, settings
from hypothesis import strategies as st

GRID = np.log1p(np.arange(0, 101) / 100.0)


@pytest.mark.parametrize("count", [1, 2, 5, 7, 16, 17, 60])
def test_the_lowest_mean_of_uniform_values_is_below_it_as_seldom_as_it_says(count: int) -> None:
    means = np.random.default_rng(count).random((200_000, count)).mean(axis=1)
    seen = float((means < lowest_mean(count, 0.01)).mean())
    # Four standard errors; from 17 values on the bound is a little too careful.
    assert seen < 0.01 + 4 * math.sqrt(0.01 / 200_000)
    assert seen > 0.007


def test_shares_of_an_endless_row_stay_below_one() -> None:
    assert sum(shares(10_000)) < 1.0
    assert shares(1)[0] > 0.6


@pytest.mark.parametrize(("count", "tail"), [(6, 30.0), (6, 3.0), (60, 3.0)])
def test_in_two_thousand_rollouts_without_a_shift_hardly_any_is_ever_sure_of_one(count: int, tail: float) -> None:
    """Looked at after every value, alpha 5 %: all looks together, not each. The baseline is another one in each rollout."""
    alpha, rollouts, length = 0.05, 2000, 240
    rng = np.random.default_rng(3)
    before = np.sort(rng.standard_t(tail, (rollouts, count)), axis=1)
    after = rng.standard_t(tail, (rollouts, length))
    test = ShiftTest(before[0], after[0], alpha)
    rank = (before[:, :, None] < after[:, None, :]).sum(axis=1)
    fortune = np.zeros((rollouts, length))
    for block, share in enumerate(shares(test._blocks)):
        start = block * _sequential.START_EVERY
        growth = test._gains[rank[:, start:]].cumsum(axis=1)
        fortune[:, start:] += share * np.exp(growth).mean(axis=2)
        # Not staked yet: still worth its share.
        fortune[:, :start] += share
    wrong = (fortune.max(axis=1) >= math.exp(test.needed)).mean()
    assert wrong <= alpha
    # The vectorised race above is the product's own: the same fortunes at the end.
    for row in range(5):
        ours = ShiftTest(before[row], after[row], alpha).fortunes(0.0)
        assert math.log(np.exp(ours).sum()) == pytest.approx(math.log(fortune[row, -1]), abs=1e-6)


def test_a_constant_shift_is_found_and_its_bound_is_below_it() -> None:
    rng = np.random.default_rng(4)
    for _rollout in range(20):
        test = ShiftTest(rng.normal(0, 0.1, 60), rng.normal(math.log(1.25), 0.1, 400), 0.0025)
        found = test.low(GRID)
        assert found is not None
        assert math.log(1.10) < found[0] < math.log(1.25)


def test_a_shift_that_begins_late_is_found_from_there_on() -> None:
    rng = np.random.default_rng(5)
    after = rng.normal(0, 0.1, 900)
    after[600:] += math.log(1.5)
    found = ShiftTest(rng.normal(0, 0.1, 60), after, 0.0025).low(GRID)
    assert found is not None
    assert found[0] > math.log(1.2)
    assert 540 <= found[1] <= 660


def test_values_that_are_all_the_same_have_not_shifted() -> None:
    # Sketches count in bins: an idle agent has the same median in every bucket.
    test = ShiftTest(np.zeros(60), np.zeros(600), 0.05)
    assert test.low(GRID) is None
    assert ShiftTest(np.zeros(60), np.full(600, 0.2), 0.05).rejects(0.19)


def test_what_became_faster_is_not_slower() -> None:
    rng = np.random.default_rng(6)
    assert ShiftTest(rng.normal(0, 0.1, 60), rng.normal(-0.5, 0.1, 400), 0.05).low(GRID) is None


@settings(max_examples=80)
@given(
    st.lists(st.floats(-50, 50), min_size=MIN_SAMPLES, max_size=40),
    st.lists(st.floats(-50, 50), min_size=MIN_SAMPLES, max_size=150),
    st.floats(1e-9, 0.2),
)
def test_bounds_of_anything_finite_rise_with_no_shift_in_question(
    before: list[float], after: list[float], alpha: float
) -> None:
    test = ShiftTest(np.array(before), np.array(after), alpha)
    # The larger the shift in question, the less sure it is exceeded.
    rejected = [test.rejects(shift) for shift in (-200.0, -1.0, 0.0, 1.0, 200.0)]
    assert rejected == sorted(rejected, reverse=True)
    assert not rejected[-1]


@pytest.mark.parametrize(("before", "after"), [(4, 100), (100, 4), (0, 0)])
def test_fewer_than_five_values_a_side_are_refused(before: int, after: int) -> None:
    with pytest.raises(ValueError, match="at least 5"):
        ShiftTest(np.zeros(before), np.zeros(after), 0.05)


# ---------------------------------------------------------------- a shift that begins later


def test_shares_of_later_beginnings_add_up_to_one_at_most() -> None:
    assert 0.99 < sum(later_share(beginning) for beginning in range(1, 100_000)) <= 1.0


def test_in_a_thousand_rollouts_without_a_shift_hardly_any_is_sure_of_a_later_one() -> None:
    """Looked at every half hour for a day, alpha 5 %."""
    rng = np.random.default_rng(11)
    wrong = 0
    for _rollout in range(300):
        before, after = rng.standard_t(3.0, 8), rng.standard_t(3.0, 1500)
        wrong += any(
            surest_shift(before, after[:length], 0.05, GRID) is not None for length in range(60, 1500, 60)
        )  # fmt: skip
    assert wrong <= 0.05 * 300


@pytest.mark.parametrize("seed", range(10))
def test_a_shift_hours_later_is_found_though_the_baseline_is_short_and_noisy(seed: int) -> None:
    """Twenty percent of noise, eight values before the change: those alone could never tell."""
    rng = np.random.default_rng(seed)
    before = 0.2 * rng.standard_normal(8)
    after = 0.2 * rng.standard_normal(1200)
    after[700:] += math.log(1.5)
    found = surest_shift(before, after, 0.001, GRID)
    assert found is not None
    shift, since = found
    assert 0.05 < shift <= math.log(1.5)
    assert since >= 600


def test_what_began_with_the_change_is_found_as_before() -> None:
    rng = np.random.default_rng(5)
    before, after = 0.05 * rng.standard_normal(60), math.log(1.5) + 0.05 * rng.standard_normal(300)
    assert surest_shift(before, after, 0.001, GRID) == ShiftTest(before, after, 0.0008).low(GRID)
