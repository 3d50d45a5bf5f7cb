# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same rollout on a fleet, once by a run that waits and once launched again and again: the ledgers are equal.

Launches that come too early are in test_launches.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.campaign.triggers import campaign
from tests.campaign.triggers import plan as small
from tests.rollout.scenario import boundaries, plans
from tests.rollout.scenario.story import ROOT, Story

NAME = "ticks"
FOLDER = ROOT / "build" / "ticks"
MOST_LAUNCHES = 60
#: Two looks per wait: the approval is given between them.
PACE = small.Pace(looks=2)


class Told:
    """Both stories of the same plan, one after the other on the same hosts."""

    def __init__(self) -> None:
        # Not compared: the trend of memory, which needs so many looks of a process, and alerts, which a busy machine may raise.
        content = small.small(small.APPROVAL, without=("memory_leak",))
        content["phases"][0].update(serial=[1, 2], stagger="10m")
        content["approvals"][0]["otherwise"] = "no_go"
        content.pop("alerts")
        self.extra = {"rollout_plan": str(plans.write(FOLDER, content)), **PACE.skipping}
        self.waiting = self.story("waiting")
        self.waiting_status = self.wait()
        self.ticking = self.story("ticking")
        self.statuses: list[int] = []
        self.tick()

    def story(self, name: str) -> Story:
        story = Story(name, fleet=NAME, out=FOLDER / name)
        story.tool("reset")
        return story

    def approve(self, story: Story) -> None:
        answer = {"rollout": small.ROLLOUT, "decision": "go", "reason": "looked at it"}
        assert story.run("approve", "playbooks/approve.yml", extra=answer) == 0

    def wait(self) -> int:
        second_look = small.look_in(small.APPROVAL, 2)
        with boundaries.running(self.waiting, "rollout", small.PLAYBOOK, [second_look], extra=self.extra) as run:
            run.comes_to(second_look)
            self.approve(self.waiting)
            run.goes_on()
        return int(run.process.returncode)

    def tick(self) -> None:
        """Launch after launch: each waits by skipping, so the next one has something to do."""
        extra = {**self.extra, "rollout_wait": False}
        approved = False
        for number in range(MOST_LAUNCHES):
            label = f"tick-{number:02}"
            self.statuses.append(self.ticking.run(label, small.PLAYBOOK, extra=extra, deadline_s=boundaries.WITHIN_S))
            kinds = self.ticking.kinds(small.ROLLOUT)
            if kinds[-1] == "decision.made" or self.statuses[-1]:
                return
            asked = kinds.index("approval.requested") if "approval.requested" in kinds else len(kinds)
            if not approved and "look.taken" in kinds[asked:]:
                self.approve(self.ticking)
                approved = True


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with campaign.fleets([NAME]):
        yield Told()


def shape(value: Any) -> Any:
    """Of what kind a value is: the keys of a mapping, and the type of everything else."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items() if "@" not in key}
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def lines(story: Story) -> list[Any]:
    """The ledger without run ids, times and hashes: kinds, names, and the shape of the data.

    What was skipped is left out: a person answers one of them between two launches, the other within a wait.
    """
    named = ("gate", "name", "phase", "decision", "label", "hosts", "instances", "approval", "stops", "phase_complete")
    return [
        (
            r["attempt"],
            r["kind"],
            {k: sorted(v) if isinstance(v := r["data"][k], dict) else v for k in named if k in r["data"]},
            shape(r["data"]),
        )
        for r in story.records(small.ROLLOUT)
        if r["kind"] != "clock.skipped"
    ]


def test_both_end_well(told: Told) -> None:
    assert told.waiting_status == 0
    assert set(told.statuses) == {0}
    assert told.ticking.records(small.ROLLOUT)[-1]["data"]["decision"] == "go"


def test_the_ledgers_are_equal_line_by_line(told: Told) -> None:
    assert lines(told.ticking) == lines(told.waiting)


def test_all_ticks_are_one_run(told: Told) -> None:
    runs = {r["run"] for r in told.ticking.records(small.ROLLOUT) if r["kind"] != "approval.given"}
    assert len(runs) == 1
    assert len(told.statuses) > 4


def test_a_launch_after_the_end_changes_nothing(told: Told) -> None:
    before = told.ticking.records(small.ROLLOUT)
    assert told.ticking.run("afterwards", small.PLAYBOOK, extra={**told.extra, "rollout_wait": False}) == 0
    assert told.ticking.records(small.ROLLOUT) == before
    assert "DECISION GO" in (told.ticking.out / "afterwards.log").read_text()
