# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of triggers."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import FAIL, INCONCLUSIVE, PASS, Verdict
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._triggers import Limits, names, split
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._triggers import history as history_of


def fired(name: str = "slow", verdict: str = FAIL, value: float | None = 1.0) -> Verdict:
    return Verdict(name, "latency_p50", "trigger", verdict, "above 20%", "percent", value=value)


def look(asked: bool, did: bool, attempt: int = 1, kind: str = "look.taken") -> Record:
    data = {"asked": ["slow"] if asked else [], "fired": ["slow"] if did else []}
    return Record(1, "2026-01-01T00:00:00+00:00", "r", attempt, "run", "me", kind, data)


HIT, MISS, BLIND = look(True, True), look(True, False), look(False, False)


@pytest.mark.parametrize(
    ("limits", "history", "counts"),
    [
        (Limits(), [], True),
        (Limits(consecutive=2), [], False),
        (Limits(consecutive=2), [HIT], True),
        (Limits(consecutive=2), [HIT, MISS], False),
        (Limits(consecutive=2), [HIT, BLIND], True),
        (Limits(consecutive=2), [look(True, True, attempt=0)], False),
        (Limits(consecutive=2), [look(True, True, kind="gate.decided")], True),
        (Limits(consecutive=3, total=3), [HIT, MISS, HIT, MISS], True),
        (Limits(consecutive=3, total=4), [HIT, MISS, HIT, MISS], False),
    ],
)
def test_a_trigger_counts_once_its_limits_are_reached(limits: Limits, history: list[Record], counts: bool) -> None:
    counting, waiting = split([fired()], {"slow": limits}, history_of(history, attempt=1))
    assert (len(counting), len(waiting)) == ((1, 0) if counts else (0, 1))


def test_what_did_not_fire_and_what_is_no_trigger_always_counts() -> None:
    criterion = Verdict("slow", "latency_p50", "primary", FAIL, "below 100ms", "duration", value=1.0)
    verdicts = [fired(verdict=PASS), criterion]
    assert split(verdicts, {"slow": Limits(consecutive=9)}, []) == (verdicts, [])


def test_the_record_tells_asked_from_fired() -> None:
    verdicts = [fired("a"), fired("b", PASS), fired("c", INCONCLUSIVE, None)]
    assert names(verdicts) == {"asked": ["a", "b"], "fired": ["a"]}
