# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which step is due: every rule of the order of a rollout, asked at moments of a told story."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _orders
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._orders import Refused, View
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import GO, HOLD, NO_GO, ROLLBACK
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, HOSTS, HOUR, Story, at, plan

FORWARD: dict[str, Callable[[View], dict[str, Any]]] = {
    "preflight": _orders.preflight,
    "baseline": _orders.baseline,
    "backup": _orders.backup,
    "deploy": lambda view: _orders.deploy(view, "network-expert"),
    "verify": lambda view: _orders.verify(view, "network-expert"),
    "soak": lambda view: _orders.soak(view, "network-expert"),
    "approach": lambda view: _orders.approach(view, "T+1h"),
    "checkpoint": lambda view: _orders.checkpoint(view, "T+1h"),
    "decide": _orders.decide,
}


def anything(instance: str) -> bool:
    return True


# ---------------------------------------------------------------- stops


@pytest.mark.parametrize("step", list(FORWARD))
@pytest.mark.parametrize("decision", [HOLD, NO_GO, ROLLBACK])
def test_nothing_goes_forward_in_a_run_that_was_stopped(step: str, decision: str) -> None:
    order = FORWARD[step](Story().prepared().gate("look", "look", decision, "it is bad").view())
    assert (order["due"], order["stopped_by"]) == (False, "it is bad")


@pytest.mark.parametrize("step", list(FORWARD))
def test_nothing_goes_forward_after_the_decision_or_a_rollback(step: str) -> None:
    decided = Story().both_phases().add("decision.made", decision=GO, why="good").view()
    assert "was decided GO at 2026-01-23" in FORWARD[step](decided)["why"]
    back = Story().both_phases().rolled_back(ALL_INSTANCES).another_run().view()
    assert not FORWARD[step](back)["due"]


@pytest.mark.parametrize("step", [name for name in FORWARD if name not in ("preflight", "backup", "deploy")])
def test_check_mode_neither_measures_nor_waits_nor_decides(step: str) -> None:
    order = FORWARD[step](Story().prepared().view(check=True))
    assert (order["due"], order["why"].startswith("check mode")) == (False, True)


# ---------------------------------------------------------------- before the change


def test_preflight_is_asked_again_until_something_was_touched() -> None:
    assert _orders.preflight(Story().started().view())["look_back_s"] == 300
    assert _orders.preflight(Story().prepared().view())["due"]
    touched = _orders.preflight(Story().prepared().batch("network-expert", "dgx-1").view())
    assert "goes on where it was" in touched["why"]


@pytest.mark.parametrize("step", ["baseline", "backup"])
def test_nothing_is_prepared_before_preflight_passed(step: str) -> None:
    with pytest.raises(Refused, match=r"wave2: preflight has not passed\..*playbooks/preflight.yml -e rollout=wave2"):
        FORWARD[step](Story().started().view())


def test_what_is_prepared_already_is_not_due() -> None:
    view = Story().prepared().view()
    assert "taken at" in _orders.baseline(view)["why"]
    assert "every host has its backup in /b" in _orders.backup(view)["why"]


def test_a_backup_is_due_while_one_host_lacks_it() -> None:
    story = Story(hosts=HOSTS[:2]).prepared()
    order = _orders.backup(story.view(hosts=HOSTS))
    assert (order["due"], order["agents"]) == (True, ["network-expert", "tdd-expert"])
    assert order["directory"].endswith("sprint5_wave2_pre")


# ---------------------------------------------------------------- deploy


@pytest.mark.parametrize(
    ("left_out", "said"),
    [("preflight.passed", "preflight has not passed"), ("backup.done", "there is no backup of dgx-1"), ("baseline.taken", "no baseline")],
)  # fmt: skip
def test_no_batch_before_what_must_come_first(left_out: str, said: str) -> None:
    story = Story().prepared()
    story.records = [record for record in story.records if record.kind != left_out]
    with pytest.raises(Refused, match=said):
        _orders.deploy(story.view(), "network-expert")


def test_no_second_phase_before_the_first_is_verified_and_has_soaked() -> None:
    with pytest.raises(Refused, match=r"phase network-expert is not deployed and verified.*phase=network-expert"):
        _orders.deploy(Story().prepared().deployed("network-expert").view(), "tdd-expert")
    with pytest.raises(Refused, match="phase network-expert has not soaked"):
        _orders.deploy(Story().prepared().verified("network-expert").wait(99 * HOUR).view(), "tdd-expert")
    assert _orders.deploy(Story().prepared().soaked("network-expert").view(), "tdd-expert")["due"]


def test_a_batch_that_is_proven_is_not_changed_again() -> None:
    story = Story().prepared().batch("network-expert", "dgx-1")
    again = _orders.deploy(story.view(batch=["dgx-1"]), "network-expert")
    assert (again["due"], again["why"]) == (False, "phase network-expert is proven on dgx-1")
    both = _orders.deploy(story.view(batch=["dgx-1", "dgx-2"]), "network-expert")
    assert both["instances"] == ["network-expert@dgx-2"]


def test_a_batch_that_was_begun_and_not_proven_is_due_again() -> None:
    """A run was killed between the two records: what is left to do is done, what was touched stays known."""
    story = (
        Story()
        .prepared()
        .add("batch.started", phase="network-expert", hosts=["dgx-1"], instances=["network-expert@dgx-1"])
    )
    assert _orders.deploy(story.view(), "network-expert")["instances"] == ["network-expert@dgx-1"]
    assert story.state().touched() == ["network-expert@dgx-1"]


def test_the_stagger_counts_from_the_batch_before_and_only_between_hosts() -> None:
    story = Story().prepared()
    assert _orders.deploy(story.view(), "network-expert")["looks"] == []
    done = story.batch("network-expert", "dgx-1").now
    order = _orders.deploy(story.view(batch=["dgx-2"]), "network-expert")
    assert [look["at"] for look in order["looks"]] == [iso(at(done + 30))]
    assert "30s" in order["looks"][0]["label"]
    phases = plan().to_dict()["phases"]
    for stagger, looks in (("1s", 1), ("10ms", 0)):
        short = plan(phases=[{**phase, "stagger": stagger} for phase in phases])
        # One of next to nothing is no wait, and nothing could be seen in it.
        assert len(_orders.deploy(story.view(short, batch=["dgx-2"]), "network-expert")["looks"]) == looks


def test_check_mode_shows_a_deployment_without_its_prerequisites() -> None:
    assert _orders.deploy(Story().started().view(check=True), "tdd-expert")["due"]


# ---------------------------------------------------------------- verify and soak


def test_a_phase_is_verified_once_it_is_deployed_on_every_host() -> None:
    story = Story().prepared().batch("network-expert", "dgx-1")
    with pytest.raises(_orders.Refused, match="not deployed on network-expert@dgx-2, network-expert@dgx-3"):
        _orders.verify(story.view(), "network-expert")
    story = Story().prepared().deployed("network-expert")
    order = _orders.verify(story.view(), "network-expert")
    assert (order["due"], order["window_s"], order["deadline"]) == (True, 60, iso(at(story.now + 600)))
    assert (
        "was verified at"
        in _orders.verify(Story().prepared().verified("network-expert").view(), "network-expert")["why"]
    )


def test_a_soak_runs_for_the_plans_time_and_its_last_look_closes_it() -> None:
    story = Story().prepared().verified("network-expert")
    order = _orders.soak(story.view(), "network-expert")
    assert order["until"] == iso(at(story.now + 2 * HOUR))
    looks = order["looks"]
    assert len(looks) == 24
    assert [look["last"] for look in looks] == [False] * 23 + [True]
    assert looks[-1]["at"] == order["until"]
    story.wait(600).add("soak.reset", phase="network-expert", **{"from": iso(at(story.now))}, why="a gap")
    assert _orders.soak(story.view(), "network-expert")["until"] == iso(at(story.now - 1 + 2 * HOUR))


def test_a_soak_is_not_due_before_verification_after_its_end_or_where_there_is_none() -> None:
    with pytest.raises(_orders.Refused, match="not verified"):
        _orders.soak(Story().prepared().view(), "network-expert")
    assert "has soaked" in _orders.soak(Story().prepared().soaked("network-expert").view(), "network-expert")["why"]
    assert "no soak" in _orders.soak(Story().both_phases().view(), "tdd-expert")["why"]


@given(seconds=st.floats(0, 3 * 86400), every=st.sampled_from(["5s", "5m", "1h"]))
def test_looks_are_in_order_end_on_time_and_are_never_crowded(seconds: float, every: str) -> None:
    story = Story().prepared().verified("network-expert").wait(seconds)
    order = _orders.soak(story.view(_WATCH[every]), "network-expert")
    moments = [parse_iso(look["at"]) for look in order["looks"]]
    assert moments == sorted(moments)
    assert moments[-1] == parse_iso(order["until"])
    gaps = [(b - a).total_seconds() for a, b in pairwise(moments)]
    assert all(gap >= _WATCH[every].watch.every / 2 for gap in gaps)


_WATCH = {every: plan(watch={"every": every}) for every in ("5s", "5m", "1h")}


# ---------------------------------------------------------------- checkpoints


def at_hour(hours: float, **more: Any) -> View:
    story = Story().both_phases()
    return story.view(now=at(story.now - 1 + hours * HOUR), **more)


def test_a_checkpoint_counts_from_the_last_phase() -> None:
    view = Story().prepared().soaked("network-expert").view()
    with pytest.raises(_orders.Refused, match="which is not deployed and verified"):
        _orders.checkpoint(view, "T+1h")
    assert "is due at" in _orders.checkpoint(at_hour(0.9), "T+1h")["why"]
    order = _orders.checkpoint(at_hour(1), "T+1h")
    assert (order["due"], order["missed"], order["late_s"], order["window_s"]) == (True, False, 0.0, 300)


def test_checkpoints_come_in_order() -> None:
    # Only of one that held, before the clock went back: any other is not due before it makes the ones before it missed.
    held = Story().both_phases().wait(6.1 * HOUR).gate("checkpoint", "T+6h", HOLD, stops=False)
    with pytest.raises(_orders.Refused, match=r"checkpoint T\+1h comes before T\+6h"):
        _orders.checkpoint(held.view(now=at(held.now - 0.5 * HOUR)), "T+6h")
    late = _orders.checkpoint(at_hour(8), "T+6h")
    assert (late["due"], [missed["name"] for missed in late["missed_before"]]) == (True, ["T+1h"])


def test_a_further_checkpoint_is_taken_once() -> None:
    story = Story().both_phases().wait(HOUR)
    assert _orders.checkpoint(story.view(), "T+36h", follow_up=True)["due"]
    taken = story.gate("checkpoint", "T+36h", GO)
    assert "was taken" in _orders.checkpoint(taken.view(), "T+36h", follow_up=True)["why"]


def test_a_soak_that_nobody_watched_is_told() -> None:
    story = Story().prepared().verified("network-expert")
    assert _orders.soak(story.view(), "network-expert")["unwatched_s"] == 0
    assert _orders.soak(story.wait(HOUR).view(), "network-expert")["unwatched_s"] > HOUR - 60


@pytest.mark.parametrize(
    ("before", "skipped", "after", "unwatched"),
    [
        (0, HOUR, 0, 0),
        (300, 2 * HOUR, 200, 0),
        # A pause is one, also where waits are skipped: between runs, or of this machine.
        (0, HOUR, HOUR, HOUR),
        (HOUR, HOUR, 0, HOUR),
        (400, HOUR, 400, 800),
    ],
)
def test_what_a_rehearsal_skipped_of_a_soak_was_not_left_unwatched(
    before: float, skipped: float, after: float, unwatched: float
) -> None:
    story = Story().prepared().verified("network-expert").wait(before)
    span = {"from": iso(at(story.now)), "to": iso(at(story.now + skipped))}
    story.wait(skipped).add("clock.skipped", **span, **{"for": "the soak"}).wait(after)
    seen = _orders.soak(story.view(looks_per_wait=2), "network-expert")["unwatched_s"]
    # Each record takes a second.
    assert unwatched <= seen <= unwatched + 3


def test_a_wait_that_is_skipped_has_so_many_looks_and_never_more_than_the_plan_says() -> None:
    story = Story().prepared().verified("network-expert")
    for looks, seen in ((1, 1), (2, 2), (5, 5), (24, 24), (1000, 24)):
        assert len(_orders.soak(story.view(looks_per_wait=looks), "network-expert")["looks"]) == seen


def test_a_checkpoint_is_taken_once() -> None:
    story = Story().both_phases().wait(HOUR).gate("checkpoint", "T+1h", GO)
    assert "T+1h was taken" in _orders.checkpoint(story.view(), "T+1h")["why"]
    assert _orders.approach(story.view(), "T+1h")["why"] == "T+1h is taken"


def test_a_late_checkpoint_says_so_and_one_whose_follower_is_due_is_missed() -> None:
    late = _orders.checkpoint(at_hour(3), "T+1h")
    assert (late["due"], late["missed"], late["late_s"]) == (True, False, 2 * HOUR)
    assert _orders.checkpoint(at_hour(6), "T+1h")["missed"]
    assert not _orders.checkpoint(at_hour(5.99), "T+1h")["missed"]


def test_a_checkpoint_that_held_stays_due_when_the_clock_goes_back() -> None:
    held = Story().both_phases().wait(HOUR).gate("checkpoint", "T+1h", HOLD, stops=False)
    view = held.view(now=at(held.now - 600))
    order = _orders.checkpoint(view, "T+1h")
    assert (order["due"], order["late_s"]) == (True, 0.0)
    assert _orders.approach(view, "T+1h")["why"] == "T+1h was due, and held"


def test_the_last_checkpoint_is_late_and_never_missed() -> None:
    order = _orders.checkpoint(at_hour(240), "T+24h")
    assert (order["due"], order["missed"], order["late_s"]) == (True, False, 216 * HOUR)


def test_the_way_to_a_checkpoint_is_watched_to_its_end() -> None:
    order = _orders.approach(at_hour(0.5), "T+1h")
    assert [look["last"] for look in order["looks"]] == [False] * 5 + [True]
    assert [look["number"] for look in order["looks"]] == [1, 2, 3, 4, 5, 6]
    assert [look.get("next_at") for look in order["looks"]] == [*(look["at"] for look in order["looks"][1:]), None]
    assert _orders.approach(at_hour(1), "T+1h")["why"] == "T+1h is due"
    assert not _orders.approach(Story().prepared().view(), "T+1h")["due"]


# ---------------------------------------------------------------- the decision


def with_checkpoints(*names: str) -> Story:
    story = Story().both_phases()
    for name in names:
        story.gate("checkpoint", name, GO)
    return story


def test_go_needs_every_phase_and_every_checkpoint() -> None:
    order = _orders.decide(with_checkpoints("T+1h", "T+6h", "T+12h", "T+24h").view())
    assert (order["decision"], order["reason"]) == (
        GO,
        "all phases verified, checkpoints T+1h, T+6h, T+12h, T+24h passed",
    )


@pytest.mark.parametrize(
    ("story", "said"),
    [
        (Story().prepared(), "phase network-expert is not deployed and verified"),
        (Story().prepared().verified("network-expert").verified("tdd-expert"), "phase network-expert has not soaked"),
        (with_checkpoints("T+1h", "T+6h", "T+12h"), "checkpoint T+24h is not taken"),
        (
            with_checkpoints("T+1h", "T+12h", "T+24h").add("checkpoint.missed", name="T+6h"),
            "rollout_accept_missed=T+6h",
        ),
    ],
    ids=["phases", "soak", "open", "missed"],
)
def test_anything_that_is_missing_holds_and_is_named(story: Story, said: str) -> None:
    order = _orders.decide(story.view())
    assert order["decision"] == HOLD
    assert said in order["reason"]


def test_a_missed_checkpoint_that_a_person_accepted_is_no_hindrance_and_not_called_passed() -> None:
    story = with_checkpoints("T+1h", "T+12h", "T+24h").add("checkpoint.missed", name="T+6h")
    order = _orders.decide(story.add("checkpoint.accepted", name="T+6h").view())
    assert order["decision"] == GO
    assert "T+6h" not in order["reason"].split(", ")


# ---------------------------------------------------------------- rollback


def rollback(story: Story, forced: bool = False, chosen: Callable[[str], bool] = anything) -> dict[str, Any]:
    return _orders.rollback(story.state(), forced=forced, why="", chosen=chosen)


def test_nothing_goes_back_by_itself_without_a_decision() -> None:
    for decision in (HOLD, NO_GO):
        assert not rollback(Story().both_phases().gate("checkpoint", "T+1h", decision))["due"]
    assert "no instance was touched" in rollback(Story().prepared(), forced=True)["why"]


def test_a_decision_takes_back_its_scope_a_person_all_that_was_touched() -> None:
    whole = Story().both_phases().gate("checkpoint", "T+1h", ROLLBACK, scope="rollout", instances=ALL_INSTANCES)
    assert rollback(whole)["instances"] == ALL_INSTANCES
    story = Story().both_phases().gate("checkpoint", "T+1h", ROLLBACK, scope="phase", instances=ALL_INSTANCES[3:])
    assert rollback(story)["instances"] == ALL_INSTANCES[3:]
    assert rollback(story, forced=True)["instances"] == ALL_INSTANCES
    assert rollback(story, forced=True, chosen=lambda name: name.endswith("@dgx-2"))["instances"] == [
        "network-expert@dgx-2", "tdd-expert@dgx-2",
    ]  # fmt: skip


def test_a_batch_that_was_only_begun_goes_back_as_well() -> None:
    story = Story().prepared().batch("network-expert", "dgx-1", proven=False)
    story.gate("deploy", "network-expert", ROLLBACK, scope="rollout", instances=[])
    assert rollback(story)["instances"] == ["network-expert@dgx-1"]


def test_a_rollback_that_is_done_is_not_due_and_an_incomplete_one_is() -> None:
    story = Story().both_phases().gate("checkpoint", "T+1h", ROLLBACK, scope="rollout", instances=ALL_INSTANCES)
    assert rollback(story.rolled_back(ALL_INSTANCES, restored=ALL_INSTANCES[:2]))["due"]
    assert not rollback(story.rolled_back(ALL_INSTANCES))["due"]
    assert rollback(story, forced=True)["due"]


def test_a_persons_rollback_of_one_host_leaves_the_rest_of_the_decision_due() -> None:
    """The gate wanted all of it back: one host put back by hand does not settle that."""
    story = Story().both_phases().gate("checkpoint", "T+1h", ROLLBACK, scope="rollout", instances=ALL_INSTANCES)
    assert rollback(story.rolled_back(ALL_INSTANCES[:1]))["due"]


# ---------------------------------------------------------------- what must have happened before


def wave1(**start: Any) -> Story:
    """Wave 1 to its GO: deployed, checkpoints over six hours, decided."""
    story = Story("wave1").started(**start).batch("nats-expert", "dgx-1", complete=True)
    story.gate("verify", "verify-nats-expert", GO, phase="nats-expert")
    for name, hours in (("T+1h", 1), ("T+3h", 2), ("T+6h", 3)):
        story.wait(hours * HOUR).gate("checkpoint", name, GO)
    return story.add("decision.made", decision=GO, why="good")


def problems(other: Story, later: float, rehearsal: bool = False, rollout: str = "wave2") -> list[str]:
    view = Story(rollout).started().view(plan(rollout), now=at(other.now + later))
    return _orders.needs_problems(view, other.state(), [other.state()], rehearsal)


def test_wave_2_may_start_after_wave_1s_go_and_within_a_day() -> None:
    assert problems(wave1(), 60) == []
    assert problems(wave1(), 24 * HOUR) == []
    (late,) = problems(wave1(), 24 * HOUR + 1)
    assert "may start until 24h after decided of wave1" in late
    assert "Run wave1 again" in late


def test_wave_2_may_not_start_too_early() -> None:
    early = wave1()
    view = Story("wave2").started().view(now=at(HOUR))
    (problem,) = _orders.needs_problems(view, early.state(), [early.state()], False)
    assert "may start 6h after deployed of wave1" in problem


def test_a_plan_that_needs_nothing_has_no_problems() -> None:
    view = Story("wave1").started().view(plan("wave1"))
    assert _orders.needs_problems(view, Story("x").state(), [], False) == []


@pytest.mark.parametrize(
    ("other", "outcome"),
    [
        (Story("wave1"), "NOT STARTED"),
        (Story("wave1").started(), "IN PROGRESS"),
        (Story("wave1").prepared().gate("checkpoint", "T+1h", HOLD), "HOLD"),
        (Story("wave1").prepared().gate("checkpoint", "T+1h", NO_GO), "NO-GO"),
        (wave1().started(), "IN PROGRESS"),
        (wave1().rolled_back(["nats-expert@dgx-1"]), "ROLLED BACK"),
    ],
    ids=["never", "open", "held", "no-go", "begun anew", "rolled back after its GO"],
)
def test_only_a_go_that_still_stands_counts(other: Story, outcome: str) -> None:
    (problem,) = problems(other, 60)
    assert problem.startswith(f"needs wave1 with decision GO; seen: {outcome}")


@pytest.mark.parametrize("start", [{"time_scale": 900.0}, {"rehearsal": True}, {"skips_waits": True}])
def test_a_rehearsals_go_never_counts_for_production(start: dict[str, Any]) -> None:
    (problem,) = problems(wave1(**start), 60)
    assert "the GO of a rehearsal" in problem
    assert problems(wave1(**start), 60, rehearsal=True) == []


def test_test_data_is_what_was_watched_over_the_whole_chain() -> None:
    def chain(hours: float) -> list[str]:
        first, second = wave1(), Story("wave2").both_phases()
        second.wait(hours * HOUR).gate("checkpoint", "T+24h", GO).add("decision.made", decision=GO, why="")
        view = Story("wave3").started().view(plan("wave3"), now=at(second.now + 60))
        return _orders.needs_problems(view, second.state(), [second.state(), first.state()], False)

    assert chain(41) == []
    (problem,) = chain(24)
    assert "needs 2d of test data" in problem
    assert "-e checkpoint=T+36h" in problem


def test_a_look_after_the_decision_that_was_bad_is_no_test_data() -> None:
    other = wave1().wait(100 * HOUR).gate("checkpoint", "T+106h", ROLLBACK, stops=False)
    assert _orders._measured_s(other.state()) < 7 * HOUR


def test_check_mode_waits_for_no_stagger_and_takes_no_look_in_it() -> None:
    story = Story().prepared().batch("network-expert", "dgx-1")
    open_ = {"batch": HOSTS[1:2]}
    waiting = _orders.deploy(story.view(**open_), "network-expert")
    assert waiting["looks"]
    asked = _orders.deploy(story.view(**open_, check=True), "network-expert")
    assert (asked["instances"], asked["looks"], asked["wait_until"]) == (["network-expert@dgx-2"], [], None)
