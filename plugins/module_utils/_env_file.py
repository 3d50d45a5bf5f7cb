# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and edit environment files exactly as systemd reads them, byte for byte.

The grammar is that of ``EnvironmentFile=`` (systemd 245 and later): assignments, ``#`` and ``;`` comments, quotes,
backslash escapes and line continuation. Everything the editor was not asked to change stays as it was, to the byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Tuple

_KEY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:@%+,=-]*\Z")

_BLANK = b" \t\n\r"
_LINE_END = b"\n\r"
_ESCAPABLE_IN_DOUBLE_QUOTES = b'"\\`$'

# States of the reader. Which one it is in at the end of a file says what an appended line would become.
_BEFORE_KEY = 0
_IN_KEY = 1
_BEFORE_VALUE = 2
_IN_VALUE = 3
_AFTER_BACKSLASH = 4
_IN_SINGLE_QUOTES = 5
_IN_DOUBLE_QUOTES = 6
_BACKSLASH_IN_DOUBLE_QUOTES = 7
_IN_COMMENT = 8
_BACKSLASH_IN_COMMENT = 9

_OPEN_QUOTE = (_IN_SINGLE_QUOTES, _IN_DOUBLE_QUOTES, _BACKSLASH_IN_DOUBLE_QUOTES)


class EnvFileError(ValueError):
    """An edit that can't be made safely; the text says which key or place, and why."""


@dataclass(frozen=True)
class Entry:
    """One assignment. Offsets are into the file: ``[key_start, key_end)`` and ``[value_start, value_end)``.

    The value's span covers quotes, escapes and continued lines, not the blanks around it.
    """

    key: bytes
    value: bytes
    key_start: int
    key_end: int
    value_start: int
    value_end: int
    open_quote: bool = False


@dataclass(frozen=True)
class Parsed:
    """Entries in the order of the file, comment spans, and the reader's state at the end of it."""

    entries: List[Entry]
    comments: List[Tuple[int, int]]
    end_state: int


def _scan(data: bytes, comment_continues: bool) -> Parsed:
    entries: List[Entry] = []
    comments: List[Tuple[int, int]] = []
    state = _BEFORE_KEY
    key = bytearray()
    value = bytearray()
    key_start = key_end = value_start = value_end = comment_start = 0
    kept = 0  # length of the value without trailing blanks that are not quoted or escaped

    def close(open_quote: bool = False) -> None:
        text = bytes(value[:kept]) if state == _IN_VALUE else bytes(value)
        name = bytes(key).rstrip(_BLANK)
        entries.append(Entry(name, text, key_start, key_end, value_start, value_end, open_quote))

    for at, code in enumerate(data):
        if state == _BEFORE_KEY:
            if code in b"#;":
                state, comment_start = _IN_COMMENT, at
            elif code not in _BLANK:
                state = _IN_KEY
                key, value = bytearray([code]), bytearray()
                key_start, key_end, kept = at, at + 1, 0
        elif state == _IN_KEY:
            if code in _LINE_END:
                state = _BEFORE_KEY
            elif code == 0x3D:
                state, value_start, value_end = _BEFORE_VALUE, at + 1, at + 1
            else:
                key.append(code)
                if code not in _BLANK:
                    key_end = at + 1
        elif state == _BEFORE_VALUE:
            if code in _LINE_END:
                close()
                state = _BEFORE_KEY
                continue
            if code in _BLANK:
                continue
            if value_end == value_start:
                value_start = at
            value_end = at + 1
            if code == 0x27:
                state = _IN_SINGLE_QUOTES
            elif code == 0x22:
                state = _IN_DOUBLE_QUOTES
            elif code == 0x5C:
                state = _AFTER_BACKSLASH
            else:
                state = _IN_VALUE
                value.append(code)
            kept = len(value)
        elif state == _IN_VALUE:
            if code in _LINE_END:
                close()
                state = _BEFORE_KEY
            elif code == 0x5C:
                state, kept, value_end = _AFTER_BACKSLASH, len(value), at + 1
            else:
                value.append(code)
                if code not in _BLANK:
                    kept, value_end = len(value), at + 1
        elif state == _AFTER_BACKSLASH:
            state, value_end = _IN_VALUE, at + 1
            if code not in _LINE_END:
                value.append(code)
            kept = len(value)
        elif state == _IN_SINGLE_QUOTES:
            value_end = at + 1
            if code == 0x27:
                state = _BEFORE_VALUE
            else:
                value.append(code)
        elif state == _IN_DOUBLE_QUOTES:
            value_end = at + 1
            if code == 0x22:
                state = _BEFORE_VALUE
            elif code == 0x5C:
                state = _BACKSLASH_IN_DOUBLE_QUOTES
            else:
                value.append(code)
        elif state == _BACKSLASH_IN_DOUBLE_QUOTES:
            state, value_end = _IN_DOUBLE_QUOTES, at + 1
            if code in _ESCAPABLE_IN_DOUBLE_QUOTES:
                value.append(code)
            elif code != 0x0A:
                value += bytes([0x5C, code])
        elif state == _IN_COMMENT:
            if code == 0x5C:
                state = _BACKSLASH_IN_COMMENT
            elif code in _LINE_END:
                comments.append((comment_start, at))
                state = _BEFORE_KEY
        else:
            # systemd before 254 carries a comment that ends in a backslash on to the next line, 254 and later don't.
            if code in _LINE_END and not comment_continues:
                comments.append((comment_start, at))
                state = _BEFORE_KEY
            else:
                state = _IN_COMMENT

    if state in (_IN_COMMENT, _BACKSLASH_IN_COMMENT):
        comments.append((comment_start, len(data)))
    elif state not in (_BEFORE_KEY, _IN_KEY):
        close(open_quote=state in _OPEN_QUOTE)
    return Parsed(entries, comments, state)


def parse(data: bytes, comment_continues: bool = False) -> List[Entry]:
    """All assignments in the order of the file, also those systemd later ignores (invalid names, overridden ones).

    ``comment_continues`` reads as systemd before 254 does: a comment that ends in a backslash goes on in the next line.
    """
    return _scan(data, comment_continues).entries


def comments(data: bytes) -> List[Tuple[int, int]]:
    """Spans of the comments, read the way that makes them longest (systemd before 254)."""
    return _scan(data, True).comments


def _has_control(value: bytes) -> bool:
    # Old versions of systemd drop such values, newer ones (seen with 252) pass them on.
    return any((code < 0x20 and code not in b"\t\n") or code == 0x7F for code in value)


def _effective(parsed: Parsed) -> Dict[str, str]:
    last: Dict[str, bytes] = {}
    for entry in parsed.entries:
        name = entry.key.decode("utf-8", "surrogateescape")
        if _KEY_NAME.match(name):
            last[name] = entry.value
    return {name: value.decode("utf-8", "surrogateescape") for name, value in last.items()}


def effective(data: bytes, comment_continues: bool = False) -> Dict[str, str]:
    """The variables a process gets from this file: the last assignment of a key wins, invalid names are ignored.

    Bytes that are not UTF-8 come back as surrogate escapes; see :func:`load_problem`, systemd refuses such a file.
    """
    return _effective(_scan(data, comment_continues))


def agreed(data: bytes) -> Dict[str, str]:
    """The variables that every systemd version from 245 on reads alike from this file."""
    newer, older = effective(data, False), effective(data, True)
    return {
        name: value
        for name, value in newer.items()
        if older.get(name) == value and not _has_control(value.encode("utf-8", "surrogateescape"))
    }


def load_problem(data: bytes) -> Optional[str]:
    """Why systemd would refuse the whole file (and so not start the unit), or ``None``."""
    if b"\0" in data:
        return "it holds a NUL byte at offset {0}".format(data.index(b"\0"))
    for comment_continues in (False, True):
        for entry in parse(data, comment_continues):
            for part in (entry.key, entry.value):
                try:
                    part.decode("utf-8")
                except UnicodeDecodeError:
                    line = data.count(b"\n", 0, entry.key_start) + 1
                    return "the assignment in line {0} is not valid UTF-8".format(line)
    return None


def check_assignment(key: str, value: str) -> None:
    """Raise :class:`EnvFileError` for a key or value that no process could get from an environment file unchanged."""
    if not isinstance(key, str) or not _KEY_NAME.match(key):
        raise EnvFileError(
            "'{0}' is no name for an environment variable; expected letters, digits and '_', not starting with a "
            "digit".format(key)
        )
    if not isinstance(value, str):
        raise EnvFileError(
            "the value of {0} is a {1}; expected a string (quote it in the plan)".format(key, type(value).__name__)
        )
    try:
        raw = value.encode("utf-8")
    except UnicodeEncodeError:
        raise EnvFileError("the value of {0} can't be written as UTF-8".format(key)) from None
    if any(code < 0x20 or code == 0x7F for code in raw):
        raise EnvFileError("the value of {0} holds a line end or another control character".format(key))


def _quoted(value: str) -> bytes:
    escaped = "".join("\\" + c if c in '"\\`$' else c for c in value)
    return ('"' + escaped + '"').encode("utf-8")


def encode_value(value: str, like: bytes = b"") -> bytes:
    """How to write ``value`` so that systemd reads it back exactly; keeps the quotes of the old text ``like``."""
    if like[:1] == b'"' and like[-1:] == b'"' and len(like) > 1:
        return _quoted(value)
    if like[:1] == b"'" and like[-1:] == b"'" and len(like) > 1 and "'" not in value:
        return ("'" + value + "'").encode("utf-8")
    return value.encode("utf-8") if _PLAIN_VALUE.match(value) else _quoted(value)


def _line_end(data: bytes) -> bytes:
    pairs = data.count(b"\r\n")
    lone_newlines = data.count(b"\n") - pairs
    lone_returns = data.count(b"\r") - pairs
    if pairs > max(lone_newlines, lone_returns):
        return b"\r\n"
    return b"\r" if lone_returns > lone_newlines else b"\n"


def _append(data: bytes, key: str, value: str) -> bytes:
    line_end = _line_end(data)
    out = data
    # A file that ends in an escape, a comment with a backslash or an unfinished line would swallow the new assignment:
    # line ends are added until the next byte starts a line in every version's reading.
    for _attempt in range(4):
        states = {_scan(out, False).end_state, _scan(out, True).end_state}
        if states & set(_OPEN_QUOTE):
            raise EnvFileError(
                "{0} can't be added: the last quote in the file is not closed and would swallow it; close the quote in "
                "the file first".format(key)
            )
        if states == {_BEFORE_KEY}:
            break
        out += line_end
    return out + key.encode("ascii") + b"=" + encode_value(value) + line_end


def _replace(data: bytes, key: str, value: str) -> Optional[bytes]:
    name = key.encode("ascii")
    found = [entry for entry in parse(data) if entry.key == name]
    if not found:
        return None
    last = found[-1]
    if last.open_quote:
        raise EnvFileError(
            "{0} can't be changed: its quote is never closed, so its value reaches to the end of the file; close the "
            "quote in the file first".format(key)
        )
    old = data[last.value_start : last.value_end]
    return data[: last.value_start] + encode_value(value, old) + data[last.value_end :]


def _readings(data: bytes) -> Tuple[Dict[str, str], Dict[str, str]]:
    return effective(data, False), effective(data, True)


def set_keys(data: bytes, values: Mapping[str, str]) -> bytes:
    """The file with each key of ``values`` set; nothing else differs by a byte, also not an earlier duplicate.

    A key that has its value already is left as it is; a missing one is added at the end. Raises
    :class:`EnvFileError` for bad keys and values and for files where the edit could not be read back.
    """
    for key, value in values.items():
        check_assignment(key, value)
    out = data
    for key, value in values.items():
        before = _readings(out)
        if all(reading.get(key) == value for reading in before):
            continue
        wanted = tuple(dict(reading, **{key: value}) for reading in before)
        candidate = _replace(out, key, value)
        if candidate is None or _readings(candidate) != wanted:
            # Either the key is missing, or versions of systemd disagree where it stands: a last line holds for all.
            candidate = _append(out, key, value)
        if _readings(candidate) != wanted:
            raise EnvFileError("{0} can't be set so that every version of systemd reads it back".format(key))
        out = candidate
    return out
