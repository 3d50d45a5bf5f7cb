# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shadow rollout on a fleet: every gate, no change. And its evidence judged again: the same plan says the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.campaign.triggers import campaign
from tests.campaign.triggers import plan as small
from tests.rollout.scenario import boundaries, plans
from tests.rollout.scenario.story import ROOT, Story

NAME, SHADOW = "again", f"{small.ROLLOUT}-shadow"
LAST = small.CHECKPOINT_NAMES[-1]
#: What a host says of an instance that a change would have altered.
UNTOUCHED = ("InvocationID", "MainPID", "NRestarts")


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """A shadow rollout that has ended, with what the hosts said before and after."""
    with campaign.fleets([NAME]):
        told = Story("again", fleet=NAME, out=ROOT / "build" / "again")
        told.look("before")
        content = plans.write(told.out, small.small(small.WHOLE))
        variables = {"rollout_plan": str(content), "rollout_shadow": True, **small.Pace(looks=1).skipping}
        told.run("shadow", small.PLAYBOOK, extra=variables, deadline_s=boundaries.WITHIN_S)
        told.look("after")
        yield told


def look(story: Story, label: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((story.out / f"{label}.look.json").read_text())
    return found


def output(story: Story, label: str) -> str:
    return (story.out / f"{label}.log").read_text()


def test_a_shadow_rollout_passes_every_gate(story: Story) -> None:
    gates = [record["data"] for record in story.records(SHADOW) if record["kind"] == "gate.decided"]
    taken = [(gate["name"], gate["decision"]) for gate in gates if gate["decision"] != "hold"]
    first, last = small.CHECKPOINT_NAMES
    assert taken == [("verify-first", "go"), ("verify-second", "go"), (first, "go"), (last, "go")]
    assert "1 shadow rollouts ended, 0 false rollbacks" in output(story, "shadow")


def test_a_shadow_rollout_touches_nothing(story: Story) -> None:
    before, after = look(story, "before"), look(story, "after")
    assert len(before) == 12
    assert after.keys() == before.keys()
    for name, seen in after.items():
        assert seen["file"] == before[name]["file"], name
        assert {key: seen["unit"][key] for key in UNTOUCHED} == {key: before[name]["unit"][key] for key in UNTOUCHED}
    for host in story.hosts:
        assert story.on(host, "ls /opt/cim-dgx/configs/backups 2>/dev/null || true").split() == []
    assert "changed  " not in output(story, "shadow")


def test_a_shadow_rollout_counts_for_nothing_else(story: Story) -> None:
    assert story.records(small.ROLLOUT) == []
    start = story.records(SHADOW)[0]["data"]
    assert (start["shadow"], start["rehearsal"]) == (True, True)


@pytest.mark.parametrize("gate", ["", LAST, "verify-first"])
def test_the_same_plan_says_the_same_again(story: Story, gate: str) -> None:
    label = f"judge-{gate or 'newest'}"
    assert story.run(label, "playbooks/judge.yml", extra={"rollout": SHADOW, "checkpoint": gate}) == 0
    assert "\n  0 of " in output(story, label)
    assert "decision then GO, now GO" in output(story, label)


def test_another_plan_shows_what_would_differ(story: Story) -> None:
    strict = small.small(small.WHOLE)
    strict["rollback"]["when"].append({"name": "not_nothing", "metric": "memory_of_limit", "above": "0.001%"})
    path = plans.write(story.out / "strict", strict)
    extra = {"rollout": SHADOW, "checkpoint": LAST, "plan": str(path)}
    assert story.run("judge-strict", "playbooks/judge.yml", extra=extra) == 0
    assert "decision then GO, now ROLLBACK: not_nothing" in output(story, "judge-strict")


def test_evidence_that_was_altered_is_not_judged(story: Story) -> None:
    path = story.monitoring / "checkpoints" / SHADOW / LAST / "evidence.json"
    sound = path.read_bytes()
    try:
        path.write_bytes(sound.replace(b'"errors": 0', b'"errors": 1', 1))
        assert story.run("judge-altered", "playbooks/judge.yml", extra={"rollout": SHADOW, "checkpoint": LAST}) != 0
    finally:
        path.write_bytes(sound)
    said = " ".join(output(story, "judge-altered").split())
    assert "was changed after the gate" in said
    assert "Traceback" not in said
