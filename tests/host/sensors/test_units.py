# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each trouble of an agent or a host shows in one look at it: not before it began, and not in the agents beside it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

from tests.host.conversation import Conversation
from tests.host.questions import QUESTION, question
from tests.host.shared_fleet import AGENTS, RehearsalHost, SharedFleet
from tests.host.waiting import until
from tests.rollout.scenario import plans

SPOOL = "/opt/cim-dgx/spool"
CRASHING, CLOSED, CORRUPT, FULL, LEAKING, FAILING = (
    "qa-expert", "tdd-expert", "git-expert", "graph-expert", "network-expert", "nats-expert",
)  # fmt: skip
SOUND = tuple(sorted({*AGENTS} - {CRASHING, CLOSED, CORRUPT, FULL, LEAKING, FAILING}))
MIB = 1024**2


@dataclass
class Looks:
    """What one host said before anything went wrong, and when all of it had."""

    before: dict[str, Any]
    after: dict[str, Any]

    def both(self, agent: str) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.before["instances"][agent], self.after["instances"][agent]

    def healthy(self, name: str) -> list[Any]:
        """The same of the agents that nothing happened to."""
        return [look["instances"][agent][name] for agent in SOUND for look in (self.before, self.after)]


@pytest.fixture(scope="module")
def looks(shared_fleet: SharedFleet) -> Looks:
    shared_fleet.reset()
    host = RehearsalHost(shared_fleet)
    before = look(host)
    asked = before["journal"]["cursor"]
    break_all(host)
    after = look(host, cursor=asked)
    shared_fleet.reset()
    return Looks(before, after)


def look(host: RehearsalHost, **more: Any) -> dict[str, Any]:
    arguments = {
        "instances": [host.instance(agent) for agent in AGENTS],
        "disk_paths": [SPOOL],
        "signs": plans.shipped("wave1")["corruption_signs"],
        **more,
    }
    found = host.run("agent_units_info", arguments)
    assert not found["failed"], found
    return found


def break_all(host: RehearsalHost) -> None:
    """Each fault on this host alone; until each has shown itself to somebody else than the module."""
    fleet, name = host.fleet, host.name
    used = int(fleet.property(name, LEAKING, "MemoryCurrent"))
    fleet.trouble("disk", "97%", host=name)
    fleet.trouble("limit", FULL, str(64 * MIB), host=name)
    for agent, faults in (
        (CRASHING, ["crash_after=1"]), (CLOSED, ["nats_closed"]), (CORRUPT, ["corrupt"]), (FULL, ["fill=48MB"]),
        (LEAKING, ["leak=16MB/s"]), (FAILING, ["errors=100%"]),
    ):  # fmt: skip
        fleet.fault(agent, "always", *faults, host=name)
    talk = Conversation(fleet, name)
    talk.ask(question(FAILING), QUESTION)
    talk.close()
    fleet.wait_for_line(name, FAILING, "ERROR agent_service: Error handling inbox command")
    fleet.wait_for_line(name, CORRUPT, "checksum mismatch")
    until("it has leaked", lambda: int(fleet.property(name, LEAKING, "MemoryCurrent")) > used + 32 * MIB)
    until("it has crashed", lambda: fleet.property(name, CRASHING, "NRestarts") != "0")
    fleet.fault(CRASHING, host=name)
    connected = "ss -tnpH state established dport = :4222"
    pid = host.pid(CLOSED)
    until("its connection is closed", lambda: f"pid={pid}," not in host.root(connected))


def test_a_full_disk(looks: Looks) -> None:
    before, after = (each["host"]["disks"][SPOOL] for each in (looks.before, looks.after))
    assert before["total_bytes"] != after["total_bytes"] == 16 * MIB
    assert after["used_pct"] == pytest.approx(97.0, abs=0.5)


def test_a_memory_limit_that_is_full(looks: Looks) -> None:
    before, after = looks.both(FULL)
    assert (before["memory_limit_bytes"], after["memory_limit_bytes"]) == (8192 * MIB, 64 * MIB)
    assert before["memory_bytes"] < 32 * MIB < 48 * MIB < after["memory_bytes"] <= 64 * MIB
    assert set(looks.healthy("memory_limit_bytes")) == {8192 * MIB}


def test_a_memory_leak(looks: Looks) -> None:
    before, after = looks.both(LEAKING)
    assert after["memory_bytes"] - before["memory_bytes"] > 24 * MIB
    assert max(looks.healthy("memory_bytes")) < 32 * MIB


def test_a_crash(looks: Looks) -> None:
    before, after = looks.both(CRASHING)
    assert before["restarts"] == 0 < after["restarts"]
    assert after["log"]["panics"] >= 1
    assert after["invocation_id"] != before["invocation_id"]
    assert {"started"} < {event["event"] for event in after["log"]["lifecycle"]}
    assert set(looks.healthy("restarts")) == {0}
    assert [log["panics"] for log in looks.healthy("log")] == [0] * 2 * len(SOUND)


def test_a_closed_nats_connection(looks: Looks) -> None:
    before, after = looks.both(CLOSED)
    assert (before["nats_connections"], after["nats_connections"]) == (1, 0)
    assert (after["active_state"], after["main_pid"]) == ("active", before["main_pid"])
    assert set(looks.healthy("nats_connections")) == {1}


def test_signs_of_corruption(looks: Looks) -> None:
    _before, after = looks.both(CORRUPT)
    found = {sign: row["count"] for sign, row in after["log"]["signs"].items() if row["count"]}
    assert set(found) == {"(?i)checksum (mismatch|failed)", "(?i)snapshot .*(invalid|mismatch|truncated)"}
    rows = [row for log in looks.healthy("log") for row in log["signs"].values()]
    assert [row["count"] for row in rows if row["count"]] == []


def test_errors(looks: Looks) -> None:
    _before, after = looks.both(FAILING)
    assert after["log"]["errors"] == 1
    assert [kind["level"] for kind in after["log"]["kinds"]] == ["ERROR"]
    assert {log["errors"] for log in looks.healthy("log")} == {0}


def test_the_look_itself_is_whole(looks: Looks) -> None:
    assert [each["journal"]["complete"] for each in (looks.before, looks.after)] == [True, True]
    assert looks.before["host"]["boot_id"] == looks.after["host"]["boot_id"]


def test_memory_of_the_machine(host: RehearsalHost) -> None:
    """Others use the machine too: until once no more than a part of what was taken was given back meanwhile."""
    taken = 2048 * MIB

    def available() -> int:
        found = host.run("agent_units_info", {"instances": [host.instance(SOUND[0])]})["host"]["memory"]
        assert found["used_pct"] == pytest.approx(100 * (1 - found["available_bytes"] / found["total_bytes"]), abs=0.01)
        return int(found["available_bytes"])

    def it_shows() -> bool:
        before = available()
        host.fleet.trouble("memory", str(taken), host=host.name)
        less = before - available()
        host.fleet.trouble("clear", host=host.name)
        return taken / 2 < less < 2 * taken

    until("the memory that was taken shows", it_shows)


def test_a_reboot(host: RehearsalHost) -> None:
    before = host.run("agent_units_info", {"instances": [host.instance(SOUND[0])]})["host"]
    subprocess.run(
        ["docker", "restart", "--time", "2", host.fleet.container(host.name)], check=True, capture_output=True
    )
    host.fleet.reset()
    after = host.run("agent_units_info", {"instances": [host.instance(SOUND[0])]})["host"]
    assert after["boot_id"] != before["boot_id"]
    assert after["booted_at"] > before["booted_at"]
