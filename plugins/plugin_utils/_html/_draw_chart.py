# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws a chart of test against control."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._drawn import Axis, Chart, Line, Marks
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._numbers import number
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._pen import COLOURS, Pen
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._svg import inline
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 440.0, 214.0
_LEFT, _RIGHT, _BOTTOM, _TOP = 50.0, 10.0, 36.0, 20.0
# Above this ratio between the largest and the smallest value a linear axis shows only the largest.
_LOG_FROM = 40.0
# A threshold much farther away than the values would press them flat: it is told in words instead.
_THRESHOLD_WITHIN = 2.5


def draw_chart(pen: Pen, chart: Chart, axis: Axis, marks: Marks, description: str) -> str:
    """The chart as an `<svg>` element."""
    with pen.settings():
        figure = pen.figure(WIDTH, HEIGHT)
        box = (_LEFT / WIDTH, _BOTTOM / HEIGHT, 1 - (_LEFT + _RIGHT) / WIDTH, 1 - (_BOTTOM + _TOP) / HEIGHT)
        ax = figure.add_axes(box)
        frame(ax, axis)
        draw_marks(ax, axis, marks)
        for line in chart.lines:
            _draw_line(ax, chart, line, axis)
        low, high = _range_of(chart)
        _vertical(ax, chart, low, high)
        if shows_threshold(chart):
            ax.axhline((chart.threshold or 0.0) * chart.scale, color=COLOURS["bad"], linewidth=1.2, dashes=(6, 3))
        return inline(pen.svg(figure), f"c-{chart.name}", chart.title, description)


def _values(chart: Chart) -> list[float]:
    courses = [line.course for line in chart.lines]
    lists = [course.values for course in courses]
    lists += [part for line in chart.lines if line.band for part in (line.course.low, line.course.high)]
    return [value * chart.scale for values in lists for value in values if value is not None]


def shows_threshold(chart: Chart) -> bool:
    """Whether the threshold's line stands in the chart; else the page says in words where it is."""
    values = _values(chart)
    if chart.threshold is None or not values:
        return False
    wanted = chart.threshold * chart.scale
    top, bottom = max(values), min(values)
    if chart.floor is None or chart.ceiling is not None:
        return bottom - (top - bottom) - chart.least_range <= wanted <= top + (top - bottom) + chart.least_range
    return wanted <= max(top, 1e-9) * _THRESHOLD_WITHIN


def _range_of(chart: Chart) -> tuple[float, float]:
    values = _values(chart) or [0.0, 1.0]
    if shows_threshold(chart):
        values.append((chart.threshold or 0.0) * chart.scale)
    low, high = min(values), max(values)
    if chart.ceiling is not None and high <= chart.ceiling:
        # Shares: the top is fixed, and the bottom shows what is missing from it.
        bottom = min(low, chart.ceiling - chart.least_range)
        room = 0.05 * (chart.ceiling - bottom)
        return max(bottom - room, -room), chart.ceiling + room
    if chart.floor is None:
        short = chart.least_range - (high - low)
        if short > 0:
            low, high = low - short / 2, high + short / 2
        room = 0.08 * max(high - low, 1e-9)
        return max(low - room, 0.0) if low >= 0 else low - room, high + room
    if _is_log(chart, values):
        positive = [value for value in values if value > 0]
        return min(positive) * 0.8, high * 1.3
    return chart.floor, max(high, chart.floor + max(chart.least_range, 1e-9)) * 1.08


def _is_log(chart: Chart, values: Sequence[float]) -> bool:
    positive = [value for value in values if value > 0]
    return chart.may_be_log and len(positive) > 1 and max(positive) / min(positive) > _LOG_FROM


def frame(ax: Axes, axis: Axis) -> None:
    """The axis of time, and nothing around the chart."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.patch.set_visible(False)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(COLOURS["rule"])
    ax.set_xlim(axis.from_s / axis.per, axis.to_s / axis.per)
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 3, 4, 5, 6, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _at: number(value)))
    ax.tick_params(axis="x", color=COLOURS["rule"], labelcolor=COLOURS["muted"], length=3, pad=3)
    ax.tick_params(axis="y", length=0, labelcolor=COLOURS["muted"], pad=4)
    ax.set_xlabel(f"{axis.unit} since the start", color=COLOURS["muted"], labelpad=2)


def _vertical(ax: Axes, chart: Chart, low: float, high: float) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

    if chart.floor is not None and _is_log(chart, _values(chart)):
        ax.set_yscale("log")
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        steps = [m * 10.0**e for e in range(first, last + 1) for m in ((1, 3) if last - first < 3 else (1,))]
        ax.yaxis.set_major_locator(FixedLocator([step for step in steps if low <= step <= high]))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_formatter(NullFormatter())
    else:
        ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _at: number(value)))
    ax.grid(axis="y", color=COLOURS["rule"], linewidth=0.7)
    ax.set_axisbelow(True)
    ax.set_ylim(low, high)


def draw_marks(ax: Axes, axis: Axis, marks: Marks) -> None:
    """Gaps, the change and the checkpoints behind the lines, named above them where there is room."""
    for from_s, to_s in marks.gaps:
        ax.axvspan(from_s / axis.per, to_s / axis.per, color=COLOURS["warn"], alpha=0.2, linewidth=0)
    labels = [(at_s, one_line(label)[:20]) for at_s, label in marks.checkpoints]
    for at_s, _label in labels:
        ax.axvline(at_s / axis.per, color=COLOURS["muted"], linewidth=0.7, dashes=(1.5, 2.5))
    if marks.changing:
        from_s, to_s = marks.changing
        ax.axvspan(from_s / axis.per, to_s / axis.per, color=COLOURS["soak"], alpha=0.3, linewidth=0)
        ax.axvline(from_s / axis.per, color=COLOURS["muted"], linewidth=1.0)
        # First, so that it has its place whatever the checkpoints need.
        labels.insert(0, (from_s, "change"))
    taken: list[tuple[float, float]] = []
    for at_s, label in labels:
        share = (at_s - axis.from_s) / max(axis.to_s - axis.from_s, 1e-9)
        # A checkpoint is recorded a little after its last bucket.
        share = 1.0 if 1.0 < share < 1.03 else share
        room = 0.018 * len(label) + 0.015
        left = min(max(share - room / 2, 0.0), 1.0 - room)
        if not 0.0 <= share <= 1.0 or any(left < end and start < left + room for start, end in taken):
            continue
        taken.append((left, left + room))
        ax.text(left + room / 2, 1.03, label, transform=ax.transAxes, ha="center", va="bottom", color=COLOURS["muted"])


def _draw_line(ax: Axes, chart: Chart, line: Line, axis: Axis) -> None:
    colour = COLOURS[line.colour]
    course = line.course
    if line.band and course.low:
        xs, low = joined(chart.times, course.low)
        _xs, high = joined(chart.times, course.high)
        ax.fill_between(
            [x / axis.per for x in xs], [y * chart.scale for y in low], [y * chart.scale for y in high],
            color=colour, alpha=0.15, linewidth=0,
        )  # fmt: skip
    draw_course(ax, [time / axis.per for time in chart.times], course.values, chart.scale, colour, line, chart.counts)


def draw_course(
    ax: Axes, times: Sequence[float], values: Sequence[float | None], scale: float, colour: str, line: Line, steps: bool
) -> None:
    """A line that breaks where nothing was measured; where that is most of the time, dots on a thin line."""
    xs, ys = joined(times, values)
    # Steps are too short for dashes.
    style: dict[str, Any] = {"dashes": (5, 2)} if line.dashed and not steps else {}
    width = 1.1 if line.faint else 1.9
    if is_scattered(ys):
        known = [(x, y) for x, y in zip(xs, ys, strict=True) if not math.isnan(y)]
        xs, ys = [x for x, _y in known], [y for _x, y in known]
        ax.plot(xs, [y * scale for y in ys], linestyle="none", marker="o", markersize=1.6 + width, color=colour)
        width, style = 0.7, {"dashes": (2, 2)}
    ax.plot(
        xs,
        [y * scale for y in ys],
        color=colour,
        linewidth=width,
        drawstyle="steps-mid" if steps else "default",
        **style,
    )


def is_scattered(ys: Sequence[float]) -> bool:
    """Whether the pieces of a joined course are too short to be lines."""
    known = sum(not math.isnan(y) for y in ys)
    pieces = len(ys) - known + 1
    return known > 0 and known / pieces < 6


def joined(times: Sequence[float], values: Sequence[float | None]) -> tuple[list[float], list[float]]:
    """The known points of a course, with a break (nan) where more is missing than usual: nothing is drawn over a gap.

    Gauges are read every few columns, so their points are joined over the columns between two reads.
    """
    known = [(time, value) for time, value in zip(times, values, strict=True) if value is not None]
    steps = [after[0] - before[0] for before, after in pairwise(known)]
    usual = median(steps) if steps else 0.0
    xs: list[float] = []
    ys: list[float] = []
    for time, value in known:
        if xs and time - xs[-1] > 2.5 * usual:
            xs.append((time + xs[-1]) / 2)
            ys.append(math.nan)
        xs.append(time)
        ys.append(value)
    return xs, ys
