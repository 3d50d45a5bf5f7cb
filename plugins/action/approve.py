# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records a person's answer to the approval that a rollout waits for."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError, operator
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import GO, HOLD, NO_GO, ROLLBACK

ANSWERS = (GO, HOLD, NO_GO, ROLLBACK)


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "decision": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "approval": {"type": "str", "default": ""},
    }

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return False

    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        decision, reason = arguments["decision"], arguments["reason"].strip()
        if decision not in ANSWERS:
            raise StepError(f"decision: seen {decision!r}, expected one of {', '.join(ANSWERS)}. Say -e decision=go.")
        if not reason:
            raise StepError(f"why {decision}? Say -e reason=...; the ledger keeps it with your name.")
        name = self._waiting(context, arguments["approval"])
        if not self.check_mode:
            data = {"approval": name, "decision": decision, "reason": reason}
            context.record("approval.given", data, self.clock.now())
        told = decision.upper().replace("_", "-")
        return {
            "changed": True,
            "approval": name,
            "msg": f"{context.rollout}: {told} before {name} by {operator(context.variables)}: {reason}",
        }

    @staticmethod
    def _waiting(context: Context, asked: str) -> str:
        """The approval that is answered: one that was asked for and that nobody has answered."""
        approvals = context.state.approvals.values()
        open_ones = [approval.name for approval in approvals if approval.decision is None]
        if asked and asked in open_ones:
            return asked
        if not asked and len(open_ones) == 1:
            return open_ones[0]
        if not asked and open_ones:
            names = ", ".join(open_ones)
            raise StepError(f"{context.rollout} waits for several approvals: {names}. Say which: -e approval=<name>.")
        answered = [
            f"{each.name} ({each.decision} by {each.by}, asked at {short(each.requested_at)})"
            for each in approvals
            if each.decision
        ]
        raise StepError(
            f"{context.rollout} waits for no approval{f' before {asked}' if asked else ''}; it waits for "
            f"{', '.join(open_ones) or 'none'}, answered so far: {', '.join(answered) or 'none'}. "
            "It can be given from the moment that the rollout asks for it."
        )
