# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all agents of one look share: when it was, what it covered, and in which bucket things stand."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._moment import SECOND, bucket_of


@dataclass(frozen=True)
class Sight:
    """Moments are microseconds since the epoch by the host's clock; buckets are by the controller's.

    `since`: the journal was read from here; `shift`: how many buckets the host's clock is ahead; `told_s`: the
    length of the buckets that the host counted in, `bucket_s` that of the axis; `skipped_s`: what a rehearsal had skipped
    until now, and `skipped` until each earlier look.
    """

    row: int
    at: int
    since: int
    complete: bool
    shift: int
    bucket: int
    bucket_s: float
    told_s: float
    times: array[int]
    skipped_s: float
    skipped: array[float]

    def index(self, told: int) -> int:
        """The bucket of the axis for one that the host counted in."""
        if self.told_s == self.bucket_s:
            return told - self.shift
        return bucket_of(int((told + 0.5) * self.told_s * SECOND), self.bucket_s) - self.shift

    def seconds_since(self, row: int) -> float:
        """How much time has passed since an earlier look, without what a rehearsal skipped."""
        return (self.at - self.times[row]) / SECOND - (self.skipped_s - self.skipped[row])
