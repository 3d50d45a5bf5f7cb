# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a million harmed inputs to everything that reads the words of others; the account goes to build/fuzz.json.

`python -m tests.campaign.fuzz --inputs 1000000 --seed 1`. Ends with 0 when every input was read and nothing was found.
`--within` seconds ends a run early; the same command again goes on where it was, until all inputs are through.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from pathlib import Path
from typing import Any

from tests.campaign.fuzz.parsers import TARGETS
from tests.campaign.fuzz.run import fuzz

OUT = Path(__file__).resolve().parents[3] / "build" / "fuzz.json"
CHUNK = 5000


def orders(inputs: int, seed: int) -> list[tuple[str, int, int]]:
    """(parser, inputs, seed) of each chunk; together they are `inputs`."""
    found, left = [], inputs
    for target in TARGETS:
        share = left if target is TARGETS[-1] else round(inputs * target.share)
        left -= share
        for number, begin in enumerate(range(0, share, CHUNK)):
            found.append((target.name, min(CHUNK, share - begin), seed * 1_000_003 + number))
    # Slow parsers are spread among the quick ones, so that a part of a run is a fair one.
    return sorted(found, key=lambda order: (order[2], order[0]))


def work(order: tuple[str, int, int]) -> dict[str, Any]:
    name, inputs, seed = order
    return fuzz(next(target for target in TARGETS if target.name == name), inputs, seed).to_dict()


def account(chunks: list[dict[str, Any]], inputs: int, seed: int) -> dict[str, Any]:
    """By parser, and in all."""
    rows = []
    for target in TARGETS:
        mine = [chunk for chunk in chunks if chunk["parser"] == target.name]
        slowest = max(mine, key=lambda chunk: chunk["slowest_ms"], default={"slowest_ms": 0.0, "slowest": ""})
        found = {finding["place"]: finding for chunk in mine for finding in chunk["findings"]}
        rows.append(
            {
                "parser": target.name,
                **{key: sum(chunk[key] for chunk in mine) for key in ("inputs", "bytes", "kinds")},
                "seconds": round(sum(chunk["seconds"] for chunk in mine), 1),
                "slowest_ms": slowest["slowest_ms"],
                "slowest": slowest["slowest"],
                "findings": list(found.values()),
            }
        )
    return {
        "inputs": sum(row["inputs"] for row in rows),
        "wanted": inputs,
        "seed": seed,
        "seconds": round(sum(row["seconds"] for row in rows), 1),
        "findings": sum(len(row["findings"]) for row in rows),
        "parsers": rows,
        "chunks": chunks,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--within", type=float, default=3600.0, help="seconds after which no further chunk is begun")
    parser.add_argument("--parser", help="this one only, and nothing is written")
    options = parser.parse_args()
    wanted = orders(options.inputs, options.seed)
    if options.parser:
        wanted = [order for order in wanted if order[0] == options.parser]
    chunks = [] if options.parser else _done(options.inputs, options.seed)
    known = {(chunk["parser"], chunk["seed"]) for chunk in chunks}
    begun = time.monotonic()
    with multiprocessing.Pool(options.jobs) as pool:
        for chunk in pool.imap_unordered(work, [order for order in wanted if (order[0], order[2]) not in known]):
            chunks.append(chunk)
            if chunk["findings"]:
                print(
                    f"{chunk['parser']}: {'; '.join(each['place'] + ': ' + each['said'][:120] for each in chunk['findings'])}",
                    flush=True,
                )
            if time.monotonic() - begun > options.within:
                pool.terminate()
                break
    result = account(chunks, options.inputs, options.seed)
    if not options.parser:
        OUT.parent.mkdir(exist_ok=True)
        OUT.write_text(json.dumps(result, indent=1) + "\n")
    for row in result["parsers"]:
        if row["inputs"]:
            print(
                f"{row['parser']:<14} {row['inputs']:>8} inputs {row['seconds']:>8.1f} s, slowest {row['slowest_ms']:>8.1f} ms, {len(row['findings'])} findings"
            )
    whole = result["inputs"] >= sum(order[1] for order in wanted)
    print(
        f"{result['inputs']} of {options.inputs} inputs, {result['findings']} findings"
        + ("" if whole else "; the same command again goes on")
    )
    return 0 if whole and not result["findings"] else 1


def _done(inputs: int, seed: int) -> list[dict[str, Any]]:
    """The chunks of an earlier part of the same run."""
    try:
        known = json.loads(OUT.read_text())
    except (OSError, ValueError):
        return []
    same = known.get("wanted") == inputs and known.get("seed") == seed and not known.get("findings")
    return list(known["chunks"]) if same and known["inputs"] < inputs else []


if __name__ == "__main__":
    sys.exit(main())
