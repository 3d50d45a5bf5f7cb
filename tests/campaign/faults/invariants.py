# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold after every fault, read from the hosts' own words, the ledger (its chain recomputed) and the files.

Pure: records and looks come in, sentences about what is broken come out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.rollout.scenario.told import Instance, accounted, with_flag

OLD, NEW = "old", "new"
EITHER = frozenset({OLD, NEW})
Records = Sequence[Mapping[str, Any]]


def expected(records: Records, instances: Sequence[str]) -> dict[str, frozenset[str]]:
    """instance -> what its file may be, by the ledger: `old` until a batch has it, `new` once it is counted as good.

    Both between a batch's two records and where the count says bad or unreachable: then the ledger claims neither.
    """
    may = dict.fromkeys(instances, frozenset({OLD}))
    for record in records:
        kind, data = record["kind"], record["data"]
        if kind == "batch.started":
            may.update({name: may[name] | {NEW} for name in data["instances"]})
        elif kind == "batch.done":
            may.update(dict.fromkeys(data["accounting"]["good"], frozenset({NEW})))
        elif kind == "rollback.started":
            may.update({name: may[name] | {OLD} for name in data["instances"]})
        elif kind == "rollback.done":
            may.update(dict.fromkeys(data["restored"], frozenset({OLD})))
        elif kind == "host.reverted" and data["complete"]:
            may.update(dict.fromkeys(data["instances"], frozenset({OLD})))
    return may


def disagreements(
    records: Records, before: Mapping[str, Instance], now: Mapping[str, Instance], flag: str, reverted: bool = False
) -> list[str]:
    """Where a host's file is neither its old nor its new bytes, or another one than the ledger says.

    `reverted`: hosts may have put themselves back since the last run, which the ledger can't know yet.
    """
    problems = []
    may = expected(records, list(before))
    for name, was in before.items():
        files = {was.file: OLD, (with_flag(was.bytes, flag, "true"), was.owner, was.mode): NEW}
        is_now = files.get(now[name].file)
        allowed = may[name] | {OLD} if reverted else may[name]
        if is_now is None:
            problems.append(f"{name}: its file is neither the old nor the new one, byte for byte, owner and mode")
        elif is_now not in allowed:
            problems.append(f"{name}: the file is the {is_now} one, the ledger says {' or '.join(sorted(allowed))}")
    return problems


def steps(records: Records) -> dict[str, int]:
    """instance -> how often its unit may have been stopped: once by each attempt's change and once by what took it back."""
    most: dict[str, set[tuple[Any, ...]]] = {}
    for record in records:
        data, attempt = record["data"], record["attempt"]
        if record["kind"] in ("batch.started", "rollback.started"):
            for name in data["instances"]:
                most.setdefault(name, set()).add((record["kind"], attempt))
        elif record["kind"] == "host.reverted":
            for name in data["instances"]:
                most.setdefault(name, set()).add((record["kind"], data["id"]))
    return {name: len(found) for name, found in most.items()}


def restarted_too_often(records: Records, stops: Mapping[str, int], more: Mapping[str, int]) -> list[str]:
    """Instances whose unit was stopped more often than the ledger has steps. `more`: stops that the fault itself made."""
    most = steps(records)
    return [
        f"{name}: its unit was stopped {number} times for {most.get(name, 0)} steps of the ledger"
        for name, number in sorted(stops.items())
        if number > most.get(name, 0) + more.get(name, 0)
    ]


def lost_evidence(records: Records, monitoring: Path) -> list[str]:
    """Files that the ledger names and that are not there, or are not what it says."""
    problems = []
    last = max((record["attempt"] for record in records), default=1)
    named = [
        (record["attempt"], record["data"])
        for record in records
        if record["kind"] in ("baseline.taken", "gate.decided") and record["data"].get("files")
    ]
    for position, (attempt, data) in enumerate(named):
        folder = (monitoring / data["evidence"]).parent
        if attempt != last:
            # A new attempt keeps the evidence of those before it beside its own.
            folder = folder.parent.with_name(f"{folder.parent.name}.attempt-{attempt}") / folder.name
        same = [p for p, (of, each) in enumerate(named) if (of, each["evidence"]) == (attempt, data["evidence"])]
        if position != same[-1]:
            # What held and was looked at again keeps its first look under another name.
            folder = folder.with_name(f"{folder.name}.earlier-{same.index(position) + 1}")
        for name, wanted in data["files"].items():
            path = folder / name
            if not path.is_file():
                problems.append(f"evidence {folder.parent.name}/{folder.name}/{name} is gone")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
                problems.append(f"evidence {folder.parent.name}/{folder.name}/{name} is not what the ledger says")
    return problems


def miscounted(records: Records) -> list[str]:
    """Accountings whose parts don't add up."""
    problems = []
    for record in records:
        accounting = record["data"].get("accounting")
        if isinstance(accounting, dict):
            try:
                accounted(accounting)
            except AssertionError as error:
                problems.append(f"record {record['seq']}: {error}")
    return problems


def unfinished_writes(monitoring: Path) -> list[str]:
    """Temporary files that a write which was cut off has left for good."""
    hidden = (path for path in monitoring.rglob(".*") if path.is_file())
    return [f"{path.relative_to(monitoring)} is an unfinished write" for path in hidden if path.name != ".lock"]


def tracebacks(logs: Mapping[str, str]) -> list[str]:
    """Runs that showed an operator a traceback."""
    return [f"{label}: a traceback" for label, text in logs.items() if "Traceback (most recent call last)" in text]


def safe_after(records: Records, struck_at: float) -> float | None:
    """Seconds from the strike (epoch) until nothing is half done and nothing bad is left in place; None: not yet.

    The end of the batch or rollback that was under way; where the fault led to a rollback, or to a host's own, the end of
    that. 0 when neither was.
    """
    ends: list[float] = []
    begun: tuple[str, float] | None = None
    for record in records:
        kind, at = record["kind"], datetime.fromisoformat(record["at"]).timestamp()
        if kind in ("batch.started", "rollback.started"):
            begun = begun or (kind, at)
            if kind == "rollback.started":
                begun = (kind, at)
        elif kind in ("batch.done", "rollback.done"):
            if at >= struck_at and begun and (begun[1] <= struck_at or kind == "rollback.done"):
                ends.append(at)
            begun = None
        elif kind == "host.reverted":
            ends.append(datetime.fromisoformat(record["data"]["reverted_at"]).timestamp())
            begun = None
    if begun:
        return None
    return round(max([0.0, *(end - struck_at for end in ends)]), 1)
