# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in time: microseconds since the epoch inside, ISO 8601 in UTC with offset outside."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Optional

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s*(Z|[+-]\d\d:?\d\d)?\Z", re.IGNORECASE
)
_NUMBER = re.compile(r"@?(\d{1,12})(?:\.(\d{1,9}))?\Z")


def iso(us: Optional[int]) -> Optional[str]:
    """``2026-01-23T23:12:10.067668+00:00`` for microseconds since the epoch; ``None`` stays ``None``."""
    if us is None:
        return None
    return (_EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds")


def parse(text: str) -> int:
    """Microseconds since the epoch of an ISO time (no offset means UTC) or of epoch seconds; ValueError otherwise."""
    stripped = text.strip()
    number = _NUMBER.match(stripped)
    if number:
        return int(number.group(1)) * 1000000 + int((number.group(2) or "0").ljust(6, "0")[:6])
    match = _ISO.match(stripped)
    if not match:
        raise ValueError(
            "'{0}' is no point in time; expected ISO 8601 such as 2026-01-23T23:12:10+00:00, or epoch seconds".format(
                text
            )
        )
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    micros = int((match.group(7) or "0").ljust(6, "0")[:6])
    at = datetime(year, month, day, hour, minute, min(second, 59), micros, tzinfo=timezone.utc)
    us = (at - _EPOCH) // timedelta(microseconds=1)
    offset = match.group(8)
    if offset and offset.upper() != "Z":
        minutes = int(offset[1:3]) * 60 + int(offset[-2:])
        us -= (minutes if offset[0] == "+" else -minutes) * 60000000
    return us
