# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Missed checkpoints may be named as a text or as a list, as extra variables come."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("", []),
        (None, []),
        ("T+1h", ["T+1h"]),
        ("T+1h, T+6h,", ["T+1h", "T+6h"]),
        (["T+1h", " T+6h"], ["T+1h", "T+6h"]),
        ([], []),
    ],
)
def test_names(told: Any, names: list[str]) -> None:
    assert value_of({"rollout_accept_missed": told}, "rollout_accept_missed", []) == names
