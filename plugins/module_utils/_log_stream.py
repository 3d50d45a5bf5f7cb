# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a process in their order: which of them stand for themselves, and which belong to the one before.

A stack trace is many lines and one error. What has no level and follows an error at once belongs to it; what is
indented belongs to any line; frames are known by themselves, also where the look begins in the middle of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, NamedTuple, Optional, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _log_head, _log_shapes, _log_time, _log_trace
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_line import Line
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_reading import Reading

OWN, CONTINUED, UNREAD, HARMLESS = "own", "continued", "unread", "harmless"
_CLOSING = frozenset(["}", "]", ")", "},", "],", "});", "]}", "}}"])

# A logger writes all lines of one event at once; the journal stamps them as they arrive (microseconds).
_AT_ONCE_US = 1000000
# A trace right behind a warning is the warning's. Later it may be anybody's.
_SAME_WRITE_US = 100000
# Lines of text in a row that are taken for an error's own; frames have no such limit.
_MOST_TEXT = 200
_MINUTE_US = 60000000
# Processes of one unit within one look.
_MOST_STREAMS = 1000


class Taken(NamedTuple):
    """A line and its part: ``own|continued|unread``, or ``harmless`` with the name that the plan gives it."""

    line: Line
    role: str
    name: str = ""


@dataclass
class _Open:
    """The last line that stood for itself (``None``: one of the look before), and when it or a frame was last seen."""

    line: Optional[Line]
    seen: int
    in_trace: bool
    says_error: bool = False
    texts: int = 0

    @property
    def level(self) -> Optional[str]:
        return self.line.level if self.line else None

    @property
    def is_error(self) -> bool:
        return self.line is not None and self.line.is_error


class Streams:
    """The processes of one unit, each with its own last line."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._open: Dict[str, Optional[_Open]] = {}
        # By harmless pattern the minute of its last line, and how many it covered in it.
        self._minutes: Dict[str, Tuple[int, int]] = {}

    def take(self, text: str, priority: Optional[int], at: int, invocation: str) -> Taken:
        """The next line; ``at`` in microseconds."""
        if invocation not in self._open and len(self._open) >= _MOST_STREAMS:
            self._open.clear()
        line, shown = self.reading.read(text, priority), _log_shapes.plain(text)
        if invocation not in self._open:
            # Frames and indented lines with which a look begins belong to the last line of the look before.
            self._open[invocation] = (
                _Open(None, at, in_trace=_log_trace.is_part(shown)) if _hangs(line, shown) else None
            )
        known = self._open[invocation]
        fresh = known if known is not None and 0 <= at - known.seen <= _AT_ONCE_US else None
        role = _role(line, shown, priority, fresh, at)
        if role == OWN:
            if not line.is_read:
                # Frames whose beginning nobody read.
                line = Line("ERROR", "", line.message, False, "trace")
            says_error = shown.lstrip().startswith("Error:")
            trace = line.shape in ("trace", "panic") or line.panic or says_error
            self._open[invocation] = _Open(line, at, trace, says_error)
        elif role == UNREAD and not fresh:
            self._open[invocation] = None
        name = self._harmless(line, text, at) if role in (OWN, UNREAD) else ""
        return Taken(line, HARMLESS, name) if name else Taken(line, role)

    def _harmless(self, line: Line, text: str, at: int) -> str:
        """The name under which the plan knows a line for harmless, as long as there are few. A panic never is."""
        if line.panic or line.level not in (None, "WARN", "ERROR"):
            return ""
        known = self.reading.accepted(text)
        if known is None:
            return ""
        minute, count = self._minutes.get(known.name, (0, 0))
        count = count + 1 if minute == at // _MINUTE_US else 1
        self._minutes[known.name] = (at // _MINUTE_US, count)
        return known.name if count <= known.at_most else ""


def _hangs(line: Line, shown: str) -> bool:
    """Whether a line can't be the first of anything."""
    if line.is_read:
        return False
    return shown[:1].isspace() or shown.strip() in _CLOSING or _log_trace.is_part(shown)


def _stamped(shown: str) -> bool:
    """Whether a logger began a line here, in a shape that is not known."""
    stamp = _log_time.AT.match(shown.lstrip("[(<"))
    return stamp is not None and ":" in stamp.group(0)


def _role(line: Line, shown: str, priority: Optional[int], fresh: Optional[_Open], at: int) -> str:
    part = _log_trace.is_part(shown)
    if priority is not None and priority <= 4 and line.shape in ("", "priority") and not (part and fresh):
        # The process said of this very line how bad it is.
        return OWN if line.is_read else UNREAD
    if part and fresh and fresh.in_trace and shown[:1].isspace():
        return _frame(fresh, at)
    if _is_crash(line, shown):
        return _crash(line, shown, fresh, at)
    if line.is_read and not (part and line.shape == "priority"):
        return CONTINUED if fresh and _log_head.belongs_to_the_line_before(shown) else OWN
    if not shown.strip() and fresh and fresh.in_trace and fresh.texts < _MOST_TEXT:
        fresh.seen, fresh.texts = at, fresh.texts + 1
    if not shown.strip() or _log_trace.announces(shown) or _log_head.belongs_to_the_line_before(shown):
        return CONTINUED
    if part:
        return _frame(fresh, at) if fresh else OWN
    if (
        fresh
        and fresh.texts < _MOST_TEXT
        and (_hangs(line, shown) or ((fresh.is_error or fresh.in_trace) and not _stamped(shown)))
    ):
        fresh.texts += 1
        fresh.seen = at if fresh.in_trace else fresh.seen
        return CONTINUED
    return UNREAD


def _is_crash(line: Line, shown: str) -> bool:
    start = shown.lstrip()[:6].rstrip("(: ")
    return line.shape in ("trace", "panic") or (line.panic and start == "panic") or (start == "Error" and line.is_error)


def _frame(fresh: _Open, at: int) -> str:
    fresh.seen, fresh.texts = at, 0
    # Pretty printers end their lines of any level with what looks like a frame.
    fresh.in_trace = fresh.in_trace or fresh.is_error
    return CONTINUED


def _crash(line: Line, shown: str, fresh: Optional[_Open], at: int) -> str:
    """A panic or an exception without a level: its own event, or the rest of one that a logger told."""
    if fresh is None or line.level == "WARN":
        return OWN
    start = shown.lstrip()
    if line.panic:
        # A logger writes a panic, and the runtime writes it again; each thread of Rust has its own.
        again = fresh.line is not None and fresh.line.panic and not start.startswith("thread")
        return _frame(fresh, at) if again else OWN
    if start.startswith("Error:") and fresh.says_error:
        # Not a trace, but a logger that writes its level so.
        return OWN
    if fresh.is_error or (fresh.in_trace and fresh.level in (None, "WARN")):
        return _frame(fresh, at)
    if fresh.level == "WARN" and at - fresh.seen <= _SAME_WRITE_US and not _log_trace.is_uncaught(shown):
        fresh.in_trace = True
        return _frame(fresh, at)
    return OWN
