# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody else said, made fit to be kept and shown: plain, bounded, and without a character that does something. Pure."""

from __future__ import annotations

import math
import re
from typing import Any

# A look at a hundred agents after a day has about 300,000 values.
MOST_VALUES, DEEPEST, LONGEST_TEXT = 2_000_000, 24, 65_536
LARGEST = 2**62
# Controls (terminals obey them), what turns the direction of reading around, what can't be seen, halves of characters.
_NOT_SEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


class ForeignError(ValueError):
    """A value that nobody can use. `where` is its place, such as `instances.indexer.log.errors`."""

    def __init__(self, where: str, seen: str, expected: str) -> None:
        self.where, self.seen, self.expected = where, seen, expected
        super().__init__(f"{where or 'the answer'}: seen {seen}, expected {expected}")


def visible(text: str) -> str:
    """The text with its escape sequence for every character that does something or can't be seen; line ends and tabs stay."""
    return _NOT_SEEN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


def told(value: Any) -> str:
    """A value as an error message shows it."""
    text = visible(repr(value) if not isinstance(value, int | float) or abs(value) < LARGEST else "a huge number")
    return f"{text[:60]}{'…' if len(text) > 60 else ''} ({type(value).__name__})"


def tamed(value: Any) -> Any:
    """A copy in plain JSON types that is neither endless nor bottomless; ForeignError for what can't be made so."""
    return _Tamer().tame(value, "", 0)


class _Tamer:
    def __init__(self) -> None:
        self.left = MOST_VALUES

    def tame(self, value: Any, where: str, depth: int) -> Any:
        self.left -= 1
        if self.left < 0:
            raise ForeignError(where, f"more than {MOST_VALUES} values", "an answer about the agents that were named")
        if isinstance(value, str):
            return _text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if not -LARGEST <= value <= LARGEST:
                raise ForeignError(where, "a huge number", "a number below 2**62")
            return int(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ForeignError(where, str(value), "a number")
            return float(value)
        if depth >= DEEPEST:
            raise ForeignError(where, f"more than {DEEPEST} levels", "an answer that is not nested so deep")
        if isinstance(value, dict):
            return {
                (name := _text(str(key))): self.tame(item, f"{where}.{name[:80]}" if where else name[:80], depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.tame(item, f"{where}[{number}]", depth + 1) for number, item in enumerate(value)]
        return _text(str(value))


def _text(text: str) -> str:
    # str(): what Ansible hands on are tagged types.
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}… ({len(text) - LONGEST_TEXT} more characters)"
    return visible(str(text))
