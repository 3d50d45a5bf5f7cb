# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the proofs of a plan can succeed on its hosts, as they answered before the change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._preflight import Finding

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

_SEEN_IN = "the old value of each changed key in the running process"


def check(plan: Plan, units: Mapping[str, Any]) -> list[Finding]:
    """What stands against the proofs. `units`: host -> registered `agent_units_info` result."""
    findings: list[Finding] = []
    for host, result in units.items():
        for agent in plan.agents():
            seen = ((result or {}).get("instances") or {}).get(agent)
            # One that does not run is a finding of its own.
            if seen is not None and seen.get("active_state") == "active":
                findings += _of(instance_id(agent, host), seen.get("provable"))
    return findings


def _of(name: str, provable: dict[str, Any] | None) -> Iterator[Finding]:
    if provable is None:
        yield Finding(name, "proof of the change", "no answer about it", _SEEN_IN, "Run preflight again.")
        return
    for problem in provable["problems"]:
        yield Finding(
            name, "proof of the change", problem, _SEEN_IN,
            "As it is, no new value could ever be proven there: correct the unit, rollout_agent_unit or rollout_agent_env_file.",
        )  # fmt: skip
    undo = provable["undo"]
    said = f"{undo.get('reason') or undo['state']}: {undo.get('message') or 'nothing was said about it'}"
    if undo["state"] == "failed":
        yield Finding(
            name, "undo_proof, tried on the process that runs", said, "all of it: a rollback returns to just this state",
            "No rollback could ever be proven: correct change.undo_proof in the plan.",
        )  # fmt: skip
    elif undo["state"] != "proven" and not provable["problems"]:
        yield Finding(
            name, "undo_proof", f"not tried: the journal has no lines from the start of the process any more ({said})",
            "a proof on the process that runs", "Restart the agent and run preflight again to be sure of it before the change.",
            stops=False,
        )  # fmt: skip
