# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns whose steps grow faster than a line are refused; those that people write for log lines are not."""

from __future__ import annotations

import re
from re import _parser  # type: ignore[attr-defined]

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

ENDLESS = [
    r"(a*)*b", r"(a+)+$", r"(a|ab|b)*c", r"(?:a?b?)*c", r"(\w+\s?)*x", r"(x+x+)+y", r"(?i)(A|aB|b)+c", r"(?s)(?:.|\n)*x", r"([a-z]+|\w)*!",
    r"(?:(?:\d+)?,?)+;", r"((ab)*)*c", r"(?:\S*\s*)*x", r"^(\w+\.?)+@",
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
