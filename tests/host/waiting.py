# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests wait for events, never for a time: only what hangs reaches the bound, on however busy a machine."""

from __future__ import annotations

import time
from collections.abc import Callable

HANG_S = 120.0
#: Between two looks at something that costs a process.
PAUSE_S = 0.1


def until(what: str, condition: Callable[[], object], within_s: float = HANG_S) -> None:
    """Until the condition holds; AssertionError when it never does."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not after {within_s:g} s"
        time.sleep(PAUSE_S)
