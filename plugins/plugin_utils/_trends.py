# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rollout is heading, for people: slopes, time to exhaustion, what stands out, and test against control by ranks. Pure.

Nothing here decides: the judge has metrics of its own, whose false alarms are bounded over all looks. These rows are of
one checkpoint, at 95 % each, and of many rows a few look like a trend by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._exhaustion_metrics import memory_since_start
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Evidence
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import (
    AGENTS,
    HOSTS,
    INSTANCES,
    Columns,
    columns_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series_metrics import middle, unchanged_until
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import MIN_SAMPLES

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SCHEMA = "cowboyai.rollout/trends/1"
IMPROVING, DEGRADING, STABLE, UNKNOWN = "improving", "degrading", "stable", "unknown"
HOUR = 3600.0
# Of each bound of a slope: 95 % lie between the two.
ALPHA = 0.025
# What changed by less than this share of itself over all of the time is stable, however sure the change is.
SMALLEST_CHANGE = 0.05
# Of one row; the farthest are kept.
ANOMALIES_KEPT = 5
# Of control, so many instances stand for all of them where ranks are compared.
INSTANCES_COMPARED = 60
# Of ten thousand instances not all columns are in memory at a time.
ROWS_AT_ONCE = 500
UNITS = {"memory": "size", "latency": "duration", "errors": "number", "disk": "percent"}


@dataclass
class _Row:
    what: str
    name: str
    role: str
    index: Array
    value: Array
    room: float | None = None


def trends(evidence: Evidence, earlier: dict[str, Any] | None = None) -> dict[str, Any]:
    """A row per instance (memory, errors), agent (latency) and host (disk), each since its change.

    Of a row: `what`, `name`, `role`, `unit`, `points`, `now` (median of the last three points), `slope_per_h` with `low` and `high`, all in
    the unit (errors: per hour); `direction`; `lasts_s` (until it is exhausted at that slope, null without a rise) and
    `lasts_at_least_s` (at the upper bound); `anomalies`: [{at, value}]; `before`: slope and direction at the checkpoint
    before, from its document `earlier`. Slopes are per hour of plan time. Without a series there are no rows, and `why`.
    """
    series = evidence.get("series")
    document: dict[str, Any] = {"schema": SCHEMA, "at": evidence["at"], "why": None, "rows": []}
    if not series or "agents" not in series:
        return {**document, "why": "the evidence holds no series"}
    columns = columns_of(series)
    every = chain(_memory(columns, evidence), _latency(columns), _errors(columns), _disk(columns))
    rows = (row for row in every if len(row.index))
    while some := list(islice(rows, ROWS_AT_ONCE)):
        document["rows"] += _described(columns, some)
    known = {(row["what"], row["name"]): row for row in (earlier or {}).get("rows", [])}
    for row in document["rows"]:
        old = known.get((row["what"], row["name"]))
        row["before"] = {key: old[key] for key in ("now", "slope_per_h", "direction")} if old else None
    return document


def _of_time(columns: Columns, section: str) -> dict[str, tuple[dict[str, Any], int]]:
    """Entries with their first bucket: since the change, for control since the first change of all."""
    entries = columns.series[section]
    changed = [each["changed"] for each in entries.values() if each.get("changed") is not None]
    first = min(changed, default=0)
    return {
        name: (each, each["changed"] if each["role"] == "test" else first)
        for name, each in entries.items()
        if each["role"] == "control" or (each["role"] == "test" and each.get("changed") is not None)
    }


def _memory(columns: Columns, evidence: Evidence) -> Iterator[_Row]:
    for name, (each, first) in _of_time(columns, INSTANCES).items():
        index, value = memory_since_start(columns, name, first)
        limit = (evidence["instances"].get(name) or {}).get("memory_limit_bytes")
        room = float(limit) - float(value[-1]) if limit and len(value) else None
        yield _Row("memory", name, each["role"], index, value, room)


def _latency(columns: Columns) -> Iterator[_Row]:
    import numpy as np

    for name, (each, first) in _of_time(columns, AGENTS).items():
        value = np.exp(columns.log_p50(name))
        index = np.flatnonzero(np.isfinite(value))
        index = index[index >= first]
        yield _Row("latency", name, each["role"], index, value[index])


def _errors(columns: Columns) -> Iterator[_Row]:
    """Errors per hour in each bucket: none where the journal was read and had none."""
    import numpy as np

    for name, (each, first) in _of_time(columns, INSTANCES).items():
        value = np.zeros(columns.buckets)
        at, count = columns.points(INSTANCES, name, "errors")
        value[at] = count * HOUR / columns.bucket_s
        index = np.flatnonzero(_watched(columns, name))
        index = index[index >= first]
        yield _Row("errors", name, each["role"], index, value[index])


def _disk(columns: Columns) -> Iterator[_Row]:
    changed = [each["changed"] for each in columns.series[INSTANCES].values() if each.get("changed") is not None]
    for name in columns.series[HOSTS]:
        index, value = columns.points(HOSTS, name, "disk_pct")
        since = int(index.searchsorted(min(changed, default=0)))
        room = 100.0 - float(value[-1]) if len(value) else None
        yield _Row("disk", name, "host", index[since:], value[since:], room)


def _described(columns: Columns, rows: list[_Row]) -> list[dict[str, Any]]:
    import numpy as np
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import _trend
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._anomaly import anomalies

    if not rows:
        return []
    first = np.array([row.index[0] for row in rows], dtype=float)
    span = np.array([row.index[-1] + 1 for row in rows], dtype=float) - first
    owner = np.repeat(np.arange(len(rows)), [len(row.index) for row in rows])
    place = (np.concatenate([row.index for row in rows]) - first[owner]) / span[owner]
    values = np.concatenate([row.value for row in rows])
    hours = span * columns.bucket_s / HOUR
    cells = _trend.blocks(owner, place, values, len(rows), _trend.BLOCKS)
    slopes = _trend.theil_sen(cells, ALPHA, hours / _trend.BLOCKS)
    start = parse_iso(columns.series["start"])
    found = []
    for at, row in enumerate(rows):
        slope, low, high = (float(each[at]) for each in (slopes.slope, slopes.low, slopes.high))
        known = bool(np.isfinite([slope, low, high]).all())
        level = float(np.median(np.abs(row.value)))
        far = anomalies(row.value)
        far = far[np.argsort(-np.abs(row.value[far] - np.median(row.value)))][:ANOMALIES_KEPT]
        described: dict[str, Any] = {
            "what": row.what,
            "name": row.name,
            "role": row.role,
            "unit": UNITS[row.what],
            "points": len(row.index),
            "hours": float(hours[at]),
            "now": float(np.median(row.value[-3:])),
            "slope_per_h": slope if known else None,
            "low": low if known else None,
            "high": high if known else None,
            "direction": _direction(slope, low, high, float(hours[at]), level) if known else UNKNOWN,
            "lasts_s": None,
            "lasts_at_least_s": None,
            "anomalies": [
                {
                    "at": iso(start + timedelta(seconds=float(row.index[i]) * float(columns.series["bucket_s"]))),
                    "value": float(row.value[i]),
                }
                for i in sorted(far.tolist())
            ],
        }
        if row.room is not None and known:
            described["lasts_s"] = _lasts(row.room, slope)
            described["lasts_at_least_s"] = _lasts(row.room, high)
        found.append(described)
    return found


def _direction(slope: float, low: float, high: float, hours: float, level: float) -> str:
    """Of all that has a trend here, less is better."""
    if low <= 0.0 <= high or abs(slope) * hours < SMALLEST_CHANGE * level:
        return STABLE
    return DEGRADING if slope > 0.0 else IMPROVING


def _lasts(room: float, per_h: float) -> float | None:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._trend import NEVER, lasts

    found = lasts(room, per_h / HOUR)
    return None if found >= NEVER else found


# ---------------------------------------------------------------- test against control


def rank_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """Each changed agent against control, a value per bucket since its change, by Mann and Whitney's rank test.

    `series` (latency, memory, cpu: each relative to its own median before the change; errors: per instance), `name`, `n_test`, `n_control`,
    `shift_pct` (Hodges-Lehmann; of errors: of control's mean, null where control has none), `cliffs_delta` (-1..1), `p` (two-sided);
    with fewer than five values a side all three are null and `reason` is too_few_samples. For people: no row decides.
    """
    import numpy as np
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._rank import rank_test

    series = evidence.get("series")
    if not series or "agents" not in series:
        return []
    columns = columns_of(series)
    control = [name for name, each in columns.series[AGENTS].items() if each["role"] == "control"]
    rows = []
    for name, each in columns.series[AGENTS].items():
        if each["role"] != "test" or each.get("changed") is None:
            continue
        before, since = unchanged_until(columns, each), each["changed"]
        peers = [peer for peer in control if columns.series[AGENTS][peer]["group"] == each["group"]]
        for what in ("latency", "memory", "cpu", "errors"):
            test = _course(columns, [name], what, before, since)
            against = _course(columns, peers, what, before, since)
            ranked = rank_test(test, against)
            row: dict[str, Any] = {
                "series": what,
                "name": name,
                "n_test": len(test),
                "n_control": len(against),
                "shift_pct": None,
                "cliffs_delta": None,
                "p": None,
                "reason": None if ranked else "too_few_samples",
            }
            if ranked:
                row.update(cliffs_delta=ranked.delta, p=ranked.p)
                mean = float(against.mean())
                if what != "errors":
                    row["shift_pct"] = 100.0 * float(np.expm1(ranked.shift))
                elif mean > 0.0:
                    row["shift_pct"] = 100.0 * ranked.shift / mean
            rows.append(row)
    return rows


def _course(columns: Columns, agents: list[str], what: str, before: int, since: int) -> Array:
    """A value per bucket since the change, of agents together.

    The median of the logarithms of what each is to its own median before the change; of errors the mean per instance,
    where the journals were read.
    """
    import numpy as np

    if what == "latency":
        rows = [columns.log_p50(agent) for agent in agents]
    else:
        names = _instances(columns, agents)
        names = names[:: -(-len(names) // INSTANCES_COMPARED) or 1]
        if what == "errors":
            return _mean_errors(columns, names, since)
        with np.errstate(invalid="ignore", divide="ignore"):
            rows = [np.log(columns.dense(INSTANCES, name, what)) for name in names]
    compared = [row[since:] - np.median(own) for row in rows if len(own := _finite(row[:before]))]
    return _finite(middle(np.array(compared))) if compared else np.zeros(0)


def _instances(columns: Columns, agents: list[str]) -> list[str]:
    groups = {columns.series[AGENTS][name]["agent"]: columns.series[AGENTS][name]["hosts"] for name in agents}
    return [
        name
        for name, one in columns.series[INSTANCES].items()
        if one["agent"] in groups and one["host"] in groups[one["agent"]]
    ]


def _mean_errors(columns: Columns, names: list[str], since: int) -> Array:
    import numpy as np

    total, seen = np.zeros(columns.buckets), np.zeros(columns.buckets)
    for name in names:
        at, count = columns.points(INSTANCES, name, "errors")
        total[at] += count
        seen += _watched(columns, name)
    known = seen[since:] > 0
    return np.asarray(total[since:][known] / seen[since:][known])


def _watched(columns: Columns, name: str) -> Array:
    import numpy as np

    watched = np.zeros(columns.buckets, dtype=bool)
    for start, end in columns.series[INSTANCES][name]["watched"]:
        watched[start:end] = True
    return watched


def _finite(values: Array) -> Array:
    import numpy as np

    return values[np.isfinite(values)]


# ---------------------------------------------------------------- for people


def trends_text(document: dict[str, Any], shown: Any) -> str:
    """The rows as a table, those that get worse first. `shown`: writes a value in a unit, as `_judge.format_value` does."""
    if document["why"]:
        return f"no trends: {document['why']}\n"
    order = {DEGRADING: 0, IMPROVING: 1, STABLE: 2, UNKNOWN: 3}
    lines = ["trend".ljust(9) + "of".ljust(34) + "now".rjust(12) + "per hour".rjust(14) + "  95 % between".ljust(32)]
    lines[0] += "direction   lasts   before"
    for row in sorted(document["rows"], key=lambda each: (order[each["direction"]], each["what"], each["name"])):
        unit = row["unit"]
        name = row["name"] + (" (control)" if row["role"] == "control" else "")
        text = row["what"].ljust(9) + name.ljust(34) + shown(row["now"], unit).rjust(12)
        if row["slope_per_h"] is None:
            lines.append(text + f"  too few points ({row['points']}, at least {MIN_SAMPLES})")
            continue
        between = f"  {shown(row['low'], unit)} .. {shown(row['high'], unit)}"
        text += shown(row["slope_per_h"], unit).rjust(14) + between.ljust(32) + row["direction"].ljust(12)
        text += (f"{row['lasts_s'] / 86400.0:.1f} d" if row["lasts_s"] is not None else "-").ljust(8)
        text += row["before"]["direction"] if row["before"] else "-"
        if row["anomalies"]:
            text += "  stands out: " + ", ".join(f"{shown(a['value'], unit)} at {a['at']}" for a in row["anomalies"])
        lines.append(text.rstrip())
    return "\n".join(lines) + "\n"
