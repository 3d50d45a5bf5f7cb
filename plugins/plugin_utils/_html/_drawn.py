# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report draws, as data: made without matplotlib, drawn by the `_draw_*` files, told in words by the page.

All times are real seconds since the rollout's start.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._fold import Course


@dataclass(frozen=True)
class Axis:
    """The time that all charts share. `per` is the seconds of one `unit`, the unit that it is written in."""

    from_s: float
    to_s: float
    per: float
    unit: str

    @classmethod
    def over(cls, from_s: float, to_s: float) -> Axis:
        """From..to in the unit that gives the fewest digits."""
        length = max(to_s - from_s, 1e-6)
        for per, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds")):
            if length >= 3 * per:
                return cls(from_s, to_s, per, unit)
        return cls(from_s, from_s + length, 1.0, "seconds")


@dataclass(frozen=True)
class Marks:
    """What happened, drawn behind every chart: first and last change, checkpoints by name, stretches without data."""

    changing: tuple[float, float] | None = None
    checkpoints: tuple[tuple[float, str], ...] = ()
    gaps: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Line:
    """One course of a chart. `colour` is a word of the palette; `faint` is drawn thinner (p50 beside p99)."""

    label: str
    course: Course
    colour: str
    dashed: bool = False
    faint: bool = False
    band: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart over time. `scale` turns the base unit of its courses into that of its axis (seconds into ms: 1000).

    `threshold` in the base unit; `floor`/`ceiling` in the axis' unit where the axis has an end of its own;
    `least_range`: no smaller range is drawn, so that noise does not look like a course.
    """

    name: str
    title: str
    unit: str
    metric_unit: str
    lines: tuple[Line, ...]
    times: list[float]
    scale: float = 1.0
    threshold: float | None = None
    threshold_text: str = ""
    floor: float | None = 0.0
    ceiling: float | None = None
    least_range: float = 0.0
    may_be_log: bool = False
    # Counts of a column are drawn as steps and told per hour; anything else has a median.
    counts: bool = False
    note: str = ""


@dataclass(frozen=True)
class Span:
    """A bar of the timeline."""

    from_s: float
    to_s: float
    colour: str
    hatched: bool = False


@dataclass(frozen=True)
class Point:
    """A mark of the timeline. `shape`: `go`, `hold`, `stop`, `missed`, `tick`, `gap` or `reset`."""

    at_s: float
    shape: str
    label: str = ""


@dataclass(frozen=True)
class Lane:
    """One row of the timeline."""

    label: str
    spans: tuple[Span, ...] = ()
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Sparkline:
    """The course of one criterion; `threshold` in the same unit. `dots` where there are but few values."""

    name: str
    title: str
    times: list[float]
    values: list[float | None]
    threshold: float | None
    failed: bool
    dots: bool = False
    description: str = ""
