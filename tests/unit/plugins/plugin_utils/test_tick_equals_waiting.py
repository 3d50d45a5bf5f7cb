# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout that is launched every minute writes the ledger of one that waits: both acted out with a clock of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _orders
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso, plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._freeze import frozen_until
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._orders import View
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import GO, HOLD, RolloutState
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import PHASES, START, Story, at, plan

LOOK_TAKES, GATE_TAKES, LAUNCHED_EVERY, SOAK_ROUNDS = 7.0, 70.0, 60.0, 3
Line = tuple[str, Any, Any, Any]


class Waits(Exception):
    """A run that must not wait ends here."""

    def __init__(self, until: datetime) -> None:
        super().__init__(iso(until))
        self.until = until


@dataclass
class Acted:
    """Acts out what the roles do with the orders. `ill`: looks, by number, that are not clean; `blind`: gates that can't measure."""

    tick: bool
    ill: frozenset[int] = frozenset()
    blind: frozenset[int] = frozenset()
    answers: dict[str, tuple[float, str]] = field(default_factory=dict)
    plan: Plan = field(default_factory=plan)
    story: Story = field(default_factory=Story)
    now: float = 0.0
    launches: int = 0
    _folded: tuple[int, RolloutState] | None = None

    # ------------------------------------------------------------ what the edge does

    def add(self, kind: str, **data: Any) -> None:
        self.story.now = self.now - 1.0
        self.story.add(kind, **data)

    @property
    def state(self) -> RolloutState:
        if self._folded is None or self._folded[0] != len(self.story.records):
            self._folded = len(self.story.records), self.story.state()
        return self._folded[1]

    def view(self, batch: list[str] | None = None) -> View:
        return View(
            plan=self.plan,
            state=self.state,
            hosts=self.story.hosts,
            in_play=self.story.hosts,
            batch=batch or self.story.hosts,
            run=self.story.run,
            now=at(self.now),
            scaled=lambda seconds, least: seconds,
            tick=self.tick,
        )

    def wait(self, until: datetime) -> None:
        moment = (until - START).total_seconds()
        if moment <= self.now:
            return
        if self.tick:
            raise Waits(until)
        self.now = moment

    def count(self, kind: str) -> int:
        return sum(record.kind == kind for record in self.story.records)

    # ------------------------------------------------------------ what the roles do

    def whole(self) -> None:
        for step in ("preflight", "baseline"):
            if getattr(_orders, step)(self.view())["due"]:
                self.now += GATE_TAKES
                self.add({"preflight": "preflight.passed", "baseline": "baseline.taken"}[step])
        if _orders.backup(self.view())["due"]:
            self.add("backup.done", directory="/b", hosts={host: {} for host in self.story.hosts})
        for phase in PHASES:
            self.approval(phase)
            for host in self.story.hosts:
                self.batch(phase, host)
            self.gate("verify", f"verify-{phase}", lambda phase=phase: _orders.verify(self.view(), phase), phase=phase)
            self.soak(phase)
        for name in self.plan.checkpoint_names():
            approach = _orders.approach(self.view(), name)
            if approach["due"]:
                self.watch(approach["looks"])
            self.gate("checkpoint", name, lambda name=name: _orders.checkpoint(self.view(), name))
        self.approval("decision")
        order = _orders.decide(self.view())
        if order["due"]:
            self.add("decision.made", decision=order["decision"], why=order["reason"])

    def approval(self, name: str) -> None:
        order = _orders.approval(self.view(), name)
        if not order["due"]:
            return
        if not order["requested"]:
            self.add("approval.requested", approval=name, until=order["until"], otherwise=order["otherwise"])
        asked = (self.state.approvals[name].requested_at - START).total_seconds()
        delay, answer = self.answers.get(name, (10.0**9, GO))
        self.watch(order["looks"], answered_at=asked + delay, answer=(name, answer))
        if _orders.stopped(self.view()):
            return
        given = self.state.approvals[name]
        if given.decision is None:
            self.add("approval.expired", approval=name, decision=given.otherwise, reason="nobody answered")
            given = self.state.approvals[name]
        if given.decision != GO:
            self.add("gate.decided", gate="approval", name=name, decision=given.decision, why="a person", stops=True)

    def batch(self, phase: str, host: str) -> None:
        order = _orders.deploy(self.view([host]), phase)
        if not order["due"]:
            return
        self.watch(order["looks"])
        if order["wait_until"]:
            self.wait(parse_iso(order["wait_until"]))
        # The look that a wait ends with takes its time; the freeze may begin meanwhile.
        calendar = [span.freeze() for span in self.plan.freeze]
        assert not all(frozen_until(calendar, at(moment)) for moment in (self.now - LOOK_TAKES, self.now)), at(self.now)
        names = order["instances"]
        self.add("batch.started", phase=phase, hosts=[host], instances=names)
        self.now += LOOK_TAKES
        proven = {name: {"since": iso(at(self.now))} for name in names}
        self.add("batch.done", phase=phase, hosts=[host], proven=proven, phase_complete=host == self.story.hosts[-1])

    def gate(self, gate: str, name: str, order_of: Callable[[], dict[str, Any]], **more: Any) -> None:
        again = self.plan.checkpoints.look_again
        for attempt in range(1 + again.times):
            order = order_of()
            if not order["due"]:
                continue
            number, held_at = _orders.held(self.story.records, self.story.run, gate, name)
            if held_at:
                self.wait(plus(held_at, again.every))
            assert number == attempt or self.tick
            self.now += GATE_TAKES
            decision = HOLD if self.count("gate.decided") in self.blind else GO
            stops = decision == HOLD and number >= again.times
            self.add("gate.decided", gate=gate, name=name, decision=decision, why="", stops=stops, **more)

    def soak(self, phase: str) -> None:
        for _round in range(SOAK_ROUNDS):
            order = _orders.soak(self.view(), phase)
            if order["due"] and not (self.tick and order["round"] > SOAK_ROUNDS):
                assert order["unwatched_s"] == 0
                self.watch(order["looks"], phase)
        if _orders.soak(self.view(), phase)["due"]:
            self.add("gate.decided", gate="soak", name=phase, decision=HOLD, why="not soaked", stops=True)

    def watch(
        self, looks: list[dict[str, Any]], phase: str = "", answered_at: float = 10.0**9, answer: tuple[str, str] = ("", "")
    ) -> None:  # fmt: skip
        for look in looks:
            if _orders.stopped(self.view()):
                return
            if look.get("next_at") and parse_iso(look["next_at"]) <= at(self.now):
                continue
            if answered_at <= (parse_iso(look["at"]) - START).total_seconds():
                # Somebody answers in a run of his own, before the next look.
                if not self.tick:
                    self.now = max(self.now, answered_at)
                elif answered_at > self.now:
                    raise Waits(at(answered_at))
                self.add("approval.given", approval=answer[0], decision=answer[1], reason="seen")
                return
            self.wait(parse_iso(look["at"]))
            number = self.count("look.taken")
            self.now += LOOK_TAKES
            self.add("look.taken", label=look["label"])
            if not phase:
                continue
            state = self.state.phase(phase)
            length = self.plan.phase(phase).soak or 0.0
            if number in self.ill:
                self.add("soak.reset", phase=phase, why="ill", **{"from": iso(at(self.now))})
            elif look["last"] and state.soak_from and at(self.now) >= plus(state.soak_from, length):
                self.add("soak.done", phase=phase)

    # ------------------------------------------------------------ to the end

    def told(self) -> list[Line]:
        """The whole rollout, and its ledger without what belongs to one run."""
        self.add("rollout.started", hosts=self.story.hosts, time_scale=1.0)
        while True:
            self.launches += 1
            assert self.launches < 5000, self.story.records[-1]
            try:
                self.whole()
                break
            except Waits as waits:
                due = max((waits.until - START).total_seconds(), self.now)
                self.now = LAUNCHED_EVERY * (due // LAUNCHED_EVERY + 1)
        return [(r.kind, *(r.data.get(key) for key in ("name", "decision", "label"))) for r in self.story.records]


def rare(**sections: Any) -> Plan:
    """Wave 2's plan with fewer looks."""
    return plan(watch={"every": "25m"}, **sections)


def both(**more: Any) -> tuple[Acted, list[Line], list[Line]]:
    ticking = Acted(tick=True, **more)
    return ticking, Acted(tick=False, **more).told(), ticking.told()


def test_a_healthy_rollout() -> None:
    ticking, waited, ticked = both()
    assert ticked == waited
    assert ticked[-1][:3] == ("decision.made", None, GO)
    # 2 staggers of a look each in two phases, 24 looks of a soak, 288 on the way to T+24h.
    assert len([line for line in ticked if line[0] == "look.taken"]) == 4 + 24 + 288
    assert ticking.launches > 300


@pytest.mark.parametrize(
    "ill",
    [{5}, {5, 6, 7}, {25}, {12, 25}, set(range(200))],
    ids=["early", "in a row", "at the end", "late and at the end", "always"],
)
def test_a_soak_that_begins_anew(ill: set[int]) -> None:
    _ticking, waited, ticked = both(ill=frozenset(ill))
    assert ticked == waited
    assert any(line[0] == "soak.reset" for line in ticked)
    assert (ticked[-1][0] == "gate.decided") == (len(ill) == 200)


@pytest.mark.parametrize("blind", [{0}, {2}, {2, 3}, set(range(2, 9))], ids=str)
def test_gates_that_look_again(blind: set[int]) -> None:
    _ticking, waited, ticked = both(plan=rare(), blind=frozenset(blind))
    assert ticked == waited
    assert (ticked[-1][2] == HOLD) == (len(blind) == 7)


@pytest.mark.parametrize("answer", [(600.0, GO), (5000.0, GO), (700.0, "no_go"), (700.0, HOLD), (10.0**8, GO)], ids=str)
@pytest.mark.parametrize("before", ["network-expert", "tdd-expert", "decision"])
def test_approvals(before: str, answer: tuple[float, str]) -> None:
    asking = rare(approvals=[{"before": before, "within": "4h", "otherwise": "no_go"}])
    _ticking, waited, ticked = both(plan=asking, answers={before: answer})
    assert ticked == waited
    expired = answer[0] > 4 * 3600
    assert any(line[0] == "approval.expired" for line in ticked) == expired
    assert ticked[-1][2] == ("no_go" if expired else answer[1])


@pytest.mark.parametrize(
    "freeze",
    [
        # The story begins on Friday 2026-01-23 at 12:00 UTC.
        {"begin": "11:00", "end": "15:00"},
        {"begin": "12:20", "end": "15:00"},
        {"begin": "14:00", "end": "08:00", "zone": "Europe/Berlin"},
        {"begin": "fri 14:00", "end": "mon 08:00"},
        {"begin": "2026-01-23 12:50", "end": "2026-01-24"},
    ],
    ids=["from the start", "in a stagger", "nights", "weekend", "dates"],
)
def test_freezes(freeze: dict[str, Any]) -> None:
    phases = [{**phase, "stagger": "30m"} for phase in plan().to_dict()["phases"]]
    frozen = rare(freeze=[{"name": "the calendar", **freeze}], phases=phases)
    _ticking, waited, ticked = both(plan=frozen)
    assert ticked == waited
    assert ticked[-1][:3] == ("decision.made", None, GO)


@settings(max_examples=25)
@given(
    ill=st.frozensets(st.integers(0, 90), max_size=25),
    blind=st.frozensets(st.integers(0, 12), max_size=6),
    delay=st.floats(1, 5 * 3600),
)
def test_whatever_happens(ill: frozenset[int], blind: frozenset[int], delay: float) -> None:
    asking = rare(approvals=[{"before": "tdd-expert", "within": "4h", "otherwise": "no_go"}])
    _ticking, waited, ticked = both(plan=asking, ill=ill, blind=blind, answers={"tdd-expert": (delay, GO)})
    assert ticked == waited
