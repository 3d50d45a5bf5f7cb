# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every folder of tests belongs to a suite, and to one only: what belongs to none would never run. The same for tests
that are marked as long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quality.command import ROOT
from tests.quality.suite import SUITES, pytest_arguments


def test_every_test_is_in_one_suite() -> None:
    tests = {path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")}
    suites = {name: {Path(each) for each in folders} for name, folders in SUITES.items()}
    for test in tests:
        found = [name for name, folders in suites.items() if folders & set(test.parents)]
        assert len(found) == 1, f"{test}: {found}"


def test_long_tests_are_left_out_unless_they_are_asked_for(pytestconfig: pytest.Config) -> None:
    words, variables = pytest_arguments("unit", ["-x"])
    assert "-m" not in words and words[-1] == "-x" and variables == {}
    assert "not long" in pytestconfig.getini("addopts")
    words, variables = pytest_arguments("unit", ["--long", "-x"])
    assert words[words.index("-m") + 1] == "" and words[-1] == "-x" and variables == {"HYPOTHESIS_PROFILE": "long"}
