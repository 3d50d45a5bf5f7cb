# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan time and real time: each is the other's inverse but for what was skipped, and neither ever goes back."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._skips import Skip, Skips
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import START, at

_MICROS = st.integers(0, 3 * 86400 * 1_000_000).map(lambda micros: timedelta(microseconds=micros))
_LENGTHS = st.integers(1, 3 * 86400 * 1_000_000).map(lambda micros: timedelta(microseconds=micros))


@st.composite
def _skipped(draw: st.DrawFn) -> Skips:
    """Skipped one after the other; also twice in one moment."""
    skips, real = Skips(), START
    for between, length in draw(st.lists(st.tuples(_MICROS | st.just(timedelta()), _LENGTHS), max_size=6)):
        real += between
        skips = skips.extended_to(real, skips.plan(real) + length)
    return skips


def _spans(skips: Skips) -> list[tuple[datetime, datetime, datetime]]:
    """Of each skip, its moment and the plan time that it left out, from its begin to its end (exclusive)."""
    spans, ahead = [], 0.0
    for skip in skips.rows:
        begin = skip.real + timedelta(seconds=ahead)
        spans.append((skip.real, begin, skip.real + timedelta(seconds=skip.total_s)))
        ahead = skip.total_s
    return spans


skipped, moments = _skipped(), st.integers(-(10**11), 4 * 10**12).map(lambda us: START + timedelta(microseconds=us))


def test_nothing_skipped_is_real_time() -> None:
    assert (Skips().plan(START), Skips().real(START), Skips().now(START), Skips().total_s) == (START, START, START, 0.0)


def test_what_comes_after_a_skip_is_ahead_and_what_was_before_it_stays() -> None:
    skips = Skips().extended_to(at(100), at(7300)).extended_to(at(200), at(7400 + 3600))
    assert skips == Skips((Skip(at(100), 7200.0), Skip(at(200), 10800.0)))
    assert [skips.plan(at(s)) for s in (0, 99, 100, 150, 200, 300)] == [
        at(0), at(99), at(7300), at(7350), at(11000), at(11100),
    ]  # fmt: skip
    assert [skips.real(at(s)) for s in (0, 99, 7300, 7350, 11000, 11100)] == [
        at(0), at(99), at(100), at(150), at(200), at(300),
    ]  # fmt: skip
    assert [skips.real(at(s)) for s in (100, 3600, 7299, 7400, 9000)] == [at(100)] * 3 + [at(200)] * 2


@given(skipped, moments)
def test_a_real_moment_comes_back_from_plan_time(skips: Skips, real: datetime) -> None:
    assert skips.real(skips.plan(real)) == real


@given(skipped, moments, st.data())
def test_a_plan_time_comes_back_unless_it_was_skipped(skips: Skips, plan: datetime, data: st.DataObject) -> None:
    spans = _spans(skips)
    # Edges of skips are hardly hit by chance.
    edges = [edge for _real, begin, end in spans for edge in (begin, end, end - timedelta(microseconds=1))]
    plan = data.draw(st.sampled_from([plan, *edges]))
    inside = [(real, end) for real, begin, end in spans if begin <= plan < end]
    if not inside:
        assert skips.plan(skips.real(plan)) == plan
        return
    ((real, _end),) = inside
    assert skips.real(plan) == real
    # Of several skips in one moment, that moment is after all of them.
    assert skips.plan(real) == max(end for moment, _begin, end in spans if moment == real)


@given(skipped, st.lists(moments, min_size=2))
def test_neither_goes_back(skips: Skips, several: list[datetime]) -> None:
    several.sort()
    for earlier, later in pairwise(several):
        assert skips.plan(earlier) <= skips.plan(later)
        assert skips.real(earlier) <= skips.real(later)


@given(skipped, moments, moments)
def test_plan_time_takes_as_long_as_real_time_and_what_was_skipped_meanwhile(
    skips: Skips, one: datetime, other: datetime
) -> None:
    one, other = min(one, other), max(one, other)
    lengths = [(real, end - begin) for real, begin, end in _spans(skips)]
    between = sum((length for real, length in lengths if one < real <= other), timedelta())
    assert skips.plan(other) - skips.plan(one) == other - one + between


@given(skipped)
def test_what_is_stored_comes_back(skips: Skips) -> None:
    assert Skips.of(skips.stored()) == skips


@given(skipped, moments)
def test_the_present_is_after_all_skips(skips: Skips, real: datetime) -> None:
    """Also of a clock that is behind that of who skipped."""
    assert skips.now(real) == real + timedelta(seconds=skips.total_s) >= skips.plan(real)


@given(skipped, moments, _LENGTHS)
def test_a_clock_that_was_put_back_skips_from_where_it_was(skips: Skips, real: datetime, length: timedelta) -> None:
    more = skips.extended_to(real, skips.now(real) + length)
    assert more.now(real) == skips.now(real) + length
    assert [skip.real for skip in more.rows] == sorted(skip.real for skip in more.rows)
    assert [skip.total_s for skip in more.rows] == sorted(skip.total_s for skip in more.rows)


@pytest.mark.parametrize(
    "value", [[["2026-01-23T12:00:00", 1.0]], [["yesterday", 1.0]], [["2026-01-23T12:00:00+00:00"]]]
)
def test_a_stored_form_that_is_none_is_refused(value: list[list[object]]) -> None:
    with pytest.raises(ValueError):
        Skips.of(value)
