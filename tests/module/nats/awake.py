# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements in real time on a machine that may stand still: they say so themselves, and are then taken again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

AGAIN = 10


def awake(take: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The first probe that says nothing of this machine having stood still. All of them must be about something."""
    for _time in range(AGAIN):
        found = take()
        if not any("stood still" in note for note in found["notes"]):
            return found
    raise AssertionError(f"{AGAIN} probes in a row say that this machine stood still: {found}")
