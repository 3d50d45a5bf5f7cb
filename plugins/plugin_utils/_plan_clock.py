# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of a store's rollouts: real time, and ahead of it by the waits that a rehearsal skipped.

Steps, gates and records go by it. Leases, messages to people, logins and locks on hosts go by real time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import SystemClock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._skips import Skips
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import Conflict, Store, StoreError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._interface import CLOCK

_TRIES = 5


class Clock(Protocol):
    """Tells real time."""

    def now(self) -> datetime: ...


class PlanClock:
    """`skips` of a production store are none, so its clock is the real one."""

    def __init__(self, store: Store, real: Clock | None = None):
        self._store, self._real = store, real or SystemClock()
        entry = store.get(CLOCK)
        self.skips = Skips.of(entry.value["skips"]) if entry else Skips()

    def now(self) -> datetime:
        return self.skips.now(self._real.now())

    def skip_to(self, until: datetime) -> float:
        """Have it be `until`, for every process that reads the store from now on; the seconds that were skipped."""
        for _try in range(_TRIES):
            entry = self._store.get(CLOCK)
            self.skips = Skips.of(entry.value["skips"]) if entry else Skips()
            real = self._real.now()
            skipped_s = (until - self.skips.now(real)).total_seconds()
            if skipped_s <= 0:
                return 0.0
            skips = self.skips.extended_to(real, until)
            try:
                self._store.put(CLOCK, {"skips": skips.stored()}, entry.revision if entry else None)
            except Conflict:
                continue
            self.skips = skips
            return skipped_s
        raise StoreError(
            f"the clock of {self._store.name} was set {_TRIES} times by other runs while this one wanted to skip a wait. Rehearse one rollout at "
            "a time in a store, and start the same command again."
        )
