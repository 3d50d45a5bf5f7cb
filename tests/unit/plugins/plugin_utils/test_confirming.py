# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When hosts are told that their change is good, how long they wait for it, and what happens when nobody tells them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _confirming, _orders
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._confirm_time import batches
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan, PlanError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, HOSTS, HOUR, Story, at, plan

FIRST = "network-expert"


def armed(story: Story, phase: str = FIRST, hosts: list[str] = HOSTS, within: float = 900.0) -> Story:
    for host in hosts:
        story.add("batch.started", phase=phase, hosts=[host], instances=[f"{phase}@{host}"], confirm_within_s=within)
        proof = {f"{phase}@{host}": {"since": "2026-01-23T12:00:00+00:00", "invocation_id": "x"}}
        done = {"hosts": [host], "proven": proof, "phase_complete": host == HOSTS[-1], "accounting": {"text": "x"}}
        story.add("batch.done", phase=phase, **done)
    return story


def verified(story: Story, phase: str = FIRST) -> Story:
    return story.gate("verify", f"verify-{phase}", "go", phase=phase)


def soak_plan(**more: Any) -> Plan:
    return plan(rollback={"confirm": "after_soak", "when": [], "on": ["failed_phase", "failed_checkpoint"], **more})


# ---------------------------------------------------------------- whom, when


def test_nobody_is_told_before_the_phase_has_passed_verify() -> None:
    story = armed(Story().prepared())
    order = _confirming.confirmation(story.view())
    assert (order["due"], order["why"]) == (False, "phase network-expert is not verified")
    order = _confirming.confirmation(verified(story).view())
    assert (order["due"], order["state"], order["hosts"]) == (True, "confirmed", HOSTS)


def test_who_was_told_is_not_told_again() -> None:
    story = verified(armed(Story().prepared())).add("guard.confirmed", hosts=HOSTS[:2], confirm_within_s=None)
    assert _confirming.confirmation(story.view())["hosts"] == HOSTS[2:]
    story.add("guard.confirmed", hosts=HOSTS[2:], confirm_within_s=None)
    assert _confirming.confirmation(story.view())["why"] == "no host waits for a confirmation"


def test_a_ledger_without_guards_and_a_shadow_have_nobody_to_tell() -> None:
    assert not _confirming.confirmation(Story().both_phases().view())["due"]
    assert not _confirming.confirmation(verified(armed(Story().prepared())).view(check=True))["due"]


def test_a_stopped_rollout_tells_nobody() -> None:
    story = verified(armed(Story().prepared())).gate("look", "look", "rollback", "bad", scope="rollout")
    assert not _confirming.confirmation(story.view())["due"]


def test_after_soak_looks_renew_until_the_soak_is_over() -> None:
    story = verified(armed(Story().prepared()))
    order = _confirming.confirmation(story.view(soak_plan()))
    assert (order["state"], order["hosts"], order["within_s"]) == ("renewed", HOSTS, 900.0)
    assert _confirming.renews(story.view(soak_plan()))
    assert not _confirming.renews(story.view())
    story.wait(800).add("guard.renewed", hosts=HOSTS, confirm_within_s=900.0)
    assert story.state().armed["dgx-1"] > at(1600)
    story.wait(2 * HOUR).add("soak.done", phase=FIRST)
    assert _confirming.confirmation(story.view(soak_plan()))["state"] == "confirmed"


def test_a_phase_without_a_soak_is_confirmed_after_verify_also_then() -> None:
    story = Story().prepared().soaked(FIRST)
    verified(armed(story, "tdd-expert"), "tdd-expert")
    assert _confirming.confirmation(story.view(soak_plan()))["state"] == "confirmed"


def test_no_go_while_a_host_waits() -> None:
    story = Story().prepared().soaked(FIRST)
    verified(armed(story, "tdd-expert"), "tdd-expert")
    for name in ("T+1h", "T+6h", "T+12h", "T+24h"):
        story.gate("checkpoint", name, "go")
    order = _orders.decide(story.view())
    assert (order["decision"], "dgx-1, dgx-2, dgx-3 still waits" in order["reason"]) == ("hold", True)
    story.add("guard.confirmed", hosts=HOSTS, confirm_within_s=None)
    assert _orders.decide(story.view())["decision"] == "go"


# ---------------------------------------------------------------- how long


@pytest.mark.parametrize(
    ("serial", "hosts", "count"),
    [(1, 3, 3), (2, 3, 2), (9, 3, 1), ("100%", 50, 1), ("25%", 8, 4), ("1%", 3, 3), ([1, 10, "50%"], 50, 4), ([3, 10, 15], 43, 4)],
)  # fmt: skip
def test_batches_as_ansible_makes_them(serial: Any, hosts: int, count: int) -> None:
    assert batches(serial, hosts) == count


@pytest.mark.parametrize(
    ("serial", "hosts", "done", "left"),
    [(1, 3, 0, 3), (1, 3, 2, 1), ([1, 2], 3, 1, 1), ("25%", 8, 2, 3), ([1, 10, "50%"], 50, 11, 2), (2, 3, 1, 2), (1, 3, 3, 0)],
)  # fmt: skip
def test_batches_that_are_left(serial: Any, hosts: int, done: int, left: int) -> None:
    assert batches(serial, hosts, done) == left


def test_the_first_host_waits_long_enough_for_the_whole_phase() -> None:
    shipped = plan()
    assert _confirming.within_s(shipped, FIRST, 3) == 900.0
    # 100 hosts one after the other: 100 x 30 s to be ready, 99 x 30 s of stagger, 10 min and 1 min of verify, 1 min of our own.
    assert _confirming.within_s(shipped, FIRST, 100) == 100 * 30 + 99 * 30 + 600 + 60 + 60
    assert _confirming.within_s(plan(rollback={"confirm_within": "1h", "when": [], "on": []}), FIRST, 3) == 3600.0


def test_the_looks_of_a_soak_come_often_enough() -> None:
    with pytest.raises(PlanError, match="twice watch"):
        soak_plan(confirm_within="9m")
    soak_plan(confirm_within="10m")


def test_the_looks_in_a_freeze_come_often_enough() -> None:
    def frozen(within: str) -> Plan:
        rollback = {"confirm_within": within, "when": [], "on": []}
        freeze = [{"name": "night", "begin": "18:00", "end": "08:00"}]
        return plan(watch={"every": "20m", "requests": 1}, freeze=freeze, rollback=rollback)

    with pytest.raises(PlanError, match="twice watch"):
        frozen("39m")
    frozen("40m")


def test_looks_that_renew_outlast_one_that_is_missed() -> None:
    rare = {"every": "20m", "requests": 1}
    assert _confirming.within_s(soak_plan(), FIRST, 3) == 900.0
    after_soak = plan(watch=rare, rollback={"confirm": "after_soak", "when": [], "on": []})
    assert _confirming.within_s(after_soak, FIRST, 3) == 2 * 1200 + 60
    frozen = plan(watch=rare, freeze=[{"name": "night", "begin": "18:00", "end": "08:00"}])
    assert _confirming.within_s(frozen, FIRST, 3) == 2 * 1200 + 60


def test_what_is_launched_again_and_again_waits_for_launches() -> None:
    shipped = plan()
    # 3 batches, 4 looks at the gate; each launch may be 10 minutes after the one before.
    waits = 3 * 30 + 2 * 30 + 600 + 60 + 60
    assert _confirming.within_s(shipped, FIRST, 3, tick=True) == waits + (3 + 4) * 600
    assert _confirming.too_short_for_launches(shipped, 3) == ""
    short = plan(rollback={"confirm_within": "1h", "when": [], "on": []})
    assert "rollback.confirm_within is 1h" in _confirming.too_short_for_launches(short, 3)
    assert "rollout_wait=true" in _confirming.too_short_for_launches(short, 3)
    assert _confirming.too_short_for_launches(plan(rollback={"confirm_within": "3h", "when": [], "on": []}), 3) == ""


# ---------------------------------------------------------------- while a batch waits


def test_a_stagger_that_the_phase_needs_renews_nothing() -> None:
    story = armed(Story().prepared(), hosts=HOSTS[:1])
    assert _confirming.renewal(story.view(), at(story.now + 30), last=True) == {}
    assert _confirming.renewal(story.view(), at(story.now + 86400), last=False) == {}


def test_one_that_comes_to_its_end_is_renewed_and_the_last_look_renews_what_the_rest_needs() -> None:
    story = armed(Story().prepared(), hosts=HOSTS[:2])
    order = _confirming.renewal(story.wait(300).view(), at(story.now + 86400), last=False)
    assert (order["state"], order["hosts"], order["within_s"]) == ("renewed", HOSTS[:2], 900.0 + 2 * 5)
    # 30 s for the last batch, 10 min and 1 min of verify, 1 min of our own.
    fresh = armed(Story().prepared(), hosts=HOSTS[:2])
    latest = min(fresh.state().armed.values()) - timedelta(seconds=30 + 600 + 60 + 60)
    assert _confirming.renewal(fresh.view(), latest, last=True) == {}
    later = latest + timedelta(seconds=20)
    assert _confirming.renewal(fresh.view(), later, last=True)["hosts"][0] == HOSTS[0]


def test_what_the_plan_says_is_what_a_renewal_gives() -> None:
    mine = plan(rollback={"confirm_within": "20m", "when": [], "on": []})
    story = armed(Story().prepared(), hosts=HOSTS[:2]).wait(800)
    assert _confirming.renewal(story.view(mine), at(story.now + 86400), last=False)["within_s"] == 1200.0


@pytest.mark.parametrize("why", ["check", "stopped", "verified", "nothing"])
def test_nobody_is_told_to_wait_where_nothing_waits(why: str) -> None:
    story = Story().prepared() if why == "nothing" else armed(Story().prepared())
    if why == "stopped":
        story.gate("look", "look", "rollback", "bad", scope="rollout")
    if why == "verified":
        verified(story)
    assert _confirming.renewal(story.view(check=why == "check"), at(story.now + 86400), last=True) == {}


@given(freeze=st.integers(60, 86400), every=st.integers(300, 3600), begun=st.integers(0, 890), late=st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_no_host_goes_back_while_its_phase_waits_for_the_end_of_a_freeze(
    freeze: int, every: int, begun: int, late: int
) -> None:
    """Looks come `every`, each so late; after the last one the rest of the phase takes all of its time."""
    mine = plan(
        watch={"every": f"{every}s", "requests": 1}, freeze=[{"name": "night", "begin": "18:00", "end": "08:00"}]
    )
    within = _confirming.within_s(mine, FIRST, 3)
    story = armed(Story().prepared(), hosts=HOSTS[:1], within=within).wait(begun)
    end = story.now + freeze
    moments = [*(story.now + every * number for number in range(1, -(-freeze // every))), end]
    for moment in moments:
        # When a look is opened hosts are told, then it waits.
        order = _confirming.renewal(story.view(mine), at(end), last=moment == end)
        if order:
            story.add("guard.renewed", hosts=order["hosts"], confirm_within_s=order["within_s"])
        story.wait(moment + late - story.now)
        assert min(story.state().armed.values()) > at(story.now)
    rest = _confirming.needed_s(mine, FIRST, 3, done=1)
    assert min(story.state().armed.values()) >= at(end + rest)


# ---------------------------------------------------------------- too late


def test_hosts_of_earlier_batches_that_nobody_confirmed_are_overdue() -> None:
    story = armed(Story().prepared(), hosts=HOSTS[:2])
    batch = HOSTS[1:]
    assert _confirming.overdue(story.state(), at(story.now), batch) == {}
    assert list(_confirming.overdue(story.state(), at(story.now + 901), batch)) == HOSTS[:1]
    story.add("guard.confirmed", hosts=HOSTS[:2], confirm_within_s=None)
    assert _confirming.overdue(story.state(), at(story.now + 901), batch) == {}


def test_a_rollback_ends_the_waiting_of_hosts_that_are_back() -> None:
    story = armed(Story().prepared())
    started = [f"{FIRST}@{host}" for host in HOSTS]
    done = {"why": "bad", "restored": {name: {} for name in started[:2]}, "complete": False, "accounting": {"bad": []}}
    story.add("rollback.done", expected=started, **done)
    assert list(story.state().armed) == HOSTS[2:]


def test_a_host_that_went_back_has_nothing_proven_any_more() -> None:
    story = armed(Story().prepared())
    back = {f"{FIRST}@dgx-2": {"state": "restored"}, "other@dgx-2": {"state": "restored"}}
    story.add("host.reverted", id="1", host="dgx-2", reverted_at="then", why="cut off", complete=True, instances=back)
    state = story.state()
    assert sorted(state.proven()) == [f"{FIRST}@dgx-1", f"{FIRST}@dgx-3"]
    assert state.reverted == {f"{FIRST}@dgx-2": {"at": "then", "why": "cut off"}}
    assert list(state.armed) == ["dgx-1", "dgx-3"]
    assert set(state.touched()) <= set(ALL_INSTANCES)


# ---------------------------------------------------------------- the rehearsal


def test_what_a_rehearsal_tells() -> None:
    armed_one = {"guard": {"state": "armed", "deadline": "2026-01-23T12:15:00+00:00"}}
    results = {
        "a": {"guard": {"state": "none"}},
        "b": {"failed": True, "reason": "guard_failed", "msg": "no systemd-run"},
        "c": {"unreachable": True, "msg": "no route"},
        "d": armed_one,
        "e": {"guard": {"state": "unknown", "message": "no JSON"}},
        "f": {"guard": {"state": "reverted"}},
    }
    found = dict(_confirming.rehearsal_findings([*results, "g"], results))
    assert sorted(found) == ["b", "d", "e", "g"]
    assert found["b"] == "guard_failed: no systemd-run"
    assert "2026-01-23T12:15:00" in found["d"]
