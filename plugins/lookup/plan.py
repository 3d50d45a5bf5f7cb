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
      - V(touched) names the hosts of the ledger, for a rollback that has no plan any more. It falls back to the plan's.
    required: true
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

from collections.abc import Mapping
from typing import Any

from ansible.context import CLIARGS
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import PlayVariables
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import (
    StepError,
    find_plan,
    matching_hosts,
    monitoring_dir,
    read_plan,
    value_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger, LedgerError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import ProblemsError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import fold


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        play = PlayVariables(variables or {}, self._templar)
        try:
            return [self._fact(str(term), play) for term in terms]
        except (StepError, LedgerError, ProblemsError) as error:
            raise AnsibleError(str(error)) from None

    def _fact(self, term: str, play: Mapping[str, Any]) -> Any:
        if term == "touched":
            return self._present(play, self._touched(play))
        if not any(value_of(play, name) for name in ("rollout", "rollout_plan", "phase")):
            # Nothing names a rollout, as in a syntax check. The first task of the play refuses and says what to give.
            return {"hosts": "all", "serial": "100%", "look_again": 0}.get(term)
        plan = read_plan(find_plan(play))
        if term == "hosts":
            return self._present(play, plan.hosts)
        if term == "look_again":
            return plan.checkpoints.look_again.times
        if term == "serial":
            return self._serial(plan, value_of(play, "phase"))
        raise StepError(f"lookup plan: term {term!r} is none of hosts, serial, look_again, touched.")

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
        rollout = value_of(play, "rollout")
        hosts: list[str] = []
        if rollout:
            path = monitoring_dir(play) / "ledger" / f"{rollout}.jsonl"
            hosts = [str(host) for host in fold(str(rollout), Ledger(path).read()).start.get("hosts", [])]
        if hosts:
            return ",".join(hosts)
        try:
            return str(read_plan(find_plan(play)).hosts)
        except (StepError, ProblemsError):
            # Neither ledger nor plan is left: the inventory and --limit say where, the backup's manifest says what.
            return "all"
