# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 1's GO, recorded once (wave1.jsonl, without its looks), for stories that need one and are not about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger

RECORDED = Path(__file__).with_name("wave1.jsonl")
#: So long ago it was decided.
AGO = timedelta(minutes=1)


def wave1(monitoring: Path) -> None:
    """Put it into the ledger of a monitoring folder, as if it had been decided a moment ago."""
    rows = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    later = datetime.now(UTC) - AGO - parse_iso(rows[-1]["at"])
    ledger = Ledger(monitoring / "ledger" / "wave1.jsonl")
    for row in rows:
        ledger.append(
            rollout="wave1", attempt=1, run="recorded", by="recorded", kind=row["kind"], data=row["data"],
            now=parse_iso(row["at"]) + later,
        )  # fmt: skip
