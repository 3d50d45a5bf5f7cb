# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rank tests against scipy's own answers, outages that ranks can't see, and what stands out."""

from __future__ import annotations

import numpy as np
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import FEW, MIN_SAMPLES, median
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._anomaly import anomalies
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._outage import (
    beyond,
    longest_silence,
    lost_share,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._rank import rank_test, shift
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=MIN_SAMPLES, max_size=30)
WILD = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20)


@settings(max_examples=60)
@given(NUMBERS, NUMBERS)
def test_the_rank_test_is_scipys(test: list[float], control: list[float]) -> None:
    found = rank_test(np.array(test), np.array(control))
    assert found is not None
    if len({*test, *control}) > 1:
        assert found.p == pytest.approx(mannwhitneyu(test, control, alternative="two-sided").pvalue)
    above = sum((t > c) - (t < c) for t in test for c in control)
    assert found.delta == pytest.approx(above / (len(test) * len(control)))


@settings(max_examples=60)
@given(NUMBERS, NUMBERS)
def test_the_shift_is_the_median_of_all_differences(before: list[float], after: list[float]) -> None:
    differences = np.sort(np.subtract.outer(after, before).ravel())
    found = shift(np.sort(before), np.sort(after))
    middle = len(differences) // 2
    slack = 1e-5 * (1.0 + differences[-1] - differences[0])
    assert differences[(len(differences) - 1) // 2] - slack <= found <= differences[middle] + slack


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=2 * FEW))
def test_the_median_is_numpys_for_few_values_and_many(values: list[float]) -> None:
    assert median(np.array(values)) == float(np.median(np.array(values)))


@given(WILD, WILD)
def test_wild_samples_never_raise_and_few_say_nothing(test: list[float], control: list[float]) -> None:
    found = rank_test(np.array(test), np.array(control))
    finite = min(int(np.isfinite(test).sum()), int(np.isfinite(control).sum()))
    assert (found is None) == (finite < MIN_SAMPLES)


def test_dead_for_nine_of_sixty_minutes_is_nothing_to_ranks_and_a_run_of_nine_here() -> None:
    answered = np.full(60, 18.0)
    answered[20:29] = 0.0
    control = np.full(60, 18.0) + np.random.default_rng(1).normal(0, 0.5, 60)
    ranked = rank_test(answered + np.random.default_rng(2).normal(0, 0.5, 60), control)
    assert ranked is not None and ranked.p > 0.02
    assert longest_silence(lost_share(np.full(60, 18.0), answered), np.ones(60, dtype=bool)) == 9.0


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.booleans()), max_size=40))
def test_the_longest_silence_is_that_of_the_known_buckets_and_parts_of_their_neighbours(
    buckets: list[tuple[float, bool]],
) -> None:
    known = [0.0, *(lost for lost, seen in buckets if seen), 0.0]
    longest = 0.0
    for first in range(1, len(known) - 1):
        last = first
        while known[last] == 1.0:
            last += 1
        if last > first:
            longest = max(longest, known[first - 1] % 1.0 + (last - first) + known[last])
    columns = np.array(buckets).reshape(-1, 2)
    assert longest_silence(columns[:, 0], columns[:, 1] > 0) == longest


def test_two_dead_minutes_are_two_wherever_they_begin() -> None:
    known = np.ones(5, dtype=bool)
    assert longest_silence(np.array([0.0, 1 / 3, 1.0, 2 / 3, 0.0]), known) == 2.0
    assert longest_silence(np.array([0.0, 1.0, 1.0, 0.0, 0.0]), known) == 2.0
    # What is never all of a bucket is loss, not silence.
    assert longest_silence(np.array([0.0, 0.9, 0.9, 0.0, 0.0]), known) == 0.0


def test_a_loss_counts_where_control_lost_less_than_half_as_much() -> None:
    asked, nan = np.array([10.0, 10.0, 10.0, 10.0, 0.0]), np.nan
    lost = lost_share(asked, np.array([9.0, 8.0, 10.0, nan, 5.0]))
    assert lost[:4].tolist() == pytest.approx([0.1, 0.2, 0.0, 1.0]) and np.isnan(lost[4])
    assert beyond(lost, np.array([0.0, 0.1, 0.0, nan, 0.0])).tolist() == [True, False, False, False, False]


@given(WILD)
def test_anomalies_of_wild_values_never_raise(values: list[float]) -> None:
    found = anomalies(np.array(values))
    assert all(0 <= at < len(values) for at in found)


def test_what_stands_out_is_far_from_the_median_in_noise() -> None:
    values = np.random.default_rng(1).normal(100.0, 1.0, 200)
    assert len(anomalies(values)) == 0
    values[50] = 120.0
    assert anomalies(values).tolist() == [50]
    assert anomalies(np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0])).tolist() == [6]
