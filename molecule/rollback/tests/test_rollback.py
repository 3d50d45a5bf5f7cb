# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads hosts and ledger of the rollback story: what was asked for is back byte for byte, the rest is as it was."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from tests.rollout.scenario import onhost
from tests.rollout.scenario.story import FLAG
from tests.rollout.scenario.told import Told, accounted

testinfra_hosts = ["ansible://dgx"]

TOLD = Told("rollback")
PAIR, OTHERS, CONTROL = ("network-expert", "tdd-expert"), ("git-expert", "graph-expert"), ("nix-expert",)
HOSTS = ("dgx-1", "dgx-2")
ENV_FILE = "/opt/cim-dgx/configs/agent-runtime-{}.env"


def on(agents: tuple[str, ...], *hosts: str) -> set[str]:
    return {f"{agent}@{host}" for agent in agents for host in hosts}


ALL = on((*PAIR, *OTHERS), *HOSTS)


def back(label: str) -> set[str]:
    """Instances of the rollout that are as before: bytes, owner, mode, a running process with the flag off."""
    before, now = TOLD.look("before"), TOLD.look(label)
    return {n for n in ALL if now[n].file == before[n].file and now[n].active and now[n].flag == "false"}


def changed(label: str) -> set[str]:
    """Instances that run with the flag on."""
    return {name for name, seen in TOLD.look(label).items() if seen.active and seen.flag == "true"}


def touched(earlier: str, later: str) -> set[str]:
    before, after = TOLD.look(earlier), TOLD.look(later)
    assert len(before) == len(after) == 10
    return {name for name in before if before[name].untouched != after[name].untouched}


def rolled_back(position: int, attempt: int = 1) -> dict[str, list[str]]:
    return accounted(TOLD.of_kind("undo", "rollback.done", attempt)[position]["accounting"])


def test_there_is_something_to_take_back() -> None:
    assert TOLD.status("deployed") == 0
    assert changed("deployed") == ALL


def test_one_agent() -> None:
    assert TOLD.status("one_agent") == 0
    assert touched("deployed", "one_agent") == back("one_agent") == on(("network-expert",), *HOSTS)
    assert set(rolled_back(0)["good"]) == on(("network-expert",), *HOSTS)


def test_one_host_without_the_plan() -> None:
    assert TOLD.status("one_host") == 0
    assert back("one_host") == on(("network-expert",), *HOSTS) | on((*PAIR, *OTHERS), "dgx-1")
    # What was back already is proven to be, not restarted once more.
    assert touched("one_agent", "one_host") == on(("tdd-expert", *OTHERS), "dgx-1")
    assert set(rolled_back(1)["good"]) == on((*PAIR, *OTHERS), "dgx-1")


def test_without_nats_files_go_back_and_what_can_not_be_proven_is_not_called_good() -> None:
    assert TOLD.status("phase_without_nats") != 0
    before, now = TOLD.look("before"), TOLD.look("phase_without_nats")
    assert {n for n in on(OTHERS, *HOSTS) if now[n].file == before[n].file} == on(OTHERS, *HOSTS)
    parts = rolled_back(2)
    # Without a server the agents can't start: dgx-1's never stopped.
    assert set(parts["good"]) == on(OTHERS, "dgx-1")
    assert set(parts["bad"]) == on(OTHERS, "dgx-2")
    assert not touched("one_host", "phase_without_nats") & on(PAIR, *HOSTS)


def test_the_same_command_completes_it() -> None:
    assert TOLD.status("phase_with_nats") == 0
    assert on(OTHERS, *HOSTS) <= back("phase_with_nats")
    assert set(rolled_back(3)["good"]) == on(OTHERS, *HOSTS)


def test_all_with_one_host_away() -> None:
    assert TOLD.status("host_away") != 0
    assert on((*PAIR, *OTHERS), "dgx-1") <= back("host_away")
    assert changed("host_away") == on(("tdd-expert",), "dgx-2")
    parts = rolled_back(4)
    assert set(parts["unreachable"]) == on((*PAIR, *OTHERS), "dgx-2")
    assert set(parts["good"]) == on((*PAIR, *OTHERS), "dgx-1")
    assert parts["bad"] == parts["skipped"] == []
    assert "ROLLBACK INCOMPLETE" in TOLD.output("host_away")


def test_the_host_is_back() -> None:
    assert TOLD.status("host_back") == 0
    assert back("host_back") == ALL
    assert touched("host_away", "host_back") == on(("tdd-expert",), "dgx-2")
    assert set(rolled_back(5)["good"]) == ALL


def test_a_further_run_touches_nothing() -> None:
    assert TOLD.status("again") == 0
    assert touched("host_back", "again") == set()
    assert set(rolled_back(6)["good"]) == ALL


def test_nobody_restarted_by_itself() -> None:
    assert {name: seen.restarts for name, seen in TOLD.look("one_host").items() if seen.restarts} == {}


@pytest.mark.parametrize(
    "label", [f"{a}" for a in ("one_agent", "one_host", "host_back", "again", "ledger_gone", "backup_again")]
)
def test_control_is_never_touched(label: str) -> None:
    assert not {name for name in touched("deployed", label) if name.startswith("nix-expert")}


def test_check_mode_shows_what_a_new_attempt_would_change_and_changes_nothing() -> None:
    assert TOLD.status("checked_again") == 0
    assert touched("again", "checked_again") == set()
    shown = [line for line in TOLD.output("checked_again").splitlines() if line.startswith(f"+{FLAG}=")]
    assert shown == [f"+{FLAG}=true"] * len(ALL)
    records_before, records_after = TOLD.note("checked_again")
    assert records_before == records_after


def test_the_second_attempt_is_broken_as_it_should_be() -> None:
    assert TOLD.status("deployed_2") == 0
    assert changed("deployed_2") == ALL
    assert TOLD.note("start_limit") == "failed"
    assert not TOLD.look("broken")["network-expert@dgx-1"].active


def test_without_a_ledger_the_backup_says_what_goes_back_and_an_altered_one_does_not() -> None:
    assert TOLD.status("ledger_gone") != 0
    assert back("ledger_gone") == ALL - {"tdd-expert@dgx-2"}
    assert changed("ledger_gone") == {"tdd-expert@dgx-2"}
    assert not touched("broken", "ledger_gone") & {"tdd-expert@dgx-2"}
    assert "backup_altered" in TOLD.output("ledger_gone")
    assert "expected 8 = 7 good + 1 bad (tdd-expert@dgx-2) + 0 unreachable + 0 skipped" in TOLD.output("ledger_gone")


def test_a_unit_that_systemd_would_no_longer_start_runs_again() -> None:
    assert "network-expert@dgx-1" in back("ledger_gone")


def test_the_mended_backup_completes_it_and_a_further_run_touches_nothing() -> None:
    assert TOLD.status("backup_mended") == TOLD.status("backup_again") == 0
    assert touched("ledger_gone", "backup_mended") == {"tdd-expert@dgx-2"}
    assert back("backup_mended") == ALL
    assert touched("backup_mended", "backup_again") == set()


def test_hosts_end_as_they_were(host: Host) -> None:
    before, name = TOLD.look("before"), host.backend.host
    paths = {agent: ENV_FILE.format(agent) for agent in (*PAIR, *OTHERS, *CONTROL)}
    now = onhost.files(host, list(paths.values()))
    assert {agent: now[path].file for agent, path in paths.items()} == {a: before[f"{a}@{name}"].file for a in paths}
    units = [f"agent-runtime@{agent}.service" for agent in paths]
    assert set(onhost.active(host, units).values()) == {"active"}
