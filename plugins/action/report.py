# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the reports of a rollout from its ledger and evidence."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._report import write_reports


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {"tell": {"type": "bool", "default": True}}

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return False

    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.check_mode:
            return {"msg": "check mode: no report is written", "reports": []}
        if not context.state.attempt:
            return {
                "msg": f"{context.rollout} has no {context.ledger.label}: nothing to report",
                "reports": [],
            }
        written = write_reports(context)
        return {
            "reports": [str(path) for path in written],
            "msg": [f"REPORT {path}" for path in written] if arguments["tell"] else [],
        }
