# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema of plans, for editors that complete and check them while they are written."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._model import Plan

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def plan_json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a plan file. What it can't say (orders of time, names) load_plan checks."""
    schema = Plan.model_json_schema(mode="validation")
    _drop_null(schema)
    return {"$schema": _DIALECT, "title": "Plan of a rollout (cowboyai.rollout)"} | {
        key: value for key, value in schema.items() if key != "title"
    }


def _drop_null(node: Any) -> None:
    """A key is left out or has a value: null is never written, so editors should not offer it."""
    if isinstance(node, dict):
        choices = node.get("anyOf")
        if isinstance(choices, list) and {"type": "null"} in choices:
            rest = [choice for choice in choices if choice != {"type": "null"}]
            del node["anyOf"]
            node.update({"anyOf": rest} if len(rest) > 1 else rest[0])
        if "default" in node and node["default"] is None:
            del node["default"]
        if "properties" in node:
            for child in node["properties"].values():
                if isinstance(child, dict):
                    child.pop("title", None)
        for child in node.values():
            _drop_null(child)
    elif isinstance(node, list):
        for child in node:
            _drop_null(child)
