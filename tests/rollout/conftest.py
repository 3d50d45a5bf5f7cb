# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet of the stories: the one of tests/host, seeded anew before each story."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.host.shared_fleet import SharedFleet
from tests.rollout.scenario.story import ROOT, Story
from tests.rollout.scenario.told import Told

#: Messages a second over the whole fleet: agents have something to do, as they have in production.
RATE = 20


@pytest.fixture(scope="session")
def shared_fleet() -> Iterator[SharedFleet]:
    fleet = SharedFleet()
    fleet.up()
    yield fleet
    fleet.run("traffic", "stop")
    if not os.environ.get("ROLLOUT_TEST_FLEET"):
        fleet.run("down")


@pytest.fixture(scope="module")
def tell(shared_fleet: SharedFleet) -> Callable[[str], tuple[Story, Told]]:
    """Begin a story on the fleet as it was seeded: where it is acted out, and where it can be read afterwards."""

    def begin(name: str) -> tuple[Story, Told]:
        shared_fleet.reset()
        shared_fleet.run("traffic", "start", "--rate", str(RATE))
        out = ROOT / "build" / "rollout" / name
        story = Story(name, fleet=shared_fleet.name, out=out)
        story.look("before")
        return story, Told(name, out=out)

    return begin
