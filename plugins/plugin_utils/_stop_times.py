# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the old processes may take to end, against the times of the plan that a change and a rollback must fit into. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._confirming import needed_s
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._preflight import Finding

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

# As one that has no limit, a longer one is waited for no longer than this (seconds).
LONGEST = 3600.0


def check(plan: Plan, hosts: int, units: Mapping[str, Any], guarded: bool = True) -> tuple[list[Finding], float]:
    """(what does not fit, seconds that the slowest of the units with a limit may take to end).

    `units`: host -> registered `agent_units_info` result; `guarded`: hosts will wait for a confirmation.
    """
    limits: dict[str, float] = {}
    endless: list[str] = []
    for host, result in units.items():
        for agent in plan.agents():
            seen = ((result or {}).get("instances") or {}).get(agent)
            if seen is None or "stop_timeout_s" not in seen:
                continue
            stop_s = seen["stop_timeout_s"]
            if stop_s is None or stop_s > LONGEST:
                endless.append(instance_id(agent, host))
            else:
                limits[instance_id(agent, host)] = float(stop_s)
    findings = [_endless(endless)] if endless else []
    if not limits:
        return findings, 0.0
    slowest = max(limits, key=lambda name: limits[name])
    stop_s = limits[slowest]
    undo_s = plan.change.proof_after_undo().ready_within
    if stop_s + undo_s > plan.rollback.within:
        findings.append(
            Finding(slowest, "time to stop", f"TimeoutStopSec of {duration_text(stop_s)}, and {duration_text(undo_s)} for the restored process to be ready",
                    f"together at most {duration_text(plan.rollback.within)} (rollback.within)",
                    "Raise rollback.within, or lower TimeoutStopSec= of the unit.")
        )  # fmt: skip
    within = plan.rollback.confirm_within
    for phase in plan.phases if guarded and within is not None else ():
        needed = needed_s(plan, phase.name, hosts, stop_s=stop_s)
        if within is not None and within < needed:
            findings.append(
                Finding(slowest, "time to stop",
                        f"TimeoutStopSec of {duration_text(stop_s)}: phase {phase.name} may take {duration_text(needed)} on {hosts} hosts",
                        f"at most {duration_text(within)} (rollback.confirm_within), or hosts would put themselves back while all is well",
                        "Leave confirm_within out, raise it, or lower TimeoutStopSec= of the unit.")
            )  # fmt: skip
            break
    return findings, stop_s


def _endless(names: list[str]) -> Finding:
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return Finding(shown, "time to stop", "no limit (TimeoutStopSec=infinity, or more than an hour)", "a limit",
                   f"Waited for up to {duration_text(LONGEST)}; an agent that takes longer than rollback.confirm_within is put back by its host.",
                   stops=False)  # fmt: skip
