# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run tests many times in a row, every second time beside busy processes: `python -m tests.quality.repeat` (make repeat).

    python -m tests.quality.repeat --times 20 --busy 4 host rollout         suites of tests/README.md
    python -m tests.quality.repeat --times 50 tests/unit/plugins -k lease   what pytest takes

Prints a Markdown table, a line a run, and writes build/repeat.json after each. A run is good when something ran, nothing
failed and nothing was left out; the series fails with one that is not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

from tests.quality.command import ROOT, end_all_on_signals, run
from tests.quality.suite import SUITES
from tests.quality.tally import Tally, from_junit

TARGET = ROOT / "build" / "repeat.json"
WORK = ROOT / "build" / "repeat"
HEAD = "| run | beside | passed | failed | left out | seconds | CPU seconds | which failed |\n|---:|---|---:|---:|---:|---:|---:|---|"

#: Ends within a moment of its parent, however that ended: a machine is not left busy by a series that was killed.
SPIN = """\
import os, sys
while os.getppid() == int(sys.argv[1]):
    for _ in range(1_000_000):
        pass
"""


class Busy:
    """So many processes that do nothing but use a CPU, for as long as the block lasts."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Busy:
        try:
            for _ in range(self._count):
                argv = [sys.executable, "-I", "-S", "-c", SPIN, str(os.getpid())]
                # Out of reach of Ctrl-C at a terminal, which each of them would comment on.
                self.processes.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


@dataclass
class Run:
    """One of the series; `beside` is how many busy processes there were."""

    number: int
    beside: int
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def good(self) -> bool:
        return self.passed > 0 and not self.failed and not self.skipped

    def row(self) -> str:
        beside = f"{self.beside} busy" if self.beside else "quiet"
        which = ", ".join([*self.failed, *(f"{name} (left out)" for name in self.skipped)])
        return (
            f"| {self.number} | {beside} | {self.passed} | {len(self.failed)} | {len(self.skipped)} | "
            f"{self.seconds:.1f} | {self.cpu_seconds:.1f} | {which or ('' if self.good else 'nothing ran')} |"
        )


def pytest_arguments(words: Sequence[str]) -> list[str]:
    """Suites by their names, which come first; all that follows goes to pytest as it is."""
    paths: list[str] = []
    left = list(words)
    while left and left[0] in SUITES:
        paths += SUITES[left.pop(0)]
    return [*paths, *left]


def one(number: int, beside: int, arguments: Sequence[str], deadline_s: float) -> Run:
    """One run of pytest; a run that ends without saying what failed is a failure by its status."""
    WORK.mkdir(parents=True, exist_ok=True)
    junit = WORK / f"{number}.xml"
    junit.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "pytest", *arguments, f"--junitxml={junit}"]
    with Busy(beside):
        before = _children_cpu()
        finished = run(argv, log=WORK / f"{number}.log", deadline_s=deadline_s)
        cpu = _children_cpu() - before
    try:
        tally = from_junit([junit], "tests")
    except (OSError, ElementTree.ParseError):
        tally = Tally("tests")
    if not finished.good and not tally.failed:
        tally.failed.append(f"pytest: {finished.why()}")
    return Run(number, beside, tally.passed, tally.failed, tally.skipped, round(finished.seconds, 1), round(cpu, 1))


def _children_cpu() -> float:
    """Of all that this process started and that has ended; the busy processes still run when it is asked."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def summary(runs: Sequence[Run]) -> str:
    lines = []
    for name, some in (
        ("quiet", [r for r in runs if not r.beside]),
        ("beside busy processes", [r for r in runs if r.beside]),
    ):
        if some:
            times = sorted(each.seconds for each in some)
            lines.append(
                f"{len(some)} {name}: {sum(not each.good for each in some)} failed, "
                f"{times[0]:.0f} to {times[-1]:.0f} s, in the middle {times[len(times) // 2]:.0f} s"
            )
    return "\n".join(lines)


def series(times: int, busy: int, arguments: Sequence[str], deadline_s: float, target: Path) -> list[Run]:
    """All runs, each told and kept as soon as it has ended: a series that is stopped early has said what it saw."""
    runs: list[Run] = []
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    print(HEAD, flush=True)
    for number in range(1, times + 1):
        runs.append(one(number, busy if number % 2 == 0 else 0, arguments, deadline_s))
        print(runs[-1].row(), flush=True)
        told = {
            "arguments": list(arguments),
            "asked": times,
            "runs": [asdict(each) | {"good": each.good} for each in runs],
        }
        target.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return runs


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.quality.repeat", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20, metavar="N")
    parser.add_argument("--busy", type=int, default=4, metavar="K", help="beside every second run (default: 4)")
    parser.add_argument(
        "--within", type=float, default=3600, metavar="SECONDS", help="a run that takes longer is ended"
    )
    parser.add_argument(
        "--into", type=Path, default=TARGET, metavar="FILE", help=f"default: {TARGET.relative_to(ROOT)}"
    )
    parser.add_argument("tests", nargs=argparse.REMAINDER, help=f"{', '.join(SUITES)}, or what pytest takes")
    options = parser.parse_args(words)
    tests = options.tests[1:] if options.tests[:1] == ["--"] else options.tests
    if not tests or options.times < 1 or options.busy < 0:
        parser.error("say which tests, at least one time, beside no less than 0 busy processes")
    end_all_on_signals("the runs so far are in the file")
    runs = series(options.times, options.busy, pytest_arguments(tests), options.within, options.into.resolve())
    print(f"\n{summary(runs)}")
    return 0 if all(each.good for each in runs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
