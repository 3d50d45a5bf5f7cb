# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes in which loggers write their lines, each by name.

A shape reads a line or leaves it. Without a name all are tried; where two of them read different levels out of one
line, the worse counts. That happens where one logger wraps what another wrote: ``INFO {"level": "error", ...}``.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _log_fields,
    _log_head,
    _log_level,
    _log_time,
    _log_trace,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_line import Line, line

Reader = Callable[[str], Optional[Line]]

# Where a line's level stands no further out than this. The journal takes lines of any length, and takes them from anybody.
_PARSED_LENGTH = 16384
_COLOUR = re.compile(r"\x1b(?:\[[0-9;:?]{0,40}[ -/]{0,4}[@-~]|[()][A-Z0-9]|[=>78]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\))")

_UPPER = r"(TRACE|DEBUG|INFO|WARN|ERROR)"
_TRACING = re.compile(
    r"\s{0,40}(?:(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?|\d{1,10}\.\d{1,9}s|" + _log_time.STAMP + r")\s{1,4})?"
    + _UPPER + r"(?=[\s:])[ \t]{0,4}(?:ThreadId\(\d{1,9}\) )?(?:\d{1,6}: )?(.*)\Z", re.DOTALL,
)  # fmt: skip
_KLOG = re.compile(
    r"([IWEFD])(?:\d{4}|\d{8}) \d\d:\d\d:\d\d(?:\.\d{1,9})?\s{1,8}\d{1,10} ([^\]\s]{1,256}:\d{1,7})\] ?(.*)\Z",
    re.DOTALL,
)
_PYTHON = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL):([\w.$-]{1,200}):(.*)\Z", re.DOTALL)
_RUBY = re.compile(
    r"([DIWEFA]), \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})? #\d{1,10}\]\s{1,4}([A-Z]{3,7}) -- ([^:\n]{0,200}): ?(.*)\Z",
    re.DOTALL,
)
_LOGCAT = re.compile(
    r"(?:\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\s{1,6}\d{1,7}\s{1,6}\d{1,7} |)([VDIWEF])[/ ]([\w.$-]{1,100})(?:\(\s{0,5}\d{1,7}\))?: (.*)\Z",
    re.DOTALL,
)
_GLIB = re.compile(
    r"(?:\*\* )?\([^()\s]{1,100}:\d{1,10}\): (?:[\w-]{1,60}-)?(ERROR|CRITICAL|WARNING|Message|INFO|DEBUG) \*\*:(.*)\Z",
    re.DOTALL,
)
_NCCL = re.compile(r"[\w.-]{1,100}:\d{1,10}:\d{1,10} \[\d{1,4}\] NCCL (INFO|WARN|TRACE|ERROR)\b(.*)\Z", re.DOTALL)
_REDIS = re.compile(r"\d{1,10}:[XCSM] \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} ([.*#-]) (.*)\Z", re.DOTALL)
_REDIS_LEVELS = {".": "DEBUG", "-": "DEBUG", "*": "INFO", "#": "WARN"}
_PREFIX = re.compile(r"<(\d{1,3})>(?:1 )?")
_SYSLOG_WORD = re.compile(
    r"\s{0,8}(emerg|emergency|alert|crit|critical|err|error|warning|warn|notice|info|debug)\s?: ?(.*)\Z",
    re.IGNORECASE | re.DOTALL,
)
_SERILOG = re.compile(
    r"\[?" + _log_time.STAMP + r"[\])]?\s{0,3}\[?(?:\S{0,40}\s)?(VRB|DBG|INF|WRN|ERR|FTL|Verbose|Debug|Information|Warning|Error|Fatal)\][:]?\s(.*)\Z",
    re.DOTALL,
)  # fmt: skip
_ZEROLOG = re.compile(r"(?:" + _log_time.STAMP + r"|<nil>) (TRC|DBG|INF|WRN|ERR|FTL|PNC|\?\?\?)(?=\s)(.*)\Z", re.DOTALL)
_STAMPED = re.compile(r"\[?" + _log_time.STAMP + r"\]?[ \t,:-]{1,4}\[?([A-Za-z]{3,13})(?![\w=.-])(.*)\Z", re.DOTALL)


def plain(text: str) -> str:
    """A line without colours and carriage returns, as far as it is read; an object is nothing without its end."""
    shown = _COLOUR.sub("", text if text[:16].lstrip("\ufeff \t").startswith("{") else text[:_PARSED_LENGTH])
    return shown.rstrip("\r\n").replace("\r\n", "\n")


def _matched(pattern: "re.Pattern[str]", shape: str, level: int = 1, message: int = 2, target: int = 0) -> Reader:
    def read(text: str) -> Optional[Line]:
        match = pattern.match(text)
        if match is None:
            return None
        word = match.group(level)
        found = _log_level.of_word(word) if len(word) > 1 else _log_level.of_letter(word)
        if found is None:
            return None
        told = match.group(target) if target else ""
        return line(found, match.group(message), shape, _log_level.is_panic(word), told)

    return read


def _glib(text: str) -> Optional[Line]:
    match = _GLIB.match(text)
    if match is None:
        return None
    return line(_log_level.of_word(match.group(1)) or "INFO", match.group(2), "glib")


def _redis(text: str) -> Optional[Line]:
    match = _REDIS.match(text)
    return line(_REDIS_LEVELS[match.group(1)], match.group(2), "redis") if match else None


def _prefix(text: str) -> Optional[Line]:
    """The prefix of sd-daemon and of syslog where journald left it in its place."""
    match = _PREFIX.match(text)
    number = int(match.group(1)) if match else 192
    if match is None or number > 191:
        return None
    return line(str(_log_level.of_number(number % 8, "syslog")), text[match.end() :], "prefix")


def _syslog_word(text: str) -> Optional[Line]:
    match = _SYSLOG_WORD.match(text)
    return line(str(_log_level.of_word(match.group(1))), match.group(2), "syslog") if match else None


_json: Reader = _log_fields.from_json
_logfmt: Reader = _log_fields.from_logfmt
_head: Reader = _log_head.from_head
_klog = _matched(_KLOG, "klog", message=3, target=2)
_ruby = _matched(_RUBY, "ruby", level=2, message=4, target=3)
_python = _matched(_PYTHON, "python", message=3, target=2)
_OTHERS: Sequence[Reader] = (
    _klog,
    _ruby,
    _python,
    _matched(_LOGCAT, "logcat", message=3, target=2),
    _glib,
    _matched(_NCCL, "nccl"),
    _redis,
    _prefix,
    _head,
    _logfmt,
)

#: Shapes by name. Each is the readers that it stands for, the first that reads a line wins.
SHAPES: Dict[str, Tuple[Reader, ...]] = {
    "tracing": (_matched(_TRACING, "tracing"),),
    "json": (_json,),
    "pino": (_json,),
    "ecs": (_json,),
    "logfmt": (_logfmt,),
    "klog": (_klog,),
    "python": (_python, _head),
    "zerolog": (_matched(_ZEROLOG, "zerolog"), _json),
    "serilog": (_matched(_SERILOG, "serilog"), _json),
    "log4j": (_head,),
    "go": (_head, _logfmt),
    "ruby": (_ruby,),
    "nginx": (_head,),
    "apache": (_head,),
    "postgresql": (_head,),
    "elixir": (_head,),
    "monolog": (_head, _json),
    "syslog": (_prefix, _syslog_word, _head),
    "winston": (_matched(_STAMPED, "winston"), _json),
}
_FAST = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z {1,2}(TRACE|DEBUG|INFO|WARN|ERROR) ([A-Za-z_][\w:]{0,100}: [^\n]*)\Z"
)
_fast = _matched(_FAST, "tracing")


def any_shape(text: str) -> Optional[Line]:
    """The line as whatever shape reads it, the worst of them where they disagree; ``text`` as :func:`plain` gives it."""
    found = _fast(text)
    if found:
        return found
    bare = text.lstrip("\ufeff \t")
    if bare.startswith("{"):
        found = _json(bare)
        if found:
            return found
    for reader in _OTHERS:
        read = reader(bare)
        if read and (found is None or _worse(read, found)):
            found = read
    return _wrapped(found) if found else None


def _worse(one: Line, other: Line) -> bool:
    return _log_level.worst([one.level, other.level]) != other.level


def _wrapped(outer: Line) -> Line:
    """What a logger wraps: a message that is itself a line of keys and values."""
    if outer.target or not outer.message:
        return outer
    inner = _json(outer.message) if outer.message.startswith("{") else _logfmt(outer.message)
    return inner if inner and _worse(inner, outer) else outer


def crash(text: str) -> Optional[Line]:
    """The beginning of a panic or of an exception without a level."""
    return _log_trace.from_crash(text)
