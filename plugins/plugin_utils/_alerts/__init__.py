# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts: a condition that holds is told once, again when it changes, again after a while, and when it is over."""

from __future__ import annotations

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts._changes import Change, changes, ended
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts._history import ToldAlert, history
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts._record import (
    alerts_log,
    close_ended,
    record_alerts,
)

__all__ = ["Change", "ToldAlert", "alerts_log", "changes", "close_ended", "ended", "history", "record_alerts"]
