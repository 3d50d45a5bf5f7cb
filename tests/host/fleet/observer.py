# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the tests look at a fleet: through its command, over ssh, and as a client of its NATS servers."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "tests" / "fleet"
# The fleet's own program runs by its path, with the folders beside it.
sys.path[:0] = [str(TOOL), str(TOOL / "agent")]

import nats_client  # noqa: E402

FLEET = TOOL / "fleet"
STATE = ROOT / "build" / "fleet"


class Conversation:
    """A NATS client of the tests: what it subscribed to is collected until the given time is over."""

    def __init__(self, address: str) -> None:
        self.connection = nats_client.Connection(f"nats://{address}:4222", "fleet-test")
        self.inbox = f"_INBOX.fleet-test.{time.time_ns()}"
        self.watch(f"{self.inbox}.>")

    def watch(self, subject: str) -> None:
        self.connection.subscribe(subject, subject)
        time.sleep(0.2)  # other servers of the cluster learn of a subscription a little later

    def ask(self, subject: str, payload: bytes, count: int = 1, headers: dict[str, str] | None = None) -> None:
        for number in range(count):
            data = nats_client.encode_publish(subject, payload, f"{self.inbox}.{number}", headers)
            self.connection.send(data)

    def collect(self, quiet: float, at_most: float = 15.0) -> list[tuple[float, nats_client.Message]]:
        """Arrival time (monotonic seconds) and message, of all that came in until nothing came for `quiet` seconds."""
        found: list[tuple[float, nats_client.Message]] = []
        last = time.monotonic() + at_most
        end = time.monotonic() + quiet
        while (left := min(end, last) - time.monotonic()) > 0:
            self.connection.socket.settimeout(left)
            try:
                for message in self.connection.receive():
                    found.append((time.monotonic(), message))
                    end = time.monotonic() + quiet
            except nats_client.NatsError as error:
                if "timed out" not in str(error):
                    raise
        self.connection.socket.settimeout(5)
        return found


class Rehearsal:
    """The fleet command and the hosts of one fleet."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(FLEET), words[0], "--name", self.name, *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        if check:
            assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done

    def addresses(self) -> dict[str, str]:
        content = json.loads((STATE / self.name / "fleet.json").read_text())
        return content["hosts"]

    def root(self, host: str, script: str) -> str:
        """Output of a shell script that runs as root on a host, over ssh and sudo as Ansible comes in."""
        return self.run("ssh", host, f"sudo -n sh -c {shlex.quote(script)}").stdout

    def turn_on(self, agent: str, *hosts: str) -> None:
        """Set the flag of an agent and restart it, as a rollout does."""
        path = f"/opt/cim-dgx/configs/agent-runtime-{agent}.env"
        for host in hosts:
            self.root(host, f"sed -i s/^ENABLE_UNIFIED_SUBJECTS=.*/ENABLE_UNIFIED_SUBJECTS=true/ {path}"
                            f" && systemctl restart agent-runtime@{agent}")  # fmt: skip
            self.wait_for_line(host, agent, f"Agent '{agent}' v0.9.2 is ready")

    def log(self, host: str, agent: str) -> list[dict[str, str]]:
        """Journal entries of the agent's present invocation, whole, oldest first."""
        script = (
            f"journalctl --output=json _SYSTEMD_INVOCATION_ID="
            f"$(systemctl show --property InvocationID --value agent-runtime@{agent})"
        )
        return [json.loads(line) for line in self.root(host, script).splitlines()]

    def wait_for_line(self, host: str, agent: str, text: str) -> None:
        script = (
            f"for i in $(seq 100); do journalctl --output=cat _SYSTEMD_INVOCATION_ID="
            f'$(systemctl show --property InvocationID --value agent-runtime@{agent}) | grep -qF "{text}" && exit 0;'
            " sleep 0.1; done; exit 1"
        )
        self.root(host, script)

    def property(self, host: str, agent: str, name: str) -> str:
        return self.root(host, f"systemctl show --property {name} --value agent-runtime@{agent}").strip()
