# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sketches of latencies against the values they were made of."""

from __future__ import annotations

import itertools
import json
import math
import random

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency as latency
from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch as sketches
from hypothesis import given, settings
from hypothesis import strategies as st

# Rounding of floats at the edge of a bin, nothing more.
WITHIN = 0.01 * (1 + 1e-9)

durations = st.floats(sketches.SHORTEST_S, sketches.LONGEST_S)
many = st.lists(durations, max_size=60)
permille = st.integers(0, 1000)


def sketch_of(values: list[float]) -> sketches.Sketch:
    made: sketches.Sketch = []
    for value in values:
        sketches.add(made, value)
    return made


@settings(deadline=None)
@given(st.lists(durations, min_size=1, max_size=300), permille)
def test_quantiles_are_within_one_percent_of_the_nearest_rank(values: list[float], share: int) -> None:
    exact = latency.nearest_rank(sorted(values), share, 1000)
    found = sketches.quantile(sketch_of(values), share / 1000)
    assert exact is not None and found is not None
    assert abs(found - exact) <= WITHIN * exact


@given(durations)
def test_a_bin_stands_for_what_is_in_it(value: float) -> None:
    assert abs(sketches.value_of(sketches.bin_of(value)) - value) <= WITHIN * value


@given(many, many)
def test_merging_is_counting_together(left: list[float], right: list[float]) -> None:
    assert sketches.merge([sketch_of(left), sketch_of(right)]) == sketch_of(left + right)


@given(st.lists(many, max_size=5), st.randoms(use_true_random=False))
def test_order_and_grouping_make_no_difference(parts: list[list[float]], shuffle: random.Random) -> None:
    made = [sketch_of(part) for part in parts]
    together = sketches.merge(made)
    one_by_one: sketches.Sketch = []
    for part in shuffle.sample(made, len(made)):
        one_by_one = sketches.merge([part, one_by_one])
    assert one_by_one == together
    assert sketches.count(together) == sum(len(part) for part in parts)


@given(many, st.randoms(use_true_random=False))
def test_the_order_of_values_makes_no_difference(values: list[float], shuffle: random.Random) -> None:
    assert sketch_of(shuffle.sample(values, len(values))) == sketch_of(values)


@given(many)
def test_a_sketch_is_ascending_json(values: list[float]) -> None:
    made = sketch_of(values)
    assert json.loads(json.dumps(made)) == made
    assert all(before[0] < after[0] for before, after in itertools.pairwise(made))
    assert all(times > 0 for _bin, times in made)


def test_merging_leaves_its_parts_alone() -> None:
    part = sketch_of([0.1])
    merged = sketches.merge([part, part])
    sketches.add(merged, 0.1)
    assert (part, sketches.count(merged)) == (sketch_of([0.1]), 3)


def test_counting_several_times_at_once() -> None:
    made = sketch_of([0.02])
    sketches.add(made, 0.02, 41)
    assert made == [[sketches.bin_of(0.02), 42]]


def test_the_rank_is_not_pushed_up_by_floats() -> None:
    # In floats 0.55 * 100 is more than 55.
    made = sketch_of([0.001] * 55 + [1.0] * 45)
    assert sketches.quantile(made, 0.55) == pytest.approx(0.001, rel=WITHIN)


def test_nothing_measured_is_no_number() -> None:
    assert (sketches.quantile([], 0.5), sketches.count([]), sketches.merge([])) == (None, 0, [])


def test_what_is_out_of_bounds_is_counted_at_the_bound() -> None:
    made = sketch_of([-1.0, 0.0, 1e-9, math.inf])
    assert made == [[0, 3], [sketches.bin_of(sketches.LONGEST_S), 1]]
    assert sketches.bin_of(math.inf) < 1400


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_a_quantile_outside_of_its_range(q: float) -> None:
    with pytest.raises(ValueError, match="expected 0 to 1"):
        sketches.quantile([[3, 1]], q)


def test_what_can_not_be_counted() -> None:
    with pytest.raises(ValueError, match="nan"):
        sketches.add([], math.nan)
    with pytest.raises(ValueError, match="0 times"):
        sketches.add([], 0.1, 0)
