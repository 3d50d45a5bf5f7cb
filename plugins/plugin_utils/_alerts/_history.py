# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All alerts of an attempt, those that are over too, for reports. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record


@dataclass
class ToldAlert:
    """One alert from its opening on; `severity` is the worst it had, `text`, `instances` and `value` the last ones told, again or as news."""

    id: str
    name: str
    metric: str
    severity: str
    text: str
    action: str
    opened_at: datetime
    instances: list[str] = field(default_factory=list)
    value: float | None = None
    unit: str = ""
    closed_at: datetime | None = None
    closed_why: str = ""
    updates: int = 0
    resends: int = 0


def history(records: Iterable[Record]) -> list[ToldAlert]:
    """The alerts that these records (of one attempt, oldest first) tell of, in the order in which they opened."""
    told: list[ToldAlert] = []
    open_alerts: dict[str, ToldAlert] = {}
    for record in records:
        data = record.data
        if record.kind == "alert.opened":
            alert = ToldAlert(
                id=data["id"],
                name=data["name"],
                metric=data["metric"],
                severity=data["severity"],
                text=data["text"],
                action=data.get("action") or "",
                opened_at=record.moment,
                instances=list(data.get("instances") or []),
                value=data.get("value"),
                unit=data.get("unit") or "",
            )
            open_alerts[alert.id] = alert
            told.append(alert)
        elif record.kind.startswith("alert.") and data.get("id") in open_alerts:
            alert = open_alerts[data["id"]]
            if record.kind == "alert.updated":
                alert.updates += 1
                alert.text, alert.instances = data["text"], list(data.get("instances") or [])
                alert.value, alert.action = data.get("value"), data.get("action") or alert.action
                alert.severity = "critical" if "critical" in (alert.severity, data["severity"]) else data["severity"]
            elif record.kind == "alert.resent":
                alert.resends += 1
                alert.text, alert.value = data.get("text") or alert.text, data.get("value", alert.value)
            elif record.kind == "alert.closed":
                alert.closed_at, alert.closed_why = record.moment, data.get("why") or ""
                del open_alerts[alert.id]
    return told
