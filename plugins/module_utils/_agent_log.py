# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent's own log lines say: level, kind of error, counters. The journal's priority counts where a line has no level."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _bucket, _instant, _secrets

_COLOUR = re.compile(r"\x1b\[[0-9;:]*[A-Za-z]")
_STAMP = r"(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)(?![\w:]))?"
_WORD = r"(?P<level>TRACE|DEBUG|INFO|WARNING|WARN|ERROR|FATAL|CRITICAL|PANIC)"
_AFTER = r"(?![\w-])[\])>\s:|]*(?P<rest>.*)\Z"
_SHAPES = (
    # No sentence begins with a time or a bracket, so the word may be of any case: "12:00:01 [error] x", "[ERROR] x".
    re.compile(r"\s*[\[(<]?" + _STAMP + r"[\])>\s:|,-]*[\[(<]?\s*" + _WORD + _AFTER, re.DOTALL | re.IGNORECASE),
    re.compile(r"\s*[\[<]\s*" + _WORD + r"\s*[:\]>]" + _AFTER, re.DOTALL | re.IGNORECASE),
    re.compile(r"\s*(?:" + _STAMP + r"\s*)?(?:\[[^\[\]]*\]\s*)+" + _WORD + _AFTER, re.DOTALL),
    # Otherwise only "LEVEL: message" and "LEVEL target: message" count, or any text that starts with ERROR would.
    re.compile(r"\s*" + _WORD + r"(?::|\s+(?=[A-Za-z_][\w:.-]*: ))\s*(?P<rest>.*)\Z", re.DOTALL),
    re.compile(
        r"\s*(?:[\w.]+=(?:\"[^\"]*\"|[^\"\s]\S*|)\s+)*(?:level|severity|lvl)=\"?" + _WORD + r"\b\"?\s*(?P<rest>.*)\Z",
        re.DOTALL | re.IGNORECASE,
    ),
)
_FATAL = re.compile(r"\s*fatal runtime error\b", re.IGNORECASE)
_SAME = {"WARNING": "WARN", "FATAL": "ERROR", "CRITICAL": "ERROR", "PANIC": "ERROR"}
_LEVEL_KEYS = ("level", "severity", "lvl")
_MESSAGE_KEYS = ("message", "msg", "error")
_TARGET = re.compile(r"([A-Za-z_][\w.-]*(?:::[\w.-]+)*): (.*)\Z", re.DOTALL)
_PANIC = re.compile(r"\s*(?:thread '[^']*'(?: \(\d+\))? )?panicked at\b")
_SUBSCRIBED = re.compile(r"Subscribed to: (\S+)")

_METRICS = re.compile(r"(?:Metrics: |(?P<final>Final metrics - ))(?P<pairs>.*)\Z", re.DOTALL)
# A counter counts up from 0. Longer than any: such a number would be a trap for whoever reads our answer.
_PAIR = re.compile(r"\s*([A-Za-z][\w.-]{0,99})\s*[=:]\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*\Z")
_MOST_PAIRS = 100

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
#: Of the journal, as syslog counts: 0 is the worst. An error is at most 3, a warning 4.
PRIORITY_ERROR, PRIORITY_WARNING = 3, 4
NO_TEXT = "(an entry of the journal without a readable text)"
_EXAMPLE_LENGTH = 300
# Far more than is shown; masking takes time in the square of it.
_MASKED_LENGTH = 8192
# Where a line's level stands no further out than this. The journal takes lines of any length, and takes them from anybody.
_PARSED_LENGTH = 16384


@dataclass(frozen=True)
class Line:
    """One log line. ``level`` is ``None`` for text in another shape; ``panic`` marks a Rust panic message."""

    level: Optional[str]
    target: str
    message: str
    panic: bool

    @property
    def is_error(self) -> bool:
        """An ERROR line or a panic; an INFO line about errors is none."""
        return self.panic or self.level == "ERROR"


def _from_json(text: str) -> Optional[Line]:
    """A line that is a JSON object with a level."""
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    fields = found.get("fields")
    nested = fields if isinstance(fields, dict) else {}
    named = {key.lower(): value for key, value in list(nested.items()) + list(found.items())}
    word = next((str(named[key]).upper() for key in _LEVEL_KEYS if key in named), "")
    if not re.match(_WORD + r"\Z", word):
        return None
    message = next((str(named[key]) for key in _MESSAGE_KEYS if key in named), text)
    return _line(word, str(named.get("target") or ""), message)


def _line(word: str, target: str, message: str) -> Line:
    level = _SAME.get(word, word)
    return Line(level, target, message, word == "PANIC" or (level == "ERROR" and "panicked at" in message))


def parse(text: str) -> Line:
    """Parse one line of the agent (colours and leading blanks are dropped). Never raises.

    FATAL, CRITICAL and PANIC are read as ERROR, WARNING as WARN.
    """
    known = _from_json(_COLOUR.sub("", text).strip())
    if known:
        return known
    plain = _COLOUR.sub("", text[:_PARSED_LENGTH])
    match = next(filter(None, (shape.match(plain) for shape in _SHAPES)), None)
    if not match:
        fatal = _FATAL.match(plain)
        return Line("ERROR" if fatal else None, "", plain.strip(), bool(_PANIC.match(plain)))
    rest = match.group("rest").rstrip()
    target, message = "", rest
    parts = _TARGET.match(rest)
    if parts:
        target, message = parts.groups()
    return _line(match.group("level").upper(), target, message)


def parse_record(text: str, priority: Optional[int]) -> Line:
    """The line of a journal record; one without a level of its own is an error where the journal's priority says so.

    Agents write most lines at one priority whatever they say, so a level in the text wins.
    """
    line = parse(text)
    if line.level is None and not line.panic and priority is not None and priority <= PRIORITY_ERROR:
        return replace(line, level="ERROR")
    return line


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
class Tally:
    """Adds up the lines of one instance over a window; ``signs`` are patterns to search in every error line,
    ``bucket_s`` > 0 counts by buckets of that many seconds besides."""

    signs: Sequence[str] = ()
    bucket_s: float = 0.0

    lines: int = 0
    errors: int = 0
    warnings: int = 0
    panics: int = 0
    unparsed: int = 0
    unreadable: int = 0
    unread_severe: int = 0
    first: Optional[int] = None
    last: Optional[int] = None
    kinds: Dict[str, _Kind] = field(default_factory=dict)
    counters: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    found: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    buckets: Dict[int, List[int]] = field(default_factory=dict)
    points: Dict[Tuple[int, str], float] = field(default_factory=dict)
    _best: Dict[str, Dict[str, float]] = field(default_factory=dict)

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

    def _bucket(self, at: int) -> int:
        return _bucket.index_of(at / 1e6, self.bucket_s)

    def _add(self, text: Optional[str], damaged: bool, at: int, invocation: str, priority: Optional[int]) -> None:
        self.lines += 1
        self.first = at if self.first is None or at < self.first else self.first
        self.last = at if self.last is None or at > self.last else self.last
        line = parse_record(NO_TEXT if text is None else text, priority)
        if line.level is None and not line.panic:
            if priority is not None and priority <= PRIORITY_WARNING:
                self.unread_severe += 1
            # Damaged bytes that still show a level count by it; only the rest is lost to us.
            if damaged or text is None:
                self.unreadable += 1
            else:
                self.unparsed += 1
            return
        if line.panic:
            self.panics += 1
        if line.is_error:
            self.errors += 1
            self._add_kind("ERROR", line, at)
            self._add_signs(line)
        elif line.level == "WARN":
            self.warnings += 1
            self._add_kind("WARN", line, at)
        elif line.level == "INFO" and line.message[:1] in "MF":
            found = counters(line.message)
            if found:
                self._add_counters(invocation, at, *found)

    def _add_kind(self, level: str, line: Line, at: int) -> None:
        name = kind_of(line)
        if name not in self.kinds and len(self.kinds) >= MAX_KINDS:
            name = OTHER_KIND
        known = self.kinds.get(name)
        if known is None:
            known = self.kinds[name] = _Kind(level, _example(line), at, at)
        known.count += 1
        known.first, known.last = min(at, known.first), max(at, known.last)

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

    def as_dict(self, kinds: int) -> Dict[str, Any]:
        """The ``log`` part of ``agent_units_info``; the ``kinds`` most frequent kinds, errors before warnings."""
        order: List[Tuple[str, _Kind]] = sorted(
            self.kinds.items(), key=lambda item: (item[1].level != "ERROR", -item[1].count, item[0])
        )
        out: Dict[str, Any] = {
            "lines": self.lines,
            "errors": self.errors,
            "warnings": self.warnings,
            "panics": self.panics,
            "unparsed": self.unparsed,
            "unreadable": self.unreadable,
            "unread_severe": self.unread_severe,
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
