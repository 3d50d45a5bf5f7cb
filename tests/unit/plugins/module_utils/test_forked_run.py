# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forked work: the result comes back, the child never stays behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._forked_run import ForkedRun

from tests.unit.plugins.paused_time import HANGS_S


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_result_comes_back_even_when_it_is_larger_than_a_pipe() -> None:
    child = ForkedRun(lambda alive: {"alive": alive(), "big": "x" * 300_000})
    pid = child._pid
    child.go()
    found = child.result(HANGS_S)
    assert found is not None and found["alive"] is True and len(found["big"]) == 300_000
    assert gone(pid)


def test_a_child_that_does_not_end_is_ended(tmp_path: Path) -> None:
    def sleep(_alive: Callable[[], bool]) -> dict[str, object]:
        time.sleep(HANGS_S)
        (tmp_path / "ended by itself").touch()
        return {}

    child = ForkedRun(sleep)
    pid = child._pid
    child.go()
    assert child.result(0.05) is None
    assert gone(pid) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_a_child_that_dies_gives_no_result(error: BaseException) -> None:
    def die(_alive: Callable[[], bool]) -> dict[str, object]:
        raise error

    child = ForkedRun(die)
    child.go()
    assert child.result(HANGS_S) is None


def test_without_go_nothing_is_done(tmp_path: os.PathLike[str]) -> None:
    trace = os.path.join(tmp_path, "trace")

    def work(_alive: Callable[[], bool]) -> dict[str, object]:
        with open(trace, "w") as handle:
            handle.write("done")
        return {}

    child = ForkedRun(work)
    child.stop()
    child.stop()
    assert not os.path.exists(trace)
