# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to blind what listens and asks on NATS that need a server of their own: measured by the modules, judged as a checkpoint does."""

from __future__ import annotations

import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator

from tests.campaign.instruments.case import BROKEN, HOLD, PASS, ROLL_BACK, Row
from tests.rollout.scenario.story import ROOT

sys.path.insert(0, str(ROOT / "collections"))
from tests.module.nats import blinded


def names() -> list[str]:
    """Source and name of each case."""
    return [f"{case.source} {case.name}" for case in blinded.CASES]


def rows(words: list[str]) -> Iterator[Row]:
    """A row for each case whose source or name has one of the words; all by default."""
    for case in blinded.CASES:
        if words and not any(word in f"{case.source} {case.name}" for word in words):
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                with blinded.bench(pathlib.Path(folder), case) as made:
                    measured = getattr(made, case.source)()
                decision, _told = blinded.decided(case.source, measured)
                outcome, why = {"go": PASS, "hold": HOLD}.get(decision.decision, ROLL_BACK), decision.why[:300]
            except (OSError, AssertionError) as error:
                outcome, why = BROKEN, f"could not be blinded: {error}"
        yield Row(case.source, f"{case.name} (a server of its own)", outcome, why, round(time.monotonic() - began, 1))
