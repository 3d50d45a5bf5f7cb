# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints where a rollout stands, from its ledger alone; without a rollout, a line for each that has a ledger."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction, display
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._foreign import visible
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._holding import lease_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import LedgerError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._newest_summary import newest_summary
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._process_mark import is_gone
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._runner import runner
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._situation import (
    Situation,
    Waiting,
    block_lines,
    person_line,
    rollout_line,
    situation,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ticks import TickBook
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of

Result = dict[str, Any]


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "show": {"type": "str", "choices": ["situation", "person"], "default": "situation"},
        "well": {"type": "bool", "default": True},
        "fleet": {"type": "str", "default": ""},
    }

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return False

    def tells_people(self, arguments: dict[str, Any]) -> bool:
        return False

    def act(self, context: Context, arguments: dict[str, Any]) -> Result:
        known = context.store.rollouts()
        asked = value_of(context.variables, "rollout")
        if asked and str(asked) not in known:
            told = f"{asked} has no ledger in {context.store.name}; those with one: {', '.join(known) or 'none'}"
            return self._result(arguments, [told], {str(asked): []}, told)
        if asked:
            seen = self._seen(context, str(asked))
            return self._result(arguments, [*block_lines(seen), ""], {seen.rollout: seen.person}, person_line(seen))
        lines, person = [], {}
        for rollout in known:
            try:
                seen = self._seen(context, rollout)
            except LedgerError as error:
                lines.append(f"{rollout:<20} its ledger can't be read; NEEDS A PERSON: {error}")
                person[rollout] = [str(error)]
                continue
            lines.append(rollout_line(seen))
            person[rollout] = seen.person
        if not known:
            lines.append(f"no rollout has a ledger in {context.store.name}")
        waiting = [rollout for rollout, needs in person.items() if needs]
        last = f"NEEDS A PERSON: {', '.join(waiting)}" if waiting else "no rollout needs a person"
        return self._result(arguments, [*lines, ""], person, last)

    def _seen(self, context: Context, rollout: str) -> Situation:
        context.store.fetch(rollout)
        records = context.store.ledger(rollout).read()
        summary = newest_summary(context.monitoring, records)
        now, tick = self.clock.now(), TickBook(context.store, rollout).read()
        waiting = None
        if tick and tick.waits(now, records, ()):
            # No process waits that could be looked at: the launches' own note says what for.
            until = parse_iso(tick.next_due)
            waiting = Waiting(tick.label, until, until)
        # Leases go by real time, whatever a rehearsal has skipped.
        lease = lease_of(context.store, rollout)
        gone = is_gone(lease["process"]) if lease else None
        at_work = runner(lease, self.real_clock.now(), gone, launched=tick is not None)
        return situation(fold(rollout, records), records, now, summary=summary, waiting=waiting, runner=at_work)

    @staticmethod
    def _result(arguments: dict[str, Any], lines: list[str], person: dict[str, list[str]], last: str) -> Result:
        result: Result = {
            "needs_person": any(person.values()) or not arguments["well"],
            "person": person,
            "lines": lines,
        }
        if arguments["show"] == "situation":
            for line in lines:
                display.display(visible(line))
            return result
        if not arguments["well"]:
            last += f"; FLEET NEEDS A PERSON: {arguments['fleet']}"
        return {**result, "msg": last}
