# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller does not reach a host, or not what it needs there."""

from __future__ import annotations

import subprocess

from tests.campaign.instruments.bench import Bench
from tests.campaign.instruments.case import HOST, Case
from tests.campaign.instruments.onhost import program, script
from tests.rollout.scenario.story import StoryError

SOURCE = "reach"
SUDO, PYTHON = "/usr/bin/sudo", "/usr/bin/python3"


def engine(*words: str) -> None:
    done = subprocess.run(["docker", *words], check=False, capture_output=True, timeout=60)
    if done.returncode:
        raise StoryError(f"docker {' '.join(words)}: {done.stderr.decode(errors='replace').strip()}")


def paused(bench: Bench) -> None:
    engine("pause", bench.story.fleet.container(HOST))


def unpaused(bench: Bench) -> None:
    engine("unpause", bench.story.fleet.container(HOST))


def cut(bench: Bench) -> None:
    engine("network", "disconnect", "--force", bench.story.fleet.network, bench.story.fleet.container(HOST))


def joined(bench: Bench) -> None:
    address = bench.story.addresses[HOST]
    network, container = bench.story.fleet.network, bench.story.fleet.container(HOST)
    engine("network", "connect", "--ip", address, "--alias", HOST, network, container)


def wrapped(name: str, path: str, text: str, quick: bool = False) -> Case:
    blind, mend = program(path, text)
    return Case(SOURCE, name, blind, mend, quick=quick)


CASES = [
    Case(SOURCE, "sshd is stopped", lambda bench: bench.story.cut_ssh(HOST), lambda bench: bench.story.mend_ssh(HOST), quick=True),
    Case(SOURCE, "the host stands still", paused, unpaused),
    Case(SOURCE, "the host is off its network", cut, joined),
    wrapped("sudo wants a password", SUDO, "echo 'sudo: a password is required' >&2; exit 1"),
    wrapped("sudo wants a terminal", SUDO, "echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1"),
    wrapped("sudo says nothing and ends well", SUDO, "exit 0"),
    wrapped("Python ends without a word", PYTHON, "exit 0"),
    wrapped("Python is killed", PYTHON, "kill -9 $$"),
    wrapped("a module's answer is cut off", PYTHON, '$real "$@" | head -c 300'),
    Case(SOURCE, "Python is gone", script(f"mv {PYTHON} {PYTHON}.real"), script(f"mv {PYTHON}.real {PYTHON}")),
    Case(SOURCE, "no space for a module", script("mount -o remount,size=4k /tmp; mount -t tmpfs -o size=4k tmpfs /home/rollout"),
         script("umount -l /home/rollout; mount -o remount,size=1g /tmp")),
]  # fmt: skip
