# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst stretch of an agent's errors since its change: what the average of a day thins out, and one look is too short for. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import AGENTS, INSTANCES, Columns
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series_metrics import unchanged_until

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# How long a stretch may be, in buckets.
LENGTHS = (5, 10, 20, 40, 80, 160)
# Share of rollouts without a fault in which any stretch of any agent is taken for one.
FALSE_ALARMS = 0.001
# The share is spread evenly over the stretches that begin in so many buckets (34 hours of minutes); later ones get the rest.
EVEN_BUCKETS = 2048
# As for losses: what control, or the agent itself before its change, shows half as badly is nothing new.
BEYOND = 2.0
# One or two errors are an accident.
FEWEST = 3


@dataclass(frozen=True)
class _Course:
    """Errors and messages handled, per bucket."""

    errors: Array
    messages: Array

    def part(self, first: int, last: int | None = None) -> _Course:
        return _Course(self.errors[first:last], self.messages[first:last])

    def sums(self, length: int) -> tuple[Array, Array]:
        """(errors, messages) of every stretch of so many buckets, by where it begins."""
        import numpy as np

        found = []
        for values in (self.errors, self.messages):
            total = np.concatenate(([0.0], np.cumsum(values)))
            found.append(total[length:] - total[:-length])
        return found[0], found[1]

    def highest(self, length: int) -> float:
        """The highest error rate (0..1) of any stretch of so many buckets that had FEWEST errors or more."""
        errors, messages = self.sums(length)
        enough = errors >= FEWEST
        return float((errors[enough] / (messages[enough] + errors[enough])).max()) if enough.any() else 0.0


def peaks(columns: Columns, own: dict[str, float]) -> dict[str, float]:
    """agent -> its highest error rate (percent) over any stretch since its change that is surely no chance; 0 where none is.

    `own`: the errors of each agent that control does not show as well, by kind: the series don't know kinds.
    """
    test = {
        each["agent"]: each
        for each in columns.series[AGENTS].values()
        if each["role"] == "test" and each.get("changed") is not None
    }
    found = dict.fromkeys(test, 0.0)
    suspects = [agent for agent in test if own.get(agent, 0.0) >= FEWEST]
    if not suspects:
        return found
    control = [
        _course(columns, agent)
        for agent in sorted({each["agent"] for each in columns.series[INSTANCES].values() if each["role"] == "control"})
    ]
    for agent in suspects:
        entry = test[agent]
        course = _course(columns, agent)
        changed = int(entry["changed"])
        before = course.part(0, unchanged_until(columns, entry))
        since = _without_shared(course, control).part(changed)
        found[agent] = 100.0 * _peak(since, before, control, changed, own[agent], FALSE_ALARMS / len(test))
    return found


def _course(columns: Columns, agent: str) -> _Course:
    """An agent on all its hosts. Its counters are printed now and then; what it answered the probe was handled as well."""
    import numpy as np

    errors, counted, answered = (np.zeros(columns.buckets) for _each in range(3))
    for name, each in columns.series[INSTANCES].items():
        if each["agent"] == agent:
            errors += columns.counted(INSTANCES, name, "errors")
            counted += columns.counted(INSTANCES, name, "messages")
    for name, each in columns.series[AGENTS].items():
        if each["agent"] == agent:
            answered += columns.counted(AGENTS, name, "answered")
    return _Course(errors, np.maximum(counted, answered))


def _without_shared(course: _Course, control: list[_Course]) -> _Course:
    """Without the errors of buckets in and around which control errs half as often or more."""
    import numpy as np

    if not control:
        return course
    near = 5
    peers = _Course(sum(each.errors for each in control), sum(each.messages for each in control))  # type: ignore[arg-type]
    rates = []
    for each in (course, peers):
        padded = _Course(np.pad(each.errors, near // 2), np.pad(each.messages, near // 2))
        errors, messages = padded.sums(near)
        rates.append(errors / np.maximum(messages + errors, 1.0))
    return _Course(np.where(BEYOND * rates[1] >= rates[0], 0.0, course.errors), course.messages)


def _peak(since: _Course, before: _Course, control: list[_Course], changed: int, own: float, alpha: float) -> float:
    """The highest sure rate (0..1): by a test of two rates, given how many errors there are in all until a stretch ends."""
    import numpy as np
    from scipy.special import betainc

    highest = 0.0
    seen = [before, *control]
    known = float(before.errors.sum()), float(before.messages.sum())
    so_far = [np.cumsum(part) for part in (since.errors, since.messages)]
    of_control = [
        np.cumsum(sum((getattr(each, key) for each in control), np.zeros(changed + len(since.errors))))[changed:]
        for key in ("errors", "messages")
    ]
    for length in LENGTHS:
        if len(since.errors) < length:
            break
        errors, messages = since.sums(length)
        errors = np.minimum(errors, own)
        rate = errors / np.maximum(messages + errors, 1.0)
        usual = max((each.highest(length) for each in seen if len(each.errors) >= length), default=0.0)
        starts = np.flatnonzero((errors >= FEWEST) & (rate > max(BEYOND * usual, highest)))
        if not len(starts):
            continue
        ends = starts + length - 1
        others = known[0] + of_control[0][ends] + so_far[0][ends] - errors[starts]
        handled = known[1] + of_control[1][ends] + so_far[1][ends] - messages[starts]
        share = (messages[starts] + errors[starts]) / np.maximum(
            handled + others + messages[starts] + errors[starts], 1.0
        )
        chance = betainc(errors[starts], np.maximum(others, 0.0) + 1.0, share)
        sure = chance <= alpha / len(LENGTHS) * _weights(starts)
        if sure.any():
            highest = max(highest, float(rate[starts][sure].max()))
    return highest


def _weights(starts: Array) -> Array:
    """Shares of the false alarms, by where a stretch begins; all together add up to one at most."""
    import numpy as np

    turn = starts // EVEN_BUCKETS
    return np.asarray(np.where(turn == 0, 0.5, 0.5 * 6.0 / (math.pi * np.maximum(turn, 1)) ** 2) / EVEN_BUCKETS)
