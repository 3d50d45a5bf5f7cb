# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One session: the fleet is made, every row is measured with its contenders taking turns, results are written and judged."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from speed.fleet import BUILD, ROOT, BenchError, Fleet
from speed.result import Bar, judge, summary, table


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    runs: int
    rows: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    keep: bool = False


@dataclass(frozen=True)
class Contender:
    """Ours or a peer: a command, and how often it is worth waiting for. `check` sees what it printed."""

    name: str
    command: list[str]
    environment: dict[str, str]
    at_most: int = 1_000_000
    check: Callable[[str], None] = lambda printed: None


@dataclass(frozen=True)
class Row:
    """A job: `prepare` once, then for each run `before` (not timed), the command (timed), `after` (not timed, raises BenchError)."""

    name: str
    what: str
    contenders: list[Contender]
    bars: tuple[Bar, ...]
    before: Callable[[], object]
    after: Callable[[object], None]
    prepare: Callable[[], None] = lambda: None


@dataclass
class Session:
    suite: str
    make_rows: Callable[[Fleet], list[Row]]
    options: Options
    fleet: Fleet = field(default_factory=Fleet)

    def go(self) -> int:
        """Measure, write, print; the exit status: 0 when every bar is met."""
        BUILD.mkdir(parents=True, exist_ok=True)
        with (BUILD / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BenchError(
                    f"another benchmark runs in this clone ({BUILD / '.lock'} is locked): wait for it"
                ) from None
            rows = self._chosen(self.make_rows(self.fleet))
            busy = f"load now {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
            print(f"bench {self.suite}: {self.options.runs} runs, fewer of slow peers; {busy}", flush=True)
            try:
                self.fleet.up()
                measured = {row.name: self._measure(row) for row in rows}
            finally:
                if not self.options.keep:
                    self.fleet.down()
        return self._conclude(rows, measured)

    def _chosen(self, rows: list[Row]) -> list[Row]:
        unknown = sorted(set(self.options.rows) - {row.name for row in rows})
        if unknown:
            raise BenchError(f"no row {', '.join(unknown)}; there are {', '.join(row.name for row in rows)}")
        return [row for row in rows if not self.options.rows or row.name in self.options.rows]

    def _measure(self, row: Row) -> dict[str, list[float]]:
        print(f"\n{row.name}: {row.what}", flush=True)
        row.prepare()
        contenders = [each for each in row.contenders if each.name not in self.options.without]
        samples: dict[str, list[float]] = {each.name: [] for each in contenders}
        for number in range(self.options.runs):
            # Taking turns, and starting with another one each time: what disturbs the machine disturbs all alike.
            turn = number % len(contenders)
            for contender in [*contenders[turn:], *contenders[:turn]]:
                if len(samples[contender.name]) < contender.at_most:
                    samples[contender.name].append(self._once(row, contender, number + 1))
        return samples

    def _once(self, row: Row, contender: Contender, number: int) -> float:
        state = row.before()
        self.fleet.cool_down()
        log = BUILD / "logs" / f"{row.name}-{contender.name}-{number}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as stream:
            begun = time.perf_counter()
            done = subprocess.run(
                contender.command, cwd=ROOT, env=contender.environment, stdin=subprocess.DEVNULL, stdout=stream,
                stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            took = time.perf_counter() - begun
        who = f"{row.name}, {contender.name}, run {number}"
        if done.returncode != 0:
            raise BenchError(f"{who}: {shlex.join(contender.command)} ended with {done.returncode}; see {log}")
        try:
            contender.check(log.read_text(encoding="utf-8"))
            row.after(state)
        except BenchError as error:
            raise BenchError(f"{who} did not do its job: {error}\n(what it printed: {log})") from None
        print(f"  {contender.name:<12}{took:8.2f} s   load {os.getloadavg()[0]:.1f}", flush=True)
        return took

    def _conclude(self, rows: list[Row], measured: dict[str, dict[str, list[float]]]) -> int:
        results = [summary(row.name, measured[row.name]) for row in rows]
        verdicts, missed = {}, []
        for row in rows:
            met, verdicts[row.name] = judge(row.bars, measured[row.name])
            missed += [] if met else [row.name]
        whole = not self.options.rows and not self.options.without
        # A part must not stand where the whole is looked for.
        path = BUILD / (f"{self.suite}.json" if whole else f"{self.suite}.part.json")
        _write(path, json.dumps(results, indent=2) + "\n")
        print("\n" + "\n".join(table(results, verdicts)))
        print(f"\n{path.relative_to(ROOT)}, logs in {(BUILD / 'logs').relative_to(ROOT)}")
        print(f"BENCH {'bars missed: ' + ', '.join(missed) if missed else 'all bars met'}")
        return 1 if missed else 0


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
