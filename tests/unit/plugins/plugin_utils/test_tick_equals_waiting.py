# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout that is launched every minute writes the ledger of one that waits, and so do both where waits are skipped.

All are acted out with a clock of our own; those that skip have the records of what they skipped besides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _orders, _state
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso, plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._freeze import frozen_until
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._orders import View
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._skips import Skips
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import GO, HOLD, RolloutState
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import PHASES, START, Story, at, plan

LOOK_TAKES, GATE_TAKES, LAUNCHED_EVERY, SOAK_ROUNDS = 7.0, 70.0, 60.0, 3
# So many that each wait of the plans below has the looks that `watch.every` says.
LOOKS_AS_PLANNED = 1000
Line = tuple[str, Any, Any, Any]


class Waits(Exception):
    """A run that must not wait ends here."""

    def __init__(self, until: datetime) -> None:
        super().__init__(iso(until))
        self.until = until


def _nothing(state: RolloutState, record: Record) -> None:
    """What a record changes that no handler knows."""


@dataclass
class Acted:
    """Acts out what the roles do with the orders. `ill`: looks, by number, that are not clean; `blind`: gates that can't measure.

    `looks_per_wait`: of one that skips its waits.
    """

    tick: bool
    looks_per_wait: int | None = None
    ill: frozenset[int] = frozenset()
    blind: frozenset[int] = frozenset()
    answers: dict[str, tuple[float, str]] = field(default_factory=dict)
    plan: Plan = field(default_factory=plan)
    story: Story = field(default_factory=Story)
    real: float = 0.0
    skips: Skips = field(default_factory=Skips)
    launches: int = 0
    _folded: tuple[int, RolloutState] | None = None

    # ------------------------------------------------------------ what the edge does

    @property
    def now(self) -> float:
        return (self.skips.plan(at(self.real)) - START).total_seconds()

    def takes(self, seconds: float) -> None:
        self.real += seconds

    def skip(self, until: datetime, label: str) -> None:
        """As `_action.skip` does it."""
        since = at(self.now)
        if self.looks_per_wait is not None and until > since:
            self.skips = self.skips.extended_to(at(self.real), until)
            self.add("clock.skipped", **{"from": iso(since), "to": iso(until), "for": label})

    def add(self, kind: str, **data: Any) -> None:
        self.story.now = self.now - 1.0
        self.story.add(kind, **data)

    @property
    def state(self) -> RolloutState:
        """Folded on by the records that came since: hundreds of launches fold hundreds of records."""
        seen, state = self._folded or (1, _state.fold(self.story.rollout, self.story.records[:1]))
        for record in self.story.records[seen:]:
            _state._HANDLERS.get(record.kind, _nothing)(state, record)
        self._folded = len(self.story.records), state
        return state

    def view(self, batch: list[str] | None = None) -> View:
        return View(
            plan=self.plan,
            state=self.state,
            hosts=self.story.hosts,
            in_play=self.story.hosts,
            batch=batch or self.story.hosts,
            run=self.story.run,
            now=at(self.now),
            looks_per_wait=self.looks_per_wait,
            tick=self.tick,
        )

    def wait(self, until: datetime, label: str = "") -> None:
        left = (until - at(self.now)).total_seconds()
        if left <= 0:
            return
        self.skip(until, label)
        if self.tick:
            raise Waits(until)
        if self.looks_per_wait is None:
            self.takes(left)

    def count(self, kind: str) -> int:
        return sum(record.kind == kind for record in self.story.records)

    # ------------------------------------------------------------ what the roles do

    def whole(self) -> None:
        for step in ("preflight", "baseline"):
            if getattr(_orders, step)(self.view())["due"]:
                self.takes(GATE_TAKES)
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
        self.takes(LOOK_TAKES)
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
            self.takes(GATE_TAKES)
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
                self.wait(at(answered_at), "an answer")
                self.add("approval.given", approval=answer[0], decision=answer[1], reason="seen")
                return
            self.wait(parse_iso(look["at"]), look["label"])
            number = self.count("look.taken")
            self.takes(LOOK_TAKES)
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
        self.add("rollout.started", hosts=self.story.hosts, skips_waits=self.looks_per_wait is not None)
        while True:
            self.launches += 1
            assert self.launches < 5000, self.story.records[-1]
            try:
                self.whole()
                break
            except Waits as waits:
                due = self.real + max((waits.until - at(self.now)).total_seconds(), 0.0)
                self.real = LAUNCHED_EVERY * (due // LAUNCHED_EVERY + 1)
        return [
            (r.kind, *(r.data.get(key) for key in ("name", "decision", "label")))
            for r in self.story.records
            if r.kind != "clock.skipped"
        ]


def rare(**sections: Any) -> Plan:
    """Wave 2's plan with fewer looks."""
    return plan(watch={"every": "25m"}, **sections)


def both(**more: Any) -> tuple[Acted, list[Line], list[Line]]:
    """One that is launched again and again, its ledger, and that of one that waits; what skips its waits has written the same."""
    ticking, waiting = Acted(tick=True, **more), Acted(tick=False, **more)
    waited, ticked = waiting.told(), ticking.told()
    for tick in (False, True):
        skipping = Acted(tick=tick, looks_per_wait=LOOKS_AS_PLANNED, **more)
        assert skipping.told() == waited
        whole = skipping.story.state()
        # Whoever asks for a phase or checkpoint that has no record yet makes one.
        assert {name: whole.phase(name) for name in skipping.state.phases} == skipping.state.phases
        assert {name: whole.checkpoint(name) for name in skipping.state.checkpoints} == skipping.state.checkpoints
        assert skipping.state == whole
        assert skipping.state.skipped_since(START) == pytest.approx(skipping.skips.total_s)
    return ticking, waited, ticked


def test_a_healthy_rollout() -> None:
    ticking, waited, ticked = both()
    assert ticked == waited
    assert ticked[-1][:3] == ("decision.made", None, GO)
    # 2 staggers of a look each in two phases, 24 looks of a soak, 288 on the way to T+24h.
    assert len([line for line in ticked if line[0] == "look.taken"]) == 4 + 24 + 288
    assert ticking.launches > 300


def test_where_waits_are_skipped_each_has_so_many_looks_and_costs_nothing_but_them() -> None:
    waiting, ticking = (Acted(tick=tick, looks_per_wait=2) for tick in (False, True))
    waited = waiting.told()
    assert ticking.told() == waited
    assert waited[-1][:3] == ("decision.made", None, GO)
    # 4 staggers, which are too short for two, a soak and four checkpoints.
    looks, gates, batches = 4 + 2 + 4 * 2, 4, 6
    assert waiting.count("look.taken") == looks
    work = (looks + batches) * LOOK_TAKES + (gates + 2 + 2) * GATE_TAKES
    assert waiting.real == pytest.approx(work)
    assert waiting.now - waiting.real == pytest.approx(waiting.skips.total_s)
    assert waiting.now > 26 * 3600


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
