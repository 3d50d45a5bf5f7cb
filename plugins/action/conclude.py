# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run: the final decision where one is due, one clear line, and an exit status that is 0 only for GO."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _orders, _ticks
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import HOLD
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify import _hook
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._shadow import rate
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "of": {"type": "str", "required": True, "choices": ["decide", "rollout", "step", "rollback"]},
        "complete": {"type": "bool", "default": True},
        "ends_failed": {"type": "bool", "default": False},
    }

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return bool(arguments["of"] == "decide")

    def writes(self, arguments: dict[str, Any]) -> bool:
        return bool(arguments["of"] == "decide")

    def ends_run(self, arguments: dict[str, Any]) -> bool:
        return bool(arguments["of"] != "decide")

    def leaving_s(self, arguments: dict[str, Any]) -> float:
        return 0.0 if arguments["of"] == "decide" else _hook.LEAVING_S

    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        state, waiting = context.state, self.waiting(context)
        if self.tick and arguments["of"] == "rollout":
            _ticks.conclude(_ticks.TickBook(context.store, context.rollout), self.tick, context.records)
        if waiting and arguments["of"] != "rollback" and not state.stopped(context.run):
            return {
                "msg": f"{context.rollout} {waiting.line()}",
                "decision": state.outcome,
                "next_due": waiting.next_due,
            }
        if arguments["of"] == "decide":
            return self._decide(context)
        outcome = state.outcome
        why = self._why(context)
        if arguments["of"] == "rollback" and not state.attempt:
            outcome = "ROLLED BACK" if arguments["complete"] else "ROLLBACK INCOMPLETE"
            why = "without a ledger, from the backup's manifest on each host"
        report = context.monitoring / "reports" / context.rollout / "decision.md"
        line = f"DECISION {outcome} {context.rollout}" + (f": {why}" if why else "")
        msg = [line, f"REPORT {report}"] if report.exists() else [line]
        if state.shadow and arguments["of"] == "rollout":
            msg.insert(1, rate(context.rollout, context.records).text())
        good = {
            "rollout": outcome == "GO",
            # A step by itself is well when nothing stopped this run.
            "step": state.stopped(context.run) is None,
            "rollback": arguments["complete"]
            and (not state.touched() or bool((state.rolled_back or {}).get("complete"))),
        }[arguments["of"]]
        if self.check_mode:
            return self._of_check(context, outcome)
        if good and arguments["ends_failed"]:
            good = False
            msg.append(
                "It ends failed because that was asked for: whoever started it must not take a rollback for a success."
            )
        if arguments["of"] == "step" and good:
            return {"msg": f"{context.rollout} {outcome}", "decision": outcome}
        return {"msg": msg if good else "\n".join(msg), "failed": not good, "decision": outcome}

    @staticmethod
    def _of_check(context: Context, outcome: str) -> dict[str, Any]:
        """The end of a run in check mode: not well when preflight would have stopped the rollout."""
        problems = (context.variables.get("ansible_facts") or {}).get("rollout_check_problems") or []
        if not problems:
            return {"msg": "check mode: nothing was changed and nothing was decided", "decision": outcome}
        lines = [f"check mode: nothing was changed; preflight found {len(problems)} problems:", *map(str, problems)]
        return {"failed": True, "msg": "\n".join(lines), "decision": outcome}

    @staticmethod
    def _why(context: Context) -> str:
        state = context.state
        if state.rolled_back:
            unproven = state.rolled_back["unproven"]
            left = [name for name in state.rolled_back["left"] if name not in unproven]
            rest = f" (still changed: {', '.join(left)})" if left else ""
            rest += f" (restored, not proven: {', '.join(unproven)})" if unproven else ""
            return f"{state.rolled_back['why']}. {state.rolled_back['accounting']['text']}{rest}"
        if state.stop and state.decision is None:
            return state.stop.why
        return state.decision_why or ""

    def _decide(self, context: Context) -> dict[str, Any]:
        for name in value_of(context.variables, "rollout_accept_missed", []):
            checkpoint = context.state.checkpoints.get(name)
            if checkpoint is None or checkpoint.status == "taken":
                raise StepError(f"rollout_accept_missed={name}: {context.rollout} missed no checkpoint of that name.")
            if checkpoint and checkpoint.status == "missed" and not checkpoint.accepted_by and not self.check_mode:
                context.record("checkpoint.accepted", {"name": name}, self.clock.now())
        order = _orders.decide(self.view(context))
        if not order["due"]:
            return {"msg": f"no decision is due: {order['why']}", "decision": context.state.outcome}
        if order["decision"] == HOLD:
            data = {"gate": "decision", "name": "decision", "decision": HOLD, "why": order["reason"], "stops": True}
            context.record("gate.decided", data, self.clock.now())
        else:
            context.record("decision.made", {"decision": order["decision"], "why": order["reason"]}, self.clock.now())
        return {"msg": f"{order['decision'].upper()}: {order['reason']}", "decision": order["decision"]}
