# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time as data: stored times are UTC ISO 8601 with offset, and the clock is handed to whoever needs it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


def iso(moment: datetime) -> str:
    """The stored form of a moment: `2026-01-23T23:12:10.067668+00:00`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse_iso(text: str) -> datetime:
    """The moment of a stored time; ValueError when it has no offset, since a time without one is a guess."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"time {text!r} has no UTC offset")
    return moment.astimezone(UTC)


def short(moment: datetime | None) -> str:
    """For people: to the second, in UTC; `-` for none."""
    if moment is None:
        return "-"
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def plus(moment: datetime, seconds: float) -> datetime:
    """`moment` moved by a number of seconds."""
    return moment + timedelta(seconds=seconds)


def duration_text(seconds: float) -> str:
    """`2h`, `1h30m`, `45s`, `250ms`: the form that plans use."""
    if seconds < 0:
        return "-" + duration_text(-seconds)
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    rest = round(seconds)
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


class SystemClock:
    """The real clock. Logic takes a clock as an argument; only action plugins make this one."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)
