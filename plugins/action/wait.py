# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a moment, showing what for, until when, and the last readings. Ends early when the rollout is stopped.

A run that must not wait notes what it waits for instead; one that skips its waits looks once for a stop or an answer, and
has it be that moment.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _orders
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction, display
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, iso, parse_iso, short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._foreign import visible
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._holding import hold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._live_block import LiveText, on_screen
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._newest_summary import newest_summary
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._situation import Waiting, block_lines, situation

# How often a long wait looks whether somebody has stopped the rollout, and how often it says that it still waits.
LOOK_UP_S = 5.0
SAY_EVERY_S = 300.0
# How often the block on a terminal is drawn anew.
DRAW_EVERY_S = 1.0


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "until": {"type": "str", "required": True},
        "label": {"type": "str", "required": True},
        "goal": {"type": "str"},
        "readings": {"type": "str", "default": ""},
        "approval": {"type": "str"},
        "only_skips": {"type": "bool", "default": False},
    }

    def writes(self, arguments: dict[str, Any]) -> bool:
        return True

    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        until = parse_iso(arguments["until"])
        goal = parse_iso(arguments["goal"]) if arguments["goal"] else until
        if arguments["only_skips"]:
            return {
                "due": True,
                "waited_s": 0.0,
                "until": iso(until),
                "skipped_s": self.skip(context, until, arguments["label"]),
            }
        if self.tick and (until - self.clock.now()).total_seconds() > 0:
            return {"due": False, "why": self.note_wait(context, until, arguments["label"])}
        live = on_screen() and not self.check_mode
        try:
            return self._wait(context, arguments, Waiting(arguments["label"], until, goal), live)
        finally:
            if live:
                display.display(LiveText(""), screen_only=True)

    def _wait(self, context: Context, arguments: dict[str, Any], waiting: Waiting, live: bool) -> dict[str, Any]:
        begun = looked_up = self.clock.now()
        said = None
        while not self.check_mode:
            now = self.clock.now()
            if said is None or (now - looked_up).total_seconds() >= LOOK_UP_S:
                context.__dict__.pop("records", None)
                context.__dict__.pop("state", None)
                looked_up = now
                ended = _orders.stopped(self.view(context))
                if not ended:
                    hold(context, self.real_clock.now())
                if ended:
                    return {
                        "due": False,
                        "why": ended["why"],
                        "msg": f"no longer waiting: {ended['why']}: {ended.get('stopped_by', '')}",
                    }
                answer = context.state.approvals.get(arguments["approval"] or "")
                if answer and answer.decision:
                    return {"due": False, "why": f"answered by {answer.by}"}
            left = (waiting.until - now).total_seconds()
            if left <= 0:
                break
            if context.skips_waits:
                skipped_s = self.skip(context, waiting.until, waiting.label)
                until = f" on the way to {short(waiting.goal)}" if waiting.goal > waiting.until else ""
                display.display(f"  {short(now)}  skipping {duration_text(skipped_s)} of {waiting.label}{until}")
                break
            if said is None or (now - said).total_seconds() >= SAY_EVERY_S:
                self._say(arguments, now, waiting.goal, live)
                said = now
            if live:
                self._draw(context, arguments, waiting, now)
            self.real_clock.sleep(min(left, DRAW_EVERY_S if live else LOOK_UP_S))
        waited = (self.clock.now() - begun).total_seconds()
        return {"due": True, "waited_s": round(waited, 3), "until": iso(waiting.until)}

    @staticmethod
    def _say(arguments: dict[str, Any], now: datetime, goal: datetime, live: bool) -> None:
        """A line for those who read lines; beside a block it is for the log file only."""
        left = duration_text(max((goal - now).total_seconds(), 0.0))
        readings = f"; last: {arguments['readings']}" if arguments["readings"] else ""
        line = f"  {short(now)}  waiting for {arguments['label']} until {short(goal)} ({left}){readings}"
        display.display(line, log_only=live)

    @staticmethod
    def _draw(context: Context, arguments: dict[str, Any], waiting: Waiting, now: datetime) -> None:
        seen = situation(
            context.state,
            context.records,
            now,
            summary=newest_summary(context.monitoring, context.records),
            waiting=waiting,
            told=arguments["readings"],
        )
        # What people wrote into the ledger, reasons for instance, is shown here to others.
        display.display(LiveText(visible("\n".join(block_lines(seen)))), screen_only=True)
