# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is cut off puts itself back, over a reboot too; one that is confirmed never does; late modules are kept out."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.host.modules.host_lock import HostLock
from tests.host.shared_fleet import CONFIGS, RehearsalHost, result_of
from tests.host.waiting import until

DIRECTORY = f"{CONFIGS}/backups/hosttest"
STATE = "/var/lib/cowboyai-rollout"
TWO = ("network-expert", "tdd-expert")
FILES = " ".join(f"{CONFIGS}/agent-runtime-{agent}.env" for agent in TWO)
#: No test waits for it: a deadline is moved into the past instead.
WITHIN = 3600.0
TIMERS = "systemctl list-units --all --plain --no-legend 'cowboyai-rollout-*.timer'"


def docker(*words: str) -> None:
    subprocess.run(["docker", *words], check=True, capture_output=True, timeout=120)


def look(host: RehearsalHost) -> str:
    """Bytes, owners and modes of both files, as one text."""
    return host.root(f"sha256sum {FILES}; stat -c '%n %U %G %a' {FILES}")


def fence(token: int, step: str = "deploy") -> dict[str, Any]:
    return {"rollout": "hosttest", "step": step, "token": token}


def keep(host: RehearsalHost) -> None:
    instances = [host.as_it_was(agent) for agent in TWO]
    kept = host.run("agent_backup", {"rollout": "hosttest", "directory": DIRECTORY, "instances": instances})
    assert not kept["failed"], kept


def guarded(host: RehearsalHost, token: int = 5) -> dict[str, Any]:
    """Arguments of a change that arms a guard."""
    guard = {"rollout": "hosttest", "directory": DIRECTORY, "within": WITHIN}
    return {"instances": [host.turned_on(agent) for agent in TWO], "fence": fence(token), "guard": guard}


def change(host: RehearsalHost) -> dict[str, Any]:
    keep(host)
    return host.run("agent_change", guarded(host))


def reasons(result: dict[str, Any]) -> set[Any]:
    return {one["reason"] or one["state"] for one in result["instances"].values()}


def armed(host: RehearsalHost) -> dict[str, Any]:
    return dict(json.loads(host.root(f"cat {STATE}/hosttest/guard.json")))


def make_due(host: RehearsalHost) -> None:
    """The deadline of the armed guard has passed, by both clocks."""
    due = {**armed(host), "deadline_monotonic": 1.0, "deadline": "2026-01-01T00:00:00.000000+00:00"}
    host.root(f"cat > {STATE}/hosttest/guard.json", json.dumps(due).encode())


def reverted(host: RehearsalHost) -> dict[str, Any]:
    """What the host says it did, once it has done so."""
    path = f"{STATE}/hosttest/reverted.json"
    until("the host has put itself back", lambda: host.root(f"cat {path} 2>/dev/null || :"))
    return dict(json.loads(host.root(f"cat {path}")))


def environ(host: RehearsalHost, agent: str) -> str:
    unit = f"agent-runtime@{agent}.service"
    return host.root(f"tr '\\0' '\\n' < /proc/$(systemctl show --value -p MainPID {unit})/environ")


def elapses(host: RehearsalHost, timer: str) -> float:
    """When systemd will start what the timer is for, in seconds of the monotonic clock."""
    manager = "org.freedesktop.systemd1"
    get = f"busctl get-property {manager} $(busctl call {manager} /org/freedesktop/systemd1 {manager}.Manager GetUnit s {timer}"
    said = host.root(f"{get} | cut -d'\"' -f2) {manager}.Timer NextElapseUSecMonotonic")
    return int(said.split()[1]) / 1e6


def test_cut_off_after_its_change_it_puts_itself_back(host: RehearsalHost) -> None:
    before = look(host)
    changed = change(host)
    assert (reasons(changed), changed["guard"]["state"]) == ({"proven"}, "armed")
    [timer] = [line.split()[0] for line in host.root(TIMERS).splitlines()]
    uptime = float(host.root("cat /proc/uptime").split()[0])
    # systemd starts it when it is due: not before, and no later than if it had been armed now.
    assert armed(host)["deadline_monotonic"] - 0.1 <= elapses(host, timer) <= uptime + WITHIN
    try:
        # A machine that is cut off keeps its own address; a container loses it with its network.
        host.root(f"ip address add {host.address()}/32 dev lo")
        docker("network", "disconnect", "--force", host.fleet.own.network, host.fleet.container(host.name))
        assert look(host) != before
        make_due(host)
        host.root(f"systemctl start {timer.replace('.timer', '.service')}")
        done = reverted(host)
        assert done["complete"], done
        assert look(host) == before
        for agent in TWO:
            assert "ENABLE_UNIFIED_SUBJECTS=false" in environ(host, agent)
        log = host.root("journalctl --sync; journalctl -q --no-pager -o cat -t cowboyai-rollout-guard")
        assert f"not confirmed within {WITHIN:g} s" in log
    finally:
        host.root(f"ip address del {host.address()}/32 dev lo", check=False)
    docker(
        "network", "connect", "--ip", host.address(), "--alias", host.name, host.fleet.own.network,
        host.fleet.container(host.name),
    )  # fmt: skip
    again = host.run("agent_change", guarded(host, token=6))
    assert (reasons(again), again["guard"]["reverted"]["id"]) == ({"host_reverted"}, done["id"])
    assert look(host) == before
    seen = host.run("agent_units_info", {"instances": [host.instance("tdd-expert")], "rollout": "hosttest"})
    assert seen["guard"]["state"] == "reverted"
    back = host.run("agent_restore", {"directory": DIRECTORY, "fence": fence(7, "rollback")})
    assert (reasons(back), back["changed"], back["guard"]["state"]) == ({"restored"}, False, "reverted")


def test_a_reboot_in_between_is_covered(host: RehearsalHost) -> None:
    before = look(host)
    assert reasons(change(host)) == {"proven"}
    assert look(host) != before
    make_due(host)
    docker("restart", "--time", "2", host.fleet.container(host.name))
    done = reverted(host)
    assert {one["state"] for one in done["instances"].values()} <= {"restored", "failed"}
    until("the files are back", lambda: look(host) == before)


def test_confirmed_it_never_fires_and_leaves_nothing(host: RehearsalHost) -> None:
    changed = change(host)
    new = look(host)
    make_due(host)
    said = host.run("agent_guard", {"state": "confirmed", "rollout": "hosttest", "fence": fence(6, "confirm")})
    assert (said["changed"], said["guard"]["state"], reasons(changed)) == (True, "none", {"proven"})
    # Nothing that runs, waits or would start; systemd may still know the name of a file that is gone.
    left = host.root(
        "systemctl list-units --plain --no-legend 'cowboyai-rollout-*'; ls -R /etc/systemd/system /run/systemd/transient"
    )
    assert "cowboyai" not in left
    assert host.root(f"ls {STATE}/hosttest").split() == ["fence.json"]
    # As if its timer had fired while the confirmation was on its way.
    fired = host.root(f"/usr/bin/python3 -I {STATE}/revert.pyz fire {STATE} hosttest")
    assert "nothing to do" in fired
    assert look(host) == new
    again = host.run("agent_guard", {"state": "confirmed", "rollout": "hosttest", "fence": fence(6, "confirm")})
    assert again["changed"] is False


def test_a_rollback_disarms(host: RehearsalHost) -> None:
    before = look(host)
    assert reasons(change(host)) == {"proven"}
    assert "cowboyai" in host.root(TIMERS)
    back = host.run("agent_restore", {"directory": DIRECTORY, "fence": fence(6, "rollback")})
    assert (reasons(back), back["guard"]["state"], look(host)) == ({"restored"}, "none", before)
    assert "cowboyai" not in host.root(TIMERS)


def test_a_late_module_is_kept_out(host: RehearsalHost) -> None:
    """It waits for the host's lock, and what had the lock was a later step of the rollout."""
    before = look(host)
    keep(host)
    later = json.dumps({"token": 6, "step": "rollback", "taken_over_by": None})
    with HostLock(host) as lock:
        running = host.begin("agent_change", {**guarded(host), "lock_wait": 600})
        lock.wait_for_module()
        host.root(f"mkdir -p -m 700 {STATE} {STATE}/hosttest; cat > {STATE}/hosttest/fence.json", later.encode())
    assert reasons(result_of(running)) == {"fenced"}
    assert look(host) == before


def test_a_rehearsal_fires_and_leaves_nothing(host: RehearsalHost) -> None:
    result = host.run("agent_guard", {"state": "rehearsed", "rollout": "hosttest"})
    assert not result["failed"], result
    assert result["late_s"] >= 0
    # Both answers are words: a look that failed is neither.
    assert host.root(f"if test -e {STATE}; then echo there; else echo gone; fi").strip() == "gone"
