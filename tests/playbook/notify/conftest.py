# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout that has a ledger and channels, and ansible-playbook to run its last steps; no host is contacted."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import write_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger, Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._outbox import Outbox

from tests.module.nats.world import wait_until
from tests.unit.plugins.plugin_utils.recorded import HOSTS, Story, plan

ROOT = Path(__file__).resolve().parents[3]
#: Before each try. What fails twice is out soon, what fails once does not end, and nothing is tried again in vain by the way.
SOON, NEVER_AGAIN = (0.0, 0.2, 0.4, 3600.0), (0.0, 36000.0)
LAST_STEPS = """
- hosts: dgx
  gather_facts: false
  tasks:
    - run_once: true
      cowboyai.rollout.report:
    - run_once: true
      cowboyai.rollout.conclude: {of: rollout}
"""


@dataclass
class Run:
    """What a run of ansible-playbook did."""

    status: int
    output: str


@dataclass
class Rollout:
    """A folder with plan, inventory and ledger of one rollout."""

    folder: Path
    levels: dict[int, list[str]]
    urls: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    #: Seconds before each try, and how long the end of a run waits at most: until all is out or was tried once.
    waits_s: Sequence[float] = SOON
    leaving_s: float = 3600.0

    @property
    def monitoring(self) -> Path:
        return self.folder / "monitoring"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.monitoring / "ledger" / "wave2.jsonl")

    @property
    def outbox(self) -> Outbox:
        return Outbox.of(self.monitoring, "wave2")

    def write(self, **notify: Any) -> None:
        """Plan and inventory, as they are now."""
        data = plan("wave2", needs=None, notify={"levels": self.levels, **notify}).to_dict()
        (self.folder / "plans").mkdir(exist_ok=True)
        (self.folder / "plans" / "wave2.yml").write_text(yaml.safe_dump(data))
        hosts: dict[str, Any] = {host: {"ansible_connection": "local"} for host in HOSTS}
        shared = {
            "rollout_agents_file": str(ROOT / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"),
            "rollout_notify_channels": self.urls,
        }
        inventory = {"all": {"children": {"dgx": {"hosts": hosts, "vars": shared}}}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        (self.folder / "last.yml").write_text(LAST_STEPS)

    def tell(self, story: Story, new: int) -> None:
        """Put a story into the ledger, as if it had begun with this plan; its last `new` records are news."""
        begun = {"plan": yaml.safe_load((self.folder / "plans" / "wave2.yml").read_text())}
        for record in story.records:
            self.ledger.append(
                rollout="wave2", attempt=record.attempt, run=record.run, by=record.by, kind=record.kind,
                data={**record.data, **(begun if record.kind == "rollout.started" else {})}, now=record.moment,
            )  # fmt: skip
        self.outbox.cursor = len(story.records) - new

    def summary(self, name: str, criteria: list[dict[str, Any]]) -> None:
        write_json(self.monitoring / "checkpoints" / "wave2" / name / "summary.json", {"criteria": criteria})

    def play(self, *arguments: str, playbook: str | Path = "", **variables: str) -> Run:
        """ansible-playbook, until it ends."""
        known = {
            "rollout": "wave2",
            "rollout_plans_dir": str(self.folder / "plans"),
            "rollout_monitoring_dir": str(self.monitoring),
        }
        given = ["-e", json.dumps({**known, **variables})]
        pace = {
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "pace",
            "PACE_WAITS": json.dumps(self.waits_s),
            "PACE_LEAVING": str(self.leaving_s),
        }
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.folder / "hosts.yml"),
                str(playbook or self.folder / "last.yml"), *given, *arguments,
            ],
            cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1", **pace, **self.environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600,
        )  # fmt: skip
        return Run(done.returncode, done.stdout)

    def told(self) -> list[Record]:
        """What became of messages; channels without a URL are told of at the start, and are none."""
        return [r for r in self.ledger.read() if r.kind.startswith("notification.") and r.data["event"] != "start"]

    def wait_for(self, count: int) -> list[Record]:
        """The records of messages, once there are so many."""
        wait_until(lambda: len(self.told()) >= count, f"{count} records of messages")
        return self.told()

    def tries(self) -> dict[str, int]:
        """channel -> how often the first message that waits for it was tried."""
        found: dict[str, int] = {}
        for message in self.outbox.messages():
            for delivery in message.open():
                found.setdefault(delivery.channel, delivery.tries)
        return found

    def sender(self) -> int:
        """The process that sends for this rollout; 0 when none is alive."""
        try:
            number = int((self.outbox.folder / "sender.pid").read_text())
            command = Path(f"/proc/{number}/cmdline").read_bytes()
        except (OSError, ValueError):
            return 0
        return number if b"_sender_main.py" in command else 0


@pytest.fixture
def rollout(tmp_path: Path) -> Iterator[Rollout]:
    made = Rollout(tmp_path, {1: ["ops"], 2: ["pager"], 3: ["incident"]})
    yield made
    number = made.sender()
    if number:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGTERM)
            wait_until(lambda: not made.sender(), "the sender to end")
