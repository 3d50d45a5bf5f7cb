# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback: writes down every task boundary of a run, and ends or stops the run's whole process group at a chosen one.

BOUNDARY_LOG names the file with a line per boundary ("seconds<TAB>play<TAB>task<TAB>occurrence", the occurrence of that
task in that play, from 1). BOUNDARY_AT has such lines without their seconds; at each of them BOUNDARY_SIGNAL (a signal's
number) is sent, before any host of that task has been given to a worker, and BOUNDARY_LOG gets the line "struck".

BOUNDARY_CLOCK names a file with seconds by which the product's clock is off, read at every look at that clock. (libfaketime
can't do it: Python's own sleep fails under it unless the monotonic clock jumps as well.)

On SIGUSR1 each process of the run appends where its threads are to BOUNDARY_LOG + ".stacks": why a run did not end.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import SystemClock

DOCUMENTATION = r"""
name: boundary
type: aggregate
short_description: Ends a run at a task boundary
description: For the campaigns.
"""


#: Only a run that ignores its signal goes on after that.
HANDLED_WITHIN_S = 60.0


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "boundary"

    def __init__(self) -> None:
        super().__init__()
        self.met: Counter[str] = Counter()
        self.play = ""
        self.stacks = open(os.environ["BOUNDARY_LOG"] + ".stacks", "a", encoding="utf-8")  # noqa: SIM115 - open until the run ends
        faulthandler.register(signal.SIGUSR1, file=self.stacks)
        if "BOUNDARY_CLOCK" in os.environ:
            _set_clock(Path(os.environ["BOUNDARY_CLOCK"]))

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self.play = play.get_name()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._boundary(task.get_name())

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._boundary(task.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._boundary("the end")

    def _boundary(self, name: str) -> None:
        place = f"{self.play}\t{name}"
        self.met[place] += 1
        place = f"{place}\t{self.met[place]}"
        struck = place in os.environ.get("BOUNDARY_AT", "").split("\n")
        with open(os.environ["BOUNDARY_LOG"], "a", encoding="utf-8") as log:
            log.write(f"{time.time():.3f}\t{place}\n" + ("struck\n" if struck else ""))
        if not struck:
            return
        number = int(os.environ["BOUNDARY_SIGNAL"])
        os.killpg(os.getpgid(0), number)
        if number == signal.SIGSTOP:
            return
        # A signal that is handled raises out of this; no task begins before.
        time.sleep(HANDLED_WITHIN_S)


def _set_clock(told: Path) -> None:
    """Before any worker is forked: all of them read the same clock."""
    right = SystemClock.now

    def now(clock: SystemClock) -> datetime:
        return right(clock) + timedelta(seconds=float(told.read_text()))

    SystemClock.now = now  # type: ignore[method-assign]
