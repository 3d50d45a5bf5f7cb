# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HTML report makes of numbers: columns of a series, what is zero and what is unknown, and how it is written."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch as sketch
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._draw_chart import is_scattered, joined
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._fold import MOST_COLUMNS, Fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._numbers import (
    plan_seconds,
    seconds_text,
    size_text,
    threshold_of,
    value_text,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._svg import inline
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._text import one_line, plain
from hypothesis import given
from hypothesis import strategies as st


def series(buckets: int, **sections: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"instances": {}, "agents": {}, "hosts": {}, "gaps": []}
    return {
        "start": "2026-01-23T12:00:00+00:00",
        "bucket_s": 60.0,
        "skips_waits": False,
        "buckets": buckets,
        **empty,
        **sections,
    }


@given(st.integers(1, 20000))
def test_a_series_of_any_length_has_few_columns_that_cover_it(buckets: int) -> None:
    fold = Fold(series(buckets))
    assert fold.columns <= MOST_COLUMNS
    assert (fold.columns - 1) * fold.width < buckets <= fold.columns * fold.width


def test_what_was_not_watched_is_unknown_and_what_was_watched_without_errors_is_zero() -> None:
    one = {"role": "test", "errors": [[1, 3], [3, 5]], "watched": [[0, 2]]}
    two = {"role": "test", "errors": [], "watched": [[1, 2]]}
    assert Fold(series(4, instances={"a@h": one, "b@h": two})).per_instance("test", "errors").values == [
        0.0,
        1.5,
        None,
        5.0,
    ]


def test_a_share_is_of_what_was_asked_and_without_what_came_late() -> None:
    one = {"role": "test", "asked": [[0, 10], [2, 4]], "answered": [[0, 10], [2, 2]], "late": [[0, 1]]}
    other = {"role": "control", "asked": [[0, 100]], "answered": [[0, 0]], "late": []}
    fold = Fold(series(4, agents={"a": one, "c": other}))
    assert fold.share("test", "answered", "late", "asked").values == [90.0, None, 50.0, None]
    assert fold.share("control", "answered", "late", "asked").values == [0.0, None, None, None]


def test_quantiles_are_of_all_answers_of_a_column() -> None:
    slow, fast = sketch.merge([[[sketch.bin_of(1.0), 1]]]), [[sketch.bin_of(0.001), 99]]
    agents = {name: {"role": "test", "latency": [[0, each]]} for name, each in (("a", slow), ("b", fast))}
    fold = Fold(series(2, agents=agents))
    assert fold.latency("test", 0.99).values[0] == pytest.approx(0.001, rel=0.011)
    assert fold.latency("test", 1.0).values[0] == pytest.approx(1.0, rel=0.011)
    assert fold.latency("test", 0.5).values[1] is None


def test_a_gauge_has_the_middle_and_the_span_of_its_instances() -> None:
    instances = {f"a@{n}": {"role": "test", "memory": [[0, 10.0 * n], [1, None]]} for n in (1, 2, 9)}
    course = (fold := Fold(series(2, instances=instances))).gauge(fold.of_role(fold.instances, "test"), "memory")
    assert (course.values, course.low, course.high) == ([20.0, None], [10.0, None], [90.0, None])


def test_before_the_change_is_looked_at_by_itself() -> None:
    one = {"role": "test", "changed": 7, "errors": [[2, 4], [900, 1]], "watched": [[0, 1000]]}
    fold = Fold(series(1000, instances={"a@h": one}))
    assert fold.width > 1 and fold.before is not None
    assert sum(fold.before.per_instance("test", "errors").values) == 4.0  # type: ignore[arg-type]
    assert sum(fold.since(fold.per_instance("test", "errors"))) == 1.0


def test_a_window_keeps_the_numbers_of_its_buckets() -> None:
    one = {"role": "test", "changed": 90, "errors": [[5, 8], [80, 1], [95, 2]], "watched": [[0, 100]]}
    fold = Fold(series(100, instances={"a@h": one}), first=75)
    values = fold.per_instance("test", "errors").values
    assert (len(values), values[5], values[20], sum(filter(None, values))) == (25, 1.0, 2.0, 3.0)
    assert fold.since(fold.per_instance("test", "errors")) == [0.0] * 5 + [2.0] + [0.0] * 4
    assert fold.middles(fold.start)[0] == 75.5 * 60
    assert fold.before is not None and fold.before.buckets == 90


def test_points_outside_of_the_axis_belong_to_nobody() -> None:
    one = {"role": "test", "errors": [[-1, 7], [2, 7]], "watched": [[-5, 99]], "memory": [[-1, 1], [5, 1]]}
    fold = Fold(series(2, instances={"a@h": one}))
    assert fold.per_instance("test", "errors").values == [0.0, 0.0]
    assert fold.gauge(fold.instances.values(), "memory").values == [None, None]


def test_the_longest_stretch_without_a_request_counts_from_the_change_to_the_end() -> None:
    one = {"role": "test", "changed": 10, "asked": [[2, 1], [12, 1], [13, 0], [15, 1]]}
    share, longest, whose = Fold(
        series(20, agents={"a": one, "c": {"role": "control", "asked": []}})
    ).silence_between() or (0, 0, "")
    assert (share, longest, whose) == (20.0, 4 * 60.0, "a")
    assert Fold(series(20, agents={"a": {**one, "changed": None}})).silence_between() is None


def test_nothing_is_drawn_over_a_gap() -> None:
    times = [float(at) for at in range(12)]
    values: list[float | None] = [1.0] * 5 + [None] * 4 + [2.0] * 3
    xs, ys = joined(times, values)
    assert [math.isnan(y) for y in ys] == [False] * 5 + [True] + [False] * 3
    # Read at every third column only: that is how it is measured, not a gap.
    assert not any(map(math.isnan, joined(times, [1.0, None, None] * 4)[1]))
    assert is_scattered([1.0, math.nan, 2.0]) and not is_scattered([1.0] * 9)
    assert len(xs) == len(ys)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (99.9712, "percent", "99.971 %"),
        (100.0, "percent", "100 %"),
        (1e9, "percent", "from nothing"),
        (0.00421, "percent", "0.00421 %"),
        (0.0000001, "percent", "0 %"),
        (0.00107, "duration", "1.07 ms"),
        (0.0, "duration", "0 ms"),
        (-0.0, "percent", "0 %"),
        (-1e-9, "percent", "0 %"),
        (2.5, "duration", "2.5 s"),
        (95836.0, "duration", "1d 2h 37m"),
        (3.2e9, "duration", "no end in sight"),
        (23650.0, "count", "23 650"),
        (11230000.0, "size", "10.7 MiB"),
        (None, "size", "\u2013"),
    ],
)
def test_values_have_their_unit_and_few_digits(value: float | None, unit: str, text: str) -> None:
    assert value_text(value, unit).replace("\u202f", " ") == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_can_be_written(value: float) -> None:
    for unit in ("percent", "duration", "size", "count", "number"):
        assert "e" not in value_text(value, unit).replace("no end in sight", "").replace("from nothing", "")
    assert size_text(value) and seconds_text(value)


@pytest.mark.parametrize(
    ("words", "value"),
    [("below 100ms", 0.1), ("above 99.9%", 99.9), ("equals 0", 0.0), ("above 24MiB", 24.0 * 1048576), ("at least 2d", 172800.0),
     ("below 20% against previous", 20.0), ("proven", None)],
)  # fmt: skip
def test_thresholds_are_read_from_a_criterions_words(words: str, value: float | None) -> None:
    assert threshold_of(words) == value


def test_durations_of_plans_are_read_whole_or_not_at_all() -> None:
    assert plan_seconds("1h30m") == 5400.0 and plan_seconds("24h") == 86400.0
    assert plan_seconds("soon") is None and plan_seconds("1h x") is None


def test_an_svg_gets_ids_and_colours_of_the_page_and_keeps_text() -> None:
    drawn = (
        '<svg viewBox="0 0 10 10"><defs><style>*{color:red}</style><clipPath id="p1"><rect x="0.123" y="1"/></clipPath></defs>'
        '<g id="figure_1"><path d="M 1.26 2\nL 3 4" clip-path="url(#p1)" style="stroke: #010104; font: 10px x; opacity: 0.15"/>'
        '<text style="fill: #abcdef" x="1">#010104 url(#p1) &lt;b&gt;</text></g></svg>'
    )
    text = inline(drawn, "c-x", 'A "title" <b>', "words")
    assert 'id="c-x-0"' in text and 'clip-path="url(#c-x-0)"' in text and "figure_1" not in text
    assert 'style="stroke:var(--test);opacity:0.15"' in text and 'd="M 1.3 2 L 3 4"' in text
    assert "#010104 url(#p1) &lt;b&gt;</text>" in text and "color:red" not in text
    assert "&lt;b&gt;</title>" in text


def test_characters_that_are_no_text_are_marked() -> None:
    assert plain("a\x1b[0m\u202eb\n\t\ud800") == "a\ufffd[0m\ufffdb\n\t\ufffd"
    assert one_line(" a\n b\x00 ") == "a b\ufffd"
