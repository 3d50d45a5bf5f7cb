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
import yaml

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


class Job:
    """Runs as a job of AWX has it: the environment says that host keys are not checked, and no known_hosts file is anybody's."""

    def __init__(self, fleet: SharedFleet, folder: Path) -> None:
        self.fleet, self.folder = fleet, folder
        shipped = yaml.safe_load((ROOT / "inventories" / "dgx" / "group_vars" / "dgx" / "vars.yml").read_text())
        self.arguments = shipped["ansible_ssh_common_args"]
        self.environment = {
            **fleet.environment(),
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
        }

    def key(self, host: str) -> str:
        """As its inventory would say it."""
        lines = self.fleet.own.known_hosts.read_text().splitlines()
        return " ".join(lines[int(host.removeprefix("dgx-")) - 1].split()[1:3])

    def variables(self, **more: str) -> str:
        # The connections of one run must not serve the next.
        told = {
            "ansible_ssh_common_args": self.arguments,
            "ansible_control_path_dir": str(self.folder / str(len(os.listdir(self.folder)))),
            **more,
        }
        path = self.folder / f"{len(os.listdir(self.folder))}.json"
        path.write_text(json.dumps(told))
        return f"@{path}"

    def run(self, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            [ROOT / ".venv" / "bin" / words[0], "-i", "inventories/rehearsal", "-l", "dgx-1", *words[1:]],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def status(self, key: str) -> str:
        monitoring = self.folder / "monitoring"
        given = self.variables(rollout_host_key=key, rollout_monitoring_dir=str(monitoring))
        status, said = self.run("ansible-playbook", "playbooks/status.yml", "-e", given, "-e", "agent=qa-expert")
        assert status == 0, said
        return said


def test_a_job_of_awx_refuses_a_host_whose_key_has_changed(fleet: SharedFleet, tmp_path: Path) -> None:
    job = Job(fleet, tmp_path)
    assert "1 of 1 instances active" in job.status(job.key("dgx-1"))
    # What answers under that address has another key than the inventory says.
    said = job.status(job.key("dgx-2"))
    assert "Host key verification failed" in said
    assert "0 of 1 instances active" in said and "unreachable: qa-expert@dgx-1" in said


def test_without_the_plays_own_word_such_a_job_takes_any_key(fleet: SharedFleet, tmp_path: Path) -> None:
    """The counterproof: the environment wins over the arguments of the inventory, since ssh takes what it is told first."""
    job = Job(fleet, tmp_path)
    ask = ("ansible", "dgx-1", "-m", "ansible.builtin.ping", "-e")
    status, said = job.run(*ask, job.variables(rollout_host_key=job.key("dgx-2")))
    assert (status, '"ping": "pong"' in said) == (0, True), said
    status, said = job.run(
        *ask, job.variables(rollout_host_key=job.key("dgx-2")), "-e", '{"ansible_host_key_checking": true}'
    )
    assert status != 0 and "Host key verification failed" in said


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
