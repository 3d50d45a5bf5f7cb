# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the timeline from the ledger, and what it shows in words for those who can't see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._alerts import Alert
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._drawn import Lane, Point, Span
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._fold import Fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState

# More rows than these make a picture that nobody reads; the tables below it have all.
MOST_PHASES = 8
MOST_ALERTS = 6
_SHAPE = {"go": "go", "hold": "hold", "no_go": "stop", "rollback": "stop"}


def lanes_of(state: RolloutState, records: Sequence[Record], alerts: Sequence[Alert], fold: Fold | None) -> list[Lane]:
    """Rows from top to bottom; times in seconds since the start of the attempt."""
    if not records or state.started_at is None:
        return []
    origin = state.started_at

    def since(moment: datetime) -> float:
        return (moment - origin).total_seconds()

    end = since(records[-1].moment)
    lanes = _phases(state, records, since, end)
    gates, looks = _gates(records, since), _looks(records, since)
    if gates:
        lanes.append(Lane("gates, checkpoints", (), tuple(gates)))
    if looks:
        lanes.append(Lane("looks in between", (), tuple(looks)))
    if fold:
        asked = tuple(
            Span(since(fold.moment(first)), since(fold.moment(after)), "asked") for first, after in _close(fold)
        )
        lanes.append(Lane("requests sent", asked))
    gaps = gap_spans(records, fold, since)
    if gaps:
        lanes.append(Lane("not seen", tuple(Span(a, b, "warn", hatched=True) for a, b in gaps)))
    asked_people = _approvals(records, since, end)
    if asked_people:
        lanes.append(Lane("waits for a person", tuple(asked_people)))
    rolled = _rollback(records, since)
    if rolled:
        lanes.append(Lane("rollback", tuple(rolled)))
    return lanes + _alerts(alerts, since, end)


def _phases(
    state: RolloutState, records: Sequence[Record], since: Callable[[datetime], float], end: float
) -> list[Lane]:
    lanes = []
    for phase in list(state.phases.values())[:MOST_PHASES]:
        begun = [r.moment for r in records if r.kind == "batch.started" and r.data.get("phase") == phase.name]
        done = [r.moment for r in records if r.kind == "batch.done" and r.data.get("phase") == phase.name]
        spans: list[Span] = []
        if begun:
            spans.append(Span(since(min(begun)), since(max(done)) if done else end, "test"))
        if phase.soak_from:
            first = min([phase.soak_from, *([phase.verified_at] if phase.verified_at else [])])
            until = since(phase.soaked_at) if phase.soaked_at else None
            if until is not None:
                spans.append(Span(since(first), until, "soak"))
        resets = [
            Point(since(r.moment), "reset", "soak anew")
            for r in records
            if r.kind == "soak.reset" and r.data.get("phase") == phase.name
        ]
        lanes.append(Lane(f"phase {phase.name}", tuple(spans), tuple(resets)))
    left = len(state.phases) - MOST_PHASES
    if left > 0:
        lanes.append(Lane(f"{left} more phases (see the list)"))
    return lanes


def _gates(records: Iterable[Record], since: Callable[[datetime], float]) -> list[Point]:
    points = []
    for record in records:
        if record.kind == "gate.decided":
            shape = _SHAPE.get(record.data["decision"], "hold")
            name = str(record.data.get("name", ""))
            # Names of looks are times, which the axis has.
            shown = "" if record.data.get("gate") == "look" else name
            points.append(Point(since(record.moment), shape, shown))
        elif record.kind == "checkpoint.missed":
            points.append(Point(since(record.moment), "missed", f"{record.data['name']} missed"))
    return points


def _looks(records: Iterable[Record], since: Callable[[datetime], float]) -> list[Point]:
    return [
        Point(since(record.moment), "gap" if record.data.get("gaps") else "tick")
        for record in records
        if record.kind == "look.taken"
    ]


def _close(fold: Fold) -> list[tuple[int, int]]:
    """Stretches with requests; what is closer together than a point of the picture is one."""
    least = max(1, fold.buckets // 500)
    joined: list[tuple[int, int]] = []
    for first, after in fold.asked_spans():
        if joined and first - joined[-1][1] < least:
            joined[-1] = (joined[-1][0], after)
        else:
            joined.append((first, after))
    return joined


def gap_spans(
    records: Iterable[Record], fold: Fold | None, since: Callable[[datetime], float]
) -> list[tuple[float, float]]:
    """Stretches in which something was not seen, in seconds, put together where they overlap."""
    spans: list[tuple[float, float]] = []
    if fold:
        for gap in fold.series.get("gaps") or []:
            spans.append((since(fold.moment(gap["from"])), since(fold.moment(gap["to"]))))
    before: float | None = None
    for record in records:
        if record.kind != "look.taken":
            continue
        at = since(record.moment)
        # Without series nobody knows since when: it is what lies between this look and the one before.
        if record.data.get("gaps") and not fold:
            spans.append((before if before is not None else at, at))
        before = at
    merged: list[tuple[float, float]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _approvals(records: Iterable[Record], since: Callable[[datetime], float], end: float) -> list[Span]:
    spans: list[Span] = []
    asked: dict[str, float] = {}
    for record in records:
        name = str(record.data.get("approval", ""))
        if record.kind == "approval.requested":
            asked[name] = since(record.moment)
        elif record.kind in ("approval.given", "approval.expired") and name in asked:
            spans.append(Span(asked.pop(name), since(record.moment), "asked"))
    return spans + [Span(from_s, end, "asked") for from_s in asked.values()]


def _rollback(records: Iterable[Record], since: Callable[[datetime], float]) -> list[Span]:
    spans: list[Span] = []
    begun: datetime | None = None
    for record in records:
        if record.kind == "rollback.started":
            begun = record.moment
        elif record.kind == "rollback.done":
            spans.append(Span(since(begun or record.moment), since(record.moment), "bad"))
            begun = None
    if begun:
        spans.append(Span(since(begun), since(begun), "bad"))
    return spans


def _alerts(alerts: Sequence[Alert], since: Callable[[datetime], float], end: float) -> list[Lane]:
    by_name: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_name.setdefault(alert.name, []).append(alert)
    # The critical ones first, so that they are never among those that are left out.
    ranked = sorted(by_name.items(), key=lambda item: not any(alert.critical for alert in item[1]))
    lanes = []
    for name, those in ranked[:MOST_ALERTS]:
        spans = []
        for alert in those:
            until = alert.closed_at or (None if alert.open else alert.last_at)
            spans.append(
                Span(since(alert.opened_at), since(until) if until else end, "bad" if alert.critical else "warn")
            )
        lanes.append(Lane(f"alert {name}", tuple(spans)))
    if len(ranked) > MOST_ALERTS:
        lanes.append(Lane(f"{len(ranked) - MOST_ALERTS} more alerts (see below)"))
    return lanes


def changed_at(records: Iterable[Record]) -> tuple[datetime, datetime] | None:
    """First and last proof of a changed instance, from the ledger alone."""
    proofs = [
        parse_iso(known["since"])
        for record in records
        if record.kind == "batch.done"
        for known in (record.data.get("proven") or {}).values()
    ]
    return (min(proofs), max(proofs)) if proofs else None


def in_words(lanes: Sequence[Lane], shown: Callable[[float], str]) -> str:
    """What the picture says, for a screen reader: row by row, with as much as one listens to."""
    parts: list[str] = []
    for lane in lanes:
        spans = [f"{shown(span.from_s)} to {shown(span.to_s)}" for span in lane.spans[:6]]
        points = [f"{point.label or point.shape} at {shown(point.at_s)}" for point in lane.points if point.label][:12]
        plain: dict[str, Any] = {"looks": sum(point.shape in ("tick", "gap") for point in lane.points)}
        told = [*spans, *points]
        if plain["looks"]:
            told.append(f"{plain['looks']} looks")
        parts.append(f"{lane.label}: {', '.join(told) or 'nothing'}")
    return "; ".join(parts)
