# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's clock that goes on only while somebody waits."""

from __future__ import annotations


class ScriptedClock:
    """``us``: microseconds since the epoch."""

    us = 1_800_000_000_000_000

    def now_us(self):
        return self.us

    def monotonic(self):
        return self.us / 1e6

    def sleep(self, seconds):
        self.us += int(seconds * 1e6)
