# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary of the newest judged gate, where its record has one that is still its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import read_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record


def newest_summary(monitoring: Path, records: Iterable[Record]) -> dict[str, Any] | None:
    """The content of summary.json beside the newest gate's evidence; None when there is none that can be read."""
    for record in reversed(list(records)):
        if record.kind == "rollout.started":
            return None
        if record.kind == "gate.decided" and record.data.get("evidence"):
            try:
                content = read_json((monitoring / str(record.data["evidence"])).with_name("summary.json"))
            except (OSError, ValueError):
                return None
            return content if isinstance(content, dict) else None
    return None
