# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances an open rollout claims, and where two of them meet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._lease import holder_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState

_SHOWN = 3


@dataclass(frozen=True)
class Claim:
    """Every agent of `agents` on every host of `hosts`, by a rollout that is open; `how` it stands, for people."""

    rollout: str
    agents: tuple[str, ...]
    hosts: tuple[str, ...]
    how: str

    def shared(self, agents: list[str], hosts: list[str]) -> list[str]:
        """The instances that are also among those."""
        return [instance_id(a, h) for h in hosts if h in self.hosts for a in agents if a in self.agents]


def claim_of(rollout: str, state: RolloutState, lease: dict[str, Any] | None) -> Claim | None:
    """What a rollout claims: all its instances from its first change until it is decided, and while a run of it is at work.

    `lease`: that of a run that is alive, else None. Decided and shadow rollouts claim nothing, and neither does one that
    has changed nothing and that nobody runs: a preflight that was tried and left does not stand in anybody's way.
    """
    if lease is not None and lease.get("agents"):
        return Claim(rollout, tuple(lease["agents"]), tuple(lease["hosts"]), f"is being run by {holder_text(lease)}")
    if state.finished or state.shadow or not state.touched():
        return None
    agents, hosts = (tuple(str(each) for each in state.start.get(key) or []) for key in ("agents", "hosts"))
    return Claim(rollout, agents, hosts, f"has changed instances and stands at {state.outcome}")


def conflict_text(rollout: str, claim: Claim, agents: list[str], hosts: list[str]) -> str | None:
    """Why a rollout of these agents and hosts can't run beside the claim; None when they don't meet."""
    shared = claim.shared(agents, hosts)
    if not shared:
        return None
    more = f" and {len(shared) - _SHOWN} more" if len(shared) > _SHOWN else ""
    return (
        f"{rollout} would change {', '.join(shared[:_SHOWN])}{more}, and so does {claim.rollout}, which {claim.how}. Two changes of one "
        f"instance can't be told apart: let {claim.rollout} end, or take it back with "
        f"ansible-playbook playbooks/rollback.yml -e rollout={claim.rollout}, and start this one again."
    )
