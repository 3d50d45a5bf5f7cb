# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback: takes the lock of the results' queue, as a worker does that dies with it, and interrupts the run.

ORPHAN_LOCK true takes the lock; false only interrupts. ORPHAN_LIMIT is how long a run may take to end after that, ORPHAN_SIGN the file that
it makes when it comes to it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

from ansible.executor.task_queue_manager import FinalQueue
from ansible.plugins.callback import CallbackBase
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _interrupt

DOCUMENTATION = r"""
name: orphan
type: aggregate
short_description: A lock whose holder is gone
description: For a test.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "orphan"

    def __init__(self) -> None:
        super().__init__()
        _interrupt.LONGEST = float(os.environ["ORPHAN_LIMIT"])

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if task.get_name() != "after":
            return
        # A worker that has just handed over its result may be dying with that lock as well: it is let go of first.
        for worker in multiprocessing.active_children():
            worker.join()
        if os.environ["ORPHAN_LOCK"] == "true":
            (results,) = [each for each in gc.get_objects() if isinstance(each, FinalQueue)]
            results._wlock.acquire()
        Path(os.environ["ORPHAN_SIGN"]).touch()
        os.kill(os.getpid(), signal.SIGINT)
