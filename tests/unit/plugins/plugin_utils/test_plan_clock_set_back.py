# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's clock is set back in a rehearsal: plan time goes back by that much, not by the waits that were skipped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan_clock import PlanClock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import open_store

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
STEP = timedelta(seconds=2)
HOUR = timedelta(hours=1)


class SetClock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


def clock_of(folder: Path, real: SetClock) -> PlanClock:
    return PlanClock(open_store({}, folder), real)


def test_a_skip_stays_skipped(tmp_path: Path) -> None:
    real = SetClock()
    clock = clock_of(tmp_path, real)
    assert clock.skip_to(NOON + HOUR) == 3600.0
    real.at = NOON - STEP
    assert clock.now() == clock_of(tmp_path, real).now() == NOON + HOUR - STEP


def test_what_is_skipped_after_that_keeps_the_order_of_skips(tmp_path: Path) -> None:
    real = SetClock()
    clock = clock_of(tmp_path, real)
    clock.skip_to(NOON + HOUR)
    real.at = NOON - STEP
    assert clock.skip_to(NOON + 2 * HOUR) == 3602.0
    assert clock.now() == NOON + 2 * HOUR
    assert [skip.real for skip in clock.skips.rows] == [NOON, NOON]
    # A host whose clock was never set back tells times of after both skips.
    assert clock.skips.plan(NOON + STEP) == NOON + 2 * HOUR + 2 * STEP
