# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step does where waits are skipped: it looks once for a stop or an answer, jumps, and records the jump."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.action import step, tally, wait
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _ticks
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan_clock import PlanClock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._file import FileStore

from tests.unit.plugins.action.test_guarded_steps import PHASE, context_of
from tests.unit.plugins.plugin_utils.recorded import HOUR, Story, at

LABEL = f"soak of {PHASE}"


class Real:
    """Real time, set by hand. Who sleeps waits, which no run here may."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        return at(self.seconds)

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"waits {seconds} s")


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Real:
    clock = Real(1000.0)
    monkeypatch.setattr(wait.ActionModule, "real_clock", clock)
    monkeypatch.setattr(wait, "hold", lambda context, now: None)
    return clock


def skipping(folder: Path, real: Real, story: Story | None = None, **variables: Any) -> Context:
    told = story or Story().prepared().verified(PHASE)
    made = context_of(folder, told, **{"rollout_skip_waits": True, **variables})
    made.__dict__["clock"] = PlanClock(made.store, real)
    return made


def waiting(context: Context, check: bool = False) -> Any:
    made = wait.ActionModule.__new__(wait.ActionModule)
    made._context, made._task = context, SimpleNamespace(check_mode=check)
    return made


def asked(until: float, **more: Any) -> dict[str, Any]:
    given = {
        "until": iso(at(until)),
        "label": LABEL,
        "goal": None,
        "readings": "",
        "approval": None,
        "only_skips": False,
    }
    return {**given, **more}


def skips(context: Context) -> list[dict[str, Any]]:
    return [record.data for record in context.ledger.read() if record.kind == "clock.skipped"]


def test_a_wait_is_skipped_at_once_and_recorded(tmp_path: Path, real: Real) -> None:
    context = skipping(tmp_path, real)
    done = waiting(context).act(context, asked(1000 + HOUR))
    assert done == {"due": True, "waited_s": HOUR, "until": iso(at(1000 + HOUR))}
    assert skips(context) == [{"from": iso(at(1000)), "to": iso(at(1000 + HOUR)), "for": LABEL}]
    assert context.ledger.read()[-1].moment == at(1000 + HOUR)
    assert context.clock.now() == PlanClock(FileStore(context.store.folder), real).now() == at(1000 + HOUR)
    # It is over now, for a run that goes on as well.
    assert waiting(context).act(context, asked(1000 + HOUR))["due"]
    assert len(skips(context)) == 1


@pytest.mark.parametrize(
    "ended", [("line.stopped", {"decision": "hold", "why": "no"}), ("approval.given", {"approval": PHASE, "decision": "go", "reason": "x"})]
)  # fmt: skip
def test_a_wait_that_a_person_ended_is_not_skipped(tmp_path: Path, real: Real, ended: tuple[str, Any]) -> None:
    story = Story().prepared().verified(PHASE)
    story.add("approval.requested", approval=PHASE, until=iso(at(9000)), otherwise="hold").add(ended[0], **ended[1])
    context = skipping(tmp_path, real, story)
    assert waiting(context).act(context, asked(9000, approval=PHASE))["due"] is False
    assert (skips(context), context.clock.now()) == ([], at(1000))


def test_the_rest_of_a_window_is_skipped_without_another_look(tmp_path: Path, real: Real) -> None:
    context = skipping(tmp_path, real)
    done = waiting(context).act(context, asked(1300, only_skips=True))
    assert (done["due"], done["skipped_s"], context.clock.now()) == (True, 300.0, at(1300))
    assert [each["for"] for each in skips(context)] == [LABEL]


def test_check_mode_skips_nothing(tmp_path: Path, real: Real) -> None:
    context = skipping(tmp_path, real)
    for given in (asked(1300, only_skips=True), asked(1300)):
        assert waiting(context, check=True).act(context, given)["due"]
    assert (skips(context), context.clock.now()) == ([], at(1000))


def test_a_run_that_waits_skips_nothing(tmp_path: Path, real: Real) -> None:
    context = skipping(tmp_path, real, rollout_skip_waits=False)
    assert waiting(context).act(context, asked(1300, only_skips=True))["skipped_s"] == 0.0
    with pytest.raises(AssertionError, match="waits 5"):
        waiting(context).act(context, asked(1300))
    assert (skips(context), context.clock.now()) == ([], at(1000))


def test_what_another_process_skipped_meanwhile_is_recorded_by_that_one(tmp_path: Path, real: Real) -> None:
    context = skipping(tmp_path, real)
    PlanClock(FileStore(context.store.folder), real).skip_to(at(2800))
    waiting(context).act(context, asked(1000 + HOUR))
    assert skips(context) == [{"from": iso(at(2800)), "to": iso(at(1000 + HOUR)), "for": LABEL}]


def test_a_run_that_ends_instead_of_waiting_skips_as_well(tmp_path: Path, real: Real) -> None:
    context = skipping(tmp_path, real)
    made = waiting(context)
    made.tick = _ticks.Tick(run=context.run)
    done = made.act(context, asked(1000 + HOUR))
    assert done["due"] is False
    assert "waiting until" in done["why"]
    assert len(skips(context)) == 1
    tick = _ticks.TickBook(context.store, context.rollout).read()
    assert tick is not None and tick.next_due == iso(at(1000 + HOUR))
    # The next launch finds that its time has come.
    assert not tick.waits(context.clock.now(), context.records, ["another"])


def test_one_that_is_killed_before_it_has_noted_its_wait_has_skipped_it(
    tmp_path: Path, real: Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = skipping(tmp_path, real)
    made = waiting(context)
    made.tick = _ticks.Tick(run=context.run)

    def killed(*_given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_ticks.TickBook, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        made.act(context, asked(1000 + HOUR))
    assert PlanClock(FileStore(context.store.folder), real).now() == at(1000 + HOUR)


def test_when_the_last_host_answered_is_told_in_real_time(tmp_path: Path, real: Real) -> None:
    context = skipping(tmp_path, real)
    context.clock.skip_to(at(1000 + HOUR))
    made = tally.ActionModule.__new__(tally.ActionModule)
    made._context = context
    assert made._answered(context, at(900).timestamp()) == at(900).timestamp()
    assert made._answered(context, at(1001).timestamp()) == at(1001 + HOUR).timestamp()
    assert made._answered(context, None) == at(1000 + HOUR).timestamp()


def test_a_baseline_tells_hosts_real_times_and_counts_in_the_plan_s(
    tmp_path: Path, real: Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = skipping(tmp_path, real)
    context.clock.skip_to(at(1000 + 7 * HOUR))
    monkeypatch.setattr(step._orders, "baseline", lambda view: {"due": True, "window_s": 300.0, "history_s": 24 * HOUR})
    monkeypatch.setattr(step._instances, "unit_of", lambda context, agent, host: {"agent": agent})
    monkeypatch.setattr(step._instances, "nats_order", lambda *asked: {})
    made = step.ActionModule.__new__(step.ActionModule)
    made._context, made._task = context, SimpleNamespace(check_mode=False)
    order = made._baseline(context, {"attempt": 0})
    assert order["since"] == iso(at(1000 + 7 * HOUR - 24 * HOUR))
    # Of the day before, seven hours were skipped: all that hosts have of it lies before that moment.
    assert {look["since"] for look in order["looks"].values()} == {iso(at(1000 + 7 * HOUR - 24 * HOUR))}
    context.clock.skip_to(at(1000 + 30 * HOUR))
    order = made._baseline(context, {"attempt": 0})
    assert order["since"] == iso(at(1000 + 6 * HOUR))
    assert {look["since"] for look in order["looks"].values()} == {iso(at(1000))}
