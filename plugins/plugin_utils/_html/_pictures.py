# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report draws of one rollout, and what stands in its place where nothing can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html import _compared, _timeline
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._alerts import Alert
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._compared import Told
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._criteria import Criterion
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._draw_chart import draw_chart, shows_threshold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._draw_sparkline import draw_sparkline
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._draw_timeline import draw_timeline
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._drawn import Axis, Chart, Lane, Marks
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._fold import Fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._numbers import number
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._pen import MissingMatplotlib, Pen
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState
from markupsafe import Markup


@dataclass
class Picture:
    """A chart with its numbers. `svg` is empty where it could not be drawn; the numbers stand all the same."""

    chart: Chart
    rows: list[Told]
    threshold: str
    svg: Markup = field(default_factory=Markup)


@dataclass
class Pictures:
    """Everything drawn. `missing` says why there are no charts, `broken` names those that failed by a fault of ours."""

    timeline: list[Markup] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    charts: list[Picture] = field(default_factory=list)
    sparks: dict[int, Markup] = field(default_factory=dict)
    missing: str = ""
    broken: list[str] = field(default_factory=list)

    def spark(self, row: Criterion) -> Markup:
        return self.sparks.get(id(row), Markup(""))


def pictures_of(
    state: RolloutState,
    records: Sequence[Record],
    alerts: Sequence[Alert],
    fold: Fold | None,
    criteria: Sequence[Criterion],
    thresholds: dict[str, tuple[float, str]],
) -> Pictures:
    """All charts of a report. A chart that fails costs that chart and not the report."""
    made = Pictures()
    if not records or state.started_at is None:
        return made
    origin = state.started_at
    lanes = _timeline.lanes_of(state, records, alerts, fold)
    made.lanes = lanes
    length = max((records[-1].moment - origin).total_seconds(), 1.0)
    # What happened last is what a report is opened for: it must not lie on the edge.
    whole = Axis.over(-0.004 * length, 1.02 * length)
    charts = _compared.charts_of(fold, fold.middles(origin), thresholds) if fold else []
    earlier = _compared.charts_of(fold.before, [], {}) if fold and fold.before else []
    by_name = {chart.name: chart for chart in earlier}
    made.charts = [_picture(chart, fold, by_name.get(chart.name)) for chart in charts if fold]
    try:
        pen = Pen()
    except MissingMatplotlib as missing:
        made.missing = str(missing)
        return made

    def drawn(name: str, draw: Callable[..., str], *arguments: Any, **more: Any) -> Markup:
        try:
            # Our own SVG, whose texts are escaped where they are written.
            return Markup(draw(pen, *arguments, **more))
        except Exception as error:
            made.broken.append(f"{name}: {type(error).__name__}: {error}")
            return Markup("")

    words = _timeline.in_words(lanes, lambda at_s: f"{number(at_s / whole.per)} {whole.unit}")
    for wide in (True, False) if lanes else ():
        made.timeline.append(drawn("timeline", draw_timeline, lanes, whole, wide=wide, description=words))
    if fold:
        marks = _marks(state, records, fold, origin)
        first = (fold.moment(fold.first) - origin).total_seconds()
        axis = Axis.over(first, first + max(fold.buckets * fold.bucket_s, 1.0))
        for picture in made.charts:
            told = _compared.in_words(picture.chart, picture.rows)
            picture.svg = drawn(picture.chart.title, draw_chart, picture.chart, axis, marks, told)
    for row in criteria:
        if row.spark:
            made.sparks[id(row)] = drawn(f"course of {row.label}", draw_sparkline, row.spark)
    return made


def _picture(chart: Chart, fold: Fold, earlier: Chart | None) -> Picture:
    shown = ""
    if chart.threshold is not None:
        shown = chart.threshold_text
        if not shows_threshold(chart):
            shown += " (outside of the chart)"
    return Picture(chart, _compared.told(chart, fold, earlier), shown)


def _marks(state: RolloutState, records: Sequence[Record], fold: Fold, origin: datetime) -> Marks:
    def since(moment: datetime) -> float:
        return (moment - origin).total_seconds()

    changed = _timeline.changed_at(records)
    checkpoints = tuple(
        (since(point.at), name) for name, point in state.checkpoints.items() if point.at and point.status == "taken"
    )
    return Marks(
        changing=(since(changed[0]), since(changed[1])) if changed else None,
        checkpoints=checkpoints,
        gaps=tuple(_timeline.gap_spans(records, fold, since)),
    )
