# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import (
    NOTATIONS,
    UnitError,
    format_duration,
    format_percent,
    format_size,
    parse_count,
    parse_duration,
    parse_number,
    parse_percent,
    parse_size,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("100ms", 0.1),
        ("30s", 30),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("0s", 0),
    ],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "value", [30, 1.5, True, None, "30", "30 s", "30S", "10min", "-5s", "", "30m1h", "1h1h", "s", "\u0661s", [1]]
)
def test_durations_without_a_proper_unit_are_refused(value: object) -> None:
    with pytest.raises(UnitError) as caught:
        parse_duration(value)
    assert "such as 30s, 10m or 2h" in caught.value.expected


def test_the_hint_for_a_bare_number_uses_that_number() -> None:
    with pytest.raises(UnitError, match="5m minutes"):
        parse_duration(5)


@pytest.mark.parametrize(
    ("seconds", "text"), [(86400, "24h"), (5400, "1h30m"), (0.1, "100ms"), (0, "0s"), (172800, "48h")]
)
def test_durations_are_written_in_hours_at_most(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, 10**10))
def test_every_duration_in_milliseconds_survives_writing_and_reading(millis: int) -> None:
    seconds = millis / 1000
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("64MiB", 64 << 20), ("1GiB", 1 << 30), ("500MB", 500 * 10**6), ("1.5KiB", 1536), ("0B", 0)]
)
def test_sizes_are_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("value", [64, "64", "64mib", "64 MiB", "1.5B", "MiB", "64M", True, None])
def test_sizes_without_a_proper_unit_are_refused(value: object) -> None:
    with pytest.raises(UnitError):
        parse_size(value)


@given(st.integers(0, 10**12 - 1))
def test_every_size_survives_writing_and_reading(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("value", [99.9, "99.9", "99,9%", "99.9 %", "%", "1e2%", True, None])
def test_percentages_without_their_sign_are_refused(value: object) -> None:
    with pytest.raises(UnitError):
        parse_percent(value)


@given(st.integers(-(10**8), 10**8))
def test_every_percentage_survives_writing_and_reading(thousandths: int) -> None:
    assert parse_percent(format_percent(thousandths / 1000)) == thousandths / 1000


@pytest.mark.parametrize("value", [True, -1, 1.0, "1", None, 2**60])
def test_counts_are_whole_and_bare(value: object) -> None:
    with pytest.raises(UnitError):
        parse_count(value)


@pytest.mark.parametrize("value", [False, -0.5, "1.0", None, float("nan"), float("inf")])
def test_numbers_are_bare_and_finite(value: object) -> None:
    with pytest.raises(UnitError):
        parse_number(value)


@given(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers())),
    st.sampled_from(sorted(NOTATIONS)),
)
def test_nothing_but_a_unit_error_comes_out_of_reading(value: object, unit: str) -> None:
    try:
        assert NOTATIONS[unit].parse(value) == NOTATIONS[unit].parse(value)
    except UnitError as error:
        assert error.expected and error.hint
