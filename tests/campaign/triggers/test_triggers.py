# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few runs of the campaign, on two fleets at once: one trigger per state, one that needs NATS, and one that must not fire.

All of it: make triggers.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.campaign.triggers import campaign
from tests.campaign.triggers.assess import Row

RUNS = {run.name: run for run in campaign.chosen([], quick=True)}


@pytest.fixture(scope="module")
def rows() -> Iterator[dict[str, Row]]:
    """Every quick run, carried out once."""
    with campaign.fleets(list(campaign.FLEETS)):
        yield {row.name: row for row in campaign.perform(list(RUNS.values()), list(campaign.FLEETS))}


@pytest.mark.parametrize("name", RUNS)
def test_run_is_as_it_should_be(rows: dict[str, Row], name: str) -> None:
    assert rows[name].problems == []
