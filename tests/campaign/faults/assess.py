# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a case left in its folder, at any moment of it, and says what is broken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.campaign.faults import invariants
from tests.campaign.faults.plan import ROLLOUT
from tests.campaign.plan_time import real, skips_of
from tests.rollout.scenario.story import FLAG
from tests.rollout.scenario.told import Told

COMPLETED, HELD, ROLLED_BACK = "completed", "held", "rolled back"
# A rollback that could not prove everything stops and waits for a person, as a hold does.
OUTCOMES = {"GO": COMPLETED, "HOLD": HELD, "ROLLED BACK": ROLLED_BACK, "NO-GO": HELD, "ROLLBACK INCOMPLETE": HELD}


def told(folder: Path) -> Told:
    """What a case wrote."""
    return Told("faults", out=folder)


def broken(
    folder: Path, stops: Mapping[str, int], more: Mapping[str, int], *, look: str, whole: bool, reverted: bool = False
) -> list[str]:
    """Every invariant that does not hold now. `whole`: the last run has ended by itself, so nothing half-written may be left."""
    here = told(folder)
    try:
        records = here.ledger(ROLLOUT)
    except FileNotFoundError:
        # Struck before the first record: then nothing may have been changed either.
        records = []
    except AssertionError as error:
        return [f"ledger: {error}"]
    logs = {path.stem: path.read_text(errors="replace") for path in sorted(folder.glob("*.log"))}
    return [
        *invariants.disagreements(records, here.look("before"), here.look(look), FLAG, reverted),
        *invariants.restarted_too_often(records, stops, more),
        *invariants.lost_evidence(records, here.monitoring),
        *invariants.miscounted(records),
        *(invariants.unfinished_writes(here.monitoring) if whole else []),
        *invariants.tracebacks(logs),
    ]


def outcome(folder: Path, status: int) -> tuple[str, list[str]]:
    """(how a run that ended by itself ended, what contradicts that): by its decision, its exit status and its output."""
    here = told(folder)
    try:
        said = here.outcome(ROLLOUT)
    except FileNotFoundError:
        # Before the first report a hold is told by the ledger alone.
        records = [record for record in here.ledger(ROLLOUT) if record["kind"] == "gate.decided"]
        said = "HOLD" if records and records[-1]["data"]["decision"] == "hold" else "nothing"
    found = OUTCOMES.get(said)
    if found is None:
        return said, [f"it ended with {said!r}: neither completed, held nor rolled back"]
    if (status == 0) != (found == COMPLETED):
        return found, [f"it says {said} and ends with status {status}"]
    return found, []


def seconds_to_safe(folder: Path, struck_at: float) -> float | None:
    """See `invariants.safe_after`; in real time, as the strike is."""
    here = told(folder)
    skips = skips_of(here.monitoring)
    records = []
    for record in here.ledger(ROLLOUT):
        data = record["data"]
        if "reverted_at" in data:
            data = {**data, "reverted_at": real(skips, data["reverted_at"]).isoformat()}
        records.append({**record, "data": data, "at": real(skips, record["at"]).isoformat()})
    return invariants.safe_after(records, struck_at)


def told_why(folder: Path) -> str:
    """The reason of the last gate that was no go, for people."""
    stopped: list[dict[str, Any]] = [
        gate for gate in told(folder).of_kind(ROLLOUT, "gate.decided") if gate["decision"] != "go"
    ]
    return str(stopped[-1]["why"]) if stopped else ""


def write(path: Path, document: Any) -> None:
    """JSON for people and machines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
