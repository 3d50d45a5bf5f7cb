# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The head of a log line: times, names, numbers and brackets, and among them a word that is the line's level.

The words of levels are words of plain English too, so where one stands and how it is written decides whether it is
one: in brackets, in capitals, before a colon, or right behind a time that only machines write. Text never is.
"""

from __future__ import annotations

import re
from typing import Optional, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _log_level, _log_time
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_line import Line, line

_MOST_PARTS = 16
_HEAD = 600
_BLANKS = re.compile(r"[ \t]+")
_WORD = re.compile(r"[A-Za-z]{3,13}(?![\w.=(@#%-])")
# Capitals may be followed by anything that is no part of a name: "ERROR-" no, "ERROR/MainProcess" yes.
_LETTER = re.compile(r"[TVDINWEFC]\Z")
_BRACKET = re.compile(r"\[([^\[\]]{0,200})\]|\(([^()]{0,200})\)|<([^<>]{0,100})>|\{([^{}]{0,100})\}")
_NUMBER = re.compile(r"#?\d{1,10}(?:[#*]\d{1,10}:?)?(?=[ \t:|,]|\Z)")
_SEPARATOR = re.compile(r"(?:[|:,>~]|--?|---)(?=[ \t|\[]|\Z)|[|]")
_NAME = re.compile(r"[A-Za-z_$/@][\w.$/@:#+-]{0,120}")
# A host and a program, as syslog writes them behind the time.
_SYSLOG = re.compile(r"[\w.-]{1,64} [\w./@-]{1,64}(?:\[\d{1,10}\])?: ")
# File and line, as Go's own log package writes them.
_SOURCE = re.compile(r"[\w./-]{1,120}\.\w{1,4}:\d{1,7}: ")
_CHANNEL = re.compile(r"[\w-]{1,64}\.([A-Z]{4,9}): ")
_INSIDE = re.compile(r"[^\s:/|,;]+")
_MODULE = re.compile(r"[\w-]{0,40}:([a-z]{4,6})\d?\Z")
_NO_COUNT = re.compile(r":\s*(?:\d[\d.,]*%?|none|nil|null|false|no|n/a)\s*(?:[,;./]|\Z)", re.IGNORECASE)
# Of the words of levels, those that stand at the beginning of sentences in capitals as well.
_CAPITALS_ONLY_WITH_COLON = frozenset(
    ["config", "fine", "finer", "finest", "success", "fail", "failure", "verbose", "information", "emergency"]
)
_POSTGRES = {"log": "INFO"}
# Labels of text that belongs to the line before (PostgreSQL).
_ALSO = re.compile(r"(?:DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION): ")


class _Head:
    """Where a scan has come to, and what it has passed."""

    def __init__(self, text: str) -> None:
        self.text = text[:_HEAD]
        self.at = 0
        self.stamp = False
        self.exact = False
        self.brackets = False
        self.named = False
        self.program = False


def from_head(text: str, shape: str = "text") -> Optional[Line]:
    """A line whose head holds its level."""
    head = _Head(text)
    found = _scan(head)
    if found is None:
        return None
    level, word, target = found
    rest = text[head.at :].lstrip("])>:| \t")
    if rest.startswith(("- ", "-- ")):
        rest = rest.lstrip("- ")
    return line(level, rest, shape, _log_level.is_panic(word), target)


def belongs_to_the_line_before(text: str) -> bool:
    """Whether the head of a line says that it goes on with the one before."""
    head = _Head(text)
    for _part in range(_MOST_PARTS):
        _skip(head, _BLANKS)
        if _ALSO.match(head.text, head.at):
            return head.stamp
        if not _pass_stamp(head) and not _skip(head, _BRACKET) and not _pass_name(head):
            return False
    return False


def _skip(head: _Head, pattern: "re.Pattern[str]") -> bool:
    match = pattern.match(head.text, head.at)
    if match is None or match.end() == head.at:
        return False
    head.at = match.end()
    return True


def _pass_stamp(head: _Head) -> bool:
    match = _log_time.AT.match(head.text, head.at)
    if match is None:
        return False
    head.exact = head.exact or bool(_log_time.EXACT.match(head.text, head.at))
    head.at, head.stamp = match.end(), True
    return True


def _scan(head: _Head) -> Optional[Tuple[str, str, str]]:
    """``(level, its word, target)``; ``head.at`` then is behind the level."""
    for _part in range(_MOST_PARTS):
        _skip(head, _BLANKS)
        found = _level_word(head)
        if found:
            return (*found, "")
        bracket = _BRACKET.match(head.text, head.at)
        if bracket:
            inside = next(part for part in bracket.groups() if part is not None)
            # "<error>" is a level before a blank, and markup before text.
            markup = bracket.group(3) is not None and head.text[bracket.end() : bracket.end() + 1] not in (
                "",
                " ",
                "\t",
                ":",
            )
            told = None if markup else _inside(head, inside)
            head.at = bracket.end()
            if told:
                return told
            head.brackets = True
            continue
        if _pass_stamp(head) or (head.at and _skip(head, _SEPARATOR)):
            continue
        if (head.stamp or head.at == 0) and _skip(head, _NUMBER):
            continue
        channel = _CHANNEL.match(head.text, head.at) if head.stamp else None
        if channel:
            level = _log_level.of_word(channel.group(1))
            if level:
                head.at = channel.end()
                return level, channel.group(1), ""
        if head.stamp and not head.program and not head.exact and _skip(head, _SYSLOG):
            head.program = True
            continue
        if head.stamp and _skip(head, _SOURCE):
            continue
        if not _pass_name(head):
            return None
    return None


def _pass_name(head: _Head) -> bool:
    """Go on behind the name of a logger; two plain words in a row are text."""
    match = _NAME.match(head.text, head.at)
    if match is None or not (head.stamp or head.at == 0 or head.brackets):
        return False
    rest = head.text[match.end() : match.end() + 3]
    separated = rest.startswith((" - ", " | ", "\t"))
    if not separated and (
        head.named or not head.stamp or not re.search(r"[._:/@$]", match.group(0)) or rest[:1] != " "
    ):
        return False
    if match.group(0).endswith(":"):
        # "target: text": what follows is the message.
        return False
    head.named = head.named or not separated
    head.at = match.end()
    return True


def _level_word(head: _Head) -> Optional[Tuple[str, str]]:
    match = _WORD.match(head.text, head.at)
    if match is None:
        return None
    word = match.group(0)
    level = _log_level.of_word(word)
    behind = head.text[match.end() : match.end() + 3]
    if level is None:
        level = _POSTGRES.get(word.lower()) if head.stamp and word == "LOG" and behind.startswith(":") else None
    if level is None or not _is_level(head, word, behind, head.text[match.end() :]):
        return None
    head.at = match.end()
    if behind.startswith("["):
        # logrus and log15: ERRO[0012], EROR[01-23|17:00:00].
        _skip(head, _BRACKET)
    return level, word


def _is_level(head: _Head, word: str, behind: str, rest: str) -> bool:
    if _NO_COUNT.match(rest):
        return False
    if behind.startswith((":", "\t", "|", " | ", " - ", " |")) or (head.at and not behind.strip()):
        # Behind names, too: "agent - error - could not publish".
        return word.isupper() or not head.named or behind.startswith(("\t", " | ", " - "))
    if word.isupper():
        return word.lower() not in _CAPITALS_ONLY_WITH_COLON or head.stamp
    if head.exact and not head.named and behind.startswith(" "):
        return True
    # Windows: "Error 1/23/2026 5:00:00 PM".
    return word.istitle() and bool(_log_time.AT.match(rest.lstrip(" \t")[:40]))


def _inside(head: _Head, inside: str) -> Optional[Tuple[str, str, str]]:
    """The level that a bracket holds, alone or among times and names."""
    bare = inside.strip()
    level = _log_level.of_word(bare)
    if bare == "System" and head.stamp:
        # MySQL's word for what is neither an error nor a warning.
        level = "INFO"
    if level:
        return level, bare, ""
    letter = _LETTER.match(bare)
    if letter and head.stamp:
        return str(_log_level.of_letter(bare)), bare, ""
    module = _MODULE.match(bare)
    if module and _log_level.of_word(module.group(1)) and (head.stamp or module.group(0).startswith(":")):
        return str(_log_level.of_word(module.group(1))), module.group(1), ""
    stamp = _log_time.AT.search(bare)
    if stamp is None:
        return None
    head.stamp = True
    outside = bare[: stamp.start()] + " " + bare[stamp.end() :]
    words = [match.group(0) for match in _INSIDE.finditer(outside)]
    for position, word in enumerate(words[:8]):
        level = _log_level.of_word(word) if word.isupper() else None
        if level:
            # env_logger: "[2026-01-23T17:00:00Z ERROR agent::inbox] text".
            target = outside.partition(word)[2].strip(" :/") if position == 0 else ""
            return level, word, "" if re.search(r"[^\w:.-]", target) else target
    if words and _LETTER.match(words[0]) and bare.startswith(words[0] + " "):
        # Tornado: "[E 2026-01-23 17:00:00.123 ServerApp] text".
        return str(_log_level.of_letter(words[0])), words[0], ""
    return None
