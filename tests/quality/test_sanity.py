# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of tests/ may be in the artifact."""

from __future__ import annotations

import pytest

from tests.quality.sanity import foreign_tests

SHIPPED = ["plugins/modules/gate.py", "tests", "tests/unit", "tests/unit/plugins", "tests/unit/plugins/a/test_b.py"]


def test_what_is_shipped() -> None:
    assert foreign_tests(SHIPPED) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tests/campaign/faults/case.py", "tests/campaign/faults"),
        ("tests/campaign/faults/cases/files.py", "tests/campaign/faults"),
        ("tests/unit/faults/test_perform.py", "tests/unit/faults"),
        ("tests/unit/plugins2", "tests/unit/plugins2"),
        ("tests/conftest.py", "tests/conftest.py"),
    ],
)
def test_what_is_not(name: str, told: str) -> None:
    assert foreign_tests([*SHIPPED, name]) == [told]
