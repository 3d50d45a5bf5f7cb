# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rollout from its baseline to its end, judged by the product: every look, every gate, every further attempt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._gating import judge_gate, rules_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import GO, HOLD, NO_GO, ROLLBACK, Verdict
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._triggers import Answered, names

from tests.bench.judge import fleet as fleets
from tests.bench.judge import history as histories
from tests.bench.judge.account import Account
from tests.bench.judge.timetable import Gate, timetable

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import Rule
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

    from tests.bench.judge.bending import Fault
    from tests.bench.judge.history import History


@dataclass
class Course:
    """How one rollout went.

    `stopped_at`: minute of the rollback (or no-go), None when there was none; `why` and `causes` of it; `held`: gates whose
    hold stood, after all attempts; `blind_gates`: verdicts of gates and looks that were judged while the measurer was cut
    off, by decision; `onset`: minute of the fault; `in_time_until`: minute of the last attempt at T+12h; `judged`: how many looks and gates.
    """

    fault: str
    size: str
    number: int
    onset: float | None
    in_time_until: int
    stopped_at: int | None = None
    why: str = ""
    causes: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    blind: dict[str, int] = field(default_factory=dict)
    held_why: str = ""
    judged: int = 0

    @property
    def too_early(self) -> bool:
        """Rolled back before anything was wrong."""
        return self.stopped_at is not None and self.onset is not None and self.stopped_at <= self.onset


def unfold(plan: Plan, fault: Fault, seed: int, number: int) -> History:
    """The history of rollout `number` of a fault; the same one for the same seed."""
    key = (seed, *(ord(letter) for letter in f"{fault.name}/{fault.size}"), number)
    rng = np.random.default_rng(key)
    test, control = tuple(plan.agents()), tuple(plan.control.agents)
    fleet = fleets.draw(rng, test, control, _longest(plan), fault.limit_mib)
    times = timetable(plan, fleet.hosts)
    slots = round(60.0 / plan.watch.probe_every)
    world = histories.calm(fleet, times, slots)
    fault.bend(rng, fleet, times, world)
    timeout, count = (plan.probe.timeout, plan.probe.count) if plan.probe else (5.0, 0)
    return histories.unfold(
        rng, fleet, times, world, slots=slots, timeout_s=timeout, requests_of_a_gate=count, seed=key
    )


def _longest(plan: Plan) -> int:
    return timetable(plan, tuple("abcdef")).minutes


class Judge:
    """The product's judge with one plan; its rules are made once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._rules: dict[tuple[str, str], list[Rule]] = {}

    def rules(self, kind: str, name: str) -> list[Rule]:
        if (kind, name) not in self._rules:
            self._rules[kind, name] = rules_of(self.plan, kind, name)
        return self._rules[kind, name]

    def follow(self, history: History, fault: Fault, number: int) -> Course:
        """Judge a history until its first rollback, or its end.

        A look that holds ends nothing. A gate that holds is taken again as often as the plan says; then its hold stands,
        which is noted, and somebody lets the rollout go on: what comes later is still judged.
        """
        times = history.times
        twelve = next(gate.at for gate in times.gates if gate.name == "T+12h")
        until = twelve + times.look_again * times.look_again_every
        course = Course(fault.name, fault.size, number, history.world.onset, until)
        account = Account(history, self.plan)
        account.measure_baseline()
        answered: list[Answered] = []
        looked = times.baseline
        busy_until = 0
        for gate in times.gates:
            if gate.at <= busy_until:
                continue
            decision = HOLD
            causes: Iterable[str] = ()
            attempts = 1 if gate.kind == "look" else times.look_again + 1
            for attempt in range(attempts):
                at = gate.at + attempt * times.look_again_every
                since = looked if gate.kind == "look" else at - gate.window
                evidence = account.document(gate.kind, gate.name, at, since, again=attempt)
                last = attempt == attempts - 1
                judged = judge_gate(
                    self.plan,
                    gate.kind,
                    gate.name,
                    evidence,
                    answered,
                    last_attempt=last,
                    causes_before=causes,
                    rules=self.rules(gate.kind, gate.name),
                )
                decision, causes = judged.decision.decision, judged.decision.causes
                answered.append(_answered(judged.verdicts))
                course.judged += 1
                looked = busy_until = at
                self._note_blind(course, history, at, since, decision)
                if decision in (ROLLBACK, NO_GO):
                    course.stopped_at, course.why, course.causes = at, judged.decision.why, list(causes)
                    return course
                if decision == GO:
                    break
            if decision == HOLD and gate.kind != "look":
                course.held.append(gate.name)
                course.held_why = course.held_why or judged.decision.why
            if gate.kind == "checkpoint":
                account.remember(evidence)
        return course

    @staticmethod
    def _note_blind(course: Course, history: History, at: int, since: int, decision: str) -> None:
        """Was the measurer cut off, for all of what this look or gate had to measure?"""
        world = history.world
        if world.until is None or world.onset is None or not (world.onset <= since and at < world.until):
            return
        course.blind[decision] = course.blind.get(decision, 0) + 1


def _answered(verdicts: list[Verdict]) -> Answered:
    found: dict[str, Any] = names(verdicts)
    return Answered(frozenset(found["asked"]), frozenset(found["fired"]))


__all__ = ["Course", "Gate", "Judge", "unfold"]
