# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Task boundaries of a run: where it stands still until the story has acted, however fast the machine is, or is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rollout.scenario.story import Story, StoryError

CALLBACKS = Path(__file__).resolve().parent / "callback"
#: Only a run that hangs comes to this.
WITHIN_S = 1800.0
POLL_S = 0.05
STRUCK = "struck"


@dataclass(frozen=True)
class Boundary:
    """A task of a play; `nth`: its occurrence in that play of that run, from 1."""

    play: str
    task: str
    nth: int = 1

    @property
    def line(self) -> str:
        return f"{self.play}\t{self.task}\t{self.nth}"

    @classmethod
    def parsed(cls, line: str) -> Boundary:
        play, task, nth = line.split("\t")
        return cls(play, task, int(nth))

    def __str__(self) -> str:
        return f"{self.play} / {self.task}" + (f" #{self.nth}" if self.nth > 1 else "")


@dataclass(frozen=True)
class Met:
    """A boundary that a run came to, at an epoch second; `struck`: it was stopped or ended there."""

    place: Boundary
    at: float
    struck: bool = False


def look(play: str, number: int = 1, role: str = "watch") -> Boundary:
    """Before a look: its low-rate probe, its wait and its measuring are still to come. `role`: deploy between two batches."""
    return Boundary(play, f"cowboyai.rollout.{role} : Open the look", number)


def log_of(out: Path, label: str) -> Path:
    """Where a run writes down its boundaries."""
    return out / f"{label}.boundaries"


def met(out: Path, label: str) -> list[Met]:
    """The boundaries that a run came to, in order."""
    try:
        lines = log_of(out, label).read_text().split("\n")[:-1]
    except FileNotFoundError:
        return []
    found: list[Met] = []
    for line in lines:
        if line == STRUCK:
            found[-1] = Met(found[-1].place, found[-1].at, struck=True)
        else:
            at, _, place = line.partition("\t")
            found.append(Met(Boundary.parsed(place), float(at)))
    return found


class Run:
    """A playbook that runs, and stands still (SIGSTOP to its whole process group) at each of some places."""

    def __init__(self, story: Story, label: str, process: subprocess.Popen[bytes]) -> None:
        self.story, self.label, self.process = story, label, process

    def stands(self) -> Boundary | None:
        """Where it stands still now."""
        # A run that has ended is no longer there to be read.
        with contextlib.suppress(FileNotFoundError):
            state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "T":
                return next((each.place for each in reversed(met(self.story.out, self.label)) if each.struck), None)
        return None

    def comes_to(self, place: Boundary) -> None:
        """Wait until it stands there. StoryError when it ends before."""
        self.story.wait_for(
            f"{self.label} comes to {place}", lambda: self.stands() == place, self.process, within_s=WITHIN_S
        )

    def comes_to_or_ends(self, place: Boundary) -> bool:
        """Wait until it stands there (True), or has ended."""
        self.story.wait_for(
            f"{self.label} comes to {place} or ends",
            lambda: self.stands() == place or self.process.poll() is not None,
            within_s=WITHIN_S,
        )
        return self.process.poll() is None

    def goes_on(self) -> None:
        """From where it stands."""
        os.killpg(self.process.pid, signal.SIGCONT)

    def ends(self, within_s: float = WITHIN_S) -> int:
        """Wait until it has ended, past all places that nobody waits for any more; its exit status."""
        end = time.monotonic() + within_s
        while self.process.poll() is None:
            if self.stands():
                self.goes_on()
            if time.monotonic() > end:
                os.killpg(self.process.pid, signal.SIGUSR1)
                time.sleep(1.0)
                raise StoryError(
                    f"{self.label} had not ended after {within_s:g} s; where it was: {log_of(self.story.out, self.label)}.stacks"
                )
            time.sleep(POLL_S)
        return int(self.process.returncode)


def environment(log: Path, at: Sequence[Boundary], number: signal.Signals = signal.SIGSTOP) -> dict[str, str]:
    """What a run is told that writes its boundaries into `log`, and stands still (or gets another signal) at these places."""
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "boundary",
        "BOUNDARY_LOG": str(log),
        **({"BOUNDARY_AT": "\n".join(each.line for each in at), "BOUNDARY_SIGNAL": str(number.value)} if at else {}),
    }


@contextlib.contextmanager
def running(
    story: Story, label: str, playbook: str, at: Sequence[Boundary] = (), number: signal.Signals = signal.SIGSTOP, *,
    extra: dict[str, Any] | None = None, limit: str | None = None, env: dict[str, str] | None = None,
) -> Iterator[Run]:  # fmt: skip
    """A playbook that stands still at these places, or gets another signal there; at the end of the block it is waited for."""
    told = {**environment(log_of(story.out, label), at, number), **(env or {})}
    with story.running(label, playbook, extra=extra, limit=limit, env=told, deadline_s=WITHIN_S) as process:
        run = Run(story, label, process)
        yield run
        run.ends()
