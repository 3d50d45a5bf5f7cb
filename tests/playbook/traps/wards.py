# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three hosts that act as hosts do, without being any: playbooks, roles, tally and ledger are real, and so is what Ansible does.

A host that is away is one that Ansible really cannot reach; one without sudo is asked for a password.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.playbook.hostile.hosts import Hosts, Run
from tests.playbook.traps.acting_host import OLD, stamp
from tests.rollout.scenario.told import accounted

HERE = Path(__file__).resolve().parent
HOSTS = ("edge-a", "edge-b", "edge-c")
FIRST, SECOND, OTHERS = ("alder", "birch"), ("cedar",), ("fir",)
AGENTS = (*FIRST, *SECOND, *OTHERS)
PYTHON = """#!/bin/sh
exec '{python}' '{program}' '{state}' "$@"
"""
NO_SUDO = "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n"
#: Nobody listens there: refused at once.
AWAY = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


def on(agents: tuple[str, ...] | list[str], *hosts: str) -> list[str]:
    return [f"{agent}@{host}" for host in hosts for agent in agents]


class Wards(Hosts):
    """An inventory of such hosts in a folder, and the rollout of plan.yml on them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {})
        self.away: set[str] = set()
        self.without_sudo: set[str] = set()

    def seed(self) -> Wards:
        for host in HOSTS:
            agents = {
                agent: {
                    "value": OLD,
                    "pid": 100 + number,
                    "invocation": f"{number:032x}",
                    "started_at": stamp(),
                    "errors": [],
                }
                for number, agent in enumerate(AGENTS)
            }
            state = {"agents": agents, "kept": False, "boot_id": host, "began": stamp(), "asked": []}
            state.update(refuse=[], errs_at_start=[])
            self.state(host).write_text(json.dumps(state))
        return self

    def copied_to(self, folder: Path) -> Wards:
        """The same moment of the same rollout, to go on from in another way."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Wards(folder)

    def state(self, host: str) -> Path:
        return self.folder / f"{host}.json"

    def read(self, host: str) -> dict[str, Any]:
        return dict(json.loads(self.state(host).read_text()))

    def set(self, host: str, **what: Any) -> None:
        self.state(host).write_text(json.dumps({**self.read(host), **what}))

    def refuse(self, agent: str, *hosts: str) -> None:
        for host in HOSTS:
            self.set(host, refuse=[agent] if host in hosts else [])

    def log_errors_at_start(self, *agents: str) -> None:
        for host in HOSTS:
            self.set(host, errs_at_start=list(agents))

    def crash(self, agent: str, host: str) -> None:
        """Its process has ended, and systemd has started another one."""
        agents = self.read(host)["agents"]
        row = agents[agent]
        agents[agent] = {**row, "pid": row["pid"] + 1000, "invocation": "c" * 32, "started_at": stamp()}
        self.set(host, agents=agents)

    def instances(self, name: str) -> dict[str, Any]:
        """What each instance has now, such as its `pid`."""
        return {f"{agent}@{host}": row[name] for host in HOSTS for agent, row in self.read(host)["agents"].items()}

    def write(self) -> Path:
        hosts = {}
        for host in HOSTS:
            python = self.folder / f"{host}-python"
            python.write_text(
                PYTHON.format(python=sys.executable, program=HERE / "acting_host.py", state=self.state(host))
            )
            python.chmod(0o755)
            hosts[host] = {
                "ansible_connection": "local",
                "ansible_become": False,
                "ansible_python_interpreter": str(python),
            }
            if host in self.away:
                hosts[host].update(AWAY)
            if host in self.without_sudo:
                sudo = self.folder / "sudo"
                sudo.write_text(NO_SUDO)
                sudo.chmod(0o755)
                # Ansible does not ask to become who it is already.
                hosts[host].update(ansible_become=True, ansible_become_user="nobody", ansible_become_exe=str(sudo))
        agents = self.folder / "agents.csv"
        agents.write_text("agent,serial_number\n" + "".join(f"{agent},0f{n:02d}\n" for n, agent in enumerate(AGENTS)))
        shared = {
            "rollout_agents_file": str(agents),
            "rollout_agent_unit": "ward-{agent}.service",
            "rollout_agent_env_file": "/srv/ward/{agent}.settings",
            "rollout_agent_catalogue": {"WARD_TREES": OLD},
            "rollout_disk_paths": ["/srv"],
            "rollout_monitoring_dir": str(self.folder / "monitoring"),
            "rollout_rehearsal": True,
        }
        path = self.folder / "inventory.json"
        path.write_text(json.dumps({"edge": {"hosts": hosts, "vars": shared}}))
        return path

    def act(self, playbook: str, **extra: Any) -> Run:
        named = {"rollout": "wards", "rollout_plan": str(HERE / "plan.yml"), "rollout_skip_waits": True, **extra}
        return self.play(playbook, "-e", json.dumps(named))

    def open(self, **extra: Any) -> Run:
        return self.act("tests/playbook/traps/opening.yml", **extra)

    def deploy(self, phase: str) -> Run:
        return self.act("playbooks/deploy.yml", phase=phase)

    def records(self, kind: str, attempt: int | None = None) -> list[dict[str, Any]]:
        lines = (self.folder / "monitoring" / "ledger" / "wards.jsonl").read_text().splitlines()
        rows = [row for row in map(json.loads, lines) if row["kind"] == kind and attempt in (None, row["attempt"])]
        return [dict(row["data"]) for row in rows]

    def decided(self) -> tuple[str, dict[str, list[str]]]:
        """The last decision of a gate, and what it counted."""
        last = self.records("gate.decided")[-1]
        return last["decision"], accounted(last["accounting"])

    def rolled_back(self) -> dict[str, list[str]]:
        return accounted(self.records("rollback.done")[-1]["accounting"])
