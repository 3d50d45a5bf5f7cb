# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in a child process, result over a pipe. For work whose timing must not suffer from what the parent does
meanwhile."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from typing import Any, Callable, Dict, List, Optional

MAX_RESULT_BYTES = 16 * 1024 * 1024


class ForkedRun:
    """A forked child that waits for go(), runs `work` and hands back the dict that it returns.

    Fork before opening connections: a child that inherits a socket keeps it open. `work` gets a function that says
    whether the parent is still there, and should stop soon when it is not.
    """

    def __init__(self, work: Callable[[Callable[[], bool]], Dict[str, Any]]) -> None:
        go_read, self._go = os.pipe()
        self._answer, answer_write = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._go)
                os.close(self._answer)
                if os.read(go_read, 1):
                    data = json.dumps(work(lambda: os.getppid() == parent)).encode()
                    while data:
                        data = data[os.write(answer_write, data) :]
            finally:
                os._exit(
                    0
                )  # never run the parent's cleanup, never print: standard output belongs to the module's answer
        os.close(go_read)
        os.close(answer_write)

    def go(self) -> None:
        """Let the child start its work."""
        self._close_go(b"g")

    def _close_go(self, word: bytes = b"") -> None:
        if self._go >= 0:
            try:
                os.write(self._go, word)
            except OSError:
                pass  # a dead child shows in result()
            os.close(self._go)
            self._go = -1

    def is_done(self) -> bool:
        """Whether the child has a result to hand back, or is dead."""
        return bool(select.select([self._answer], [], [], 0)[0])

    def result(self, timeout: float) -> Optional[Dict[str, Any]]:
        """The child's result; None when it did not hand one back in time (or died). The child is gone afterwards."""
        deadline = time.monotonic() + timeout
        pieces: List[bytes] = []
        size = 0
        try:
            while True:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([self._answer], [], [], left)[0]:
                    return None
                piece = os.read(self._answer, 1 << 16)
                if not piece:
                    break
                size += len(piece)
                if size > MAX_RESULT_BYTES:
                    return None
                pieces.append(piece)
        finally:
            self.stop()
        try:
            found = json.loads(b"".join(pieces).decode())
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def stop(self) -> None:
        """End the child if it still runs, and reap it. May be called again."""
        if self._pid <= 0:
            return
        pid, self._pid = self._pid, 0
        self._close_go()
        os.close(self._answer)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass
