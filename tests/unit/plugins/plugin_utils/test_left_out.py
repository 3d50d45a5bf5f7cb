# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs leave tasks out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._left_out import left_out

END, STEP, MINE = ["always"], [], ["mine"]


@pytest.mark.parametrize(
    ("options", "tags", "words"),
    [
        ({}, STEP, ""),
        ({"tags": ["all"], "skip_tags": [], "start_at_task": None}, END, ""),
        ({"tags": ("all",), "skip_tags": ()}, END, ""),
        # Only the end of a step runs, which is there always.
        ({"tags": ["report"]}, END, "--tags report"),
        ({"tags": ["b", "a"]}, END, "--tags a,b"),
        ({"tags": ["never", "all"]}, END, "--tags never"),
        ({"tags": ["tagged"]}, END, "--tags tagged"),
        ({"tags": ["untagged"]}, END, ""),
        # Whoever tagged the role has all of it.
        ({"tags": ["mine"]}, [*MINE, *END], ""),
        ({"tags": ["mine", "other"]}, MINE, ""),
        ({"tags": ["tagged"]}, MINE, ""),
        ({"tags": ["other"]}, [*MINE, *END], "--tags other"),
        # Without the end nobody says how it ended.
        ({"skip_tags": ["always"]}, STEP, "--skip-tags always"),
        ({"skip_tags": ["tagged"]}, STEP, "--skip-tags tagged"),
        ({"skip_tags": ["untagged"]}, END, "--skip-tags untagged"),
        ({"skip_tags": ["other"]}, STEP, ""),
        ({"start_at_task": "Conclude"}, STEP, "--start-at-task 'Conclude'"),
        (
            {"tags": ["a"], "skip_tags": ["always"], "start_at_task": "x"},
            STEP,
            "--tags a --skip-tags always --start-at-task 'x'",
        ),
    ],
)
def test_what_is_left_out(options: dict[str, Any], tags: list[str], words: str) -> None:
    assert left_out(options, tags) == words
