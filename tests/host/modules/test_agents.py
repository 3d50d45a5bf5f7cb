# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change, backup and restore on a real systemd: proof, resumption, and each way to fail."""

from __future__ import annotations

import shlex
import subprocess
import time
from datetime import datetime
from typing import Any

import pytest

from tests.host.modules.conftest import CONFIGS, ROOT, RehearsalHost

DIRECTORY = f"{CONFIGS}/backups/hosttest"
TWO = ("network-expert", "tdd-expert")


def backup(host: RehearsalHost, *agents: str) -> dict:
    instances = [host.as_it_was(agent) for agent in agents]
    return host.run("agent_backup", {"rollout": "hosttest", "directory": DIRECTORY, "instances": instances})


def change(host: RehearsalHost, *agents: str, settle: float = 0.0, within: float = 10.0) -> dict:
    instances = [host.turned_on(agent, within) for agent in agents]
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
    changed = change(host, *TWO, settle=0.5)
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


def test_killed_at_any_moment_the_same_call_finishes_with_one_restart(host: RehearsalHost) -> None:
    call = host.command("agent_change", {"instances": [host.turned_on(agent) for agent in TWO]})
    for after in (0.6, 0.9, 1.2):
        running = subprocess.Popen(
            call, cwd=ROOT, env=host.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        time.sleep(after)
        running.kill()
        running.wait()
        host.root("for p in $(pgrep -f [A]nsiballZ_agent_change); do kill -9 $p; done; true")
        assert set(states(change(host, *TWO)).values()) == {("proven", None)}
        pids = {agent: host.pid(agent) for agent in TWO}
        assert change(host, *TWO)["changed"] is False
        assert {agent: host.pid(agent) for agent in TWO} == pids
        host.fleet("reset", "--name", "host-modules")


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
    host.fleet("fault", "--name", "host-modules", "tdd-expert", "crash_after=1")
    result = change(host, *TWO, settle=2.5)
    assert states(result) == {"network-expert": ("proven", None), "tdd-expert": ("failed", "restart_failed")}
    restored = host.run("agent_restore", {"directory": DIRECTORY, "settle": 1.5})
    assert set(states(restored).values()) == {("restored", None)}
    host.fleet("fault", "--name", "host-modules", "clear")


def test_more_than_five_restarts_in_ten_seconds(host: RehearsalHost) -> None:
    backup(host, "tdd-expert")
    for _ in range(4):
        assert set(states(change(host, "tdd-expert")).values()) == {("proven", None)}
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
    holder = subprocess.Popen(
        [str(ROOT / "tests/fleet/fleet"), "ssh", "--name", "host-modules", "dgx-1"]
        + ["sudo flock /run/cowboyai-rollout.lock sleep 12"],
        cwd=ROOT,
    )
    time.sleep(1.0)
    result = host.run("agent_change", {"instances": [host.turned_on("tdd-expert")], "lock_wait": 0.3})
    assert states(result) == {"tdd-expert": ("failed", "host_busy")}
    holder.wait(timeout=30)
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


def test_the_first_line_after_another_units_line_is_counted(host: RehearsalHost) -> None:
    """journalctl --after-cursor leaves it out, where the cursor is the entry of a unit that is not asked for."""
    unit, words = "rollout-waiting.service", "/run/rollout-words"
    waits = f"read word < {words}; echo 2026-01-23T23:58:11.000000Z ERROR agent_service: $word; sleep 60"
    host.root(f"mkfifo {words}; systemd-run -q --unit={unit} sh -c {shlex.quote(waits)}")
    try:
        host.root("logger -t somebody else; journalctl --sync")
        cursor = host.run("agent_units_info", {"instances": [{"agent": "waiting", "unit": unit}]})["journal"]["cursor"]
        host.root(f"echo boom > {words}; sleep 1; journalctl --sync")
        asked = {"instances": [{"agent": "waiting", "unit": unit}], "cursor": cursor}
        found = host.run("agent_units_info", asked)
        assert found["instances"]["waiting"]["log"]["errors"] == 1
        asked["cursor"] = found["journal"]["cursor"]
        assert host.run("agent_units_info", asked)["instances"]["waiting"]["log"]["lines"] == 0
    finally:
        host.root(f"systemctl stop {unit}; rm -f {words}")


def test_measuring_tolerates_what_hosts_hold(host: RehearsalHost) -> None:
    first = host.run("agent_units_info", {"instances": [host.instance("tdd-expert")]})
    cursor = first["journal"]["cursor"]
    invocation = first["instances"]["tdd-expert"]["invocation_id"]
    junk = (
        r"printf '2026-01-23T23:58:11.000000Z ERROR agent_service: boom 1\n"
        r"2026-01-23T23:58:11.000000Z  INFO agent_service: an error, not ours\n"
        r"\033[31m2026-01-23T23:58:11.000000Z ERROR\033[0m agent_service: boom 2\n\377\376 junk\nplain\n"
        r"2026-01-23T23:58:11.000000Z  INFO agent_service: Metrics: inbox=7, x=1\n'"
    )
    host.root(f"systemd-run -q --wait --unit=rollout-junk.service sh -c {shlex.quote(junk)}")
    host.root("systemctl restart agent-runtime@git-expert")
    result = host.run(
        "agent_units_info",
        {
            "instances": [
                host.instance("git-expert"),
                {"agent": "junk", "unit": "rollout-junk.service"},
                {"agent": "missing-agent", "unit": "no-such.service", "env_file": "/no/such.env"},
                host.instance("tdd-expert"),
            ],
            "cursor": cursor,
            "bucket": 1,
            "environment_keys": ["ENABLE_UNIFIED_SUBJECTS", "NO_SUCH_KEY"],
        },
    )
    log = result["instances"]["junk"]["log"]
    assert (log["errors"], log["unreadable"]) == (2, 1)
    assert [kind["kind"] for kind in log["kinds"]] == ["agent_service: boom <n>"]
    rows = list(log["buckets"].values())
    assert [sum(row[place] for row in rows) for place in range(3)] == [log["lines"], log["errors"], log["warnings"]]
    [[index, _invocation, messages]] = log["counter_points"]
    assert messages == 8 and str(index) in log["buckets"]
    now = datetime.fromisoformat(result["host"]["now"]).timestamp()
    assert 0 <= now - index < 120
    restarted = result["instances"]["git-expert"]["log"]
    assert [event["event"] for event in restarted["lifecycle"]] == ["stopped", "started"]
    assert (restarted["errors"], [c["final"] for c in restarted["counters"].values()]) == (0, [True])
    assert [c["last"] for c in log["counters"].values()][-1] == {"inbox": 7, "x": 1}
    assert result["instances"]["missing-agent"]["load_state"] == "not-found"
    assert result["instances"]["missing-agent"]["environment"]["exists"] is False
    tdd = result["instances"]["tdd-expert"]
    assert (tdd["invocation_id"], tdd["nats_connections"], tdd["log"]["lines"]) == (invocation, 1, 0)
    assert tdd["environment"]["keys"] == {"ENABLE_UNIFIED_SUBJECTS": "false", "NO_SUCH_KEY": None}
    assert result["journal"]["complete"] is True
