# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault campaign: `python -m tests.campaign.faults.campaign [--quick] [--seed N] [--within S] [WORD...]`, or `make faults`.

Every strike's row goes to build/faults/rows.jsonl at once, with a digest of the product that it was made with. A campaign
that was ended goes on where it was: what is missing or was broken is done (again); `--anew` does everything again. Prints a
table, writes build/faults.json and build/faults.md.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import random
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.campaign.faults import plan
from tests.campaign.faults.case import (
    BACKUP,
    CHECKPOINT_LOOK,
    FIRST,
    FIRST_HOST,
    SECOND,
    SECOND_HOST,
    VERIFY,
    Case,
    change,
    counted,
)
from tests.campaign.faults.cases import CASES
from tests.campaign.faults.lane import OUT, Kill, Lane
from tests.campaign.faults.perform import UNREACHED, Row, perform_case, perform_chain
from tests.campaign.triggers.campaign import fleet_tool
from tests.rollout.scenario.boundaries import Boundary
from tests.rollout.scenario.story import ROOT

ROWS = OUT / "rows.jsonl"
RESULT = ROOT / "build" / "faults.json"
TABLE = ROOT / "build" / "faults.md"
PRODUCT = ("plugins", "roles", "playbooks")
BAR = 300
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
#: Boundaries between two kills of one rollout: about one kill in each play.
SPACING = 25
#: How often a place that a run did not come to is tried again, in another chain.
TRIES = 3
#: Names of fleets of two hosts, and the one of three.
TWO_HOSTS = tuple(f"faults-{letter}" for letter in "abcefghi")
THREE_HOSTS = "faults-d"
#: The kills of the shortened set, in one rollout: where they hurt most, and each signal twice.
QUICK_KILLS = (
    Kill(BACKUP),
    Kill(counted(FIRST, FIRST_HOST), signal.SIGINT),
    Kill(VERIFY, signal.SIGTERM),
    Kill(change(SECOND, FIRST_HOST)),
    Kill(counted(SECOND, SECOND_HOST), signal.SIGTERM),
    Kill(CHECKPOINT_LOOK, signal.SIGINT),
)


@dataclasses.dataclass
class Chain:
    """Kills of one rollout, in its order."""

    name: str
    kills: Sequence[Kill]
    hosts: int = 2
    tries: int = 1


Work = Case | Chain


def product() -> str:
    """A digest of what is tested."""
    digest = hashlib.sha256()
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
                digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


class Book:
    """The newest row of each strike, on disk (unless not `kept`) after each piece of work."""

    def __init__(self, seed: int, anew: bool = False, kept: bool = True) -> None:
        self.key = {"seed": seed, "product": product()}
        self.rows: dict[tuple[str, str], Row] = {}
        self.products: dict[tuple[str, str], str] = {}
        self.fresh: list[Row] = []
        self.guard = threading.Lock()
        self.kept = kept
        if anew:
            ROWS.unlink(missing_ok=True)
        for line in ROWS.read_text().splitlines() if kept and ROWS.is_file() else ():
            told = json.loads(line)
            made_with = told.pop("product")
            if told.pop("seed") == seed:
                self._keep(Row(**told), made_with)

    def _keep(self, row: Row, made_with: str) -> None:
        self.rows[row.case, row.name] = row
        self.products[row.case, row.name] = made_with

    def add(self, rows: list[Row]) -> None:
        with self.guard:
            for row in rows:
                self.fresh.append(row)
                self._keep(row, str(self.key["product"]))
            if self.kept:
                ROWS.parent.mkdir(parents=True, exist_ok=True)
                with ROWS.open("a") as stream:
                    stream.writelines(json.dumps({**self.key, **dataclasses.asdict(row)}) + "\n" for row in rows)
        for row in rows:
            said = f"{row.outcome}{' then ' + ', '.join(row.then) if row.then else ''}"
            text = f"BROKEN {row.problems}" if row.problems else said
            print(f"{time.strftime('%H:%M:%S')}  {row.case}: {row.name}: {text}", flush=True)

    def done(self) -> set[tuple[str, str]]:
        """What was done and is not broken."""
        return {name for name, row in self.rows.items() if not row.problems}


def boundaries(lane: Lane) -> list[Boundary]:
    """Every task boundary of a run of wave 2 that nothing disturbs, in order. Raises StoryError when it is no GO."""
    path = OUT / f"boundaries-{product()}.txt"
    if not path.is_file():
        lane.begin("undisturbed")
        ended = lane.run("first")
        if ended.status != 0:
            raise SystemExit(f"the undisturbed run ended with {ended.status}: see {lane.story.out}/first.log")
        path.write_text("\n".join(place.line for place in lane.met("first")) + "\n")
    return [Boundary.parsed(line) for line in path.read_text().splitlines()]


def chains(places: list[Boundary], left: list[Kill], rng: random.Random) -> list[Chain]:
    """The kills that are left of those at all places, each in one chain, at least SPACING boundaries of the run apart.

    As few chains as there can be: each costs a whole rollout, however few its kills are.
    """
    position = {place: number for number, place in enumerate(places)}
    made: list[list[Kill]] = []
    for kill in left:
        begun = (each for each in made if position[kill.place] - position[each[-1].place] >= SPACING)
        chain = next(begun, None)
        if chain is None:
            made.append([kill])
        else:
            chain.append(kill)
    rng.shuffle(made)
    return [Chain(f"{kills[0].number.name} from {position[kills[0].place]}", kills) for kills in made]


class Queue:
    """Work that is left; a lane takes what its fleet can do. Kills are given back when their place never came."""

    def __init__(self, work: list[Work], until: float) -> None:
        self.work, self.until = work, until
        self.guard = threading.Lock()
        self.again: list[tuple[Kill, int]] = []
        self.busy = 0

    @property
    def closed(self) -> bool:
        """Whether nothing more begins."""
        return time.monotonic() > self.until

    def close(self) -> None:
        self.until = 0.0

    def take(self, hosts: int) -> Work | None:
        with self.guard:
            if self.closed:
                return None
            for position, each in enumerate(self.work):
                if each.hosts == hosts:
                    self.busy += 1
                    return self.work.pop(position)
            if hosts == 2 and self.again:
                # One kill each: nothing before it has been done already.
                kill, tries = self.again.pop(0)
                self.busy += 1
                return Chain(f"{kill.number.name} again {tries} {kill.place}", [kill], tries=tries)
            return None

    def idle(self) -> bool:
        with self.guard:
            return not self.busy

    def finished(self, chain: Work, rows: list[Row]) -> list[Row]:
        """The rows that count now; the others are tried again."""
        with self.guard:
            self.busy -= 1
            if isinstance(chain, Case):
                return rows
            kept = []
            for kill, row in zip(chain.kills, rows, strict=False):
                if row.problems == [UNREACHED] and chain.tries < TRIES:
                    self.again.append((kill, chain.tries + 1))
                else:
                    kept.append(row)
            return kept


def work_on(fleet: str, hosts: int, queue: Queue, book: Book) -> None:
    lane = Lane(fleet)
    while True:
        work = queue.take(hosts)
        if work is None:
            if queue.idle() or queue.closed:
                return
            time.sleep(2.0)
            continue
        rows = [perform_case(lane, work)] if isinstance(work, Case) else perform_chain(lane, work.name, work.kills)
        book.add(queue.finished(work, rows))


def table(rows: list[Row]) -> str:
    """For docs: a line per case."""
    lines = [
        "| case | runs | ended | the runs after it | seconds to safe: median, most | broken |",
        "|---|---|---|---|---|---|",
    ]
    for case in dict.fromkeys(row.case for row in rows):
        own = [row for row in rows if row.case == case]
        ends = Counter(row.outcome or "not carried out" for row in own)
        then = Counter(row.then[-1] if row.then else "-" for row in own)
        safe = [row.seconds_to_safe for row in own if row.seconds_to_safe is not None]
        seconds = f"{statistics.median(safe):.1f}, {max(safe):.1f}" if safe else "-"
        told = ", ".join(f"{end} {number}" for end, number in ends.most_common())
        after = ", ".join(f"{end} {number}" for end, number in then.most_common())
        lines.append(
            f"| {case} | {len(own)} | {told} | {after} | {seconds} | {sum(bool(row.problems) for row in own)} |"
        )
    broken = sum(bool(row.problems) for row in rows)
    return "\n".join([*lines, "", f"{len(rows)} runs, {broken} broken."])


def document(rows: list[Row], seed: int, products: Mapping[str, int]) -> dict[str, Any]:
    """build/faults.json. `products`: digest of the product -> runs with it."""
    cases = []
    for case in dict.fromkeys(row.case for row in rows):
        own = [row for row in rows if row.case == case]
        safe = [row.seconds_to_safe for row in own if row.seconds_to_safe is not None]
        cases.append({
            "case": case,
            "runs": len(own),
            "outcomes": dict(Counter(row.outcome or "not carried out" for row in own)),
            "seconds_to_safe": {"median": statistics.median(safe), "max": max(safe)} if safe else None,
            "broken": [{"name": row.name, "problems": row.problems} for row in own if row.problems],
        })  # fmt: skip
    broken = sum(bool(row.problems) for row in rows)
    return {"runs": len(rows), "broken": broken, "seed": seed, "products": dict(products), "cases": cases}


def quick() -> list[Work]:
    """A few cases, and kills where they hurt most."""
    return [Chain("quick", QUICK_KILLS), *(case for case in CASES if case.quick)]


def kills(book: Book, fleet: str, rng: random.Random) -> list[Work]:
    """A kill at each boundary of a run that nothing disturbs, by each signal, but for those that are in the book."""
    places = boundaries(Lane(fleet))
    done = book.done()
    work: list[Work] = []
    for number in SIGNALS:
        wanted = [Kill(place, number) for place in places]
        work += chains(places, [kill for kill in wanted if (kill.case, str(kill.place)) not in done], rng)
    return work


def lanes_for(work: Sequence[Work], pairs: int) -> dict[str, int]:
    """Fleet -> its hosts: so many of two hosts, and the one of three when there is work for it."""
    lanes = dict.fromkeys(TWO_HOSTS[:pairs], 2)
    return {**lanes, THREE_HOSTS: 3} if any(each.hosts == 3 for each in work) else lanes


@contextlib.contextmanager
def fleets(lanes: Mapping[str, int], keep: bool = False) -> Iterator[None]:
    """Fleets of so many hosts that are up, and down again at the end."""
    try:
        for name, hosts in lanes.items():
            fleet_tool("up", "--name", name, "--hosts", str(hosts), "--agents", ",".join(plan.AGENTS), "--for", "8h")
        yield
    finally:
        for name in lanes if not keep else ():
            fleet_tool("down", "--name", name)


def perform(work: list[Work], lanes: Mapping[str, int], book: Book, within_s: float) -> list[Work]:
    """All of it, on all lanes at once; what there was no time for is given back. After a SIGUSR1 nothing more begins."""
    queue = Queue(work, time.monotonic() + within_s)
    signal.signal(signal.SIGUSR1, lambda *_: queue.close())
    threads = [threading.Thread(target=work_on, args=(name, hosts, queue, book)) for name, hosts in lanes.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return queue.work


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("words", nargs="*", help="words of the cases wanted (default: all, and every kill)")
    parser.add_argument("--quick", action="store_true", help="a few of them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--within", type=float, default=6 * 3600, help="seconds after which nothing more begins")
    parser.add_argument(
        "--pairs", type=int, choices=range(1, len(TWO_HOSTS) + 1), default=3, help="fleets of two hosts at once"
    )
    parser.add_argument("--anew", action="store_true", help="forget what was done before")
    parser.add_argument("--keep", action="store_true", help="leave the fleets up")
    given = parser.parse_args()
    began = time.monotonic()
    rng = random.Random(given.seed)
    whole = not given.words and not given.quick
    book = Book(given.seed, given.anew)
    work = quick() if given.quick else [case for case in CASES if any(word in case.name for word in given.words)]
    if whole:
        work = [case for case in CASES if (case.group, case.name) not in book.done()]
        rng.shuffle(work)
    # Without the kills, which come later, no more fleets than there are cases for.
    pairs = given.pairs if whole else min(given.pairs, sum(each.hosts == 2 for each in work))
    lanes = lanes_for(work, pairs)
    with fleets(lanes, given.keep):
        if whole:
            work += kills(book, next(iter(lanes)), rng)
        left = perform(work, lanes, book, given.within)
    rows = list(book.rows.values()) if whole else book.fresh
    print(f"\n{table(rows)}")
    if whole:
        RESULT.write_text(json.dumps(document(rows, given.seed, Counter(book.products.values())), indent=1) + "\n")
        TABLE.write_text(table(rows) + "\n")
        print(f"written to {RESULT.relative_to(ROOT)}; left to do: {len(left)}; the bar is {BAR} runs, 0 broken")
    print(f"faults: {len(book.fresh)} runs in {time.monotonic() - began:.0f} s")
    return 1 if not rows or any(row.problems for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
