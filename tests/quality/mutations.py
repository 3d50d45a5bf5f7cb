# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test of the tests: deliberate faults, each of which a test must find: `python -m tests.quality.mutations` (make mutations).

Each fault of mutations.toml goes into a copy of the checkout below build/mutations, never into the checkout, and the
tests that should find it run there. It is found when one of them fails that passes without the fault; an error while
tests are collected or set up, or a fault that can't be imported, finds nothing. Writes build/mutations.json.

    python -m tests.quality.mutations fence lease      only what has one of these words in its name or mechanism
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.quality.command import ROOT, end_all_on_signals, environment, run

LIST = ROOT / "tests" / "quality" / "mutations.toml"
TARGET = ROOT / "build" / "mutations.json"
WORK = ROOT / "build" / "mutations"
DEADLINE_S = 900
#: A test that fails so was not reached by the fault: the text of the fault itself doesn't hold.
NO_FAULT = ("ImportError", "ModuleNotFoundError", "NameError", "SyntaxError", "IndentationError", "UnboundLocalError")


class Rotten(Exception):
    """The list and the checkout don't fit together any more."""


@dataclass(frozen=True)
class Mutation:
    """One fault: `old` stands once in `file`; `tests` are paths or node ids of pytest, the cheapest first."""

    mechanism: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, root: Path) -> str:
        """The file's text with the fault; Rotten when it can't be put there."""
        try:
            text = (root / self.file).read_text(encoding="utf-8")
        except OSError as error:
            raise Rotten(f"{self.name}: {self.file} can't be read: {error.strerror}") from error
        count = text.count(self.old)
        if count != 1 or self.old == self.new:
            raise Rotten(
                f"{self.name}: {self.file} has the old text {count} times; expected once, and another new text"
            )
        changed = text.replace(self.old, self.new)
        try:
            compile(changed, self.file, "exec")
        except SyntaxError as error:
            raise Rotten(f"{self.name}: {self.file} is no Python with the new text: {error}") from error
        missing = [test for test in self.tests if not (root / test.partition("::")[0]).exists()]
        if missing or not self.tests:
            raise Rotten(f"{self.name}: there is no test {', '.join(missing) or 'named'}")
        return changed


@dataclass
class Ran:
    """What one run of pytest saw, by the names of tests: `failed` in their own body, and all else that went wrong."""

    status: int | None
    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    trouble: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What became of a fault; `found_by` is empty when it survived, and `trouble` says what went wrong meanwhile."""

    mutation: Mutation
    found_by: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def row(self) -> str:
        shown = [name.rpartition("::")[2] for name in self.found_by[:3]]
        more = f" and {len(self.found_by) - 3} more" if len(self.found_by) > 3 else ""
        said = f"{', '.join(shown)}{more}" if shown else f"**survived** {'; '.join(self.trouble)}"
        return f"| {self.mutation.mechanism} | {self.mutation.name} | {said} | {self.seconds:.0f} |"


def read(path: Path = LIST) -> list[Mutation]:
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["mutation"]
    return [Mutation(**{**table, "tests": tuple(table["tests"])}) for table in tables]


def copy_checkout(root: Path, to: Path) -> None:
    """All files that git has or would take, as they are now, and the same .venv."""
    shutil.rmtree(to, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout
    for name in listed.decode().split("\0"):
        source = root / name
        if name and (source.is_symlink() or source.is_file()):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to / name, follow_symlinks=False)
    (to / ".venv").symlink_to(root / ".venv")


def outcome_of(junit: Path, status: int | None) -> Ran:
    """By JUnit: a failure is a test's own, an error is one of collecting or of a fixture."""
    ran = Ran(status)
    try:
        cases = list(ElementTree.parse(junit).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        ran.trouble.append(f"pytest ended with status {status} and wrote no results")
        return ran
    for case in cases:
        name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
        failure, problem = case.find("failure"), case.find("error")
        said = "" if failure is None else failure.get("message") or ""
        if problem is not None or said.startswith(NO_FAULT):
            ran.trouble.append(f"{name}: {said or 'error while it was collected or set up'}"[:200])
        elif failure is not None:
            ran.failed.add(name)
        elif case.find("skipped") is None:
            ran.passed.add(name)
    return ran


def run_tests(copy: Path, tests: Sequence[str], name: str) -> tuple[Ran, float]:
    junit = WORK / f"{name}.xml"
    junit.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "pytest", *tests, f"--junitxml={junit}", "-p", "no:cacheprovider", "--tb=short"]
    finished = run(argv, log=WORK / f"{name}.log", deadline_s=DEADLINE_S, cwd=copy, env=environment())
    return outcome_of(junit, finished.status), finished.seconds


def try_out(mutation: Mutation, root: Path, sound: Ran) -> Outcome:
    """One fault in a copy of its own, which is gone afterwards; its tests run until one of them finds it."""
    outcome = Outcome(mutation)
    copy = WORK / mutation.name
    text = mutation.applied(root)
    copy_checkout(root, copy)
    try:
        (copy / mutation.file).write_text(text, encoding="utf-8")
        for number, tests in enumerate(mutation.tests, 1):
            ran, seconds = run_tests(copy, [tests], f"{mutation.name}-{number}")
            outcome.seconds += seconds
            outcome.tests.append(tests)
            outcome.trouble += ran.trouble
            outcome.found_by = sorted(ran.failed & sound.passed)
            if outcome.found_by:
                break
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return outcome


def without_fault(mutations: Sequence[Mutation], root: Path) -> Ran:
    """All the tests, once, in a copy without a fault."""
    copy = WORK / "without-fault"
    copy_checkout(root, copy)
    try:
        return run_tests(copy, list(dict.fromkeys(test for each in mutations for test in each.tests)), "without-fault")[
            0
        ]
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def keep(outcomes: Sequence[Outcome], target: Path) -> None:
    told = [{**asdict(each), "found": bool(each.found_by)} for each in outcomes]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"mutations": told}, indent=1) + "\n", encoding="utf-8")


def main(words: list[str], root: Path = ROOT, listed: Path = LIST) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.quality.mutations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", help="by default all of the list")
    parser.add_argument(
        "--into", type=Path, default=TARGET, metavar="FILE", help=f"default: {TARGET.relative_to(ROOT)}"
    )
    options = parser.parse_args(words)
    try:
        everything = read(listed)
        chosen = [
            each
            for each in everything
            if not options.names or any(word in f"{each.mechanism} {each.name}" for word in options.names)
        ]
        for each in everything:
            each.applied(root)
    except Rotten as problem:
        print(
            f"{problem}\nThe code has changed: say in {listed.name} what the same fault looks like now.",
            file=sys.stderr,
        )
        return 2
    if not chosen:
        parser.error(f"no mutation has {' or '.join(options.names)} in its name")
    sound = without_fault(chosen, root)
    if sound.status != 0 or sound.failed or sound.trouble:
        print(
            f"without a fault the tests don't pass, so that they prove nothing: {WORK / 'without-fault.log'}",
            file=sys.stderr,
        )
        for name in [*sorted(sound.failed), *sound.trouble]:
            print(f"    {name}", file=sys.stderr)
        return 2
    print(
        f"without a fault: {len(sound.passed)} passed\n\n| mechanism | fault | found by | seconds |\n|---|---|---|---:|",
        flush=True,
    )
    outcomes: list[Outcome] = []
    for each in chosen:
        outcomes.append(try_out(each, root, sound))
        print(outcomes[-1].row(), flush=True)
        keep(outcomes, options.into.resolve())
    survived = [each.mutation.name for each in outcomes if not each.found_by]
    print(
        f"\n{len(outcomes) - len(survived)} found, {len(survived)} survived{': ' if survived else ''}{', '.join(survived)}"
    )
    return 1 if survived else 0


if __name__ == "__main__":
    end_all_on_signals("nothing outside of build/mutations was changed")
    sys.exit(main(sys.argv[1:]))
