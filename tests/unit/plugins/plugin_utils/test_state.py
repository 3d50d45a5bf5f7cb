# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rollout stands: a fold over recorded and told ledgers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import (
    GO,
    HOLD,
    NO_GO,
    ROLLBACK,
    RolloutState,
    fold,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, START, Story, at, records

ONE, REST = ALL_INSTANCES[:1], ALL_INSTANCES[1:]


def test_a_recorded_go() -> None:
    state = fold("wave1", records("wave1"))
    assert (state.outcome, state.finished, state.rehearsal, state.time_scale) == ("GO", True, True, 900.0)
    assert [(c.name, c.status, c.decision) for c in state.checkpoints.values()] == [
        ("T+1h", "taken", GO), ("T+3h", "taken", GO), ("T+6h", "taken", GO),
    ]  # fmt: skip
    assert sorted(state.proven()) == state.touched() == [f"nats-expert@dgx-{n}" for n in (1, 2, 3)]


def test_a_recorded_rollback() -> None:
    state = fold("wave2", records("wave2"))
    assert state.outcome == "ROLLED BACK"
    assert state.rolled_back is not None
    assert (state.rolled_back["complete"], state.rolled_back["left"]) == (True, [])
    assert sorted(state.touched()) == ALL_INSTANCES
    assert state.phases["network-expert"].soaked_at is not None


def _seen(state: RolloutState) -> tuple[object, ...]:
    return (state.outcome, state.finished, state.touched(), state.stopped("x"), state.deployed_at, vars(state))


@pytest.mark.parametrize("rollout", ["wave1", "wave2"])
def test_every_prefix_folds_the_same_each_time_and_touched_never_lacks_a_proven_one(rollout: str) -> None:
    """A run can be killed after any record."""
    recorded = records(rollout)
    for length in range(len(recorded) + 1):
        state = fold(rollout, recorded[:length])
        assert _seen(state) == _seen(fold(rollout, recorded[:length]))
        assert set(state.proven()) <= set(state.touched())


def skip(story: Story, seconds: float) -> Story:
    """As a run that skips its waits does it."""
    span = {"from": iso(at(story.now)), "to": iso(at(story.now + seconds))}
    return story.wait(seconds).add("clock.skipped", **span, **{"for": "a wait"})


def test_what_hosts_wait_for_comes_later_by_what_was_skipped() -> None:
    story = Story().prepared()
    names = {"phase": "network-expert", "confirm_within_s": 900.0}
    story.add("batch.started", hosts=["dgx-1"], instances=["network-expert@dgx-1"], **names)
    before = story.state().armed
    assert list(before) == ["dgx-1"]
    skip(story, 7200)
    story.add("batch.started", hosts=["dgx-2"], instances=["network-expert@dgx-2"], **names)
    armed = story.state().armed
    # It counts down in real time, so what is left of it is what was left; whoever began later is not touched.
    assert armed["dgx-1"] - before["dgx-1"] == timedelta(hours=2)
    assert armed["dgx-2"] == at(story.now + 900)
    both = skip(story, 60).state().armed
    assert {host: both[host] - armed[host] for host in both} == dict.fromkeys(["dgx-1", "dgx-2"], timedelta(seconds=60))


def test_what_was_skipped_since_a_moment_is_counted_from_there() -> None:
    story = Story().started(skips_waits=True)
    first = skip(story, 7200).now
    story.wait(100)
    skip(story, 600)
    state = story.state()
    assert state.skipped_since(START) == 7800
    # A moment within a skip, after the first, at the begin of the second, and after all.
    assert state.skipped_since(at(3601)) == 3600 + 600
    assert state.skipped_since(at(first)) == 600
    assert state.skipped_since(at(story.now)) == 0
    story.attempt = 2
    assert story.started().state().skipped_since(START) == 0


@pytest.mark.parametrize(
    ("start", "pace", "rehearsal"),
    [
        ({}, "", False),
        ({"skips_waits": True, "rehearsal": True}, "waits skipped", True),
        # As earlier versions wrote it.
        ({"time_scale": 900.0, "rehearsal": True}, "time scale 900", True),
        ({"time_scale": 1.0, "rehearsal": False}, "", False),
        ({"time_scale": 1.0, "rehearsal": True}, "", True),
        # Without the mark, which none of them left out.
        ({"skips_waits": True}, "waits skipped", True),
        ({"time_scale": 60.0}, "time scale 60", True),
    ],
)
def test_how_a_rollout_went_through_its_waits(start: dict[str, object], pace: str, rehearsal: bool) -> None:
    state = Story().started(**start).state()
    assert (state.pace, state.rehearsal) == (pace, rehearsal)


@given(st.data())
def test_any_selection_of_records_folds(data: st.DataObject) -> None:
    """Odd ledgers (two runs at once, steps by hand in an odd order) still have a state."""
    recorded = records("wave1") + records("wave2")
    chosen = data.draw(st.lists(st.sampled_from(recorded), max_size=12))
    _seen(fold("wave2", chosen))


def test_nothing_began() -> None:
    state = fold("wave2", [])
    assert (state.outcome, state.finished, state.touched(), state.stopped("any")) == ("NOT STARTED", False, [], None)


def test_a_hold_binds_only_the_run_that_met_it() -> None:
    story = Story().prepared().gate("verify", "verify-network-expert", HOLD)
    held = story.state()
    assert held.outcome == "HOLD"
    assert held.stopped("run-1") is not None
    assert held.stopped("run-2") is None
    assert story.another_run().state().outcome == "IN PROGRESS"


@pytest.mark.parametrize(("decision", "outcome"), [(NO_GO, "NO-GO"), (ROLLBACK, "ROLLBACK DUE")])
def test_a_verdict_about_the_agents_binds_every_run(decision: str, outcome: str) -> None:
    story = Story().both_phases().gate("checkpoint", "T+1h", decision).another_run()
    stop = story.state().stopped("run-2")
    assert stop is not None
    assert stop.decision == decision
    assert story.state().outcome == outcome


@pytest.mark.parametrize(("first", "then"), [(ROLLBACK, HOLD), (ROLLBACK, NO_GO), (NO_GO, HOLD)])
def test_a_weaker_stop_does_not_replace_a_stronger_one(first: str, then: str) -> None:
    """Two runs at once: the one that holds must not let the other's rollback be forgotten."""
    story = Story().both_phases().gate("checkpoint", "T+1h", first).gate("decision", "decision", then)
    stop = story.another_run().state().stop
    assert stop is not None
    assert stop.decision == first


def test_a_stronger_stop_replaces_a_weaker_one() -> None:
    stop = Story().both_phases().gate("verify", "v", HOLD).gate("checkpoint", "T+1h", ROLLBACK).state().stop
    assert stop is not None
    assert stop.decision == ROLLBACK


def test_a_gate_that_held_and_was_asked_again_is_counted_and_not_taken() -> None:
    story = Story().both_phases().gate("checkpoint", "T+1h", HOLD, stops=False)
    assert (story.state().checkpoint("T+1h").status, story.state().checkpoint("T+1h").holds) == ("open", 1)
    assert story.state().stopped("run-1") is None
    assert story.gate("checkpoint", "T+1h", GO).state().checkpoint("T+1h").status == "taken"


def test_parts_that_went_back_add_up() -> None:
    story = Story().both_phases().gate("checkpoint", "T+1h", ROLLBACK, scope="rollout", instances=ALL_INSTANCES)
    story.rolled_back(ALL_INSTANCES, restored=ONE)
    first = story.state()
    assert first.rolled_back is not None
    assert (first.outcome, first.rolled_back["left"]) == ("ROLLBACK INCOMPLETE", REST)
    assert not first.finished
    story.rolled_back(REST)
    last = story.state()
    assert last.rolled_back is not None
    assert (last.outcome, last.rolled_back["left"], last.finished) == ("ROLLED BACK", [], True)


def test_what_a_later_call_saw_bad_is_no_longer_back() -> None:
    story = Story().both_phases().rolled_back(ALL_INSTANCES)
    accounting = {"text": "", "bad": ONE}
    data = {
        "why": "again",
        "expected": ALL_INSTANCES,
        "restored": {instance: {} for instance in REST},
        "accounting": accounting,
    }
    state = story.add("rollback.done", **data).state()
    assert state.rolled_back is not None
    assert (state.outcome, state.rolled_back["left"]) == ("ROLLBACK INCOMPLETE", ONE)


def test_putting_one_host_back_again_does_not_make_an_incomplete_rollback_complete() -> None:
    """All that was ever to go back counts, not only what the last call was asked for."""
    story = Story().both_phases().rolled_back(ALL_INSTANCES, restored=ONE).rolled_back(ONE)
    assert story.state().outcome == "ROLLBACK INCOMPLETE"


def test_what_is_back_without_its_proof_is_told_apart_from_what_is_still_changed() -> None:
    def rolled_back(story: Story, back: list[str], unproven: list[str]) -> Story:
        story.rolled_back(ALL_INSTANCES, restored=back)
        story.records[-1].data["unproven"] = {name: {"reason": "log_line_missing", "message": ""} for name in unproven}
        return story

    story = rolled_back(Story().both_phases(), REST, ONE)
    state = story.state()
    assert state.rolled_back is not None
    assert (state.outcome, state.finished, list(state.rolled_back["unproven"])) == (
        "ROLLED BACK, NOT PROVEN",
        False,
        ONE,
    )
    assert rolled_back(story, REST[1:], REST[:1]).state().outcome == "ROLLBACK INCOMPLETE"
    assert rolled_back(story, ALL_INSTANCES, []).state().outcome == "ROLLED BACK"


def test_a_rolled_back_rollout_has_stopped_for_every_run() -> None:
    story = Story().both_phases().rolled_back(ALL_INSTANCES).another_run()
    stop = story.state().stopped("run-2")
    assert stop is not None
    assert stop.decision == ROLLBACK


def test_a_new_attempt_starts_from_nothing() -> None:
    story = Story().both_phases().rolled_back(ALL_INSTANCES)
    story.attempt = 2
    state = story.started().state()
    assert (state.attempt, state.outcome, state.touched(), state.backups, state.checkpoints, state.stop) == (
        2, "IN PROGRESS", [], {}, {}, None,
    )  # fmt: skip


def test_a_soak_counts_from_its_last_reset() -> None:
    story = Story().prepared().verified("network-expert")
    verified = story.state().phase("network-expert")
    assert verified.soak_from == verified.verified_at
    story.wait(600).add("soak.reset", phase="network-expert", **{"from": "2026-01-23T13:00:00+00:00"}, why="a gap")
    phase = story.state().phase("network-expert")
    assert phase.soak_from is not None
    assert (phase.soak_from.hour, phase.soak_resets, phase.soaked_at) == (13, 1, None)


def test_a_missed_checkpoint_is_recorded_and_says_who_accepted_it() -> None:
    story = Story().both_phases().add("checkpoint.missed", name="T+1h", planned_at="", late_s=1.0)
    assert story.state().checkpoint("T+1h").status == "missed"
    assert story.add("checkpoint.accepted", name="T+1h").state().checkpoint("T+1h").accepted_by == "me@here"
