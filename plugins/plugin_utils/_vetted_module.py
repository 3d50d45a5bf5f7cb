# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module as Ansible does, and lets nothing of its answer through that a host must not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _background_python
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._answer import vetted


class VettedModule(NormalAction):
    """The action of a module of this collection: its answer is vetted before it is shown, registered or acted upon."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        job = bool(self._task.async_val and not self._connection.has_native_async)
        result = super().run(tmp, self._startable(task_vars) if job and task_vars else task_vars)
        return vetted(self._task.action.rpartition(".")[2], result, self._asked(), job)

    def _startable(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """On this machine the Python may be in a folder with a space in its name, which Ansible's async can't start."""
        where = self._task.delegate_to
        told = _background_python.variables_of(task_vars, where).get(_background_python.VARIABLE, "")
        # The inventory's own template, as Ansible renders it for a module's first line.
        python = str(self._templar.template(told))
        if " " not in python or self._connection.transport != "local":
            return task_vars
        link = _background_python.spaceless(python, Path(constants.DEFAULT_LOCAL_TMP))
        return _background_python.with_python(task_vars, where, link)

    def _asked(self) -> list[str] | None:
        """The agents that the task names; None when it leaves that to the host."""
        args = self._task.args
        named = args.get("instances") or args.get("agents")
        if not isinstance(named, list):
            return None
        return [str(each["agent"] if isinstance(each, dict) else each) for each in named]
