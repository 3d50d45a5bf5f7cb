# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name for the servers of several hosts, and vets what comes back."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._play_variables import PlayVariables
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._vetted_module import VettedModule


class ActionModule(VettedModule):
    """See the module."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        arguments = dict(self._task.args)
        hosts = arguments.pop("hosts", None)
        if hosts is not None:
            hostvars = PlayVariables(task_vars or {}, self._templar)["hostvars"]
            servers = [_server(str(host), hostvars[host]) for host in hosts]
            self._task.args = {**arguments, "servers": [each for each in servers if each["server"]]}
        return super().run(tmp, task_vars)


def _server(host: str, variables: Any) -> dict[str, Any]:
    """A host's server as the module takes it; the module refuses what is missing, by name."""
    return {
        "name": host,
        "server": value_of(variables, "rollout_nats_url", ""),
        "auth": value_of(variables, "rollout_nats_auth", {}),
        "tls": value_of(variables, "rollout_nats_tls", {}),
    }
