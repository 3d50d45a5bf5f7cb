# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one message becomes: an event that holds subjects, headers and payload as data, whatever bytes they are.

Pure: no connection, no clock. An event goes through a rule engine in Java and into files of extra variables, so values
that those can't hold (lone surrogates, NaN, numbers beyond 64 bits) are given as text instead of being parsed.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Subjects that may stand in an event whose payload was checked: nothing a template could be made of.
PLAIN_SUBJECT = re.compile(r"[A-Za-z0-9_$:-]+(\.[A-Za-z0-9_$:-]+)*")
PLAIN_LENGTH = 300
#: Braces begin what Jinja evaluates; Cc, Cf, Zl, Zp and lone surrogates are what reorders or breaks lines.
_NOT_PLAIN = re.compile("[{}\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_INT64 = range(-(2**63), 2**63)


class Refused(ValueError):
    """A message that `accept` does not let through. The text says why, without showing any of the payload."""


@dataclass(frozen=True)
class Incoming:
    """One message as it came; `sequence` and `deliveries` are known for messages of a stream only."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    at: str
    stream: str | None = None
    sequence: int | None = None
    deliveries: int = 1


@dataclass(frozen=True)
class Limits:
    """What is parsed, and what is let through.

    `accept` maps fields of a JSON object to what they must match; fields of `plain` come along, made harmless.
    """

    max_payload: int
    max_depth: int
    accept: Mapping[str, re.Pattern[str]]
    plain: Sequence[str] = ()


def event_from(message: Incoming, limits: Limits) -> dict[str, Any]:
    """The event of a message. Raises Refused when the settings let only certain messages through and this is none."""
    nats: dict[str, Any] = {"kind": "message", "subject": message.subject, "at": message.at}
    nats["size"] = len(message.data)
    if message.stream is not None:
        nats.update(
            stream=message.stream,
            sequence=message.sequence,
            deliveries=message.deliveries,
            redelivered=message.deliveries > 1,
        )
    payload, encoding = _payload(message.data, limits)
    if limits.accept:
        if not PLAIN_SUBJECT.fullmatch(message.subject):
            raise Refused("its subject has characters beyond letters, digits and _ $ : - .")
        return {"nats": nats, "encoding": encoding, "payload": _accepted(payload, encoding, limits)}
    nats["headers"] = {str(name): _storable(str(value)) for name, value in message.headers.items()}
    return {"nats": nats, "encoding": encoding, "payload": payload}


def _accepted(payload: Any, encoding: str, limits: Limits) -> dict[str, str]:
    """The fields that are asked for and no others."""
    if encoding != "json" or not isinstance(payload, dict):
        kind = type(payload).__name__ if encoding == "json" else encoding
        raise Refused(f"its payload is {kind}, expected a JSON object")
    for field, pattern in limits.accept.items():
        value = payload.get(field)
        if not isinstance(value, str):
            seen = "is missing" if field not in payload else f"is {type(value).__name__}, expected a string"
            raise Refused(f"field {field!r} {seen}")
        if not pattern.fullmatch(value):
            raise Refused(f"field {field!r} does not match {pattern.pattern!r}")
    plain = {field: plain_text(payload.get(field, "")) for field in limits.plain}
    return {field: payload[field] for field in limits.accept} | plain


def plain_text(value: Any) -> str:
    """A person's words without anything that Jinja, a terminal or a line of a log could take for more than words."""
    text = value if isinstance(value, str) else json.dumps(value)
    return _NOT_PLAIN.sub("?", text[:PLAIN_LENGTH])


def _payload(data: bytes, limits: Limits) -> tuple[Any, str]:
    if len(data) > limits.max_payload:
        return None, "omitted"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(data).decode("ascii"), "base64"
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text, "text"
    return (value, "json") if _fits(value, limits.max_depth) else (text, "text")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _fits(value: Any, max_depth: int) -> bool:
    """Whether the rule engine and a YAML file can hold it. Without recursion: the depth is what an attacker chooses."""
    level: list[Any] = [value]
    for depth in range(max_depth + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, (dict, list)) and depth == max_depth:
                return False
            if isinstance(item, dict):
                if any(_SURROGATE.search(key) for key in item):
                    return False
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                if _SURROGATE.search(item):
                    return False
            elif isinstance(item, float):
                if not math.isfinite(item):
                    return False
            elif isinstance(item, int) and item not in _INT64:
                return False
        if not below:
            return True
        level = below
    return False


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
