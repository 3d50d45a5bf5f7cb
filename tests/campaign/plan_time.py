# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When something of a ledger really happened: its times are the plan's, ahead of real ones by the waits that were skipped."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

from tests.rollout.scenario.story import ROOT

sys.path.insert(0, str(ROOT / "collections"))
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._skips import Skips


def skips_of(monitoring: Path) -> Skips:
    """The skips of a monitoring folder's rollouts."""
    try:
        return Skips.of(json.loads((monitoring / "keys" / "clock.json").read_text())["skips"])
    except FileNotFoundError:
        return Skips()


def real(skips: Skips, plan_time: str) -> datetime:
    """The real moment of a time in the ledger."""
    return skips.real(parse_iso(plan_time))
