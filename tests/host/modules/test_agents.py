# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change, backup and restore on a real systemd: proof, resumption, and each way to fail."""

from __future__ import annotations

from typing import Any

import pytest

from tests.host.modules.host_lock import HostLock
from tests.host.shared_fleet import CONFIGS, RehearsalHost

DIRECTORY = f"{CONFIGS}/backups/hosttest"
TWO = ("network-expert", "tdd-expert")


def backup(host: RehearsalHost, *agents: str) -> dict:
    instances = [host.as_it_was(agent) for agent in agents]
    return host.run("agent_backup", {"rollout": "hosttest", "directory": DIRECTORY, "instances": instances})


def change(host: RehearsalHost, *agents: str, settle: float = 0.0) -> dict:
    instances = [host.turned_on(agent) for agent in agents]
    return host.run("agent_change", {"instances": instances, "settle": settle})


def states(result: dict) -> dict:
    return {agent: (one["state"], one["reason"]) for agent, one in result["instances"].items()}


def test_there_and_back_again(host: RehearsalHost) -> None:
    files = " ".join(f"{CONFIGS}/agent-runtime-{agent}.env" for agent in TWO)
    before = host.root(f"sha256sum {files}; stat -c '%n %U %G %a' {files}")
    assert set(states(backup(host, *TWO)).values()) == {("backed_up", None)}
    pids = {agent: host.pid(agent) for agent in TWO}
    checked = host.run("agent_change", {"instances": [host.turned_on(agent) for agent in TWO]}, "--check", "--diff")
    assert {state for state, _ in states(checked).values()} == {"would_change"}
    assert "+ENABLE_UNIFIED_SUBJECTS=true" in checked["diff_text"]
    assert {agent: host.pid(agent) for agent in TWO} == pids
    changed = change(host, *TWO, settle=0.2)
    assert set(states(changed).values()) == {("proven", None)}
    for agent in TWO:
        assert changed["instances"][agent]["after"]["main_pid"] == int(host.pid(agent)) != int(pids[agent])
    again = change(host, *TWO)
    assert (again["changed"], set(states(again).values())) == (False, {("proven", None)})
    assert "has changed since" in backup(host, *TWO)["instances"]["tdd-expert"]["message"]
    restored = host.run("agent_restore", {"directory": DIRECTORY})
    assert set(states(restored).values()) == {("restored", None)}
    assert all(one["proof"]["log"] for one in restored["instances"].values())
    assert host.root(f"sha256sum {files}; stat -c '%n %U %G %a' {files}") == before
    assert host.run("agent_restore", {"directory": DIRECTORY})["changed"] is False


def test_file_written_but_not_restarted_is_made_good(host: RehearsalHost) -> None:
    host.root(f"sed -i s/SUBJECTS=false/SUBJECTS=true/ {CONFIGS}/agent-runtime-tdd-expert.env")
    pid = host.pid("tdd-expert")
    one = change(host, "tdd-expert")["instances"]["tdd-expert"]
    assert (one["state"], one["restarted"], one["keys"]) == ("proven", True, [])
    assert host.pid("tdd-expert") != pid


def test_bad_ones_are_named_and_good_ones_proven(host: RehearsalHost) -> None:
    host.root(
        f"systemctl stop agent-runtime@git-expert; cd {CONFIGS}; mv agent-runtime-nix-expert.env nix.real;"
        "ln -s nix.real agent-runtime-nix-expert.env"
    )
    result = change(host, "git-expert", "nix-expert", "no-such-agent", "network-expert")
    assert states(result) == {
        "git-expert": ("failed", "unit_inactive"),
        "nix-expert": ("failed", "env_file_not_regular"),
        "no-such-agent": ("failed", "env_file_missing"),
        "network-expert": ("proven", None),
    }
    assert result["failed"] is True
    assert "ENABLE_UNIFIED_SUBJECTS=false" in host.text("git-expert")
    host.root(f"cd {CONFIGS}; rm agent-runtime-nix-expert.env; mv nix.real agent-runtime-nix-expert.env")


def test_crash_while_settling_is_caught_and_restore_cures_it(host: RehearsalHost) -> None:
    backup(host, *TWO)
    host.fleet.fault("tdd-expert", "crash_after=1", host=host.name)
    # However slowly it crashes here: one of these is long enough, the first one as a rule.
    for settle in (2.5, 15.0, 60.0):
        result = change(host, *TWO, settle=settle)
        if states(result)["tdd-expert"] != ("proven", None):
            break
        host.run("agent_restore", {"directory": DIRECTORY})
    assert states(result) == {"network-expert": ("proven", None), "tdd-expert": ("failed", "restart_failed")}
    restored = host.run("agent_restore", {"directory": DIRECTORY, "settle": 0.5})
    assert set(states(restored).values()) == {("restored", None)}


def test_more_restarts_than_systemd_allows(host: RehearsalHost) -> None:
    """Five in ten seconds; here two in an hour, so that it is not the machine's speed that decides."""
    override = "/run/systemd/system/agent-runtime@tdd-expert.service.d"
    limit = "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=2\n"
    host.root(f"mkdir -p {override} && printf '{limit}' > {override}/limit.conf && systemctl daemon-reload")
    backup(host, "tdd-expert")
    restart = "systemctl restart agent-runtime@tdd-expert && echo restarted || :"
    assert [host.root(restart).strip() for _ in range(3)] == ["restarted", "restarted", ""]
    host.root("systemctl reset-failed agent-runtime@tdd-expert; systemctl start agent-runtime@tdd-expert")
    host.fleet.wait_for_line(host.name, "tdd-expert", "is ready")
    assert host.root(restart).strip() == "restarted"
    assert set(states(change(host, "tdd-expert")).values()) == {("proven", None)}
    assert host.root(restart).strip() == "restarted"
    assert set(states(host.run("agent_restore", {"directory": DIRECTORY})).values()) == {("restored", None)}


def test_full_disk_leaves_the_file_and_the_process(host: RehearsalHost) -> None:
    small = "/run/rollout-small"
    host.root(
        f"mkdir -p {small}; mount -t tmpfs -o size=16k tmpfs {small};"
        f"cp {CONFIGS}/agent-runtime-tdd-expert.env {small}/e"
    )
    try:
        host.root(f"dd if=/dev/zero of={small}/fill bs=4k count=9 2>/dev/null; true")
        pid = host.pid("tdd-expert")
        instance = dict(host.turned_on("tdd-expert"), env_file=f"{small}/e")
        result = host.run("agent_change", {"instances": [instance]})
        assert states(result) == {"tdd-expert": ("failed", "disk_full")}
        assert "ENABLE_UNIFIED_SUBJECTS=false" in host.root(f"cat {small}/e")
        assert host.root(f"ls -A {small}").split() == ["e", "fill"]
        assert host.pid("tdd-expert") == pid
    finally:
        host.root(f"umount {small}")


def test_only_one_run_changes_agents_at_a_time(host: RehearsalHost) -> None:
    with HostLock(host):
        result = host.run("agent_change", {"instances": [host.turned_on("tdd-expert")], "lock_wait": 0.3})
        assert states(result) == {"tdd-expert": ("failed", "host_busy")}
    assert set(states(change(host, "tdd-expert")).values()) == {("proven", None)}


@pytest.mark.parametrize("module", ["agent_change", "agent_backup", "agent_restore"])
def test_without_root_it_says_what_to_do(host: RehearsalHost, module: str) -> None:
    arguments: dict[str, dict[str, Any]] = {
        "agent_change": {"instances": [host.turned_on("tdd-expert")]},
        "agent_backup": {"rollout": "x", "directory": DIRECTORY, "instances": [host.as_it_was("tdd-expert")]},
        "agent_restore": {"directory": DIRECTORY},
    }
    result = host.run(module, arguments[module], "-e", "ansible_become=false")
    assert result["failed"] is True
    assert "become: true" in result["msg"]
    assert "Traceback" not in str(result)


def test_secret_values_stay_out_of_result_and_host_log(host: RehearsalHost) -> None:
    secret = "s3cr3tv4lue"
    instance = host.instance("tdd-expert", env={"PROVIDER_API_KEY": secret, "LOG_LEVEL": "info"})
    result = host.run("agent_change", {"instances": [instance]}, "--diff", "-vvv")
    assert states(result) == {"tdd-expert": ("proven", None)}
    assert secret not in str(result)
    assert secret in host.text("tdd-expert")
    assert secret not in host.root("journalctl -q --no-pager -o cat --since=-5min")
