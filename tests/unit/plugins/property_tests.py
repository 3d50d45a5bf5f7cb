# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles of hypothesis: the same examples in every run, or new ones in each with HYPOTHESIS_PROFILE=long.

No profile knows how fast the machine is: no deadline, and no health check that measures time.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

VARIABLE = "HYPOTHESIS_PROFILE"
#: Profile -> whether its examples are the same in every run.
PROFILES = {"repeatable": True, "long": False}
TIMELESS = [HealthCheck.too_slow]


def chosen() -> str:
    return os.environ.get(VARIABLE) or "repeatable"


def load_profile() -> None:
    """Put the chosen profile in force, before a module with property tests is imported."""
    for name, same in PROFILES.items():
        settings.register_profile(name, deadline=None, suppress_health_check=TIMELESS, derandomize=same)
    settings.load_profile(chosen())


def examples(number: int, long: int) -> settings:
    """Settings for a test whose examples are costly: `number` of them, and `long` in the long profile."""
    return settings(max_examples=long if chosen() == "long" else number)
