# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's GO: who is asked when, what goes on without it, and what silence leads to."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _orders
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._orders import Refused
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import ProblemsError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import GO, HOLD

from tests.unit.plugins.plugin_utils.recorded import HOUR, Story, at, plan

PHASE = "tdd-expert"


def asking(*before: str) -> Plan:
    return plan(approvals=[{"before": name, "within": "4h", "otherwise": "no_go"} for name in before])


def requested(story: Story, name: str = PHASE) -> Story:
    return story.add("approval.requested", approval=name, until=iso(at(story.now + 4 * HOUR)), otherwise="no_go")


def soaked() -> Story:
    return Story().prepared().soaked("network-expert")


def test_nobody_is_asked_where_the_plan_asks_for_nobody() -> None:
    assert "no approval" in _orders.approval(soaked().view(), PHASE)["why"]
    assert "no approval" in _orders.approval(soaked().view(asking("decision")), PHASE)["why"]


def test_a_wait_for_a_person_is_watched_until_its_deadline() -> None:
    story = soaked()
    order = _orders.approval(story.view(asking(PHASE)), PHASE)
    assert order["due"] and not order["requested"]
    assert order["until"] == iso(at(story.now + 4 * HOUR)) == order["looks"][-1]["at"]
    assert len(order["looks"]) == 48
    assert order["otherwise"] == "no_go"


def test_a_run_that_goes_on_waits_for_what_was_asked_before() -> None:
    story = requested(soaked()).wait(HOUR)
    order = _orders.approval(story.view(asking(PHASE)), PHASE)
    assert order["requested"]
    assert order["until"] == iso(story.state().approvals[PHASE].until) < iso(at(story.now + 3 * HOUR))


@pytest.mark.parametrize("answer", [GO, HOLD])
def test_only_a_go_is_the_end_of_asking(answer: str) -> None:
    story = requested(soaked()).add("approval.given", approval=PHASE, decision=answer, reason="seen it")
    order = _orders.approval(story.another_run().view(asking(PHASE)), PHASE)
    assert order["due"] is (answer != GO)


def test_a_phase_does_not_begin_without_the_approval_that_its_plan_asks_for() -> None:
    wanted = asking(PHASE)
    with pytest.raises(Refused, match=r"nobody has approved tdd-expert.*playbooks/approve.yml"):
        _orders.deploy(soaked().view(wanted), PHASE)
    approved = requested(soaked()).add("approval.given", approval=PHASE, decision=GO, reason="seen it")
    assert _orders.deploy(approved.view(wanted), PHASE)["due"]
    assert _orders.deploy(soaked().view(asking("decision")), PHASE)["due"]


def test_no_go_without_the_approval_of_the_decision() -> None:
    story = Story().both_phases()
    for name in plan().checkpoint_names():
        story.gate("checkpoint", name, GO)
    with pytest.raises(Refused, match="nobody has approved decision"):
        _orders.decide(story.view(asking("decision")))
    requested(story, "decision").add("approval.given", approval="decision", decision=GO, reason="fine")
    assert _orders.decide(story.view(asking("decision")))["decision"] == GO


def test_silence_is_recorded_as_what_the_plan_says() -> None:
    story = requested(soaked()).add("approval.expired", approval=PHASE, decision="no_go", reason="nobody answered")
    state = story.state().approvals[PHASE]
    assert (state.decision, state.expired) == ("no_go", True)


def test_a_plan_asks_before_what_it_has_and_once() -> None:
    with pytest.raises(ProblemsError, match="network-expert, tdd-expert, decision"):
        asking("graph-expert")
    with pytest.raises(ProblemsError, match="each approval once"):
        asking(PHASE, PHASE)
