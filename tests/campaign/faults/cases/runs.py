# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs of one rollout at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.campaign.faults.assess import COMPLETED
from tests.campaign.faults.case import FIRST, FIRST_HOST, SOAK, Case, Fault, change
from tests.campaign.faults.lane import Lane
from tests.campaign.faults.plan import ROLLOUT
from tests.rollout.scenario.boundaries import Boundary

TICK = {"rollout_wait": False}
TAKE = {"rollout_takeover": True}


def second(place: Boundary, extra: dict[str, Any]) -> Fault:
    """While the first run stands at a place (and so keeps its lease), a second begins; it must say who has the rollout."""

    def act(lane: Lane) -> None:
        with lane.running_until(place):
            lane.strike()
            before = len(lane.story.records(ROLLOUT))
            ended = lane.run("second", extra=extra)
            said = (lane.story.out / "second.log").read_text(errors="replace")
            if ended.status == 0 or "is being run by" not in said:
                lane.problems.append(f"the second run ended with {ended.status} and did not say who has the lease")
            if len(lane.story.records(ROLLOUT)) != before:
                lane.problems.append("the second run wrote into the ledger")

    return act


def taken_over(lane: Lane) -> None:
    """The second run takes the rollout over; the first one, going on, must write nothing more."""
    lane.primary = "second"
    with lane.running_until(SOAK):
        lane.strike()
        lane.run("second", extra=TAKE)
        before = len(lane.story.records(ROLLOUT))
    if len(lane.story.records(ROLLOUT)) != before:
        lane.problems.append("the run that lost its lease went on writing")
    if lane.ended("first").status == 0:
        lane.problems.append("the run that lost its lease ended well")


def at_the_same_moment(lane: Lane) -> None:
    """Two launches begin together and again together, until the rollout is over."""
    lane.strike()
    for number in range(60):
        with ThreadPoolExecutor(2) as both:
            ended = list(both.map(lambda label: lane.run(label, extra=TICK), (f"a{number}", f"b{number}")))
        if "decision.made" in lane.story.kinds(ROLLOUT):
            lane.primary = next(run.label for run in ended if run.status == 0)
            return
    lane.problems.append("sixty launches were not enough")


CASES = [
    Case("two runs at once, second like the first", second(SOAK, {}), ends=frozenset({COMPLETED})),
    Case(
        "two runs at once, second in the middle of a change",
        second(change(FIRST, FIRST_HOST), {}),
        ends=frozenset({COMPLETED}),
    ),
    Case("two runs at once, second a tick", second(SOAK, TICK), ends=frozenset({COMPLETED})),
    Case("two runs at once, second takes over", taken_over, ends=frozenset({COMPLETED})),
    Case("two runs at once, ticks at the same moment", at_the_same_moment),
]
