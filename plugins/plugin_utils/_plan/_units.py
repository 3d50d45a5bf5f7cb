# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations, sizes and percentages as people write them: with their unit, always."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

_SECONDS = {"d": Decimal(86400), "h": Decimal(3600), "m": Decimal(60), "s": Decimal(1), "ms": Decimal("0.001")}
_BYTES = {
    "B": 1,
    "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_PART = rf"{_NUMBER}(?:ms|s|m|h|d)"
DURATION_PATTERN = rf"^(?:{_PART})+$"
SIZE_PATTERN = rf"^{_NUMBER}(?:B|[kK]B|MB|GB|TB|KiB|MiB|GiB|TiB)$"
PERCENT_PATTERN = rf"^-?{_NUMBER}%$"


class UnitError(ValueError):
    """A value that is not written as its unit asks. `expected` and `hint` are for the person who wrote it."""

    def __init__(self, expected: str, hint: str) -> None:
        self.expected = expected
        self.hint = hint
        super().__init__(f"expected {expected}; {hint}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: object) -> str:
    """A number for an example in a hint; numbers that make no example become 30."""
    return str(value) if isinstance(value, int) and 0 < value < 10**6 else "30"


def parse_duration(value: object) -> float:
    """Seconds of `100ms`, `30s`, `10m`, `2h`, `1d` or `1h30m`. Raises UnitError."""
    expected = "a duration such as 30s, 10m or 2h"
    if _is_number(value):
        raise UnitError(
            expected, f"write the unit: {_shown(value)}s is seconds, {_shown(value)}m minutes, {_shown(value)}h hours"
        )
    if not isinstance(value, str) or not re.fullmatch(DURATION_PATTERN, value):
        raise UnitError(expected, "the units are ms, s, m, h and d, written without a space, and may be joined: 1h30m")
    parts = re.findall(rf"({_NUMBER})(ms|s|m|h|d)", value)
    units = [unit for number, unit in parts]
    if units != [unit for unit in _SECONDS if unit in units]:
        raise UnitError(expected, "write each unit once, the largest first: 1h30m")
    return float(sum((Decimal(number) * _SECONDS[unit] for number, unit in parts), Decimal(0)))


def format_duration(seconds: float) -> str:
    """The shortest usual spelling, in hours at most (`24h`, not `1d`, as checkpoints are called)."""
    exact = Decimal(repr(float(seconds)))
    millis = exact * 1000
    if millis != millis.to_integral_value():
        return f"{exact:f}s"
    rest, text = int(millis), ""
    for unit, size in (("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def parse_size(value: object) -> int:
    """Bytes of `64MiB`, `1GiB` or `500MB`. Raises UnitError."""
    expected = "a size such as 64MiB or 1GiB"
    if _is_number(value):
        raise UnitError(expected, f"write the unit: {_shown(value)}MiB")
    match = re.fullmatch(rf"({_NUMBER})([A-Za-z]+)", value) if isinstance(value, str) else None
    if match is None or match.group(2) not in _BYTES:
        raise UnitError(expected, "the units are B, KiB, MiB, GiB, TiB and kB, MB, GB, TB, written without a space")
    size = Decimal(match.group(1)) * _BYTES[match.group(2)]
    if size != size.to_integral_value():
        raise UnitError(expected, "the size must come to whole bytes")
    return int(size)


def format_size(size: float) -> str:
    """The largest binary unit that divides the size, else bytes."""
    whole = int(size)
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if whole and whole % _BYTES[unit] == 0:
            return f"{whole // _BYTES[unit]}{unit}"
    return f"{whole}B"


def parse_percent(value: object) -> float:
    """The number of `99.9%`, with a sign where one is written. Raises UnitError."""
    expected = "a percentage such as 99.9%"
    if _is_number(value):
        raise UnitError(expected, f"write the unit: {value}%")
    if not isinstance(value, str) or not re.fullmatch(PERCENT_PATTERN, value):
        raise UnitError(expected, "write a number and %, without a space")
    return float(value[:-1])


def format_percent(value: float) -> str:
    return f"{format_number(value)}%"


def parse_count(value: object) -> float:
    """A whole number, not negative, bare. Raises UnitError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise UnitError("a whole number, 0 or more, without a unit", "counts are written bare, like 0 or 10")
    return float(value)


def parse_number(value: object) -> float:
    """A number, not negative, bare. Raises UnitError."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise UnitError("a number, 0 or more, without a unit", "numbers are written bare, like 1.0")
    return float(value)


def format_number(value: float) -> str:
    text = f"{Decimal(repr(float(value))):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


@dataclass(frozen=True)
class Notation:
    """How values of one unit are read and written; `json` is the JSON Schema of the written form."""

    parse: Callable[[object], float]
    write: Callable[[float], object]
    json: dict[str, object]


NOTATIONS: dict[str, Notation] = {
    "duration": Notation(
        parse_duration,
        format_duration,
        {"type": "string", "pattern": DURATION_PATTERN, "examples": ["30s", "10m", "2h"]},
    ),
    "size": Notation(
        parse_size, format_size, {"type": "string", "pattern": SIZE_PATTERN, "examples": ["64MiB", "1GiB"]}
    ),
    "percent": Notation(
        parse_percent, format_percent, {"type": "string", "pattern": PERCENT_PATTERN, "examples": ["99.9%"]}
    ),
    "count": Notation(parse_count, int, {"type": "integer", "minimum": 0}),
    "number": Notation(parse_number, _plain, {"type": "number", "minimum": 0}),
}
