# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the timeline: a row for each phase, the gates, the looks, what was asked, the gaps and the alerts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._draw_chart import frame
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._drawn import Axis, Lane, Point, Span
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._pen import COLOURS, Pen
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._svg import inline
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# (marker, colour, size): shape and colour say the same, so that neither is needed alone.
_SHAPES = {
    "go": ("o", "good", 7.0),
    "hold": ("s", "warn", 7.0),
    "stop": ("X", "bad", 9.0),
    "missed": ("D", "muted", 6.0),
    "reset": ("<", "warn", 6.0),
}


def draw_timeline(pen: Pen, lanes: Sequence[Lane], axis: Axis, *, wide: bool, description: str) -> str:
    """The timeline as an `<svg>` element; `wide` for screens and paper, else for a phone (labels above their rows)."""
    width, row = (1000.0, 30.0) if wide else (360.0, 42.0)
    left, right, top, bottom = (150.0, 12.0, 6.0, 36.0) if wide else (8.0, 8.0, 4.0, 36.0)
    height = top + bottom + row * len(lanes)
    with pen.settings():
        figure = pen.figure(width, height)
        ax = figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height))
        frame(ax, axis)
        ax.set_ylim(len(lanes), 0)
        ax.set_yticks([])
        inner = width - left - right
        for index, lane in enumerate(lanes):
            # On a phone the label has the upper part of the row for itself.
            middle, half = (index + 0.5, 0.26) if wide else (index + 0.66, 0.2)
            ax.axhline(index, color=COLOURS["rule"], linewidth=0.6)
            if wide:
                ax.text(-8 / inner, middle, _cut(one_line(lane.label), 24), transform=ax.get_yaxis_transform(), ha="right", va="center",
                        color=COLOURS["ink"])  # fmt: skip
            else:
                ax.text(0.0, index + 0.24, _cut(one_line(lane.label), 48), transform=ax.get_yaxis_transform(), ha="left", va="center",
                        color=COLOURS["muted"])  # fmt: skip
            _spans(ax, axis, lane.spans, middle, half, inner)
            _points(ax, axis, lane.points, middle, half, inner)
        name = "timeline-wide" if wide else "timeline-narrow"
        return inline(pen.svg(figure), name, "Timeline of the rollout", description, kind=f"timeline {name}")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _spans(ax: Axes, axis: Axis, spans: Sequence[Span], middle: float, half: float, inner: float) -> None:
    # Two minutes of a day are a sixth of a point: nothing that happened may be too thin to be seen.
    thinnest = 2.5 / inner * (axis.to_s - axis.from_s)
    by_look: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    for span in spans:
        length = max(span.to_s - span.from_s, thinnest)
        first = min(span.from_s, axis.to_s - length)
        by_look.setdefault((span.colour, span.hatched), []).append((first / axis.per, length / axis.per))
    for (colour, hatched), ranges in by_look.items():
        style: dict[str, Any] = (
            {"facecolor": "none", "edgecolor": COLOURS[colour], "hatch": "////", "linewidth": 1.0}
            if hatched
            else {"facecolor": COLOURS[colour], "edgecolor": "none", "linewidth": 0.0}
        )
        ax.broken_barh(ranges, (middle - half, 2 * half), **style)


def _points(ax: Axes, axis: Axis, points: Sequence[Point], middle: float, half: float, inner: float) -> None:
    for shape, colour in (("tick", "muted"), ("gap", "warn")):
        xs: list[float] = []
        ys: list[float] = []
        for point in points:
            if point.shape == shape:
                # One path with breaks: hundreds of looks are then as cheap as one line.
                xs += [point.at_s / axis.per] * 2 + [math.nan]
                ys += [middle - half, middle + half, math.nan]
        if xs:
            ax.plot(xs, ys, color=COLOURS[colour], linewidth=0.9 if shape == "tick" else 2.0, solid_capstyle="butt")
    for shape, (marker, colour, size) in _SHAPES.items():
        xs = [point.at_s / axis.per for point in points if point.shape == shape]
        if xs:
            ax.plot(
                xs, [middle] * len(xs), linestyle="none", marker=marker, markersize=size, color=COLOURS[colour],
                markeredgecolor=COLOURS["page"], markeredgewidth=0.8, clip_on=False,
            )  # fmt: skip
    _labels(ax, axis, points, middle, inner)


def _labels(ax: Axes, axis: Axis, points: Sequence[Point], middle: float, inner: float) -> None:
    """Names to the right of their marks (to the left at the end), where they run into nothing."""
    length = max(axis.to_s - axis.from_s, 1e-9)
    shares = [(point.at_s - axis.from_s) / length for point in points if point.shape in _SHAPES]
    taken: list[tuple[float, float]] = []
    for point in points:
        if not point.label or point.shape not in _SHAPES:
            continue
        label = _cut(one_line(point.label), 30)
        share = (point.at_s - axis.from_s) / length
        room = (7.2 * len(label) + 14.0) / inner
        start = share + 7.0 / inner if share + room <= 1.0 else share - room
        end = start + room - 7.0 / inner
        others = [other for other in shares if abs(other - share) > 1e-9]
        if any(start < other < end for other in others) or any(start < b and a < end for a, b in taken):
            continue
        taken.append((start, end))
        side = "left" if start > share else "right"
        at = start if side == "left" else share - 7.0 / inner
        ax.text(axis.from_s / axis.per + at * length / axis.per, middle, label, ha=side, va="center_baseline",
                color=COLOURS["ink"])  # fmt: skip
