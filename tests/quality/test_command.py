# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands end when they should, with all they started, and what they said is kept."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.quality.command import run
from tests.unit.plugins.paused_time import HANGS_S


def test_status_and_words_are_kept(tmp_path: Path) -> None:
    finished = run(["sh", "-c", "echo out; echo err >&2; exit 3"], log=tmp_path / "log", deadline_s=HANGS_S)
    assert (finished.status, finished.good, finished.why()) == (3, False, "exit status 3")
    assert finished.tail() == "    out\n    err"


def test_nobody_can_be_asked(tmp_path: Path) -> None:
    assert run(["sh", "-c", "read answer"], log=tmp_path / "log", deadline_s=HANGS_S).status == 1


def test_a_command_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    finished = run([tmp_path / "none"], log=tmp_path / "log", deadline_s=HANGS_S)
    assert finished.status == 127
    assert "cannot start" in finished.tail()


def test_the_deadline_ends_the_whole_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "child"

    class Late(subprocess.Popen[bytes]):
        """Comes to its deadline when it has said which child it has."""

        def wait(self, timeout: float | None = None) -> int:
            if timeout is None:
                return super().wait()
            until(lambda: told.exists() and told.read_text().endswith("\n"))
            raise subprocess.TimeoutExpired(self.args, timeout)

    monkeypatch.setattr("tests.quality.command.subprocess.Popen", Late)
    finished = run(["sh", "-c", f"sleep 300 & echo $! > '{told}'; wait"], log=tmp_path / "log", deadline_s=5.0)
    assert finished.status is None
    assert finished.why().startswith("stopped at its deadline")
    until(lambda: not _alive(int(told.read_text())))


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + HANGS_S
    while not condition():
        assert time.monotonic() < give_up, "it never came"
        time.sleep(0.01)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
