# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a store can do. The folder `folder` is the working copy in both: everything is written there first, and read from there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger, LedgerError

#: The small value that says by how much a rehearsal has put the clock of its rollouts forward.
CLOCK = "clock"


class StoreError(LedgerError):
    """The store can't be reached or does not fit; the message says what was attempted, what was seen and what to do."""


class Conflict(Exception):
    """Somebody else has written the value since it was read."""


@dataclass(frozen=True)
class Entry:
    """A small value that can be replaced only by who knows its `revision`."""

    value: dict[str, Any]
    revision: str


class Store(ABC):
    """Ledgers, evidence and small values (leases, cursors) of all rollouts of one fleet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    @abstractmethod
    def name(self) -> str:
        """For messages: where it is, without any credential."""

    @abstractmethod
    def ledger(self, rollout: str) -> Ledger:
        """The ledger of a rollout. `read` verifies the chain, `append` returns once the record is safe."""

    @abstractmethod
    def rollouts(self) -> list[str]:
        """The rollouts that have a ledger."""

    @abstractmethod
    def get(self, key: str) -> Entry | None:
        """A small value."""

    @abstractmethod
    def put(self, key: str, value: dict[str, Any], revision: str | None) -> str:
        """Replace the value that has this revision (None: there is none yet); returns the new one. Raises Conflict."""

    @abstractmethod
    def keys(self, prefix: str) -> list[str]:
        """The names of small values that begin so."""

    @abstractmethod
    def keep(self, rollout: str) -> None:
        """Have all evidence of the working folder in the store. Called before the record that names it is written."""

    @abstractmethod
    def fetch(self, rollout: str) -> None:
        """Have all evidence of the store in the working folder, checked against its hashes."""

    @abstractmethod
    def demand(self, replicas: int, plan: str) -> None:
        """Keep each record on so many servers (more than one) at least, as the file `plan` says. Raises StoreError where that can't be."""

    def orders(self) -> dict[str, Any]:
        """What a process of its own needs to open this store; holds credentials, so it goes through a pipe."""
        return {"url": "file://", "folder": str(self.folder)}

    def close(self) -> None:
        """Let go of what is open."""
        return
