# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup: single facts of a plan that a play must know before its first task."""

from __future__ import annotations

DOCUMENTATION = r"""
name: plan
short_description: Hosts and batches of a rollout, for the head of a play
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - Reads the validated plan of the rollout that the variables C(rollout), C(rollout_plan) or C(phase) name, and answers
    what C(hosts) and C(serial) of a play need.
  - The plan is refused with all its mistakes, so that nothing runs on a bad one.
options:
  _terms:
    description:
      - V(hosts) is the plan's host pattern, V(serial) the batches of the phase in C(phase), V(look_again) how often a gate
        that could not measure looks again.
      - V(hosts) fits no host once the rollout has ended or is to be rolled back, so that plays of the way forward cost nothing.
      - V(awaiting) is the host pattern when the plan asks for the approval in C(approval), and fits no host otherwise.
      - V(touched) names the hosts of the ledger, for a rollback that has no plan any more. It falls back to the plan's.
      - V(reported) is the same, and fits no host while a run with C(rollout_wait=false) has nothing to do. Neither do V(hosts) and V(awaiting).
      - V(outcome) is where the ledger says that the rollout stands, such as V(HOLD) or V(GO).
    required: true
  judges:
    description: Of V(hosts), whether the play judges by statistics, which are then loaded once for all of its steps.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Deploy one phase, batch by batch
  hosts: "{{ lookup('cowboyai.rollout.plan', 'hosts') }}"
  serial: "{{ lookup('cowboyai.rollout.plan', 'serial') }}"
  gather_facts: false
  tasks: []
"""

RETURN = r"""
_raw:
  description: The facts, in the order of the terms.
  type: list
  elements: raw
"""

import contextlib
import importlib
from collections.abc import Mapping
from typing import Any

from ansible.context import CLIARGS
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _ticks
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import (
    StepError,
    find_plan,
    matching_hosts,
    monitoring_dir,
    read_plan,
    rollout_id,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import LedgerError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan_clock import PlanClock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._play_variables import PlayVariables
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import ProblemsError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import NO_GO, ROLLBACK, RolloutState, fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import open_store
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import is_true, value_of

# A pattern that fits no host.
NOBODY = "all:!all"


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        play = PlayVariables(variables or {}, self._templar)
        try:
            return [self._fact(str(term), play) for term in terms]
        except (StepError, LedgerError, ProblemsError) as error:
            raise AnsibleError(str(error)) from None

    def _fact(self, term: str, play: Mapping[str, Any]) -> Any:
        idle = term in ("hosts", "awaiting", "reported") and self._idle(play, reported=term == "reported")
        if term in ("touched", "reported"):
            hosts = self._present(play, self._touched(play))
            return NOBODY if idle else hosts
        if term == "outcome":
            return _recorded(play, rollout_id(play, str(value_of(play, "rollout", "")))).outcome
        named = any(value_of(play, name) for name in ("rollout", "rollout_plan", "phase"))
        if CLIARGS.get("syntax") or not named:
            # Where nothing names a rollout, the first task of the play refuses and says what to give.
            return {"hosts": "all", "serial": "100%", "look_again": 0, "awaiting": NOBODY}.get(term)
        plan = read_plan(find_plan(play))
        if term == "hosts":
            hosts = self._present(play, plan.hosts)
            if idle or self._ended(play, plan):
                return NOBODY
            if self.get_option("judges"):
                _load_statistics()
            return hosts
        if term == "awaiting":
            hosts = self._present(play, plan.hosts)
            return (
                hosts
                if not idle and any(each.before == value_of(play, "approval") for each in plan.approvals)
                else NOBODY
            )
        if term == "look_again":
            return plan.checkpoints.look_again.times
        if term == "serial":
            return self._serial(plan, value_of(play, "phase"))
        raise StepError(
            f"lookup plan: term {term!r} is none of hosts, serial, look_again, awaiting, touched, reported, outcome."
        )

    @staticmethod
    def _present(play: Mapping[str, Any], pattern: str) -> str:
        """The pattern, when it leaves hosts to act on: Ansible skips a play without hosts and ends with 0."""
        if any(CLIARGS.get(only_looks) for only_looks in ("syntax", "listhosts", "listtasks", "listtags")):
            return pattern
        limit = CLIARGS.get("subset")
        if "groups" in play and not matching_hosts(play["groups"], pattern, limit):
            limited = f" and --limit {limit}" if limit else ""
            raise StepError(
                f"no host of the inventory fits the hosts {pattern}{limited}. Name another inventory (-i) or limit (-l)."
            )
        return pattern

    @staticmethod
    def _ended(play: Mapping[str, Any], plan: Any) -> bool:
        """Whether nothing of the way forward can be due any more: its plays are then left out, which costs nothing.

        What a step would have said is in the ledger, and the end of the run says it.
        """
        if is_true(play, "rollout_new_attempt"):
            return False
        rollout = rollout_id(play, plan.rollout)
        state = _recorded(play, rollout)
        stop = state.stopped("")
        return stop is not None and stop.decision in (NO_GO, ROLLBACK)

    @staticmethod
    def _idle(play: Mapping[str, Any], reported: bool) -> bool:
        """Whether a run that must not wait has nothing to do: it came too early, or stands where it would wait, or on hold."""
        if not _ticks.wanted(play) or any(CLIARGS.get(looks) for looks in ("check", "syntax")):
            return False
        given = value_of(play, "rollout")
        rollout = rollout_id(play, str(given) if given else read_plan(find_plan(play)).rollout)
        store = open_store(play, monitoring_dir(play))
        try:
            tick = _ticks.TickBook(store, rollout).read()
            if tick is None or (is_true(play, "rollout_new_attempt") and not tick.new_attempt):
                return False
            records, now = store.ledger(rollout).read(), PlanClock(store).now()
        finally:
            store.close()
        if reported:
            return tick.is_reported(records)
        state = fold(rollout, records)
        ended = state.stopped(tick.run) is not None or state.decision is not None
        return ended or tick.waits(now, records, _ticks.processes())

    @staticmethod
    def _serial(plan: Any, phase: Any) -> Any:
        if not phase:
            names = ", ".join(each.name for each in plan.phases)
            raise StepError(f"which phase of {plan.rollout}? Say -e phase=<one of {names}>.")
        try:
            return plan.phase(str(phase)).serial
        except KeyError as error:
            raise StepError(str(error.args[0])) from None

    @staticmethod
    def _touched(play: Mapping[str, Any]) -> str:
        given = value_of(play, "rollout")
        hosts: list[str] = []
        if given:
            rollout = rollout_id(play, str(given))
            hosts = [str(host) for host in _recorded(play, rollout).start.get("hosts", [])]
        if hosts:
            return ",".join(hosts)
        try:
            return str(read_plan(find_plan(play)).hosts)
        except (StepError, ProblemsError):
            # Neither ledger nor plan is left: the inventory and --limit say where, the backup's manifest says what.
            return "all"


def _load_statistics() -> None:
    """In the process that the play's steps are forked from: each gate and look would load it for itself otherwise."""
    with contextlib.suppress(ImportError):
        importlib.import_module("scipy.stats")


def _recorded(play: Mapping[str, Any], rollout: str) -> RolloutState:
    """Where a rollout stands by its ledger."""
    store = open_store(play, monitoring_dir(play))
    try:
        return fold(rollout, store.ledger(rollout).read())
    finally:
        store.close()
