# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launched again and again (rollout_wait=false): messages lost during the soak are found by a look, and the change goes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.rollout.scenario import plans, small
from tests.rollout.scenario.story import Story
from tests.rollout.scenario.told import Told

FIRST = {f"{small.FIRST}@{host}" for host in small.HOSTS}
#: Twice as many as a whole rollout takes.
MOST_LAUNCHES = 30


@dataclass
class Launched:
    told: Told
    statuses: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def launched(tell: Callable[[str], tuple[Story, Told]]) -> Launched:
    story, told = tell("lost_between_gates")
    found = Launched(told)
    plan = plans.write(story.out, small.small())
    extra = {"rollout_plan": str(plan), "rollout_wait": False, **small.SKIPPING}
    faulty = False
    while len(found.statuses) < MOST_LAUNCHES and not (found.statuses and found.statuses[-1]):
        found.statuses.append(
            story.run(f"launch-{len(found.statuses):02}", small.PLAYBOOK, extra=extra, deadline_s=600)
        )
        if not faulty and story.passed(small.ROLLOUT, "verify-first"):
            # Every other message, from this moment on, whichever look comes next.
            story.tool("fault", small.FIRST, "drop=50%", "--now")
            faulty = True
        if story.kinds(small.ROLLOUT)[-1] == "decision.made":
            break
    story.look("after")
    return found


def test_it_was_well_until_the_soak(launched: Launched) -> None:
    assert ("verify", "verify-first", "go") in launched.told.gates(small.ROLLOUT)
    assert set(launched.statuses[:-1]) == {0}
    assert len(launched.statuses) >= 3


def test_a_look_between_gates_found_it_and_rolled_back(launched: Launched) -> None:
    gate = launched.told.last_gate(small.ROLLOUT)
    assert (gate["gate"], gate["decision"]) == ("look", "rollback")
    assert "message_loss" in gate["causes"]
    assert launched.statuses[-1] != 0
    assert launched.told.outcome(small.ROLLOUT) == "ROLLED BACK"


def test_all_launches_are_one_run(launched: Launched) -> None:
    assert len({record["run"] for record in launched.told.ledger(small.ROLLOUT)}) == 1


def test_the_changed_instances_are_as_before_and_nobody_else_was_touched(launched: Launched) -> None:
    before, now = launched.told.look("before"), launched.told.look("after")
    for name, was in before.items():
        if name in FIRST:
            assert (now[name].file, now[name].active, now[name].flag) == (was.file, True, "false"), name
        else:
            assert now[name].untouched == was.untouched, name
