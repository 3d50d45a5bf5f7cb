# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a real pseudo terminal, and what somebody who sits at it sees: the screen is emulated by pyte."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyte

from tests.module.nats.servers import HANGS_S
from tests.playbook.observability.ledgers import ROOT, Told

PLAYBOOK = """---
- hosts: all
  gather_facts: false
  vars:
    after: date -u +%Y-%m-%dT%H:%M:%S+00:00 -d +
  tasks:
    - command: echo before
      delegate_to: localhost
      run_once: true
    - run_once: true
      cowboyai.rollout.wait:
        until: "{{ lookup('pipe', after ~ '10hours') }}"
        goal: "{{ lookup('pipe', after ~ '11hours') }}"
        approval: decision
        label: checkpoint T+6h
        readings: 6 of 6 well, errors 0
    - command: echo after
      delegate_to: localhost
      run_once: true
"""
# No host is connected to: what runs, runs on the controller.
INVENTORY = """[dgx]
dgx-[1:3] ansible_host=192.0.2.1 ansible_ssh_executable=/bin/false rollout_agents_file="{agents}"
[all:children]
dgx
"""


def environment(**more: str) -> dict[str, str]:
    """That of a person's shell: neither a CI's nor one that colours."""
    left_out = ("CI", "NO_COLOR", "ANSIBLE_FORCE_COLOR", "ANSIBLE_NOCOLOR", "ROLLOUT_LIVE", "TERM")
    kept = {key: value for key, value in os.environ.items() if key not in left_out and not key.startswith("ANSIBLE_")}
    bin_folder = str(ROOT / ".venv" / "bin")
    return {**kept, "PATH": f"{bin_folder}:{kept['PATH']}", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **more}


def command(folder: Path, monitoring: Path) -> list[str]:
    """ansible-playbook with a wait of ten hours for the rollout in `monitoring`, which ends when somebody answers."""
    (folder / "wait.yml").write_text(PLAYBOOK)
    agents = ROOT / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"
    (folder / "hosts.ini").write_text(INVENTORY.format(agents=agents))
    extra = {
        "rollout": "wave2",
        "rollout_monitoring_dir": str(monitoring),
        "rollout_plan": str(ROOT / "playbooks" / "plans" / "wave2.yml"),
    }
    return ["ansible-playbook", "-i", str(folder / "hosts.ini"), str(folder / "wait.yml"), "-e", json.dumps(extra)]


def answer(monitoring: Path) -> None:
    """A person answers, which ends the wait."""
    told = Told(monitoring, start=datetime.now(UTC), run="other")
    told.add("approval.requested", approval="decision", until=told.now.isoformat(), otherwise="hold")
    told.add("approval.given", approval="decision", decision="go", reason="seen")


class Terminal:
    """The command on a terminal of so many columns and rows. `raw`: every byte it wrote."""

    def __init__(self, words: list[str], columns: int = 100, rows: int = 30, **env: str) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=1000, ratio=0.5)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.process = subprocess.Popen(
            # Ctrl-C comes from the terminal that controls the session.
            ["setsid", "--ctty", *words], cwd=ROOT, env=environment(**{"TERM": "xterm-256color", **env}),
            stdin=slave, stdout=slave, stderr=slave,
        )  # fmt: skip
        os.close(slave)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def until(self, reached: Callable[[Terminal], bool]) -> bool:
        """Read on until something is to be seen, or the command has ended; whether it was seen."""
        end = time.monotonic() + HANGS_S
        while time.monotonic() < end:
            if reached(self):
                return True
            if not self._read():
                return reached(self)
        raise AssertionError(f"not seen within {HANGS_S} s; the screen:\n{self.text()}")

    def ended(self) -> int:
        """Read to the end; the exit status."""
        self.until(lambda _terminal: False)
        return self.process.wait(HANGS_S)

    def _read(self) -> bool:
        ready, _w, _x = select.select([self.master], [], [], 0.2)
        if not ready:
            return self.process.poll() is None
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def lines(self) -> list[str]:
        """What is on the screen."""
        return [line.rstrip() for line in self.screen.display]

    def text(self) -> str:
        return "\n".join(self.lines()).rstrip()

    def everything(self) -> str:
        """The screen and what has scrolled off its top."""
        above = [
            "".join(row[column].data for column in range(self.screen.columns)).rstrip()
            for row in self.screen.history.top
        ]
        return "\n".join([*above, *self.lines()])

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(HANGS_S)
        os.close(self.master)
