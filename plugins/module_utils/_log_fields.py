# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines made of keys and values: JSON objects and logfmt."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _log_level, _log_time
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_line import Line, line

# Key, in lower case -> what its numbers mean.
_LEVEL_KEYS: Dict[str, str] = {
    **dict.fromkeys(("level", "lvl", "severity", "log.level", "log_level", "level_value", "@l", "level_name"), "level"),
    **dict.fromkeys(("levelno", "levelname"), "python"),
    **dict.fromkeys(("severitytext", "severity_text", "severitynumber", "severity_number"), "opentelemetry"),
    **dict.fromkeys(("priority", "syslog.severity", "syslog_severity"), "syslog"),
    "loglevel": "dotnet",
}
_MESSAGE_KEYS = (
    "message", "msg", "@m", "@mt", "short_message", "body", "event", "log", "text", "error", "err", "exception",
)  # fmt: skip
_TARGET_KEYS = ("target", "logger", "logger_name", "log.logger", "name", "category", "component", "module", "caller")
# Containers that loggers put their fields into.
_NESTED = ("fields", "log", "attributes", "syslog")
_CUT_LEVEL = re.compile(
    r'"(?:level|lvl|severity|levelname|log\.level|severityText|@l)"[ \t]{0,4}:[ \t]{0,4}(?:"([A-Za-z]{1,16})"|(\d{1,6}))',
    re.IGNORECASE,
)
# A value in quotes that are never closed goes on to the end.
_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]{0,127})=(?:"((?:[^"\\]|\\.)*)(?:"|\\?\Z)|(\S*))', re.DOTALL)
_BLANKS = re.compile(r"\s+")
_TOKEN = re.compile(r"\S+")
# Of a line of pairs no more is looked through.
_PAIRS_LENGTH = 4096
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class _Several(list):
    """The values of a key that stands more than once in one object."""


def _object(pairs: Sequence[Tuple[str, Any]]) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for key, value in pairs:
        if key not in found:
            found[key] = value
        elif isinstance(found[key], _Several):
            found[key].append(value)
        else:
            found[key] = _Several([found[key], value])
    return found


def _lower(found: Mapping[str, Any]) -> Dict[str, Any]:
    """The fields by name in lower case, those of the usual containers among them; the object's own win."""
    fields: Dict[str, Any] = {}
    for container, inner in found.items():
        name = container.lower()
        if name in _NESTED and isinstance(inner, dict):
            for key, value in inner.items():
                # ECS nests "log.level" as {"log": {"level": ...}}.
                fields[key.lower() if name in ("fields", "attributes") else name + "." + key.lower()] = value
    fields.update((key.lower(), value) for key, value in found.items())
    return fields


class Keys:
    """Names of the keys that hold level, message and target; ``names`` are levels of the logger's own."""

    def __init__(
        self,
        level: Sequence[str] = (),
        message: Sequence[str] = (),
        target: Sequence[str] = (),
        names: Optional[Dict[str, str]] = None,
    ) -> None:
        own = {key.lower(): _LEVEL_KEYS.get(key.lower(), "level") for key in level}
        self.level = own or _LEVEL_KEYS
        self.message = [key.lower() for key in message] or list(_MESSAGE_KEYS)
        self.target = [key.lower() for key in target] or list(_TARGET_KEYS)
        self.names = names
        self.usual = not own

    def levels(self, fields: Mapping[str, Any]) -> List[Tuple[Any, Optional[str]]]:
        """What stands under the keys of the level, with the level that it is."""
        found = []
        for key, scale in self.level.items():
            if key in fields:
                values = fields[key] if isinstance(fields[key], _Several) else [fields[key]]
                found += [(value, _log_level.of_field(value, scale, self.names)) for value in values]
        return found

    def texts(self, fields: Mapping[str, Any], whole: str) -> Tuple[str, str]:
        """``(target, message)``."""
        said = [(key, fields[key]) for key in self.message if isinstance(fields.get(key), str) and fields[key]]
        message = said[0][1] if said else whole
        for key in ("error", "err"):
            # Loggers say what failed in the message, and why in a field.
            why = fields.get(key)
            if said and said[0][0] != key and isinstance(why, str) and why and why not in message:
                message = "{0}: {1}".format(message, why)
                break
        target = next((fields[key] for key in self.target if isinstance(fields.get(key), str)), "")
        return target, message


USUAL = Keys()


def from_json(text: str, keys: Keys = USUAL, shape: str = "json", depth: int = 0) -> Optional[Line]:
    """A line that is a JSON object with a level; the worst counts where several keys hold one."""
    start = text.lstrip("\ufeff \t")
    if not start.startswith("{"):
        return None
    try:
        found = json.loads(start, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return _cut(start, keys, shape)
    fields = _lower(found)
    levels = keys.levels(fields)
    if keys.usual and not levels:
        levels = _without_a_level(fields, keys)
    level = _log_level.worst(each for _value, each in levels)
    if level is None:
        inner = fields.get("log")
        # Docker's json-file driver wraps the line as it was.
        if depth == 0 and isinstance(inner, str) and "stream" in fields:
            return from_json(inner, keys, shape, 1)
        return None
    target, message = keys.texts(fields, start)
    return line(level, message, shape, any(_log_level.is_panic(value) for value, _level in levels), target)


def _without_a_level(fields: Mapping[str, Any], keys: Keys) -> List[Tuple[Any, Optional[str]]]:
    if "@t" in fields and ("@mt" in fields or "@m" in fields):
        # Serilog's compact form leaves out the level Information.
        return [("information", "INFO")]
    letter = fields.get("s")
    if isinstance(letter, str) and "c" in fields and "msg" in fields:
        # MongoDB: F, E, W, I, D1 to D5.
        return [(letter, _log_level.of_letter(letter[:1]) if len(letter) <= 2 else None)]
    return []


def _cut(text: str, keys: Keys, shape: str) -> Optional[Line]:
    """An object that was cut, as journald does with long lines: only an error may be believed of it."""
    if not keys.usual:
        return None
    for match in _CUT_LEVEL.finditer(text):
        level = _log_level.of_field(match.group(1) or match.group(2), "level")
        if level == "ERROR":
            return line(level, text, shape)
    return None


def _pairs(text: str, start: int) -> Iterator[Tuple[str, str]]:
    """``(key, value)`` from ``start`` on, a word without a key under an empty one; each step goes on by a character."""
    position = start
    while position < len(text):
        blanks = _BLANKS.match(text, position)
        if blanks:
            position = blanks.end()
            continue
        pair = _PAIR.match(text, position)
        if pair is None:
            token = _TOKEN.match(text, position)
            yield "", token.group(0) if token else ""
            position = token.end() if token else position + 1
            continue
        value = pair.group(2)
        yield pair.group(1).lower(), pair.group(3) if value is None else _ESCAPED.sub(r"\1", value)
        position = pair.end()


def from_logfmt(text: str, keys: Keys = USUAL, shape: str = "logfmt") -> Optional[Line]:
    """A line of ``key=value`` that begins with one, after a time perhaps. Text inside of quotes is nobody's level."""
    text = text[:_PAIRS_LENGTH]
    start = len(text) - len(text.lstrip())
    stamp = _log_time.AT.match(text, start)
    if stamp:
        start = stamp.end() + len(text[stamp.end() :]) - len(text[stamp.end() :].lstrip())
    if not _PAIR.match(text, start):
        return None
    fields: Dict[str, Any] = {}
    quoted = True
    for key, value in _pairs(text, start):
        quoted = quoted and bool(key)
        if key in keys.level and key in fields:
            fields[key].append(value)
        elif key:
            fields.setdefault(key, _Several([value]) if key in keys.level else value)
    if not quoted:
        # A logger that leaves out the quotes: all but the first level may be words of the message.
        fields.update((key, _Several(fields[key][:1])) for key in keys.level if key in fields)
    levels = keys.levels(fields)
    level = _log_level.worst(each for _value, each in levels)
    if level is None:
        return None
    target, message = keys.texts(fields, text[start:])
    return line(level, message, shape, any(_log_level.is_panic(value) for value, _level in levels), target)
