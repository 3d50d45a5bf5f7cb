# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that act, each with a real NATS server that is a leaf node of one hub, and agents that answer on it."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.module.nats import agents
from tests.module.nats.topologies import Site, site
from tests.playbook.hostile.hosts import Run
from tests.playbook.traps.wards import AGENTS, HOSTS, Wards

PLAN = Path(__file__).resolve().parent / "plan.yml"


class Sites(Wards):
    """`made`: the servers, by host. `plan`: the file of the plan that is run."""

    def __init__(self, folder: Path, made: Site, plan: Path = PLAN) -> None:
        super().__init__(folder)
        self.made, self.plan = made, plan
        #: Whether those who measure reach any server.
        self.reached = True

    def copied_to(self, folder: Path) -> Sites:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Sites(folder, self.made, self.plan)

    def write(self) -> Path:
        path = super().write()
        inventory = json.loads(path.read_text())
        for host, variables in inventory["edge"]["hosts"].items():
            variables["rollout_nats_url"] = self.made.servers[host].url if self.reached else "nats://127.0.0.1:1"
        path.write_text(json.dumps(inventory))
        return path

    def run(self, step: str, **extra: Any) -> Run:
        return self.act(f"playbooks/{step}.yml", rollout_plan=str(self.plan), **extra)

    def changed(self) -> bool:
        return any(row["kind"] == "batch.started" for row in self.all_records())

    def all_records(self) -> list[dict[str, Any]]:
        lines = (self.folder / "monitoring" / "ledger" / "wards.jsonl").read_text().splitlines()
        return [dict(json.loads(line)) for line in lines]


@contextlib.contextmanager
def sites(folder: Path, *strangers: str, silent: str = "", names: tuple[str, ...] = AGENTS) -> Iterator[Sites]:
    """The sites, with all agents on each host. `silent`: an instance that is there and answers nothing; `strangers`: leaf nodes
    with agents that are not in the inventory."""
    with site(folder) as made, contextlib.ExitStack() as stack:
        hub = made.hub()
        for name in (*HOSTS, *strangers):
            server = made.leaf(name, hub)
            members = [(agents.Mute if f"{agent}@{name}" == silent else agents.Agent)(agent) for agent in names]
            stack.enter_context(agents.in_background(server.port, *members))
        yield Sites(folder, made).seed()  # type: ignore[misc]
