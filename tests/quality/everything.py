# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks and tests: `python -m tests.quality.everything` (make test), with `--all` the long ones besides (make test-all).

Two lanes run side by side: one needs no hosts, the other brings up the fleet of the host tests and the stories, and takes it
down. A step that fails does not stop the others, except those that need what it should have made.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from tests.quality.command import LOGS, ROOT, Finished, end_all_on_signals, environment, run
from tests.quality.tally import Tally

PYTHON = sys.executable
# Host tests and stories share one fleet, which the steps before and after them bring up and take down.
SHARED = {"ROLLOUT_TEST_FLEET": "tests"}


@dataclass(frozen=True)
class Step:
    """One command of the whole. `counts` says whether it leaves a tally; `deadline_s` is in seconds."""

    name: str
    argv: tuple[str, ...]
    deadline_s: float
    counts: bool = True
    needs: str = ""
    pythonpath: str = ""

    def environment(self) -> dict[str, str]:
        return environment(**SHARED, **({"PYTHONPATH": self.pythonpath} if self.pythonpath else {}))


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


def _suite(name: str, deadline_s: float, *more: str, needs: str = "") -> Step:
    return Step(name, (PYTHON, "-m", "tests.quality.suite", name, *more), deadline_s, needs=needs)


def _tool(name: str, module: str, deadline_s: float, *more: str, needs: str = "", counts: bool = False) -> Step:
    return Step(name, (PYTHON, "-m", module, *more), deadline_s, counts=counts, needs=needs)


DOCKER = Step("docker", (PYTHON, "tests/fleet/fleet", "docker-start"), 180, counts=False)
FLEET_UP = _tool("fleet-up", "tests.host.shared_fleet", 600, "up", needs="docker")
FLEET_DOWN = _tool("fleet-down", "tests.host.shared_fleet", 120, "down", needs="docker")

Lanes = tuple[tuple[Step, ...], ...]


def steps(long: bool) -> tuple[Lanes, ...]:
    """Groups that follow each other; the lanes of a group run side by side, the steps of a lane one after the other."""
    more = ("--long",) if long else ()
    without_hosts = (
        _tool("lint", "tests.quality.lint", 900, *(("--all",) if long else ()), counts=True),
        # Those of the plugins run once, in the installed artifact (sanity).
        _suite("unit", 1500, "--ignore=tests/unit/plugins", *more),
        _tool("sanity", "tests.quality.sanity", 2400, *(("--all",) if long else ()), counts=True),
        _suite("module", 1500, *more),
        _suite("playbook", 1800, *more),
        _suite("report", 900, *more),
    )
    with_hosts = (
        DOCKER,
        FLEET_UP,
        _suite("host", 1800, *more, needs="fleet-up"),
        _suite("rollout", 2700, *more, needs="fleet-up"),
        _tool("instruments", "tests.campaign.instruments", 7200, *(() if long else ("--quick",)), needs="fleet-up"),
        FLEET_DOWN,
        _tool("molecule", "tests.quality.scenarios", 3600, *(() if long else ("deploy",)), needs="docker", counts=True),
    )
    if not long:
        return ((without_hosts, with_hosts),)
    alone = (
        _suite("campaign", 7200, *more, needs="docker"),
        _tool("mutations", "tests.quality.mutations", 3600),
        Step(
            "fuzz",
            (PYTHON, "-m", "tests.campaign.fuzz", "--within", "300"),
            900,
            counts=False,
            pythonpath=f"{ROOT}/collections:{ROOT}",
        ),
        _tool("judge-bench", "tests.bench.judge", 3600, "--rollouts", "300", "--seed", "1", "--jobs", "2"),
    )
    return ((without_hosts, with_hosts), (alone,))


#: Steps whose tallies are tests in the strict sense: the last line sums these.
TESTS = ("unit", "sanity", "report", "module", "playbook", "host", "rollout", "campaign", "molecule")


class Driver:
    def __init__(self, long: bool = False) -> None:
        self.groups = steps(long)
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
        finished = run(step.argv, log=LOGS / f"{step.name}.log", deadline_s=step.deadline_s, env=step.environment())
        outcome = Outcome(step, finished, Tally.read(step.name) if step.counts else None)
        if outcome.good:
            self.say(f"ok     {step.name:<12} {finished.seconds:6.1f} s  {outcome.said()}")
        else:
            self.say(f"FAILED {step.name:<12} {finished.seconds:6.1f} s  {outcome.said()}")
            self.say(f"{finished.tail(60)}\n    (all of it: {finished.log.relative_to(ROOT)})")
        return outcome

    def go(self) -> int:
        started = time.monotonic()
        for lanes in self.groups:
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


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--all"]):
        print(f"tests.quality.everything: seen {' '.join(arguments)}, expected nothing or --all", file=sys.stderr)
        return 2
    end_all_on_signals("what was running is ended; make fleet-down removes hosts that are left over")
    return Driver(long=bool(arguments)).go()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
