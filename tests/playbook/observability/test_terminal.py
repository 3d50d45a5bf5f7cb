# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a waiting run shows: one block on a terminal, rewritten in place, and plain lines everywhere else."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.module.nats.servers import HANGS_S
from tests.playbook.observability.ledgers import ROOT, Told
from tests.playbook.observability.terminal import Terminal, answer, command, environment

COUNTDOWN = re.compile(r"look: in (\w+)")
SAID = re.compile(r"waiting for checkpoint T\+6h until \S+ \S+ \(.*\); last: 6 of 6 well, errors 0")
ESCAPE = b"\x1b["


def waiting(folder: Path) -> Path:
    """A rollout between two checkpoints, with readings and an open alert."""
    Told(folder, start=datetime.now(UTC) - timedelta(hours=3, minutes=10)).between_checkpoints()
    return folder


@pytest.fixture
def monitoring(tmp_path: Path) -> Path:
    return waiting(tmp_path / "monitoring")


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def counts(terminal: Terminal) -> list[str]:
    """The countdown of every block that is to be seen; none while one is being drawn, which ends with erasing what is below."""
    drawn = terminal.raw.endswith(b"\x1b[J")
    return COUNTDOWN.findall(terminal.text()) if drawn else []


def is_waiting(terminal: Terminal) -> bool:
    return bool(counts(terminal))


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (46, 14)])
def test_one_block_is_rewritten_and_leaves_nothing_behind(
    tmp_path: Path, monitoring: Path, terminals: list[Terminal], columns: int, rows: int
) -> None:
    log = tmp_path / "ansible.log"
    terminal = Terminal(command(tmp_path, monitoring), columns, rows, ANSIBLE_LOG_PATH=str(log))
    terminals.append(terminal)
    assert terminal.until(is_waiting)
    (first,) = counts(terminal)
    block = terminal.lines()
    start = next(number for number, line in enumerate(block) if line.startswith("wave2  IN PROGRESS"))
    labels = [line[:13].strip() for line in block[start:] if line.startswith("  ") and line[2:3].strip()]
    assert labels[:5] == ["now", "waiting", "next", "instances", "alerts"]
    assert any(re.match(r"    WARNING +system_load", line) for line in block), terminal.text()
    if rows > 30:
        # Every reading with its threshold, trouble on top; verdicts in colours.
        assert [line.split()[0] for line in block if re.match(r"    (ALERT|ok|\?) ", line)][:2] == ["ALERT", "?"]
        assert any(re.match(r"    ok +latency_p99 +12.3 ms +wanted below 200ms", line) for line in block)
        assert re.search(rb"\x1b\[[0-9;]+mok\x1b\[0m +error_rate", terminal.raw)
    else:
        assert "more lines; a taller window" in terminal.text()
    assert terminal.until(lambda seen: counts(seen) not in ([], [first]))
    # Rewritten, not repeated: neither on the screen nor above it.
    assert terminal.everything().count("wave2  IN PROGRESS") == 1
    if rows > 30:
        # A window that changes its size is drawn anew.
        (before,) = counts(terminal)
        terminal.resize(160, 12)
        assert terminal.until(lambda seen: counts(seen) not in ([], [before]) and "taller window" in seen.text())
        assert "look: in" in terminal.text()
    answer(monitoring)
    assert terminal.ended() == 0
    left = terminal.everything()
    assert "look: in" not in terminal.text()
    if rows < 30:
        assert "IN PROGRESS" not in left and "look: in" not in left
        assert left.index("changed") < left.rindex("changed")
    assert terminal.screen.cursor.x == 0
    logged = log.read_text()
    assert "\x1b" not in logged and "IN PROGRESS" not in logged
    assert len(SAID.findall(logged)) == 1


def interrupted(tmp_path: Path, monitoring: Path, terminals: list[Terminal]) -> Terminal:
    """Ctrl-C in a run that ends by itself. Now and then a worker dies with a lock of ansible-core: see tests/playbook/interrupt."""
    for _time in range(5):
        # Without colours, as somebody asked for who has the block all the same.
        terminal = Terminal(command(tmp_path, monitoring), NO_COLOR="1")
        terminals.append(terminal)
        assert terminal.until(is_waiting)
        terminal.press(b"\x03")
        assert terminal.ended() != 0
        if b"did not end by itself" not in terminal.raw:
            return terminal
    raise AssertionError("five interrupted runs in a row did not end by themselves")


def test_ctrl_c_leaves_a_clean_screen(tmp_path: Path, monitoring: Path, terminals: list[Terminal]) -> None:
    terminal = interrupted(tmp_path, monitoring, terminals)
    left = [line for line in terminal.everything().splitlines() if line]
    assert left[-1].startswith("[ERROR]: User interrupted execution"), left
    assert not any("IN PROGRESS" in line or "look: in" in line for line in left)
    assert terminal.screen.cursor.x == 0
    assert not re.search(rb"\x1b\[[0-9;]*m", terminal.raw)


def test_what_else_is_printed_meanwhile_stands_above_the_block(
    tmp_path: Path, monitoring: Path, terminals: list[Terminal]
) -> None:
    """A rollback in another terminal ends the wait; its line takes the block's place."""
    terminal = Terminal(command(tmp_path, monitoring))
    terminals.append(terminal)
    assert terminal.until(is_waiting)
    Told(monitoring, start=datetime.now(UTC), run="other").gate("checkpoint", "T+6h", "rollback", why="latency")
    terminal.ended()
    assert "no longer waiting: wave2 is to be rolled back: latency" in terminal.everything()
    assert "look: in" not in terminal.everything()


# ---------------------------------------------------------------- where no one looks

PLAIN = {
    "dumb": {"TERM": "dumb"},
    "CI": {"CI": "true"},
    "turned off": {"ROLLOUT_LIVE": "false"},
    "another callback": {"ANSIBLE_STDOUT_CALLBACK": "default"},
}


@dataclass
class Plain:
    """What came of a run that shows no block: all that it wrote, and what a screen has of it."""

    status: int
    raw: bytes
    text: str


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Plain]]:
    """Side by side, since each of them only waits; `a pipe` is no terminal at all."""
    folders = {name: tmp_path_factory.mktemp("plain") for name in (*PLAIN, "a pipe")}
    for folder in folders.values():
        waiting(folder / "monitoring")
    words = {name: command(folder, folder / "monitoring") for name, folder in folders.items()}
    terminals = {name: Terminal(words[name], 200, **setting) for name, setting in PLAIN.items()}
    pipe = subprocess.Popen(
        words["a pipe"],
        cwd=ROOT,
        env=environment(TERM="xterm-256color"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert pipe.stdout is not None
        for name, terminal in terminals.items():
            assert terminal.until(lambda seen: bool(SAID.search(seen.everything()))), terminal.text()
            answer(folders[name] / "monitoring")
        begun = b""
        while not SAID.search(begun.decode()):
            line = pipe.stdout.readline()
            assert line, begun
            begun += line
        answer(folders["a pipe"] / "monitoring")
        found = {name: Plain(each.ended(), each.raw, each.everything()) for name, each in terminals.items()}
        rest = pipe.stdout.read()
        written = begun + rest
        yield {**found, "a pipe": Plain(pipe.wait(HANGS_S), written, written.decode())}
    finally:
        for terminal in terminals.values():
            terminal.close()
        pipe.kill()
        pipe.communicate()


@pytest.mark.parametrize("name", [*PLAIN, "a pipe"])
def test_where_no_one_looks_it_is_a_line(plain: dict[str, Plain], name: str) -> None:
    run = plain[name]
    assert run.status == 0, run.text
    assert len(SAID.findall(run.text)) == 1
    assert b"\x1b[K" not in run.raw and b"\x1b[J" not in run.raw
    assert "IN PROGRESS" not in run.text


def test_a_pipe_gets_no_control_sequence(plain: dict[str, Plain]) -> None:
    assert ESCAPE not in plain["a pipe"].raw
