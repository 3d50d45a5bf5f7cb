# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects what a probe in the background saw, and vets it as if it had been waited for."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action.async_status import ActionModule as AsyncStatus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._answer import vetted


class ActionModule(AsyncStatus):
    """See the module."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        return vetted("nats_probe", super().run(tmp, task_vars), job=True)
