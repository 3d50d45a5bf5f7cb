# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads hosts, ledger and exit statuses of the traps story: no batch after a bad one ever changed."""

from __future__ import annotations

from testinfra.host import Host

from tests.rollout.scenario import onhost
from tests.rollout.scenario.told import Instance, Told, accounted

testinfra_hosts = ["ansible://dgx"]

TOLD = Told("traps")
NAMES = {"dgx-1": "edge-a", "dgx-2": "edge-b", "dgx-3": "edge-c"}
FIRST, SECOND, THIRD, CONTROL = ("alder", "birch"), ("cedar",), ("elm",), ("fir",)
EVERYBODY = [*FIRST, *SECOND, *THIRD, *CONTROL]


def seen(label: str) -> dict[str, Instance]:
    """agent@edge-x -> what its host said then."""
    looks = TOLD.look(label)
    return {f"{name.partition('@')[0]}@{NAMES[name.partition('@')[2]]}": look for name, look in looks.items()}


def on(agents: tuple[str, ...] | list[str], *hosts: str) -> list[str]:
    return [f"{agent}@{host}" for host in hosts for agent in agents]


def touched(earlier: str, later: str) -> set[str]:
    """Instances whose file or process is another one than at the earlier look."""
    before, after = seen(earlier), seen(later)
    assert sorted(before) == sorted(on(EVERYBODY, *NAMES.values())), "the looks are not whole"
    return {name for name in before if before[name].untouched != after[name].untouched}


def is_back(label: str, *names: str) -> None:
    before, after = seen("before"), seen(label)
    for name in names:
        assert after[name].file == before[name].file, name
        assert (after[name].active, after[name].flag) == (True, "one"), name


def gate(attempt: int, position: int) -> dict[str, object]:
    return TOLD.of_kind("wards", "gate.decided", attempt)[position]


def test_a_host_that_is_away_is_found_before_anything_is_touched() -> None:
    assert TOLD.status("opening_unreachable") != 0
    problems = TOLD.of_kind("wards", "preflight.failed", 1)[0]["problems"]
    assert ["edge-a" in problems[0], "edge-b" in problems[1], len(problems)] == [True, True, 2]
    assert TOLD.status("opening") == 0


def test_a_batch_that_is_away_leaves_the_next_one_alone() -> None:
    assert TOLD.status("batch_unreachable") != 0
    assert touched("before", "batch_unreachable") == set()
    decided = gate(1, 1)
    parts = accounted(decided["accounting"])
    assert (decided["decision"], sorted(parts["unreachable"])) == ("hold", sorted(on(FIRST, "edge-a", "edge-b")))
    assert parts["good"] == parts["bad"] == parts["skipped"] == []


def test_one_host_of_a_batch_is_away() -> None:
    assert TOLD.status("one_unreachable") != 0
    assert touched("before", "one_unreachable") == set(on(FIRST, "edge-a"))
    decided = gate(1, 2)
    parts = accounted(decided["accounting"])
    assert (decided["decision"], parts["good"], parts["unreachable"]) == (
        "hold",
        on(FIRST, "edge-a"),
        on(FIRST, "edge-b"),
    )


def test_a_host_without_sudo_is_a_fault_of_ours_and_rolls_nothing_back() -> None:
    assert TOLD.status("no_sudo") != 0
    assert touched("one_unreachable", "no_sudo") == set()
    decided = gate(1, 3)
    parts = accounted(decided["accounting"])
    assert (decided["decision"], parts["bad"]) == ("hold", on(FIRST, "edge-b"))
    assert decided["accounting"]["tool_errors"] == on(FIRST, "edge-b")


def test_the_same_command_goes_on_and_restarts_nothing_twice() -> None:
    assert TOLD.status("mended") == 0
    assert touched("no_sudo", "mended") == set(on(FIRST, "edge-b", "edge-c"))
    changed = seen("mended")
    for name in on(FIRST, *NAMES.values()):
        assert (changed[name].active, changed[name].flag, changed[name].restarts) == (True, "both", 0), name


def test_errors_before_a_soak_do_not_keep_it_from_passing() -> None:
    """The probe of the phase's verification makes each agent log errors."""
    assert TOLD.status("first_verified") == TOLD.status("first_soaked") == 0
    assert len(TOLD.of_kind("wards", "soak.done", 1)) == 1


def test_failure_and_absence_in_one_batch_roll_back_all_that_can_be_reached() -> None:
    assert TOLD.status("bad_and_unreachable") != 0
    decided = gate(1, -1)
    parts = accounted(decided["accounting"])
    assert (decided["decision"], parts["bad"], parts["unreachable"]) == (
        "rollback",
        on(SECOND, "edge-b"),
        on(SECOND, "edge-c"),
    )
    back = TOLD.of_kind("wards", "rollback.done", 1)[0]
    parts = accounted(back["accounting"])
    reachable = on([*FIRST, *SECOND], "edge-a", "edge-b")
    assert sorted(parts["good"]) == sorted(reachable)
    assert sorted(parts["unreachable"]) == sorted(on([*FIRST, *SECOND], "edge-c"))
    assert parts["bad"] == parts["skipped"] == []
    is_back("bad_and_unreachable", *reachable)
    # The host that was away still has the first phase, and nothing more.
    left = seen("bad_and_unreachable")
    assert [left[name].flag for name in on(FIRST, "edge-c")] == ["both", "both"]
    assert not touched("mended", "bad_and_unreachable") & set(on(EVERYBODY, "edge-c"))
    assert "ROLLBACK INCOMPLETE" in TOLD.output("bad_and_unreachable")


def test_the_rollback_is_completed_when_the_host_is_back() -> None:
    assert TOLD.status("rollback_completed") == 0
    is_back("rollback_completed", *on([*FIRST, *SECOND], *NAMES.values()))
    parts = accounted(TOLD.of_kind("wards", "rollback.done", 1)[-1]["accounting"])
    # cedar@edge-a was changed, on edge-b and edge-c it was to be: what may have been touched goes back.
    assert sorted(parts["good"]) == sorted(on([*FIRST, *SECOND], *NAMES.values()))


def test_one_bad_host_of_two() -> None:
    assert TOLD.status("one_of_two_bad") != 0
    parts = accounted(gate(2, -1)["accounting"])
    assert gate(2, -1)["decision"] == "rollback"
    assert (parts["bad"], len(parts["good"])) == (["alder@edge-a"], 3)
    assert touched("rollback_completed", "one_of_two_bad") == set(on(FIRST, "edge-a", "edge-b"))
    is_back("one_of_two_bad", *on(FIRST, *NAMES.values()))
    assert sorted(accounted(TOLD.of_kind("wards", "rollback.done", 2)[-1]["accounting"])["good"]) == sorted(
        on(FIRST, "edge-a", "edge-b")
    )


def test_every_host_of_a_batch_bad() -> None:
    assert TOLD.status("all_bad") != 0
    parts = accounted(gate(3, -1)["accounting"])
    assert gate(3, -1)["decision"] == "rollback"
    assert (sorted(parts["bad"]), len(parts["good"])) == (["alder@edge-a", "alder@edge-b"], 2)
    assert touched("one_of_two_bad", "all_bad") == set(on(FIRST, "edge-a", "edge-b"))
    is_back("all_bad", *on(FIRST, *NAMES.values()))


def test_three_phases_with_batches_of_each_kind_go_when_nothing_is_bad() -> None:
    assert TOLD.status("whole") == 0
    batches: dict[str, list[list[str]]] = {}
    for batch in TOLD.of_kind("wards", "batch.started", 4):
        batches.setdefault(batch["phase"], []).append(batch["hosts"])
    assert batches == {
        "first": [["edge-a", "edge-b"], ["edge-c"]],
        "second": [["edge-a"], ["edge-b", "edge-c"]],
        "third": [["edge-a", "edge-b"], ["edge-c"]],
    }
    assert TOLD.outcome("wards") == "GO"
    assert touched("all_bad", "whole") == set(on([*FIRST, *SECOND, *THIRD], *NAMES.values()))


def test_every_attempt_keeps_its_evidence() -> None:
    folders = {path.name for path in (TOLD.monitoring / "checkpoints").iterdir()}
    assert folders == {"wards", "wards.attempt-1", "wards.attempt-2", "wards.attempt-3"}


def test_hosts_end_with_the_announced_key_and_nothing_else(host: Host) -> None:
    before = seen("before")
    paths = {agent: f"/srv/ward/{agent}.settings" for agent in EVERYBODY}
    now = onhost.files(host, list(paths.values()))
    for agent, path in paths.items():
        was = before[f"{agent}@{NAMES[host.backend.host]}"]
        value = b"one" if agent in CONTROL else b"both"
        assert now[path].bytes == was.bytes.replace(b"WARD_TREES=one", b"WARD_TREES=" + value), path
        assert (now[path].owner, now[path].mode) == (was.owner, was.mode), path
    assert set(onhost.active(host, [f"ward-{agent}" for agent in EVERYBODY]).values()) == {"active"}
