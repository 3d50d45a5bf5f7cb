# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines and branches of plugins/ that tests run: `python -m tests.quality.coverage` (make coverage).

The suites run one after the other under coverage.py, and so does every Python process that they start with the same
Python: ansible-playbook, its workers, modules out of Ansible's zips, background runs. Not measured is what is killed, and
what runs on a host. Writes build/coverage.json and prints a table.

    python -m tests.quality.coverage unit                           only that suite
    python -m tests.quality.coverage --checkout ../old module=tests/integration/nats,tests/integration/store
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import coverage.exceptions

from tests.quality.command import ROOT, environment
from tests.quality.tally import Tally, from_junit

SUITES = {"unit": ["tests/unit"], "module": ["tests/module"], "playbook": ["tests/playbook"]}
TARGET = ROOT / "build" / "coverage.json"
WORK = ROOT / "build" / "coverage"
MEASURED = "plugins"

#: A warning on stderr would be part of what a test reads of a process. coverage.py resolves links, those of collections/
#: too; what Ansible packs for a module runs from inside a zip, under the collection's name.
SETTINGS = """\
[run]
branch = true
parallel = true
include =
    {measured}/*
    */ansible_collections/cowboyai/rollout/plugins/*
data_file = {data}
patch = subprocess, fork, _exit
disable_warnings = no-data-collected, no-sysmon, couldnt-parse, module-not-imported, module-not-measured,
    module-not-python, module-not-file, already-imported, trace-changed, include-ignored
[paths]
measured =
    {measured}
    */ansible_collections/cowboyai/rollout/plugins
[report]
# Some files of those zips are made by Ansible.
include = {measured}/*
"""


@dataclass
class Counted:
    """Lines and branches: how many there are, and how many of them ran."""

    lines: int = 0
    lines_run: int = 0
    branches: int = 0
    branches_run: int = 0

    def add(self, summary: Mapping[str, Any]) -> None:
        self.lines += summary["num_statements"]
        self.lines_run += summary["covered_lines"]
        self.branches += summary["num_branches"]
        self.branches_run += summary["covered_branches"]

    def told(self) -> dict[str, Any]:
        return {
            "lines": self.lines,
            "lines_run": self.lines_run,
            "lines_percent": percent(self.lines_run, self.lines),
            "branches": self.branches,
            "branches_run": self.branches_run,
            "branches_percent": percent(self.branches_run, self.branches),
        }


def percent(part: int, whole: int) -> float | None:
    """None where there is nothing to run, which is neither 0 % nor 100 %."""
    return round(100 * part / whole, 2) if whole else None


def package_of(path: str) -> str:
    """What a file counts for: its folder in plugins/, and below plugin_utils and module_utils the package."""
    parts = Path(path).parts
    return "/".join(parts[1:-1][:2]) or parts[0]


def counted(report: Mapping[str, Any]) -> tuple[Counted, dict[str, Counted]]:
    """The total and each package of a report of coverage.py (its JSON); file names are relative to the checkout."""
    total, packages = Counted(), dict[str, Counted]()
    for path, found in sorted(report["files"].items()):
        total.add(found["summary"])
        packages.setdefault(package_of(path), Counted()).add(found["summary"])
    return total, packages


def table(total: Counted, packages: Mapping[str, Counted]) -> str:
    """A Markdown table, one line a package and the total at its end."""
    rows = ["| package | lines | of them run | branches | of them run |", "|---|---:|---:|---:|---:|"]
    for name, each in [*sorted(packages.items()), ("**all of plugins/**", total)]:
        rows.append(f"| {name} | {each.lines} | {_said(each.lines_run, each.lines)} | {each.branches} | "
                    f"{_said(each.branches_run, each.branches)} |")  # fmt: skip
    return "\n".join(rows)


def _said(part: int, whole: int) -> str:
    share = percent(part, whole)
    return "-" if share is None else f"{share:.2f} %"


@dataclass
class Suite:
    """Tests that are measured together, and how their run ended."""

    name: str
    paths: list[str]
    passed: int = 0
    failed: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return WORK / self.name

    @property
    def good(self) -> bool:
        return self.passed > 0 and not self.failed

    def told(self) -> dict[str, Any]:
        return {"paths": self.paths, "passed": self.passed, "failed": self.failed}


def settings(checkout: Path, data: Path) -> Path:
    """A file of settings for coverage.py whose data files begin with the name `data`."""
    path = data.with_suffix(".ini")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SETTINGS.format(measured=checkout / MEASURED, data=data), encoding="utf-8")
    return path


def measure(suite: Suite, checkout: Path, more: list[str]) -> None:
    """Run one suite with its own data files; tests that fail are named, and what they ran is counted all the same."""
    shutil.rmtree(suite.data, ignore_errors=True)
    junit = suite.data / "junit.xml"
    argv = [
        sys.executable,
        "-m",
        "coverage",
        "run",
        f"--rcfile={settings(checkout, suite.data / 'data')}",
        "-m",
        "pytest",
    ]
    tools = os.pathsep.join([str(checkout / ".venv" / "bin"), os.environ.get("PATH", os.defpath)])
    status = subprocess.run(
        [*argv, *suite.paths, f"--junitxml={junit}", *more],
        cwd=checkout,
        # Ansible ends the last workers of a run as soon as they have answered; they have data to write, so it waits for them.
        env=environment(PATH=tools, ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT="100"),
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode
    tally = from_junit([junit], "tests") if junit.exists() else Tally("tests")
    suite.passed, suite.failed = tally.passed, [*tally.failed, *tally.skipped]
    if status != 0 and not suite.failed:
        suite.failed.append(f"pytest ended with status {status}")


def report(suites: Sequence[Suite], checkout: Path) -> dict[str, Any]:
    """coverage.py's own JSON over the data of these suites; names of files are relative to the checkout."""
    together = WORK / f"all-of-{'-'.join(suite.name for suite in suites)}"
    target = together.with_suffix(".json")
    files = [str(path) for suite in suites for path in sorted(suite.data.glob("data.*.*"))]
    before = Path.cwd()
    os.chdir(checkout)
    try:
        merged = coverage.Coverage(config_file=str(settings(checkout, together)))
        with warnings.catch_warnings():
            # A process that was killed while it wrote leaves a file that can't be read.
            warnings.simplefilter("ignore", coverage.exceptions.CoverageWarning)
            merged.combine(files, strict=True, keep=True)
        merged.get_data().touch_files([str(path) for path in (checkout / MEASURED).rglob("*.py")])
        merged.json_report(outfile=str(target))
    finally:
        os.chdir(before)
    return dict(json.loads(target.read_text(encoding="utf-8")))


def _suite(word: str, checkout: Path) -> Suite:
    name, _, paths = word.partition("=")
    suite = Suite(name, paths.split(",") if paths else SUITES.get(name, []))
    missing = [path for path in suite.paths if not (checkout / path).exists()]
    if missing or not suite.paths:
        raise SystemExit(f"suite {name}: there is no {', '.join(missing) or 'suite of this name'}")
    return suite


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.quality.coverage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suites", nargs="*", metavar="name[=path,path]", help=f"by default: {' '.join(SUITES)}")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="another checkout, which has its own .venv")
    parser.add_argument(
        "--into", type=Path, default=TARGET, metavar="FILE", help=f"default: {TARGET.relative_to(ROOT)}"
    )
    parser.add_argument("--pytest", action="append", default=[], metavar="ARGUMENT", help="goes to pytest")
    options = parser.parse_args(arguments)
    checkout = options.checkout.resolve()
    suites = [_suite(word, checkout) for word in options.suites or SUITES]
    for suite in suites:
        measure(suite, checkout, options.pytest)
    total, packages = counted(report(suites, checkout))
    told = {
        "total": total.told(),
        "packages": {name: each.told() for name, each in packages.items()},
        "suites": {each.name: {**each.told(), **counted(report([each], checkout))[0].told()} for each in suites},
    }
    options.into.parent.mkdir(parents=True, exist_ok=True)
    options.into.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(table(total, packages))
    for suite in suites:
        print(f"{suite.name}: {suite.passed} passed, {len(suite.failed)} failed")
        for name in suite.failed:
            print(f"    {name}")
    return 0 if all(suite.good for suite in suites) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
