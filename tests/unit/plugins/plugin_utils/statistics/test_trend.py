# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slopes against scipy's, their bounds in noise that wanders, and when something is exhausted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._trend import (
    BLOCKS,
    FEWEST,
    NEVER,
    blocks,
    lasts,
    stage,
    theil_sen,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import theilslopes

VALUES = st.one_of(st.floats(-1e9, 1e9), st.just(math.nan), st.just(math.inf))


@settings(max_examples=80)
@given(st.lists(VALUES, min_size=2, max_size=30))
def test_the_slope_is_scipys_over_what_is_known(values: list[float]) -> None:
    found = theil_sen(np.array([values]), 0.05)
    at = np.flatnonzero(np.isfinite(values))
    assert found.points.tolist() == [len(at)]
    if len(at) < FEWEST:
        assert np.isnan(found.slope[0])
        return
    expected = theilslopes(np.array(values)[at], at).slope
    assert found.slope[0] == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert found.low[0] <= found.slope[0] <= found.high[0]


def test_rows_are_independent_and_have_spacings_and_levels_of_their_own() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 1, (3, 20)) + np.arange(20) * np.array([[0.0], [1.0], [-2.0]])
    together = theil_sen(rows, np.array([0.05, 0.01, 0.001]), np.array([1.0, 60.0, 0.5]))
    for row, (alpha, every) in enumerate([(0.05, 1.0), (0.01, 60.0), (0.001, 0.5)]):
        alone = theil_sen(rows[row : row + 1], alpha, every)
        assert together.low[row] == pytest.approx(alone.low[0])
        assert together.slope[row] == pytest.approx(alone.slope[0])


@pytest.mark.parametrize(("keep", "wrong"), [(0.0, 0.005), (0.5, 0.03), (0.8, 0.10)])
def test_noise_that_wanders_is_seldom_a_trend(keep: float, wrong: float) -> None:
    """One-sided level of 1 %. Without the allowance for wandering, keep 0.8 crosses it in every fourth row."""
    noise = np.random.default_rng(2).normal(0, 1, (3000, BLOCKS + 50))
    rows = lfilter([1.0], [1.0, -keep], noise, axis=1)[:, 50:]
    found = theil_sen(rows, 0.01)
    assert (found.low > 0).mean() <= wrong


def test_a_leak_in_noise_is_sure_soon() -> None:
    rng = np.random.default_rng(3)
    rows = 200.0 + np.arange(BLOCKS) * 1.0 + rng.normal(0, 3.0, (200, BLOCKS))
    found = theil_sen(rows, 1e-4)
    assert (found.low > 0.5).mean() > 0.95
    assert np.median(found.slope) == pytest.approx(1.0, abs=0.05)


def test_blocks_are_means_by_time_and_empty_ones_are_unknown() -> None:
    row = np.array([0, 0, 0, 1, 1])
    place = np.array([0.0, 0.2, 0.99, 0.5, 1.0])
    found = blocks(row, place, np.array([1.0, 3.0, 5.0, 7.0, 9.0]), 2, 4)
    assert found[0].tolist()[0] == 2.0 and found[0].tolist()[3] == 5.0
    assert np.isnan(found[0][1:3]).all()
    # A place of 1 is after the end.
    assert found[1][2] == 7.0 and np.isnan(found[1][3])


@given(st.integers(0, 5000))
def test_stages_come_when_their_points_are_there(points: int) -> None:
    number, taken = stage(points, 12, 1.15)
    assert (number == -1) == (points < 12)
    if number >= 0:
        assert 12 <= taken <= points
        assert taken >= 12 * 1.15**number - 1
        assert stage(taken, 12, 1.15)[1] == taken


@pytest.mark.parametrize(
    ("room", "slope", "expected"), [(10.0, 2.0, 5.0), (10.0, 0.0, NEVER), (10.0, -1.0, NEVER), (0.0, 1.0, 0.0)]
)
def test_how_long_it_lasts(room: float, slope: float, expected: float) -> None:
    assert lasts(room, slope) == expected
