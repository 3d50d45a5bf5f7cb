# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of tests/ may be in the artifact, and which sanity tests must have run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quality.sanity import MAY_FIND_NOTHING, SANITY_TESTS, foreign_tests, found_nothing, judge
from tests.quality.tally import Tally

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


ALL_OF_THEM = sorted(SANITY_TESTS)


def judged(listed: list[str], idle: list[str], may: frozenset[str] = MAY_FIND_NOTHING) -> list[str]:
    junit = Tally("tests", passed=len(listed) - len(idle), skipped=[f"sanity::{name}" for name in idle])
    return judge(listed, junit, listed, may).failed


def test_every_sanity_test_finds_something_or_may_not() -> None:
    assert judged(ALL_OF_THEM, sorted(MAY_FIND_NOTHING)) == []
    assert judged(ALL_OF_THEM, ["pylint"]) == ["sanity pylint: skipped, or found nothing to test"]


def test_of_a_few_files_a_sanity_test_may_find_none_but_must_be_able_to_run(tmp_path: Path) -> None:
    reasons = {"pylint": "No tests applicable.", "import-python-3.11": "because it could not be found."}
    for name, why in reasons.items():
        case = f'<testcase classname="sanity" name="{name}"><skipped>{why}</skipped></testcase>'
        (tmp_path / f"{name}.xml").write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    may = found_nothing(sorted(tmp_path.glob("*.xml")))
    assert may == {"pylint"}
    assert judged(ALL_OF_THEM, ["import", "pylint"], may) == ["sanity import: skipped, or found nothing to test"]


def test_a_sanity_test_that_is_gone_is_missed_and_a_new_one_runs() -> None:
    less = [name for name in ALL_OF_THEM if name != "import"]
    assert judged(less, []) == ["sanity import: ansible-test has no such test any more"]
    assert judge([*ALL_OF_THEM, "brand-new"], Tally("tests"), [*ALL_OF_THEM, "brand-new"]).ran[-1] == "brand-new"
    assert judge(ALL_OF_THEM, Tally("tests"), ALL_OF_THEM[1:]).failed == [f"sanity {ALL_OF_THEM[0]}: did not run"]
