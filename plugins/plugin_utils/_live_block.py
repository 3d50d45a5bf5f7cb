# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A block of lines at the end of a terminal's output that is rewritten in place, and makes room for whatever else is printed.

Action plugins run in forked workers that have no terminal; what they display is sent to the main process. So the main
process, in which the stdout callback lives, owns the screen: it decides once whether there is one, and takes over
`Display.display`. A worker displays a `LiveText`; anything else that is displayed takes the block away first.
No mode of the terminal is changed and its cursor stays visible, so that a run that is killed leaves nothing to mend.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, TextIO

UP, ERASE_LINE, ERASE_BELOW = "\x1b[{}A", "\x1b[K", "\x1b[J"
# Programs that give a run a terminal which nobody looks at: their logs are read as lines.
NO_ONE_LOOKS = ("CI", "AWX_ISOLATED_DATA_DIR", "RUNNER_OMIT_EVENTS")


class LiveText(str):
    """Lines for the block; the empty text takes it away."""

    __slots__ = ()


def cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(_cells_of(each) for each in text)


def _cells_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fitted(line: str, columns: int) -> str:
    """The line cut to less than `columns`, with a sign that it was: a full last column makes some terminals wrap."""
    room = max(columns - 1, 1)
    if cells(line) <= room:
        return line
    kept, used = [], 1
    for character in line:
        used += _cells_of(character)
        if used > room:
            break
        kept.append(character)
    return "".join(kept) + "…"


def laid_out(lines: list[str], columns: int, rows: int) -> list[str]:
    """What fits on the screen: the first lines, and how many are missing."""
    room = max(rows - 1, 1)
    if len(lines) > room:
        lines = [*lines[: room - 1], f"    … {len(lines) - room + 1} more lines; a taller window shows them"]
    return [fitted(line, columns) for line in lines]


def wants_block(out: Any, environment: Mapping[str, str]) -> bool:
    """Whether `out` is a terminal on which somebody looks at lines that move."""
    try:
        is_terminal = bool(out.isatty())
    except (AttributeError, ValueError):
        return False
    # An unset TERM says as little as a dumb one.
    able = environment.get("TERM", "dumb") not in ("", "dumb", "unknown")
    return is_terminal and able and not any(environment.get(name) for name in NO_ONE_LOOKS)


class LiveBlock:
    """The block on one terminal. `paint` colours a line that already fits; `size` gives columns and rows."""

    def __init__(
        self, out: TextIO, paint: Callable[[str], str] = str, size: Callable[[], tuple[int, int]] | None = None
    ) -> None:
        self._out, self._paint = out, paint
        self._size = size or self._terminal_size
        self._drawn: list[int] = []

    def _terminal_size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._out.fileno())
        except (OSError, ValueError):
            return 80, 24
        # A pseudo terminal that nobody has given a size to says 0.
        return size.columns or 80, size.lines or 24

    def show(self, lines: list[str]) -> None:
        """Draw the lines over the ones before, in one write, so that nothing flickers."""
        columns, rows = self._size()
        fitting = laid_out(lines, columns, rows)
        body = "".join(f"{self._paint(line)}{ERASE_LINE}\n" for line in fitting)
        self._write(f"{self._back(columns, rows)}{body}{ERASE_BELOW}")
        self._drawn = [cells(line) for line in fitting]

    def clear(self) -> None:
        """Take the block away; the cursor is where it began."""
        if self._drawn:
            self._write(f"{self._back(*self._size())}{ERASE_BELOW}")
            self._drawn = []

    def forget(self) -> None:
        """Something else has written to the terminal: what stands there stays there."""
        self._drawn = []

    def _back(self, columns: int, rows: int) -> str:
        # A window that was made narrower has wrapped the lines that were drawn for a wider one.
        height = sum(max(1, -(-width // columns)) for width in self._drawn)
        height = min(height, max(rows - 1, 0))
        # Typed characters may stand on the cursor's line.
        return "\r" + (UP.format(height) if height else "") if self._drawn else "\r"

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):
            # The terminal is gone; the run goes on.
            self._drawn = []


class Screen:
    """Stands in for `Display.display` in the main process while a run has a terminal."""

    def __init__(self, display: Any, block: LiveBlock, terminal: int) -> None:
        self._display, self._block, self._terminal = display, block, terminal
        self._before = display.display
        self._pid = os.getpid()
        self._lock = threading.RLock()

    def install(self) -> None:
        self._display.display = self.show
        atexit.register(self.clear)
        # After a stop (Ctrl-Z) the shell has written below the block.
        if signal.getsignal(signal.SIGCONT) is signal.SIG_DFL:
            signal.signal(signal.SIGCONT, lambda _number, _frame: self._block.forget())

    def show(self, msg: str, *arguments: Any, **options: Any) -> None:
        """As Display.display: a LiveText becomes the block, everything else is printed above where it was."""
        if os.getpid() != self._pid:
            # In a worker: the original sends it to the main process.
            self._before(msg, *arguments, **options)
            return
        with self._lock:
            if isinstance(msg, LiveText):
                if msg and self._in_foreground():
                    self._block.show(msg.split("\n"))
                else:
                    self._block.clear()
                return
            if not options.get("log_only"):
                self._block.clear()
            self._before(msg, *arguments, **options)

    def clear(self) -> None:
        if os.getpid() == self._pid:
            with self._lock:
                self._block.clear()

    def _in_foreground(self) -> bool:
        """A job in the background must not draw over what is in front."""
        try:
            return os.tcgetpgrp(self._terminal) == os.getpgrp()
        except OSError:
            return True


_screen: Screen | None = None


def take_screen(display: Any, out: TextIO, paint: Callable[[str], str]) -> None:
    """Once, in the main process, before any worker is forked: they inherit that there is a screen."""
    global _screen
    if _screen is None:
        _screen = Screen(display, LiveBlock(out, paint), out.fileno())
        _screen.install()


def on_screen() -> bool:
    """Whether the main process draws blocks."""
    return _screen is not None
