# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _unit_processes


@pytest.fixture
def machine(tmp_path):
    """Processes 7 to 9 in one control group; `make` says what the main one runs."""
    group = tmp_path / "cgroup" / "system.slice" / "run.service"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("9\n7\n8\n")

    def make(program, comm="x"):
        folder = tmp_path / "proc" / "7"
        folder.mkdir(parents=True)
        if program:
            os.symlink(program, folder / "exe")
        (folder / "comm").write_text(comm + "\n")
        return str(tmp_path / "proc"), str(tmp_path / "cgroup")

    return make


@pytest.mark.parametrize(
    ("program", "comm", "expected"),
    [
        ("/usr/bin/dash", "sh", [7, 8, 9]),
        ("/usr/bin/sudo", "sudo", [7, 8, 9]),
        (None, "sh", [7, 8, 9]),
        ("/opt/agent-runtime", "agent-runtime", [7]),
        ("/usr/bin/python3.11", "python3", [7]),
    ],
)
def test_what_does_the_work_of_a_service(machine, program, comm, expected):
    proc, root = machine(program, comm)
    assert _unit_processes.working(7, "/system.slice/run.service", proc, root) == expected


def test_without_a_control_group_there_is_the_main_process(machine):
    proc, root = machine("/usr/bin/dash")
    assert _unit_processes.working(7, None, proc, root) == [7]
    assert _unit_processes.working(7, "/gone", proc, root) == [7]
    assert _unit_processes.working(7, "/../x", proc, root) == [7]
    assert _unit_processes.working(None, "/x", proc, root) == []
