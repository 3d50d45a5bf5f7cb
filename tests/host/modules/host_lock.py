# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the lock of a host as another run would, for as long as a test needs it."""

from __future__ import annotations

import subprocess
from types import TracebackType

from tests.host.shared_fleet import RehearsalHost
from tests.host.waiting import until

LOCK = "/run/cowboyai-rollout.lock"
#: Processes of modules: their program comes in through a pipe, so that this is all that their command line says.
MODULES = "pgrep -xf /usr/bin/python3"


class HostLock:
    """Held inside the block."""

    def __init__(self, host: RehearsalHost) -> None:
        self.host = host

    def __enter__(self) -> HostLock:
        container = self.host.fleet.container(self.host.name)
        # cat ends, and the lock with it, when our end of its input is closed.
        self.holder = subprocess.Popen(
            ["docker", "exec", "-i", container, "flock", LOCK, "sh", "-c", "echo held; cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == b"held\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.holder.communicate(timeout=120)

    def wait_for_module(self) -> None:
        """Until a module waits for the lock: its process has the file open."""
        has_it_open = f"for p in $({MODULES}); do ls -l /proc/$p/fd | grep -q {LOCK} && echo waits; done; :"
        until("a module waits for the lock", lambda: "waits" in self.host.root(has_it_open))
