# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time that only a pause moves: takes the place of the module `time` in what is tested."""

from __future__ import annotations

from collections.abc import Callable

#: Longer than anything in a test may take: only what hangs comes to it.
HANGS_S = 120.0
EPOCH = 1_800_000_000.0


class PausedTime:
    """`then` is what happens during each pause, and is given its seconds."""

    def __init__(self, then: Callable[[float], object] = lambda seconds: None) -> None:
        self.then, self.passed, self.pauses = then, 0.0, 0

    def time(self) -> float:
        return EPOCH + self.passed

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def sleep(self, seconds: float) -> None:
        self.then(seconds)
        self.passed += seconds
        self.pauses += 1
