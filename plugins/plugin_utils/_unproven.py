# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances that are back and do not show the undo proof: told apart from those that are still changed, and ended by a person.

A corrected plan is asked for its undo proof, or a person accepts them by name, with a reason that the ledger keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _instances
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import split_instance
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of

VARIABLE = "rollout_accept_unproven"


@dataclass(frozen=True)
class Accepted:
    """Whom a person takes for rolled back without a proof, and why."""

    instances: list[str] = field(default_factory=list)
    reason: str = ""


def accepted(variables: Mapping[str, Any], touched: list[str] | None) -> Accepted:
    """What `rollout_accept_unproven` names. StepError for a name that the rollout did not touch, and without a reason.

    `touched`: None where no ledger tells.
    """
    names = list(dict.fromkeys(value_of(variables, VARIABLE, [])))
    wrong = [name for name in names if "@" not in name or (touched is not None and name not in touched)]
    if wrong:
        known = f"; it touched {', '.join(touched)}" if touched else ""
        raise StepError(
            f"{VARIABLE}: seen {', '.join(wrong)}, expected instances that this rollout touched, such as agent@host, separated by commas{known}."
        )
    reason: str = value_of(variables, "reason", "").strip()
    if names and not reason:
        raise StepError(
            f'{VARIABLE}: {", ".join(names)} would count as rolled back without a proof. Say why with -e \'{{"reason": "..."}}\'; the ledger '
            "keeps it with your name."
        )
    return Accepted(names, reason)


def corrected_proofs(context: Context, instances: list[str]) -> dict[str, dict[str, Any]]:
    """host -> agent -> undo proof of the plan as it is now, for those that an earlier rollback could not prove.

    Empty where the plan is the one that the attempt began with, or can't be read: then the backup's own proof counts.
    """
    unproven = (context.state.rolled_back or {}).get("unproven") or {}
    wanted = [instance for instance in instances if instance in unproven]
    plan = context.plan if wanted else None
    if plan is None or plan.digest == context.state.start.get("plan_digest"):
        return {}
    proofs: dict[str, dict[str, Any]] = {}
    for instance in wanted:
        agent, host = split_instance(instance)
        if agent not in plan.agents():
            continue
        try:
            proofs.setdefault(host, {})[agent] = _instances.undo_proof(context, plan, agent, host)
        except StepError:
            # Without catalogue or layout the backup's proof is all there is.
            continue
    return proofs


def noted(context: Context, order: dict[str, Any]) -> dict[str, Any]:
    """What the ledger says of it when a rollback begins."""
    said: dict[str, Any] = {}
    if order["proofs"] and context.plan is not None:
        said["undo_proof_of_plan"] = context.plan.digest
    if order["accept"]:
        said["accept_unproven"] = [f"{agent}@{host}" for host, agents in order["accept"].items() for agent in agents]
        said["accept_reason"] = order["accept_reason"]
    return said


def of_results(bad: list[str], results: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of the instances that are not proven back, those that are back: instance -> reason and message."""
    return {name: _why(seen) for name in bad if (seen := _seen(name, results)) and seen.get("state") == "unproven"}


def of_accepted(good: list[str], results: Mapping[str, Any], order: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Of those that count as back, the ones that a person accepted without their proof, with the person's reason."""
    found = {}
    for name in good:
        agent, host = split_instance(name)
        seen = _seen(name, results)
        if seen and seen.get("reason") and agent in ((order.get("accept") or {}).get(host) or []):
            found[name] = {**_why(seen), "accepted_for": order.get("accept_reason") or ""}
    return found


def way_out(rollout: str, unproven: Mapping[str, Any]) -> list[str]:
    """What a person can do, in words."""
    if not unproven:
        return []
    names = ",".join(unproven)
    return [
        f"restored, not proven: {', '.join(unproven)}. Their files are back, and as far as can be seen nothing of the change runs. Correct "
        f"change.undo_proof in the plan and roll back again, or accept them: ansible-playbook playbooks/rollback.yml -e rollout={rollout} "
        f'-e {VARIABLE}={names} -e \'{{"reason": "..."}}\''
    ]


def _seen(name: str, results: Mapping[str, Any]) -> dict[str, Any] | None:
    agent, host = split_instance(name)
    found: dict[str, Any] | None = ((results.get(host) or {}).get("instances") or {}).get(agent)
    return found


def _why(seen: dict[str, Any]) -> dict[str, Any]:
    return {"reason": seen.get("reason"), "message": seen.get("message") or ""}
