# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same rollout on a fleet, once by a run that waits and once launched again and again: the ledgers are equal.

Launches that come too early are in test_launches.py.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.campaign.triggers import campaign
from tests.campaign.triggers import plan as small
from tests.rollout.scenario import plans
from tests.rollout.scenario.story import ROOT, Story

#: One for each story: they are told at the same time.
WAITING, TICKING = FLEETS = ["ticks-waiting", "ticks"]
#: Half as fast as others of this plan: two stories at once, and a launch must be over well before the next checkpoint is due.
TIME_SCALE = small.USUAL_PACE.scale // 2
PLAYBOOK = "tests/campaign/triggers/rollout.yml"
MOST_LAUNCHES = 60


class Told:
    """Both stories of the same plan."""

    def __init__(self) -> None:
        folder = ROOT / "build" / "ticks"
        # Not compared: the trend of memory, which needs so many looks of a process, and alerts, which a busy machine may raise.
        content = small.small("short", without=("memory_leak",))
        content["phases"][0].update(serial=[1, 2], stagger=small.USUAL_PACE.span(8))
        content["approvals"] = [{"before": "second", "within": small.USUAL_PACE.span(120), "otherwise": "no_go"}]
        content.pop("alerts", None)
        self.waiting = Story("waiting", fleet=WAITING, out=folder / "waiting")
        self.ticking = Story("ticking", fleet=TICKING, out=folder / "ticking")
        self.extra = {
            "rollout_plan": str(plans.write(folder, content)),
            "rollout_time_scale": TIME_SCALE,
            "triggers_checkpoints": small.USUAL_PACE.checkpoints,
        }
        self.statuses: list[int] = []
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(self.wait)
            pool.submit(self.tick).result()
            self.waiting_status = waiting.result()

    def approve(self, story: Story) -> None:
        answer = {"rollout": small.ROLLOUT, "decision": "go", "reason": "looked at it"}
        assert story.run("approve", "playbooks/approve.yml", extra=answer) == 0

    def wait(self) -> int:
        with self.waiting.running("rollout", PLAYBOOK, extra=self.extra, deadline_s=800) as process:
            asked = lambda: "approval.requested" in self.waiting.kinds(small.ROLLOUT)  # noqa: E731
            self.waiting.wait_for("the approval is asked for", asked, process, within_s=400)
            self.approve(self.waiting)
        return int(process.returncode)

    def note(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (self.ticking.monitoring / "keys" / f"tick.{small.ROLLOUT}.json").read_text()
        )
        return found

    def tick(self) -> None:
        extra = {**self.extra, "rollout_wait": False}
        approved = False
        for number in range(MOST_LAUNCHES):
            self.statuses.append(self.ticking.run(f"tick-{number:02}", PLAYBOOK, extra=extra))
            after = self.ticking.records(small.ROLLOUT)
            if after[-1]["kind"] == "decision.made" or self.statuses[-1]:
                return
            if not approved and after[-1]["kind"] == "approval.requested":
                self.approve(self.ticking)
                approved = True
                continue
            left = datetime.fromisoformat(self.note()["next_due"]).timestamp() - time.time()
            time.sleep(max(left, 0.0) + 0.05)


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with campaign.fleets(FLEETS):
        yield Told()


def shape(value: Any) -> Any:
    """Of what kind a value is: the keys of a mapping, and the type of everything else."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items() if "@" not in key}
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def lines(story: Story) -> list[Any]:
    """The ledger without run ids, times and hashes: kinds, names, and the shape of the data.

    Looks that follow each other in one wait are one: in scaled time a launch takes longer than a tick of the plan, and looks
    that are overdue are one (docs/operations.md). With a clock of their own the looks are compared one by one in
    test_tick_equals_waiting.py.
    """
    named = ("gate", "name", "phase", "decision", "label", "hosts", "instances", "approval", "stops", "phase_complete")
    found = [
        (
            r["attempt"],
            r["kind"],
            {k: sorted(v) if isinstance(v := r["data"][k], dict) else v for k in named if k in r["data"]},
            shape(r["data"]),
        )
        for r in story.records(small.ROLLOUT)
    ]
    same_wait = [False, *(one[1] == "look.taken" and one[:3] == two[:3] for one, two in pairwise(found))]
    return [line for line, same in zip(found, same_wait, strict=True) if not same]


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
    assert told.ticking.run("afterwards", PLAYBOOK, extra={**told.extra, "rollout_wait": False}) == 0
    assert told.ticking.records(small.ROLLOUT) == before
    assert "DECISION GO" in (told.ticking.out / "afterwards.log").read_text()
