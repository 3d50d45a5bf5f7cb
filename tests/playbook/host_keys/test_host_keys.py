# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ssh is told of host keys in a job whose environment says that they are not checked. Real hosts: tests/host/fleet/test_access.py."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.playbook.observability.ledgers import ROOT, Told
from tests.playbook.observability.terminal import environment
from tests.playbook.observability.test_status import Fleet

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFixedKeyOfATestThatNobodyHas00000000000000"


def told_to_ssh(fleet: Fleet, playbook: str, **variables: str) -> str:
    """The arguments of every ssh that the playbook started."""
    given = {"rollout": "wave2", "rollout_monitoring_dir": str(fleet.monitoring), **variables}
    subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(fleet.inventory), playbook, "-e", json.dumps(given)],
        cwd=ROOT, env=environment(ANSIBLE_HOST_KEY_CHECKING="False"), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=600,
    )  # fmt: skip
    return fleet.tried.read_text()


@pytest.mark.parametrize("playbook", ["status", "rollback", "preflight"])
def test_no_play_takes_any_key(tmp_path: Path, playbook: str) -> None:
    fleet = Fleet(tmp_path)
    if playbook != "preflight":
        Told(fleet.monitoring, "wave2", start=datetime.now(UTC)).between_checkpoints()
    assert "StrictHostKeyChecking=no" not in told_to_ssh(
        fleet, f"playbooks/{playbook}.yml", rollout_new_attempt="false"
    )


def test_a_play_that_does_not_say_it_takes_any_key(tmp_path: Path) -> None:
    """The counterproof, of the environment and of what is looked for."""
    fleet = Fleet(tmp_path)
    play = tmp_path / "play.yml"
    play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.ping": {}}]}]))
    assert "StrictHostKeyChecking=no" in told_to_ssh(fleet, str(play))


def test_the_key_of_the_inventory_is_the_only_one_that_counts(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    shipped = yaml.safe_load((ROOT / "inventories" / "dgx" / "group_vars" / "dgx" / "vars.yml").read_text())[
        "ansible_ssh_common_args"
    ]
    said = told_to_ssh(fleet, "playbooks/status.yml", ansible_ssh_common_args=shipped, rollout_host_key=KEY)
    assert (
        f"-o StrictHostKeyChecking=yes -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null -o KnownHostsCommand=/bin/echo %H {KEY}"
        in said
    )
    fleet.tried.unlink()
    without = told_to_ssh(fleet, "playbooks/status.yml", ansible_ssh_common_args=shipped)
    assert "KnownHostsCommand" not in without and "StrictHostKeyChecking" not in without
