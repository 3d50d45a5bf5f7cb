# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a status can know of the run that has a rollout, and whether a rollout that nobody is at work on needs a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _runner
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._runner import Runner, runner
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._situation import (
    Situation,
    block_lines,
    person_line,
    situation,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import fold

NOW = datetime(2026, 1, 23, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def lease(sign: float = 10.0, released: float | None = None, **more: Any) -> dict[str, Any]:
    return {
        "run": "r", "by": "alice@ctl", "job": "17", "since": ago(3600), "heartbeat": ago(sign), "expires_s": 1800.0, "silence_s": 600.0,
        "released": None if released is None else ago(released), **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "gone", "launched", "kind", "said"),
    [
        (None, None, False, _runner.NOBODY, "no run"),
        (lease(), False, False, _runner.ALIVE, "its process is there"),
        (lease(), True, False, _runner.GONE, "its process has ended in the middle of it"),
        # Another controller, a pod of AWX that is gone: nobody can know, and that is said.
        (lease(), None, False, _runner.AWAY, "can't be told from this machine"),
        (lease(599), None, False, _runner.AWAY, "can't be told from this machine"),
        (lease(601), None, False, _runner.QUIET, "no sign of life for 10m1s"),
        (lease(601), False, False, _runner.QUIET, "its process is there"),
        (lease(86400), False, False, _runner.QUIET, "its process is there"),
        (lease(1800), None, False, _runner.EXPIRED, "its lease has ended"),
        # A clock that was set back: in the future is no silence, and is said.
        (lease(-7200), None, False, _runner.AWAY, "2h ahead of this machine's clock"),
        (lease(-7200), True, False, _runner.GONE, "has ended"),
        (lease(released=60), None, False, _runner.RELEASED, "alice@ctl, ended at 2026-01-23 11:59:00Z"),
        (lease(released=60), None, True, _runner.LAUNCHED, "the last launch"),
        (lease(released=901), None, True, _runner.RELEASED, "ended at"),
        # Of an earlier version.
        ({key: value for key, value in lease(899).items() if key != "silence_s"}, None, False, _runner.AWAY, "alice@ctl"),
    ],
)  # fmt: skip
def test_what_can_be_known(
    given: dict[str, Any] | None, gone: bool | None, launched: bool, kind: str, said: str
) -> None:
    seen = runner(given, NOW, gone, launched)
    assert seen.kind == kind
    assert said in seen.text
    assert seen.works == (kind in (_runner.ALIVE, _runner.AWAY, _runner.LAUNCHED))


def records(*more: tuple[str, dict[str, Any]], confirm_s: float = 900.0) -> list[Record]:
    """A first batch that waits for its confirmation, changed a minute ago."""
    batch = {"phase": "p", "hosts": ["edge-1"], "instances": ["a@edge-1"], "confirm_within_s": confirm_s}
    kinds = [("rollout.started", {"hosts": ["edge-1"], "agents": ["a"]}), ("batch.started", batch), *more]
    return [
        Record(
            seq=number,
            at=ago(60),
            rollout="r",
            attempt=1,
            run="run",
            by="alice@ctl",
            kind=kind,
            data=data,
            prev="",
            hash="",
        )
        for number, (kind, data) in enumerate(kinds, start=1)
    ]


def seen(at_work: Runner | None, *more: tuple[str, dict[str, Any]], confirm_s: float = 900.0) -> Situation:
    told = records(*more, confirm_s=confirm_s)
    return situation(fold("r", told), told, NOW, runner=at_work)


@pytest.mark.parametrize(
    ("given", "gone", "what"),
    [
        (
            lease(),
            True,
            [
                "has ended in the middle of it",
                "edge-1 puts itself back unless confirmed, in 14m",
                "start the same command again",
            ],
        ),
        (lease(3600), None, ["nobody can be seen at work", "its lease has ended", "edge-1 puts itself back"]),
        (lease(700), None, ["nobody can be seen at work", "rollout_takeover=true", "edge-1 puts itself back"]),
        (lease(700), False, ["nobody can be seen at work", "its process is there"]),
        (lease(released=30), None, ["nobody is at work on it", "edge-1 puts itself back"]),
        (None, None, ["nobody is at work on it", "edge-1 puts itself back"]),
    ],
)
def test_a_rollout_that_nobody_is_at_work_on_needs_a_person_while_guards_run_out(
    given: dict[str, Any] | None, gone: bool | None, what: list[str]
) -> None:
    last = person_line(seen(runner(given, NOW, gone)))
    assert "NEEDS A PERSON" in last
    for words in [*what, "rollback.yml -e rollout=r"]:
        assert words in last, last


@pytest.mark.parametrize(("given", "gone"), [(lease(), False), (lease(), None)])
def test_one_that_somebody_works_at_needs_none_until_a_host_was_not_confirmed(
    given: dict[str, Any], gone: bool | None
) -> None:
    at_work = runner(given, NOW, gone)
    assert person_line(seen(at_work)) == "r: nothing needs a person"
    late = person_line(seen(at_work, confirm_s=30.0))
    assert "NEEDS A PERSON" in late and "edge-1 was to be confirmed by" in late


def test_between_two_steps_nothing_presses_where_no_host_waits() -> None:
    confirmed = ("guard.confirmed", {"hosts": ["edge-1"], "state": "confirmed"})
    told = records(confirmed)
    state = fold("r", told)
    state.armed.clear()
    for given in (lease(released=30), None):
        view = situation(state, told, NOW, runner=runner(given, NOW, None))
        assert person_line(view) == "r: nothing needs a person"
    # A run that was killed is another matter.
    assert "NEEDS A PERSON" in person_line(situation(state, told, NOW, runner=runner(lease(), NOW, True)))


def test_a_hold_says_that_guards_run_out() -> None:
    held = ("gate.decided", {"gate": "verify", "name": "verify-p", "decision": "hold", "why": "w", "stops": True})
    last = person_line(seen(runner(lease(released=10), NOW, None), held))
    assert "it holds" in last and "edge-1 puts itself back" in last


def test_a_rollout_that_has_ended_has_no_run() -> None:
    view = seen(runner(lease(), NOW, True), ("decision.made", {"decision": "go", "why": "w"}))
    assert person_line(view) == "r: nothing needs a person"
    assert not any(line.strip().startswith("run ") for line in block_lines(view))


def test_who_runs_it_is_a_line() -> None:
    shown = [line for line in block_lines(seen(runner(lease(), NOW, None))) if line.strip().startswith("run ")]
    assert len(shown) == 1 and "alice@ctl since" in shown[0] and "last sign of life 2026-01-23 11:59:50Z" in shown[0]
    # A run that shows itself says nothing of itself.
    assert not any(line.strip().startswith("run ") for line in block_lines(seen(None)))
