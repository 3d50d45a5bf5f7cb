# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waits that a rehearsal skipped: how plan time and the time of hosts belong together. Pure.

A skip adds a number of seconds to plan time in one moment of real time. Between two skips both run at the same speed, so
every duration that a host or a module measured is a duration of plan time as well.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso


@dataclass(frozen=True)
class Skip:
    """`real`: when it was skipped; `total_s`: seconds that plan time is ahead of real time from then on."""

    real: datetime
    total_s: float


@dataclass(frozen=True)
class Skips:
    """All skips so far, oldest first."""

    rows: tuple[Skip, ...] = ()

    @classmethod
    def of(cls, value: Iterable[Any]) -> Skips:
        """From their stored form, `[[time, seconds ahead], ...]`."""
        return cls(tuple(Skip(parse_iso(str(real)), float(total)) for real, total in value))

    def stored(self) -> list[list[Any]]:
        return [[iso(skip.real), skip.total_s] for skip in self.rows]

    @property
    def total_s(self) -> float:
        """How far plan time is ahead now."""
        return self.rows[-1].total_s if self.rows else 0.0

    def now(self, real: datetime) -> datetime:
        """The plan time of the present: after all skips, also where a clock goes slower than that of who skipped, or was put back."""
        return real + timedelta(seconds=self.total_s)

    def plan(self, real: datetime) -> datetime:
        """The plan time of a real moment."""
        before = bisect_right(self.rows, real, key=lambda skip: skip.real)
        return real + timedelta(seconds=self.rows[before - 1].total_s if before else 0.0)

    def real(self, plan: datetime) -> datetime:
        """The real moment of a plan time; of one that was skipped, the moment of the skip."""
        ahead = 0.0
        for skip in self.rows:
            if plan - timedelta(seconds=ahead) < skip.real:
                break
            if plan - timedelta(seconds=skip.total_s) <= skip.real:
                return skip.real
            ahead = skip.total_s
        return plan - timedelta(seconds=ahead)

    def extended_to(self, real: datetime, until: datetime) -> Skips:
        """With one more: from the plan time of `real`, which is now, to `until`."""
        at = max(real, self.rows[-1].real) if self.rows else real
        return Skips((*self.rows, Skip(at, (until - real).total_seconds())))
