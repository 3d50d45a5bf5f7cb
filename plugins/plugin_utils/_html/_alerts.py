# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts of a rollout for its report: each once, with when it opened and closed and how often it was told again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts import history
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record

CRITICAL = "critical"


@dataclass
class Alert:
    """One alert. `closed_at` is None for one that is open, or whose ledger does not say when it was over."""

    name: str
    severity: str
    text: str
    opened_at: datetime
    last_at: datetime
    closed_at: datetime | None = None
    closed_why: str = ""
    updates: int = 0
    resent: int = 0
    action: str = ""
    instances: list[str] = field(default_factory=list)
    # Older ledgers say that an alert was raised, and never that it is over.
    ends_known: bool = True

    @property
    def open(self) -> bool:
        return self.ends_known and self.closed_at is None

    @property
    def critical(self) -> bool:
        return self.severity.lower() == CRITICAL


def alerts_of(records: Sequence[Record]) -> list[Alert]:
    """All alerts of an attempt's records, in the order in which they opened."""
    last = records[-1].moment if records else None
    found = [
        Alert(
            name=told.id,
            severity=told.severity,
            text=told.text,
            opened_at=told.opened_at,
            last_at=told.closed_at or last or told.opened_at,
            closed_at=told.closed_at,
            closed_why=told.closed_why,
            updates=told.updates,
            resent=told.resends,
            action=told.action,
            instances=told.instances,
        )
        for told in history(records)
    ]
    return sorted(found + _raised(records), key=lambda alert: alert.opened_at)


def _raised(records: Sequence[Record]) -> list[Alert]:
    """Of ledgers that only say what was raised at each look: the same rule again is the same alert."""
    known: dict[tuple[str, str], Alert] = {}
    for record in records:
        if record.kind != "alert.raised":
            continue
        for raised in record.data.get("alerts", []):
            _add_raised(known, record.moment, raised)
    return list(known.values())


def _add_raised(known: dict[tuple[str, str], Alert], moment: datetime, raised: dict[str, Any]) -> None:
    text, severity = str(raised.get("text", "")), str(raised.get("severity", "warning"))
    # The text begins with the metric; the values behind it change from look to look.
    name = text.split(" ", 1)[0]
    alert = known.get((severity, name))
    if alert is None:
        known[severity, name] = Alert(name, severity, text, moment, moment, ends_known=False)
    else:
        alert.updates += 1
        alert.last_at, alert.text = moment, text
