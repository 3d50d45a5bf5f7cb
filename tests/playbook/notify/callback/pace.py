# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback: how long messages wait for their next try, and a run for its messages, as a test says.

PACE_WAITS is a JSON list of seconds before each try, PACE_LEAVING the seconds that the end of a run waits at most.
"""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify import _hook, _outbox

DOCUMENTATION = r"""
name: pace
type: aggregate
short_description: The pace of notifications
description: For a test.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "pace"

    def __init__(self) -> None:
        super().__init__()
        _outbox.WAITS_S = tuple(json.loads(os.environ["PACE_WAITS"]))
        _hook.LEAVING_S = float(os.environ["PACE_LEAVING"])
