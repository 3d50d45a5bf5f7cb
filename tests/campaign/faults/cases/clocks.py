# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks that jump, on the controller, and one that is off, on a host.

Both stand in for a machine's clock: the product's own reading of it is shifted on the controller, and on the host
libfaketime shifts what Python reads there, while the journal keeps the right time. What is shifted is real time, by which
leases and hosts go; plan time, which is real time and what was skipped, jumps with it. A step of seconds is what a time
server makes; one of hours lies beyond a lease, and beyond the next checkpoint.
"""

from __future__ import annotations

from pathlib import Path

from tests.campaign.faults.assess import HELD
from tests.campaign.faults.case import CHECKPOINT_LOOK, FIRST_HOST, SECOND, SOAK, Case, Fault, change
from tests.campaign.faults.lane import Lane
from tests.rollout.scenario.boundaries import Boundary
from tests.rollout.scenario.story import StoryError

HOST = FIRST_HOST
JUMP_S = 90
HOURS_S = 7 * 3600
OFF_S = 300
THERE = "/usr/local/lib/libfaketime.so.1"


def library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise StoryError("libfaketime is not installed (Debian: apt-get install libfaketime); make bootstrap does it")
    return found[0]


def jump(place: Boundary, seconds: int) -> Fault:
    """The controller's clock jumps while the run stands at a place, for all that the run reads of it afterwards."""

    def act(lane: Lane) -> None:
        told = lane.story.out / "clock"
        told.write_text("0\n")
        with lane.running_until(place, env={"BOUNDARY_CLOCK": str(told)}):
            told.write_text(f"{seconds}\n")
            lane.strike()

    return act


def host_off(lane: Lane) -> None:
    """The host's Python, with which modules are run there, reads a clock that is five minutes ahead."""
    lane.story.on(HOST, f"cat > {THERE} && chmod 755 {THERE}", library().read_bytes())
    lane.story.on(
        HOST,
        "mv /usr/bin/python3 /usr/bin/python3.kept && printf '%s\\n' '#!/bin/sh'"
        f" 'LD_PRELOAD={THERE} FAKETIME=+{OFF_S} exec /usr/bin/python3.kept \"$@\"'"
        " > /usr/bin/python3 && chmod 755 /usr/bin/python3",
    )
    lane.strike()
    lane.run("first")
    said = (lane.story.out / "first.log").read_text(errors="replace")
    if "clock" not in said:
        lane.problems.append("preflight did not name the clock")
    if "batch.started" in lane.story.kinds("wave2"):
        lane.problems.append("it was changed all the same")


def host_right(lane: Lane) -> None:
    lane.story.on(HOST, "mv /usr/bin/python3.kept /usr/bin/python3")


CASES = [
    Case("controller's clock jumps forward, in the soak", jump(SOAK, JUMP_S)),
    Case("controller's clock jumps back, in the soak", jump(SOAK, -JUMP_S)),
    Case("controller's clock jumps forward by hours, in the soak", jump(SOAK, HOURS_S)),
    Case("controller's clock jumps back by hours, in the soak", jump(SOAK, -HOURS_S)),
    Case("controller's clock jumps forward, at a change", jump(change(SECOND, HOST), JUMP_S)),
    Case("controller's clock jumps back, at a change", jump(change(SECOND, HOST), -JUMP_S)),
    Case("controller's clock jumps back, at a checkpoint", jump(CHECKPOINT_LOOK, -JUMP_S)),
    Case("host's clock off by five minutes, before the rollout", host_off, host_right, ends=frozenset({HELD})),
]
