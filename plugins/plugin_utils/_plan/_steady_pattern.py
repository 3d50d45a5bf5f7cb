# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a regular expression takes steps in proportion to a line's length, whatever the line.

Hosts apply a plan's patterns to every log line, and anybody may write those. Python's engine tries one way after the other;
how many ways there are is seen on the pattern's automaton (its positions, Glushkov's construction): two ways back to one
place make steps without end, two loops that take the same text make them grow with the square.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_LONGEST = 2000
_POSITIONS = 400
# Repeats up to this are written out, longer ones are loops.
_WRITTEN_OUT = 6
_LOOKED_AHEAD = 200
_STATES = 200_000
# Ways to read one text, counted over a text that is chosen to have many.
_WAYS, _TEXT = 500, 48
_TOO_MANY_WAYS = f"it can read one text in more than {_WAYS} ways; write it with fewer optional parts"

# ASCII, and one character each for other letters, other digits, other spaces and the rest.
_OTHERS = "é١\u2003\u2603"
_ALPHABET = [chr(code) for code in range(128)] + list(_OTHERS)
_ALL = (1 << len(_ALPHABET)) - 1
_CATEGORIES = {
    codes.CATEGORY_DIGIT: r"\d", codes.CATEGORY_NOT_DIGIT: r"\D", codes.CATEGORY_SPACE: r"\s",
    codes.CATEGORY_NOT_SPACE: r"\S", codes.CATEGORY_WORD: r"\w", codes.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip


class _Fault(Exception):
    """Why a pattern is refused."""


class _EndlessFault(_Fault):
    """Some line keeps it busy for ever."""


def pattern_fault(pattern: str) -> str | None:
    """What makes a pattern unusable for log lines, as a sentence; None when it is sound. It must compile."""
    if len(pattern) > _LONGEST:
        return f"it has {len(pattern)} characters; {_LONGEST} at most"
    try:
        automaton = _Automaton(parser.parse(pattern))
        automaton.check()
    except _Fault as fault:
        return str(fault)
    return None


def endless_fault(pattern: str) -> str | None:
    """The same of steps without end alone, for patterns that worked before the others were looked for."""
    try:
        automaton = _Automaton(parser.parse(pattern))
        automaton.drop_what_follows_the_end()
        automaton.exponential()
    except _EndlessFault as fault:
        return str(fault)
    except _Fault:
        return None
    return None


@dataclass
class _Part:
    """A part of a pattern: in how many ways it can be empty, and the positions that it begins and ends with, once a way."""

    empty: int = 1
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)


def _mask(characters: str) -> int:
    return sum(1 << number for number, each in enumerate(_ALPHABET) if re.match(characters, each, re.DOTALL))


def _literal(code: int) -> int:
    if code < 128:
        return 1 << code
    character = chr(code)
    rest = (
        3
        if not (character.isalnum() or character.isspace())
        else 2
        if character.isspace()
        else 1
        if character.isdigit()
        else 0
    )
    return 1 << (128 + rest)


class _Automaton:
    def __init__(self, tree: Any) -> None:
        self.sets: list[int] = []
        self.ways: list[dict[int, int]] = []
        self.ends_anywhere = True
        self.ignore_case = bool(tree.state.flags & re.IGNORECASE)
        self.dot_all = bool(tree.state.flags & re.DOTALL)
        self.whole = self.sequence(tree)

    # ------------------------------------------------------------ construction

    def position(self, characters: int) -> _Part:
        if len(self.sets) >= _POSITIONS:
            raise _Fault(f"it is too long to be looked through (more than {_POSITIONS} places); use shorter repeats")
        if self.ignore_case:
            for lower in range(97, 123):
                both = 1 << lower | 1 << (lower - 32)
                characters |= both if characters & both else 0
        self.sets.append(characters)
        self.ways.append({})
        number = len(self.sets) - 1
        return _Part(0, [number], [number])

    def join(self, left: _Part, right: _Part) -> _Part:
        self.connect(left.last, right.first)
        whole = _Part(
            left.empty * right.empty, left.first + right.first * left.empty, right.last + left.last * right.empty
        )
        if max(whole.empty, len(whole.first), len(whole.last)) > _WAYS + _POSITIONS:
            raise _Fault(_TOO_MANY_WAYS)
        return whole

    def connect(self, left: list[int], right: list[int]) -> None:
        for here in left:
            for there in right:
                self.ways[here][there] = self.ways[here].get(there, 0) + 1

    def sequence(self, items: Any) -> _Part:
        whole = _Part()
        for operation, argument in items:
            whole = self.join(whole, self.item(operation, argument))
        return whole

    def item(self, operation: Any, argument: Any) -> _Part:
        if operation is codes.LITERAL:
            return self.position(_literal(argument))
        if operation is codes.NOT_LITERAL:
            return self.position(_ALL & ~_literal(argument) if argument < 128 else _ALL)
        if operation is codes.ANY:
            return self.position(_ALL if self.dot_all else _ALL & ~_literal(10))
        if operation is codes.IN:
            return self.position(_members(argument))
        if operation is codes.BRANCH:
            parts = [self.sequence(branch) for branch in argument[1]]
            first = [each for part in parts for each in part.first]
            last = [each for part in parts for each in part.last]
            return _Part(sum(part.empty for part in parts), first, last)
        if operation is codes.SUBPATTERN:
            return self.sequence(argument[3])
        if operation in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            return self.repeat(*argument)
        if operation is codes.AT:
            self.ends_anywhere = self.ends_anywhere and argument in (codes.AT_BEGINNING, codes.AT_BEGINNING_STRING)
            return _Part()
        if operation in (codes.ASSERT, codes.ASSERT_NOT):
            if argument[1].getwidth()[1] > _LOOKED_AHEAD:
                raise _Fault("it looks ahead or behind over a text of any length; bound the repeat inside")
            self.ends_anywhere = False
            return _Part()
        if operation in (codes.GROUPREF, codes.GROUPREF_EXISTS):
            raise _Fault("it refers back to a group, which takes steps without end")
        raise _Fault("it uses what Python knows from 3.11 on only (a possessive repeat or an atomic group)")

    def repeat(self, least: int, most: Any, body: Any) -> _Part:
        unbounded = most is codes.MAXREPEAT or most > _WRITTEN_OUT
        whole = _Part()
        for _copy in range(min(least, _WRITTEN_OUT) if unbounded else least):
            whole = self.join(whole, self.sequence(body))
        if unbounded:
            part = self.sequence(body)
            self.connect(part.last, part.first)
            return self.join(whole, _Part(1 + part.empty, part.first, part.last))
        # {0,2} is x(?:x)? and not x?x?: each text has one way.
        rest = _Part()
        for _copy in range(most - least):
            part = self.sequence(body)
            rest = self.join(part, rest)
            rest = _Part(1 + rest.empty, rest.first, rest.last)
        return self.join(whole, rest)

    # ------------------------------------------------------------ checks

    def check(self) -> None:
        self.drop_what_follows_the_end()
        self.exponential()
        self._square()
        self._many_ways()

    def drop_what_follows_the_end(self) -> None:
        """A match ends where the pattern may end; what it would read from there on is never tried a second time."""
        if self.ends_anywhere:
            for number in self.whole.last:
                self.ways[number] = {}

    def exponential(self) -> None:
        """Refuse two ways back to one place."""
        loops = self._loops()
        for here, ways in enumerate(self.ways):
            for there, count in ways.items():
                if count > 1 and loops[here] is loops[there] and here in loops[there]:
                    raise _EndlessFault(
                        f"it repeats what is itself repeated ({self._shown(there)}), which takes steps without end"
                    )
        for start in [number for number, members in enumerate(loops) if number in members]:
            seen = self._reach((start, start), 2)
            for pair in seen:
                if pair[0] != pair[1] and (start, start) in self._reach(pair, 2):
                    raise _EndlessFault(
                        f"a repeat in it reads one text in two ways ({self._shown(start)}), which takes steps without end"
                    )

    def _square(self) -> None:
        looped = [number for number, members in enumerate(self._loops()) if number in members]
        for left in looped:
            behind = {states[0] for states in self._reach((left,), 1)}
            for right in looped:
                if left != right and right in behind and (left, right, right) in self._reach((left, left, right), 3):
                    raise _Fault(
                        f"two repeats in it can take the same text ({self._shown(left)} and {self._shown(right)}), so that a long line takes "
                        "long; say what the first one must not take, such as [^]]* for .*, or leave out what need not be read"
                    )

    def _many_ways(self) -> None:
        now = {number: self.whole.first.count(number) for number in self.whole.first}
        for _step in range(_TEXT):
            best: dict[int, int] = {}
            for number in range(len(_ALPHABET)):
                after = self._after(now, 1 << number)
                if sum(after.values()) > sum(best.values()):
                    best = after
            if sum(best.values()) > _WAYS:
                raise _Fault(_TOO_MANY_WAYS)
            now = best

    def _after(self, now: dict[int, int], character: int) -> dict[int, int]:
        after: dict[int, int] = {}
        for here, ways in now.items():
            if self.sets[here] & character:
                for there, count in self.ways[here].items():
                    after[there] = after.get(there, 0) + ways * count
        return after

    def _loops(self) -> list[set[int]]:
        """By position those that it can come to and from: its loop, itself among them where there is one."""
        reach = [{states[0] for states in self._reach((number,), 1)} for number in range(len(self.sets))]
        members = [{other for other in reach[number] if number in reach[other]} for number in range(len(self.sets))]
        known: dict[frozenset[int], set[int]] = {}
        return [known.setdefault(frozenset(each), each) for each in members]

    def _reach(self, start: tuple[int, ...], _width: int) -> set[tuple[int, ...]]:
        """Where positions that read the same text, one step at least, can get to from `start`."""
        seen: set[tuple[int, ...]] = set()
        waiting = [start]
        while waiting:
            for after in self._next(waiting.pop()):
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
            if len(seen) > _STATES:
                raise _Fault("it is too intricate to be looked through; use fewer repeats")
        return seen

    def _next(self, states: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        found: list[tuple[tuple[int, ...], int]] = [((), _ALL)]
        for state in states:
            found = [
                ((*before, there), common & self.sets[there])
                for before, common in found
                for there in self.ways[state]
                if common & self.sets[there]
            ]
        return (states for states, _common in found)

    def _shown(self, number: int) -> str:
        characters = self.sets[number]
        if bin(characters).count("1") > 100:
            return "any character"
        shown = [each for place, each in enumerate(_ALPHABET) if characters >> place & 1 and each.isprintable()]
        return "".join(shown[:6]) + ("..." if len(shown) > 6 else "")


def _members(items: Any) -> int:
    characters, negated = 0, False
    for operation, argument in items:
        if operation is codes.NEGATE:
            negated = True
        elif operation is codes.LITERAL:
            characters |= _literal(argument)
        elif operation is codes.RANGE:
            low, high = argument
            characters |= sum(1 << code for code in range(low, min(high, 127) + 1))
            # Of what is beyond ASCII a range may hold anything.
            characters |= (_ALL >> 128 << 128) if high > 127 else 0
        elif operation is codes.CATEGORY:
            characters |= _mask(_CATEGORIES[argument])
    return _ALL & ~(characters & ((1 << 128) - 1)) if negated else characters
