# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge that canary analysis usually means, for comparison: a rank test per metric and window, and a score.

Written from its published description. Per metric the samples of a window (one a minute, an hour long) of the changed
side are compared with control's by the Mann-Whitney test with 98 % confidence: the metric is high or low when the whole
confidence interval of the shift between them (Hodges and Lehmann) lies farther from zero than a quarter of the shift's
estimate, and passes otherwise. A metric without samples errs and is left out. The score of a window is the share of
metrics that pass, 100 when none is left; below 75 the change is rolled back, from 95 on the window passes, what lies
between is marginal: the rollout goes on, but can't end with it.

Where the description leaves room, it is read in the rule's favour: every changed agent is judged by itself, and every
sample is divided by what is usual for its agent, which a real judge would have to learn first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tests.bench.judge.fleet import day_shape

if TYPE_CHECKING:
    from tests.bench.judge.fleet import Array
    from tests.bench.judge.history import History

CONFIDENCE, TOLERANCE = 0.98, 0.25
MARGINAL, PASS = 75.0, 95.0
WINDOW = 60
PASSES, HIGH, LOW, ERRS = "pass", "high", "low", "errs"
# Two-sided 98 % of a normal distribution.
_Z = 2.3263478740408408


@dataclass
class RankCourse:
    """How the same rollout goes under the rule. `stopped_at`: minute; `marginal`: windows between the thresholds."""

    stopped_at: int | None = None
    marginal: int = 0
    failed: list[str] = field(default_factory=list)


def classify(test: Array, control: Array) -> str:
    """One metric of one window: `high`, `low`, `pass`, or `errs` where a side has no sample."""
    test, control = test[~np.isnan(test)], control[~np.isnan(control)]
    if not len(test) or not len(control):
        return ERRS
    low, estimate, high = interval(test, control)
    bound = TOLERANCE * abs(estimate)
    if low > bound:
        return HIGH
    return LOW if high < -bound else PASSES


def interval(test: Array, control: Array) -> tuple[float, float, float]:
    """(lower end, estimate, upper end) of the shift of `test` against `control`, with CONFIDENCE.

    The ends are the k-th smallest and largest of all differences, k from the normal approximation of the test's
    statistic, with its correction for ties; k is 1 where so few samples allow no such confidence.
    """
    differences = np.subtract.outer(test, control).ravel()
    pairs, together = len(differences), len(test) + len(control)
    _values, ties = np.unique(np.concatenate((test, control)), return_counts=True)
    tied = float(np.sum(ties.astype(float) ** 3 - ties)) / (together * (together - 1.0))
    spread = np.sqrt(pairs / 12.0 * max(together + 1.0 - tied, 0.0))
    rank = int(min(max(round(pairs / 2.0 - _Z * spread), 1), (pairs + 1) // 2))
    places = sorted({rank - 1, (pairs - 1) // 2, pairs // 2, pairs - rank})
    ordered = np.partition(differences, places)
    estimate = (ordered[(pairs - 1) // 2] + ordered[pairs // 2]) / 2.0
    return float(ordered[rank - 1]), float(estimate), float(ordered[pairs - rank])


def score(classes: dict[str, str]) -> float:
    """0..100: the share of metrics that pass, of those that did not err."""
    judged = [found for found in classes.values() if found != ERRS]
    return 100.0 * sum(found == PASSES for found in judged) / len(judged) if judged else 100.0


# Which direction of a metric is bad.
_BAD = {"latency": HIGH, "errors": HIGH, "memory": HIGH, "answers": LOW, "messages": LOW}


def follow(history: History) -> RankCourse:
    """Judge a history hour by hour, from the first change on, until the rule rolls back or the last window passes."""
    times, fleet = history.times, history.fleet
    course = RankCourse()
    samples = _samples(history)
    control = list(range(len(fleet.test), len(fleet.agents)))
    sides = {name: _mean(values[control]) for name, values in samples.items()}
    first, last = int(np.ceil(times.phases[0].deployed)), times.gates[-1].at
    starts = list(range(first, last - WINDOW + 1, WINDOW))
    for start in starts:
        window = slice(start, start + WINDOW)
        scores = []
        for row, agent in enumerate(fleet.test):
            phase = times.phase_of(agent)
            if phase is None or phase.deployed > start:
                continue
            classes = {}
            for name, values in samples.items():
                found = classify(values[row, window], sides[name][window])
                classes[name] = found if found in (_BAD[name], ERRS) else PASSES
            scores.append(score(classes))
            if scores[-1] < PASS:
                course.failed += [name for name, found in classes.items() if found == _BAD[name]]
        lowest = min(scores, default=100.0)
        if lowest < MARGINAL or (lowest < PASS and start == starts[-1]):
            course.stopped_at = start + WINDOW
            return course
        course.marginal += lowest < PASS
    return course


def _mean(rows: Array) -> Array:
    """The mean of what is known of each column, NaN where nothing is."""
    known = ~np.isnan(rows)
    out = np.full(rows.shape[1], np.nan)
    np.divide(np.where(known, rows, 0.0).sum(axis=0), known.sum(axis=0), out=out, where=known.any(axis=0))
    return out


def _samples(history: History) -> dict[str, Array]:
    """One sample per agent and minute of every metric, NaN where it could not be measured."""
    fleet = history.fleet
    minutes = history.times.minutes
    blind = ~(history.world.nats & history.world.ssh.any(axis=0))
    seen = history.world.ssh[None, :, :]
    base = history.usual_latency.mean(axis=1)[:, None]
    hour = 0.3 + 0.7 * day_shape(fleet, minutes)
    traffic = np.array([fleet.traffic[agent] for agent in fleet.agents])[:, None] * hour + history.slots

    def over_hosts(values: Array) -> Array:
        known = np.where(seen, values, 0.0).sum(axis=1)
        hosts = np.broadcast_to(seen, values.shape).sum(axis=1)
        out = np.full((len(fleet.agents), minutes), np.nan)
        np.divide(known, hosts, out=out, where=hosts > 0)
        return out

    ranked = np.sort(history.latencies, axis=2)
    came = np.sum(~np.isnan(ranked), axis=2)
    middle = np.take_along_axis(ranked, np.maximum(came - 1, 0)[:, :, None] // 2, axis=2)[:, :, 0] / base
    answers = history.answered / np.maximum(history.asked, 1)
    middle[:, blind] = np.nan
    answers = np.where(blind[None, :], np.nan, answers)
    return {
        "latency": middle.astype(float),
        "answers": answers,
        "errors": over_hosts((history.errors + history.shared_errors).astype(float)),
        "memory": over_hosts(history.memory / history.usual_memory[:, :, None]),
        "messages": over_hosts(history.messages.astype(float)) / traffic,
    }
