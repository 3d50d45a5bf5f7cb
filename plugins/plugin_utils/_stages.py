# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a rollout has come: the stage of the whole and of each phase, and what comes next and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._recorded_plan import RecordedPhase, RecordedPlan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState

# Of what a soak began anew for.
MOST_SHOWN = 240
PHASE_STATES = ("pending", "deploying", "verifying", "soaking", "done", "rolled_back")


@dataclass(frozen=True)
class Stage:
    """`step`: not_started, preflight, baseline, backup, approval, deploy, verify, soak, checkpoint, decide, rollback, done."""

    step: str
    text: str
    phase: str = ""


@dataclass(frozen=True)
class Event:
    """Something whose time is known. `step`: look, batch, verify, soak, approval or checkpoint."""

    step: str
    what: str
    at: datetime


def phases_of(state: RolloutState, plan: RecordedPlan) -> list[RecordedPhase]:
    """The plan's phases; those that were touched where an old ledger doesn't hold the plan."""
    return list(plan.phases) or [RecordedPhase(name) for name in state.phases]


def phase_state(state: RolloutState, plan: RecordedPlan, phase: RecordedPhase) -> str:
    """One of PHASE_STATES."""
    known = state.phases.get(phase.name)
    if known is None or not known.touched:
        return "pending"
    back = (state.rolled_back or {}).get("restored", {})
    if all(instance in back for instance in known.touched):
        return "rolled_back"
    if not known.deployed_at:
        return "deploying"
    if not known.verified_at:
        return "verifying"
    if phase.soak_s and not known.soaked_at and not _went_on(state, plan, phase):
        return "soaking"
    return "done"


def _went_on(state: RolloutState, plan: RecordedPlan, phase: RecordedPhase) -> bool:
    """The soak of the last phase binds nobody: checkpoints and the decision may come before its end."""
    last = phases_of(state, plan)[-1].name == phase.name
    return last and (state.decision is not None or any(c.status != "open" for c in state.checkpoints.values()))


def stage(state: RolloutState, plan: RecordedPlan) -> Stage:
    """Where the rollout is, in one word and in a line for people."""
    if not state.attempt:
        return Stage("not_started", "not started")
    if state.finished and not (state.rolled_back and state.rolled_back.get("left")):
        return Stage("done", "over")
    if state.rolled_back or (state.rollback_started_at and not state.finished):
        return Stage("rollback", "rolling back" if not state.rolled_back else "rolled back in part")
    for step, reached, text in (
        ("preflight", state.preflight_at, "preflight"),
        ("baseline", state.baseline_at, "measuring the baseline"),
        # A shadow rollout changes nothing, so it has nothing to keep.
        ("backup", state.backup_directory or state.shadow, "backing up"),
    ):
        if not reached:
            return Stage(step, text)
    asked = [approval.name for approval in state.approvals.values() if approval.decision is None]
    if asked:
        return Stage("approval", f"waiting for a person's approval before {', '.join(asked)}")
    phases = phases_of(state, plan)
    for number, phase in enumerate(phases, start=1):
        now = phase_state(state, plan, phase)
        where = f"phase {phase.name} ({number} of {len(phases)})"
        if now in ("pending", "deploying"):
            return Stage("deploy", f"{where}: deploying, {_proven(state, phase.name)}", phase.name)
        if now == "verifying":
            return Stage("verify", f"{where}: verifying", phase.name)
        if now == "soaking":
            resets = state.phases[phase.name].soak_resets
            last = state.phases[phase.name].soaks_anew[-1].why[:MOST_SHOWN] if resets else ""
            again = f", began anew {resets} time{'s' if resets > 1 else ''}" if resets else ""
            again += f", the last time for: {last}" if last else ""
            return Stage("soak", f"{where}: soaking{again}", phase.name)
    upcoming = [name for name, _offset in plan.checkpoints if _is_open(state, name)]
    if upcoming:
        return Stage("checkpoint", f"all {len(phases)} phases changed, on the way to {upcoming[0]}")
    return Stage("decide", "every checkpoint is over, the decision comes next")


def _proven(state: RolloutState, phase: str) -> str:
    known = state.phases.get(phase)
    if known is None:
        return "no instance changed yet"
    return f"{len(known.proven)} of {len(known.touched)} touched instances proven"


def _is_open(state: RolloutState, checkpoint: str) -> bool:
    known = state.checkpoints.get(checkpoint)
    return known is None or known.status == "open"


def checkpoint_due(state: RolloutState, plan: RecordedPlan, name: str) -> datetime | None:
    """When a checkpoint of the plan is due: its offset after the phase it counts from was deployed; None before that."""
    after = state.phases.get(plan.checkpoints_after)
    offset = dict(plan.checkpoints).get(name)
    if after is None or after.deployed_at is None or offset is None:
        return None
    return plus(after.deployed_at, plan.real(offset))


def upcoming(state: RolloutState, plan: RecordedPlan) -> list[Event]:
    """What comes next, the soonest first; empty once the rollout has ended or is to be rolled back."""
    if state.finished or state.rolled_back or (state.stop and state.stop.decision != "hold"):
        return []
    events = []
    at = stage(state, plan)
    known = state.phases.get(at.phase)
    planned = next((phase for phase in plan.phases if phase.name == at.phase), RecordedPhase(at.phase))
    if at.step == "deploy" and known and known.last_batch_at:
        events.append(
            Event("batch", f"next batch of {at.phase}", plus(known.last_batch_at, plan.real(planned.stagger_s)))
        )
    if at.step == "verify" and known and known.deployed_at and planned.verify_within_s:
        by = plus(known.deployed_at, plan.real(planned.verify_within_s))
        events.append(Event("verify", f"{at.phase} verified at the latest", by))
    if at.step == "soak" and known and known.soak_from:
        events.append(Event("soak", f"end of the soak of {at.phase}", plus(known.soak_from, plan.real(planned.soak_s))))
    for approval in state.approvals.values():
        if approval.decision is None:
            events.append(Event("approval", f"without an approval: {approval.otherwise}", approval.until))
    if at.step in ("approval", "soak", "checkpoint"):
        gates = [*(c.at for c in state.checkpoints.values()), *(p.verified_at for p in state.phases.values())]
        seen = [moment for moment in (state.looked_at, *gates) if moment]
        if seen:
            events.append(Event("look", "look", plus(max(seen), plan.real(plan.watch_every_s))))
    for name, _offset in plan.checkpoints:
        due = checkpoint_due(state, plan, name)
        if due and _is_open(state, name):
            events.append(Event("checkpoint", f"checkpoint {name}", due))
    return sorted(events, key=lambda event: event.at)
