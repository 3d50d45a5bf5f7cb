# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops the line: records who stopped a rollout, or all of them, when and why; or that it may go on."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError, operator
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import LedgerError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import HOLD, ROLLBACK, RolloutState

ALL = "all"


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "reason": {"type": "str", "default": ""},
        "stop_with": {"type": "str", "default": ""},
        "lift": {"type": "bool", "default": False},
    }

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return False

    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        reason, lift = arguments["reason"].strip(), arguments["lift"]
        how = arguments["stop_with"] or HOLD
        if how not in (HOLD, ROLLBACK):
            raise StepError(f"stop_with: seen {how!r}, expected hold or rollback. Say -e stop_with=hold.")
        if not reason:
            what = "let it go on" if lift else "stop the line"
            raise StepError(f"why {what}? Say -e reason=...; the ledger keeps it with your name.")
        told, who = [], operator(context.variables)
        asked, problems = self._asked(context, lift)
        for each in asked:
            if lift:
                data, kind, word = {"why": reason}, "line.lifted", "may go on"
            else:
                data, kind = {"decision": how, "why": reason}, "line.stopped"
                word = "STOPPED, everything it changed goes back" if how == ROLLBACK else "STOPPED"
            if not self.check_mode:
                try:
                    each.record(kind, data, self.clock.now())
                except (StepError, LedgerError) as error:
                    problems.append(f"{each.rollout}: NOT {'lifted' if lift else 'stopped'}: {error}")
                    continue
            told.append(f"{each.rollout}: {word}, by {who}: {reason}")
        done = {"changed": bool(told), "rollouts": [line.partition(":")[0] for line in told], "msg": told}
        # One that can't be stopped is no reason to leave the others running; whoever stopped them must know of it.
        return {**done, "failed": True, "msg": "\n".join([*told, *problems])} if problems else done

    def _asked(self, context: Context, lift: bool) -> tuple[list[Context], list[str]]:
        """The rollout that was named, or every one that is open, each as its own context; and why others can't be."""
        known, where = context.store.rollouts(), context.store.name
        if context.rollout != ALL:
            if context.rollout not in known:
                raise StepError(
                    f"{context.rollout} has no ledger in {where}: it has not begun. Those with one: {', '.join(known) or 'none'}."
                )
            problem = _why_not(context.state, lift)
            if problem:
                raise StepError(f"{context.rollout}: {problem}")
            return [context], []
        each: list[Context] = []
        fitting: list[Context] = []
        problems: list[str] = []
        for name in known:
            one = Context(_of(name, context.variables), needs_plan=False)
            try:
                fits = _why_not(one.state, lift) is None
            except LedgerError as error:
                problems.append(f"{name}: NOT {'lifted' if lift else 'stopped'}, as it can't be read: {error}")
                continue
            each.append(one)
            if fits:
                fitting.append(one)
        if not fitting and not problems:
            raise StepError(
                f"no rollout with a ledger in {where} {'is stopped' if lift else 'is open'}; "
                f"those with one: {', '.join(f'{one.rollout} ({one.state.outcome})' for one in each) or 'none'}."
            )
        return fitting, problems


def _of(rollout: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables of the play, for another rollout; they are only read."""
    read_only: Any = variables
    return ChainMap({"rollout": rollout}, read_only)


def _why_not(state: RolloutState, lift: bool) -> str | None:
    """Why a rollout can't be stopped, or can't go on; None when it can."""
    if state.finished:
        return f"it ended with {state.outcome}. What it changed goes back with playbooks/rollback.yml."
    if not lift:
        return None
    if state.stop and state.stop.decision != HOLD:
        return f"it stands at {state.outcome} ({state.stop.why}), which nobody can lift."
    if state.stop is None:
        return f"nothing holds it; it stands at {state.outcome}."
    return None
