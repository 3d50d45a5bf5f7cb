# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads hosts, ledger and evidence of every part of the bad_change story."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from tests.rollout.scenario import onhost
from tests.rollout.scenario.told import Told, accounted

testinfra_hosts = ["ansible://dgx"]

TEST, CONTROL = ("network-expert", "tdd-expert"), ("nix-expert", "qa-expert")
HOSTS = ("dgx-1", "dgx-2", "dgx-3")
ENV_FILE = "/opt/cim-dgx/configs/agent-runtime-{}.env"
FIRST = {f"network-expert@{host}" for host in HOSTS}
BOTH = FIRST | {f"tdd-expert@{host}" for host in HOSTS}

#: part -> (criteria and triggers of which one must have decided, instances that had been touched by then).
CAUGHT = {
    "crash_after": ({"agent_crash", "instances_proven", "deploy"}, FIRST),
    "errors": ({"error_rate", "errors"}, FIRST),
    "drop": ({"message_loss", "message_delivery"}, FIRST),
    "late": ({"much_slower"}, FIRST),
    "legacy_only": ({"dual_publish_success"}, FIRST),
    "full": ({"memory_exhausted"}, FIRST),
    "second_phase": ({"error_rate", "errors"}, BOTH),
}


def told(part: str) -> Told:
    return Told("bad_change", part)


@pytest.mark.parametrize("part", CAUGHT)
def test_the_run_ends_with_an_error_and_says_rolled_back(part: str) -> None:
    assert told(part).status(part) != 0
    assert told(part).outcome("wave2") == "ROLLED BACK"
    assert "DECISION ROLLED BACK wave2" in told(part).output(part)


@pytest.mark.parametrize("part", CAUGHT)
def test_the_gate_names_what_the_fault_breaks(part: str) -> None:
    gate = told(part).last_gate("wave2")
    assert gate["decision"] == "rollback"
    causes = set(gate.get("causes") or ["deploy"])
    assert causes & CAUGHT[part][0], causes
    if part != "crash_after":
        verdicts = told(part).verdicts("wave2", gate["name"])
        assert {verdicts[cause]["verdict"] for cause in causes} == {"fail"}


@pytest.mark.parametrize("part", CAUGHT)
def test_everything_touched_goes_back_and_is_counted(part: str) -> None:
    back = told(part).of_kind("wave2", "rollback.done")
    assert len(back) == 1
    parts = accounted(back[0]["accounting"])
    assert set(parts["good"]) == CAUGHT[part][1]
    assert parts["bad"] == parts["unreachable"] == parts["skipped"] == []


@pytest.mark.parametrize("part", CAUGHT)
def test_hosts_are_as_before(part: str) -> None:
    before, now = told(part).look(f"{part}.before"), told(part).look(part)
    assert len(before) == 12
    for name, was in before.items():
        assert now[name].file == was.file, name
        assert (now[name].active, now[name].flag) == (True, "false"), name
        if name not in CAUGHT[part][1]:
            assert now[name].untouched == was.untouched, name


def test_one_slow_window_is_looked_at_again_before_anything_goes_back() -> None:
    gates = told("late").of_kind("wave2", "gate.decided")
    assert [(gate["decision"], gate["causes"]) for gate in gates] == [
        ("hold", ["much_slower"]),
        ("rollback", ["much_slower"]),
    ]


def test_a_bad_second_phase_takes_the_first_one_back_as_well() -> None:
    gates = told("second_phase").gates("wave2")
    assert ("verify", "verify-network-expert", "go") in gates
    assert gates[-1][2] == "rollback"


def test_hosts_end_as_they_were(host: Host) -> None:
    before, name = told("crash_after").look("crash_after.before"), host.backend.host
    paths = {agent: ENV_FILE.format(agent) for agent in (*TEST, *CONTROL)}
    now = onhost.files(host, list(paths.values()))
    assert {a: now[path].file for a, path in paths.items()} == {a: before[f"{a}@{name}"].file for a in paths}
