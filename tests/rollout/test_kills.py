# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rollout, ended by each signal at a task boundary where it hurts, and given again each time: GO, and nobody restarted twice.

Every boundary: make faults.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.rollout.scenario import boundaries, plans, small
from tests.rollout.scenario.boundaries import Boundary
from tests.rollout.scenario.story import Story
from tests.rollout.scenario.told import Told, accounted

#: label -> (signal, boundary): changed and not counted, looked and not judged, measured and not decided.
KILLS = {
    "deploy": (signal.SIGKILL, Boundary(small.DEPLOY_FIRST, "cowboyai.rollout.deploy : Count what is proven", 2)),
    "soak": (signal.SIGINT, Boundary(small.SOAK, "cowboyai.rollout.watch : Judge the look")),
    "checkpoint": (signal.SIGTERM, Boundary(small.CHECKPOINT, "cowboyai.rollout.checkpoint : Pass the gate")),
}
BOTH = {f"{agent}@{host}" for agent in (small.FIRST, small.SECOND) for host in small.HOSTS}


@pytest.fixture(scope="module")
def told(tell: Callable[[str], tuple[Story, Told]]) -> Told:
    story, found = tell("kills")
    extra = {"rollout_plan": str(plans.write(story.out, small.small())), **small.SKIPPING}
    for label, (number, place) in KILLS.items():
        with boundaries.running(story, label, small.PLAYBOOK, [place], number, extra=extra):
            pass
        assert boundaries.met(story.out, label)[-1].struck, f"{label} never came to {place}"
        story.note(label, {"last": story.kinds(small.ROLLOUT)[-1]})
        story.look(label)
    story.run("last", small.PLAYBOOK, extra=extra, deadline_s=900)
    story.look("last")
    story.run("undone", "playbooks/rollback.yml", extra={"rollout": small.ROLLOUT, **small.SKIPPING})
    story.look("undone")
    return found


@pytest.mark.parametrize("label", KILLS)
def test_the_run_was_ended_where_it_should_be(told: Told, label: str) -> None:
    assert told.status(label) != 0
    assert "DECISION" not in told.output(label)


def test_it_was_killed_between_a_change_and_its_count(told: Told) -> None:
    assert told.note("deploy")["last"] == "batch.started"


def test_given_again_it_ends_with_go(told: Told) -> None:
    assert told.status("last") == 0, told.output("last")[-3000:]
    assert f"DECISION GO {small.ROLLOUT}" in told.output("last")
    ledger = told.ledger(small.ROLLOUT)
    assert len([record for record in ledger if record["kind"] == "run.resumed"]) == len(KILLS)
    assert len({record["run"] for record in ledger}) == len(KILLS) + 1 + len({"undone"})
    taken = [name for gate, name, decision in told.gates(small.ROLLOUT) if gate == "checkpoint" and decision == "go"]
    assert taken == list(small.CHECKPOINTS)


def test_everything_is_proven_once_and_nobody_was_restarted_twice(told: Told) -> None:
    proven: dict[str, object] = {}
    for batch in told.of_kind(small.ROLLOUT, "batch.done"):
        accounted(batch["accounting"])
        proven |= {name: each["invocation_id"] for name, each in batch["proven"].items()}
    assert set(proven) == BOTH
    killed, last = told.look("deploy"), told.look("last")
    assert {name: last[name].invocation for name in proven} == proven
    for name in BOTH:
        if killed[name].flag == "true":
            # Neither by the run that came after, nor by a module that outlived its run.
            assert last[name].untouched == killed[name].untouched, name
        assert (last[name].active, last[name].flag, last[name].restarts) == (True, "true", 0), name


def test_a_rollback_by_hand_brings_every_byte_back(told: Told) -> None:
    assert told.status("undone") == 0
    before, now = told.look("before"), told.look("undone")
    assert {name: now[name].file for name in before} == {name: was.file for name, was in before.items()}
    assert {name: now[name].flag for name in before} == dict.fromkeys(before, "false")
