# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts whose Python answers whatever somebody wants: a program in its stead that never looks at what it was asked."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
FOREIGN = "#!/bin/sh\ncat >/dev/null\ncat '{answer}'\n"


@dataclass
class Run:
    """What a run of ansible-playbook did."""

    status: int
    output: bytes

    @property
    def text(self) -> str:
        return self.output.decode("utf-8", "replace")


@dataclass
class Hosts:
    """An inventory of such hosts, reached without a connection; `answers` by host."""

    folder: Path
    answers: dict[str, Any]
    # What the user's own settings add to the environment.
    settings: dict[str, str] = field(default_factory=dict)
    # How large a file may grow that the controller writes; None: as large as it likes.
    largest_file: int | None = None

    def write(self) -> Path:
        hosts = {}
        for host, answer in self.answers.items():
            said, python = self.folder / f"{host}.json", self.folder / f"{host}-python"
            said.write_bytes(answer if isinstance(answer, bytes) else json.dumps(answer).encode())
            python.write_text(FOREIGN.format(answer=said))
            python.chmod(0o755)
            hosts[host] = {"ansible_connection": "local", "ansible_python_interpreter": str(python)}
        shared = {
            "ansible_become": False,
            "rollout_agents_file": str(ROOT / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"),
            "rollout_agent_unit": "agent-runtime@{agent}.service",
            "rollout_agent_env_file": "/opt/cim-dgx/configs/agent-runtime-{agent}.env",
            "rollout_monitoring_dir": str(self.folder / "monitoring"),
            "rollout_rehearsal": True,
        }
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps({"all": {"children": {"dgx": {"hosts": hosts, "vars": shared}}}}))
        return inventory

    def play(self, playbook: Path | str, *arguments: str) -> Run:
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            str(self.write()),
            str(playbook),
            *arguments,
        ]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            **self.settings,
        }
        environment.pop("ANSIBLE_FORCE_COLOR", None)
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=600, check=False, preexec_fn=self._limited,
        )  # fmt: skip
        return Run(done.returncode, done.stdout)

    def _limited(self) -> None:
        if self.largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_file, self.largest_file))
