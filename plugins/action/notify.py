# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message by a person, or a test of channels: what the automatic ones use, and an answer for each channel."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError, operator
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify import _channels, _hook
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._outbox import (
    FAILED,
    SENT,
    WAITS_S,
    Delivery,
    Message,
    Outbox,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._process import start_sender
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._render import render
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._settings import Settings

Result = dict[str, Any]


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "message": {"type": "str"},
        "test": {"type": "bool", "default": False},
        "level": {"type": "int"},
        "channels": {"type": "list", "elements": "str", "default": []},
        "wait": {"type": "float", "default": 60.0},
    }

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return False

    def act(self, context: Context, arguments: dict[str, Any]) -> Result:
        text = str(arguments["message"] or "").strip()
        if not text and not arguments["test"]:
            raise StepError("what shall be said? Give -e message='...', or -e notify_test=true to test the channels.")
        # The plan before the ledger: channels are tested before anything has begun.
        found = _hook.settings_in(context) if context.plan is not None or context.state.attempt else None
        if found is None:
            why = f" ({context.no_plan})" if context.no_plan else ""
            raise StepError(
                f"{context.rollout}: its plan has no `notify` section, so it has no channels{why}. docs/notifications.md says how to write one."
            )
        channels = self._channels(found, arguments)
        urls = _hook.urls_in(context, found)
        if self.check_mode:
            shown = ", ".join(f"{name}{'' if name in urls else ' (has no URL)'}" for name in channels)
            return {"msg": f"check mode: nothing is sent; it would go to {shown}", "channels": {}}
        outbox = Outbox.of(context.monitoring, context.rollout)
        messages = self._messages(context, found, arguments, text, [name for name in channels if name in urls])
        for message in messages:
            outbox.add(message)
        if messages:
            start_sender(outbox, context.store, context.rollout, urls)
            _hook.wait_for(outbox, [message.id for message in messages], arguments["wait"], set(urls))
        answers = {name: {"state": FAILED, "why": self._no_url(name)} for name in channels if name not in urls}
        for message in messages:
            for delivery in (outbox.find(message.id) or message).deliveries:
                answers[delivery.channel] = {"state": delivery.state, "why": delivery.why}
        return self._result(answers)

    @staticmethod
    def _channels(settings: Settings, arguments: dict[str, Any]) -> list[str]:
        known = settings.all_channels()
        unknown = [name for name in arguments["channels"] if name not in known]
        if unknown:
            raise StepError(f"channel {', '.join(unknown)}: the plan names {', '.join(known)}.")
        if arguments["channels"]:
            return list(dict.fromkeys(arguments["channels"]))
        if arguments["test"] and arguments["level"] is None:
            return known
        level = 1 if arguments["level"] is None else arguments["level"]
        named = settings.channels(level)
        if not named:
            raise StepError(
                f"level {level} reaches nobody: the plan's levels are {', '.join(map(str, settings.levels))}."
            )
        return named

    def _messages(
        self, context: Context, settings: Settings, arguments: dict[str, Any], text: str, channels: list[str]
    ) -> list[Message]:
        """A test says to each channel what it will hear of, and is tried once; a message is tried as often as any."""
        by, state = operator(context.variables), context.state
        facts: dict[str, Any] = {
            "rollout": context.rollout, "message": text, "outcome": state.outcome, "at": self.clock.now(), "by": by,
            "rehearsal": context.rehearsal or state.rehearsal, "what": "test" if arguments["test"] else "message",
        }  # fmt: skip
        sets = [[name] for name in channels] if arguments["test"] else [channels] if channels else []
        made = []
        for number, names in enumerate(sets):
            hears = [event for event in settings.events if names[0] in settings.channels_for(event)]
            told = render("message", {**facts, "channel": names[0], "events": hears}, _hook.own_templates(context))
            made.append(
                Message(
                    id=f"{time.time_ns() // 1000:017d}-{number}-message",
                    rollout=context.rollout,
                    attempt=max(state.attempt, 1),
                    run=context.run,
                    by=by,
                    of=0,
                    event="message",
                    what=facts["what"],
                    kind="info",
                    title=told.title,
                    body=told.body,
                    made_at=time.time(),
                    waits_s=[0.0] if arguments["test"] else list(WAITS_S),
                    deliveries=[Delivery(name) for name in names],
                )
            )
        return made

    @staticmethod
    def _no_url(channel: str) -> str:
        return f"{_hook.UNSET} ({_channels.environment_name(channel)})"

    @staticmethod
    def _result(answers: dict[str, dict[str, str]]) -> Result:
        lines = [
            f"NOTIFY {name}: {answer['state']}" + (f": {answer['why']}" if answer["why"] else "")
            for name, answer in answers.items()
        ]
        failed = any(answer["state"] != SENT for answer in answers.values())
        return {"failed": failed, "msg": "\n".join(lines) if failed else lines, "channels": answers}
