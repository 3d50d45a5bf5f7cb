# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step works on: the rollout's plan, ledger, agents and hosts, found from the variables of a play."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.context import CLIARGS
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.utils.collection_loader._collection_finder import _get_collection_playbook_path
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _awx, _plan_search, _step_error
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import Catalogue
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._lease import fenced_text, successor
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger, Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import LookBook
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan_clock import PlanClock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import ProblemsError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._process_mark import mark
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState, fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import Store, open_store
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._open import folder_named
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import is_true, value_of

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

# What is counted is counted per minute of plan time.
BUCKET = 60.0
# Where waits are skipped a minute of real time may hold hours of the plan, so hosts count by less (seconds).
SKIPPED_BUCKET = 0.25
# A rehearsal looks so often in a wait, unless it says otherwise.
LOOKS_PER_WAIT = 2
# Of a rollout or a host: ledgers, looks and folders of evidence are named by them.
_NAME = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:@\[\]-]*\Z")
StepError = _step_error.StepError
# What people say and are told names no evidence; whoever records it beside a run has not its lease, and leaves its evidence alone.
_WITHOUT_EVIDENCE = ("alert.", "approval.", "line.", "notification.")


class FencedError(StepError):
    """Another run took the rollout over: this one writes nothing more."""


def read_plan(path: Path, **known: Any) -> Plan:
    """The validated plan of a file. What reads plans is imported here: a rollback and a status must not wait for it."""
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import load_plan

    return load_plan(str(path), **known)


def is_shadow(variables: Mapping[str, Any]) -> bool:
    """Whether this run only pretends to change: `rollout_shadow`."""
    return is_true(variables, "rollout_shadow")


def safe_name(name: str, what: str) -> str:
    """A name that may become part of a path; StepError for one that would lead somewhere else."""
    if not _NAME.match(name) or ".." in name:
        raise StepError(
            f"{what} {name!r}: it becomes part of paths; expected letters, digits, '.', '_', '-', ':', '@', no '..', beginning with "
            "a letter, digit or '['. Name it otherwise."
        )
    return name


def rollout_id(variables: Mapping[str, Any], rollout: str) -> str:
    """The id of ledger and folders: a shadow rollout has its own, so that it never counts for the real one."""
    return f"{rollout}-shadow" if is_shadow(variables) and not rollout.endswith("-shadow") else rollout


def find_plan(variables: Mapping[str, Any]) -> Path:
    """The plan's file: `rollout_plan` (a path, or an example's full name), else `<rollout>.yml` where plans are looked for, else the one that fits.

    Raises StepError when none or several fit.
    """
    here = Path.cwd()
    given: str = value_of(variables, "rollout_plan", "")
    if given:
        path = _plan_search.example(given) or Path(given).expanduser()
        if not path.is_file():
            raise StepError(f"plan {given!r} (rollout_plan): no such file, looked for at {path.absolute()}.")
        return path
    rollout: str = value_of(variables, "rollout", "")
    search = _plan_search.search_of(
        value_of(variables, "rollout_plans_dir", ""),
        [_path_of(str(playbook)) for playbook in CLIARGS.get("args") or ()],
        str(variables.get("playbook_dir") or ""),
        here,
    )
    if not rollout:
        return _only_plan_with(variables, search)
    found = search.files(safe_name(rollout, "rollout"))
    if len(found) > 1:
        raise StepError(
            f"rollout {rollout!r}: {len(found)} plans of that name, {', '.join(str(path.absolute()) for path in found)}. Remove all but one, "
            "or say which: -e rollout_plan=<path>."
        )
    if found:
        return found[0]
    full = f"{_plan_search.FULL_NAME}{rollout}"
    hint = f" The collection has an example of that name: -e rollout_plan={full}" if _plan_search.example(full) else ""
    raise StepError(
        f"rollout {rollout!r}: no plan {rollout}.yml in {search.text()}. Name its file with -e rollout_plan=<path>.{hint}"
    )


def _path_of(playbook: str) -> str:
    """The file of a playbook of the command line, also of one in a collection of the user's own; what is none stays as it is."""
    found = None if Path(playbook).is_file() else _get_collection_playbook_path(playbook)
    return found[1] if found and not _plan_search.is_of_collection(Path(found[1])) else playbook


def _only_plan_with(variables: Mapping[str, Any], search: _plan_search.Search) -> Path:
    """`-e phase=indexer` alone is enough where only one plan has that phase."""
    wanted: str = value_of(variables, "phase", "")
    fitting = [path for path in search.all_files() if wanted and any(p.name == wanted for p in read_plan(path).phases)]
    if len(fitting) == 1:
        return fitting[0]
    seen = (
        f"plans with a phase {wanted!r}: {', '.join(map(str, fitting)) or 'none'}"
        if wanted
        else "no rollout and no phase given"
    )
    empty = (
        " Leave rollout away where the playbook says it itself: an empty one wins (as of a survey's question without an answer)."
        if "rollout" in variables
        else ""
    )
    raise StepError(f"which rollout? {seen}. Say -e rollout=<name>, or -e rollout_plan=<path>.{empty}")


def monitoring_dir(variables: Mapping[str, Any]) -> Path:
    """Where ledger, evidence and reports are kept: `rollout_monitoring_dir`, by default `monitoring` in the current folder.

    A `rollout_store` of files that names a folder is that folder.
    """
    named = folder_named(variables)
    given = value_of(variables, "rollout_monitoring_dir")
    if named is not None:
        if given and Path(str(given)).expanduser().absolute() != named:
            raise StepError(
                f"rollout_store is the folder {named}, rollout_monitoring_dir is {str(given)!r}: a store of files is the working folder. "
                "Give one of them."
            )
        return named
    return Path(str(value_of(variables, "rollout_monitoring_dir", "monitoring"))).expanduser().absolute()


def process_name(pid: int) -> str:
    """Names a process of this machine: another one that gets the same number later has another name."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        started = ""
    return hashlib.sha256(f"{socket.gethostname()}:{pid}:{started}".encode()).hexdigest()[:12]


def run_id() -> str:
    """Names this run of ansible-playbook: the same in all of its workers, another one in every other run."""
    return process_name(os.getppid())


def operator(variables: Mapping[str, Any]) -> str:
    """Who runs this: who started the AWX job where it is one, else the user at the shell (also behind sudo)."""
    if awx := _awx.operator(variables):
        return awx
    try:
        user = value_of(variables, "awx_user_name") or os.environ.get("SUDO_USER") or getpass.getuser()
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
    # This very run of ansible-playbook. `run` is shared by the launches of a rollout that no process waits for.
    launch: str = ""
    process: Mapping[str, Any] = field(default_factory=mark)
    _vars_of: dict[str, Mapping[str, Any]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.launch = self.launch or self.run

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
            return rollout_id(self.variables, safe_name(str(given), "rollout"))
        if self.plan is None:
            raise StepError("which rollout? Say -e rollout=<name>.")
        if given and given != self.plan.rollout:
            raise StepError(
                f"rollout {given!r} was asked for, but the plan {self.plan.path} is of rollout {self.plan.rollout!r}. "
                "Name the plan that belongs to it with -e rollout_plan=<path>."
            )
        return rollout_id(self.variables, self.plan.rollout)

    @property
    def shadow(self) -> bool:
        """A rollout that runs every gate and changes nothing, to learn how often a fleet stops a change without any fault."""
        return is_shadow(self.variables)

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
            found = matching_hosts(self.variables.get("groups", {}), self.sure_plan.hosts)
        else:
            found = [str(host) for host in self.state.start.get("hosts", [])] or self.in_play
        return [safe_name(host, "host") for host in found]

    @property
    def in_play(self) -> list[str]:
        """Hosts that this play may touch (after `--limit`)."""
        return [str(host) for host in self.variables.get("ansible_play_hosts_all", [])]

    def has_left(self, host: str) -> bool:
        """Whether the inventory has no such host (any more), whatever `--limit` says."""
        return host not in (self.variables.get("groups") or {}).get("all", self.in_play)

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
    def store(self) -> Store:
        needs = self.sure_plan.store if self.needs_plan else None
        if needs is None:
            return open_store(self.variables, self.monitoring)
        return open_store(self.variables, self.monitoring, needs.replicas, str(self.sure_plan.path))

    @cached_property
    def ledger(self) -> Ledger:
        return self.store.ledger(self.rollout)

    @cached_property
    def records(self) -> list[Record]:
        self.store.fetch(self.rollout)
        return self.ledger.read()

    @cached_property
    def state(self) -> RolloutState:
        return fold(self.rollout, self.records)

    def state_of(self, rollout: str) -> RolloutState:
        """Where another rollout stands, from its own ledger."""
        return fold(rollout, self.store.ledger(rollout).read())

    def record(self, kind: str, data: dict[str, Any], now: datetime, attempt: int | None = None) -> Record:
        """Have the evidence in the store, append to the ledger, and take the record into the state.

        Nothing is written by a run whose lease was taken over.
        """
        before = self.records

        def check(records: list[Record]) -> None:
            after = successor(records, self.launch)
            if after is not None:
                raise FencedError(fenced_text(self.rollout, after))

        if not kind.startswith(_WITHOUT_EVIDENCE):
            self.store.keep(self.rollout)
        written = self.ledger.append(
            rollout=self.rollout,
            attempt=attempt or self.state.attempt,
            run=self.run,
            by=operator(self.variables),
            kind=kind,
            data=data,
            now=now,
            check=check,
        )
        self.__dict__["records"] = [*before, written]
        self.__dict__.pop("state", None)
        return written

    @cached_property
    def clock(self) -> PlanClock:
        """Plan time: of all rollouts of the store, since one may wait for another."""
        return PlanClock(self.store)

    @cached_property
    def skips_waits(self) -> bool:
        """Whether this run skips what it would wait for: `rollout_skip_waits`."""
        return is_true(self.variables, "rollout_skip_waits") or self.scales_time

    @cached_property
    def scales_time(self) -> bool:
        """Whether this run says so by the word of earlier versions, `rollout_time_scale`."""
        scale: float = value_of(self.variables, "rollout_time_scale", 1.0)
        return scale != 1.0

    @cached_property
    def looks_per_wait(self) -> int | None:
        """How many looks a wait gets where waits are skipped; None where the plan's `watch.every` says it."""
        if not self.skips_waits:
            return None
        looks: int = value_of(self.variables, "rollout_looks_per_wait", LOOKS_PER_WAIT)
        return looks

    @cached_property
    def rehearsal(self) -> bool:
        """Skipped waits, or an inventory that says `rollout_rehearsal: true`: its decisions never count for production."""
        return self.skips_waits or any(self.hostvar(host, "rollout_rehearsal", False) for host in self.in_play)

    @cached_property
    def looks(self) -> LookBook:
        return LookBook(self.monitoring / "looks" / self.rollout / str(self.state.attempt))

    @cached_property
    def nats_book(self) -> Any:
        from ansible_collections.cowboyai.rollout.plugins.plugin_utils._nats_book import NatsBook

        return NatsBook(self.monitoring / "looks" / self.rollout / str(self.state.attempt))

    @property
    def counted_s(self) -> float:
        """Seconds of real time by which hosts are to count what they logged; the series are made of buckets of BUCKET."""
        return SKIPPED_BUCKET if self.skips_waits else BUCKET

    def relative(self, path: Path) -> str:
        """A path as records and messages name it: relative to the monitoring folder."""
        return str(path.relative_to(self.monitoring))
