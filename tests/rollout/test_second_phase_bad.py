# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second phase brings an error: both phases go back, byte for byte, and nobody else is touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rollout.scenario import plans, small
from tests.rollout.scenario.story import Story
from tests.rollout.scenario.told import Told, accounted

BOTH = {f"{agent}@{host}" for agent in (small.FIRST, small.SECOND) for host in small.HOSTS}


@pytest.fixture(scope="module")
def told(tell: Callable[[str], tuple[Story, Told]]) -> Told:
    story, found = tell("second_phase_bad")
    plan = plans.write(story.out, small.small())
    story.tool("fault", small.SECOND, "errors=5%")
    story.run("rollout", small.PLAYBOOK, extra={"rollout_plan": str(plan), **small.SKIPPING}, deadline_s=900)
    story.look("after")
    return found


def test_it_ends_with_an_error_and_says_rolled_back(told: Told) -> None:
    assert told.status("rollout") != 0
    assert told.outcome(small.ROLLOUT) == "ROLLED BACK"
    assert f"DECISION ROLLED BACK {small.ROLLOUT}" in told.output("rollout")


def test_the_gate_of_the_second_phase_found_it(told: Told) -> None:
    gates = told.gates(small.ROLLOUT)
    assert ("verify", "verify-first", "go") in gates
    assert gates[-1] == ("verify", "verify-second", "rollback")
    gate = told.last_gate(small.ROLLOUT)
    assert set(gate["causes"]) & {"errors", "error_rate"}
    verdicts = told.verdicts(small.ROLLOUT, gate["name"])
    assert {verdicts[cause]["verdict"] for cause in gate["causes"]} == {"fail"}


def test_everything_touched_goes_back_and_is_counted(told: Told) -> None:
    back = told.of_kind(small.ROLLOUT, "rollback.done")
    assert len(back) == 1
    parts = accounted(back[0]["accounting"])
    assert set(parts["good"]) == BOTH
    assert parts["bad"] == parts["unreachable"] == parts["skipped"] == []


def test_hosts_are_as_before(told: Told) -> None:
    before, now = told.look("before"), told.look("after")
    assert set(before) > BOTH
    for name, was in before.items():
        assert now[name].file == was.file, name
        assert (now[name].active, now[name].flag) == (True, "false"), name
        if name not in BOTH:
            assert now[name].untouched == was.untouched, name
