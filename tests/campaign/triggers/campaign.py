# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every trigger on the rehearsal fleet: `python -m tests.campaign.triggers.campaign [--quick] [NAME...]`.

Runs are spread over two fleets. Prints a table and writes build/bench/triggers.json.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.campaign.triggers import plan
from tests.campaign.triggers.act import OUT, Actor
from tests.campaign.triggers.assess import Row, assess_case, assess_neighbour
from tests.campaign.triggers.cases import CASES, NEIGHBOURS, Case, Neighbour
from tests.rollout.scenario.story import FLEET, ROOT

RESULT = ROOT / "build" / "bench" / "triggers.json"
FLEETS = ("triggers-a", "triggers-b")
Run = Case | Neighbour


def chosen(names: list[str], quick: bool) -> list[Run]:
    """The runs asked for: all, the quick ones, or those whose names contain one of the words. The long ones first."""
    # Two lanes end together when what takes long begins early.
    late = (plan.CHECKPOINTS, plan.APPROVAL)
    cases = sorted(CASES, key=lambda case: (-case.within_looks, case.state not in late, case.state != plan.CHECKPOINTS))
    runs: list[Run] = [*NEIGHBOURS, *cases]
    if names:
        return [run for run in runs if any(word in run.name for word in names)]
    return [run for run in runs if run.quick or not quick]


def one(actor: Actor, run: Run) -> Row:
    """Run it and assess it; a run that could not be told is a row with a problem."""
    began = time.monotonic()
    try:
        if isinstance(run, Case):
            row = assess_case(run, OUT / run.name, actor.case(run))
        else:
            row = assess_neighbour(run, OUT / run.name, actor.neighbour(run))
    except Exception as error:  # whatever it is, it is this run's, and the others go on
        fault = run.fault.said if isinstance(run, Case) else run.name
        row = Row(run.name, getattr(run, "trigger", ""), getattr(run, "state", plan.SOAK), fault)
        row.problems.append(f"{type(error).__name__}: {error}")
    row.seconds = round(time.monotonic() - began, 1)
    return row


#: Those of the campaign's plan.
AGENTS = ",".join((plan.FIRST, plan.SECOND, *plan.CONTROL))


@contextlib.contextmanager
def fleets(names: list[str], keep: bool = False, agents: str = AGENTS) -> Iterator[None]:
    """Fleets that are up, and down again at the end."""
    try:
        for name in names:
            fleet_tool("up", "--name", name, "--agents", agents, "--for", "3h")
        yield
    finally:
        for name in names if not keep else []:
            fleet_tool("down", "--name", name)


def fleet_tool(*words: str) -> None:
    subprocess.run([sys.executable, str(FLEET), *words], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)


def perform(runs: list[Run], names: list[str]) -> list[Row]:
    """All runs, on as many fleets at once as are named; rows in the order of the runs."""
    left: queue.SimpleQueue[Run] = queue.SimpleQueue()
    for run in runs:
        left.put(run)
    rows: dict[str, Row] = {}

    def work(name: str) -> None:
        actor = Actor(name)
        while True:
            try:
                run = left.get_nowait()
            except queue.Empty:
                return
            row = rows[run.name] = one(actor, run)
            print(f"{'ok    ' if not row.problems else 'FAILED'} {row.name}: {'; '.join(row.problems)}", flush=True)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [rows[run.name] for run in runs]


def table(rows: list[Row]) -> str:
    """For people."""
    lines = [f"    {'trigger':<30}{'state':<21}{'noticed':>9}{'decided':>9}{'back in':>9}  named by the verdict"]
    for row in rows:
        good = "ok " if not row.problems else "BAD"
        back = "-" if row.rolled_back_after_s is None else f"{row.rolled_back_after_s:.1f} s"
        lines.append(
            f"{good} {row.trigger or row.name:<30.30}{row.state:<21}{row.noticed_at_look or '-':>6}/{row.within_looks:<2}"
            f"{row.decided_at_look or '-':>9}{back:>9}  {', '.join(row.named)}"
        )
        lines += [f"      {problem}" for problem in row.problems]
    return "\n".join(lines)


def write(rows: list[Row]) -> None:
    """build/bench/triggers.json."""
    triggers = [row for row in rows if row.trigger]
    document = {
        "suite": "triggers",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "triggers": [dataclasses.asdict(row) for row in triggers],
        "not_the_change": [
            {"name": row.name, "happened": row.fault, "ended_with": row.named, "problems": row.problems}
            for row in rows
            if not row.trigger
        ],
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(document, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="triggers", description=__doc__)
    parser.add_argument("names", nargs="*", help="words of the runs wanted (default: all)")
    parser.add_argument("--quick", action="store_true", help="a few of them")
    parser.add_argument("--fleets", type=int, default=len(FLEETS), choices=range(1, len(FLEETS) + 1))
    parser.add_argument("--keep", action="store_true", help="leave the fleets up")
    given = parser.parse_args()
    runs = chosen(given.names, given.quick)
    if not runs:
        parser.error(f"no such run; there are {', '.join(run.name for run in chosen([], False))}")
    names = list(FLEETS[: min(given.fleets, len(runs))])
    began = time.monotonic()
    with fleets(names, given.keep):
        rows = perform(runs, names)
    print(f"\n{table(rows)}")
    bad = [row for row in rows if row.problems]
    if not given.names and not given.quick:
        write(rows)
        print(f"written to {RESULT.relative_to(ROOT)}")
    print(
        f"triggers: {len(rows) - len(bad)} of {len(rows)} runs as they should be, in {time.monotonic() - began:.0f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
