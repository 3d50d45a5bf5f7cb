# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a checkpoint adds: by its position in the plan, and by how late it is."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._checkpoint_files import due
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import plan

COMPARED = {"comparison.json", "analysis.txt"}
TRENDS = COMPARED | {"trends.txt"}
LAST = TRENDS | {"aggregate_metrics.json", "final_analysis.md"}


@pytest.mark.parametrize(
    ("rollout", "wanted"),
    [
        ("wave1", {"T+1h": set(), "T+3h": COMPARED, "T+6h": LAST}),
        ("wave2", {"T+1h": set(), "T+6h": COMPARED, "T+12h": TRENDS, "T+24h": LAST}),
        ("wave3", {"T+6h": COMPARED, "T+12h": TRENDS, "T+18h": TRENDS, "T+24h": LAST}),
    ],
)
def test_shipped_plans(rollout: str, wanted: dict[str, set[str]]) -> None:
    assert {each.name: due(plan(rollout), each.name) for each in plan(rollout).checkpoint_list()} == wanted


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        (["359m", "48h"], set()),
        (["6h", "48h"], COMPARED),
        (["719m", "48h"], COMPARED),
        (["12h", "48h"], TRENDS),
    ],
)
def test_a_late_first_checkpoint_is_written_with_what_there_is(at: list[str], wanted: set[str]) -> None:
    made = plan(checkpoints={"after": "tdd-expert", "at": at})
    assert due(made, made.checkpoint_names()[0]) == wanted


@given(st.sampled_from(["T+30h", "T+7d"]))
def test_a_follow_up_after_the_last_has_all_but_the_end(name: str) -> None:
    assert due(plan(), name) == TRENDS
