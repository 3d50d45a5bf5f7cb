# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of triggers: how many looks in a row, or in total, must have seen the condition before it counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import FAIL, PASS, Verdict
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record


@dataclass(frozen=True)
class Limits:
    """`consecutive` looks in a row, or `total` looks altogether (None: never by count alone)."""

    consecutive: int = 1
    total: int | None = None


@dataclass(frozen=True)
class Answered:
    """Of one look: the triggers that could be answered, and those of them that fired."""

    asked: frozenset[str]
    fired: frozenset[str]


def names(verdicts: Iterable[Verdict]) -> dict[str, list[str]]:
    """For the record of a look: the triggers that could be answered (`asked`), and those that fired."""
    triggers = [v for v in verdicts if v.kind == "trigger"]
    return {
        "asked": [v.name for v in triggers if v.verdict in (FAIL, PASS)],
        "fired": [v.name for v in triggers if v.verdict == FAIL],
    }


def history(records: Iterable[Record], attempt: int) -> list[Answered]:
    """The looks and gates of an attempt, oldest first."""
    return [
        Answered(frozenset(record.data.get("asked", [])), frozenset(record.data.get("fired", [])))
        for record in records
        if record.attempt == attempt and record.kind in ("look.taken", "gate.decided")
    ]


def split(
    verdicts: Iterable[Verdict], limits: dict[str, Limits], before: Sequence[Answered]
) -> tuple[list[Verdict], list[Verdict]]:
    """(verdicts that count, triggers that fired but have not reached their limits yet).

    A look that could not answer a trigger neither breaks its row nor adds to it.
    """
    counting: list[Verdict] = []
    waiting: list[Verdict] = []
    for verdict in verdicts:
        limit = limits.get(verdict.name, Limits()) if verdict.kind == "trigger" else Limits()
        held = verdict.kind == "trigger" and verdict.verdict == FAIL and not _reached(verdict.name, limit, before)
        (waiting if held else counting).append(verdict)
    return counting, waiting


def _reached(name: str, limit: Limits, before: Sequence[Answered]) -> bool:
    if limit.consecutive <= 1:
        return True
    answered = [name in look.fired for look in before if name in look.asked]
    row = 1
    for fired in reversed(answered):
        if not fired:
            break
        row += 1
    return row >= limit.consecutive or (limit.total is not None and 1 + sum(answered) >= limit.total)
