# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `reset`, `traffic` and `down` promise."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.host.shared_fleet import AGENTS, HOSTS, SharedFleet
from tests.host.waiting import until

from rehearsal.access import ssh_command  # isort: skip


def test_reset_restores_the_seeded_state(fleet: SharedFleet) -> None:
    path = "/opt/cim-dgx/configs/agent-runtime-git-expert.env"
    before = fleet.root("dgx-2", f"sha256sum {path}; stat -c %a:%u:%g {path}")
    fleet.turn_on("git-expert", "dgx-2")
    fleet.run("fault", "git-expert", "noise")
    fleet.root("dgx-2", "mkdir -p /opt/cim-dgx/configs/backups/left/over; systemctl stop agent-runtime@qa-expert;"
                        f" chmod 600 {path}; systemctl mask --runtime agent-runtime@nix-expert")  # fmt: skip
    fleet.run("reset")
    assert fleet.root("dgx-2", f"sha256sum {path}; stat -c %a:%u:%g {path}") == before
    assert fleet.root("dgx-2", "ls /opt/cim-dgx/configs/backups /opt/cim-dgx/faults").split() == [
        "/opt/cim-dgx/configs/backups:",
        "/opt/cim-dgx/faults:",
    ]
    pid = fleet.property("dgx-2", "git-expert", "MainPID")
    assert "ENABLE_UNIFIED_SUBJECTS=false" in fleet.root("dgx-2", f"cat /proc/{pid}/environ")
    assert fleet.property("dgx-2", "qa-expert", "ActiveState") == "active"
    assert fleet.property("dgx-2", "nix-expert", "LoadState") == "loaded"


def test_reset_restarts_nobody_without_need(fleet: SharedFleet) -> None:
    said = fleet.run("reset").stdout.splitlines()
    nothing = "0 environment files put back, 0 other things removed, 0 agents restarted"
    assert said == [f"{host}: {nothing}" for host in HOSTS] + [f"agents: {len(AGENTS) * len(HOSTS)} active"]


def test_reset_brings_paused_stopped_and_disconnected_hosts_back(fleet: SharedFleet) -> None:
    for words in (["pause"], ["stop", "--time", "1"], ["network", "disconnect", "--force", fleet.own.network]):
        host = HOSTS[("pause", "stop", "network").index(words[0])]
        subprocess.run(["docker", *words, fleet.container(host)], check=True, capture_output=True)
    fleet.reset()
    for host in HOSTS:
        assert fleet.run("ssh", host, "hostname").stdout.strip() == host


def test_traffic_is_answered_by_all_and_stops_by_itself(fleet: SharedFleet) -> None:
    fleet.run("traffic", "start", "--rate", "80", "--for", "2s")
    until("the traffic ends by itself", lambda: fleet.run("traffic", "status").stdout == "traffic: not running\n")
    row = json.loads((fleet.own.directory / "traffic.json").read_text())
    assert 0 < row["sent"] <= 2 * 80 + 1
    assert row["answers"] == 3 * row["sent"] and row["errors"] == 0 and row["not_sent"] == 0
    assert row["sent_unified"] >= 0.1 * row["sent"]


def test_down_leaves_nothing_behind() -> None:
    small = SharedFleet("tests-down")
    small.run("up", "--hosts", "1", "--agents", "sage")
    mine = small.own
    sockets = mine.socket_directory()
    master = [*ssh_command(mine, "dgx-1", ["true"])]
    master[1:1] = ["-o", "ControlMaster=auto", "-o", "ControlPersist=300", "-o", f"ControlPath={sockets}/master"]
    subprocess.run(master, check=True)
    assert (sockets / "master").is_socket()
    pid = int((mine.directory / "traffic.pid").read_text())
    assert Path(f"/proc/{pid}").is_dir()
    small.run("down")
    for what in (["ps", "--all"], ["network", "ls"], ["volume", "ls"]):
        listed = subprocess.run(["docker", *what], capture_output=True, text=True, check=True).stdout
        assert mine.prefix not in listed
    assert not sockets.exists() and not mine.directory.exists()
    # The dead child of a command that has ended is buried by init, in its own time.
    until("the traffic source is gone", lambda: not Path(f"/proc/{pid}").is_dir())
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(os.fsencode(str(sockets)) in words for words in running)
    assert "removed 0 containers" in small.run("down").stdout
