# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback: stands still before a named task until the story says go, so that it can act there however fast the machine is.

STANDSTILL_AT names the task as "play<TAB>task<TAB>occurrence" (of that task in that play, from 1). The file
STANDSTILL_FOLDER/reached says that the run stands there, before any host of the task was given to a worker; it goes on once
there is STANDSTILL_FOLDER/go.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: standstill
type: aggregate
short_description: Stands still at a task boundary
description: For stories that act at a boundary.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "standstill"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.met: Counter[str] = Counter()
        self.play = ""

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self.play = play.get_name()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        place = f"{self.play}\t{task.get_name().rpartition(' : ')[2]}"
        self.met[place] += 1
        if f"{place}\t{self.met[place]}" == os.environ.get("STANDSTILL_AT"):
            folder = Path(os.environ["STANDSTILL_FOLDER"])
            (folder / "reached").touch()
            while not (folder / "go").exists():
                time.sleep(0.02)
