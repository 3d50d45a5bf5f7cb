# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics whose data the plan does not gather, and comparisons with what does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._findings import Finding, Findings, criteria_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import Checkpoints
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import Path_
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import format_duration

_GATHERS = {
    "sample": "the patterns to listen on",
    "probe": "the requests to send",
    "control": "control.agents, instances without the change to compare with",
    "corruption_signs": "the patterns that are signs of corrupted state",
}


def _is_absent(sections: Mapping[str, Any], need: str) -> bool:
    """Whether a section that metrics need is empty or was left out. One that is there but wrong is not absent."""
    if need not in sections:
        return False
    return not (sections[need].agents if need == "control" else sections[need])


def check_measurable(sections: Mapping[str, Any]) -> list[Finding]:
    """Metrics whose data the plan does not gather, and comparisons with what does not exist."""
    found: list[Finding] = []
    missing: dict[str, list[str]] = {}
    for path, criterion in criteria_of(sections):
        if criterion.against == "previous":
            found.extend(_previous_fault(path, sections.get("checkpoints")))
        compared = ["control"] if criterion.against == "control" else []
        for need in dict.fromkeys([*METRICS[criterion.metric].needs, *compared]):
            if _is_absent(sections, need):
                missing.setdefault(need, []).append(criterion.metric)
    for need, metrics in missing.items():
        names = ", ".join(dict.fromkeys(metrics))
        found.append(Finding((need,), _GATHERS[need], f"without it nothing measures {names}", "nothing"))
    return found


def _previous_fault(path: Path_, checkpoints: Checkpoints | None) -> Findings:
    if path[:2] != ("checkpoints", "also"):
        yield Finding(
            (*path, "against"),
            "a reference that every look has",
            "compare with the previous checkpoint under checkpoints.also, for the second checkpoint and later ones",
        )
    elif checkpoints is not None and path[2] == f"T+{format_duration(checkpoints.at[0])}":
        yield Finding(
            (*path, "against"), "control or baseline", f"{path[2]} is the first checkpoint; there is none before it"
        )
