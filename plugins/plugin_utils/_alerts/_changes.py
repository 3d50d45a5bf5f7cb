# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of alerts: verdicts of a look in, records for the ledger out. Pure.

There is one alert per metric (and per what it is compared with), whichever of the plan's rules sees it: of two rules
with two severities the more severe one stands for both, and a trigger for an alert of the same severity, since it acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import FAIL, PASS, Verdict, describe
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import OpenAlert

CRITICAL, WARNING = "critical", "warning"
OPENED, UPDATED, CLOSED, RESENT = "alert.opened", "alert.updated", "alert.closed", "alert.resent"
_RANK = {WARNING: 0, CRITICAL: 1}
# How much worse or better a value must become before people are told again: less is the noise of any rate.
NEWS_FACTOR = 2.0


@dataclass(frozen=True)
class Change:
    """One record for the ledger: its kind and data."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)


def condition_of(verdict: Verdict) -> str:
    """What a rule asks, in words: equal for an alert and a trigger that ask the same."""
    return f"{verdict.metric} {verdict.text} over {verdict.over}"


def id_of(verdict: Verdict) -> str:
    """Names the alert that a rule belongs to."""
    return f"{verdict.metric} against {verdict.against}" if verdict.against else verdict.metric


def fires(verdict: Verdict) -> bool:
    """Does an alert or trigger hold? Also where its plan says that missing data counts as that."""
    return verdict.kind in ("alert", "trigger") and FAIL in (verdict.verdict, verdict.leads_to)


def answered(verdicts: Iterable[Verdict]) -> set[str]:
    """The conditions that a look could answer: a value of too few samples, say, is no answer."""
    return {condition_of(v) for v in verdicts if v.kind in ("alert", "trigger") and v.verdict in (FAIL, PASS)}


def changes(
    open_alerts: Mapping[str, OpenAlert],
    verdicts: Iterable[Verdict],
    now: datetime,
    resend_after_s: float | None,
    answered: AbstractSet[str],
    actions: Mapping[tuple[str, str], str] | None = None,
) -> list[Change]:
    """What a look changes about the alerts.

    `open_alerts`: id -> what is open; `verdicts`: alerts and triggers that hold (others are ignored); `answered`: the
    conditions (`condition_of`) that this look could answer; `resend_after_s`: seconds after which an open alert is told
    again, None for never; `actions`: (condition, severity) -> what the plan says shall be done.
    """
    holding: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if fires(verdict):
            holding.setdefault(id_of(verdict), []).append(verdict)
    made = []
    for name, group in holding.items():
        seen = _seen(name, group, actions or {})
        before = open_alerts.get(name)
        if before is None:
            made.append(Change(OPENED, seen))
            continue
        news = _news(before, seen, answered)
        if news:
            made.append(Change(UPDATED, {**seen, "changed": news, "was": before.severity}))
        elif _is_due(before, now, resend_after_s):
            made.append(Change(RESENT, {**_told(before, now), **_now(before, seen, answered)}))
    for name, before in open_alerts.items():
        if name in holding:
            continue
        if before.condition in answered:
            made.append(Change(CLOSED, {**_told(before, now), "why": "it no longer holds"}))
        elif _is_due(before, now, resend_after_s):
            # Nobody could see whether it still holds. People who were told must not take silence for the end of it.
            made.append(Change(RESENT, {**_told(before, now), "unseen": True}))
    return made


def ended(open_alerts: Mapping[str, OpenAlert], now: datetime, why: str) -> list[Change]:
    """Closes whatever is open: nobody looks any more."""
    return [Change(CLOSED, {**_told(alert, now), "why": why, "with_rollout": True}) for alert in open_alerts.values()]


def _seen(name: str, group: list[Verdict], actions: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    top = max(group, key=lambda verdict: (_RANK[_severity(verdict)], verdict.kind == "trigger"))
    severity, condition = _severity(top), condition_of(top)
    return {
        "id": name,
        "name": top.name,
        "metric": top.metric,
        "severity": severity,
        "text": describe(top),
        "instances": list(top.tripped),
        "value": top.value,
        "unit": top.unit,
        "action": actions.get((condition, severity), ""),
        "condition": condition,
    }


def _severity(verdict: Verdict) -> str:
    """A trigger takes a rollout back: nothing is more severe."""
    return verdict.severity if verdict.severity in _RANK else CRITICAL


def _news(before: OpenAlert, seen: dict[str, Any], answered: AbstractSet[str]) -> list[str]:
    """What is worth telling again, by name; nothing when the rule that opened it could not be asked and may still hold."""
    if before.condition not in answered and _RANK[seen["severity"]] < _RANK.get(before.severity, 0):
        return []
    news = []
    if seen["severity"] != before.severity:
        news.append("severity")
    if set(seen["instances"]) != set(before.instances):
        news.append("instances")
    if _far_apart(before.metric, before.value, seen["value"]):
        news.append("value")
    if before.condition in answered and before.condition != seen["condition"] and not news:
        # The rule that opened it may be over, and another one holds it open: this one must close it.
        news.append("rule")
    return news


def _now(before: OpenAlert, seen: Mapping[str, Any], answered: AbstractSet[str]) -> dict[str, Any]:
    """What an alert that is told again says of this very look: what was seen when it was told last is no news, and may be wrong."""
    if before.condition not in answered and _RANK[seen["severity"]] < _RANK.get(before.severity, 0):
        return {"unseen": True}
    return {key: seen[key] for key in ("text", "value", "unit", "instances")}


def _far_apart(metric: str, before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return before is not now
    old, new = _badness(metric, before), _badness(metric, now)
    if old * new <= 0.0:
        return old != new
    return max(old / new, new / old) >= NEWS_FACTOR


def _badness(metric: str, value: float) -> float:
    """A value that grows as things get worse: what an uptime of 99 % lacks is 1."""
    known = METRICS.get(metric)
    if known is not None and known.higher_is_better and known.unit == "percent":
        return 100.0 - value
    return value


def _is_due(alert: OpenAlert, now: datetime, resend_after_s: float | None) -> bool:
    return bool(resend_after_s) and (now - alert.told_at).total_seconds() >= float(resend_after_s or 0.0)


def _told(alert: OpenAlert, now: datetime) -> dict[str, Any]:
    """An alert as it was told last, with how long it has been open."""
    return {**alert.to_dict(), "open_s": round((now - alert.opened_at).total_seconds(), 3)}
