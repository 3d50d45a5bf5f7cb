# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns whose steps grow faster than a line are refused; those that people write for log lines are not."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _agent_log,
    _log_fields,
    _log_head,
    _log_level,
    _log_line,
    _log_shapes,
    _log_time,
    _log_trace,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._steady_pattern import endless_fault, pattern_fault
from hypothesis import given, settings
from hypothesis import strategies as st

ENDLESS = [
    r"(a*)*b", r"(a+)+$", r"(a|ab|b)*c", r"(?:a?b?)*c", r"(\w+\s?)*x", r"(x+x+)+y", r"(?i)(A|aB|b)+c", r"(?s)(?:.|\n)*x", r"([a-z]+|\w)*!",
    r"(?:(?:\d+)?,?)+;",
    r"(?:(?:a|a))*c", r"((ab)*)*c", r"(?:\S*\s*)*x", r"^(\w+\.?)+@",
]  # fmt: skip
SQUARE = [
    r"\w*\w*x",
    r".*.*x",
    r"^.*\[(?P<level>\w+)\] (?P<message>.*)$",
    r"\s+[ \t]+x",
    r"[^a]*b.*c",
    r".*=.*;",
    r"\d+\.?\d+x",
    r".{1,50}-.{1,50}!",
]
OTHER = {
    r"(\w+)\1": "refers back",
    r"(a)?(?(1)b|c)": "refers back",
    r"(?=.*x)a": "looks ahead",
    r"(?<!a)(?!.*b)c": "looks ahead",
    r"(?>a+)b": "3.11",
    r"a++b": "3.11",
    "a?" * 30 + "a" * 30: "ways",
    "(?:" * 5 + "a{1,6}" + "){1,6}" * 5: "too long",
    "a" * 3000: "2000 at most",
}
SOUND = [
    r"^\S+ \S+ \[(?P<level>\w+)\] (?P<message>.*)$",
    r".*\[(?P<level>\w+)\] (?P<message>.*)",
    r"(?P<level>[A-Z]+)\|(?P<target>[^|]*)\|(?P<message>.*)",
    r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] (?P<target>[\w.]+) (?P<level>FEHLER|WARNUNG|INFO): (?P<message>.*)",
    r"(?:\[[^\]]*\] )*(?P<level>\w+): ",
    r"(?i)level[=:]\s*\"?(?P<level>[a-z]+)",
    r"gpu .* busy",
    r"NCCL version \d+\.\d+\.\d+",
    r"(?:\d+,)*\d+;",
    r"\x1b?\[?(?P<level>[EWID]) ",
    r"(?P<level>err(?:or)?|warn(?:ing)?|info)\b",
]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_pattern_that_may_never_end_is_refused(pattern: str) -> None:
    assert "without end" in str(pattern_fault(pattern))


@pytest.mark.parametrize(
    "pattern", [*SQUARE, *SOUND, *(each for each in OTHER if "++" not in each and "(?>" not in each)]
)
def test_patterns_that_worked_before_are_refused_for_steps_without_end_alone(pattern: str) -> None:
    assert endless_fault(pattern) is None


@pytest.mark.parametrize("pattern", SQUARE)
def test_a_pattern_whose_steps_grow_with_the_square_is_refused(pattern: str) -> None:
    assert "can take the same text" in str(pattern_fault(pattern))


@pytest.mark.parametrize("pattern", OTHER)
def test_other_reasons(pattern: str) -> None:
    assert OTHER[pattern] in str(pattern_fault(pattern))


@pytest.mark.parametrize("pattern", SOUND)
def test_what_people_write_is_taken(pattern: str) -> None:
    assert pattern_fault(pattern) is None
    re.compile(pattern)


def _own() -> list[tuple[str, re.Pattern[str]]]:
    modules = (_agent_log, _log_fields, _log_head, _log_level, _log_line, _log_shapes, _log_time, _log_trace)
    return [
        (f"{module.__name__.rpartition('.')[2]}.{name}", value)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    ]


@pytest.mark.parametrize("pattern", [pattern for _name, pattern in _own()], ids=[name for name, _pattern in _own()])
def test_our_own_patterns_are_bounded_or_sound(pattern: re.Pattern[str]) -> None:
    """Bounded: all it can read, but for a message that it takes whole, is so long at most, whatever the line."""
    source = pattern.pattern
    body = re.sub(r"(\(\.\*\)|\(\?P<\w+>\.\*\)|\.\*)\\Z$", "", source)
    bounded = _parser.parse(body).getwidth()[1] <= 20_000
    assert bounded or pattern_fault(f"(?s){source}" if pattern.flags & re.DOTALL else source) is None


# ---------------------------------------------------------------- steps, counted


class _TooMany(Exception):
    """More steps than any linear pattern takes."""


class _Engine:
    """Matches as Python's engine does, one way after the other, and counts the characters that it looks at."""

    def __init__(self, pattern: str, text: str) -> None:
        self.text, self.steps = text, 0
        self.tree = list(_parser.parse(pattern))

    def run(self) -> int:
        for _end in self.ends(self.tree, 0, 0):
            break
        return self.steps

    def ends(self, items: list[Any], number: int, at: int) -> Iterator[int]:
        if number == len(items):
            yield at
            return
        operation, argument = items[number]
        if operation is codes.BRANCH:
            for branch in argument[1]:
                for end in self.ends(list(branch), 0, at):
                    yield from self.ends(items, number + 1, end)
        elif operation is codes.SUBPATTERN:
            for end in self.ends(list(argument[3]), 0, at):
                yield from self.ends(items, number + 1, end)
        elif operation in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            yield from self.repeat(items, number, at, 0, operation is codes.MAX_REPEAT)
        elif operation is codes.AT:
            if at == len(self.text):
                yield from self.ends(items, number + 1, at)
        else:
            self.steps += 1
            if self.steps > 60_000:
                raise _TooMany
            if at < len(self.text) and self.takes(operation, argument, self.text[at]):
                yield from self.ends(items, number + 1, at + 1)

    def repeat(self, items: list[Any], number: int, at: int, done: int, greedy: bool) -> Iterator[int]:
        least, most, body = items[number][1]
        if not greedy and done >= least:
            yield from self.ends(items, number + 1, at)
        if done < most:
            for end in self.ends(list(body), 0, at):
                if end > at or done < least:
                    yield from self.repeat(items, number, end, done + 1, greedy)
        if greedy and done >= least:
            yield from self.ends(items, number + 1, at)

    @staticmethod
    def takes(operation: Any, argument: Any, character: str) -> bool:
        if operation is codes.LITERAL:
            return ord(character) == argument
        if operation is codes.IN:
            return any(what is codes.LITERAL and ord(character) == code for what, code in argument)
        return operation is codes.ANY


def _steps(pattern: str, text: str) -> int:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        return _Engine(pattern, text).run()
    finally:
        sys.setrecursionlimit(limit)


TEXTS = ["a", "b", "ab", "aab", "abb"]


def _grows(pattern: str) -> bool:
    """Whether eight times as long a text takes clearly more than eight times the steps."""
    for text in TEXTS:
        for tail in ("", "!"):
            try:
                short, long = _steps(pattern, text * 20 + tail), _steps(pattern, text * 160 + tail)
            except _TooMany:
                return True
            if long > 12 * short + 2500:
                return True
    return False


@pytest.mark.parametrize(
    "pattern", [r"(?:a|ab|b)*c", r"(?:a+)+c", r"(?:a?b?)*c", r".*.*c", r"a*b?a*c", r"(?:a*)*c", r".*a.*c"]
)
def test_the_counter_sees_what_grows(pattern: str) -> None:
    assert _grows(pattern) and pattern_fault(pattern)


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "c"])
_PATTERNS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "{1,3}", "{2,}"])).map(
            lambda parts: f"(?:{parts[0]}){parts[1]}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.tuples(_PATTERNS, st.sampled_from(["", "c", "$", "c$"])).map("".join))
def test_no_pattern_that_is_taken_grows_faster_than_the_line(pattern: str) -> None:
    assert pattern_fault(pattern) or not _grows(pattern)


@settings(max_examples=300, deadline=None)
@given(st.text("ab.*+?|()]{},1\\wdsS^$-", max_size=14))
def test_whatever_compiles_gets_an_answer(pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError):
        return
    assert pattern_fault(pattern) is None or isinstance(pattern_fault(pattern), str)
