# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one fleet of all tests on hosts: its command, what its hosts say, and modules that run there as roles run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.host.ansible_server import AnsibleServer, Running
from tests.host.waiting import until

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tests" / "fleet"
# The fleet's own program runs by its path, with the folders beside it.
sys.path[:0] = [str(TOOL), str(TOOL / "agent")]

from rehearsal import access, commands, troubles  # noqa: E402
from rehearsal.clone import Fleet  # noqa: E402

COMMAND = TOOL / "fleet"
#: One name for all tests of a session: whoever gives it brings the fleet up and takes it down (tests/rollout uses it too).
NAME = os.environ.get("ROLLOUT_TEST_FLEET") or "tests"
HOSTS = ("dgx-1", "dgx-2", "dgx-3")
#: Those of waves 1 to 3 with their controls, and one that the traffic source asks less.
AGENTS = (
    "nats-expert", "nix-expert", "network-expert", "qa-expert", "tdd-expert", "git-expert", "graph-expert", "org-expert",
)  # fmt: skip
CONFIGS = "/opt/cim-dgx/configs"


class SharedFleet:
    """The fleet command and the hosts of one fleet."""

    def __init__(self, name: str = NAME) -> None:
        self.name = name
        self.own = Fleet(name)
        #: Hosts that the test before this one may have changed.
        self.touched = set(HOSTS)

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The fleet's command as a person gives it."""
        command = [sys.executable, str(COMMAND), words[0], "--name", self.name, *words[1:]]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
        if check:
            assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done

    def up(self) -> None:
        """Complete and quiet; one that is there already stays."""
        self.run("up", "--hosts", str(len(HOSTS)), "--agents", ",".join(AGENTS), "--rate", "0")

    def reset(self, used: tuple[str, ...] = HOSTS) -> None:
        """As seeded, for a test that changes no hosts but these. In this process, since every test begins with it."""
        only = used[0] if self.touched == set(used) and len(used) == 1 else None
        commands.reset(self.own, only)
        self.touched = set(used)

    def fault(self, agent: str, *specs: str, host: str | None = None) -> list[troubles.Begun]:
        """The fault (none: its end) acts, or waits for the agent's flag, when this returns."""
        return troubles.put_fault(self.own, agent, list(specs), [host] if host else list(HOSTS), now=True)

    def trouble(self, what: str, *values: str, host: str | None = None) -> None:
        troubles.make_trouble(self.own, what, list(values), [host] if host else list(HOSTS))

    def environment(self) -> dict[str, str]:
        """That of Ansible's commands on this fleet."""
        return {
            **os.environ,
            "ROLLOUT_FLEET": self.name,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }

    @cached_property
    def ansible(self) -> AnsibleServer:
        return AnsibleServer(ROOT, self.environment())

    def close(self) -> None:
        if "ansible" in vars(self):
            self.ansible.close()

    def addresses(self) -> dict[str, str]:
        return access.addresses(self.own)

    def container(self, host: str) -> str:
        return self.own.container(host)

    def root(self, host: str, script: str, data: bytes | None = None, check: bool = True) -> str:
        """Output of a shell script that runs as root on a host. Through the engine: works without its network, and is cheap."""
        command = ["docker", "exec", "-i", self.container(host), "sh", "-c", script]
        done = subprocess.run(command, input=data or b"", capture_output=True, timeout=300, check=False)
        if check:
            assert done.returncode == 0, f"{host}: {script}: {done.stdout!r} {done.stderr!r}"
        return done.stdout.decode("utf-8", "replace")

    def turn_on(self, agent: str, *hosts: str) -> None:
        """Set the flag of an agent and restart it, as a rollout does."""
        path = f"{CONFIGS}/agent-runtime-{agent}.env"
        for host in hosts:
            self.root(host, f"sed -i s/^ENABLE_UNIFIED_SUBJECTS=.*/ENABLE_UNIFIED_SUBJECTS=true/ {path}"
                            f" && systemctl restart agent-runtime@{agent}")  # fmt: skip
        for host in hosts:
            self.wait_for_line(host, agent, f"Agent '{agent}' v0.9.2 is ready")

    def log(self, host: str, agent: str) -> list[dict[str, str]]:
        """Journal entries of the agent's present invocation, whole, oldest first."""
        script = (
            "journalctl --sync; journalctl --output=json _SYSTEMD_INVOCATION_ID="
            f"$(systemctl show --property InvocationID --value agent-runtime@{agent})"
        )
        return [json.loads(line) for line in self.root(host, script).splitlines()]

    def lines(self, host: str, agent: str) -> list[str]:
        return [entry["MESSAGE"] for entry in self.log(host, agent)]

    def wait_for_line(self, host: str, agent: str, text: str) -> None:
        until(f"{agent} on {host} says {text}", lambda: any(text in line for line in self.lines(host, agent)))

    def property(self, host: str, agent: str, name: str) -> str:
        return self.root(host, f"systemctl show --property {name} --value agent-runtime@{agent}").strip()


def result_of(running: Running) -> dict[str, Any]:
    """What a module answered."""
    said = running.output()
    head, arrow, result = said.partition(" => ")
    assert arrow, f"no result: {said}"
    shown, _, status = head.rpartition("\n")
    # What the command says beside it, such as a warning, may follow.
    return dict(json.JSONDecoder().raw_decode(result)[0], failed="FAILED" in status, diff_text=shown)


class RehearsalHost:
    """One host of the fleet, and modules run on it over SSH with sudo."""

    def __init__(self, fleet: SharedFleet, name: str = "dgx-1") -> None:
        self.fleet = fleet
        self.name = name

    def root(self, script: str, data: bytes | None = None, check: bool = True) -> str:
        return self.fleet.root(self.name, script, data, check)

    def begin(self, module: str, arguments: dict[str, Any], *options: str) -> Running:
        """A module while it runs; `result_of` waits for its end."""
        inventory = ["-i", str(ROOT / "inventories/rehearsal")]
        return self.fleet.ansible.begin(
            [*inventory, self.name, "-b", "-m", f"cowboyai.rollout.{module}", "-a", json.dumps(arguments), *options]
        )

    def run(self, module: str, arguments: dict[str, Any], *options: str) -> dict[str, Any]:
        """Result of a module."""
        return result_of(self.begin(module, arguments, *options))

    def instance(self, agent: str, **more: Any) -> dict[str, Any]:
        return {
            "agent": agent,
            "unit": f"agent-runtime@{agent}.service",
            "env_file": f"{CONFIGS}/agent-runtime-{agent}.env",
            **more,
        }

    def turned_on(self, agent: str, within: float = 120.0) -> dict[str, Any]:
        proof = {
            "log": "Unified subject architecture ENABLED",
            "subscriptions": [f"agent.to.{agent}.>", "agent.broadcast.>"],
            "ready_within": within,
        }
        return self.instance(agent, env={"ENABLE_UNIFIED_SUBJECTS": "true"}, proof=proof)

    def as_it_was(self, agent: str) -> dict[str, Any]:
        return self.instance(agent, proof={"log": "Unified subject architecture DISABLED", "ready_within": 120.0})

    def override(self, agent: str, *settings: str, restart: bool = True) -> None:
        """Settings of an agent's unit on this host until the next reset; the process that runs takes them up at once."""
        unit = f"agent-runtime@{agent}.service"
        folder = f"/etc/systemd/system/{unit}.d"
        self.root(f"mkdir -p {folder} && cat > {folder}/test.conf", "\n".join(["[Service]", *settings, ""]).encode())
        self.root("systemctl daemon-reload" + (f" && systemctl restart {unit}" if restart else ""))

    def address(self) -> str:
        """Where the host is reached."""
        return self.fleet.addresses()[self.name]

    def pid(self, agent: str) -> str:
        return self.fleet.property(self.name, agent, "MainPID")

    def text(self, agent: str) -> str:
        return self.root(f"cat {CONFIGS}/agent-runtime-{agent}.env")


def main(word: str) -> int:
    """`python -m tests.host.shared_fleet up` or `down`: for who runs several suites on it."""
    fleet = SharedFleet()
    if word == "up":
        fleet.up()
    else:
        fleet.run("down")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
