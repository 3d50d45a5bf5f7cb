# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a clock is off when the question was long on its way: a slow connection is no fast clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._preflight import clock_offset

ASKED = datetime(2026, 1, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong_by", "on_its_way", "whole", "at_least"),
    [
        (0.0, 0.4, 0.6, 0.0),
        (0.0, 9.0, 9.5, 0.0),  # a loaded machine, a right clock
        (5.0, 0.4, 0.6, 4.8),
        (5.0, 0.6, 0.6, 5.0),
        (-5.0, 0.4, 0.6, -4.6),
    ],
)
def test_only_what_lies_outside_of_question_and_answer_is_the_clocks(
    wrong_by: float, on_its_way: float, whole: float, at_least: float
) -> None:
    seen = on_its_way + wrong_by
    facts = {"now": (ASKED + timedelta(seconds=seen)).isoformat(), "clock_offset_s": seen}
    assert clock_offset(facts, ASKED.timestamp() + whole) == pytest.approx(at_least, abs=1e-5)


def test_without_the_moment_of_the_answer_the_hosts_own_figure_stands() -> None:
    assert clock_offset({"now": ASKED.isoformat(), "clock_offset_s": 2.3}, None) == 2.3
    assert clock_offset({"now": ASKED.isoformat(), "clock_offset_s": None}, 1.0) is None
