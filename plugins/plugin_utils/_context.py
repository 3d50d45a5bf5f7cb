# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step works on: the rollout's plan, ledger, agents and hosts, found from the variables of a play."""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import Catalogue
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger, Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import LookBook
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import ProblemsError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState, fold

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

# What is measured in rehearsal is shorter, but never so short that nothing can be seen in it (seconds of real time).
SHORTEST_WINDOW = 2.5
SHORTEST_TIMEOUT = 1.0
SHORTEST_TICK = 4.0
SHORTEST_GRACE = 60.0
COLLECTION_PLANS = Path(__file__).resolve().parents[2] / "playbooks" / "plans"


class StepError(Exception):
    """A step can't be done as asked. The message says what was attempted, what was seen and what to do next."""


def read_plan(path: Path, **known: Any) -> Plan:
    """The validated plan of a file. What reads plans is imported here: a rollback and a status must not wait for it."""
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import load_plan

    return load_plan(str(path), **known)


def value_of(variables: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """A play variable; undefined and the empty string (an empty AWX survey answer) both count as not given."""
    value = variables.get(name)
    return default if value is None or value == "" else value


def plan_folders(variables: Mapping[str, Any]) -> list[Path]:
    """Where plans are looked for: `rollout_plans_dir`, beside the playbook, in the current folder, the collection's own."""
    folders = []
    given = value_of(variables, "rollout_plans_dir")
    if given:
        folders.append(Path(str(given)))
    playbook_dir = value_of(variables, "playbook_dir")
    if playbook_dir:
        folders += [Path(str(playbook_dir)) / "plans", Path(str(playbook_dir)).parent / "plans"]
    # Imported steps have the folder of the steps for their playbook's, so a project's own plans are looked for here too.
    here = Path.cwd()
    return [*folders, here / "plans", here / "playbooks" / "plans", COLLECTION_PLANS]


def find_plan(variables: Mapping[str, Any]) -> Path:
    """The plan's file: `rollout_plan` (a path), else `<rollout>.yml` in the plan folders, else the one that fits.

    Raises StepError when none or several fit.
    """
    given = value_of(variables, "rollout_plan")
    if given:
        path = Path(str(given)).expanduser()
        if not path.is_file():
            raise StepError(f"plan {str(given)!r} (rollout_plan): no such file, looked for at {path.absolute()}.")
        return path
    rollout = value_of(variables, "rollout")
    folders = plan_folders(variables)
    if rollout:
        for folder in folders:
            for suffix in (".yml", ".yaml"):
                if (folder / f"{rollout}{suffix}").is_file():
                    return folder / f"{rollout}{suffix}"
        looked = ", ".join(dict.fromkeys(str(folder) for folder in folders))
        raise StepError(
            f"rollout {rollout!r}: no plan {rollout}.yml in {looked}. Name its file with -e rollout_plan=<path>."
        )
    return _only_plan_with(variables, folders)


def _only_plan_with(variables: Mapping[str, Any], folders: list[Path]) -> Path:
    """`-e phase=indexer` alone is enough where only one plan has that phase."""
    wanted = value_of(variables, "phase")
    fitting: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.y*ml")):
            if wanted and path.stem not in fitting and any(p.name == wanted for p in read_plan(path).phases):
                fitting[path.stem] = path
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    seen = (
        f"plans with a phase {wanted!r}: {', '.join(fitting) or 'none'}" if wanted else "no rollout and no phase given"
    )
    raise StepError(f"which rollout? {seen}. Say -e rollout=<name>, or -e rollout_plan=<path>.")


def monitoring_dir(variables: Mapping[str, Any]) -> Path:
    """Where ledger, evidence and reports are kept: `rollout_monitoring_dir`, by default `monitoring` in the current folder."""
    return Path(str(value_of(variables, "rollout_monitoring_dir", "monitoring"))).expanduser().absolute()


def run_id() -> str:
    """Names this run of ansible-playbook: the same in all of its workers, another one in every other run."""
    parent = os.getppid()
    try:
        started = Path(f"/proc/{parent}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        started = ""
    return hashlib.sha256(f"{socket.gethostname()}:{parent}:{started}".encode()).hexdigest()[:12]


def operator(variables: Mapping[str, Any]) -> str:
    """Who runs this: the AWX user where there is one, else the user at the shell (also behind sudo)."""
    awx = value_of(variables, "awx_user_name") or value_of(variables, "tower_user_name")
    try:
        user = awx or os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def matching_hosts(groups: Mapping[str, list[str]], pattern: str, limit: str | None = None) -> list[str]:
    """Hosts of the inventory that a pattern names; without `limit`, whatever `--limit` leaves of them."""
    inventory = InventoryManager(DataLoader(), parse=False)
    for group, members in groups.items():
        inventory.add_group(str(group))
        for member in members:
            inventory.add_host(str(member), group=str(group))
    try:
        if limit:
            inventory.subset(str(limit))
        return [str(host) for host in inventory.get_hosts(pattern=str(pattern))]
    except AnsibleError:
        # Where Ansible is configured to take a pattern without hosts for an error; callers say it in their own words.
        return []


@dataclass
class Context:
    """One rollout as a step sees it. `variables` are the play's; `hostvars` those of each host."""

    variables: Mapping[str, Any]
    needs_plan: bool = True
    # Why there is no plan, for the steps that go on without one.
    no_plan: str = ""
    run: str = field(default_factory=run_id)
    _vars_of: dict[str, Mapping[str, Any]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def monitoring(self) -> Path:
        return monitoring_dir(self.variables)

    @cached_property
    def plan(self) -> Plan | None:
        """The validated plan. None for steps that work without one (rollback, status, report) when it can't be read."""
        try:
            path = find_plan(self.variables)
            if self.needs_plan:
                return read_plan(path, catalogue=self.catalogue, hosts=self._hosts_of(path))
            return read_plan(path)
        except (StepError, ProblemsError) as error:
            if self.needs_plan:
                raise
            self.no_plan = str(error)
            return None

    @property
    def sure_plan(self) -> Plan:
        """The plan, for steps that need one."""
        if self.plan is None:
            raise StepError("no plan was found; say -e rollout=<name> or -e rollout_plan=<path>.")
        return self.plan

    def _hosts_of(self, path: Path) -> list[str]:
        return matching_hosts(self.variables.get("groups", {}), read_plan(path).hosts)

    @cached_property
    def rollout(self) -> str:
        given = value_of(self.variables, "rollout")
        if given and not self.needs_plan:
            return str(given)
        if self.plan is None:
            raise StepError("which rollout? Say -e rollout=<name>.")
        if given and given != self.plan.rollout:
            raise StepError(
                f"rollout {given!r} was asked for, but the plan {self.plan.path} is of rollout {self.plan.rollout!r}. "
                "Name the plan that belongs to it with -e rollout_plan=<path>."
            )
        return self.plan.rollout

    @cached_property
    def catalogue(self) -> Catalogue | None:
        """The agents of the inventory: `rollout_agents_file`, the same for all hosts."""
        for host in self.variables.get("ansible_play_hosts_all", []):
            path = self.hostvar(host, "rollout_agents_file")
            if path:
                return Catalogue.read(str(path))
        if self.needs_plan:
            raise StepError(
                "the inventory says nothing of agents: no host has the variable rollout_agents_file "
                "(a CSV with the column `agent`). Set it in the group variables of the plan's hosts."
            )
        return None

    @cached_property
    def hosts(self) -> list[str]:
        """All hosts of the rollout, also those that `--limit` leaves out."""
        if self.needs_plan:
            return matching_hosts(self.variables.get("groups", {}), self.sure_plan.hosts)
        return [str(host) for host in self.state.start.get("hosts", [])] or self.in_play

    @property
    def in_play(self) -> list[str]:
        """Hosts that this play may touch (after `--limit`)."""
        return [str(host) for host in self.variables.get("ansible_play_hosts_all", [])]

    @property
    def batch(self) -> list[str]:
        """Hosts of the current batch (`serial`), in order."""
        return [str(host) for host in self.variables.get("ansible_play_batch", [])]

    def hostvar(self, host: str, name: str, default: Any = None) -> Any:
        # Ansible puts all variables of a host together at each access; they don't change while a step runs.
        if host not in self._vars_of:
            self._vars_of[host] = self.variables["hostvars"][host]
        return value_of(self._vars_of[host], name, default)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.monitoring / "ledger" / f"{self.rollout}.jsonl")

    @cached_property
    def records(self) -> list[Record]:
        return self.ledger.read()

    @cached_property
    def state(self) -> RolloutState:
        return fold(self.rollout, self.records)

    def state_of(self, rollout: str) -> RolloutState:
        """Where another rollout stands, from its own ledger."""
        return fold(rollout, Ledger(self.monitoring / "ledger" / f"{rollout}.jsonl").read())

    def record(self, kind: str, data: dict[str, Any], now: datetime, attempt: int | None = None) -> Record:
        """Append to the ledger and take the record into the state."""
        written = self.ledger.append(
            rollout=self.rollout,
            attempt=attempt or self.state.attempt,
            run=self.run,
            by=operator(self.variables),
            kind=kind,
            data=data,
            now=now,
        )
        self.__dict__["records"] = [*self.records, written]
        self.__dict__.pop("state", None)
        return written

    @cached_property
    def time_scale(self) -> float:
        """What every wait is divided by. An open rollout keeps the scale it was started with."""
        given = value_of(self.variables, "rollout_time_scale", 1)
        try:
            scale = float(given)
        except (TypeError, ValueError):
            scale = 0.0
        if not 1.0 <= scale <= 1_000_000.0:
            raise StepError(f"rollout_time_scale: seen {given!r}, expected a number from 1 (real time) to 1000000.")
        return scale

    @cached_property
    def rehearsal(self) -> bool:
        """Scaled time or an inventory that says `rollout_rehearsal: true`: its decisions never count for production."""
        flags = [self.hostvar(host, "rollout_rehearsal", False) for host in self.in_play]
        return self.time_scale != 1.0 or any(str(flag).lower() in ("true", "yes", "1") for flag in flags)

    def scaled(self, seconds: float, at_least: float = 0.0) -> float:
        """A plan's duration in seconds of real time; in rehearsal not below `at_least`."""
        if self.time_scale == 1.0:
            return seconds
        return min(seconds, max(seconds / self.time_scale, at_least))

    @cached_property
    def looks(self) -> LookBook:
        return LookBook(self.monitoring / "looks" / self.rollout / str(self.state.attempt))

    def relative(self, path: Path) -> str:
        """A path as records and messages name it: relative to the monitoring folder."""
        return str(path.relative_to(self.monitoring))
