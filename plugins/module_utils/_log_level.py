# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Levels of log lines: the words and numbers that loggers write for them, and which of two levels is worse."""

from __future__ import annotations

import math
import re
from typing import Any, Dict, Iterable, Optional

#: From harmless to bad. FATAL, CRITICAL, PANIC and the like are read as ERROR.
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")

_WORDS: Dict[str, str] = {}
for _level, _names in (
    ("TRACE", "trace trac trc trce finest finer verbose vrb vrbs"),
    ("DEBUG", "debug debu debg dbg dbug fine"),
    ("INFO", "info inf information informational notice success config"),
    ("WARN", "warn warning wrn wrng"),
    (
        "ERROR",
        "error err erro eror fail failure fatal fata ftl crit critical severe alert emerg emergency panic pani pnc dpanic",
    ),
):
    _WORDS.update(dict.fromkeys(_names.split(), _level))

#: Words that say that a process or a task of it ended.
PANIC_WORDS = frozenset(["panic", "pani", "pnc", "dpanic"])
#: What the log of PostgreSQL calls its normal lines; a word of plain English everywhere else.
_ONLY_IN_FIELDS = {"log": "INFO"}
_LETTERS = {
    "T": "TRACE",
    "V": "DEBUG",
    "D": "DEBUG",
    "I": "INFO",
    "N": "INFO",
    "W": "WARN",
    "E": "ERROR",
    "F": "ERROR",
    "C": "ERROR",
}
# slog writes levels between its own as INFO+2, monolog and others in brackets or padded.
_FIELD = re.compile(r"[\s\[(<]*([A-Za-z]{1,16})(?:[+-]\d{1,4})?[\s\])>]*\Z")
_NUMBER = re.compile(r"\s*(\d{1,6})(?:\.0)?\s*\Z")

# (the highest number of a level, the level); a number above all of them is no level.
_SYSLOG = ((3, "ERROR"), (4, "WARN"), (6, "INFO"), (7, "DEBUG"))
_SCALES = {
    "syslog": _SYSLOG,
    # What stands under a key that is called "level": GELF writes syslog's numbers, bunyan and pino 10 to 60, monolog 100
    # to 600, logback 5000 to 40000.
    "level": (
        *_SYSLOG,
        *((19, "TRACE"), (29, "DEBUG"), (39, "INFO"), (49, "WARN"), (99, "ERROR")),
        *((100, "DEBUG"), (250, "INFO"), (300, "WARN"), (999, "ERROR")),
        *((9999, "TRACE"), (19999, "DEBUG"), (29999, "INFO"), (39999, "WARN"), (59999, "ERROR")),
    ),
    "python": ((9, "TRACE"), (19, "DEBUG"), (29, "INFO"), (39, "WARN"), (99, "ERROR")),
    "opentelemetry": ((4, "TRACE"), (8, "DEBUG"), (12, "INFO"), (16, "WARN"), (24, "ERROR")),
    "dotnet": ((0, "TRACE"), (1, "DEBUG"), (2, "INFO"), (3, "WARN"), (5, "ERROR")),
}


def of_word(word: str) -> Optional[str]:
    """The level that a word names in any case, else ``None``."""
    return _WORDS.get(word.lower())


def of_letter(letter: str) -> Optional[str]:
    """The level that a single capital letter stands for, in shapes that write it so."""
    return _LETTERS.get(letter)


def of_priority(priority: Optional[int]) -> Optional[str]:
    """The level of a syslog severity: 0 to 3 are errors, 4 a warning, 5 and 6 information, 7 debugging."""
    return None if priority is None else of_number(priority, "syslog")


def of_number(number: float, scale: str) -> Optional[str]:
    """The level of a number on one of the scales ``syslog|level|python|opentelemetry|dotnet``."""
    if number < 0:
        return None
    return next((level for highest, level in _SCALES[scale] if number <= highest), None)


def of_field(value: Any, scale: str, names: Optional[Dict[str, str]] = None) -> Optional[str]:
    """The level of a field's value, a word or a number; ``names`` are further words and numbers, in lower case."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    if names:
        named = names.get(str(value).strip().lower())
        if named:
            return named
    if isinstance(value, str):
        number = _NUMBER.match(value)
        if number is None:
            word = _FIELD.match(value)
            found = word.group(1).lower() if word else ""
            return _ONLY_IN_FIELDS[found] if found in _ONLY_IN_FIELDS else _WORDS.get(found)
        value = int(number.group(1))
    if isinstance(value, float) and math.isnan(value):
        return None
    return of_number(value, scale)


def is_panic(value: Any) -> bool:
    """Whether a word says panic."""
    return isinstance(value, str) and value.strip().lower() in PANIC_WORDS


def worst(levels: Iterable[Optional[str]]) -> Optional[str]:
    """The worst of the levels that are known."""
    known = [level for level in levels if level]
    return max(known, key=LEVELS.index) if known else None
