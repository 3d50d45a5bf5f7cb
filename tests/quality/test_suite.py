# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every folder of tests belongs to a suite, and to one only: what belongs to none would never run."""

from __future__ import annotations

from pathlib import Path

from tests.quality.command import ROOT
from tests.quality.suite import SUITES


def test_every_test_is_in_one_suite() -> None:
    tests = {path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")}
    suites = {name: {Path(each) for each in folders} for name, folders in SUITES.items()}
    for test in tests:
        found = [name for name, folders in suites.items() if folders & set(test.parents)]
        assert len(found) == 1, f"{test}: {found}"
