# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet of the campaign: runs wave 2 on it, strikes at a task boundary or at a moment on a host, and looks."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.campaign.faults import plan
from tests.rollout.scenario import plans
from tests.rollout.scenario.story import ROOT, Story, StoryError

OUT = ROOT / "build" / "faults"
CALLBACKS = Path(__file__).resolve().parent / "callback"
# A chain that begins late waits through most of a rollout in slow time.
RUN_WITHIN_S = 1200.0
#: Folders over which a case may lay a disk of its own.
COVERED = ("/opt/cim-dgx/configs/backups", "/opt/cim-dgx/configs", "/var/lib/cowboyai-rollout", "/var/log/journal")
#: systemd's message of a unit that is being stopped.
STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
#: 45 s without an answer end a connection in production; here that many seconds of two probes.
IMPATIENT = "-o ServerAliveInterval=3 -o ServerAliveCountMax=2 -o ConnectTimeout=5"


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
class Kill:
    """A signal to a run's process group when it comes to a boundary."""

    place: Boundary
    number: signal.Signals = signal.SIGKILL

    @property
    def case(self) -> str:
        return f"{self.number.name} at a task boundary"


@dataclass
class Ended:
    """How one start of the playbook ended. `struck_at`: epoch seconds of the strike; None when its place never came."""

    label: str
    status: int
    began_at: float
    ended_at: float
    struck_at: float | None


class Lane:
    """A fleet, and the story of the case that is acted on it."""

    def __init__(self, fleet: str) -> None:
        self.fleet = fleet
        self.story: Story
        self.extra: dict[str, Any] = {}
        self.runs: list[Ended] = []
        self.begun_at = 0.0
        self.struck_at = 0.0
        self.timers: list[threading.Timer] = []
        self.problems: list[str] = []
        self.primary = "first"

    # ------------------------------------------------------------ a case

    def begin(self, case: str, change: Any = None, scale: int = plan.SCALE) -> None:
        """A clean fleet and a clean folder. `change`: called with the plan before it is written; `scale`: of its time."""
        self.story = Story("faults", fleet=self.fleet, out=OUT / "cases" / case)
        for host in self.story.hosts:
            # A disk of the case before lies over a folder that is to be cleared.
            self.story.on(
                host, f"for d in {' '.join(COVERED)}; do while umount -l $d; do :; done; done 2>&1; true", check=False
            )
        self.story.tool("reset")
        content = plan.quick(len(self.story.hosts))
        if change:
            change(content)
        self.playbook = plan.playbook(self.story.out)
        path = plans.write(self.story.out, content)
        self.extra = {"rollout_plan": str(path), "rollout_time_scale": scale}
        self.runs, self.struck_at, self.problems, self.primary = [], 0.0, [], "first"
        self.story.look("before")
        self.begun_at = time.time()

    def ended(self, label: str) -> Ended:
        return next(run for run in self.runs if run.label == label)

    @property
    def hosts(self) -> list[str]:
        return self.story.hosts

    def finish(self) -> None:
        """What the hosts say at the end, and how often each unit was stopped since the case began."""
        self.story.look("after")
        self.story.note("stops", self.stops())
        self.story.note("runs", [vars(run) for run in self.runs])

    def stops(self) -> dict[str, int]:
        """instance -> times that its unit was stopped since the case began, from each host's journal."""
        found: dict[str, int] = {}
        # Not --after-cursor: with a match, journalctl may leave out the first entry that matches.
        script = f"journalctl MESSAGE_ID={STOPPING} -o json --output-fields=UNIT 2>/dev/null; true"
        for host in self.story.hosts:
            entries = [json.loads(line) for line in self.story.on(host, script).splitlines() if line.startswith("{")]
            units = [each["UNIT"] for each in entries if int(each["__REALTIME_TIMESTAMP"]) > self.begun_at * 1e6]
            for agent in plan.AGENTS:
                found[f"{agent}@{host}"] = units.count(self.story.unit.format(agent=agent))
        return found

    # ------------------------------------------------------------ runs

    def run(
        self, label: str, at: Boundary | None = None, number: signal.Signals = signal.SIGKILL, *,
        extra: dict[str, Any] | None = None, env: dict[str, str] | None = None, playbook: str = "",
    ) -> Ended:  # fmt: skip
        """Start the playbook and wait for its end; `at`: where the signal is sent to its process group."""
        with self.running(label, at, number, extra=extra, env=env, playbook=playbook) as process:
            try:
                process.wait(timeout=RUN_WITHIN_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGUSR1)
                time.sleep(1.0)
                raise StoryError(
                    f"{label} had not ended after {RUN_WITHIN_S:g} s; where it was: {self.boundaries(label)}.stacks"
                ) from None
        return self.runs[-1]

    @contextlib.contextmanager
    def running(
        self, label: str, at: Boundary | None = None, number: signal.Signals = signal.SIGKILL, *,
        extra: dict[str, Any] | None = None, env: dict[str, str] | None = None, playbook: str = "",
    ) -> Iterator[subprocess.Popen[bytes]]:  # fmt: skip
        log = self.boundaries(label)
        more = {
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "boundary",
            "ANSIBLE_SSH_ARGS": f"-o ControlMaster=auto -o ControlPersist=60s {IMPATIENT}",
            "BOUNDARY_LOG": str(log),
            **({"BOUNDARY_AT": at.line, "BOUNDARY_SIGNAL": str(number.value)} if at else {}),
            **(env or {}),
        }
        began_at = time.time()
        with self.story.running(
            label,
            playbook or str(self.playbook),
            extra={**self.extra, **(extra or {})},
            deadline_s=RUN_WITHIN_S + 10,
            env=more,
        ) as process:
            yield process
        self.runs.append(Ended(label, int(process.returncode), began_at, time.time(), self.struck(label)))

    def boundaries(self, label: str) -> Path:
        return self.story.out / f"{label}.boundaries"

    def struck(self, label: str) -> float | None:
        """When the strike of a run was made."""
        try:
            lines = self.boundaries(label).read_text().splitlines()
        except FileNotFoundError:
            return None
        if "struck" not in lines:
            return None
        return float(lines[lines.index("struck") - 1].split("\t")[0])

    def met(self, label: str) -> list[Boundary]:
        """The boundaries that a run came to, in order."""
        lines = self.boundaries(label).read_text().splitlines()
        return [Boundary.parsed(line.partition("\t")[2]) for line in lines if line != "struck"]

    def stopped_at(self, label: str, process: subprocess.Popen[bytes]) -> None:
        """Wait until a run that is to be stopped (SIGSTOP) at its boundary is."""

        def stopped() -> bool:
            # A run that has ended is no longer there to be read: `wait_for` says so.
            with contextlib.suppress(FileNotFoundError):
                return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
            return False

        self.story.wait_for(f"{label} comes to its boundary", stopped, process, within_s=RUN_WITHIN_S)

    # ------------------------------------------------------------ moments

    def strike(self) -> None:
        """Note that the fault begins now."""
        self.struck_at = time.time()

    def later(self, seconds: float, what: Callable[[Lane], None]) -> None:
        """Do something in so many seconds, whatever the run does meanwhile; `settled` waits for it."""
        timer = threading.Timer(seconds, what, (self,))
        timer.start()
        self.timers.append(timer)

    def settled(self) -> None:
        """All that was to be done later is done."""
        while self.timers:
            self.timers.pop().join()

    @contextlib.contextmanager
    def running_until(self, at: Boundary, label: str = "first", **more: Any) -> Iterator[subprocess.Popen[bytes]]:
        """A run that stands still at a boundary; it goes on when the block ends, and is waited for."""
        with self.running(label, at, signal.SIGSTOP, **more) as process:
            self.stopped_at(label, process)
            yield process
            os.killpg(process.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def change_of(self, host: str, agent: str) -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
        """Gives a function that waits until the agent's environment file is another file than at the block's begin."""
        path = self.story.env_file.format(agent=agent)
        seen = f"$(stat -c %i.%Y {path})"
        watch = f'was="{seen}"; while [ "{seen}" = "$was" ]; do sleep 0.005; done'
        command = ["docker", "exec", self.container(host), "sh", "-c", watch]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as watching:

            def wait(process: subprocess.Popen[bytes]) -> None:
                what = f"{agent} is changed on {host}"
                self.story.wait_for(what, lambda: watching.poll() is not None, process, within_s=RUN_WITHIN_S)

            try:
                yield wait
            finally:
                watching.kill()

    # ------------------------------------------------------------ containers

    def container(self, host: str) -> str:
        return self.story.fleet.container(host)

    def engine(self, *words: str) -> None:
        """A command of Docker's, such as pause."""
        done = subprocess.run(["docker", *words], check=False, capture_output=True, timeout=60)
        if done.returncode:
            raise StoryError(f"docker {' '.join(words)}: {done.stderr.decode(errors='replace').strip()}")

    def cut(self, host: str) -> None:
        """Off its network: no SSH, no NATS, nothing."""
        self.engine("network", "disconnect", "--force", self.story.fleet.network, self.container(host))

    def join(self, host: str) -> None:
        address = self.story.addresses[host]
        self.engine(
            "network", "connect", "--ip", address, "--alias", host, self.story.fleet.network, self.container(host)
        )
