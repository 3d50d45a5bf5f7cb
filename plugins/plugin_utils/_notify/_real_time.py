# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time that messages take. It is never scaled or skipped, since servers and networks are real in a rehearsal too."""

from __future__ import annotations

import time


class RealTime:
    """Seconds since the epoch, seconds of a clock that nobody sets, and a pause; tests have one of their own."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
