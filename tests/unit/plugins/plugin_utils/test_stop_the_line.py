# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop-the-line: what it holds, for whom, until when; and a freeze, which waits instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _orders
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._due import messages_due
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._orders import View
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import HOLD, NO_GO, ROLLBACK

from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, HOUR, Story, at, plan

FORWARD: dict[str, Callable[[View], dict[str, Any]]] = {
    "deploy": lambda view: _orders.deploy(view, "tdd-expert"),
    "verify": lambda view: _orders.verify(view, "tdd-expert"),
    "soak": lambda view: _orders.soak(view, "network-expert"),
    "approach": lambda view: _orders.approach(view, "T+1h"),
    "decide": _orders.decide,
}


def stopped(story: Story, decision: str = HOLD) -> Story:
    """By a run of its own, as a person does it."""
    run, story.run = story.run, "person"
    story.add("line.stopped", decision=decision, why="errors in the shop")
    story.run = run
    return story


def lifted(story: Story) -> Story:
    return story.add("line.lifted", why="it was something else")


@pytest.mark.parametrize("step", list(FORWARD))
def test_a_stop_binds_every_run_until_it_is_lifted(step: str) -> None:
    story = stopped(Story().prepared().soaked("network-expert"))
    for held in (story, story.another_run(), story.another_run("run-3")):
        order = FORWARD[step](held.view())
        assert not order["due"]
        assert order["stopped_by"] == "me@here stopped the line: errors in the shop"
    assert story.state().outcome == "HOLD"
    state = lifted(story).state()
    assert (state.stop, state.line_stopped, state.outcome) == (None, False, "IN PROGRESS")


def test_nothing_goes_back_for_a_stop_unless_it_says_so() -> None:
    def back(decision: str) -> dict[str, Any]:
        state = stopped(Story().prepared().soaked("network-expert"), decision).state()
        return _orders.rollback(state, forced=False, why="", chosen=lambda instance: True)

    assert not back(HOLD)["due"]
    assert back(ROLLBACK)["instances"] == ALL_INSTANCES[:3]
    assert back(ROLLBACK)["reason"] == "me@here stopped the line: errors in the shop"


@pytest.mark.parametrize("decision", [NO_GO, ROLLBACK])
def test_a_stop_does_not_make_a_worse_decision_forgotten(decision: str) -> None:
    story = stopped(Story().both_phases().gate("look", "look", decision, "it is bad"))
    assert story.state().stop is not None
    assert story.state().stop.decision == decision  # type: ignore[union-attr]
    assert lifted(story).state().stop.decision == decision  # type: ignore[union-attr]


def test_a_lift_lets_ticks_go_on_after_the_hold_of_a_gate() -> None:
    story = Story().both_phases().wait(HOUR).gate("checkpoint", "T+1h", HOLD, "blind")
    assert not _orders.checkpoint(story.view(tick=True), "T+1h")["due"]
    assert _orders.checkpoint(lifted(story).view(tick=True), "T+1h")["due"]
    assert _orders.held(story.records, story.run, "checkpoint", "T+1h") == (0, None)


@pytest.mark.parametrize(("decision", "kind"), [(HOLD, "warning"), (ROLLBACK, "failure")])
def test_people_are_told_of_a_stop(decision: str, kind: str) -> None:
    story = stopped(Story().prepared(), decision)
    (due,) = messages_due(story.records, len(story.records) - 1)
    assert (due.event, due.what, due.kind) == ("report", "stopped", kind)


# ---------------------------------------------------------------- freezes


FREEZE = {"name": "afternoons", "begin": "12:00", "end": "15:00"}


def test_a_first_batch_waits_for_the_end_of_a_freeze_with_nothing_to_watch() -> None:
    order = _orders.deploy(Story().prepared().view(plan(freeze=[FREEZE])), "network-expert")
    assert (order["due"], order["looks"]) == (True, [])
    assert order["wait_until"] == iso(at(3 * HOUR))
    assert order["label"] == "the end of the freeze afternoons"


def test_what_is_changed_is_watched_during_a_freeze() -> None:
    story = Story().prepared().batch("network-expert", "dgx-1")
    order = _orders.deploy(story.view(plan(freeze=[FREEZE]), batch=["dgx-2"]), "network-expert")
    assert (order["wait_until"], order["looks"][-1]["at"]) == (None, iso(at(3 * HOUR)))
    assert len(order["looks"]) == 36


def test_a_rehearsal_that_skips_its_waits_skips_a_freeze_as_well() -> None:
    story = prepared_as(skips_waits=True, rehearsal=True)
    assert _orders.deploy(story.view(plan(freeze=[FREEZE])), "network-expert")["wait_until"] == iso(at(3 * HOUR))


def test_no_freeze_where_nothing_changes_or_outside_of_it() -> None:
    frozen = plan(freeze=[FREEZE])
    for story in (Story().prepared().wait(3 * HOUR), shadow()):
        order = _orders.deploy(story.view(frozen), "network-expert")
        assert (order["due"], order["looks"], order["wait_until"]) == (True, [], None)
    assert _orders.deploy(Story().started().view(frozen, check=True), "network-expert")["wait_until"] is None


def shadow() -> Story:
    return prepared_as(shadow=True)


def prepared_as(**start: Any) -> Story:
    story = Story().prepared()
    story.records[0].data.update(start)
    return story


def test_gates_and_looks_go_on_in_a_freeze() -> None:
    frozen = plan(freeze=[{**FREEZE, "end": "18:00"}])
    deployed = Story().prepared().deployed("network-expert")
    assert _orders.verify(deployed.view(frozen), "network-expert")["due"]
    both = Story().both_phases().wait(HOUR)
    assert _orders.approach(Story().both_phases().view(frozen), "T+1h")["due"]
    assert _orders.checkpoint(both.view(frozen), "T+1h")["due"]
