# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of criteria: what was wanted, what came out, its course, and what stands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._compared import course_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._drawn import Sparkline
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._fold import Fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._numbers import threshold_of, value_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import metric_value, told_value
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS

MOST_NAMED = 4
_KINDS = ("primary", "secondary", "trigger", "alert")


@dataclass
class Criterion:
    """One row. `label` is the metric, or the trigger's own name; `verdict` as the judge gave it."""

    label: str
    metric: str
    meaning: str
    kind: str
    wanted: str
    value: str
    samples: int
    verdict: str
    note: str
    reasons: dict[str, str]
    leads_to: str
    outstanding: list[str] = field(default_factory=list)
    spark: Sparkline | None = None
    confirmed: bool | None = None


def criteria_of(
    gate: dict[str, Any] | None, gates: Sequence[dict[str, Any]], fold: Fold | None
) -> dict[str, list[Criterion]]:
    """By kind, in the plan's order. `gates`: all that were judged so far, oldest first, each with its `summary`."""
    rows: dict[str, list[Criterion]] = {kind: [] for kind in _KINDS}
    for number, verdict in enumerate((gate or {}).get("summary", {}).get("criteria", []) if gate else []):
        rows.setdefault(str(verdict["kind"]), []).append(_criterion(number, verdict, gates, fold))
    return rows


def _criterion(number: int, verdict: dict[str, Any], gates: Sequence[dict[str, Any]], fold: Fold | None) -> Criterion:
    metric = str(verdict["metric"])
    known = METRICS.get(metric)
    unit = str(verdict.get("unit") or (known.unit if known else "number"))
    by_unit = str(verdict.get("by_unit") or unit)
    worst = verdict.get("worst") or {}
    named = [
        f"{name} {metric_value(metric, value, by_unit, value_text)}" for name, value in list(worst.items())[:MOST_NAMED]
    ]
    if len(worst) > MOST_NAMED:
        named.append(f"{len(worst) - MOST_NAMED} more")
    failed = verdict["verdict"] == "fail"
    return Criterion(
        label=str(verdict["name"]),
        metric=metric,
        meaning=known.meaning if known else "",
        kind=str(verdict["kind"]),
        wanted=str(verdict["text"]),
        value=told_value({**verdict, "unit": unit}, value_text),
        samples=int(verdict.get("samples") or 0),
        verdict=str(verdict["verdict"]),
        note=str(verdict.get("note") or ""),
        reasons=dict(verdict.get("reasons") or {}),
        leads_to=str(verdict.get("leads_to") or ""),
        outstanding=named if failed else [],
        spark=_spark(number, verdict, gates, fold, unit),
        confirmed=verdict.get("confirmed"),
    )


def _spark(
    number: int, verdict: dict[str, Any], gates: Sequence[dict[str, Any]], fold: Fold | None, unit: str
) -> Sparkline | None:
    """From the series where it holds this very figure; else from gate to gate; None with fewer than two values."""
    threshold, failed = threshold_of(str(verdict["text"])), verdict["verdict"] == "fail"
    title = f"{verdict['name']}, {verdict['text']}"
    # A figure that is relative to something else has no course of its own in the series; a total has another one.
    plain = not verdict.get("against") and "against" not in str(verdict["text"])
    course = course_of(str(verdict["metric"]), fold) if fold and plain else None
    if fold and course and sum(value is not None for value in course.values) > 1:
        times = fold.middles(fold.start)
        return Sparkline(
            f"{verdict['kind']}-{number}",
            title,
            times,
            course.values,
            threshold,
            failed,
            description=_words(course.values, unit),
        )
    times, values = [], []
    for gate in gates:
        for other in gate["summary"].get("criteria", []):
            same = all(other.get(key) == verdict.get(key) for key in ("name", "metric", "kind", "text"))
            if same and other.get("value") is not None:
                times.append(parse_iso(gate["summary"]["at"]).timestamp())
                values.append(float(other["value"]))
                break
    if len(values) < 2 or max(abs(value) for value in values) >= 1e9:
        return None
    return Sparkline(
        f"{verdict['kind']}-{number}",
        title,
        times,
        list(values),
        threshold,
        failed,
        dots=True,
        description=_words(values, unit),
    )


def _words(values: Sequence[float | None], unit: str) -> str:
    known = [value for value in values if value is not None]
    return f"from {value_text(min(known), unit)} to {value_text(max(known), unit)}, last {value_text(known[-1], unit)}"


def thresholds_of(gates: Sequence[dict[str, Any]]) -> dict[str, tuple[float, str]]:
    """By metric the threshold that a chart shows, and its words: of a primary criterion, else an alert; never of a comparison."""
    found: dict[str, tuple[float, str]] = {}
    for kind in ("primary", "alert", "secondary"):
        for gate in reversed(gates):
            for verdict in gate["summary"].get("criteria", []):
                text = str(verdict["text"])
                if verdict["kind"] != kind or verdict.get("against") or "against" in text or verdict["metric"] in found:
                    continue
                value = threshold_of(text)
                if value is not None:
                    told = f"an alert when {text}" if kind == "alert" else f"wanted: {text}"
                    found[verdict["metric"]] = (value, told)
    return found
