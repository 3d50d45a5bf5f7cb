# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits to be sent: one JSON file per message in a folder of the rollout, without any URL.

    monitoring/notifications/<rollout>/outbox/00000042-incident.json    not yet with everybody
    monitoring/notifications/<rollout>/done/00000042-incident.json      sent, or given up
    monitoring/notifications/<rollout>/cursor.json                      the last record of the ledger that was looked at

Two processes may work on it: an action that adds messages and a sender that ends them, each under a lock of its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import write_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._private_folder import private_folder

SCHEMA = "cowboyai.rollout/notification/1"
DUE, SENT, FAILED = "due", "sent", "failed"
# Seconds to wait before each try: five tries within about six minutes, ten with tries that take as long as they may.
WAITS_S = (0.0, 2.0, 10.0, 60.0, 240.0)
# How long to wait for whoever adds messages at the same moment.
FILLING_PATIENCE_S = 1.0


@dataclass
class Delivery:
    """One message to one channel. `reached`: which of its URLs have it, by position. Times are seconds since the epoch."""

    channel: str
    state: str = DUE
    tries: int = 0
    next_at: float = 0.0
    reached: list[int] = field(default_factory=list)
    why: str = ""
    recorded: bool = False


@dataclass
class Message:
    """One message and where it stands with each of its channels. `of`: sequence number of the record, 0 for a person's."""

    id: str
    rollout: str
    attempt: int
    run: str
    by: str
    of: int
    event: str
    what: str
    kind: str
    title: str
    body: str
    made_at: float
    waits_s: list[float] = field(default_factory=lambda: list(WAITS_S))
    deliveries: list[Delivery] = field(default_factory=list)

    def open(self) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.state == DUE]

    @property
    def ended(self) -> bool:
        """With everybody or given up, and written into the ledger."""
        return all(delivery.state != DUE and delivery.recorded for delivery in self.deliveries)

    def to_dict(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Message:
        """Raises ValueError or TypeError for what is no message."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"expected schema {SCHEMA}, seen {data.get('schema')!r}")
        known = {key: value for key, value in data.items() if key != "schema"}
        return Message(**{**known, "deliveries": [Delivery(**each) for each in known["deliveries"]]})


class Outbox:
    """The messages of one rollout."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.waiting = folder / "outbox"
        self.done = folder / "done"

    @staticmethod
    def of(monitoring: Path, rollout: str) -> Outbox:
        return Outbox(monitoring / "notifications" / rollout)

    def add(self, message: Message) -> bool:
        """Lay a message in, unless it is there or was there; returns whether it is new."""
        name = f"{message.id}.json"
        if (self.waiting / name).exists() or (self.done / name).exists():
            return False
        write_json(self.waiting / name, message.to_dict())
        return True

    def save(self, message: Message) -> None:
        write_json(self.waiting / f"{message.id}.json", message.to_dict())

    def finish(self, message: Message) -> None:
        """Out of the way, kept for people who ask what was told."""
        self.save(message)
        private_folder(self.done)
        os.replace(self.waiting / f"{message.id}.json", self.done / f"{message.id}.json")

    def messages(self) -> list[Message]:
        """What is in the outbox, oldest first. A file that is no message is left alone."""
        found = []
        for path in sorted(self.waiting.glob("*.json")):
            message = read_message(path)
            if message is not None:
                found.append(message)
        return found

    def find(self, name: str) -> Message | None:
        """A message by its id, waiting or done."""
        return read_message(self.waiting / f"{name}.json") or read_message(self.done / f"{name}.json")

    @property
    def cursor(self) -> int | None:
        """The last sequence number of the ledger that was looked at; None before the first time."""
        try:
            return int(json.loads((self.folder / "cursor.json").read_text(encoding="utf-8"))["seq"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @cursor.setter
    def cursor(self, seq: int) -> None:
        write_json(self.folder / "cursor.json", {"seq": seq})

    @contextmanager
    def filling(self) -> Iterator[bool]:
        """Held while messages are added, a moment at a time. False: somebody else does not let go of it."""
        with self._held("filling.lock", patience_s=FILLING_PATIENCE_S) as held:
            yield held

    @contextmanager
    def sending(self) -> Iterator[bool]:
        """Held by the one sender of this outbox for as long as it lives. False: there is one already."""
        with self._held("sender.lock") as held:
            yield held

    @contextmanager
    def _held(self, name: str, patience_s: float = 0.0) -> Iterator[bool]:
        private_folder(self.folder)
        handle = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            yield _locked(handle, patience_s)
        finally:
            os.close(handle)


def _locked(handle: int, patience_s: float) -> bool:
    """Take the lock, or say that it can't be had. Waiting for it in the kernel could last for ever."""
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)
        else:
            return True


def read_message(path: Path) -> Message | None:
    """The message of a file; None where there is none, or it is something else."""
    try:
        return Message.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
