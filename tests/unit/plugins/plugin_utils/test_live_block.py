# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The block on a terminal: it fits, it is rewritten where it stands, and it makes room for everything else."""

from __future__ import annotations

import io
import os
import pickle
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._live_block import (
    LiveBlock,
    LiveText,
    Screen,
    cells,
    fitted,
    laid_out,
    wants_block,
)
from hypothesis import given
from hypothesis import strategies as st


class Out(io.StringIO):
    """A terminal that keeps what was written since it was last asked."""

    def isatty(self) -> bool:
        return True

    def taken(self) -> str:
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


class Shown:
    """What Display.display was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def display(self, msg: str, color: str | None = None, **options: Any) -> None:
        self.calls.append((msg, options))


def block(columns: int = 20, rows: int = 10) -> tuple[LiveBlock, Out, list[int]]:
    size = [columns, rows]
    out = Out()
    return LiveBlock(out, size=lambda: (size[0], size[1])), out, size


def test_the_second_block_is_drawn_over_the_first() -> None:
    made, out, _size = block()
    made.show(["one", "two"])
    assert out.taken() == "\rone\x1b[K\ntwo\x1b[K\n\x1b[J"
    made.show(["three"])
    assert out.taken() == "\r\x1b[2Athree\x1b[K\n\x1b[J"
    made.clear()
    assert out.taken() == "\r\x1b[1A\x1b[J"
    made.clear()
    assert out.taken() == ""


def test_lines_that_a_narrower_window_has_wrapped_are_counted() -> None:
    made, out, size = block(20)
    made.show(["x" * 19, "y" * 11, "z"])
    out.taken()
    size[0] = 10
    made.clear()
    assert out.taken() == "\r\x1b[5A\x1b[J"


def test_a_shorter_window_is_not_left_at_its_top() -> None:
    made, out, size = block(20, 30)
    made.show(["x"] * 20)
    out.taken()
    size[1] = 6
    made.show(["x"] * 20)
    text = out.taken()
    assert text.startswith("\r\x1b[5A") and text.count("\n") == 5
    assert "16 more lines" not in text and "… 16 mo" in text


def test_what_else_was_written_is_not_erased() -> None:
    made, out, _size = block()
    made.show(["one"])
    made.forget()
    out.taken()
    made.clear()
    assert out.taken() == ""


def test_a_terminal_that_is_gone_does_no_harm() -> None:
    made, out, _size = block()
    out.close()
    made.show(["one"])
    made.clear()


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]))),
    st.integers(1, 200),
    st.integers(1, 60),
)
def test_what_is_laid_out_fits(lines: list[str], columns: int, rows: int) -> None:
    kept = laid_out(lines, columns, rows)
    assert len(kept) <= max(rows - 1, 1)
    assert all(cells(line) <= max(columns - 1, 1) for line in kept)


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("short", 10, "short"),
        ("exactly 9", 10, "exactly 9"),
        ("exactly 10", 10, "exactly …"),
        ("漢字漢字", 6, "漢字…"),
        ("e\u0301" * 3, 4, "e\u0301" * 3),
    ],
)
def test_lines_are_cut_by_what_they_take_on_the_screen(text: str, columns: int, expected: str) -> None:
    assert fitted(text, columns) == expected


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({}, False),
        ({"TERM": "xterm", "CI": "true"}, False),
        ({"TERM": "xterm", "AWX_ISOLATED_DATA_DIR": "/runner"}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True),
    ],
)
def test_who_looks_at_moving_lines(environment: dict[str, str], wanted: bool) -> None:
    assert wants_block(Out(), environment) is wanted
    assert wants_block(io.StringIO(), environment) is False


def test_a_message_takes_the_block_away_first() -> None:
    made, out, _size = block()
    display = Shown()
    screen = Screen(display, made, -1)
    original = display.display
    screen.show(LiveText("one\ntwo"), screen_only=True)
    assert display.calls == [] and out.taken().count("\n") == 2
    screen.show("for the log", log_only=True)
    assert out.taken() == "", "what is not shown moves nothing"
    screen.show("said", color="red")
    assert out.taken() == "\r\x1b[2A\x1b[J"
    assert [call[0] for call in display.calls] == ["for the log", "said"]
    screen.show(LiveText("one"), screen_only=True)
    out.taken()
    screen.show(LiveText(""), screen_only=True)
    assert out.taken() == "\r\x1b[1A\x1b[J"
    assert display.display == original


def test_a_worker_sends_what_it_shows_instead_of_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    made, out, _size = block()
    display = Shown()
    screen = Screen(display, made, -1)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    screen.show(LiveText("one"), screen_only=True)
    screen.clear()
    assert out.taken() == ""
    assert display.calls == [("one", {"screen_only": True})]


def test_the_kind_of_text_survives_the_way_to_the_main_process() -> None:
    sent = pickle.loads(pickle.dumps(LiveText("one\ntwo")))
    assert isinstance(sent, LiveText) and sent == "one\ntwo"
