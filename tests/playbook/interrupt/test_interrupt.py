# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An interrupted run ends, also where ansible-core waits for a lock whose holder is dead."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.playbook.observability.ledgers import ROOT
from tests.playbook.observability.terminal import environment

PLAYBOOK = """---
- hosts: localhost
  gather_facts: false
  tasks:
    - {name: before, ansible.builtin.debug: {msg: ""}}
    - {name: after, ansible.builtin.debug: {msg: ""}}
"""


def interrupted(tmp_path: Path, lock: bool, callback: str, patience: float) -> subprocess.CompletedProcess[str]:
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    told = environment(
        ANSIBLE_CALLBACK_PLUGINS=str(Path(__file__).parent / "callback"),
        ANSIBLE_CALLBACKS_ENABLED="orphan",
        ANSIBLE_STDOUT_CALLBACK=callback,
        ORPHAN_LOCK=str(lock).lower(),
        ORPHAN_LIMIT="3",
    )
    words = ["ansible-playbook", "-i", "localhost,", "-c", "local", str(tmp_path / "play.yml")]
    return subprocess.run(words, env=told, cwd=ROOT, capture_output=True, text=True, timeout=patience, check=False)


def test_one_that_waits_for_a_lost_lock_is_ended(tmp_path: Path) -> None:
    ended = interrupted(tmp_path, lock=True, callback="cowboyai.rollout.progress", patience=60)
    assert ended.returncode == 99, ended.stderr + ended.stdout
    assert "did not end by itself within 3 s" in ended.stderr and "start the same command again" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


def test_ansible_alone_waits_for_ever(tmp_path: Path) -> None:
    """Why the remedy is there: when this fails, ansible-core has mended it and the remedy can go."""
    with pytest.raises(subprocess.TimeoutExpired):
        interrupted(tmp_path, lock=True, callback="ansible.builtin.default", patience=15)


def test_one_that_ends_by_itself_is_left_alone(tmp_path: Path) -> None:
    ended = interrupted(tmp_path, lock=False, callback="cowboyai.rollout.progress", patience=60)
    assert ended.returncode == 99, ended.stderr + ended.stdout
    assert "User interrupted execution" in ended.stderr + ended.stdout
    assert "did not end by itself" not in ended.stderr
