# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks between the sections of a plan: what they are, and how they find their sections.

Each check is a function whose parameters are sections of the plan by name. It runs when all of these are valid by
themselves, so that a mistake in one section hides no mistake between two others.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._criterion import Criterion
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import Control, Phase
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import Path_


@dataclass(frozen=True)
class Finding:
    """A mistake found between sections; `seen` None means the value as it is written there."""

    path: Path_
    expected: str
    hint: str = ""
    seen: str | None = None


Findings = Iterator[Finding]


class Checks:
    """The checks of one subject."""

    def __init__(self) -> None:
        self.functions: list[Callable[..., Findings]] = []

    def add(self, function: Callable[..., Findings]) -> Callable[..., Findings]:
        """Take in a check; its parameters name the sections it looks at."""
        self.functions.append(function)
        return function

    def run(self, sections: Mapping[str, Any]) -> list[Finding]:
        """Run every check whose sections are at hand (a section that is not valid is left out by the caller)."""
        found: list[Finding] = []
        for function in self.functions:
            names = list(inspect.signature(function).parameters)
            if all(name in sections for name in names):
                found.extend(function(*(sections[name] for name in names)))
        return found


def agents_of(phases: list[Phase], control: Control) -> Iterator[tuple[Path_, str]]:
    for number, phase in enumerate(phases):
        for position, agent in enumerate(phase.agents):
            yield ("phases", number, "agents", position), agent
    for position, agent in enumerate(control.agents):
        yield ("control", "agents", position), agent


def criteria_of(sections: Mapping[str, Any]) -> Iterator[tuple[Path_, Criterion]]:
    """Every criterion, trigger and alert of the sections at hand, with its path."""
    lists: list[tuple[Path_, list[Any]]] = []
    if "verify" in sections:
        lists.append((("verify", "criteria"), sections["verify"].criteria))
    if "criteria" in sections:
        lists.append((("criteria", "primary"), sections["criteria"].primary))
        lists.append((("criteria", "secondary"), sections["criteria"].secondary))
    if "checkpoints" in sections:
        lists.extend((("checkpoints", "also", name), listed) for name, listed in sections["checkpoints"].also.items())
    if "alerts" in sections:
        lists.append((("alerts",), sections["alerts"]))
    if "rollback" in sections:
        lists.append((("rollback", "when"), sections["rollback"].when))
    for path, listed in lists:
        for position, criterion in enumerate(listed):
            yield (*path, position), criterion
