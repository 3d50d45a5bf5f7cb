# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever line comes: no shape raises, each line is counted once, and the work grows no faster than the line."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_log, _log_reading
from hypothesis import given, settings
from hypothesis import strategies as st

PIECES = [
    "2026-01-23T17:00:00.1Z", "17:00:00", "5:00PM", "Jan 23", "[", "]", "(", ")", "<", ">", "{", "}", "ERROR", "error", "INFO", "info",
    "E", "E0123 17:00:00.1 12 a.go:1]", "level=", "level=error", '"level":', '"error"', "{\"level\":\"error\"", ":", " - ", "|", "\t", "  ",
    "=", '"', "\\", "'", "\n", "\r", "\x1b[31m", "\x1b", "panic: ", "Traceback (most recent call last):", "  File \"a\", line 1", "    at a.B(C.java:1)",
    "agent.runtime", "host agent[1]: ", "12345", "<3>", "1.5", "\ufffd", "\x00", "é", "٣", "²", "Error:", "goroutine 1 [running]:", "\ufeff",
]  # fmt: skip
LINE = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
READINGS = [_log_reading.reading_from({"shape": name}) for name in _log_reading.NAMES] + [
    _log_reading.reading_from(
        {"shape": "json", "keys": {"level": ["sev"], "message": ["text"]}, "levels": {"7": "error"}}
    ),
    _log_reading.reading_from({"shape": "logfmt", "keys": {"level": ["sev"]}}),
    _log_reading.reading_from({"pattern": r"(?P<level>\w+)?(?P<message>.*)", "harmless": [{"name": "x", "line": "a"}]}),
]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(READINGS),
    st.lists(st.tuples(LINE, st.one_of(st.none(), st.integers(-1, 9)), st.booleans()), max_size=8),
)
def test_no_line_raises_and_each_is_counted_once(reading: Any, lines: list[tuple[str, int | None, bool]]) -> None:
    counted = _agent_log.Tally(["a"], 60.0, reading)
    for number, (text, priority, damaged) in enumerate(lines):
        counted.add(text, damaged, 10**15 + number * 700_000, "one", priority)
    shown = counted.as_dict(50)
    known = sum(each["count"] for each in shown["harmless"].values()) + sum(counted.shapes.values())
    assert shown["lines"] == len(lines) == known + shown["continued"] + shown["unparsed"] + shown["unreadable"]
    assert sum(kind["count"] for kind in shown["kinds"]) == shown["errors"] + shown["warnings"]
    assert shown["panics"] <= shown["errors"]


def _calls(reading: _log_reading.Reading, text: str) -> int:
    """How many functions are called to read a line, those of C included."""
    count = 0

    def see(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        reading.read(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "piece", [*PIECES, "[a]", "a= ", 'a="x" ', '{"a":', "level=info x ", "a.b.c ", "x: ", "[12:00:00 ", "a|"]
)
@pytest.mark.parametrize("reading", READINGS[:1] + READINGS[-3:], ids=["auto", "json", "logfmt", "pattern"])
def test_the_work_grows_no_faster_than_the_line(reading: Any, piece: str) -> None:
    """Each pattern takes steps in proportion to the line (test_steady_pattern.py): so it is enough to count how often one is used."""
    short, long = _calls(reading, piece * 200), _calls(reading, piece * 800)
    assert long <= 4 * short + 50
