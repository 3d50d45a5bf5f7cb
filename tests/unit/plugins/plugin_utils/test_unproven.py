# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person may accept as rolled back without a proof, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _unproven
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import StepError

TOUCHED = ["indexer@h1", "indexer@h2"]
SEEN = {"state": "unproven", "reason": "log_line_missing", "message": "no such line"}
RESULTS = {"h1": {"instances": {"indexer": SEEN}}, "h2": {"unreachable": True}}


@pytest.mark.parametrize("given", ["indexer@h1, indexer@h2,", ["indexer@h1", "indexer@h2"]])
def test_names_and_a_reason(given: Any) -> None:
    found = _unproven.accepted({"rollout_accept_unproven": given, "reason": "seen"}, TOUCHED)
    assert (found.instances, found.reason) == (TOUCHED, "seen")


def test_nothing_is_accepted_unasked() -> None:
    assert _unproven.accepted({"rollout_accept_unproven": ""}, TOUCHED).instances == []
    assert _unproven.accepted({"reason": "seen"}, TOUCHED).instances == []


@pytest.mark.parametrize(
    ("given", "touched", "said"),
    [
        ({"rollout_accept_unproven": "indexer@h1"}, TOUCHED, "Say why"),
        ({"rollout_accept_unproven": "indexer@h1", "reason": "  "}, TOUCHED, "Say why"),
        ({"rollout_accept_unproven": "indexer@h3", "reason": "seen"}, TOUCHED, "it touched indexer@h1, indexer@h2"),
        ({"rollout_accept_unproven": "true", "reason": "seen"}, None, "expected instances"),
    ],
)
def test_what_can_not_be_accepted(given: dict[str, str], touched: list[str] | None, said: str) -> None:
    with pytest.raises(StepError, match=said):
        _unproven.accepted(given, touched)


def test_who_is_back_without_a_proof() -> None:
    assert _unproven.of_results(["indexer@h1", "indexer@h2", "other@h1"], RESULTS) == {
        "indexer@h1": {"reason": "log_line_missing", "message": "no such line"}
    }


def test_who_was_accepted_and_for_what() -> None:
    back = {"h1": {"instances": {"indexer": {**SEEN, "state": "restored"}}}}
    order = {"accept": {"h1": ["indexer"]}, "accept_reason": "seen"}
    found = _unproven.of_accepted(["indexer@h1"], back, order)
    assert found["indexer@h1"] == {"reason": "log_line_missing", "message": "no such line", "accepted_for": "seen"}
    proven = {"h1": {"instances": {"indexer": {"state": "restored", "reason": None}}}}
    assert _unproven.of_accepted(["indexer@h1"], proven, order) == {}
    assert _unproven.of_accepted(["indexer@h1"], back, {}) == {}


def test_the_way_out_is_a_command() -> None:
    (said,) = _unproven.way_out("spring", {"indexer@h1": {}, "indexer@h2": {}})
    assert "-e rollout=spring -e rollout_accept_unproven=indexer@h1,indexer@h2" in said
    assert _unproven.way_out("spring", {}) == []
