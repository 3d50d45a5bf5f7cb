# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rollout stands: a pure fold over its ledger. No I/O, no clock; the same records give the same state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import split_instance
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso, plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record

GO, HOLD, NO_GO, ROLLBACK = "go", "hold", "no_go", "rollback"
_STOPS = (HOLD, NO_GO, ROLLBACK)


@dataclass(frozen=True)
class SoakAnew:
    """From when a soak began anew, and when the look before the one that found why was taken."""

    since: datetime
    looked_before: datetime | None
    why: str = ""


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
    soaks_anew: list[SoakAnew] = field(default_factory=list)
    soaked_at: datetime | None = None

    @property
    def soak_resets(self) -> int:
        return len(self.soaks_anew)


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
class ApprovalState:
    """A person's GO that was asked for: until when, what silence leads to, and what was answered by whom."""

    name: str
    requested_at: datetime
    until: datetime
    otherwise: str
    decision: str | None = None
    by: str | None = None
    reason: str = ""
    expired: bool = False
    # Whether the rollout has acted on an answer that is no GO.
    acted: bool = False
    answered_at: datetime | None = None


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
class OpenAlert:
    """An alert that holds, as it was told last. `condition`: the rule that holds it open, in words."""

    id: str
    name: str
    metric: str
    severity: str
    text: str
    instances: list[str]
    value: float | None
    unit: str
    action: str
    condition: str
    opened_at: datetime
    told_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """What records say of it."""
        kept = ("id", "name", "metric", "severity", "text", "instances", "value", "unit", "action", "condition")
        return {key: getattr(self, key) for key in kept}


@dataclass
class RolloutState:
    """The state of the newest attempt of one rollout."""

    rollout: str
    attempt: int = 0
    started_at: datetime | None = None
    start: dict[str, Any] = field(default_factory=dict)
    preflight_at: datetime | None = None
    preflight_run: str = ""
    nats_groups: list[dict[str, Any]] = field(default_factory=list)
    # How long the processes that are to be replaced may take to end, as preflight saw it.
    stop_s: float = 0.0
    baseline_at: datetime | None = None
    baseline: str | None = None
    backups: dict[str, dict[str, Any]] = field(default_factory=dict)
    backup_directory: str | None = None
    phases: dict[str, PhaseState] = field(default_factory=dict)
    checkpoints: dict[str, CheckpointState] = field(default_factory=dict)
    alerts: dict[str, OpenAlert] = field(default_factory=dict)
    approvals: dict[str, ApprovalState] = field(default_factory=dict)
    stop: Stop | None = None
    # A person has stopped the line: then `stop` binds every run, until somebody lifts it.
    line_stopped: bool = False
    gaps_accepted_at: datetime | None = None
    looked_at: datetime | None = None
    # Of a rehearsal, the waits that it skipped: from when, and until when.
    skipped: list[tuple[datetime, datetime]] = field(default_factory=list)
    looked_before: datetime | None = None
    # host -> until when it waits for its confirmation before it puts itself back.
    armed: dict[str, datetime] = field(default_factory=dict)
    # host -> the instances that it would put back then: not those of phases that it was told are good.
    guarded: dict[str, list[str]] = field(default_factory=dict)
    # instance -> what its host said when it had put itself back.
    reverted: dict[str, dict[str, Any]] = field(default_factory=dict)
    rollback_started_at: datetime | None = None
    rolled_back: dict[str, Any] | None = None
    decision: str | None = None
    decision_why: str | None = None
    decided_at: datetime | None = None

    @property
    def time_scale(self) -> float:
        """What an earlier version divided the waits of its rehearsal by; 1 for every other rollout."""
        return float(self.start.get("time_scale", 1.0))

    @property
    def skips_waits(self) -> bool:
        return bool(self.start.get("skips_waits", False))

    @property
    def pace(self) -> str:
        """How a rehearsal went through its waits, in words; empty where it waited, as production does."""
        if self.skips_waits:
            return "waits skipped"
        return f"time scale {self.time_scale:g}" if self.time_scale != 1.0 else ""

    def skipped_since(self, moment: datetime) -> float:
        """Seconds of plan time that were skipped since then."""
        return sum((until - max(since, moment)).total_seconds() for since, until in self.skipped if until > moment)

    @property
    def rehearsal(self) -> bool:
        return bool(self.start.get("rehearsal", False)) or bool(self.pace)

    @property
    def shadow(self) -> bool:
        """Whether it changed nothing on purpose: a rollback that it decides is a false one."""
        return bool(self.start.get("shadow", False))

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
        """The stop that binds this run: a hold of a gate binds only the run that met it, everything else binds them all."""
        if self.rolled_back:
            moment = parse_iso(self.rolled_back["at"])
            return Stop(ROLLBACK, self.rolled_back["why"], moment, run, "rollout", self.rolled_back["left"])
        if self.stop and (self.stop.decision != HOLD or self.stop.run == run or self.line_stopped):
            return self.stop
        return None

    @property
    def finished(self) -> bool:
        if self.shadow and self.stop and self.stop.decision in (NO_GO, ROLLBACK):
            return True
        return self.decision in (GO, NO_GO) or bool(self.rolled_back and self.rolled_back.get("complete"))

    @property
    def outcome(self) -> str:
        """For people: GO, HOLD, NO-GO, ROLLED BACK, PARTLY ROLLED BACK, ROLLBACK INCOMPLETE, ROLLED BACK, NOT PROVEN, or where an open one stands."""
        if self.rolled_back:
            if not self.rolled_back.get("complete"):
                missing = [name for name in self.rolled_back["expected"] if name not in self.rolled_back["restored"]]
                unproven = all(name in self.rolled_back["unproven"] for name in missing)
                return "ROLLED BACK, NOT PROVEN" if unproven else "ROLLBACK INCOMPLETE"
            return "PARTLY ROLLED BACK" if self.rolled_back.get("left") else "ROLLED BACK"
        if self.stop and self.stop.decision == ROLLBACK:
            return "FALSE ROLLBACK" if self.shadow else "ROLLBACK DUE"
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
    if state.stop and state.stop.decision == HOLD and not state.line_stopped:
        state.stop = None


def _line_stopped(state: RolloutState, record: Record) -> None:
    decision = record.data["decision"]
    if _outranked(state, decision):
        return
    why = f"{record.by} stopped the line: {record.data['why']}"
    state.stop = Stop(decision, why, record.moment, record.run, "rollout", state.touched())
    state.line_stopped = decision == HOLD


def _line_lifted(state: RolloutState, record: Record) -> None:
    state.line_stopped = False
    if state.stop and state.stop.decision == HOLD:
        state.stop = None


def _preflight(state: RolloutState, record: Record) -> None:
    state.preflight_at, state.preflight_run = record.moment, record.run
    state.nats_groups = record.data.get("nats_groups", [])
    state.stop_s = float(record.data.get("stop_s", 0.0))


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
    _arm(state, record)


def _arm(state: RolloutState, record: Record) -> None:
    within = record.data.get("confirm_within_s")
    if within:
        state.armed.update(dict.fromkeys(record.data["hosts"], plus(record.moment, within)))
        for instance in record.data.get("instances", []):
            guarded = state.guarded.setdefault(split_instance(instance)[1], [])
            if instance not in guarded:
                guarded.append(instance)


def _confirmed(state: RolloutState, record: Record) -> None:
    for host in record.data["hosts"]:
        _disarm(state, host)


def _disarm(state: RolloutState, host: str) -> None:
    state.armed.pop(host, None)
    state.guarded.pop(host, None)


def _host_reverted(state: RolloutState, record: Record) -> None:
    data = record.data
    _disarm(state, data["host"])
    for phase in state.phases.values():
        for instance in set(phase.touched) & set(data["instances"]):
            phase.proven.pop(instance, None)
            state.reverted[instance] = {"at": data["reverted_at"], "why": data["why"]}


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
    phase.soaks_anew.append(SoakAnew(phase.soak_from, state.looked_before, str(record.data.get("why") or "")))


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
    if data["gate"] == "approval" and data["name"] in state.approvals:
        state.approvals[data["name"]].acted = True
    if data["gate"] == "verify" and data["decision"] == GO:
        phase = state.phase(data["phase"])
        phase.verified_at = record.moment
        phase.soak_from = phase.soak_from or record.moment
    if data["decision"] != GO and data.get("stops", True) and not _outranked(state, data["decision"]):
        named, why, before = list(data.get("instances", [])), data["why"], state.stop
        if before and before.decision == data["decision"] == ROLLBACK and before.scope == data.get("scope"):
            # A second reason to go back takes nothing from the first.
            named, why = list(dict.fromkeys([*before.instances, *named])), f"{before.why}; {why}"
        state.stop = Stop(
            decision=data["decision"],
            why=why,
            at=record.moment,
            run=record.run,
            scope=data.get("scope"),
            instances=named,
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
    # Each call says anew of those that it was about how they stand.
    before = {name: why for name, why in earlier.get("unproven", {}).items() if name not in record.data["expected"]}
    unproven = {**before, **record.data.get("unproven", {})}
    left = [instance for instance in state.touched() if instance not in restored]
    state.rolled_back = {
        "at": record.at,
        "why": record.data["why"],
        "complete": all(instance in restored for instance in expected),
        "expected": expected,
        "restored": restored,
        "left": left,
        # As far as anybody can see they are back; they don't show their proof.
        "unproven": {name: why for name, why in unproven.items() if name not in restored},
        "accounting": record.data["accounting"],
    }
    waiting = {split_instance(instance)[1] for instance in left}
    for host in set(state.armed) - waiting:
        _disarm(state, host)


def _decided(state: RolloutState, record: Record) -> None:
    state.decision, state.decision_why = record.data["decision"], record.data["why"]
    state.decided_at = record.moment


def _approval_requested(state: RolloutState, record: Record) -> None:
    data = record.data
    state.approvals[data["approval"]] = ApprovalState(
        data["approval"], record.moment, parse_iso(data["until"]), data["otherwise"]
    )


def _approval_answered(state: RolloutState, record: Record) -> None:
    approval = state.approvals.get(record.data["approval"])
    if approval:
        approval.decision, approval.reason = record.data["decision"], record.data.get("reason", "")
        approval.answered_at = record.moment
        approval.by, approval.expired = record.by, record.kind == "approval.expired"


def _looked(state: RolloutState, record: Record) -> None:
    state.looked_before, state.looked_at = state.looked_at, record.moment


def _skipped(state: RolloutState, record: Record) -> None:
    """What hosts wait for goes by real time, so it comes that much later by the plan's."""
    since, until = parse_iso(record.data["from"]), parse_iso(record.data["to"])
    state.skipped.append((since, until))
    state.armed = {host: moment + (until - since) for host, moment in state.armed.items()}


def _gaps_accepted(state: RolloutState, record: Record) -> None:
    state.gaps_accepted_at = record.moment


def _alert_told(state: RolloutState, record: Record) -> None:
    data = record.data
    before = state.alerts.get(data["id"])
    state.alerts[data["id"]] = OpenAlert(
        id=data["id"],
        name=data["name"],
        metric=data["metric"],
        severity=data["severity"],
        text=data["text"],
        instances=list(data.get("instances") or []),
        value=data.get("value"),
        unit=data.get("unit", ""),
        action=data.get("action") or "",
        condition=data.get("condition", ""),
        opened_at=before.opened_at if before else record.moment,
        told_at=record.moment,
    )


def _alert_closed(state: RolloutState, record: Record) -> None:
    state.alerts.pop(record.data["id"], None)


_HANDLERS = {
    "approval.requested": _approval_requested,
    "approval.given": _approval_answered,
    "approval.expired": _approval_answered,
    "alert.opened": _alert_told,
    "alert.updated": _alert_told,
    "alert.resent": _alert_told,
    "alert.closed": _alert_closed,
    "gaps.accepted": _gaps_accepted,
    "look.taken": _looked,
    "clock.skipped": _skipped,
    "run.resumed": _resumed,
    "line.stopped": _line_stopped,
    "line.lifted": _line_lifted,
    "preflight.passed": _preflight,
    "baseline.taken": _baseline,
    "backup.done": _backup,
    "batch.started": _batch_started,
    "batch.done": _batch_done,
    "guard.renewed": _arm,
    "guard.confirmed": _confirmed,
    "host.reverted": _host_reverted,
    "soak.reset": _soak_reset,
    "soak.done": _soak_done,
    "gate.decided": _gate,
    "checkpoint.missed": _missed,
    "checkpoint.accepted": _accepted,
    "rollback.started": _rollback_started,
    "rollback.done": _rollback_done,
    "decision.made": _decided,
}
