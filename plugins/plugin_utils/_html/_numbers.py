# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as the report shows them: with their unit, rounded to what can be read, thousands apart."""

from __future__ import annotations

import re
from datetime import datetime

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, parse_iso

# Stands for what is not known: an en dash.
UNKNOWN = "\u2013"
# What the judge writes for "from nothing to something": no figure that would mean anything to a reader.
UNBOUNDED_PERCENT = 1e9
# Times beyond this (seconds) only say that there is no end in sight.
ENDLESS_S = 10 * 365 * 86400.0
# A plan's words for units, in the base unit of the metric (seconds, bytes, percent points).
_UNITS = {
    "%": 1.0,
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "B": 1.0,
    "KiB": 1024.0,
    "MiB": 1048576.0,
    "GiB": 1073741824.0,
}
_WANTED = re.compile(
    r"(?:above|below|equals|at least|at most)\s+(-?\d+(?:\.\d+)?)\s*(%|ms|s|m|h|d|KiB|MiB|GiB|B)?(?=\s|$)"
)
# Between the parts of 1d2h37m.
_PARTS = re.compile(r"([dhm])(?=\d)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def number(value: float | int | None, digits: int = 3) -> str:
    """`12 345`, `0.0042`, `17.2`: thin spaces between thousands, `digits` significant ones below 1000; `-` for None."""
    if value is None:
        return UNKNOWN
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f")
    if float(value).is_integer():
        return f"{value:.0f}".replace("-0", "0") if not value else f"{value:.0f}"
    text = f"{value:.{digits}g}"
    text = text if "e" not in text else f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def value_text(value: float | None, unit: str) -> str:
    """A metric's value with its unit: percent, duration (from seconds), size (from bytes), count or number."""
    if value is None:
        return UNKNOWN
    if unit == "percent":
        if abs(value) >= UNBOUNDED_PERCENT:
            return "from nothing"
        # Near 100 % the missing part is what matters.
        return f"{number(value, 5 if 99 < value < 100 else 3)}\u202f%"
    if unit == "duration":
        return seconds_text(value)
    if unit == "size":
        return size_text(value)
    return number(value)


def seconds_text(seconds: float | None) -> str:
    """`1.07 ms`, `2.5 s`, `4m`, `3d 2h`: as fine as its size allows."""
    if seconds is None:
        return UNKNOWN
    if abs(seconds) >= ENDLESS_S:
        return "no end in sight"
    if abs(seconds) < 1:
        return f"{number(seconds * 1000)}\u202fms"
    if abs(seconds) < 120:
        return f"{number(seconds)}\u202fs"
    # Days and hours need no seconds.
    text = duration_text(round(seconds / 60) * 60 if abs(seconds) >= 3600 else round(seconds))
    return _PARTS.sub("\\1\u202f", text)


def size_text(count: float | None) -> str:
    """`10.7 MiB`, `8 GiB`."""
    if count is None:
        return UNKNOWN
    for size, unit in ((1073741824.0, "GiB"), (1048576.0, "MiB"), (1024.0, "KiB")):
        if abs(count) >= size:
            return f"{number(count / size)}\u202f{unit}"
    return f"{number(count)}\u202fB"


def clock_text(moment: datetime | None) -> str:
    """`23 Jan 2026, 12:00:05`; the page says once that all times are UTC."""
    if moment is None:
        return UNKNOWN
    return f"{moment.day} {moment:%b %Y, %H:%M:%S}"


def moment_of(text: object) -> datetime | None:
    """The moment of a stored time; None for what is none."""
    try:
        return parse_iso(str(text))
    except ValueError:
        return None


def threshold_of(text: str) -> float | None:
    """The number in a criterion's words (`below 100ms` is 0.1), in the base unit of its metric; None when there is none."""
    found = _WANTED.search(text)
    if not found:
        return None
    return float(found[1]) * _UNITS[found[2] or "%"]


def plan_seconds(text: object) -> float | None:
    """Seconds of a duration as plans write it (`1h30m`); None for what is none."""
    parts = _DURATION.findall(str(text))
    if not parts or "".join(count + unit for count, unit in parts) != str(text):
        return None
    return sum(float(count) * _UNITS[unit] for count, unit in parts)
