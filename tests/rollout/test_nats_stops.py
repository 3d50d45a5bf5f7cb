# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every NATS server stops in the soak: it holds. They are back: the same command goes on to GO, and restarts nobody."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.host.shared_fleet import SharedFleet
from tests.rollout.scenario import boundaries, plans, small
from tests.rollout.scenario.story import Story
from tests.rollout.scenario.told import Told

FIRST = {f"{small.FIRST}@{host}" for host in small.HOSTS}
BOTH = FIRST | {f"{small.SECOND}@{host}" for host in small.HOSTS}


@pytest.fixture(scope="module")
def told(tell: Callable[[str], tuple[Story, Told]], shared_fleet: SharedFleet) -> Told:
    story, found = tell("nats_stops")
    extra = {"rollout_plan": str(plans.write(story.out, small.small())), **small.SKIPPING}

    soaking = boundaries.look(small.SOAK)
    with boundaries.running(story, "stopped", small.PLAYBOOK, [soaking], extra=extra) as run:
        run.comes_to(soaking)
        for host in story.hosts:
            story.on(host, "systemctl stop nats-server")
    story.look("stopped")
    for host in story.hosts:
        story.on(host, "systemctl start nats-server")
    # Complete is when every agent has its connection again.
    shared_fleet.up()
    story.run("back", small.PLAYBOOK, extra=extra, deadline_s=900)
    story.look("back")
    return found


def test_servers_that_are_down_for_everybody_are_no_fault_of_the_change(told: Told) -> None:
    assert told.status("stopped") != 0
    assert f"DECISION HOLD {small.ROLLOUT}" in told.output("stopped")
    assert [decision for _gate, _name, decision in told.gates(small.ROLLOUT) if decision == "rollback"] == []
    assert {name for name, seen in told.look("stopped").items() if seen.flag == "true"} == FIRST


def test_what_could_not_be_seen_began_the_soak_anew(told: Told) -> None:
    resets = [reset["why"] for reset in told.of_kind(small.ROLLOUT, "soak.reset")]
    assert resets and any("nats_unreachable" in why for why in resets), resets


def test_the_same_command_goes_on_to_its_end(told: Told) -> None:
    assert told.status("back") == 0, told.output("back")[-3000:]
    assert told.outcome(small.ROLLOUT) == "GO"
    assert len(told.of_kind(small.ROLLOUT, "run.resumed")) == 1


def test_nobody_was_restarted_for_it(told: Told) -> None:
    stopped, back = told.look("stopped"), told.look("back")
    assert {name: back[name].invocation for name in FIRST} == {name: stopped[name].invocation for name in FIRST}
    state = {name: (back[name].active, back[name].flag, back[name].restarts) for name in BOTH}
    assert state == dict.fromkeys(BOTH, (True, "true", 0))
