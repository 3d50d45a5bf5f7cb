# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is cut off puts itself back, over a reboot too; one that is confirmed never does; late modules are kept out."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from datetime import datetime
from typing import Any

from tests.host.modules.conftest import CONFIGS, FLEET, ROOT, RehearsalHost

DIRECTORY = f"{CONFIGS}/backups/hosttest"
STATE = "/var/lib/cowboyai-rollout"
TWO = ("network-expert", "tdd-expert")
FILES = " ".join(f"{CONFIGS}/agent-runtime-{agent}.env" for agent in TWO)
CONTAINER = f"rollout-{hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]}-{FLEET}-dgx-1"
NETWORK = CONTAINER.removesuffix("-dgx-1")


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout


def inside(script: str) -> str:
    """Run a script on the host without its network."""
    return docker("exec", CONTAINER, "sh", "-c", script)


def look() -> str:
    """Bytes, owners and modes of both files, as one text."""
    return inside(f"sha256sum {FILES}; stat -c '%n %U %G %a' {FILES}")


def fence(token: int, step: str = "deploy") -> dict[str, Any]:
    return {"rollout": "hosttest", "step": step, "token": token}


def change(host: RehearsalHost, within: float, token: int = 5, known: tuple[str, ...] = ()) -> dict[str, Any]:
    instances = [host.as_it_was(agent) for agent in TWO]
    kept = host.run("agent_backup", {"rollout": "hosttest", "directory": DIRECTORY, "instances": instances})
    assert not kept["failed"], kept
    guard = {"rollout": "hosttest", "directory": DIRECTORY, "within": within, "known": list(known)}
    on = [host.turned_on(agent) for agent in TWO]
    return host.run("agent_change", {"instances": on, "fence": fence(token), "guard": guard})


def reasons(result: dict[str, Any]) -> set[Any]:
    return {one["reason"] or one["state"] for one in result["instances"].values()}


def wait_for_revert(seconds: float) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = inside(f"cat {STATE}/hosttest/reverted.json 2>/dev/null || true")
        if found:
            return dict(json.loads(found))
        time.sleep(0.3)
    raise AssertionError(f"not back after {seconds} s: {inside('journalctl -q --no-pager -t cowboyai-rollout-guard')}")


def environ(agent: str) -> str:
    unit = f"agent-runtime@{agent}.service"
    return inside(f"tr '\\0' '\\n' < /proc/$(systemctl show --value -p MainPID {unit})/environ")


def test_cut_off_after_its_change_it_puts_itself_back(host: RehearsalHost) -> None:
    before = look()
    changed = change(host, within=8.0)
    assert (reasons(changed), changed["guard"]["state"]) == ({"proven"}, "armed")
    # A machine that is cut off keeps its own address; a container loses it with its network.
    inside(f"ip address add {host.address()}/32 dev lo")
    docker("network", "disconnect", "--force", NETWORK, CONTAINER)
    assert look() != before
    reverted = wait_for_revert(25.0)
    assert reverted["complete"], reverted
    late = datetime.fromisoformat(reverted["at"]) - datetime.fromisoformat(changed["guard"]["deadline"])
    assert -0.6 < late.total_seconds() < 3.0
    assert look() == before
    for agent in TWO:
        assert "ENABLE_UNIFIED_SUBJECTS=false" in environ(agent)
    assert "not confirmed within 8 s" in inside("journalctl -q --no-pager -o cat -t cowboyai-rollout-guard")
    inside(f"ip address del {host.address()}/32 dev lo")
    docker("network", "connect", "--ip", host.address(), "--alias", "dgx-1", NETWORK, CONTAINER)
    again = change(host, within=60.0, token=6)
    assert (reasons(again), again["guard"]["reverted"]["id"]) == ({"host_reverted"}, reverted["id"])
    assert look() == before
    seen = host.run("agent_units_info", {"instances": [host.instance("tdd-expert")], "rollout": "hosttest"})
    assert seen["guard"]["state"] == "reverted"
    back = host.run("agent_restore", {"directory": DIRECTORY, "fence": fence(7, "rollback")})
    assert (reasons(back), back["changed"], back["guard"]["state"]) == ({"restored"}, False, "reverted")


def test_a_reboot_in_between_is_covered(host: RehearsalHost) -> None:
    before = look()
    assert reasons(change(host, within=20.0)) == {"proven"}
    assert look() != before
    docker("restart", "--time", "2", CONTAINER)
    reverted = wait_for_revert(45.0)
    assert {one["state"] for one in reverted["instances"].values()} <= {"restored", "failed"}
    end = time.monotonic() + 30
    while look() != before and time.monotonic() < end:
        time.sleep(0.5)
    assert look() == before


def test_confirmed_it_never_fires_and_leaves_nothing(host: RehearsalHost) -> None:
    changed = change(host, within=20.0)
    due = time.monotonic() + 20.0
    new = look()
    said = host.run("agent_guard", {"state": "confirmed", "rollout": "hosttest", "fence": fence(6, "confirm")})
    assert (said["changed"], said["guard"]["state"], reasons(changed)) == (True, "none", {"proven"})
    time.sleep(max(0.0, due + 1.0 - time.monotonic()))
    assert look() == new
    # Nothing that runs, waits or would start; systemd may still know the name of a file that is gone.
    left = inside(
        "systemctl list-units --plain --no-legend 'cowboyai-rollout-*'; ls -R /etc/systemd/system /run/systemd/transient"
    )
    assert "cowboyai" not in left
    assert inside(f"ls {STATE}/hosttest").split() == ["fence.json"]
    again = host.run("agent_guard", {"state": "confirmed", "rollout": "hosttest", "fence": fence(6, "confirm")})
    assert again["changed"] is False


def test_a_rollback_disarms(host: RehearsalHost) -> None:
    before = look()
    change(host, within=60.0)
    back = host.run("agent_restore", {"directory": DIRECTORY, "fence": fence(6, "rollback")})
    assert (reasons(back), back["guard"]["state"], look()) == ({"restored"}, "none", before)
    assert "cowboyai" not in inside("systemctl list-timers --all --no-legend")


def test_a_late_module_is_kept_out(host: RehearsalHost) -> None:
    """It waits for the host's lock, and what had the lock was a later step of the rollout."""
    before = look()
    instances = [host.as_it_was(agent) for agent in TWO]
    host.run("agent_backup", {"rollout": "hosttest", "directory": DIRECTORY, "instances": instances})
    later = json.dumps({"token": 6, "step": "rollback", "taken_over_by": None})
    script = f"sleep 5; mkdir -p -m 700 {STATE} {STATE}/hosttest; echo '{later}' > {STATE}/hosttest/fence.json"
    holder = subprocess.Popen(["docker", "exec", CONTAINER, "flock", "/run/cowboyai-rollout.lock", "sh", "-c", script])
    time.sleep(0.5)
    assert reasons(change(host, within=60.0, token=5)) == {"fenced"}
    assert holder.wait(timeout=30) == 0
    assert look() == before


def test_a_rehearsal_fires_in_time_and_leaves_nothing(host: RehearsalHost) -> None:
    result = host.run("agent_guard", {"state": "rehearsed", "rollout": "hosttest"})
    assert not result["failed"], result
    assert 0 <= result["late_s"] < 2.0
    assert inside(f"ls -d {STATE} 2>/dev/null || true") == ""
