# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that don't judge how fast this machine is: for stories about something else."""

from __future__ import annotations

from typing import Any

LATENCY = frozenset(("latency_p50", "latency_p99", "latency_shift", "publish_time", "system_load"))


def criteria_without_latency(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan, changed: its gates ask nothing of it; triggers and alerts stay."""
    plan["criteria"] = {kind: _left(rows) for kind, rows in plan["criteria"].items()}
    plan["checkpoints"]["also"] = {
        name: left for name, rows in plan["checkpoints"].get("also", {}).items() if (left := _left(rows))
    }
    return plan


def without_latency(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan, changed: nothing asks of it at all."""
    plan = criteria_without_latency(plan)
    plan["alerts"] = _left(plan["alerts"])
    plan["rollback"]["when"] = _left(plan["rollback"]["when"])
    return plan


def _left(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["metric"] not in LATENCY]
