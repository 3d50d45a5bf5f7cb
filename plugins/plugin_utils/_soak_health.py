# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changed instances were not healthy since a soak began. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._control_errors import Shown, own_errors
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import DOWN_EVENTS, Looks, totals

COUNTED = ("errors", "panics", "kinds")


def unwell(evidence: dict[str, Any], looks: Mapping[str, Looks], since: datetime | None) -> list[str]:
    """Test instances that are down now, or had an error of their own or an exit since the soak began.

    Errors that control shows as well are not theirs, here as in the metrics; what was before is another gate's matter.
    """
    seen = {
        name: totals(looks[item["host"]], item["agent"], since)
        for name, item in evidence["instances"].items()
        if not item.get("reason") and item["host"] in looks
    }
    since_then = {
        **evidence,
        "instances": {
            name: {**item, **{key: seen[name][key] for key in COUNTED}}
            for name, item in evidence["instances"].items()
            if name in seen
        },
    }
    shown = Shown(since_then)
    return [
        name
        for name, item in since_then["instances"].items()
        if item["role"] == "test" and (_down(item, seen[name]["events"]) or own_errors(shown, item, {}) > 0)
    ]


def _down(item: dict[str, Any], events: list[dict[str, Any]]) -> bool:
    return not item.get("active") or any(event["event"] in DOWN_EVENTS for event in events)
