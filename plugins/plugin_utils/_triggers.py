# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of triggers: how many looks in a row, or in total, must have seen the condition before it counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import FAIL, Verdict
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record


@dataclass(frozen=True)
class Limits:
    """`consecutive` looks in a row, or `total` looks altogether (None: never by count alone)."""

    consecutive: int = 1
    total: int | None = None


def names(verdicts: Iterable[Verdict]) -> dict[str, list[str]]:
    """For the record of a look: the triggers that could be answered (`asked`), and those that fired."""
    triggers = [v for v in verdicts if v.kind == "trigger"]
    return {
        "asked": [v.name for v in triggers if v.value is not None],
        "fired": [v.name for v in triggers if v.verdict == FAIL],
    }


def split(
    verdicts: Iterable[Verdict], limits: dict[str, Limits], records: Iterable[Record], attempt: int
) -> tuple[list[Verdict], list[Verdict]]:
    """(verdicts that count, triggers that fired but have not reached their limits yet).

    A look that could not answer a trigger neither breaks its row nor adds to it.
    """
    history = [
        (set(record.data.get("asked", [])), set(record.data.get("fired", [])))
        for record in records
        if record.attempt == attempt and record.kind in ("look.taken", "gate.decided")
    ]
    counting: list[Verdict] = []
    waiting: list[Verdict] = []
    for verdict in verdicts:
        limit = limits.get(verdict.name, Limits()) if verdict.kind == "trigger" else Limits()
        held = verdict.kind == "trigger" and verdict.verdict == FAIL and not _reached(verdict.name, limit, history)
        (waiting if held else counting).append(verdict)
    return counting, waiting


def _reached(name: str, limit: Limits, history: list[tuple[set[str], set[str]]]) -> bool:
    answered = [name in fired for asked, fired in history if name in asked]
    row = 1
    for fired in reversed(answered):
        if not fired:
            break
        row += 1
    return row >= limit.consecutive or (limit.total is not None and 1 + sum(answered) >= limit.total)
