# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that have put themselves back: what a module saw of it on first contact is recorded, and the rollout follows.

A host whose guard fired runs its old state while the ledger says that it is changed. It is never changed again
unasked: its instances are not proven any more, and what is left of the change goes back too, so that ledger and hosts
agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id, split_instance
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._scope import instances_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import NO_GO, ROLLBACK

GATE = "guard"


def known(records: list[Record]) -> list[str]:
    """The reverts that the ledger has, of all attempts."""
    return [str(record.data["id"]) for record in records if record.kind == "host.reverted"]


def record_reverts(context: Context, results: Mapping[str, Any], now: datetime) -> list[str]:
    """Record what `results` (host -> registered result) tell of reverts that the ledger doesn't have.

    Returns the instances of this attempt that are back to their old state by themselves.
    """
    back: list[str] = []
    seen = known(context.records)
    touched = set(context.state.touched())
    for host, result in results.items():
        found = ((result or {}).get("guard") or {}).get("reverted")
        if not found or found["id"] in seen:
            continue
        seen.append(found["id"])
        instances = {instance_id(agent, host): one for agent, one in found["instances"].items()}
        data = {
            "id": found["id"],
            "host": host,
            "reverted_at": found["at"],
            "why": found["why"],
            "complete": found["complete"],
            "instances": instances,
        }
        context.record("host.reverted", data, now)
        back += [name for name in instances if name in touched]
    return back


def stop_for(context: Context, back: list[str], now: datetime) -> dict[str, str]:
    """Stop the rollout because these instances went back by themselves; the decision and what to say."""
    by_why: dict[tuple[str, str], list[str]] = {}
    for name in back:
        reason = context.state.reverted.get(name, {}).get("why", "not confirmed in time")
        by_why.setdefault((split_instance(name)[1], reason), []).append(name)
    why = "; ".join(f"{', '.join(names)} went back by itself: {reason}" for (_host, reason), names in by_why.items())
    return stop(context, why, back, now)


def stop(context: Context, why: str, back: list[str], now: datetime) -> dict[str, str]:
    """Take back what is left of the change, or NO-GO where the plan leaves rollbacks to a person."""
    plan = context.sure_plan
    decision = ROLLBACK if "failed_phase" in plan.rollback.on else NO_GO
    scope = plan.rollback.scope
    data = {"gate": GATE, "name": GATE, "decision": decision, "why": why, "stops": True}
    context.record("gate.decided", {**data, "scope": scope, "instances": instances_of(context.state, scope, back)}, now)
    return {"decision": decision, "msg": f"{decision.upper().replace('_', '-')}: {why}"}


def stop_for_overdue(context: Context, late: dict[str, datetime], now: datetime) -> None:
    """The same for hosts that nobody confirmed in time, before they could be asked: what their guards were about is back."""
    why = "; ".join(
        f"{host} was not confirmed in time (until {short(until)}) and has put itself back"
        for host, until in late.items()
    )
    stop(context, why, [instance for host in late for instance in context.state.guarded.get(host, [])], now)
