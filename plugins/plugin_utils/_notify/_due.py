# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which records of a ledger people are told about, and at which event. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record

INFO, SUCCESS, WARNING, FAILURE = "info", "success", "warning", "failure"
KIND_OF_DECISION = {"go": SUCCESS, "hold": WARNING, "no_go": FAILURE, "rollback": FAILURE}


@dataclass(frozen=True)
class Due:
    """One message: the record it is about, the event that routes it, `what` happened, and how serious that is."""

    record: Record
    event: str
    what: str
    kind: str

    @property
    def id(self) -> str:
        """The same for the same message, however often the ledger is read."""
        return f"{self.record.seq:08d}-{self.event}"


def messages_due(records: Sequence[Record], after_seq: int) -> list[Due]:
    """The messages about the records after a sequence number, in their order.

    `records`: the ledger from its beginning, oldest first; what came before decides what is the first of its kind.
    """
    due: list[Due] = []
    for index, record in enumerate(records):
        maker = _MAKERS.get(record.kind)
        if maker is not None and record.seq > after_seq:
            due.extend(Due(record, event, what, kind) for event, what, kind in maker(record, records[:index]))
    return due


Told = Iterator[tuple[str, str, str]]


def _begun(record: Record, before: Sequence[Record]) -> Told:
    """A phase begins with its first batch; a later run that goes on with it has nothing new to tell."""
    same = (
        r.kind == record.kind and r.attempt == record.attempt and r.data["phase"] == record.data["phase"]
        for r in before
    )
    if not any(same):
        yield "deployment", "begun", INFO


def _deployed(record: Record, before: Sequence[Record]) -> Told:
    if record.data.get("phase_complete"):
        yield "deployment", "done", SUCCESS


def _gate(record: Record, before: Sequence[Record]) -> Told:
    data = record.data
    decision = data["decision"]
    kind = KIND_OF_DECISION.get(decision, WARNING)
    stops = decision != "go" and data.get("stops", True)
    if data["gate"] == "checkpoint" and (stops or decision != _decision_before(record, before)):
        yield "checkpoint", "decided", kind
    # What goes back is told by the rollback, which follows at once.
    if stops and decision in ("hold", "no_go"):
        yield "report", "stopped", kind


def _decision_before(record: Record, before: Sequence[Record]) -> str | None:
    """What the same checkpoint of the same run said last: three looks that hold are told once."""
    for earlier in reversed(before):
        if earlier.kind == "rollout.started" or earlier.run != record.run:
            return None
        if earlier.kind == record.kind and earlier.data["gate"] == "checkpoint":
            return str(earlier.data["decision"]) if earlier.data["name"] == record.data["name"] else None
    return None


def _missed(record: Record, before: Sequence[Record]) -> Told:
    yield "checkpoint", "missed", WARNING


def _opened(record: Record, before: Sequence[Record]) -> Told:
    critical = record.data["severity"] == "critical"
    yield ("incident" if critical else "warning"), "opened", (FAILURE if critical else WARNING)


def _updated(record: Record, before: Sequence[Record]) -> Told:
    if record.data["severity"] == "critical" and record.data.get("was", "critical") != "critical":
        yield "incident", "raised", FAILURE


def _resent(record: Record, before: Sequence[Record]) -> Told:
    critical = record.data["severity"] == "critical"
    yield ("incident" if critical else "warning"), "resent", (FAILURE if critical else WARNING)


def _closed(record: Record, before: Sequence[Record]) -> Told:
    """Good news wakes nobody up: it goes where warnings go. What ended with the rollout is told by its report."""
    if not record.data.get("with_rollout"):
        yield "warning", "closed", SUCCESS


def _wanted(record: Record, before: Sequence[Record]) -> Told:
    yield "approval", "requested", WARNING


def _answered(record: Record, before: Sequence[Record]) -> Told:
    what = record.kind.removeprefix("approval.")
    yield (
        "approval",
        what,
        (KIND_OF_DECISION.get(str(record.data.get("decision")), WARNING) if what == "given" else WARNING),
    )


def _line_stopped(record: Record, before: Sequence[Record]) -> Told:
    yield "report", "stopped", KIND_OF_DECISION.get(record.data["decision"], WARNING)


def _rollback_begun(record: Record, before: Sequence[Record]) -> Told:
    yield "rollback", "begun", FAILURE


def _rollback_done(record: Record, before: Sequence[Record]) -> Told:
    kind = WARNING if record.data.get("complete", True) else FAILURE
    yield "rollback", "done", kind
    yield "report", "rolled_back", kind


def _decided(record: Record, before: Sequence[Record]) -> Told:
    yield "report", "decided", KIND_OF_DECISION.get(record.data["decision"], WARNING)


_MAKERS: dict[str, Callable[[Record, Sequence[Record]], Told]] = {
    "batch.started": _begun,
    "batch.done": _deployed,
    "gate.decided": _gate,
    "checkpoint.missed": _missed,
    "alert.opened": _opened,
    "alert.updated": _updated,
    "alert.resent": _resent,
    "alert.closed": _closed,
    "line.stopped": _line_stopped,
    "approval.requested": _wanted,
    "approval.given": _answered,
    "approval.expired": _answered,
    "rollback.started": _rollback_begun,
    "rollback.done": _rollback_done,
    "decision.made": _decided,
}
