# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger in a JetStream stream: a message is a line, and the sequence that the stream expects makes one writer of many.

`ledger/<rollout>.jsonl` in the working folder is a copy of the same bytes. What is in the stream counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import (
    Check,
    Ledger,
    LedgerError,
    Record,
    _following,
    _line,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._private_folder import private_folder
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._interface import StoreError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._nats_link import Link, nats

STREAM = "ROLLOUT_LEDGER"
SUBJECTS = "rollout.ledger.*"
# "wrong last sequence", in the two wordings of the server.
WRONG_SEQUENCE = (10071, 10164)
_TRIES = 20


class NatsLedger(Ledger):
    """One rollout's subject of the stream."""

    def __init__(self, path: Path, link: Link, rollout: str, prepare: Callable[[], None]) -> None:
        super().__init__(path)
        self._link, self._prepare = link, prepare
        self._subject = SUBJECTS.replace("*", rollout)

    @property
    def label(self) -> str:
        return f"ledger {self._subject} of the stream {STREAM} at {self._link.server.label}"

    def read(self) -> list[Record]:
        with self._copied():
            return self._synced()[0]

    def append(
        self, *, rollout: str, attempt: int, run: str, by: str, kind: str, data: dict[str, Any], now: datetime,
        check: Check | None = None,
    ) -> Record:  # fmt: skip
        given = {"rollout": rollout, "attempt": attempt, "run": run, "by": by, "kind": kind, "data": data}
        fields: dict[str, Any] = {}
        self._prepare()
        with self._copied():
            for _try in range(_TRIES):
                records, sequence = self._synced()
                # An answer that was lost: the record of the try before is there, and others may be behind it by now.
                mine = [record for record in records if fields and record.hash == fields["hash"]]
                if mine:
                    return mine[0]
                if check is not None:
                    check(records)
                fields = _following(records, given, now)
                if self._publish(_line(fields), sequence):
                    self._write(_line(fields))
                    return Record(**fields)
        raise StoreError(
            f"could not write record {kind!r} to the {self.label}: {_TRIES} times somebody else wrote first. "
            "See who does with playbooks/status.yml, and start the same command again."
        )

    def lacks(self, records: list[Record]) -> int:
        """How many of these records are missing here. Raises StoreError unless what is here is how they begin."""
        return len(records) - len(self._begun(records))

    def push(self, records: list[Record]) -> int:
        """Bring records of another store here, as they are; returns how many were missing."""
        self._prepare()
        found = self._begun(records)
        sequence = found[-1][0] if found else 0
        for record in records[len(found) :]:
            line = _line(vars(record))
            self._publish(line, sequence)
            # Asked, not believed: an answer may have been lost, and nothing may follow what somebody else wrote.
            last = self._last()
            if last is None or last[1] != line:
                raise StoreError(
                    f"somebody else writes to the {self.label} at this moment. End that run, and copy again."
                )
            sequence = last[0]
        return len(records) - len(found)

    def _begun(self, records: list[Record]) -> list[tuple[int, bytes]]:
        found = self._all() if self._last() is not None else []
        lines = [_line(vars(record)) for record in records]
        if [line for _sequence, line in found] != lines[: len(found)]:
            raise StoreError(
                f"the {self.label} has {len(found)} records that are not the first of the {len(lines)} that would be copied to it. Two "
                "records of one rollout can't be joined: find out which is right, and name an empty store for the other one."
            )
        return found

    def _publish(self, line: bytes, sequence: int) -> bool:
        """Write a line after the message of that sequence; False when there is another one behind it already."""

        async def work(js: Any) -> bool:
            headers = {"Nats-Expected-Last-Subject-Sequence": str(sequence)}
            try:
                await js.publish(self._subject, line, stream=STREAM, headers=headers)
            except nats.js.errors.APIError as problem:
                if problem.err_code in WRONG_SEQUENCE:
                    return False
                raise
            return True

        try:
            return self._link.call(f"write to the {self.label}", work)
        except (nats.js.errors.APIError, nats.errors.MaxPayloadError) as problem:
            raise StoreError(
                f"could not write a record of {len(line)} bytes to the {self.label}: {problem}. Nothing goes on unrecorded: give the "
                "stream room (nats stream info), or the server a larger max_payload, and start the same command again."
            ) from None

    def _synced(self) -> tuple[list[Record], int]:
        """All records, verified, and the stream's sequence of the last one; the copy is brought up to date."""
        mine = self._own_copy()
        last = self._last()
        if last is None:
            if mine:
                raise StoreError(self._lost(len(mine), 0))
            return [], 0
        sequence, line = last
        if mine and _line(vars(mine[-1])) == line:
            return mine, sequence
        found = self._all()
        records: list[Record] = []
        for number, (_sequence, each) in enumerate(found, start=1):
            records.append(self._parse(each, number, records[-1] if records else None))
        if [record.hash for record in mine] != [record.hash for record in records[: len(mine)]]:
            raise StoreError(self._lost(len(mine), len(records)))
        for _sequence, each in found[len(mine) :]:
            self._write(each)
        # Somebody may have written between the two questions: what was read is what the next record follows.
        return records, found[-1][0]

    def _lost(self, mine: int, theirs: int) -> str:
        return (
            f"the {self.label} has {theirs} records, and the working copy {self.path} has {mine} that are not all among them. The "
            "stream lost data or is another one, or the rollout was begun with another rollout_store. Nothing goes on from half a "
            f"record: copy the ledger that is right over the other one with playbooks/store.yml, or name the right store; or, if "
            f"{self.path} belongs to something else, name another rollout_monitoring_dir."
        )

    def _own_copy(self) -> list[Record]:
        """The records of the copy. One that is damaged or torn is put aside: it is made again from the stream."""
        try:
            records, torn = self._load()
        except StoreError:
            raise
        except LedgerError:
            content = self.path.read_bytes()
            self.path.rename(self.path.with_name(f"{self.path.name}.damaged-{hashlib.sha256(content).hexdigest()[:8]}"))
            return []
        if torn is not None:
            self._set_aside(torn)
        return records

    def _last(self) -> tuple[int, bytes] | None:
        async def work(js: Any) -> tuple[int, bytes] | None:
            try:
                message = await js.get_last_msg(STREAM, self._subject)
            except nats.js.errors.NotFoundError:
                return None
            return int(message.seq), bytes(message.data or b"")

        return self._link.call(f"read the {self.label}", work)

    def _all(self) -> list[tuple[int, bytes]]:
        async def work(js: Any) -> list[tuple[int, bytes]]:
            return await messages(js, STREAM, self._subject)

        return self._link.call(f"read the {self.label}", work)

    def _copied(self) -> Any:
        private_folder(self.path.parent)
        return self._locked()


async def messages(js: Any, stream: str, subject: str) -> list[tuple[int, bytes]]:
    """(sequence, data) of every message of a subject that is in the stream now; there must be one."""
    sub = await js.subscribe(subject, stream=stream, ordered_consumer=True)
    found = []
    try:
        pending = 1
        while pending:
            message = await sub.next_msg(timeout=5.0)
            found.append((int(message.metadata.sequence.stream), bytes(message.data)))
            pending = message.metadata.num_pending
    finally:
        await sub.unsubscribe()
    return found
