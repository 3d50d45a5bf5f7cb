# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From judged rollouts to rows, bars and the table for docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench.judge.bending import Fault
from tests.bench.judge.faults import FAULTS, OUTAGE
from tests.bench.judge.shapes import HARMFUL, SHAPE

if TYPE_CHECKING:
    from tests.bench.judge.course import Course
    from tests.bench.judge.rank_rule import RankCourse

SCHEMA = "cowboyai.rollout/judge-bench/1"
# Errors of a part of an agent's hours or of its instances.
PARTIAL_ERRORS = tuple(fault.size for fault in HARMFUL if fault.name == "errors")


@dataclass(frozen=True)
class Judged:
    """One rollout under both judges."""

    ours: Course
    ranks: RankCourse


def rows(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """One row per fault and size, in the order of the faults."""
    of: dict[tuple[str, str], list[Judged]] = {}
    for each in judged:
        of.setdefault((each.ours.fault, each.ours.size), []).append(each)
    return [_row(fault, of[fault.name, fault.size]) for fault in FAULTS if (fault.name, fault.size) in of]


def _row(fault: Fault, found: list[Judged]) -> dict[str, Any]:
    return {
        "fault": fault.name,
        "size": fault.size,
        "rollouts": len(found),
        **_figures(
            fault,
            [(each.ours.stopped_at, each.ours.onset) for each in found],
            [_held(fault, each.ours) for each in found],
        ),
        "rank_test_only": _figures(
            fault,
            [(each.ranks.stopped_at, each.ours.onset) for each in found],
            [each.ranks.stopped_at is None and each.ranks.marginal > 0 for each in found],
        ),
    }


def _held(fault: Fault, course: Course) -> bool:
    """A hold that stood; where the measurer was cut off: every look and gate of that time held."""
    if fault.name == OUTAGE:
        return set(course.blind) == {"hold"}
    return bool(course.held)


def _figures(fault: Fault, stops: list[tuple[int | None, float | None]], held: list[bool]) -> dict[str, Any]:
    """Rollbacks before the fault began are false ones; detection is counted over those that came as far as the fault."""
    early = [stop is not None and (not fault.harmful or (onset is not None and stop <= onset)) for stop, onset in stops]
    came = [pair for pair, too_early in zip(stops, early, strict=True) if not too_early]
    caught = [stop - onset for stop, onset in came if stop is not None and onset is not None]
    return {
        "detected_pct": _pct(len(caught), len(came)) if fault.harmful else None,
        "false_rollback_pct": _pct(sum(early), len(stops)),
        "hold_pct": _pct(sum(held), len(held)),
        "median_minutes_to_detect": round(median(caught), 1) if caught and fault.harmful else None,
    }


def _pct(part: int, whole: int) -> float | None:
    return round(100.0 * part / whole, 2) if whole else None


# ---------------------------------------------------------------- classes

# What is wrong -> the faults that are of that kind, and the metrics that tell it.
CLASSES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "answers": (("dead", "message_loss"), ("messages_lost", "message_delivery", "silence", "bad_minutes")),
    "errors": (("errors",), ("error_rate", "error_peak", "errors", "corruption_signs")),
    "latency": (("latency", "heavier_heap"), ("latency_p50", "latency_p99", "latency_p999", "latency_shift")),
    "memory": (("leak", "late_leak"), ("memory_lasts", "memory_of_limit", "host_memory")),
    "publications": (("dual_publishing",), ("dual_publish_success", "unified_traffic", "publish_time")),
    "hosts": ((), ()),
}


def classes(judged: Iterable[Judged], metric_of: Mapping[str, str]) -> list[dict[str, Any]]:
    """Precision and recall of each kind of fault, and of all. `metric_of`: name of a trigger -> its metric.

    Recall: of the rollouts that came as far as their fault, those that were rolled back. Precision: of the rollbacks that a
    metric of this kind decided, those that had a cause, in a mix of faults, clean rollouts and troubles of others as here. A
    rollback with a cause is of the kind of its fault; one without is of the kind of the metric that decided it, `hosts` for all others.
    """
    harmful = {(fault.name, fault.size): fault.harmful for fault in FAULTS}
    came, caught, wrong = (dict.fromkeys(CLASSES, 0) for _each in range(3))
    for each in judged:
        course = each.ours
        fault = next((name for name, (faults, _metrics) in CLASSES.items() if course.fault in faults), "hosts")
        bad = harmful[course.fault, course.size] and not course.too_early
        came[fault] += bad
        if course.stopped_at is None:
            continue
        if bad:
            caught[fault] += 1
        else:
            told = {metric_of.get(cause, cause) for cause in course.causes[:1]}
            wrong[next((name for name, (_faults, metrics) in CLASSES.items() if told & set(metrics)), "hosts")] += 1
    rows = [_class(name, came[name], caught[name], wrong[name]) for name in CLASSES]
    return [*rows, _class("all", sum(came.values()), sum(caught.values()), sum(wrong.values()))]


def _class(name: str, came: int, caught: int, wrong: int) -> dict[str, Any]:
    return {
        "class": name, "rollouts": came, "recall_pct": _pct(caught, came), "rollbacks": caught + wrong, "without_cause": wrong,
        "precision_pct": _pct(caught, caught + wrong),
    }  # fmt: skip


# ---------------------------------------------------------------- bars


def bars(judged: list[Judged], speed: dict[str, Any]) -> list[dict[str, Any]]:
    """What is asked of the judge, what was measured, and whether that is enough."""
    found = [
        _detection(
            "dead for 2 minutes or more", judged, lambda c: c.fault == "dead" and not c.size.startswith("1 min"), 100.0
        ),
        _detection("message loss of any size", judged, lambda c: c.fault == "message_loss", 100.0),
        _detection("latency +25 %", judged, lambda c: c.fault == "latency" and c.size == "+25 %", 99.0),
        _detection(
            "memory leak, full within 7 days, by T+12h", judged, lambda c: c.fault == "leak", 95.0, by_t12h=True
        ),
        _detection("memory leak that begins after 8 hours", judged, lambda c: c.fault == "late_leak", 95.0),
        _detection("more of the slow answers, none of them slower", judged, lambda c: c.fault == "heavier_heap", 95.0),
        _detection("errors at the busiest hours, or of one instance", judged, lambda c: c.size in PARTIAL_ERRORS, 95.0),
        _false_alarms("a whole clean rollout", judged, "none"),
        _false_alarms("a clean rollout of another shape", judged, SHAPE),
        *_outages(judged),
    ]
    for name, limits in (("93", {"seconds": 1.0}), ("10000", {"seconds": 10.0, "peak_mib": 1024.0})):
        for key, limit in limits.items():
            value = (speed.get(name) or {}).get(key)
            unit = "s" if key == "seconds" else "MiB"
            found.append(
                {
                    "bar": f"judging T+24h of {name} instances, {key.replace('_mib', ' memory')}",
                    "wanted": f"< {limit:g} {unit}",
                    "measured": "not measured" if value is None else f"{value:.2f} {unit}",
                    "met": value is not None and value < limit,
                }
            )
    return found


def _detection(name: str, judged: list[Judged], which: Any, wanted: float, *, by_t12h: bool = False) -> dict[str, Any]:
    courses = [each.ours for each in judged if which(each.ours) and not each.ours.too_early]
    caught = [c for c in courses if c.stopped_at is not None and (not by_t12h or c.stopped_at <= c.in_time_until)]
    share = 100.0 * len(caught) / len(courses) if courses else 0.0
    return {
        "bar": f"{name}: detected",
        "wanted": f"{'' if wanted == 100.0 else '>= '}{wanted:g} %",
        "measured": f"{share:.2f} % ({len(caught)} of {len(courses)})",
        "met": bool(courses) and share >= wanted,
    }


def _false_alarms(what: str, judged: list[Judged], fault: str) -> dict[str, Any]:
    clean = [each.ours for each in judged if each.ours.fault == fault]
    wrong = sum(course.stopped_at is not None for course in clean)
    share = 100.0 * wrong / len(clean) if clean else 100.0
    bound = 100.0 * upper_bound(wrong, len(clean)) if clean else 100.0
    return {
        "bar": f"false rollback over {what}",
        "wanted": "<= 0.5 %",
        "measured": f"{share:.2f} % ({wrong} of {len(clean)}; with 95 % confidence at most {bound:.2f} %)",
        "met": bool(clean) and share <= 0.5,
    }


def _outages(judged: list[Judged]) -> list[dict[str, Any]]:
    cut_off = [each.ours for each in judged if each.ours.fault == OUTAGE]
    stopped = sum(course.stopped_at is not None for course in cut_off)
    held = sum(set(course.blind) == {"hold"} for course in cut_off)
    return [
        {
            "bar": "measurer cut off: rollbacks",
            "wanted": "0",
            "measured": f"{stopped} of {len(cut_off)}",
            "met": bool(cut_off) and not stopped,
        },
        {
            "bar": "measurer cut off: every look and gate of that time holds",
            "wanted": "always",
            "measured": f"{held} of {len(cut_off)}",
            "met": bool(cut_off) and held == len(cut_off),
        },
    ]


def upper_bound(hits: int, of: int, confidence: float = 0.95) -> float:
    """Clopper and Pearson's one-sided upper bound of a share (0..1)."""
    from scipy.stats import beta

    return 1.0 if hits >= of else float(beta.ppf(confidence, hits + 1, of - hits))


# ---------------------------------------------------------------- for people


def table(document: dict[str, Any]) -> str:
    """The Markdown for docs."""
    lines = [
        f"{document['rollouts_total']} made-up rollouts, seed {document['seed']}, judged by the plan wave2"
        f" (`{document['plan_digest'][:12]}`).",
        "",
        "| bar | wanted | measured | |",
        "|---|---|---|---|",
        *(
            f"| {bar['bar']} | {bar['wanted']} | {bar['measured']} | {'met' if bar['met'] else '**MISSED**'} |"
            for bar in document["bars"]
        ),
        "",
        "Precision and recall by kind of fault: `recall` of the rollouts that came as far as their fault, `precision` of the"
        " rollbacks, in this mix of faults, clean rollouts and troubles of others:",
        "",
        "| kind | rollouts with a fault | recall | rollbacks | without a cause | precision |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(_class_cells(row))} |" for row in document["classes"]),
        "",
        "Ours beside the rank test alone, on the same histories (`detected`, `false rollback` and `hold` in percent of the"
        " rollouts, `minutes` the median from the fault's begin to the rollback):",
        "",
        "| fault | size | rollouts | detected | false rollback | hold | minutes | rank test: detected | false rollback"
        " | hold | minutes |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in document["rows"]:
        cells = [row["fault"], row["size"] or "-", str(row["rollouts"]), *_cells(row), *_cells(row["rank_test_only"])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _class_cells(row: dict[str, Any]) -> list[str]:
    shares = ["-" if row[key] is None else f"{row[key]:g} %" for key in ("recall_pct", "precision_pct")]
    return [row["class"], str(row["rollouts"]), shares[0], str(row["rollbacks"]), str(row["without_cause"]), shares[1]]


def _cells(figures: dict[str, Any]) -> list[str]:
    keys = ("detected_pct", "false_rollback_pct", "hold_pct", "median_minutes_to_detect")
    return ["-" if figures[key] is None else f"{figures[key]:g}" for key in keys]
