# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a blinded gate's run came to: only an end with a reason in words is a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.campaign.instruments.case import BROKEN, HOLD, PASS, REFUSED, ROLL_BACK, outcome_of

OURS = """\
Checkpoint T+1h
  skipping 51m38s of checkpoint T+1h
  failed  dgx-1: Judge the look
    evidence baseline/evidence.json: seen no such file, expected d88ba9a47013
"""
BARE = """\
Checkpoint T+1h
  failed  dgx-1: Judge the look

Other
    words
"""


@pytest.mark.parametrize(
    ("status", "said", "decided", "outcome"),
    [
        (2, OURS, [], REFUSED),
        (2, OURS.replace("failed ", "unreachable "), [], REFUSED),
        (2, 'fatal: [dgx-1]: FAILED! => {"msg": "no such file"}', [], REFUSED),
        (2, BARE, [], BROKEN),
        (0, OURS, [], BROKEN),
        (2, "killed", [], BROKEN),
        (1, OURS + "Traceback (most recent call last):\n", [], BROKEN),
        (0, "", [{"decision": "go", "why": ""}], PASS),
        (2, "", [{"decision": "go"}, {"decision": "hold"}], HOLD),
        (2, "", [{"decision": "rollback"}], ROLL_BACK),
        (2, "", [{"decision": "no_go"}], ROLL_BACK),
    ],
)
def test_outcome(status: int, said: str, decided: list[dict[str, Any]], outcome: str) -> None:
    assert outcome_of(status, said, decided)[0] == outcome


def test_a_refusal_is_told_with_its_reason() -> None:
    assert (
        outcome_of(2, OURS, [])[1]
        == "failed dgx-1: Judge the look evidence baseline/evidence.json: seen no such file, expected d88ba9a47013"
    )
