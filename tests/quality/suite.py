# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one suite of pytest and count what really ran: `python -m tests.quality.suite unit [pytest's own arguments]`."""

from __future__ import annotations

import subprocess
import sys

from tests.quality.command import RESULTS, ROOT, environment
from tests.quality.tally import Tally, from_junit

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
    status = subprocess.run(
        [sys.executable, "-m", "pytest", *SUITES[suite], f"--junitxml={junit}", *more],
        cwd=ROOT,
        env=environment(),
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
