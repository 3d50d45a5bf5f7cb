# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the judge: `python -m tests.bench.judge` (make judge-bench). Status 1 when a bar is missed."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Several processes share the cores already; threads of the linear algebra would only get into each other's way.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# As pytest's own settings do: the collection of this very clone.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "collections"))

from tests.bench.judge import run  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="make judge-bench", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=2400, help="how many in all (default: 2400)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other histories (default: 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)")
    parser.add_argument("--fault", default="", help="only faults with this in their name or size; bars are not judged")
    parser.add_argument("--show", action="store_true", help="print the rollouts that went wrong")
    given = parser.parse_args()
    if given.rollouts < 1 or given.jobs < 1:
        parser.error("--rollouts, --jobs: expected 1 or more")
    return run.bench(given.rollouts, given.seed, given.jobs, only=given.fault, show=given.show)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
