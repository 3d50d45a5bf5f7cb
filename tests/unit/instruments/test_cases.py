# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every instrument is blinded in enough ways, each of them once."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.campaign.instruments.cases import CASES

SOURCES = ("journal", "processes", "machine", "reach", "sample", "probe", "recorded")
LEAST = 8


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_is_blinded_in_at_least_eight_ways(source: str) -> None:
    names = [case.name for case in CASES if case.source == source]
    assert len(names) >= LEAST, names


def test_no_case_is_told_twice_and_none_has_a_source_of_its_own() -> None:
    told = Counter((case.source, case.name) for case in CASES)
    assert [name for name, times in told.items() if times > 1] == []
    assert {case.source for case in CASES} == set(SOURCES)
