# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one suite of pytest and count what really ran: `python -m tests.quality.suite unit [--long] [pytest's arguments]`.

`--long` adds the tests that are marked so, and property tests try new examples in each run, and more of them.
"""

from __future__ import annotations

import subprocess
import sys

from tests.quality.command import RESULTS, ROOT, environment
from tests.quality.tally import Tally, from_junit
from tests.unit.plugins.property_tests import VARIABLE

#: What each folder is for stands in tests/README.md.
SUITES = {
    "unit": ["tests/unit", "tests/quality", "tests/bench"],
    "module": ["tests/module"],
    "playbook": ["tests/playbook"],
    "host": ["tests/host"],
    "rollout": ["tests/rollout"],
    "report": ["tests/report"],
    "campaign": ["tests/campaign"],
}
#: Suites whose tests share nothing but this machine's processors. A file's tests stay together, with what they set up.
PARALLEL = frozenset({"unit"})


BESIDE = ("-n", "auto", "--dist", "loadfile")
LONG = "--long"


def with_long(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """pytest's own arguments for `words`, and what of its environment is different."""
    if LONG not in words:
        return words, {}
    # An empty expression takes back the "not long" of the settings.
    return ["-m", "", *(word for word in words if word != LONG)], {VARIABLE: "long"}


def pytest_arguments(suite: str, more: list[str]) -> tuple[list[str], dict[str, str]]:
    words, variables = with_long(more)
    return [*SUITES[suite], *(BESIDE if suite in PARALLEL else ()), *words], variables


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in SUITES:
        print(f"which suite? one of: {', '.join(SUITES)}", file=sys.stderr)
        return 2
    suite, more = arguments[0], arguments[1:]
    Tally.forget(suite)
    missing = [path for path in SUITES[suite] if not (ROOT / path).is_dir()]
    if missing:
        print(f"suite {suite}: there is no directory {', '.join(missing)}", file=sys.stderr)
        return 2
    RESULTS.mkdir(parents=True, exist_ok=True)
    junit = RESULTS / f"{suite}.xml"
    junit.unlink(missing_ok=True)
    words, variables = pytest_arguments(suite, more)
    status = subprocess.run(
        [sys.executable, "-m", "pytest", f"--junitxml={junit}", *words],
        cwd=ROOT,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode
    tally = from_junit([junit], "tests") if junit.exists() else Tally("tests")
    if status != 0 and not tally.failed:
        tally.failed.append(f"{suite}: pytest ended with status {status}")
    tally.write(suite)
    for name in tally.skipped:
        print(f"skipped, which counts as a failure here: {name}")
    if tally.passed == 0 and not tally.failed:
        print(f"suite {suite}: not one test ran, which counts as a failure here")
    print(f"{suite}: {tally.say()}")
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
