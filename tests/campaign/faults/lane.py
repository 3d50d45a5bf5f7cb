# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet of the campaign: runs wave 2 on it, strikes at a task boundary or at a moment on a host, and looks."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.campaign.faults import plan
from tests.rollout.scenario import boundaries, plans
from tests.rollout.scenario.boundaries import Boundary, Run
from tests.rollout.scenario.story import ROOT, Story, StoryError

OUT = ROOT / "build" / "faults"
#: Folders over which a case may lay a disk of its own.
COVERED = ("/opt/cim-dgx/configs/backups", "/opt/cim-dgx/configs", "/var/lib/cowboyai-rollout", "/var/log/journal")
#: systemd's message of a unit that is being stopped.
STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
#: 45 s without an answer end a connection in production; here that many seconds of two probes.
IMPATIENT = "-o ServerAliveInterval=3 -o ServerAliveCountMax=2 -o ConnectTimeout=5"


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
        self.problems: list[str] = []
        self.primary = "first"

    # ------------------------------------------------------------ a case

    def begin(self, case: str) -> None:
        """A clean fleet and a clean folder."""
        self.story = Story("faults", fleet=self.fleet, out=OUT / "cases" / case)
        for host in self.story.hosts:
            # A disk of the case before lies over a folder that is to be cleared.
            self.story.on(
                host, f"for d in {' '.join(COVERED)}; do while umount -l $d; do :; done; done 2>&1; true", check=False
            )
        self.story.tool("reset")
        path = plans.write(self.story.out, plan.quick(len(self.story.hosts)))
        self.extra = {"rollout_plan": str(path), **plan.SKIPPING}
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
        extra: dict[str, Any] | None = None,
    ) -> Ended:  # fmt: skip
        """Start the playbook and wait for its end; `at`: where the signal is sent to its process group."""
        with self.running(label, [at] if at else [], number, extra=extra):
            pass
        return self.runs[-1]

    @contextlib.contextmanager
    def running(
        self, label: str, at: Sequence[Boundary] = (), number: signal.Signals = signal.SIGSTOP, *,
        extra: dict[str, Any] | None = None, env: dict[str, str] | None = None,
    ) -> Iterator[Run]:  # fmt: skip
        """The playbook while it runs; it stands still at these places, or gets another signal there."""
        began_at = time.time()
        with boundaries.running(
            self.story, label, plan.PLAYBOOK, at, number, extra={**self.extra, **(extra or {})},
            env={"ANSIBLE_SSH_ARGS": f"-o ControlMaster=auto -o ControlPersist=60s {IMPATIENT}", **(env or {})},
        ) as run:  # fmt: skip
            yield run
        struck = next((each.at for each in boundaries.met(self.story.out, label) if each.struck), None)
        self.runs.append(Ended(label, int(run.process.returncode), began_at, time.time(), struck))

    def met(self, label: str) -> list[Boundary]:
        """The boundaries that a run came to, in order."""
        return [each.place for each in boundaries.met(self.story.out, label)]

    # ------------------------------------------------------------ moments

    def strike(self) -> None:
        """Note that the fault begins now."""
        self.struck_at = time.time()

    @contextlib.contextmanager
    def running_until(self, at: Boundary, label: str = "first", **more: Any) -> Iterator[Run]:
        """A run that stands still at a boundary; it goes on when the block ends, and is waited for."""
        with self.running(label, [at], **more) as run:
            run.comes_to(at)
            yield run
            run.goes_on()

    @contextlib.contextmanager
    def change_of(self, host: str, agent: str) -> Iterator[Callable[[Run], None]]:
        """Gives a function that waits until the agent's environment file is another file than at the block's begin."""
        path = self.story.env_file.format(agent=agent)
        seen = f"$(stat -c %i.%Y {path})"
        watch = f'was="{seen}"; while [ "{seen}" = "$was" ]; do sleep 0.005; done'
        command = ["docker", "exec", self.container(host), "sh", "-c", watch]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as watching:

            def wait(run: Run) -> None:
                what = f"{agent} is changed on {host}"
                self.story.wait_for(
                    what, lambda: watching.poll() is not None, run.process, within_s=boundaries.WITHIN_S
                )

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
