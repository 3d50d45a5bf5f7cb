# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few strikes of the campaign, on three fleets at once. All of it: make faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.campaign.faults import campaign
from tests.campaign.faults.cases import CASES
from tests.campaign.faults.perform import Row

STRIKES = [case.name for case in CASES if case.quick] + [
    f"{kill.number.name} {kill.place}" for kill in campaign.QUICK_KILLS
]
WITHIN_S = 1800.0


@pytest.fixture(scope="module")
def rows() -> Iterator[dict[str, Row]]:
    """Every quick strike, carried out once."""
    book = campaign.Book(seed=0, kept=False)
    work = campaign.quick()
    lanes = campaign.lanes_for(work, pairs=2)
    with campaign.fleets(lanes):
        campaign.perform(work, lanes, book, WITHIN_S)
    names = {(row.case, row.name): row for row in book.fresh}
    yield {name if "boundary" not in case else f"{case.split()[0]} {name}": row for (case, name), row in names.items()}


@pytest.mark.parametrize("name", STRIKES)
def test_every_invariant_holds_after_it(rows: dict[str, Row], name: str) -> None:
    assert rows[name].problems == []
