# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verifier reads: runs and looks that a story wrote down, the ledger (checked here anew), the evidence."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rollout.scenario.story import output_of


@dataclass(frozen=True)
class Instance:
    """One instance as its host saw it at one moment."""

    name: str
    bytes: bytes
    sha256: str
    owner: tuple[int, int]
    mode: str
    identity: tuple[int, int]
    active: bool
    invocation: str
    restarts: int
    pid: int
    flag: str | None

    @property
    def file(self) -> tuple[bytes, tuple[int, int], str]:
        """What a rollback must bring back: bytes, owner, mode."""
        return self.bytes, self.owner, self.mode

    @property
    def untouched(self) -> tuple[Any, ...]:
        """What can't stay the same when anybody wrote the file or restarted the unit."""
        return self.bytes, self.owner, self.mode, self.identity, self.invocation, self.restarts, self.pid


def _instance(name: str, seen: dict[str, Any]) -> Instance:
    file, unit = seen["file"], seen["unit"]
    environment = seen["environment"] or {}
    return Instance(
        name=name,
        bytes=base64.b64decode(file["bytes"]),
        sha256=file["sha256"],
        owner=(file["owner"][0], file["owner"][1]),
        mode=file["mode"],
        identity=(file["inode"], file["mtime_ns"]),
        active=unit["ActiveState"] == "active" and unit["SubState"] == "running",
        invocation=unit["InvocationID"],
        restarts=int(unit["NRestarts"]),
        pid=int(unit["MainPID"]),
        flag=next(iter(environment.values()), None),
    )


class Told:
    """All that one scenario left in `out`, by default build/molecule/<scenario>; `part` for one with a monitoring folder per part."""

    def __init__(self, scenario: str, part: str = "", out: Path | None = None) -> None:
        self.out = out or output_of(scenario)
        self.monitoring = self.out / "monitoring" / part

    def status(self, label: str) -> int:
        return int(json.loads((self.out / f"{label}.run.json").read_text())["status"])

    def output(self, label: str) -> str:
        return (self.out / f"{label}.log").read_text(errors="replace")

    def note(self, label: str) -> Any:
        return json.loads((self.out / f"{label}.note.json").read_text())

    def look(self, label: str) -> dict[str, Instance]:
        seen = json.loads((self.out / f"{label}.look.json").read_text())
        return {name: _instance(name, each) for name, each in seen.items()}

    def ledger(self, rollout: str, monitoring: Path | None = None) -> list[dict[str, Any]]:
        """The records, after the chain was recomputed from the lines themselves."""
        path = (monitoring or self.monitoring) / "ledger" / f"{rollout}.jsonl"
        records = []
        before = "0" * 64
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            record = json.loads(line)
            claimed = record.pop("hash")
            text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            assert hashlib.sha256(text.encode()).hexdigest() == claimed, f"{path}:{number}: the hash is not the line's"
            assert record["prev"] == before, f"{path}:{number}: does not follow the line before"
            assert record["seq"] == number, f"{path}:{number}: has number {record['seq']}"
            before = claimed
            records.append(record)
        assert records, f"{path} is empty"
        return records

    def of_kind(self, rollout: str, kind: str, attempt: int | None = None) -> list[dict[str, Any]]:
        """The data of all records of a kind (and of one attempt), oldest first."""
        chosen = [record for record in self.ledger(rollout) if attempt is None or record["attempt"] == attempt]
        return [record["data"] for record in chosen if record["kind"] == kind]

    def gates(self, rollout: str) -> list[tuple[str, str, str]]:
        """(gate, name, decision) in order."""
        return [(gate["gate"], gate["name"], gate["decision"]) for gate in self.of_kind(rollout, "gate.decided")]

    def last_gate(self, rollout: str) -> dict[str, Any]:
        return self.of_kind(rollout, "gate.decided")[-1]

    def outcome(self, rollout: str) -> str:
        """The first line of decision.md after the name."""
        report = self.monitoring / "reports" / rollout / "decision.md"
        return report.read_text().splitlines()[0].partition(": ")[2].strip()

    def evidence(self, rollout: str, gate: str) -> Path:
        return self.monitoring / "checkpoints" / rollout / gate

    def verdicts(self, rollout: str, gate: str) -> dict[str, dict[str, Any]]:
        """Verdict by criterion or trigger name (the first of a name wins: primary before trigger)."""
        summary = json.loads((self.evidence(rollout, gate) / "summary.json").read_text())
        found: dict[str, dict[str, Any]] = {}
        for verdict in summary["criteria"]:
            found.setdefault(verdict["name"], verdict)
        return found


def accounted(accounting: dict[str, Any]) -> dict[str, list[str]]:
    """The four lists of an accounting, after checking that they add up and that nothing stands in two of them."""
    parts = {name: list(accounting[name]) for name in ("good", "bad", "unreachable", "skipped")}
    names = [name for part in parts.values() for name in part]
    assert len(names) == len(set(names)), f"an instance is counted twice: {accounting}"
    assert len(names) == accounting["expected"], (
        f"expected {accounting['expected']}, counted {len(names)}: {accounting}"
    )
    return parts


def with_flag(content: bytes, key: str, value: str) -> bytes:
    """The one change that was announced, made by hand: the key's own line and nothing else."""
    lines = content.split(b"\n")
    at = [number for number, line in enumerate(lines) if line.startswith(key.encode() + b"=")]
    assert len(at) == 1, f"{key} stands {len(at)} times in the file of this test"
    lines[at[0]] = f"{key}={value}".encode()
    return b"\n".join(lines)
