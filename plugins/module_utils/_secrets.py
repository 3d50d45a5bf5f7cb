# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep secrets out of what is shown: which names look secret, and how their values are covered."""

from __future__ import annotations

import re
from typing import Iterable, List, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _env_file

MASK = "********"

# Looked for in the name without its separators.
_ANYWHERE = (
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "CREDS",
    "APIKEY",
    "PRIVATE",
    "AUTHORIZATION",
    "BEARER",
    "COOKIE",
    "SESSION",
    "WEBHOOK",
    "CONNECTIONSTRING",
    "KEYFILE",
)
_WORD_END = re.compile(r"(?:KEY|KEYS|PASS|SEED|SEEDS|AUTH|DSN|PWD|JWT|NKEY|\APAT)\Z")
_HARMLESS = frozenset(["MONKEY", "DONKEY", "TURKEY", "HOCKEY", "BYPASS", "COMPASS"])
_WORDS = re.compile(r"[^A-Z0-9]+")
# A password may hold "@" itself: the last one before the path ends it.
_URL_USER = re.compile(r"(?<=://)[^\s/\"']+(?=@)")
# Without its value: that of a harmless name may hold an assignment itself.
_NAME = re.compile(r"(?<![\w.-])(?P<name>[\w.-]+)\\?[\"']?\s*(?:=>|:=|[=:])\s*")
_QUOTED = r"\w*\(?(?P<quote>\\?[\"'])(?:(?!(?P=quote))(?:\\.|[^\n]))*(?:(?P=quote)[^\s,;&]*)?"
_VALUE = re.compile(
    _QUOTED
    + r"|[\[{][^\]}\n]*[\]}]?"
    # A separator belongs to the value unless a blank, another assignment or a quoted text follows it.
    + r"|(?:[^\s,;&]|[,;&](?!\s|\Z|[\"'{\[]|[\w.-]+[\"']?\s*[=:]))+"
)
# What these names hold goes on over blanks: a scheme and credentials, several cookies.
_LONG_NAME = re.compile(r"(?:AUTHORIZATION|BEARER|COOKIES?)\Z", re.IGNORECASE)
_LONG_VALUE = re.compile(_QUOTED + r"|[^\n]+")
_SCHEME = re.compile(r"\b(?:[Bb]earer|BEARER|Basic|BASIC)[ \t]+(?P<credentials>[^\s\"'][^\n\"']*)")
_ASSIGNMENT_TO_LINE_END = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<sign>\s*=[ \t]*)(?P<value>\S.*)")


def looks_secret(name: str) -> bool:
    """Whether a variable of this name probably holds a secret. Covers too much rather than too little."""
    words = _WORDS.split(name.upper())
    joined = "".join(words)
    return any(part in joined for part in _ANYWHERE) or any(
        _WORD_END.search(word) and word not in _HARMLESS for word in words
    )


def mask_urls(text: str) -> str:
    """The text with user, password or token inside URLs covered."""
    return _URL_USER.sub(MASK, text)


def mask_value(name: str, value: str) -> str:
    """What may be shown of the value of the variable ``name``."""
    return MASK if looks_secret(name) else mask_urls(value)


def _joined(spans: Iterable[Tuple[int, int]]) -> List[List[int]]:
    """The spans in order, those that overlap made one."""
    out: List[List[int]] = []
    for start, end in sorted(spans):
        if out and start < out[-1][1]:
            out[-1][1] = max(end, out[-1][1])
        else:
            out.append([start, end])
    return out


def mask_text(text: str) -> str:
    """Free text (a log line) with ``token=...``, ``"password": "..."``, ``Bearer ...`` and credentials in URLs covered."""
    text = mask_urls(text)
    spans = [match.span("credentials") for match in _SCHEME.finditer(text)]
    for match in _NAME.finditer(text):
        if looks_secret(match.group("name")):
            pattern = _LONG_VALUE if _LONG_NAME.search(match.group("name")) else _VALUE
            value = pattern.match(text, match.end())
            if value:
                spans.append(value.span())
    for start, end in reversed(_joined(spans)):
        text = text[:start] + MASK + text[end:]
    return text


def _mask_comment(text: str) -> str:
    def cover(match: "re.Match[str]") -> str:
        if not looks_secret(match.group("name")):
            return match.group("name") + match.group("sign") + _ASSIGNMENT_TO_LINE_END.sub(cover, match.group("value"))
        return match.group("name") + match.group("sign") + MASK

    out: List[str] = []
    goes_on = False
    for line in text.split("\n"):
        shown = MASK if goes_on else _ASSIGNMENT_TO_LINE_END.sub(cover, line)
        # A secret that is commented out may go on behind a backslash.
        goes_on = line.rstrip("\r").endswith("\\") and (goes_on or shown != line)
        out.append(shown)
    return "\n".join(out)


def masked_env_lines(data: bytes) -> List[str]:
    """The lines of an environment file for showing: as many as ``data.split(b"\\n")``, secrets covered on each."""
    spans = set()
    for comment_continues in (False, True):
        for entry in _env_file.parse(data, comment_continues):
            name = entry.key.decode("utf-8", "replace")
            if looks_secret(name) and entry.value_end > entry.value_start:
                spans.add((entry.value_start, entry.value_end))
    pieces = bytearray(data)
    # The two readings of one file may give spans that overlap.
    for start, end in reversed(_joined(spans)):
        lines = bytes(pieces[start:end]).split(b"\n")
        pieces[start:end] = b"\n".join([MASK.encode("ascii")] * len(lines))
    masked = bytes(pieces)
    # Replacing moved the offsets, so comments are looked up in the text as it is now.
    for start, end in sorted(_env_file.comments(masked), reverse=True):
        shown = _mask_comment(masked[start:end].decode("utf-8", "backslashreplace"))
        masked = masked[:start] + shown.encode("utf-8") + masked[end:]
    return [mask_urls(line.decode("utf-8", "backslashreplace")) for line in masked.split(b"\n")]
