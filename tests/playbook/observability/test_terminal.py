# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a waiting run shows: one block on a terminal, rewritten in place, and plain lines everywhere else."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.playbook.observability.ledgers import ROOT, Told
from tests.playbook.observability.terminal import Terminal, command, environment

COUNTDOWN = re.compile(r"look: in (\d+)s")
SAID = re.compile(r"waiting for checkpoint T\+6h until \S+ \S+ \(.*\); last: 6 of 6 well, errors 0")
ESCAPE = b"\x1b["


@pytest.fixture
def monitoring(tmp_path: Path) -> Path:
    """A rollout between two checkpoints, with readings and an open alert."""
    folder = tmp_path / "monitoring"
    Told(folder, start=datetime.now(UTC) - timedelta(hours=3, minutes=10)).between_checkpoints()
    return folder


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def counts(terminal: Terminal) -> list[int]:
    """The countdown of every block that is to be seen; none while one is being drawn, which ends with erasing what is below."""
    drawn = terminal.raw.endswith(b"\x1b[J")
    return [int(each) for each in COUNTDOWN.findall(terminal.text())] if drawn else []


def is_waiting(terminal: Terminal) -> bool:
    return bool(counts(terminal))


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (46, 14)])
def test_one_block_is_rewritten_and_leaves_nothing_behind(
    tmp_path: Path, monitoring: Path, terminals: list[Terminal], columns: int, rows: int
) -> None:
    log = tmp_path / "ansible.log"
    terminal = Terminal(command(tmp_path, monitoring, 5), columns, rows, ANSIBLE_LOG_PATH=str(log))
    terminals.append(terminal)
    assert terminal.until(is_waiting)
    (first,) = counts(terminal)
    block = terminal.lines()
    start = next(number for number, line in enumerate(block) if line.startswith("wave2  IN PROGRESS"))
    labels = [line[:13].strip() for line in block[start:] if line.startswith("  ") and line[2:3].strip()]
    assert labels[:5] == ["now", "waiting", "next", "instances", "alerts"]
    assert any(re.match(r"    WARNING +system_load", line) for line in block), terminal.text()
    if rows > 30:
        # Every reading with its threshold, trouble on top.
        assert [line.split()[0] for line in block if re.match(r"    (ALERT|ok|\?) ", line)][:2] == ["ALERT", "?"]
        assert any(re.match(r"    ok +latency_p99 +12.3 ms +wanted below 200ms", line) for line in block)
    else:
        assert "more lines; a taller window" in terminal.text()
    assert terminal.until(lambda seen: counts(seen) not in ([], [first]))
    # Rewritten, not repeated: neither on the screen nor above it.
    assert terminal.everything().count("wave2  IN PROGRESS") == 1
    assert terminal.ended() == 0
    left = terminal.everything()
    assert "IN PROGRESS" not in left and "look: in" not in left
    assert left.index("changed") < left.rindex("changed")
    assert terminal.screen.cursor.x == 0
    logged = log.read_text()
    assert "\x1b" not in logged and "IN PROGRESS" not in logged
    assert len(SAID.findall(logged)) == 1


def test_a_window_that_changes_its_size_is_drawn_anew(
    tmp_path: Path, monitoring: Path, terminals: list[Terminal]
) -> None:
    terminal = Terminal(command(tmp_path, monitoring, 6), 120, 40)
    terminals.append(terminal)
    assert terminal.until(is_waiting)
    (before,) = counts(terminal)
    terminal.resize(160, 12)
    assert terminal.until(lambda seen: counts(seen) not in ([], [before]) and "taller window" in seen.text())
    assert terminal.ended() == 0
    assert "look: in" not in terminal.text()


def test_ctrl_c_leaves_a_clean_screen(tmp_path: Path, monitoring: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(command(tmp_path, monitoring, 60))
    terminals.append(terminal)
    assert terminal.until(is_waiting)
    terminal.press(b"\x03")
    assert terminal.ended() != 0
    left = [line for line in terminal.everything().splitlines() if line]
    assert left[-1].startswith("[ERROR]: User interrupted execution"), left
    assert not any("IN PROGRESS" in line or "look: in" in line for line in left)
    assert terminal.screen.cursor.x == 0


def test_what_else_is_printed_meanwhile_stands_above_the_block(
    tmp_path: Path, monitoring: Path, terminals: list[Terminal]
) -> None:
    """A rollback in another terminal ends the wait; its line takes the block's place."""
    terminal = Terminal(command(tmp_path, monitoring, 60))
    terminals.append(terminal)
    assert terminal.until(is_waiting)
    Told(monitoring, start=datetime.now(UTC), run="other").gate("checkpoint", "T+6h", "rollback", why="latency")
    terminal.ended()
    assert "no longer waiting: wave2 is to be rolled back: latency" in terminal.everything()
    assert "look: in" not in terminal.everything()


def test_no_color_keeps_the_block_and_drops_colours(
    tmp_path: Path, monitoring: Path, terminals: list[Terminal]
) -> None:
    terminal = Terminal(command(tmp_path, monitoring, 3), NO_COLOR="1")
    terminals.append(terminal)
    assert terminal.until(is_waiting)
    assert terminal.ended() == 0
    assert not re.search(rb"\x1b\[[0-9;]*m", terminal.raw)


def test_verdicts_are_coloured_otherwise(tmp_path: Path, monitoring: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(command(tmp_path, monitoring, 3))
    terminals.append(terminal)
    assert terminal.until(is_waiting)
    assert re.search(rb"\x1b\[[0-9;]+mok\x1b\[0m +error_rate", terminal.raw)
    assert terminal.ended() == 0


@pytest.mark.parametrize(
    "setting", [{"TERM": "dumb"}, {"CI": "true"}, {"ROLLOUT_LIVE": "false"}, {"ANSIBLE_STDOUT_CALLBACK": "default"}]
)
def test_where_no_one_looks_it_is_a_line(
    tmp_path: Path, monitoring: Path, terminals: list[Terminal], setting: dict[str, str]
) -> None:
    terminal = Terminal(command(tmp_path, monitoring, 2), 200, **setting)
    terminals.append(terminal)
    assert terminal.ended() == 0
    assert len(SAID.findall(terminal.everything())) == 1
    assert b"\x1b[K" not in terminal.raw and b"\x1b[J" not in terminal.raw
    assert "IN PROGRESS" not in terminal.everything()


def test_a_pipe_gets_lines_and_no_control_sequence(tmp_path: Path, monitoring: Path) -> None:
    words = command(tmp_path, monitoring, 2)
    done = subprocess.run(
        words, cwd=ROOT, env=environment(TERM="xterm-256color"), capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout.decode()
    assert ESCAPE not in done.stdout + done.stderr
    assert len(SAID.findall(done.stdout.decode())) == 1
