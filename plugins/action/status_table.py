# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the health of the fleet as a table."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction, display
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._status_table import status_lines, summary_line, troubled


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "units": {"type": "str", "required": True},
        "order": {"type": "dict", "default": {}},
    }

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return False

    def tells_people(self, arguments: dict[str, Any]) -> bool:
        return False

    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        units = self.registered(context, arguments["units"], context.in_play)
        looks = arguments["order"].get("looks") or {}
        asked = {host: [str(unit["agent"]) for unit in look["instances"]] for host, look in looks.items()}
        lines, counts = status_lines(units, context.in_play, asked)
        named = troubled(units, context.in_play, asked)
        for line in lines:
            display.display(line)
        well = counts["not_active"] == 0 and counts["unreachable_hosts"] == 0
        return {
            **counts,
            "well": well,
            "not_reached": len(named["unreachable"]),
            "named": named,
            "msg": summary_line(counts, named),
        }
