# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the rollouts of one store to another, or verifies what a store has."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import Store, store_at
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._copy import copy, verify
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "source": {"type": "str", "default": ""},
        "target": {"type": "str", "default": ""},
    }

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return False

    def tells_people(self, arguments: dict[str, Any]) -> bool:
        return False

    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        def opener(url: str, folder: Path) -> Store:
            names = ("auth", "tls", "replicas")
            given = {name: value_of(context.variables, f"rollout_store_{name}") for name in names}
            return store_at(url, folder, **{name: value for name, value in given.items() if value is not None})

        source = arguments["source"] or str(value_of(context.variables, "rollout_store", "file://"))
        only = value_of(context.variables, "rollout")
        if arguments["target"] and self.check_mode:
            raise StepError("copying a store can't be pretended: leave --check out, or leave store_to out to verify.")
        if arguments["target"]:
            seen = copy(opener, source, arguments["target"], context.monitoring, only)
        else:
            seen = verify(opener, source, context.monitoring, only)
        problems = [problem for each in seen for problem in each.problems]
        lines = [each.text() for each in seen] or ["there is no rollout in the store"]
        return {
            "changed": any(each.changed for each in seen),
            "failed": bool(problems),
            "msg": "\n".join(lines) if problems else lines,
            "rollouts": {each.rollout: {"records": each.records, "files": each.files} for each in seen},
        }
