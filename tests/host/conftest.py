# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one fleet of these tests: up once, seeded anew before each test, down at the end unless somebody else named it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.host.shared_fleet import RehearsalHost, SharedFleet


@pytest.fixture(scope="session")
def shared_fleet() -> Iterator[SharedFleet]:
    """As the test before left it; tests take `fleet`."""
    fleet = SharedFleet()
    fleet.up()
    yield fleet
    fleet.close()
    if not os.environ.get("ROLLOUT_TEST_FLEET"):
        fleet.run("down")


@pytest.fixture
def fleet(shared_fleet: SharedFleet) -> SharedFleet:
    """The fleet in its seeded state, without traffic."""
    shared_fleet.reset()
    return shared_fleet


@pytest.fixture
def host(shared_fleet: SharedFleet) -> RehearsalHost:
    """dgx-1 in its seeded state; the only host that a test with this fixture changes."""
    host = RehearsalHost(shared_fleet)
    shared_fleet.reset(used=(host.name,))
    return host
