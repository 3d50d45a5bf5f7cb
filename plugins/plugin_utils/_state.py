# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rollout stands: a pure fold over its ledger. No I/O, no clock; the same records give the same state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record

GO, HOLD, NO_GO, ROLLBACK = "go", "hold", "no_go", "rollback"
_STOPS = (HOLD, NO_GO, ROLLBACK)


@dataclass
class PhaseState:
    """One phase. `proven` maps an instance id to what the host proved (invocation, when)."""

    name: str
    touched: list[str] = field(default_factory=list)
    proven: dict[str, dict[str, Any]] = field(default_factory=dict)
    last_batch_at: datetime | None = None
    deployed_at: datetime | None = None
    verified_at: datetime | None = None
    soak_from: datetime | None = None
    soak_resets: int = 0
    soaked_at: datetime | None = None


@dataclass
class CheckpointState:
    """One checkpoint: `taken`, `missed` (recorded, never invented) or still `open` with holds so far."""

    name: str
    status: str = "open"
    decision: str | None = None
    at: datetime | None = None
    holds: int = 0
    evidence: str | None = None
    accepted_by: str | None = None


@dataclass
class Stop:
    """Why nothing may go on: the decision, what it was about, and whether it binds only the run that saw it."""

    decision: str
    why: str
    at: datetime
    run: str
    scope: str | None = None
    instances: list[str] = field(default_factory=list)


@dataclass
class RolloutState:
    """The state of the newest attempt of one rollout."""

    rollout: str
    attempt: int = 0
    started_at: datetime | None = None
    start: dict[str, Any] = field(default_factory=dict)
    preflight_at: datetime | None = None
    nats_groups: list[dict[str, Any]] = field(default_factory=list)
    baseline_at: datetime | None = None
    baseline: str | None = None
    backups: dict[str, dict[str, Any]] = field(default_factory=dict)
    backup_directory: str | None = None
    phases: dict[str, PhaseState] = field(default_factory=dict)
    checkpoints: dict[str, CheckpointState] = field(default_factory=dict)
    stop: Stop | None = None
    gaps_accepted_at: datetime | None = None
    looked_at: datetime | None = None
    rollback_started_at: datetime | None = None
    rolled_back: dict[str, Any] | None = None
    decision: str | None = None
    decision_why: str | None = None
    decided_at: datetime | None = None

    @property
    def time_scale(self) -> float:
        return float(self.start.get("time_scale", 1.0))

    @property
    def rehearsal(self) -> bool:
        return bool(self.start.get("rehearsal", False))

    def phase(self, name: str) -> PhaseState:
        return self.phases.setdefault(name, PhaseState(name))

    def checkpoint(self, name: str) -> CheckpointState:
        return self.checkpoints.setdefault(name, CheckpointState(name))

    def touched(self) -> list[str]:
        """Every instance that a batch set out to change, in order: written down before the change, so never too few."""
        seen: dict[str, None] = {}
        for phase in self.phases.values():
            seen.update(dict.fromkeys(phase.touched))
        return list(seen)

    def proven(self) -> dict[str, dict[str, Any]]:
        merged: dict[str, dict[str, Any]] = {}
        for phase in self.phases.values():
            merged.update(phase.proven)
        return merged

    @property
    def deployed_at(self) -> datetime | None:
        """When the last phase so far was deployed."""
        moments = [phase.deployed_at for phase in self.phases.values() if phase.deployed_at]
        return max(moments) if moments else None

    @property
    def first_deployed_at(self) -> datetime | None:
        moments = [phase.deployed_at for phase in self.phases.values() if phase.deployed_at]
        return min(moments) if moments else None

    def stopped(self, run: str) -> Stop | None:
        """The stop that binds this run: a hold binds only the run that met it, everything else binds them all."""
        if self.rolled_back:
            moment = parse_iso(self.rolled_back["at"])
            return Stop(ROLLBACK, self.rolled_back["why"], moment, run, "rollout", self.rolled_back["left"])
        if self.stop and (self.stop.decision != HOLD or self.stop.run == run):
            return self.stop
        return None

    @property
    def finished(self) -> bool:
        return self.decision in (GO, NO_GO) or bool(self.rolled_back and self.rolled_back.get("complete"))

    @property
    def outcome(self) -> str:
        """For people: GO, HOLD, NO-GO, ROLLED BACK, PARTLY ROLLED BACK, ROLLBACK INCOMPLETE, or where an open one stands."""
        if self.rolled_back:
            if not self.rolled_back.get("complete"):
                return "ROLLBACK INCOMPLETE"
            return "PARTLY ROLLED BACK" if self.rolled_back.get("left") else "ROLLED BACK"
        if self.stop and self.stop.decision == ROLLBACK:
            return "ROLLBACK DUE"
        if self.decision:
            return {GO: "GO", NO_GO: "NO-GO", HOLD: "HOLD"}[self.decision]
        if self.stop:
            return {HOLD: "HOLD", NO_GO: "NO-GO"}[self.stop.decision]
        return "IN PROGRESS" if self.attempt else "NOT STARTED"


def fold(rollout: str, records: Iterable[Record]) -> RolloutState:
    """The state after these records (all of one ledger, oldest first). A new attempt starts from nothing."""
    state = RolloutState(rollout)
    for record in records:
        if record.kind == "rollout.started":
            state = RolloutState(rollout, attempt=record.attempt, started_at=record.moment, start=dict(record.data))
            continue
        handler = _HANDLERS.get(record.kind)
        if handler:
            handler(state, record)
    return state


def _resumed(state: RolloutState, record: Record) -> None:
    if state.stop and state.stop.decision == HOLD:
        state.stop = None


def _preflight(state: RolloutState, record: Record) -> None:
    state.preflight_at = record.moment
    state.nats_groups = record.data.get("nats_groups", [])


def _baseline(state: RolloutState, record: Record) -> None:
    state.baseline_at = record.moment
    state.baseline = record.data.get("evidence")


def _backup(state: RolloutState, record: Record) -> None:
    state.backup_directory = record.data["directory"]
    for host, manifest in record.data["hosts"].items():
        state.backups[host] = manifest


def _batch_started(state: RolloutState, record: Record) -> None:
    phase = state.phase(record.data["phase"])
    for instance in record.data["instances"]:
        if instance not in phase.touched:
            phase.touched.append(instance)


def _batch_done(state: RolloutState, record: Record) -> None:
    phase = state.phase(record.data["phase"])
    phase.last_batch_at = record.moment
    phase.proven.update(record.data.get("proven", {}))
    # In the batch's own record, so that no kill can come between the last batch and the phase being deployed.
    if record.data.get("phase_complete"):
        phase.deployed_at = record.moment


def _soak_reset(state: RolloutState, record: Record) -> None:
    phase = state.phase(record.data["phase"])
    phase.soak_from = parse_iso(record.data["from"])
    phase.soak_resets += 1


def _soak_done(state: RolloutState, record: Record) -> None:
    state.phase(record.data["phase"]).soaked_at = record.moment


def _gate(state: RolloutState, record: Record) -> None:
    data = record.data
    if data["gate"] == "checkpoint":
        checkpoint = state.checkpoint(data["name"])
        checkpoint.at, checkpoint.evidence = record.moment, data.get("evidence")
        if data["decision"] == HOLD:
            checkpoint.holds += 1
        else:
            checkpoint.status, checkpoint.decision = "taken", data["decision"]
    if data["gate"] == "verify" and data["decision"] == GO:
        phase = state.phase(data["phase"])
        phase.verified_at = record.moment
        phase.soak_from = phase.soak_from or record.moment
    if data["decision"] != GO and data.get("stops", True) and not _outranked(state, data["decision"]):
        state.stop = Stop(
            decision=data["decision"],
            why=data["why"],
            at=record.moment,
            run=record.run,
            scope=data.get("scope"),
            instances=data.get("instances", []),
        )


def _outranked(state: RolloutState, decision: str) -> bool:
    """Two runs can meet different gates at once: the hold of one must not make the other's rollback forgotten."""
    return state.stop is not None and _STOPS.index(state.stop.decision) > _STOPS.index(decision)


def _missed(state: RolloutState, record: Record) -> None:
    checkpoint = state.checkpoint(record.data["name"])
    checkpoint.status, checkpoint.at = "missed", record.moment


def _accepted(state: RolloutState, record: Record) -> None:
    state.checkpoint(record.data["name"]).accepted_by = record.by


def _rollback_started(state: RolloutState, record: Record) -> None:
    state.rollback_started_at = record.moment


def _rollback_done(state: RolloutState, record: Record) -> None:
    # Several partial rollbacks (one host, one agent) add up: what is back stays back.
    earlier = state.rolled_back or {}
    restored = {**earlier.get("restored", {}), **record.data["restored"]}
    # Unless a later run saw that it is not.
    restored = {name: how for name, how in restored.items() if name not in record.data["accounting"].get("bad", [])}
    expected = list(dict.fromkeys([*earlier.get("expected", []), *record.data["expected"]]))
    left = [instance for instance in state.touched() if instance not in restored]
    state.rolled_back = {
        "at": record.at,
        "why": record.data["why"],
        "complete": all(instance in restored for instance in expected),
        "expected": expected,
        "restored": restored,
        "left": left,
        "accounting": record.data["accounting"],
    }


def _decided(state: RolloutState, record: Record) -> None:
    state.decision, state.decision_why = record.data["decision"], record.data["why"]
    state.decided_at = record.moment


def _looked(state: RolloutState, record: Record) -> None:
    state.looked_at = record.moment


def _gaps_accepted(state: RolloutState, record: Record) -> None:
    state.gaps_accepted_at = record.moment


_HANDLERS = {
    "gaps.accepted": _gaps_accepted,
    "look.taken": _looked,
    "run.resumed": _resumed,
    "preflight.passed": _preflight,
    "baseline.taken": _baseline,
    "backup.done": _backup,
    "batch.started": _batch_started,
    "batch.done": _batch_done,
    "soak.reset": _soak_reset,
    "soak.done": _soak_done,
    "gate.decided": _gate,
    "checkpoint.missed": _missed,
    "checkpoint.accepted": _accepted,
    "rollback.started": _rollback_started,
    "rollback.done": _rollback_done,
    "decision.made": _decided,
}
