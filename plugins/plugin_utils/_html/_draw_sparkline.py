# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the small course beside a criterion: its values, and the threshold as a dashed line where it is near."""

from __future__ import annotations

import math

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._draw_chart import is_scattered, joined
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._drawn import Sparkline
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._pen import COLOURS, Pen
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._svg import inline

WIDTH, HEIGHT = 110.0, 26.0
# Farther away than so many times the spread of the values, a threshold would press them into one line.
_NEAR = 4.0


def draw_sparkline(pen: Pen, spark: Sparkline) -> str:
    """The sparkline as an `<svg>` element; without any words in it, its row has them."""
    with pen.settings():
        figure = pen.figure(WIDTH, HEIGHT)
        ax = figure.add_axes((0.02, 0.08, 0.96, 0.84))
        ax.set_axis_off()
        xs, ys = joined(spark.times, spark.values)
        dots = spark.dots or is_scattered(ys)
        if dots:
            pairs = [(x, y) for x, y in zip(xs, ys, strict=True) if not math.isnan(y)]
            xs, ys = [x for x, _y in pairs], [y for _x, y in pairs]
        known = [y for y in ys if not math.isnan(y)]
        low, high = min(known), max(known)
        if spark.threshold is not None and _is_near(spark.threshold, low, high):
            low, high = min(low, spark.threshold), max(high, spark.threshold)
            ax.axhline(spark.threshold, color=COLOURS["bad"], linewidth=1.0, dashes=(4, 2))
        room = 0.1 * (high - low) or max(abs(high) * 0.1, 1e-9)
        colour = COLOURS["bad" if spark.failed else "test"]
        ax.plot(
            xs, ys, color=colour, linewidth=1.3, marker="o" if dots else None, markersize=3.5 if spark.dots else 2.2
        )
        ax.set_ylim(low - room, high + room)
        span = (xs[-1] - xs[0]) or 1.0
        ax.set_xlim(xs[0] - 0.03 * span, xs[-1] + 0.03 * span)
        return inline(pen.svg(figure), f"s-{spark.name}", spark.title, spark.description, kind="spark")


def _is_near(threshold: float, low: float, high: float) -> bool:
    spread = max(high - low, abs(high) * 0.25, 1e-12)
    return low - _NEAR * spread <= threshold <= high + _NEAR * spread
