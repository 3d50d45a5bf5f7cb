# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way in: host keys, Ansible's account, inventories of fleets that are not up."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.host.shared_fleet import ROOT, SharedFleet

from rehearsal.access import options, ssh_command  # isort: skip


def test_a_wrong_host_key_is_refused(fleet: SharedFleet, tmp_path: Path) -> None:
    assert subprocess.run(ssh_command(fleet.own, "dgx-1", ["true"]), check=False).returncode == 0
    lines = fleet.own.known_hosts.read_text().split("\n")
    (tmp_path / "known_hosts").write_text(lines[0].split()[0] + " " + " ".join(lines[1].split()[1:]) + "\n")
    right = options(fleet.own)
    wrong = [word.replace(str(fleet.own.known_hosts), str(tmp_path / "known_hosts")) for word in right]
    assert wrong != right
    command = ["ssh", *wrong, *ssh_command(fleet.own, "dgx-1", ["true"])[1 + len(wrong) :]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_the_shell_of_a_host_is_that_of_an_account_with_sudo(fleet: SharedFleet) -> None:
    assert fleet.run("ssh", "dgx-2", "hostname; id -un; sudo -n id -un").stdout.split() == ["dgx-2", "cimadmin", "root"]


def test_ansible_reaches_the_hosts_as_root(fleet: SharedFleet) -> None:
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "ansible", "-i", "inventories/rehearsal", "dgx", "-b", "-o", "-m", "command",
         "-a", "stat -c %a:%U:%G /opt/cim-dgx/configs/agent-runtime-qa-expert.env"],
        cwd=ROOT, env=fleet.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("640:root:cimadmin") == 3
    sockets = list(fleet.own.socket_directory().iterdir())
    assert sockets and all(len(str(path)) < 90 for path in sockets)


def test_inventory_of_a_fleet_that_is_down_says_so_and_reaches_nobody() -> None:
    script = ROOT / "inventories" / "rehearsal" / "hosts.py"
    done = subprocess.run(
        [script, "--list"], env={**os.environ, "ROLLOUT_FLEET": "nowhere"}, capture_output=True, text=True, check=True
    )
    assert done.stderr == "The rehearsal fleet 'nowhere' is not up; run: tests/fleet/fleet up --name nowhere\n"
    addresses = {row["ansible_host"] for row in json.loads(done.stdout)["_meta"]["hostvars"].values()}
    assert addresses == {"rehearsal-fleet-nowhere-is-not-up.invalid"}
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(addresses.pop(), 22)
