# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands end when they should, with all they started, and what they said is kept."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.quality.command import run


def test_status_and_words_are_kept(tmp_path: Path) -> None:
    finished = run(["sh", "-c", "echo out; echo err >&2; exit 3"], log=tmp_path / "log", deadline_s=10)
    assert (finished.status, finished.good, finished.why()) == (3, False, "exit status 3")
    assert finished.tail() == "    out\n    err"


def test_nobody_can_be_asked(tmp_path: Path) -> None:
    assert run(["sh", "-c", "read answer"], log=tmp_path / "log", deadline_s=10).status == 1


def test_a_command_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    finished = run([tmp_path / "none"], log=tmp_path / "log", deadline_s=10)
    assert finished.status == 127
    assert "cannot start" in finished.tail()


def test_the_deadline_ends_the_whole_group(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > '{tmp_path}/child'; wait"
    started = time.monotonic()
    finished = run(["sh", "-c", script], log=tmp_path / "log", deadline_s=0.5)
    assert finished.status is None
    assert finished.why().startswith("stopped at its deadline")
    assert time.monotonic() - started < 20
    child = int((tmp_path / "child").read_text())
    give_up = time.monotonic() + 5
    while _alive(child) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not _alive(child)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
