# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checkpoints say besides their verdicts, as rows of tables: trends, changes since the checkpoint before, rank tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import read_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._numbers import (
    UNKNOWN,
    clock_text,
    moment_of,
    number,
    seconds_text,
    value_text,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import metric_value

MOST_ROWS = 60
_ORDER = {"degrading": 0, "unknown": 1, "improving": 2, "stable": 3}


@dataclass
class Trend:
    """One line through the values of an instance, agent or host since its change; all texts are with their unit."""

    what: str
    name: str
    role: str
    direction: str
    look: str
    now: str
    slope: str
    between: str
    lasts: str
    before: str
    anomalies: list[str]


@dataclass
class Trends:
    """Of one checkpoint. `moving`: everything that is not stable; `why`: why there are none."""

    moving: list[Trend]
    stable: list[Trend]
    left_out: int
    why: str
    against: str
    deltas: list[dict[str, str]]


@dataclass
class Beside:
    """comparison.json: figures of test and control, and rank tests of their series."""

    figures: list[dict[str, str]]
    ranks: list[dict[str, str]]


def newest(monitoring: Path, judged: list[dict[str, Any]], file: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """A file of the newest gate that has one: (the gate, content). Files that can't be read are passed over."""
    for gate in reversed(judged):
        try:
            found = read_json((monitoring / str(gate["evidence"])).with_name(file))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            return gate, found
    return None


def trends_of(document: dict[str, Any]) -> Trends:
    """Rows of trends.json, what gets worse first and test before control."""
    rows = [_trend(row) for row in document.get("rows") or [] if isinstance(row, dict)]
    rows.sort(key=lambda row: (_ORDER.get(row.direction, 1), row.role == "control", row.what, row.name))
    moving = [row for row in rows if row.direction != "stable"]
    stable = [row for row in rows if row.direction == "stable"]
    metrics = document.get("metrics") or {}
    return Trends(
        moving=moving[:MOST_ROWS],
        stable=stable[:MOST_ROWS],
        left_out=max(0, len(moving) - MOST_ROWS) + max(0, len(stable) - MOST_ROWS),
        why=str(document.get("why") or ""),
        against=str(metrics.get("against") or ""),
        deltas=[_delta(name, row) for name, row in (metrics.get("rows") or {}).items()]
        if metrics.get("against")
        else [],
    )


def _trend(row: dict[str, Any]) -> Trend:
    unit, direction = str(row.get("unit", "number")), str(row.get("direction", "unknown"))
    low, high = row.get("low"), row.get("high")
    lasts, least = row.get("lasts_s"), row.get("lasts_at_least_s")
    lasting = UNKNOWN
    if lasts is not None or least is not None:
        lasting = seconds_text(lasts) if lasts is not None else "long"
        lasting += f", at least {seconds_text(least)}" if least is not None else ""
    # Of control nothing is the change's.
    ours = row.get("role") != "control"
    return Trend(
        what=str(row.get("what", "")),
        name=str(row.get("name", "")),
        role=str(row.get("role", "")),
        direction=direction,
        look={"degrading": "bad" if ours else "warn", "stable": "good", "improving": "good"}.get(direction, "warn"),
        now=value_text(row.get("now"), unit),
        slope=_signed(row.get("slope_per_h"), unit),
        between=f"{_signed(low, unit)} to {_signed(high, unit)}" if low is not None and high is not None else UNKNOWN,
        lasts=lasting,
        before=str((row.get("before") or {}).get("direction") or UNKNOWN),
        anomalies=[
            f"{value_text(each.get('value'), unit)} at {clock_text(moment_of(each.get('at')))}"
            for each in row.get("anomalies") or []
        ],
    )


def _signed(value: float | None, unit: str) -> str:
    return ("+" if value is not None and value > 0 else "") + value_text(value, unit)


def _delta(name: str, row: dict[str, Any]) -> dict[str, str]:
    unit, direction = str(row.get("unit", "number")), str(row.get("direction", "unknown"))
    return {
        "metric": f"{name} (informs)" if row.get("informs") else name,
        "before": metric_value(name, row.get("before"), unit, value_text),
        "now": metric_value(name, row.get("now"), unit, value_text),
        "change": _signed(row.get("change_pct"), "percent"),
        "direction": direction,
        "look": {"degrading": "warn", "stable": "good", "improving": "good"}.get(direction, "warn"),
    }


def beside_of(document: dict[str, Any]) -> Beside:
    """Rows of comparison.json."""
    figures = []
    for name, row in (document.get("metrics") or {}).items():
        if (
            not isinstance(row, dict)
            or not isinstance(row.get("test"), dict)
            or not isinstance(row.get("control"), dict)
        ):
            continue
        unit = str(row.get("unit", "number"))
        figures.append(
            {
                "metric": str(name),
                "test": value_text(row["test"].get("value"), unit),
                "control": value_text(row["control"].get("value"), unit),
                "difference": _signed(row.get("difference_pct"), "percent"),
            }
        )
    ranks = []
    for row in document.get("rank_tests") or []:
        ranks.append(
            {
                "series": str(row.get("series", "")),
                "name": str(row.get("name", "")),
                "test": number(row.get("n_test")),
                "control": number(row.get("n_control")),
                "shift": _signed(row.get("shift_pct"), "percent"),
                "delta": number(row.get("cliffs_delta"), 2),
                "p": _probability(row.get("p")),
                "reason": str(row.get("reason") or ""),
            }
        )
    return Beside(figures, ranks)


def _probability(p: float | None) -> str:
    return UNKNOWN if p is None else "< 0.0001" if p < 0.0001 else number(p, 2)
