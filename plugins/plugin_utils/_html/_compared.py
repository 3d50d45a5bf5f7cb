# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The charts of test against control that a series can fill, and the course of single criteria out of the same series."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._drawn import Chart, Line
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._fold import CONTROL, TEST, Course, Fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._numbers import seconds_text, value_text

MIB = 1048576.0


@dataclass(frozen=True)
class Told:
    """What a chart says, in numbers: a row per line, its median before and since the change."""

    label: str
    colour: str
    dashed: bool
    faint: bool
    before: str
    since: str


def charts_of(fold: Fold, times: list[float], thresholds: dict[str, tuple[float, str]]) -> list[Chart]:
    """Every chart for which there is at least one value. `thresholds`: of primary criteria and alerts, by metric."""
    column = seconds_text(fold.column_s)

    def wanted(metric: str) -> dict[str, Any]:
        value, text = thresholds.get(metric, (None, ""))
        return {"threshold": value, "threshold_text": text}

    made = [
        Chart(
            "latency",
            "Latency of answers",
            "ms",
            "duration",
            (
                *_pair("p99", lambda role: fold.latency(role, 0.99)),
                *_pair("p50", lambda role: fold.latency(role, 0.5), faint=True),
            ),
            times,
            scale=1000.0,
            may_be_log=True,
            note=f"All answers to the probe within {column} a point; p99 is the time that 99 of 100 answers kept.",
            **wanted("latency_p99"),
        ),
        Chart(
            "delivered",
            "Answers delivered in time",
            "%",
            "percent",
            _pair("delivered", lambda role: fold.share(role, "answered", "late", "asked")),
            times,
            ceiling=100.0,
            least_range=5.0,
            note=f"Answers that came within the timeout, of those expected to requests sent within {column}.",
            **wanted("message_delivery"),
        ),
        Chart(
            "errors",
            "Error lines",
            "lines",
            "count",
            _pair("errors", lambda role: fold.per_instance(role, "errors")),
            times,
            least_range=1.0,
            counts=True,
            note=f"Lines that agents logged as ERROR and panics, for each instance that was watched, in {column} a step.",
        ),
        Chart(
            "memory",
            "Memory",
            "MiB",
            "size",
            _pair("memory", lambda role: fold.gauge(fold.of_role(fold.instances, role), "memory"), band=True),
            times,
            scale=1 / MIB,
            floor=None,
            least_range=1.0,
            note="Median over the instances; the shade spans from the smallest to the largest.",
        ),
        Chart(
            "cpu",
            "CPU",
            "% of a core",
            "percent",
            _pair("cpu", lambda role: _times(fold.gauge(fold.of_role(fold.instances, role), "cpu"), 100.0), band=True),
            times,
            least_range=1.0,
            note="Median over the instances, between two looks at the same process; the shade spans all of them.",
        ),
        Chart(
            "unified",
            "Traffic on the unified subjects",
            "%",
            "percent",
            _pair("unified", lambda role: fold.share(role, "unified", None, "legacy", "unified")),
            times,
            least_range=10.0,
            note="Messages on the unified subjects, of all that were sampled on legacy and unified ones.",
            **wanted("unified_traffic"),
        ),
        Chart(
            "dual",
            "Responses published on both subjects",
            "%",
            "percent",
            (Line("test", fold.share(TEST, "matched", None, "published"), "test"),),
            times,
            ceiling=100.0,
            least_range=5.0,
            note="Responses of changed agents on the legacy subjects that were found on the unified ones too.",
            **wanted("dual_publish_success"),
        ),
        Chart(
            "load",
            "Load of the hosts",
            "load",
            "number",
            (Line("busiest host", fold.gauge(fold.hosts.values(), "load", max), "ink"),),
            times,
            least_range=0.5,
            note="One-minute load average of the busiest host: what happens around the agents.",
            **wanted("system_load"),
        ),
        Chart(
            "host",
            "Memory and disk of the hosts",
            "%",
            "percent",
            (
                Line("memory, fullest host", fold.gauge(fold.hosts.values(), "memory_pct", max), "ink"),
                Line("disk, fullest host", fold.gauge(fold.hosts.values(), "disk_pct", max), "muted", dashed=True),
            ),
            times,
            floor=0.0,
            least_range=100.0,
            note="In use on the fullest host.",
            **wanted("host_memory"),
        ),
    ]
    kept = []
    for chart in made:
        lines = tuple(line for line in chart.lines if line.course.known)
        if lines:
            kept.append(Chart(**{**chart.__dict__, "lines": lines}))
    return kept


def _times(course: Course, factor: float) -> Course:
    def scaled(values: list[float | None]) -> list[float | None]:
        return [None if value is None else value * factor for value in values]

    return Course(scaled(course.values), scaled(course.low), scaled(course.high))


def _pair(label: str, of: Any, *, faint: bool = False, band: bool = False) -> tuple[Line, Line]:
    """Test over control: drawn in this order, control lies below."""
    shown = "" if label in ("delivered", "errors", "memory", "cpu", "unified") else f" {label}"
    return (
        Line(f"control{shown}", of(CONTROL), "control", dashed=True, faint=faint, band=band),
        Line(f"test{shown}", of(TEST), "test", faint=faint, band=band),
    )


def told(chart: Chart, fold: Fold, earlier: Chart | None) -> list[Told]:
    """The numbers under a chart; test first. `earlier`: the same chart of the stretch before the first change."""
    rows = []
    for line in reversed(chart.lines):
        known = next((other.course for other in earlier.lines if other.label == line.label), None) if earlier else None
        before = [value for value in known.values if value is not None] if known else []
        rows.append(
            Told(
                line.label,
                line.colour,
                line.dashed,
                line.faint,
                value_text(_figure(chart, before, fold.before), chart.metric_unit),
                value_text(_figure(chart, fold.since(line.course), fold), chart.metric_unit),
            )
        )
    return rows


def _figure(chart: Chart, values: list[float], fold: Fold | None) -> float | None:
    """The middle; of counts the mean of an hour, since the stretches have different lengths."""
    if not values or fold is None:
        return None
    return 3600.0 * sum(values) / (len(values) * fold.column_s) if chart.counts else median(values)


def in_words(chart: Chart, rows: list[Told]) -> str:
    """For a screen reader: what the lines come to."""
    figure = "per hour" if chart.counts else "median"
    parts = [f"{row.label}: {figure} {row.before} before the change, {row.since} since" for row in rows]
    return f"{chart.note} {'; '.join(parts)}."


def course_of(metric: str, fold: Fold) -> Course | None:
    """The course of a metric over the columns, in the metric's own unit; None for what a series doesn't hold as such."""
    if metric in ("latency_p50", "latency_p99", "latency_p999"):
        return fold.latency(TEST, {"latency_p50": 0.5, "latency_p99": 0.99, "latency_p999": 0.999}[metric])
    if metric == "message_delivery":
        return fold.share(TEST, "answered", "late", "asked")
    if metric in ("errors", "warnings"):
        return fold.per_instance(TEST, metric)
    if metric == "unified_traffic":
        return fold.share(TEST, "unified", None, "legacy", "unified")
    if metric == "dual_publish_success":
        return fold.share(TEST, "matched", None, "published")
    hosts = {"system_load": "load", "host_memory": "memory_pct", "disk_used": "disk_pct"}
    if metric in hosts:
        return fold.gauge(fold.hosts.values(), hosts[metric], max)
    return None
