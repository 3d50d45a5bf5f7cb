# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad batch in every form that Ansible lets through by itself: the batch after it must not change.

Batches of the first phase are edge-a and edge-b, then edge-c; of the second edge-a, then edge-b and edge-c.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.playbook.traps.wards import AGENTS, FIRST, HOSTS, SECOND, Wards, on


@pytest.fixture(scope="module")
def opened_once(tmp_path_factory: pytest.TempPathFactory) -> Wards:
    wards = Wards(tmp_path_factory.mktemp("opened")).seed()
    run = wards.open()
    assert run.status == 0, run.text
    return wards


@pytest.fixture
def opened(opened_once: Wards, tmp_path: Path) -> Wards:
    """Backed up, nothing changed."""
    return opened_once.copied_to(tmp_path)


@pytest.fixture(scope="module")
def healthy_once(opened_once: Wards, tmp_path_factory: pytest.TempPathFactory) -> Wards:
    """Each agent logs an error while it starts: before the soak, which begins with the verification's end."""
    wards = opened_once.copied_to(tmp_path_factory.mktemp("healthy"))
    wards.log_errors_at_start(*FIRST)
    run = wards.act("tests/playbook/traps/first_healthy.yml")
    assert run.status == 0, run.text
    return wards


@pytest.fixture
def healthy(healthy_once: Wards, tmp_path: Path) -> Wards:
    """The first phase has soaked."""
    return healthy_once.copied_to(tmp_path)


def touched(wards: Wards, before: dict[str, int]) -> list[str]:
    now = wards.instances("pid")
    assert sorted(now) == sorted(before) == sorted(on(AGENTS, *HOSTS))
    return [name for name in now if now[name] != before[name]]


def changed(wards: Wards) -> list[str]:
    return [name for name, value in wards.instances("value").items() if value == "both"]


def test_a_host_that_is_away_is_found_before_anything_is_touched(tmp_path: Path) -> None:
    wards = Wards(tmp_path).seed()
    wards.away = {"edge-a", "edge-b"}
    assert wards.open().status != 0
    [failed] = wards.records("preflight.failed")
    assert [problem.partition(":")[0] for problem in failed["problems"]] == ["edge-a", "edge-b"]
    assert [wards.read(host)["asked"] for host in HOSTS] == [[], [], ["agent_units_info", "agent_guard"]]


def test_a_batch_that_is_away_leaves_the_next_one_alone(opened: Wards) -> None:
    before = opened.instances("pid")
    opened.away = {"edge-a", "edge-b"}
    assert opened.deploy("first").status != 0
    assert touched(opened, before) == []
    decision, parts = opened.decided()
    assert (decision, sorted(parts["unreachable"])) == ("hold", sorted(on(FIRST, "edge-a", "edge-b")))
    assert parts["good"] == parts["bad"] == parts["skipped"] == []


def test_one_host_of_a_batch_away_then_without_sudo_then_there(opened: Wards) -> None:
    """Each time the same command, which goes on from what is done and restarts nothing twice."""
    before = opened.instances("pid")
    opened.away = {"edge-b"}
    assert opened.deploy("first").status != 0
    assert touched(opened, before) == on(FIRST, "edge-a")
    decision, parts = opened.decided()
    assert (decision, parts["good"], parts["unreachable"]) == ("hold", on(FIRST, "edge-a"), on(FIRST, "edge-b"))

    before = opened.instances("pid")
    opened.away, opened.without_sudo = set(), {"edge-b"}
    assert opened.deploy("first").status != 0
    # A fault of ours rolls nothing back.
    assert touched(opened, before) == []
    decision, parts = opened.decided()
    assert (decision, parts["bad"]) == ("hold", on(FIRST, "edge-b"))
    assert opened.records("gate.decided")[-1]["accounting"]["tool_errors"] == on(FIRST, "edge-b")
    # In sudo's own words.
    why = opened.records("gate.decided")[-1]["accounting"]["why"]["alder@edge-b"]
    assert why.startswith("tool_error: the host said: sudo: a password is required. Let this user become")
    assert opened.records("rollback.done") == []

    opened.without_sudo = set()
    assert opened.deploy("first").status == 0
    assert touched(opened, before) == on(FIRST, "edge-b", "edge-c")
    assert changed(opened) == on(FIRST, *HOSTS)


def test_one_bad_host_of_two(opened: Wards) -> None:
    before = opened.instances("pid")
    opened.refuse("alder", "edge-a")
    assert opened.deploy("first").status != 0
    decision, parts = opened.decided()
    assert (decision, parts["bad"], len(parts["good"])) == ("rollback", ["alder@edge-a"], 3)
    assert touched(opened, before) == on(FIRST, "edge-a", "edge-b")
    assert changed(opened) == []
    assert sorted(opened.rolled_back()["good"]) == sorted(on(FIRST, "edge-a", "edge-b"))

    # Every attempt keeps its evidence.
    opened.refuse("nobody")
    assert opened.open(rollout_new_attempt=True).status == 0
    folders = {path.name for path in (opened.folder / "monitoring" / "checkpoints").iterdir()}
    assert folders == {"wards", "wards.attempt-1"}


def test_every_host_of_a_batch_bad(opened: Wards) -> None:
    before = opened.instances("pid")
    opened.refuse("alder", "edge-a", "edge-b")
    assert opened.deploy("first").status != 0
    decision, parts = opened.decided()
    assert (decision, sorted(parts["bad"]), len(parts["good"])) == ("rollback", ["alder@edge-a", "alder@edge-b"], 2)
    assert touched(opened, before) == on(FIRST, "edge-a", "edge-b")
    assert changed(opened) == []


def test_errors_before_a_soak_do_not_keep_it_from_passing(healthy: Wards) -> None:
    assert len(healthy.records("soak.done")) == 1
    logged = [agent for agent, row in healthy.read("edge-a")["agents"].items() if row["errors"]]
    assert logged == list(FIRST)


def test_failure_and_absence_in_one_batch_roll_back_all_that_can_be_reached(healthy: Wards) -> None:
    healthy.refuse("cedar", "edge-b")
    healthy.away = {"edge-c"}
    left = healthy.read("edge-c")["agents"]
    run = healthy.deploy("second")
    assert run.status != 0
    decision, parts = healthy.decided()
    assert (decision, parts["bad"], parts["unreachable"]) == (
        "rollback",
        on(SECOND, "edge-b"),
        on(SECOND, "edge-c"),
    )
    back = healthy.rolled_back()
    assert sorted(back["good"]) == sorted(on([*FIRST, *SECOND], "edge-a", "edge-b"))
    assert sorted(back["unreachable"]) == sorted(on([*FIRST, *SECOND], "edge-c"))
    assert back["bad"] == back["skipped"] == []
    assert "ROLLBACK INCOMPLETE" in run.text
    # The host that was away still has the first phase, and nothing more.
    assert changed(healthy) == on(FIRST, "edge-c")
    assert healthy.read("edge-c")["agents"] == left

    healthy.away = set()
    healthy.refuse("nobody")
    assert healthy.act("playbooks/rollback.yml").status == 0
    assert changed(healthy) == []
    # cedar@edge-a was changed, on edge-b and edge-c it was to be: what may have been touched goes back.
    assert sorted(healthy.rolled_back()["good"]) == sorted(on([*FIRST, *SECOND], *HOSTS))


def test_batches_are_those_of_the_plan_when_nothing_is_bad(healthy: Wards) -> None:
    before = healthy.instances("pid")
    run = healthy.deploy("second")
    assert run.status == 0, run.text
    batches: dict[str, list[list[str]]] = {}
    for batch in healthy.records("batch.started"):
        batches.setdefault(batch["phase"], []).append(batch["hosts"])
    assert batches == {
        "first": [["edge-a", "edge-b"], ["edge-c"]],
        "second": [["edge-a"], ["edge-b", "edge-c"]],
    }
    assert touched(healthy, before) == on(SECOND, *HOSTS)
    assert sorted(changed(healthy)) == sorted(on([*FIRST, *SECOND], *HOSTS))
