# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An interrupted run ends, also where ansible-core waits for a lock whose holder is dead."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.module.nats.world import wait_until
from tests.playbook.observability.ledgers import ROOT
from tests.playbook.observability.terminal import environment

PLAYBOOK = """---
- hosts: localhost
  gather_facts: false
  tasks:
    - {name: before, ansible.builtin.debug: {msg: ""}}
    - {name: after, ansible.builtin.debug: {msg: ""}}
"""


def start(tmp_path: Path, lock: bool, callback: str, limit_s: float) -> subprocess.Popen[str]:
    """A run that interrupts itself; `limit_s` is how long it may take to end after that."""
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    told = environment(
        ANSIBLE_CALLBACK_PLUGINS=str(Path(__file__).parent / "callback"),
        ANSIBLE_CALLBACKS_ENABLED="orphan",
        ANSIBLE_STDOUT_CALLBACK=callback,
        ORPHAN_LOCK=str(lock).lower(),
        ORPHAN_LIMIT=str(limit_s),
        ORPHAN_SIGN=str(tmp_path / "interrupted"),
    )
    words = ["ansible-playbook", "-i", "localhost,", "-c", "local", str(tmp_path / "play.yml")]
    return subprocess.Popen(words, env=told, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """(exit status, standard output, standard error); only what hangs takes long."""
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def test_one_that_waits_for_a_lost_lock_is_ended(tmp_path: Path) -> None:
    status, out, err = ended(start(tmp_path, lock=True, callback="cowboyai.rollout.progress", limit_s=0.5))
    assert status == 99, err + out
    assert "did not end by itself within 0.5 s" in err and "start the same command again" in err
    assert "Traceback" not in err + out


def used(pid: int) -> tuple[str, ...]:
    """State of the process, and the time that it has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return words[0], words[11], words[12]


def test_ansible_alone_waits_for_ever(tmp_path: Path) -> None:
    """Why the remedy is there: when this fails, ansible-core has mended it and the remedy can go."""
    process = start(tmp_path, lock=True, callback="ansible.builtin.default", limit_s=0.5)
    try:
        wait_until(lambda: (tmp_path / "interrupted").exists() or process.poll() is not None, "the interrupt")
        seen = [used(process.pid)]
        # It sleeps, and does nothing from one look to the next: forty times in a row.
        while len(seen) < 40 and process.poll() is None:
            time.sleep(0.05)
            now = used(process.pid)
            seen = [*seen, now] if now == seen[-1] and now[0] == "S" else [now]
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_one_that_ends_by_itself_is_left_alone(tmp_path: Path) -> None:
    status, out, err = ended(start(tmp_path, lock=False, callback="cowboyai.rollout.progress", limit_s=600))
    assert status == 99, err + out
    assert "User interrupted execution" in err + out
    assert "did not end by itself" not in err
