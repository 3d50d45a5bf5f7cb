# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command into a log file, with a deadline, and leave no process of it behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "logs"
RESULTS = ROOT / "build" / "results"

_running: set[int] = set()
_leaving: list[bool] = []
# The handler of a signal may come while the main thread holds it.
_lock = threading.RLock()


@dataclass(frozen=True)
class Finished:
    """How a command ended: `status` is its exit status, or None when the deadline ended it."""

    argv: tuple[str, ...]
    status: int | None
    seconds: float
    log: Path

    @property
    def good(self) -> bool:
        return self.status == 0

    def why(self) -> str:
        """One line for people: how it ended."""
        if self.status is None:
            return f"stopped at its deadline after {self.seconds:.0f} s"
        return f"exit status {self.status}"

    def tail(self, lines: int = 40) -> str:
        """The last lines of the log, indented."""
        text = self.log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
        return "\n".join("    " + line for line in text[-lines:])


def environment(**more: str) -> dict[str, str]:
    """The environment of all checks: tools of .venv first, plain output, no questions."""
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join([str(ROOT / ".venv" / "bin"), env.get("PATH", os.defpath)])
    env.update({"NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1", "PY_COLORS": "0"})
    # Colour forced from outside would end up in the logs.
    for name in ("FORCE_COLOR", "ANSIBLE_FORCE_COLOR", "PYTHONPATH"):
        env.pop(name, None)
    env.update(more)
    return env


def run(
    argv: Sequence[str | Path],
    *,
    log: Path,
    deadline_s: float,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Run `argv` in a process group of its own, stdin closed, all output in `log`.

    A command that is still running after `deadline_s` seconds is ended with its whole group.
    A command that can't be started counts as one that failed with status 127.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    words = tuple(str(word) for word in argv)
    started = time.monotonic()
    with log.open("wb") as sink:
        try:
            # Under the lock, so that an interruption either sees this command or keeps it from starting.
            with _lock:
                if _leaving:
                    return Finished(words, None, 0.0, log)
                process = subprocess.Popen(
                    words,
                    cwd=cwd,
                    env=dict(env) if env is not None else environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                _running.add(process.pid)
        except OSError as error:
            sink.write(f"cannot start {words[0]}: {error}\n".encode())
            return Finished(words, 127, time.monotonic() - started, log)
        try:
            status: int | None = process.wait(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            # Longer than the grace below: a command that has commands of its own ends those first.
            _end_group(process.pid, grace_s=20.0)
            process.wait()
            status = None
        finally:
            with _lock:
                _running.discard(process.pid)
    return Finished(words, status, time.monotonic() - started, log)


def end_all_on_signals(advice: str = "") -> None:
    """For a main program: on ctrl-c or SIGTERM end what `run` has under way, say so with `advice`, and leave with 130.

    Every command has a session of its own, so neither signal reaches it otherwise.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        with _lock:
            _leaving.append(True)
            groups = list(_running)
        for group in groups:
            _end_group(group, grace_s=5.0)
        print(f"\ninterrupted by {signal.Signals(number).name}{': ' if advice else ''}{advice}", flush=True)
        # Other threads still wait for their commands: leave at once, everything they started is gone.
        os._exit(130)

    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)


def _end_group(group: int, grace_s: float) -> None:
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 0.0)):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        give_up = time.monotonic() + wait_s
        while time.monotonic() < give_up:
            try:
                # The leader stays a zombie until its waiter collects it, so ask for the state and not for the id.
                state = Path(f"/proc/{group}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
            except (OSError, IndexError):
                break
            if state == "Z":
                break
            time.sleep(0.1)
