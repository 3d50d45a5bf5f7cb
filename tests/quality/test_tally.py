# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as executed, and which steps count as good."""

from __future__ import annotations

from pathlib import Path

from tests.quality.sanity import judge
from tests.quality.tally import Tally, from_junit

JUNIT = """<testsuites><testsuite name="x">
<testcase classname="a" name="good"/>
<testcase classname="a" name="talks"><system-out>words</system-out></testcase>
<testcase classname="a" name="bad"><failure message="m">t</failure></testcase>
<testcase classname="a" name="broken"><error message="m">t</error></testcase>
<testcase classname="a" name="left out"><skipped type="pytest.xfail"/></testcase>
</testsuite></testsuites>"""


def test_junit_is_counted_by_outcome(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text(JUNIT)
    tally = from_junit([path, path], "tests")
    assert (tally.passed, tally.failed, tally.skipped) == (4, ["a::bad", "a::broken"] * 2, ["a::left out"] * 2)
    assert tally.say() == "4 passed, 4 failed, 2 skipped (tests)"


def test_only_a_step_that_ran_all_of_something_is_good() -> None:
    assert Tally("tests", passed=1).good
    assert not Tally("tests").good
    assert not Tally("tests", passed=9, failed=["a"]).good
    assert not Tally("tests", passed=9, skipped=["a"]).good


def test_ansible_test_is_held_to_its_own_list() -> None:
    junit = Tally(
        "tests",
        passed=1,
        failed=["sanity::pylint"],
        skipped=["sanity::pslint-python-3.11", "sanity::import-python-3.11"],
    )
    executed = ["pep8", "pylint", "pslint-python-3.11", "import-python-3.11"]
    report = judge(["pep8", "pylint", "pslint", "import", "yamllint"], junit, executed)
    assert report.ran == ["pep8"]
    assert report.idle == ["pslint"]
    # Of the others it is told that they are gone.
    assert [name for name in report.failed if "no such test any more" not in name] == [
        "sanity pylint",
        "sanity import: skipped, or found nothing to test",
        "sanity yamllint: did not run",
    ]
