# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is interrupted ends, also where ansible-core would wait for ever.

ansible-core 2.19 passes a SIGINT on to workers that have just told their result. One that dies before it has given the lock of
the results' queue back takes it along, and the main process then waits for that lock to close the queue.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

# What ansible-core itself needs after an interrupt, some seconds, and then some.
LONGEST = 30.0
# The exit code that ansible-core has for an interrupt.
INTERRUPTED = 99
TOLD = (
    "\nInterrupted. Ansible did not end by itself within {seconds:g} s, as a worker died with a lock that the end needs; "
    "this process has ended it now. Nothing is lost: start the same command again.\n"
)


def end_after_interrupt() -> None:
    """From now on the process ends at most LONGEST seconds after its first SIGINT; what handled that signal still does.

    Call it in the main thread of the main process, after ansible-core has set its own handler. No thread: one can't be started
    safely in a handler, and SIGALRM interrupts the wait for a lock.
    """
    limit, pid, handle = LONGEST, os.getpid(), signal.getsignal(signal.SIGINT)
    if not callable(handle):
        # The signal is ignored, or ends the process at once.
        return

    def ended(_number: int, _frame: FrameType | None) -> None:
        os.write(2, TOLD.format(seconds=limit).encode())
        os._exit(INTERRUPTED)

    def interrupted(number: int, frame: FrameType | None) -> None:
        # A worker that was forked and has no handler of its own yet is not what must end.
        if os.getpid() == pid:
            signal.signal(signal.SIGALRM, ended)
            signal.setitimer(signal.ITIMER_REAL, limit)
        handle(number, frame)

    signal.signal(signal.SIGINT, interrupted)
