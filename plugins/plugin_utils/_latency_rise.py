# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Did an agent surely become slower since an earlier gate? What was measured between the two windows answers. Pure.

A percentile of one window beside that of another is two draws: where the first happened to be a quick one, every window
after it is slow beside it, and looking at the second again changes nothing. Between the two lie hours of buckets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Evidence
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import AGENTS, Columns
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series_metrics import (
    alpha_of,
    log_ratio,
    resolution,
    series_of,
    shifts,
    unchanged_until,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import MIN_SAMPLES, median

if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    Array = np.ndarray[Any, Any]

# The slowest of many answers is slower than that of a few: buckets with so many times the usual number are left out.
MANY_ANSWERS = 1.5


def surely(evidence: Evidence, metric: str, against: str, agent: str, least: float) -> bool | None:
    """Whether an agent surely became slower, since `against` or since its change; None where nobody can tell.

    `least`: of a median, by more than so many percent. A tail that becomes more frequent leaves most buckets as they were,
    so that no size of theirs is sure: that answers are slower at all is enough.

    A value per bucket beside control (`log_ratio`): the bucket's median, for percentiles above it the slowest answer as well. A
    tail that grew by a factor, and one that became more frequent, both move the slowest answers of all buckets.
    What was until then is asked against what is since, by the test that may be looked at as often as one likes
    (`surest_shift`: ranks, and bets after Waudby-Smith and Ramdas, JRSS B 2024), at the agent's part of the false alarms of
    one sequential metric, in equal shares for each question (Bonferroni). None where even buckets that are slower one and
    all would be too few to be sure.
    """
    columns = series_of(evidence)[0]
    each = columns.series[AGENTS].get(agent) if columns else None
    if columns is None or each is None or each.get("changed") is None:
        return None
    changed = each["changed"]
    spans = [(0, unchanged_until(columns, each), changed)]
    if against == "previous":
        gate = max(_bucket_of(columns, evidence["previous"]["at"]), changed)
        spans.append((changed, gate, gate))
    courses = [columns.log_p50(agent)] if metric == "latency_p50" else [columns.log_p50(agent), _alike(columns, agent)]
    ratios = [(log_ratio(columns, agent, own), own) for own in courses]
    alpha = alpha_of(evidence, sum(one["role"] != "control" for one in columns.series[AGENTS].values()))
    alpha /= len(spans) * len(ratios)
    enough = least if metric == "latency_p50" else -1.0
    told = [
        _rose(
            ratio[first:last], ratio[since:], alpha, enough, max(resolution(own[first:last]), resolution(own[since:]))
        )
        for first, last, since in spans
        for ratio, own in ratios
    ]
    return True if True in told else None if set(told) == {None} else False


def _rose(before: Array, after: Array, alpha: float, least: float, step: float) -> bool | None:
    """Whether `after` is surely above `before` by a step and more than `least` percent; None where it could never be sure."""
    import numpy as np
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._sequential import surest_shift

    before, after = before[np.isfinite(before)], after[np.isfinite(after)]
    if min(len(before), len(after)) < MIN_SAMPLES:
        return None
    found = surest_shift(before, after, alpha, shifts())
    if found is not None:
        return found[0] >= step and 100.0 * float(np.expm1(found[0] - step)) > least
    slower = np.full(len(after), before.max() + 1.0)
    return None if surest_shift(before, slower, alpha, shifts()[:1]) is None else False


def _alike(columns: Columns, agent: str) -> Array:
    """The slowest answer of every bucket, NaN for those in which a gate asked many times more often."""
    import numpy as np

    number = columns.counted(AGENTS, agent, "answered")
    answered = number[number > 0]
    slowest = columns.log_slowest(agent)
    if not len(answered):
        return slowest
    return np.asarray(np.where(number <= MANY_ANSWERS * median(answered), slowest, np.nan))


def _bucket_of(columns: Columns, at: str) -> int:
    """The bucket that begins after a moment."""
    since = (parse_iso(at) - parse_iso(columns.series["start"])).total_seconds()
    return min(max(int(since // float(columns.series["bucket_s"])) + 1, 0), columns.buckets)
