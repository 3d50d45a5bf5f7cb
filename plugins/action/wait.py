# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a moment, showing what for, until when, and the last readings. Ends early when the rollout is stopped."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _orders
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction, display
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, iso, parse_iso, short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context

# How often a long wait looks whether somebody has stopped the rollout, and how often it says that it still waits.
LOOK_UP_S = 5.0
SAY_EVERY_S = 300.0


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "until": {"type": "str", "required": True},
        "label": {"type": "str", "required": True},
        "goal": {"type": "str"},
        "readings": {"type": "str", "default": ""},
    }

    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        until = parse_iso(arguments["until"])
        goal = parse_iso(arguments["goal"]) if arguments["goal"] else until
        begun = self.clock.now()
        said = None
        while not self.check_mode:
            now = self.clock.now()
            ended = _orders.stopped(self.view(context))
            if ended:
                return {
                    "due": False,
                    "why": ended["why"],
                    "msg": f"no longer waiting: {ended['why']}: {ended.get('stopped_by', '')}",
                }
            left = (until - now).total_seconds()
            if left <= 0:
                break
            if said is None or (now - said).total_seconds() >= SAY_EVERY_S:
                self._say(arguments, now, goal)
                said = now
            self.clock.sleep(min(left, LOOK_UP_S))
            context.__dict__.pop("records", None)
            context.__dict__.pop("state", None)
        waited = (self.clock.now() - begun).total_seconds()
        return {"due": True, "waited_s": round(waited, 3), "until": iso(until)}

    def _say(self, arguments: dict[str, Any], now: Any, goal: Any) -> None:
        left = duration_text(max((goal - now).total_seconds(), 0.0))
        readings = f"; last: {arguments['readings']}" if arguments["readings"] else ""
        display.display(f"  {short(now)}  waiting for {arguments['label']} until {short(goal)} ({left}){readings}")
