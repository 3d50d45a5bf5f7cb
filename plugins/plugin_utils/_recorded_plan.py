# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as the ledger's first record keeps it: enough to say where a rollout stands when its plan's file is gone. Pure.

Reading it needs no pydantic, since a status must not wait for it, and forgives what older records lack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTES = {
    "B": 1.0,
    "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
    "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
}  # fmt: skip
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+\Z")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_LIMIT = re.compile(r"(above|below|at[ _]least|at[ _]most|equals)\s+(-?\d+(?:\.\d+)?)\s*([A-Za-z%]*)")
# What plans leave out.
WATCH_EVERY_S = 300.0


def seconds(text: Any) -> float:
    """`1h30m` in seconds; 0 for what is no duration."""
    if not isinstance(text, str) or not _DURATION.match(text):
        return 0.0
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def limit(text: str) -> tuple[str, float] | None:
    """(comparison, threshold) of `below 0.1% against control`: percents 0..100, durations in seconds, sizes in bytes."""
    found = _LIMIT.match(text)
    if not found:
        return None
    comparison, number, unit = found.group(1).replace(" ", "_"), float(found.group(2)), found.group(3)
    # `1h30m` is more than one number and unit.
    duration = _DURATION.match(text[found.start(2) :].split(" ")[0])
    if duration:
        return comparison, seconds(duration.group(0))
    return comparison, number * _BYTES.get(unit, 1.0)


@dataclass(frozen=True)
class RecordedPhase:
    """A phase's name, agents and durations in the plan's time."""

    name: str
    agents: tuple[str, ...] = ()
    soak_s: float = 0.0
    stagger_s: float = 0.0
    verify_within_s: float = 0.0


@dataclass(frozen=True)
class RecordedPlan:
    """Durations are seconds of the plan's time; `time_scale`: what an earlier version divided them by, in a rehearsal."""

    phases: tuple[RecordedPhase, ...] = ()
    checkpoints_after: str = ""
    checkpoints: tuple[tuple[str, float], ...] = ()
    watch_every_s: float = WATCH_EVERY_S
    time_scale: float = 1.0

    def real(self, plan_s: float) -> float:
        """Seconds as the ledger's times have them."""
        return plan_s / self.time_scale


def recorded_plan(start: Mapping[str, Any]) -> RecordedPlan:
    """The plan in the data of a `rollout.started` record."""
    plan = start.get("plan") or {}
    checkpoints = plan.get("checkpoints") or {}
    phases = tuple(
        RecordedPhase(
            str(phase.get("name", "")),
            tuple(str(agent) for agent in phase.get("agents") or []),
            seconds(phase.get("soak")),
            seconds(phase.get("stagger")),
            seconds(phase.get("verify_within")),
        )
        for phase in plan.get("phases") or []
    )
    return RecordedPlan(
        phases=phases,
        checkpoints_after=str(checkpoints.get("after") or (phases[-1].name if phases else "")),
        checkpoints=tuple((f"T+{offset}", seconds(offset)) for offset in checkpoints.get("at") or []),
        watch_every_s=seconds((plan.get("watch") or {}).get("every")) or WATCH_EVERY_S,
        time_scale=float(start.get("time_scale") or 1.0),
    )
