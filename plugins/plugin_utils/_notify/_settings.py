# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which channels hear of which event: a plan's `notify` section as it is written, out of the plan or out of the ledger.

Read without the plan's model: a rollback tells people too, and must not wait for what reads plans.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The defaults of the plan's model, for sections that an older version wrote down.
DEFAULT_LEVELS = {
    "deployment": 1,
    "checkpoint": 1,
    "approval": 2,
    "incident": 2,
    "warning": 1,
    "rollback": 3,
    "report": 1,
}


@dataclass(frozen=True)
class Settings:
    """`levels`: level -> names of channels; `events`: event -> level, 0 for none."""

    levels: dict[int, list[str]] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)

    def channels(self, level: int) -> list[str]:
        """The channels of a level, or of the highest listed one below it; none where there is none below."""
        listed = [number for number in self.levels if 0 < number <= level]
        return list(dict.fromkeys(self.levels[max(listed)])) if listed else []

    def channels_for(self, event: str) -> list[str]:
        return self.channels(self.events.get(event, DEFAULT_LEVELS.get(event, 1)))

    def all_channels(self) -> list[str]:
        """Every channel that the plan names, once, lower levels first."""
        return list(dict.fromkeys(name for level in sorted(self.levels) for name in self.levels[level]))


def settings_of(section: Mapping[str, Any] | None) -> Settings | None:
    """The settings of a `notify` section in the notation of plans; None where there is none."""
    if not section:
        return None
    levels = {int(level): [str(name) for name in names] for level, names in (section.get("levels") or {}).items()}
    events = {str(event): int(level) for event, level in (section.get("events") or {}).items()}
    return Settings(levels, {**DEFAULT_LEVELS, **events})
