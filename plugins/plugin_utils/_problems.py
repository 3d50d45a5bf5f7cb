# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a file a person wrote, said so that the person can mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake in a file.

    `key` is a dotted path such as `phases[0].soak`, empty for the file as a whole; `line` counts from 1, None where
    the text is not at hand; `seen` and `expected` are for people; `hint` says what to do, and may be empty.
    """

    file: str
    key: str
    line: int | None
    seen: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = f"{self.key}: " if self.key else ""
        text = f"{where}: {subject}seen {self.seen}, expected {self.expected}"
        text = f"{text}; {self.hint}" if self.hint else text
        # What stands in a file can hold anything; a terminal and a log get one line of it.
        return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


class ProblemsError(Exception):
    """All the mistakes of one file, in the order of its lines. `str()` gives one line per mistake."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: list[Problem] = sorted(problems, key=lambda problem: problem.line or 0)
        super().__init__("\n".join(str(problem) for problem in self.problems))
