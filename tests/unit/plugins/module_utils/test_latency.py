# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Percentiles by nearest rank against their definition."""

from __future__ import annotations

from fractions import Fraction

from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency as latency
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=400), st.sampled_from([(50, 100), (99, 100), (999, 1000), (1, 1)])
)
def test_nearest_rank_is_its_definition(values: list[int], share: tuple[int, int]) -> None:
    values = sorted(values)
    wanted = Fraction(*share)
    by_definition = next(v for v in values if Fraction(sum(1 for w in values if w <= v), len(values)) >= wanted)
    assert latency.nearest_rank(values, *share) == by_definition


def test_p999_of_a_thousand_is_the_second_largest() -> None:
    assert latency.nearest_rank(list(range(1, 1001)), 999, 1000) == 999


def test_nothing_measured_is_no_number() -> None:
    assert latency.nearest_rank([], 50) is None
    assert latency.summary([]) == {"p50_ms": None, "p99_ms": None, "p999_ms": None, "max_ms": None, "n": 0}


def test_summary_takes_seconds_in_any_order() -> None:
    assert latency.summary([0.003, 0.001, 0.002]) == {
        "p50_ms": 2.0,
        "p99_ms": 3.0,
        "p999_ms": 3.0,
        "max_ms": 3.0,
        "n": 3,
    }
