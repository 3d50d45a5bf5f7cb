# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judging recorded evidence again: the same pure judge, the same evidence, perhaps another plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _gating, _triggers
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import told_value
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan


@dataclass(frozen=True)
class Row:
    """One rule then and now; a verdict is `-` where that plan did not ask for it."""

    kind: str
    name: str
    wanted: str
    value: str
    then: str
    now: str

    @property
    def differs(self) -> bool:
        return self.then != self.now


@dataclass(frozen=True)
class Again:
    """A gate judged again. `decision_then` is what the ledger has."""

    decision_then: str
    decision_now: str
    why_now: str
    rows: list[Row]

    @property
    def differs(self) -> bool:
        return self.decision_then != self.decision_now or any(row.differs for row in self.rows)


def rejudge(
    plan: Plan, evidence: dict[str, Any], summary: dict[str, Any], records: Iterable[Record], gate: Record
) -> Again:
    """Judge a recorded gate by `plan`.

    `evidence` with its series loaded, `summary`: what was written beside it, `records`: the ledger, of which only what
    was there before `gate` (the record of the decision) counts.
    """
    asked = evidence["gate"]
    before = [record for record in records if record.seq < gate.seq]
    if asked["kind"] == _gating.LOOK and before and before[-1].kind != "look.taken":
        # The look's own record and the alerts it opened come before its decision.
        before = before[: max(i for i, record in enumerate(before) if record.kind == "look.taken") + 1]
    if asked["kind"] == _gating.LOOK:
        before = before[:-1]
    judged = _gating.judge_gate(
        plan,
        asked["kind"],
        asked["name"],
        evidence,
        _triggers.history(before, gate.attempt),
        last_attempt=asked.get("last_attempt", True),
        causes_before=asked.get("causes_before", []),
    )
    then = {_key(verdict): verdict for verdict in summary["criteria"]}
    now = {_key(verdict): verdict for verdict in (v.to_dict() for v in judged.verdicts)}
    rows = [_row(then.get(key), now.get(key)) for key in dict.fromkeys([*then, *now])]
    return Again(str(gate.data["decision"]), judged.decision.decision, judged.decision.why, rows)


def _key(verdict: dict[str, Any]) -> tuple[str, str, str]:
    return verdict["kind"], verdict["name"], verdict["text"]


def _row(then: dict[str, Any] | None, now: dict[str, Any] | None) -> Row:
    one = now or then or {}
    return Row(
        kind=one["kind"],
        name=one["name"],
        wanted=one["text"],
        value=told_value(one),
        then=then["verdict"] if then else "-",
        now=now["verdict"] if now else "-",
    )


def lines(again: Again) -> list[str]:
    """A table for people: what differs is marked."""
    cells = [("", "kind", "rule", "threshold", "value", "then", "now")]
    cells += [
        ("*" if row.differs else "", row.kind, row.name, row.wanted, row.value, row.then, row.now) for row in again.rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    differing = sum(row.differs for row in again.rows)
    end = f"decision then {again.decision_then.upper()}, now {again.decision_now.upper()}: {again.why_now}"
    return [*table, f"{differing} of {len(again.rows)} verdicts differ", end]
