# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent's own log lines add up to: errors by kind, warnings, counters, and what could not be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _bucket,
    _instant,
    _log_stream,
    _secrets,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_line import Line
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_reading import USUAL, Reading
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_trace import (
    is_text_of_its_own,
    names_the_exception_last,
)

_SUBSCRIBED = re.compile(r"Subscribed to: (\S+)")

_METRICS = re.compile(r"(?:Metrics: |(?P<final>Final metrics - ))(?P<pairs>.*)\Z", re.DOTALL)
# A counter counts up from 0. Longer than any: such a number would be a trap for whoever reads our answer.
_PAIR = re.compile(r"\s*([A-Za-z][\w.-]{0,99})\s*[=:]\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*\Z")
_MOST_PAIRS = 100

_STAMP = r"(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)(?![\w:]))?"
_NORMAL = (
    (re.compile(_STAMP), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"), "<uuid>"),
    (re.compile(r'"(?:[^"\\]|\\.)*"'), "<text>"),
    (re.compile(r"(?<!\w)'[^']*'(?!\w)"), "<text>"),
    (re.compile(r"`[^`]*`"), "<text>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<hex>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b"), "<hex>"),
    (re.compile(r"(?<![A-Za-z_])\d+(?:\.\d+)*"), "<n>"),
)

#: Two sightings of a kind less than this far apart are one event (a burst), not a recurring error.
RECURRING_SPREAD_US = 1000000
MAX_KINDS = 500
OTHER_KIND = "(other kinds)"
SIGN_EXAMPLES = 3
#: Of the journal, as syslog counts: 0 is the worst. A line without a level and with this priority may be an error.
PRIORITY_WARNING = 4
NO_TEXT = "(an entry of the journal without a readable text)"
_EXAMPLE_LENGTH = 300
# Far more than is shown; masking takes time in the square of it.
_MASKED_LENGTH = 8192
_CAUSE_LENGTH = 2000
_UNREAD_KINDS = 50
_UNREAD_LENGTH = 400
_UNREAD_SHOWN = 5


def parse(text: str, priority: Optional[int] = None) -> Line:
    """Read one line of an agent whose shape is not known, as `_log_reading.Reading.read` does. Never raises.

    FATAL, CRITICAL and PANIC are read as ERROR, WARNING as WARN.
    """
    return USUAL.read(text, priority)


def kind_of(line: Line) -> str:
    """The message without what differs from time to time: numbers, ids, quoted text, times."""
    text = _secrets.mask_text(line.message[:_MASKED_LENGTH])
    for pattern, placeholder in _NORMAL:
        text = pattern.sub(placeholder, text)
    text = " ".join(text.split())
    return (line.target + ": " + text if line.target else text)[:200]


def subscription(line: Line) -> Optional[str]:
    """The subject pattern of a ``Subscribed to:`` line."""
    match = _SUBSCRIBED.search(line.message)
    return match.group(1) if match else None


def counters(message: str) -> Optional[Tuple[bool, Dict[str, float]]]:
    """``(final, {name: number})`` of ``Metrics: a=1, b=2`` or ``Final metrics - a: 1, b: 2``, else ``None``."""
    match = _METRICS.match(message)
    if not match:
        return None
    values: Dict[str, float] = {}
    parts = match.group("pairs").split(",")
    if len(parts) > _MOST_PAIRS:
        return None
    for part in parts:
        pair = _PAIR.match(part)
        if not pair:
            return None
        number = pair.group(2)
        values[pair.group(1)] = float(number) if "." in number else int(number)
    return bool(match.group("final")), values


def _example(line: Line) -> str:
    return _secrets.mask_text(line.message[:_MASKED_LENGTH])[:_EXAMPLE_LENGTH]


@dataclass
class _Kind:
    level: str
    example: str
    first: int
    last: int
    count: int = 0


@dataclass
class _Event:
    """An error or a warning that may have further lines to come."""

    level: str
    line: Line
    at: int
    ends_with_cause: bool = False
    cause: str = ""

    def __post_init__(self) -> None:
        # Rust writes where a thread panicked, and why on the next line.
        rust = self.line.panic and self.line.message.endswith(":")
        self.ends_with_cause = rust or names_the_exception_last(self.line.message)


@dataclass
class Tally:
    """Adds up the lines of one instance over a window; ``signs`` are patterns to search in every error line,
    ``bucket_s`` > 0 counts by buckets of that many seconds besides, ``reading`` says how lines are read."""

    signs: Sequence[str] = ()
    bucket_s: float = 0.0
    reading: Reading = USUAL

    lines: int = 0
    errors: int = 0
    warnings: int = 0
    panics: int = 0
    unparsed: int = 0
    unreadable: int = 0
    unread_severe: int = 0
    continued: int = 0
    first: Optional[int] = None
    last: Optional[int] = None
    counters: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    found: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    buckets: Dict[int, List[int]] = field(default_factory=dict)
    points: Dict[Tuple[int, str], float] = field(default_factory=dict)
    harmless: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    shapes: Dict[str, int] = field(default_factory=dict)
    _best: Dict[str, Dict[str, float]] = field(default_factory=dict)
    _kinds: Dict[str, _Kind] = field(default_factory=dict)
    _events: Dict[str, _Event] = field(default_factory=dict)
    _unread: Dict[str, List[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._streams = _log_stream.Streams(self.reading)

    def add(self, text: Optional[str], damaged: bool, at: int, invocation: str, priority: Optional[int] = None) -> None:
        """Count one line; ``text`` is ``None`` when the journal gave none, ``damaged`` when bytes were not text.

        ``at`` is the journal's time in microseconds since the epoch, ``priority`` the record's own (0 to 7). What can't
        be read and is a warning or worse by its priority is counted in ``unread_severe`` too, if it is no error.
        """
        before = (self.lines, self.errors, self.warnings)
        self._add(text, damaged, at, invocation, priority)
        if self.bucket_s:
            bucket = self.buckets.setdefault(self._bucket(at), [0, 0, 0])
            for place, (was, is_) in enumerate(zip(before, (self.lines, self.errors, self.warnings))):
                bucket[place] += is_ - was

    @property
    def kinds(self) -> Dict[str, _Kind]:
        """Errors and warnings by kind."""
        for invocation in list(self._events):
            self._close(invocation)
        return self._kinds

    def _bucket(self, at: int) -> int:
        return _bucket.index_of(at / 1e6, self.bucket_s)

    def _add(self, text: Optional[str], damaged: bool, at: int, invocation: str, priority: Optional[int]) -> None:
        self.lines += 1
        self.first = at if self.first is None or at < self.first else self.first
        self.last = at if self.last is None or at > self.last else self.last
        damaged = damaged or text is None
        text = NO_TEXT if text is None else text
        line, role, name = self._streams.take(text, priority, at, invocation)
        if role == _log_stream.CONTINUED and not (damaged and is_text_of_its_own(text)):
            self.continued += 1
            self._continue(line, text, invocation)
            return
        self._close(invocation)
        if role == _log_stream.HARMLESS and not self._signs_of(line):
            self._add_harmless(name, line)
            return
        if role in (_log_stream.UNREAD, _log_stream.CONTINUED):
            if priority is not None and priority <= PRIORITY_WARNING:
                self.unread_severe += 1
            # Damaged bytes that still show a level count by it; only the rest is lost to us.
            if damaged:
                self.unreadable += 1
            else:
                self.unparsed += 1
            self._add_unread(line)
            return
        self.shapes[line.shape] = self.shapes.get(line.shape, 0) + 1
        self._count(line, at, invocation)

    def _count(self, line: Line, at: int, invocation: str) -> None:
        if line.panic:
            self.panics += 1
        if line.is_error:
            self.errors += 1
            self._events[invocation] = _Event("PANIC" if line.panic else "ERROR", line, at)
            self._add_signs(line)
        elif line.level == "WARN":
            self.warnings += 1
            self._events[invocation] = _Event("WARN", line, at)
        elif line.level == "INFO" and line.message[:1] in "MF":
            found = counters(line.message)
            if found:
                self._add_counters(invocation, at, *found)

    def _continue(self, line: Line, text: str, invocation: str) -> None:
        """A further line of an error: it may hold a sign, and tells one failure from another that has the same words."""
        event = self._events.get(invocation)
        if event is None:
            return
        if event.level != "WARN":
            self._add_signs(line)
        if names_the_exception_last(text):
            event.ends_with_cause = True
        elif line.shape == "trace" or (event.ends_with_cause and is_text_of_its_own(text)):
            event.cause, event.ends_with_cause = line.message[:_CAUSE_LENGTH], False

    def _close(self, invocation: str) -> None:
        event = self._events.pop(invocation, None)
        if event is None:
            return
        line = event.line
        if event.cause:
            said = "" if names_the_exception_last(line.message) else line.message.rstrip(":") + ": "
            line = Line(line.level, line.target, said + event.cause, line.panic)
        self._add_kind(event.level, line, event.at)

    def _add_harmless(self, name: str, line: Line) -> None:
        seen = self.harmless.setdefault(name, {"count": 0, "examples": []})
        seen["count"] += 1
        if len(seen["examples"]) < SIGN_EXAMPLES:
            seen["examples"].append(_example(line))

    def _add_unread(self, line: Line) -> None:
        # Masking takes time in the square of what it is given, and anybody may write lines that nobody reads.
        line = replace(line, message=line.message[:_UNREAD_LENGTH])
        name = kind_of(line)
        if name in self._unread or len(self._unread) < _UNREAD_KINDS:
            self._unread.setdefault(name, [0, _example(line)])[0] += 1

    def _add_kind(self, level: str, line: Line, at: int) -> None:
        name = kind_of(line)
        if level == "PANIC" and "panic" not in name:
            # Control may show the same words as an error, and excuses no panic.
            name = "panic: " + name
        if name not in self._kinds and len(self._kinds) >= MAX_KINDS:
            name = OTHER_KIND
        known = self._kinds.get(name)
        if known is None:
            known = self._kinds[name] = _Kind(level, _example(line), at, at)
        known.count += 1
        known.first, known.last = min(at, known.first), max(at, known.last)

    def _signs_of(self, line: Line) -> List[str]:
        return [pattern for pattern in self.signs if line.is_error and re.search(pattern, line.message)]

    def _add_signs(self, line: Line) -> None:
        # Not the kinds' examples: lines of one kind differ in just the quoted text that may hold the sign.
        for pattern in self.signs:
            if re.search(pattern, line.message):
                found = self.found.setdefault(pattern, {"count": 0, "examples": []})
                found["count"] += 1
                if len(found["examples"]) < SIGN_EXAMPLES:
                    found["examples"].append(_example(line))

    def _add_counters(self, invocation: str, at: int, final: bool, values: Dict[str, float]) -> None:
        known = self.counters.get(invocation)
        if known is None:
            known = self.counters[invocation] = {"first": values, "first_at": _instant.iso(at)}
        known.update(last=values, last_at=_instant.iso(at), final=final)
        if self.bucket_s:
            # The highest of each, not the last: a final line may leave some out, and nothing is counted backwards.
            best = self._best.setdefault(invocation, {})
            for name, value in values.items():
                best[name] = max(best.get(name, 0), value)
            self.points[(self._bucket(at), invocation)] = sum(best.values())

    def _unread_shown(self) -> List[Dict[str, Any]]:
        most = sorted(self._unread.values(), key=lambda seen: -seen[0])[:_UNREAD_SHOWN]
        return [{"count": count, "example": example} for count, example in most]

    def as_dict(self, kinds: int) -> Dict[str, Any]:
        """The ``log`` part of ``agent_units_info``; the ``kinds`` most frequent kinds, errors before warnings."""
        order: List[Tuple[str, _Kind]] = sorted(
            self.kinds.items(), key=lambda item: (item[1].level == "WARN", -item[1].count, item[0])
        )
        out: Dict[str, Any] = {
            "lines": self.lines,
            "errors": self.errors,
            "warnings": self.warnings,
            "panics": self.panics,
            "unparsed": self.unparsed,
            "unreadable": self.unreadable,
            "unread_severe": self.unread_severe,
            "continued": self.continued,
            "unread": self._unread_shown(),
            "harmless": self.harmless,
            "first_at": _instant.iso(self.first),
            "last_at": _instant.iso(self.last),
            "kinds": [
                {
                    "kind": name,
                    "level": known.level,
                    "count": known.count,
                    "first_at": _instant.iso(known.first),
                    "last_at": _instant.iso(known.last),
                    "recurring": known.count >= 2 and known.last - known.first >= RECURRING_SPREAD_US,
                    "example": known.example,
                }
                for name, known in order[:kinds]
            ],
            "counters": self.counters,
        }
        if self.bucket_s:
            out["buckets"] = {str(index): self.buckets[index] for index in sorted(self.buckets)}
            # Within a bucket in the order of the journal, so that an invocation comes behind the one it replaces.
            points = sorted(self.points.items(), key=lambda item: item[0][0])
            out["counter_points"] = [[index, invocation, total] for (index, invocation), total in points]
        if self.signs:
            out["signs"] = {pattern: self.found.get(pattern, {"count": 0, "examples": []}) for pattern in self.signs}
        return out
