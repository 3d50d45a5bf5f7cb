# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the journal of many units in one bounded ``journalctl`` call."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _command

_FIELDS = (
    "MESSAGE,MESSAGE_ID,_PID,_SYSTEMD_UNIT,_SYSTEMD_INVOCATION_ID,UNIT,INVOCATION_ID,EXIT_CODE,EXIT_STATUS,"
    "UNIT_RESULT,JOB_RESULT,N_RESTARTS,_TRANSPORT,PRIORITY"
)

# systemd's catalogue ids of what happens to a unit.
_EVENTS = {
    "39f53479d3a045ac8e11786248231fbf": "started",
    "9d1aaa27d60140bd96365438aad20286": "stopped",
    "98e322203f7a4ed290d09fe03c09fe15": "exited",
    "d9b373ed55a64feb8242e02dbe79a49c": "failed",
    "be02cf6855d2428ba40df7e9d022f03d": "failed",
    "5eb03494b6584870a536b337290809b3": "restart_scheduled",
    "fe6faa94e7774663a0da52717891d8ef": "oom",
    "d989611b15e44c9dbf31e3c81256e4ed": "oom",
}
_SUPPRESSED = "a596d6fe7bfa4994828e72309e95d61e"
_SUPPRESSED_TEXT = re.compile(r"Suppressed (\d+) messages from (.+)\Z")
# Microseconds since 1970 in 64 bits. isdigit() would let pass what int() refuses: "²", and thousands of digits.
_STAMP = re.compile(r"[0-9]{1,20}\Z")
_LEVEL = re.compile(r"[0-7]\Z")
_CURSOR = re.compile(r"[A-Za-z0-9=;_.:+/-]{1,512}\Z")
_CURSOR_TIME = re.compile(r"(?:^|;)t=([0-9a-fA-F]+)")
# journalctl's own words, as "-- No entries --" or "-- Boot ... --"; no entry of its JSON begins so.
_REMARK = b"-- "
_MAX_LINE = 16 * 1024 * 1024
# A file whose damage shows only in the middle is left out with a word to systemd's makers alone. So all is asked for, with
# the level in front; of what is for the makers only these words count.
_SAY_ALL = {"SYSTEMD_LOG_LEVEL": "debug", "SYSTEMD_LOG_TARGET": "console-prefixed"}
_SAID_AT = re.compile(r"<(\d{1,3})>")
_LEFT_OUT = re.compile(
    r"can't iterate|bad message|corrupt|failed to open journal file|\.journal~?\b.*ignoring", re.IGNORECASE
)
_MAX_SAID = 256 * 1024
_MAX_TOLD = 600


@dataclass(frozen=True)
class Record:
    """One journal entry that belongs to a unit. ``at`` is microseconds since the epoch.

    ``text`` is ``None`` when the journal withheld the message; ``damaged`` says that its bytes were no text.
    ``by_manager`` marks systemd's own words about the unit; ``event`` names those that are known. ``priority`` is 0
    (emergency) to 7 (debug), ``None`` when the record has none.
    """

    at: int
    cursor: str
    unit: str
    invocation_id: str
    text: Optional[str]
    damaged: bool
    by_manager: bool
    event: Optional[str]
    detail: str
    priority: Optional[int] = None


@dataclass
class Reading:
    """How a read went. ``complete`` is false with a ``reason``:
    ``entries_bounded|journal_unreadable|journal_incomplete|entries_damaged``.

    ``damaged`` counts entries that journalctl printed and that could not be read: what they said is in no count.
    ``journal_incomplete``: journalctl ended well and said beside it that it left something out; ``message`` has its words.
    """

    cursor: Optional[str] = None
    entries: int = 0
    complete: bool = True
    reason: Optional[str] = None
    message: Optional[str] = None
    damaged: int = 0
    suppressed: Dict[str, int] = field(default_factory=dict)


def message_text(raw: Any) -> Tuple[Optional[str], bool]:
    """``(text, damaged)`` of a MESSAGE as ``-o json`` gives it: string, null, list of bytes, or list of strings."""
    if isinstance(raw, str):
        return raw, False
    if isinstance(raw, list) and raw:
        if all(isinstance(part, int) and not isinstance(part, bool) and 0 <= part <= 255 for part in raw):
            data = bytes(raw)
            # Text with control characters (colours) comes as bytes too, only other encodings are damage.
            try:
                return data.decode("utf-8"), False
            except UnicodeDecodeError:
                return data.decode("utf-8", "replace"), True
        parts = [message_text(part) for part in raw]
        return "\n".join(part[0] for part in parts if part[0]), any(part[1] for part in parts)
    return None, True


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _priority(entry: Mapping[str, Any]) -> Optional[int]:
    """The worst priority of an entry: a native one may carry several."""
    raw = entry.get("PRIORITY")
    known = [
        int(one) for one in (raw if isinstance(raw, list) else [raw]) if isinstance(one, str) and _LEVEL.match(one)
    ]
    return min(known) if known else None


def _detail(entry: Mapping[str, Any], event: str) -> str:
    if event == "exited":
        return "code={0} status={1}".format(_text(entry, "EXIT_CODE"), _text(entry, "EXIT_STATUS"))
    if event == "failed":
        return _text(entry, "UNIT_RESULT") or _text(entry, "JOB_RESULT")
    if event == "restart_scheduled":
        return _text(entry, "N_RESTARTS")
    return ""


def parse_entry(line: bytes) -> Optional[Dict[str, Any]]:
    """The JSON object of one output line, or ``None`` for what is none, as a line that was cut."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _written_at(entry: Mapping[str, Any]) -> Optional[int]:
    stamp = _text(entry, "__REALTIME_TIMESTAMP")
    return int(stamp) if _STAMP.match(stamp) else None


def record_of(entry: Mapping[str, Any]) -> Optional[Record]:
    """The record of an entry; ``None`` when it has no time. Only systemd itself may speak about other units."""
    at = _written_at(entry)
    if at is None:
        return None
    by_manager = _text(entry, "_PID") == "1" and bool(_text(entry, "UNIT"))
    event = _EVENTS.get(_text(entry, "MESSAGE_ID").lower()) if by_manager else None
    text, damaged = message_text(entry.get("MESSAGE"))
    return Record(
        at=at,
        cursor=_text(entry, "__CURSOR"),
        unit=_text(entry, "UNIT" if by_manager else "_SYSTEMD_UNIT"),
        invocation_id=_text(entry, "INVOCATION_ID" if by_manager else "_SYSTEMD_INVOCATION_ID"),
        text=text,
        damaged=damaged,
        by_manager=by_manager,
        event=event,
        detail=_detail(entry, event) if event else "",
        priority=_priority(entry),
    )


def unit_matches(units: Sequence[str], invocations: Sequence[str] = (), texts: Sequence[str] = ()) -> List[str]:
    """Match terms for the lines of ``units`` and ``invocations``, systemd's words about them, journald's about lines it
    dropped, and lines that are one of ``texts``."""
    return (
        ["_SYSTEMD_UNIT=" + unit for unit in units]
        + (["+"] + ["_SYSTEMD_INVOCATION_ID=" + invocation for invocation in invocations] if invocations else [])
        + ["+", "_PID=1"]
        + ["UNIT=" + unit for unit in units]
        + ["+", "_TRANSPORT=driver", "MESSAGE_ID=" + _SUPPRESSED]
        + (["+"] + ["MESSAGE=" + text for text in texts] if texts else [])
    )


def invocation_matches(invocations: Sequence[str]) -> List[str]:
    """Match terms for the lines of exactly these invocations, and systemd's words about them."""
    return (
        ["_SYSTEMD_INVOCATION_ID=" + invocation for invocation in invocations]
        + ["+", "_PID=1"]
        + ["INVOCATION_ID=" + invocation for invocation in invocations]
    )


def is_cursor(text: str) -> bool:
    """Whether ``text`` has the shape of a journal cursor."""
    return bool(_CURSOR.match(text)) and "=" in text


def _is_at(entry: Mapping[str, Any], cursor: str) -> bool:
    """Whether the entry is the cursor's own: it has all that the cursor says of it."""
    return set(cursor.split(";")) <= set(_text(entry, "__CURSOR").split(";"))


def cursor_time(cursor: str) -> Optional[int]:
    """When the entry of a cursor was written, microseconds since the epoch."""
    match = _CURSOR_TIME.search(cursor)
    return int(match.group(1), 16) if match else None


def _stamp(us: int) -> str:
    return "@{0}.{1:06d}".format(us // 1000000, us % 1000000)


# Not --quiet: it would hide that only the caller's own journal was read.
_AS_READ = ["journalctl", "--no-pager", "--all", "--output=json", "--output-fields=" + _FIELDS]


def arguments(
    matches: Sequence[str],
    since: Optional[int] = None,
    cursor: Optional[str] = None,
    until: Optional[int] = None,
    namespace: str = "",
) -> List[str]:
    """The ``journalctl`` command line; a cursor wins over ``since``. One of them is required: no unbounded reads.

    ``namespace``: '' for the default one, ``*`` for all at once.

    From a cursor on, its own entry included. ``--after-cursor`` skips the first entry that matches even if it is not the
    cursor's own (systemd before 255), and a line would never be counted.
    """
    argv = list(_AS_READ)
    if cursor is not None:
        argv.append("--cursor=" + cursor)
    elif since is not None:
        argv.append("--since=" + _stamp(since))
    else:
        raise ValueError("reading the journal needs a cursor or a time to start from")
    if until is not None:
        argv.append("--until=" + _stamp(until))
    return argv + of_namespace(namespace) + list(matches)


def of_namespace(namespace: str) -> List[str]:
    """The option of ``journalctl`` for a namespace; '' is the default one."""
    return ["--namespace=" + namespace] if namespace else []


def complaints(said: str) -> str:
    """Of what journalctl wrote to standard error, all that is no mere trace of its work; empty when it left nothing out.

    Lines begin with ``<priority>`` where systemd's own logging wrote them.
    """
    told: List[str] = []
    for line in said.splitlines():
        level = _SAID_AT.match(line)
        text = (line[level.end() :] if level else line).strip()
        trace = level is not None and int(level.group(1)) % 8 == 7
        if text and text not in told and (not trace or _LEFT_OUT.search(text)):
            told.append(text)
    words = "; ".join(told)
    return words if len(words) <= _MAX_TOLD else words[:_MAX_TOLD] + " ..."


def _lines(argv: Sequence[str], timeout: float, reading: Reading) -> Iterator[bytes]:
    """Output lines of ``argv``, ended at the deadline; trouble goes into ``reading``."""
    late: List[bool] = []
    with tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.Popen(
                list(argv),
                env={**_command.environment(), **_SAY_ALL},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        except OSError as error:
            reading.complete, reading.reason = False, "journal_unreadable"
            reading.message = "{0} can't be started: {1}".format(argv[0], error.strerror)
            return

        def end() -> None:
            late.append(True)
            child.kill()

        timer = threading.Timer(timeout, end)
        timer.daemon = True
        timer.start()
        finished = False
        if child.stdout is None:  # it is a pipe; said for type checkers
            return
        try:
            rest = b""
            while True:
                chunk = os.read(child.stdout.fileno(), 262144)
                if not chunk:
                    finished = True
                    break
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    if line:
                        yield line
                if len(rest) > _MAX_LINE:
                    reading.complete, reading.reason = False, "journal_unreadable"
                    reading.message = "the journal holds an entry of more than {0} bytes".format(_MAX_LINE)
                    break
            if finished and rest:
                yield rest
        finally:
            timer.cancel()
            if not finished:
                child.kill()
            child.stdout.close()
            status = child.wait()
        if late:
            reading.complete, reading.reason = False, "journal_unreadable"
            reading.message = "reading the journal did not end within {0:g} s".format(timeout)
        elif finished:
            errors.seek(0)
            said = complaints(errors.read(_MAX_SAID).decode("utf-8", "replace"))
            if status != 0:
                reading.complete, reading.reason = False, "journal_unreadable"
                reading.message = "journalctl ended with {0}: {1}".format(status, said or "(it said nothing)")
            elif said:
                reading.complete, reading.reason = False, "journal_incomplete"
                reading.message = "journalctl could not read all of the journal; it said: {0}".format(said)


def read(
    matches: Sequence[str],
    on_record: Callable[[Record], None],
    since: Optional[int] = None,
    cursor: Optional[str] = None,
    until: Optional[int] = None,
    max_entries: int = 200000,
    timeout: float = 60.0,
    namespace: str = "",
) -> Reading:
    """Give matching entries, oldest first, to ``on_record``; stop after ``max_entries`` (then read on by cursor).

    ``cursor``: those after it, of whatever unit its own entry is.
    """
    reading = Reading(cursor=cursor)
    lines = _lines(arguments(matches, since, cursor, until, namespace), timeout, reading)
    printed = 0
    for line in lines:
        if line.startswith(_REMARK):
            continue
        printed += 1
        entry = parse_entry(line)
        if entry is None:
            reading.damaged += 1
            continue
        # The first alone can be the cursor's own: one that says little must not leave out what follows.
        if printed == 1 and cursor is not None and _is_at(entry, cursor):
            continue
        if reading.entries >= max_entries:
            reading.complete, reading.reason = False, "entries_bounded"
            reading.message = "the window holds more than {0} entries; the rest follows after the cursor".format(
                max_entries
            )
            lines.close()  # type: ignore[attr-defined]
            break
        reading.entries += 1
        reading.cursor = _text(entry, "__CURSOR") or reading.cursor
        record = record_of(entry)
        if record is None:
            reading.damaged += 1
            continue
        if _text(entry, "MESSAGE_ID") == _SUPPRESSED and _text(entry, "_TRANSPORT") == "driver":
            match = _SUPPRESSED_TEXT.match(record.text or "")
            if match:
                reading.suppressed[match.group(2)] = reading.suppressed.get(match.group(2), 0) + int(match.group(1))
            continue
        on_record(record)
    if reading.complete and reading.damaged:
        reading.complete, reading.reason = False, "entries_damaged"
        reading.message = "{0} entries of the journal could not be read; see journalctl --verify".format(
            reading.damaged
        )
    return reading


def read_last(
    matches: Sequence[str], on_record: Callable[[Record], None], lines: int, namespace: str = "", timeout: float = 20.0
) -> Reading:
    """Give the last ``lines`` matching entries, oldest first, to ``on_record``; a sample, not a window that is whole."""
    reading = Reading()
    argv = _AS_READ + ["--lines={0}".format(lines)] + of_namespace(namespace)
    for line in _lines(argv + list(matches), timeout, reading):
        entry = None if line.startswith(_REMARK) else parse_entry(line)
        record = record_of(entry) if entry is not None else None
        if record is not None:
            reading.entries += 1
            on_record(record)
    return reading


def _first_entry(argv: Sequence[str]) -> Optional[Dict[str, Any]]:
    lines = _lines(argv, 20.0, Reading())
    try:
        for line in lines:
            entry = parse_entry(line)
            if entry is not None:
                return entry
        return None
    finally:
        lines.close()  # type: ignore[attr-defined]


_ANY = ["journalctl", "--no-pager", "--output=json", "--output-fields=_PID"]


def oldest(namespace: str = "") -> Optional[int]:
    """When the oldest entry that the journal still has was written, microseconds since the epoch."""
    entry = _first_entry(_ANY + of_namespace(namespace))
    return _written_at(entry) if entry else None


def end_cursor(namespace: str = "") -> Optional[str]:
    """The cursor of the newest entry of the whole journal: where a later read goes on."""
    entry = _first_entry(_ANY + of_namespace(namespace) + ["--lines=1"])
    return (_text(entry, "__CURSOR") or None) if entry else None


def holds(matches: Sequence[str], namespace: str = "") -> bool:
    """Whether the journal has an entry that matches these terms (``FIELD=value``), whenever it was written.

    It is asked for as a reading asks, so that what hides lines from readings hides it too.
    """
    return _first_entry(_AS_READ + of_namespace(namespace) + ["--lines=1", *matches]) is not None
