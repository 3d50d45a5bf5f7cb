# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks and tests: `python -m tests.quality.everything` (make test).

Steps that don't disturb each other run side by side in two lanes: one needs no Docker, the other does. What measures
time on the rehearsal fleet comes after both, alone. A step that fails does not stop the others, except those that
need what it should have made.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from tests.quality.command import LOGS, ROOT, Finished, end_all_on_signals, run
from tests.quality.tally import Tally

PYTHON = sys.executable


@dataclass(frozen=True)
class Step:
    """One command of the whole. `counts` says whether it leaves a tally; `deadline_s` is in seconds."""

    name: str
    argv: tuple[str, ...]
    deadline_s: float
    counts: bool = True
    needs: str = ""


@dataclass
class Outcome:
    step: Step
    finished: Finished | None
    tally: Tally | None

    @property
    def good(self) -> bool:
        counted = not self.step.counts or (self.tally is not None and self.tally.good)
        return self.finished is not None and self.finished.good and counted

    def said(self) -> str:
        if self.finished is None:
            return f"not run: it needs {self.step.needs}"
        if self.step.counts and self.tally is None:
            return f"{self.finished.why()}, nothing counted"
        return self.tally.say() if self.tally else "" if self.finished.good else self.finished.why()


LINT = Step("lint", (PYTHON, "-m", "tests.quality.lint"), 900)
# Those of the plugins run once, in the installed artifact (sanity).
UNIT = Step("unit", (PYTHON, "-m", "tests.quality.suite", "unit", "--ignore=tests/unit/plugins"), 1500)
SANITY = Step("sanity", (PYTHON, "-m", "tests.quality.sanity"), 2400)
REPORT = Step("report", (PYTHON, "-m", "tests.quality.suite", "report"), 900)
MODULE = Step("module", (PYTHON, "-m", "tests.quality.suite", "module"), 1500)
PLAYBOOK = Step("playbook", (PYTHON, "-m", "tests.quality.suite", "playbook"), 1800)
DOCKER = Step("docker", (PYTHON, "tests/fleet/fleet", "docker-start"), 180, counts=False)
HOST = Step("host", (PYTHON, "-m", "tests.quality.suite", "host"), 1800, needs="docker")
ROLLOUT = Step("rollout", (PYTHON, "-m", "tests.quality.suite", "rollout"), 2700, needs="docker")
CAMPAIGN = Step("campaign", (PYTHON, "-m", "tests.quality.suite", "campaign"), 2700, needs="docker")
MOLECULE = Step("molecule", (PYTHON, "-m", "tests.quality.scenarios"), 3600, needs="docker")

#: Groups follow each other; the lanes of a group run side by side, the steps of a lane one after the other.
PLAN: tuple[tuple[tuple[Step, ...], ...], ...] = (
    ((LINT, UNIT, SANITY), (DOCKER, HOST, REPORT, PLAYBOOK)),
    ((MODULE, ROLLOUT, CAMPAIGN, MOLECULE),),
)
#: Steps whose tallies are tests in the strict sense: the last line sums these.
TESTS = ("unit", "sanity", "report", "module", "playbook", "host", "rollout", "campaign", "molecule")


class Driver:
    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._said = threading.Lock()

    def say(self, line: str) -> None:
        with self._said:
            print(line, flush=True)

    def lane(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self.outcomes[step.name] = self.one(step)

    def one(self, step: Step) -> Outcome:
        needed = self.outcomes.get(step.needs)
        if step.needs and (needed is None or not needed.good):
            outcome = Outcome(step, None, None)
            self.say(f"FAILED {step.name:<12} {outcome.said()}")
            return outcome
        Tally.forget(step.name)
        self.say(f"start  {step.name}")
        finished = run(step.argv, log=LOGS / f"{step.name}.log", deadline_s=step.deadline_s)
        outcome = Outcome(step, finished, Tally.read(step.name) if step.counts else None)
        if outcome.good:
            self.say(f"ok     {step.name:<12} {finished.seconds:6.1f} s  {outcome.said()}")
        else:
            self.say(f"FAILED {step.name:<12} {finished.seconds:6.1f} s  {outcome.said()}")
            self.say(f"{finished.tail(60)}\n    (all of it: {finished.log.relative_to(ROOT)})")
        return outcome

    def go(self) -> int:
        started = time.monotonic()
        for lanes in PLAN:
            with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
                futures = [pool.submit(self.lane, steps) for steps in lanes]
                while wait(futures, timeout=60).not_done:
                    self.say(f"       still at it after {time.monotonic() - started:.0f} s")
            for future in futures:
                future.result()
        return self.summary(time.monotonic() - started)

    def summary(self, seconds: float) -> int:
        self.say("")
        passed = failed = 0
        for outcome in self.outcomes.values():
            took = f"{outcome.finished.seconds:6.1f} s" if outcome.finished else "       -"
            self.say(f"{'ok    ' if outcome.good else 'FAILED'} {outcome.step.name:<12} {took}  {outcome.said()}")
            tally = outcome.tally
            if tally:
                for name in [*tally.failed, *(f"{name} (skipped)" for name in tally.skipped)]:
                    self.say(f"         {name}")
            if outcome.step.name in TESTS and tally:
                passed += tally.passed
                failed += len(tally.failed) + len(tally.skipped)
                if not outcome.good and not tally.failed and not tally.skipped:
                    failed += 1
            elif not outcome.good:
                # Something that is no test, or never came to its tests: it must show in the last line all the same.
                failed += len(tally.failed) if tally and tally.failed else 1
        self.say(f"all of it took {seconds:.0f} s; logs are in build/logs")
        self.say(f"{passed} passed, {failed} failed")
        return 0 if failed == 0 and passed > 0 and all(outcome.good for outcome in self.outcomes.values()) else 1


def main() -> int:
    end_all_on_signals("what was running is ended; make fleet-down removes hosts that are left over")
    return Driver().go()


if __name__ == "__main__":
    sys.exit(main())
