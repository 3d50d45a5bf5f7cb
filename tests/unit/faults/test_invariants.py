# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each invariant of the fault campaign, whole and broken: a check that can't fail proves nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.campaign.faults import invariants
from tests.rollout.scenario.told import Instance

FLAG = "FLAG"
ONE, TWO = "a@h1", "a@h2"
WAS = Instance(ONE, b"X=1\nFLAG=false\n", "", (0, 0), "0o640", (1, 1), True, "i", 0, 1, "false")
IS = replace(WAS, bytes=b"X=1\nFLAG=true\n")
GOOD = {"expected": 1, "good": [ONE], "bad": [], "unreachable": [], "skipped": []}


def ledger(*rows: tuple[str, dict[str, Any]], attempt: int = 1) -> list[dict[str, Any]]:
    return [
        {"seq": n, "attempt": attempt, "kind": kind, "data": data, "at": f"2026-01-01T00:00:{n:02d}+00:00"}
        for n, (kind, data) in enumerate(rows, 1)
    ]


BEGUN = ("batch.started", {"instances": [ONE]})
DONE = ("batch.done", {"accounting": GOOD})
BACK = ("rollback.started", {"instances": [ONE]})
RESTORED = ("rollback.done", {"restored": {ONE: {}}, "accounting": GOOD})
REVERTED = (
    "host.reverted",
    {"id": "r", "instances": {ONE: {}}, "complete": True, "reverted_at": "2026-01-01T00:00:30+00:00"},
)


@pytest.mark.parametrize(
    ("rows", "allowed"),
    [
        ((), {"old"}),
        ((BEGUN,), {"old", "new"}),
        ((BEGUN, DONE), {"new"}),
        ((BEGUN, DONE, BACK), {"old", "new"}),
        ((BEGUN, DONE, BACK, RESTORED), {"old"}),
        ((BEGUN, DONE, REVERTED), {"old"}),
    ],
)
def test_what_a_file_may_be_by_the_ledger(rows: Any, allowed: set[str]) -> None:
    records = ledger(*rows)
    assert invariants.expected(records, [ONE, TWO]) == {ONE: allowed, TWO: {"old"}}
    for name, now in (("old", WAS), ("new", IS)):
        found = invariants.disagreements(records, {ONE: WAS}, {ONE: now}, FLAG)
        assert (not found) == (name in allowed)


@pytest.mark.parametrize("change", [{"bytes": b"X=1\nFLAG=true"}, {"owner": (0, 7)}, {"mode": "0o644"}])
def test_a_file_that_is_neither(change: dict[str, Any]) -> None:
    found = invariants.disagreements(ledger(BEGUN), {ONE: WAS}, {ONE: replace(IS, **change)}, FLAG)
    assert found == [f"{ONE}: its file is neither the old nor the new one, byte for byte, owner and mode"]


def test_a_host_may_have_put_itself_back_since_the_last_run() -> None:
    records = ledger(BEGUN, DONE)
    assert invariants.disagreements(records, {ONE: WAS}, {ONE: WAS}, FLAG, reverted=True) == []
    assert invariants.disagreements(records, {ONE: WAS}, {ONE: WAS}, FLAG) != []


def test_stops_are_counted_against_the_steps_of_the_ledger() -> None:
    records = ledger(BEGUN, DONE, BACK, BACK, RESTORED) + ledger(BEGUN, DONE, attempt=2)
    assert invariants.restarted_too_often(records, {ONE: 3, TWO: 0}, {}) == []
    assert len(invariants.restarted_too_often(records, {ONE: 4, TWO: 1}, {})) == 2
    assert invariants.restarted_too_often(records, {ONE: 4, TWO: 1}, {ONE: 1, TWO: 1}) == []


def test_evidence_that_is_lost_or_altered(tmp_path: Path) -> None:
    def kept(folder: str, text: bytes) -> str:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "summary.json").write_bytes(text)
        return hashlib.sha256(text).hexdigest()

    def gate(digest: str) -> tuple[str, dict[str, Any]]:
        return "gate.decided", {"evidence": "checkpoints/w/T+1h/evidence.json", "files": {"summary.json": digest}}

    records = ledger(gate(kept("checkpoints/w.attempt-1/T+1h", b"first")))
    records += ledger(
        gate(kept("checkpoints/w/T+1h.earlier-1", b"held")), gate(kept("checkpoints/w/T+1h", b"last")), attempt=2
    )
    assert invariants.lost_evidence(records, tmp_path) == []
    kept("checkpoints/w.attempt-1/T+1h", b"altered")
    (tmp_path / "checkpoints/w/T+1h.earlier-1/summary.json").unlink()
    found = invariants.lost_evidence(records, tmp_path)
    assert found == [
        "evidence w.attempt-1/T+1h/summary.json is not what the ledger says",
        "evidence w/T+1h.earlier-1/summary.json is gone",
    ]


def test_counts_that_do_not_add_up() -> None:
    assert invariants.miscounted(ledger(DONE)) == []
    assert len(invariants.miscounted(ledger(("batch.done", {"accounting": {**GOOD, "expected": 2}})))) == 1
    assert len(invariants.miscounted(ledger(("batch.done", {"accounting": {**GOOD, "bad": [ONE]}})))) == 1


def test_unfinished_writes_and_tracebacks(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / ".lock").touch()
    assert invariants.unfinished_writes(tmp_path) == []
    (tmp_path / "keys" / ".x.tmp").touch()
    assert invariants.unfinished_writes(tmp_path) == ["keys/.x.tmp is an unfinished write"]
    assert invariants.tracebacks({"a": "fine", "b": "Traceback (most recent call last):\n"}) == ["b: a traceback"]


@pytest.mark.parametrize(
    ("rows", "struck", "safe"),
    [
        ((), 1, 0.0),
        ((BEGUN, DONE), 5, 0.0),
        ((BEGUN, DONE), 1, 1.0),
        ((BEGUN,), 1, None),
        ((BEGUN, DONE, BACK, RESTORED), 2, 2.0),
        ((BEGUN, REVERTED), 1, 29.0),
    ],
)
def test_seconds_to_safe(rows: Any, struck: int, safe: float | None) -> None:
    begin = 1767225600  # 2026-01-01T00:00:00Z, from which records are counted
    assert invariants.safe_after(ledger(*rows), begin + struck) == safe
