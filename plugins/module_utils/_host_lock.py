# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One change at a time on a host: a second run waits for the first, for a bounded time."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import contextmanager
from typing import Iterator

from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError

LOCK_FILE = "/run/cowboyai-rollout.lock"


@contextmanager
def host_lock(path: str = LOCK_FILE, wait: float = 60.0) -> Iterator[None]:
    """Hold the host's lock; raises :class:`InstanceError` ``host_busy`` after ``wait`` seconds.

    The kernel frees the lock with the process, so a killed run blocks nobody.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = "permission_denied" if error.errno in (errno.EACCES, errno.EPERM) else "tool_error"
        raise InstanceError(
            reason, "the lock {0} can't be opened: {1}; run with become: true".format(path, error.strerror)
        ) from None
    try:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EINTR):
                    raise InstanceError(
                        "tool_error", "the lock {0} can't be taken: {1}".format(path, error.strerror)
                    ) from None
            if time.monotonic() >= deadline:
                raise InstanceError(
                    "host_busy",
                    "another run changes agents on this host (it holds {0}) and did not end within {1:g} s; wait for "
                    "it or look who has the file open (fuser {0})".format(path, wait),
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(fd)
