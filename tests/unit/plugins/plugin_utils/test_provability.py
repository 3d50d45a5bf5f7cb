# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan whose proofs could never succeed on a host is refused before anything is changed."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _provability

from tests.unit.plugins.plugin_utils.recorded import plan

GOOD = {"problems": [], "undo": {"state": "proven", "reason": None, "message": ""}}


def units(provable: dict[str, Any] | None, active: str = "active") -> dict[str, Any]:
    good = {"active_state": "active", "provable": GOOD}
    return {
        "dgx-1": {"instances": {"network-expert": good, "tdd-expert": good, "qa-expert": {"active_state": "active"}}},
        "dgx-2": {
            "instances": {"network-expert": {"active_state": active, "provable": provable}, "tdd-expert": good},
        },
        "dgx-3": {"unreachable": True, "msg": "no route"},
    }


def found(provable: dict[str, Any] | None, **more: Any) -> list[tuple[bool, str]]:
    return [(each.stops, each.text()) for each in _provability.check(plan(), units(provable, **more))]


def test_proofs_that_fit_what_runs() -> None:
    assert found(GOOD) == []


def test_a_change_that_could_never_be_proven() -> None:
    ((stops, text),) = found({**GOOD, "problems": ["FLAG is set again by /etc/late.env"]})
    assert stops
    assert text.startswith(
        "network-expert@dgx-2: proof of the change: seen FLAG is set again by /etc/late.env, expected the old"
    )


def test_an_undo_proof_that_the_old_state_does_not_show() -> None:
    ((stops, text),) = found({**GOOD, "undo": {"state": "failed", "reason": "log_line_missing", "message": "no 'OFF'"}})
    assert stops
    assert "seen log_line_missing: no 'OFF'" in text
    assert "correct change.undo_proof" in text


def test_one_that_could_not_be_tried_is_told_and_accepted() -> None:
    ((stops, text),) = found({**GOOD, "undo": {"state": "unknown", "reason": None, "message": "journal_rotated"}})
    assert not stops
    assert "not tried" in text


def test_silence_is_no_proof() -> None:
    ((stops, text),) = found(None)
    assert stops
    assert "no answer about it" in text


def test_what_does_not_run_is_another_finding() -> None:
    assert found(None, active="failed") == []
