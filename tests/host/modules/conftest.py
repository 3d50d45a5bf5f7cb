# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A one-host fleet of this directory's own, and the modules run on it as roles run them: over SSH, with sudo."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FLEET = "host-modules"
AGENTS = ("network-expert", "tdd-expert", "git-expert", "nix-expert")
CONFIGS = "/opt/cim-dgx/configs"


class RehearsalHost:
    """dgx-1 of the fleet."""

    def fleet(self, *words: str) -> str:
        done = subprocess.run(
            [str(ROOT / "tests/fleet/fleet"), *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"fleet {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def root(self, script: str, data: bytes | None = None) -> str:
        """Run a shell script as root on the host."""
        command = [
            str(ROOT / "tests/fleet/fleet"),
            "ssh",
            "--name",
            FLEET,
            "dgx-1",
            "sudo sh -c " + shlex.quote(script),
        ]
        done = subprocess.run(command, cwd=ROOT, input=data, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, f"{script}: {done.stdout!r} {done.stderr!r}"
        return done.stdout.decode("utf-8", "replace")

    def command(self, module: str, arguments: dict[str, Any], *options: str) -> list[str]:
        ansible = pathlib.Path(sys.executable).with_name("ansible")
        inventory = ["-i", str(ROOT / "inventories/rehearsal")]
        return [str(ansible), *inventory, "dgx-1", "-b", "-m", f"cowboyai.rollout.{module}"] + [
            "-a",
            json.dumps(arguments),
            *options,
        ]

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "ROLLOUT_FLEET": FLEET,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def run(self, module: str, arguments: dict[str, Any], *options: str) -> dict[str, Any]:
        """Result of a module."""
        done = subprocess.run(
            self.command(module, arguments, *options),
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        head, arrow, result = done.stdout.partition(" => ")
        assert arrow, f"{module} gave no result: {done.stdout}{done.stderr}"
        shown, _, status = head.rpartition("\n")
        return dict(json.loads(result), failed="FAILED" in status, diff_text=shown)

    def instance(self, agent: str, **more: Any) -> dict[str, Any]:
        return {
            "agent": agent,
            "unit": f"agent-runtime@{agent}.service",
            "env_file": f"{CONFIGS}/agent-runtime-{agent}.env",
            **more,
        }

    def turned_on(self, agent: str, within: float = 10.0) -> dict[str, Any]:
        proof = {
            "log": "Unified subject architecture ENABLED",
            "subscriptions": [f"agent.to.{agent}.>", "agent.broadcast.>"],
            "ready_within": within,
        }
        return self.instance(agent, env={"ENABLE_UNIFIED_SUBJECTS": "true"}, proof=proof)

    def as_it_was(self, agent: str) -> dict[str, Any]:
        return self.instance(agent, proof={"log": "Unified subject architecture DISABLED", "ready_within": 10.0})

    def address(self) -> str:
        """Where the host is reached."""
        inventory = json.loads((ROOT / "build/fleet" / FLEET / "inventory/hosts.json").read_text(encoding="utf-8"))
        return str(re.findall(r'"ansible_host": "([0-9.]+)"', json.dumps(inventory))[0])

    def pid(self, agent: str) -> str:
        return self.root(f"systemctl show --value -p MainPID agent-runtime@{agent}.service").strip()

    def text(self, agent: str) -> str:
        return self.root(f"cat {CONFIGS}/agent-runtime-{agent}.env")


@pytest.fixture(scope="session")
def rehearsal() -> Iterator[RehearsalHost]:
    host = RehearsalHost()
    host.fleet("up", "--name", FLEET, "--hosts", "1", "--agents", ",".join(AGENTS), "--rate", "0")
    yield host
    host.fleet("down", "--name", FLEET)


@pytest.fixture
def host(rehearsal: RehearsalHost) -> RehearsalHost:
    """The host in its seeded state."""
    rehearsal.fleet("reset", "--name", FLEET)
    rehearsal.root(f"rm -rf {CONFIGS}/backups/hosttest")
    return rehearsal
