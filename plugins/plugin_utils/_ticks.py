# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout without a living process: `rollout_wait: false` does what is due, notes what it waits for, and ends.

All ticks of a rollout are one run: they share the run's id, so that a hold binds the ticks after it until a person
lifts it, and the ledger is the one that a waiting run would have written. What a tick notes is no record of the
ledger: losing it costs one look too early, never a record.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso, short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import process_name
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import Store
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import is_true

# What is written for people and about readings gives a tick nothing to do.
TOLD_ONLY = ("notification", "alert")


@dataclass(frozen=True)
class Tick:
    """What the ticks of a rollout have in common. `until` is empty while nothing is waited for."""

    run: str
    new_attempt: bool = False
    # The next moment at which something is due, for what, when the last record was `seq`, noted by which process.
    next_due: str = ""
    label: str = ""
    seq: int = 0
    process: str = ""
    # The last record when a tick last ended.
    concluded: int = 0

    def waits(self, now: datetime, records: Iterable[Record], processes: Iterable[str]) -> bool:
        """Whether nothing is due: the tick that noted a wait is over, and a later one comes too early.

        A record of somebody else (an answer, a stop) may make something due before that time.
        """
        if not self.next_due:
            return False
        if self.process in processes:
            return True
        if now >= parse_iso(self.next_due):
            return False
        return not _happened(self.seq, records)

    def is_reported(self, records: Iterable[Record]) -> bool:
        """Whether nothing has happened since a tick last ended."""
        return not _happened(self.concluded, records)

    def line(self) -> str:
        return f"waiting until {short(parse_iso(self.next_due))} for {self.label}"


def _happened(since: int, records: Iterable[Record]) -> bool:
    return any(r.seq > since and r.kind.partition(".")[0] not in TOLD_ONLY for r in records)


class TickBook:
    """Where a rollout's tick is kept: a small value of the store."""

    def __init__(self, store: Store, rollout: str) -> None:
        self._store, self._key = store, f"tick.{rollout}"

    def read(self) -> Tick | None:
        entry = self._store.get(self._key)
        try:
            return Tick(**entry.value) if entry else None
        except TypeError:
            # Not written by us; without it the rollout goes on as a new run would.
            return None

    def write(self, tick: Tick) -> None:
        """Whoever writes has the rollout's lease, so nobody else does at the same time."""
        entry = self._store.get(self._key)
        self._store.put(self._key, asdict(tick), entry.revision if entry else None)


def wanted(variables: Mapping[str, Any]) -> bool:
    """Whether this run must not wait: `rollout_wait: false`."""
    return not is_true(variables, "rollout_wait")


def joined(book: TickBook, own_run: str, new_attempt: bool) -> Tick:
    """The tick that this run is the next one of; a new series where there is none, or a new attempt is asked for.

    A command that asks for a new attempt each time it is launched begins one, not one after the other.
    """
    tick = book.read()
    if tick is None or (new_attempt and not tick.new_attempt):
        tick = Tick(run=own_run, new_attempt=new_attempt)
        book.write(tick)
    elif tick.new_attempt and not new_attempt:
        tick = replace(tick, new_attempt=False)
        book.write(tick)
    return tick


def conclude(book: TickBook, tick: Tick, records: list[Record]) -> None:
    """The end of a tick: what is in the ledger now has been acted upon and reported."""
    last = records[-1].seq if records else 0
    if tick.concluded != last:
        book.write(replace(tick, concluded=last))


def note(book: TickBook, tick: Tick, until: datetime, label: str, records: list[Record]) -> Tick:
    """Write down what is waited for; nothing more is due in this process."""
    noted = replace(
        tick,
        next_due=iso(until),
        label=label,
        seq=records[-1].seq if records else 0,
        process=process_name(os.getppid()),
    )
    book.write(noted)
    return noted


def processes() -> list[str]:
    """This process and the one above it: a play's head is read in ansible-playbook itself, an action in its worker."""
    return [process_name(os.getpid()), process_name(os.getppid())]
