# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The append-only record of a rollout: one JSON object a line, each with the hash of the one before."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._file_lock import file_lock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._private_folder import private_folder

GENESIS = "0" * 64


class LedgerError(Exception):
    """The ledger can't be trusted or written; the message says which file and line, and what to do."""


@dataclass(frozen=True)
class Record:
    """One line of a ledger. `data` is what the kind says; everything else says who, when and after what."""

    seq: int
    at: str
    rollout: str
    attempt: int
    run: str
    by: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    prev: str = GENESIS
    hash: str = ""

    @property
    def moment(self) -> datetime:
        return parse_iso(self.at)


def record_hash(fields: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a record without its own hash (its `prev` is inside, which makes the chain)."""
    body = {key: value for key, value in fields.items() if key != "hash"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _line(fields: dict[str, Any]) -> bytes:
    """The one way in which a record is written; any other spelling of the same record was not written here."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


# Looks at the records that are there at the moment of writing, and raises LedgerError where the new one must not follow them.
Check = Callable[[list[Record]], None]


def _following(records: list[Record], given: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The fields of the record that comes after these."""
    last = records[-1] if records else None
    fields: dict[str, Any] = {
        "seq": last.seq + 1 if last else 1,
        "at": iso(now),
        **given,
        "data": json.loads(json.dumps(given["data"])),
        "prev": last.hash if last else GENESIS,
    }
    fields["hash"] = record_hash(fields)
    return fields


class Ledger:
    """One rollout's ledger file. Reading verifies the whole chain; appending is locked, fsynced and never rewrites."""

    def __init__(self, path: Path | str):
        self.path = Path(path)

    @property
    def label(self) -> str:
        """Where it is, for messages."""
        return f"ledger {self.path}"

    def exists(self) -> bool:
        """Whether anything was ever recorded."""
        return self.path.exists()

    def read(self) -> list[Record]:
        """All records, oldest first; an absent file is an empty ledger.

        Raises LedgerError where the chain is broken. A torn last line (a writer died in the middle of a write) is
        left out here and moved aside by the next append: it was never acknowledged to anyone.
        """
        records, _torn = self._load()
        return records

    def append(
        self, *, rollout: str, attempt: int, run: str, by: str, kind: str, data: dict[str, Any], now: datetime,
        check: Check | None = None,
    ) -> Record:  # fmt: skip
        """Write one record and return it once it is on the disk. Nobody writes between `check` and the record."""
        given = {"rollout": rollout, "attempt": attempt, "run": run, "by": by, "kind": kind, "data": data}
        try:
            private_folder(self.path.parent)
            with self._locked():
                records, torn = self._load()
                if torn is not None:
                    self._set_aside(torn)
                if check is not None:
                    check(records)
                fields = _following(records, given, now)
                self._write(_line(fields))
        except OSError as error:
            raise LedgerError(
                f"could not write record {kind!r} to the ledger {self.path}: {error.strerror or error}. "
                "Nothing goes on unrecorded: make the file writable (or free disk space) and start the same command again."
            ) from error
        return Record(**fields)

    def _locked(self) -> AbstractContextManager[None]:
        return file_lock(self.path.with_suffix(".lock"))

    def _write(self, data: bytes) -> None:
        new = not self.path.exists()
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            while data:
                data = data[os.write(handle, data) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _load(self) -> tuple[list[Record], int | None]:
        """Records, and the offset of a torn last line when there is one."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return [], None
        except OSError as error:
            raise LedgerError(f"could not read the ledger {self.path}: {error.strerror or error}.") from error
        records: list[Record] = []
        offset = 0
        # Only a newline ends a line: splitlines() would take a stray carriage return for the end of a torn one.
        *lines, torn = content.split(b"\n")
        for number, line in enumerate(lines, start=1):
            records.append(self._parse(line + b"\n", number, records[-1] if records else None))
            offset += len(line) + 1
        return records, offset if torn else None

    def _parse(self, line: bytes, number: int, before: Record | None) -> Record:
        where = f"{self.label}, line {number}"
        advice = (
            "The ledger was changed by something else than this collection, or the disk lost data. "
            "Restore the file from a copy; evidence files and backups on the hosts are not affected."
        )
        try:
            fields = json.loads(line.decode("utf-8", "surrogatepass"))
            record = Record(**fields)
        except (ValueError, TypeError) as error:
            raise LedgerError(f"{where}: not a ledger record ({error}). {advice}") from error
        expected = before.hash if before else GENESIS
        if record.prev != expected or record.hash != record_hash(fields):
            raise LedgerError(
                f"{where}: the hash chain is broken at record {record.seq} ({record.kind}): "
                f"expected prev {expected[:12]}…, seen {record.prev[:12]}…. {advice}"
            )
        if line != _line(fields):
            raise LedgerError(
                f"{where}: record {record.seq} ({record.kind}) is not written as this collection writes. {advice}"
            )
        return record

    def _set_aside(self, offset: int) -> None:
        """Keep the bytes of a torn line beside the ledger, then cut them off, so that the next line starts cleanly."""
        with self.path.open("r+b") as handle:
            handle.seek(offset)
            torn = handle.read()
            aside = self.path.with_name(f"{self.path.name}.torn-{offset}-{hashlib.sha256(torn).hexdigest()[:8]}")
            aside.write_bytes(torn)
            aside.chmod(0o640)
            handle.truncate(offset)
            handle.flush()
            os.fsync(handle.fileno())
