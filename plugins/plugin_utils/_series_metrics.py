# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each metric reads out of the series of the evidence: outages and shifts that one look can't show. Pure.

Bounds of sequential metrics hold over all looks of a rollout together, and over all agents, instances or hosts: their
share of false alarms is `alpha` of the evidence, which the judge sets (docs/judgement.md).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Evidence, Reading, add_missing, metric
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import (
    AGENTS,
    BIN,
    INSTANCES,
    Columns,
    columns_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import MIN_SAMPLES, median

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Share of false alarms of one sequential metric over a whole rollout, where nobody said otherwise.
DEFAULT_ALPHA = 0.005
# A measurement that failed less than this many buckets ago is missing now; one before that has been told already.
RECENT = 6
# The buckets in which an instance was restarted to be changed say nothing about before or after.
RESTART_BUCKETS = 2
# Values that lie no more than so many bins of a sketch apart come in no steps of their own.
STEPS_OF_SKETCHES = 2.5
# What control does over more than so many buckets on either side is its course, not its noise.
SMOOTH = 15


def series_of(evidence: Evidence) -> tuple[Columns | None, dict[str, str]]:
    series = evidence.get("series")
    if not series or "agents" not in series:
        return None, {reasons.TOO_FEW_SAMPLES: "the evidence holds no series"}
    return columns_of(series), {}


def alpha_of(evidence: Evidence, parts: int) -> float:
    """Bonferroni's share of one of so many agents, instances or hosts."""
    return float(evidence.get("alpha") or DEFAULT_ALPHA) / max(parts, 1)


def changed_of(entries: dict[str, Any], role: str) -> dict[str, dict[str, Any]]:
    """Entries of a role whose change is proven; control has no change, and is looked at from the start."""
    found = {name: each for name, each in entries.items() if each["role"] == role}
    return {name: each for name, each in found.items() if role != "test" or each.get("changed") is not None}


# ---------------------------------------------------------------- agents: outages


def asked_of(columns: Columns, names: list[str]) -> tuple[Array, Array]:
    """(asked, answered) of agents together, per bucket."""
    import numpy as np

    asked, answered = np.zeros(columns.buckets), np.zeros(columns.buckets)
    for name in names:
        asked += columns.counted(AGENTS, name, "asked")
        answered += columns.counted(AGENTS, name, "answered")
    return asked, answered


def control_of(columns: Columns) -> dict[str, list[str]]:
    """NATS group -> names of its control agents."""
    found: dict[str, list[str]] = {}
    for name, each in columns.series[AGENTS].items():
        if each["role"] == "control":
            found.setdefault(each["group"], []).append(name)
    return found


def _recent_gaps(columns: Columns, group: str, missing: dict[str, str]) -> None:
    for gap in columns.series.get("gaps") or []:
        if gap["what"] == f"nats group {group}" and gap["to"] > columns.buckets - RECENT:
            add_missing(missing, gap["reason"], f"{group}: {gap.get('message') or 'the probe failed'}")


def _outages(evidence: Evidence, role: str, of: Any) -> Reading:
    """A reading per agent: of(test asked, test answered, control asked, control answered), since the change -> (value, samples)."""
    columns, missing = series_of(evidence)
    if columns is None:
        return Reading(None, 0, missing)
    control = {group: asked_of(columns, names) for group, names in control_of(columns).items()}
    by: dict[str, float] = {}
    samples: list[int] = []
    groups = set()
    for name, each in changed_of(columns.series[AGENTS], role).items():
        groups.add(each["group"])
        since = slice(each.get("changed") or 0, columns.buckets)
        asked, answered = (column[since] for column in asked_of(columns, [name]))
        if each["group"] not in control:
            if not answered[asked > 0].all():
                add_missing(missing, reasons.AGENT_SILENT, f"{name} (and no control agent to compare with)")
                continue
            peers, heard = asked, answered
        else:
            peers, heard = (column[since] for column in control[each["group"]])
        lately = slice(-RECENT, None)
        dead = (asked[lately] > 0) & (answered[lately] == 0) & (heard[lately] == 0)
        halved = (2 * answered[lately] <= asked[lately]) & (2 * heard[lately] <= peers[lately]) & (peers[lately] > 0)
        if dead.any():
            add_missing(missing, reasons.NATS_UNREACHABLE, f"{name} (control gave no answer either)")
        elif each["group"] in control and (halved & (asked[lately] > 0)).any():
            add_missing(missing, reasons.NATS_UNREACHABLE, f"{name} (control lost half of its answers or more as well)")
        value, seen = of(asked, answered, peers, heard)
        if not seen:
            add_missing(missing, reasons.TOO_FEW_SAMPLES, f"{name} (not asked since its change)")
            continue
        by[name] = value
        samples.append(seen)
    for group in sorted(groups):
        _recent_gaps(columns, group, missing)
    if not groups and not missing:
        missing = {reasons.TOO_FEW_SAMPLES: "no agent is changed on all its hosts yet"}
    return Reading(max(by.values()) if by else None, min(samples, default=0), missing, by)


@metric("silence")
def silence(evidence: Evidence, role: str) -> Reading:
    """Longest time (plan time, seconds) in which an agent was asked and answered nothing, while control did answer."""
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import _outage

    bucket_s = columns.bucket_s if (columns := series_of(evidence)[0]) else 0.0

    def longest(asked: Array, answered: Array, peers: Array, heard: Array) -> tuple[float, int]:
        known = (asked > 0) & (heard > 0)
        return bucket_s * _outage.longest_silence(_outage.lost_share(asked, answered), known), int(known.sum())

    return _outages(evidence, role, longest)


@metric("bad_minutes")
def bad_minutes(evidence: Evidence, role: str) -> Reading:
    """Buckets in which an agent lost a share of answers that control did not lose, of those in which both were asked, in percent."""
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import _outage

    def share(asked: Array, answered: Array, peers: Array, heard: Array) -> tuple[float, int]:
        known = (asked > 0) & (heard > 0)
        bad = _outage.beyond(_outage.lost_share(asked, answered), _outage.lost_share(peers, heard))
        seen = int(known.sum())
        return (100.0 * int((bad & known).sum()) / seen if seen else 0.0), seen

    return _outages(evidence, role, share)


# ---------------------------------------------------------------- agents: latency


def shifts() -> Array:
    """The shifts of which it is asked whether they are sure, as logarithms of 1.00 .. 5.00."""
    import numpy as np

    # A bound is rounded down to one of them: near the thresholds of plans the steps are fine.
    percent = [*(step / 4.0 for step in range(120)), *range(30, 100, 5), *range(100, 401, 25)]
    return np.log1p(np.array(percent) / 100.0)


def log_ratio(columns: Columns, name: str, own: Array | None = None) -> Array:
    """Per bucket, log(latency of an agent / median latency of control on the same NATS servers); NaN where one is unknown.

    `own`: logarithms of the agent's latencies, its medians where nothing is given.

    Control is the median of its agents, each relative to its own median: one that misses a bucket shifts nothing. Its
    slow course is taken off whole. Of what it does from bucket to bucket, only as much as the agent does as well: the
    rest is noise of control's own, and would be added to the agent's.
    """
    import numpy as np

    own = columns.log_p50(name) if own is None else own
    peers = control_of(columns).get(columns.series[AGENTS][name]["group"], [])
    # The same for every agent that is not of control itself, so it is made once.
    course = columns.keep(("control latency", *(peer for peer in peers if peer != name)), _control_latency)
    if course is None:
        return np.full(columns.buckets, np.nan)
    slow, quick = course
    return np.asarray(own - slow - _in_common(own - _smooth(own), quick) * quick)


def _control_latency(columns: Columns, key: tuple[str, ...]) -> tuple[Array, Array] | None:
    """(slow course, what is left of it from bucket to bucket) of the agents in `key`; None where none ever answered."""
    import numpy as np

    rows = [columns.log_p50(peer) for peer in key[1:]]
    known = [np.isfinite(row) for row in rows]
    rows = [row - median(row[here]) for row, here in zip(rows, known, strict=True) if here.any()]
    if not rows:
        return None
    control = middle(np.array(rows))
    slow = _smooth(control)
    return slow, control - slow


def _smooth(values: Array) -> Array:
    """The mean of what is known among each value's neighbours, SMOOTH buckets on either side."""
    import numpy as np

    known = np.isfinite(values)
    total = np.concatenate(([0.0], np.where(known, values, 0.0).cumsum()))
    number = np.concatenate(([0], known.cumsum()))
    at = np.arange(len(values))
    first, last = np.maximum(at - SMOOTH, 0), np.minimum(at + SMOOTH + 1, len(values))
    seen = number[last] - number[first]
    return np.asarray((total[last] - total[first]) / np.maximum(seen, 1))


def _in_common(own: Array, control: Array) -> float:
    """How much of control's movement an agent makes as well (0..1): the slope of one on the other, wild values cut off."""
    import numpy as np

    known = np.isfinite(own) & np.isfinite(control)
    if not known.any():
        return 1.0
    x, y = control[known], own[known]
    x, y = (each.clip(-3.0 * spread, 3.0 * spread) for each in (x, y) if (spread := 1.5 * median(np.abs(each))) >= 0)
    square = float((x * x).sum())
    return min(max(float((x * y).sum()) / square, 0.0), 1.0) if square > 0.0 else 1.0


def resolution(values: Array) -> float:
    """How far apart latencies of one time (logarithms, NaN: none) lie where they come in steps; 0 where they don't.

    A timer that ticks every 10 ms rounds 29 to 30 and 31 to 40: all values move by a step where the agent moved by a few percent,
    and a rank test calls that sure. What was rounded up to a step lies less than a step below it, so a shift is sure
    only beyond one. Steps are the distance of a value to the next smaller one that occurs, by the median over all values;
    those of the sketches themselves are noise enough to be none.
    """
    import numpy as np

    known = values[np.isfinite(values)]
    apart, of = np.unique(known, return_inverse=True)
    if len(apart) < 2 or 2 * len(apart) > len(known):
        return 0.0  # what seldom occurs twice comes in no steps, however few there are
    steps = np.diff(apart)
    step = median(np.concatenate((steps[:1], steps))[of])
    return step if step > STEPS_OF_SKETCHES * BIN else 0.0


def middle(rows: Array) -> Array:
    """The median over rows, column by column, of what is known."""
    import numpy as np

    if len(rows) == 1:
        return np.asarray(rows[0])
    ordered = np.sort(rows, axis=0)
    known = np.isfinite(rows).sum(axis=0)
    lower = np.take_along_axis(ordered, np.maximum(known - 1, 0)[None] // 2, axis=0)[0]
    upper = np.take_along_axis(ordered, (np.minimum(known // 2, len(rows) - 1))[None], axis=0)[0]
    return np.asarray((lower + upper) / 2.0)


def unchanged_until(columns: Columns, agent: dict[str, Any]) -> int:
    """Up to which bucket nothing of an agent was changed: before the first of its instances."""
    changed = [
        each["changed"]
        for each in columns.series[INSTANCES].values()
        if each["agent"] == agent["agent"] and each["host"] in agent["hosts"] and each.get("changed") is not None
    ]
    return max(min([*changed, agent["changed"]]) - RESTART_BUCKETS, 0)


@metric("latency_shift")
def latency_shift(evidence: Evidence, role: str) -> Reading:
    """How much slower an agent became since its change, against control over the same buckets and against itself before."""
    import numpy as np
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._rank import shift
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._sequential import surest_shift

    columns, missing = series_of(evidence)
    if columns is None:
        return Reading(None, 0, missing)
    reading = Reading(None, 0, missing)
    samples: list[int] = []
    agents = changed_of(columns.series[AGENTS], role) if role == "test" else {}
    alpha = alpha_of(evidence, sum(each["role"] != "control" for each in columns.series[AGENTS].values()))
    grid = shifts()
    for name, each in agents.items():
        ratio = log_ratio(columns, name)
        before, after = ratio[: unchanged_until(columns, each)], ratio[each["changed"] :]
        before, after = before[np.isfinite(before)], after[np.isfinite(after)]
        if min(len(before), len(after)) < MIN_SAMPLES:
            few = f"{name} ({len(before)} buckets before the change and {len(after)} since, with control)"
            add_missing(missing, reasons.TOO_FEW_SAMPLES, few)
            continue
        sure = surest_shift(before, after, alpha, grid)
        # What began late is measured from where it is surest, not thinned out by the good time before.
        since = after[sure[1] :] if sure else after
        risen = shift(np.sort(before), np.sort(since))
        reading.by[name] = 100.0 * math.expm1(risen)
        now = columns.log_p50(name)[each["changed"] :]
        reading.absolute[name] = math.exp(median(now[np.isfinite(now)])) * -math.expm1(-risen)
        own = columns.log_p50(name)
        step = (
            max(resolution(own[: unchanged_until(columns, each)]), resolution(own[each["changed"] :])) if sure else 0.0
        )
        if sure and (low := sure[0] - step) >= 0.0:
            reading.low[name] = 100.0 * math.expm1(low)
        samples.append(min(len(before), len(after)))
    if not agents:
        missing[reasons.TOO_FEW_SAMPLES] = "no agent is changed on all its hosts yet"
    reading.value = max(reading.by.values()) if reading.by else None
    reading.samples = min(samples, default=0)
    return reading
