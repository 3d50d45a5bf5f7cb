# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NATS subjects and patterns as they stand in a plan, placeholders included."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_BAD_CHARACTER = re.compile(r"[\s\x00-\x1f\x7f-\x9f{}]")


def pattern_fault(pattern: str, wildcards: bool = True) -> str | None:
    """What makes a subject or pattern unusable, as a sentence, or None. `wildcards=False`: it must name one subject."""
    bare = _PLACEHOLDER.sub("x", pattern)
    if not bare:
        return "it is empty"
    if "{" in bare or "}" in bare:
        return "it has a brace that belongs to no placeholder such as {agent}"
    if _BAD_CHARACTER.search(bare):
        return "it has a space or a control character"
    tokens = bare.split(".")
    if "" in tokens:
        return "it has an empty token (two dots in a row, or a dot at an end)"
    for position, token in enumerate(tokens):
        if token in ("*", ">"):
            if not wildcards:
                return f"it has the wildcard {token}, and a message goes to one subject"
            if token == ">" and position != len(tokens) - 1:
                return "the wildcard > may only be the last token"
        elif "*" in token or ">" in token:
            return f"the token {token!r} mixes a wildcard with text; a wildcard is a whole token"
    return None


def contains(wide: str, narrow: str) -> bool:
    """Whether every subject of `narrow` is also one of `wide`: a message on it would be counted twice."""
    left, right = wide.split("."), narrow.split(".")
    for position, token in enumerate(left):
        if token == ">":
            return len(right) > position
        if position >= len(right) or right[position] == ">":
            return False
        if token != "*" and token != right[position]:
            return False
    return len(left) == len(right)
