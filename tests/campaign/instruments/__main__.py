# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blind every instrument in turn and see what a gate says of it: `python -m tests.campaign.instruments` (make instruments).

    --quick            the short list that make test runs
    --only WORD        cases whose source or name has this word; given again, those that have one of the words

Prints a line a case and writes build/instruments.json. Ends with 0 when no gate passed or rolled back for blindness alone,
nothing was broken, and the gate of sound instruments, asked before and after, said go.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.campaign.instruments import by_modules
from tests.campaign.instruments.bench import Bench, write
from tests.campaign.instruments.case import PASS, SOUND, Case, Row
from tests.campaign.instruments.cases import CASES
from tests.host.shared_fleet import SharedFleet
from tests.quality.command import end_all_on_signals

FLEET = "instruments"
SEEING = Case("none", "every instrument is well")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.instruments")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args(arguments)
    end_all_on_signals("make fleet-down removes hosts that are left over")
    cases = [case for case in CASES if (case.quick or not options.quick) and wanted(case, options.only)]
    beside = [] if options.quick else by_modules.names()
    known = [f"{case.source} {case.name}" for case in cases] + beside
    unknown = [word for word in options.only if not any(word in name for name in known)]
    if unknown:
        print(f"--only {', '.join(unknown)}: no case has this word", file=sys.stderr)
        return 2
    fleet = SharedFleet(os.environ.get("ROLLOUT_TEST_FLEET") or FLEET)
    if not os.environ.get("ROLLOUT_TEST_FLEET"):
        # A run that was killed leaves hosts blind.
        fleet.run("down")
    fleet.up()
    bench = Bench(fleet)
    rows: list[Row] = []
    seeing: list[Row] = []
    try:
        if not options.quick:
            for row in by_modules.rows(options.only):
                rows.append(told(row))
                write(rows)
        if cases:
            bench.begin()
        source = ""
        for case in cases:
            if case.source != source and not (source and options.quick):
                # Also after the source before it: a gate that is still blind would hold for that.
                seeing.append(told(bench.gate(SEEING)))
            source = case.source
            rows.append(told(bench.gate(case)))
            write(rows)
        if cases:
            seeing.append(told(bench.gate(SEEING)))
    finally:
        bench.close()
        if not os.environ.get("ROLLOUT_TEST_FLEET"):
            fleet.run("down")
    wrong = [row for row in rows if row.outcome not in SOUND] + [row for row in seeing if row.outcome != PASS]
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in sorted({row.outcome for row in rows})}
    print(f"{len(rows)} blinded: {', '.join(f'{count} {outcome}' for outcome, count in counts.items())}")
    for row in wrong:
        print(f"wrong: {row.source}, {row.case}: {row.outcome}: {row.why}")
    return 1 if wrong else 0


def wanted(case: Case, words: list[str]) -> bool:
    """Whether a case is among those that `--only` names: it has one of the words, or none are given."""
    return not words or any(word in f"{case.source} {case.name}" for word in words)


def told(row: Row) -> Row:
    print(f"{row.outcome:<10} {row.seconds:6.1f} s  {row.source:<10} {row.case}: {row.why}", flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
