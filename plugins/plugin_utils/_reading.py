# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a metric reads out of evidence, and the register of those who can read one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Evidence = dict[str, Any]


@dataclass
class Reading:
    """One metric's value over one role's instances.

    value: in the metric's unit (percent 0..100, duration in seconds, size in bytes), None when there is none.
    samples: how many observations stand behind it. missing: typed reasons why part of it could not be seen;
    a value with `missing` reasons is what was seen of the rest. by: the value per instance, agent or host;
    absolute: for metrics that are relative by themselves, the same differences in absolute terms (bytes, seconds).
    low, high: of a sequential metric, what its true value per name is sure to be above or below, however often one
    looked; a name without an entry has no bound. alone: (value, what is sure of it) of those who must be good by themselves,
    however good the others are: of few samples less is sure than was seen. doubt: typed reasons why a bad value may not be the change's after all:
    it holds, and is not lost: a later look has it again. ignored: the true size of a change that a rule does not judge.
    """

    value: float | None
    samples: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    by: dict[str, float] = field(default_factory=dict)
    note: str = ""
    absolute: dict[str, float] = field(default_factory=dict)
    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)
    alone: dict[str, tuple[float, float]] = field(default_factory=dict)
    doubt: dict[str, str] = field(default_factory=dict)
    ignored: float | None = None


Reader = Callable[[Evidence, str], Reading]
READERS: dict[str, Reader] = {}


def metric(name: str) -> Callable[[Reader], Reader]:
    """Register a function that reads this metric: (evidence, role) -> Reading."""

    def register(function: Reader) -> Reader:
        READERS[name] = function
        return function

    return register


def add_missing(missing: dict[str, str], reason: str, what: str) -> None:
    """Add what could not be seen to those that could not for the same reason."""
    missing[reason] = f"{missing[reason]}, {what}" if reason in missing else what
