# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What later checkpoints add to their folder: comparison with control, analysis against the one before, trends, aggregates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _metrics
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import read_json, write_json, write_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import (
    format_value,
    informs,
    metric_value,
    told_value,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._trends import rank_rows, trends_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._trends import trends as trends_since_change

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

# A checkpoint this late is written with what there is, even when it is the plan's first or second.
COMPARED_FROM_S = 6 * 3600.0

COMPARED = ("agent_uptime", "error_rate", "errors", "warnings", "message_delivery", "latency_p50", "latency_p99")


def write_checkpoint(
    context: Context,
    folder: Path,
    name: str,
    evidence: dict[str, Any],
    verdicts: list[dict[str, Any]],
    decision: dict[str, Any],
) -> dict[str, str]:
    """The files that depend on which checkpoint this is; returns file name -> SHA-256."""
    names = context.sure_plan.checkpoint_names()
    names = names[: names.index(name) + 1] if name in names else [*names, name]
    wanted = due(context.sure_plan, name)
    summaries = _summaries(context, names)
    written: dict[str, str] = {}
    if "comparison.json" in wanted:
        written["comparison.json"] = write_json(folder / "comparison.json", comparison(evidence, verdicts))
        written["analysis.txt"] = write_text(folder / "analysis.txt", analysis(name, summaries))
    earlier = _trends_before(context, summaries)
    heading = {**trends_since_change(evidence, earlier), "checkpoint": name, "metrics": deltas(summaries)}
    written["trends.json"] = write_json(folder / "trends.json", heading)
    text = f"{trends(summaries)}\n{trends_text(heading, format_value)}"
    written["trends.txt"] = write_text(folder / "trends.txt", text)
    if "aggregate_metrics.json" in wanted:
        written["aggregate_metrics.json"] = write_json(
            folder / "aggregate_metrics.json",
            {
                "schema": "cowboyai.rollout/aggregate/1",
                "rollout": context.rollout,
                "checkpoints": summaries,
                "metrics": aggregate(summaries),
            },
        )
        written["final_analysis.md"] = write_text(
            folder / "final_analysis.md", final_analysis(context, summaries, verdicts, decision)
        )
    return written


def due(plan: Plan, name: str) -> set[str]:
    """The files that a checkpoint adds.

    Trends at every one, comparison and analysis from the second on or 6 hours after the change, the aggregate at the
    plan's last; a follow-up after that is as late as it gets, and no end.
    """
    for each in plan.checkpoint_list():
        if each.name == name:
            index, offset_s, last = each.index, each.offset_s, each.last
            break
    else:
        index, offset_s, last = 2, COMPARED_FROM_S, False
    files = {"trends.txt", "trends.json"}
    if index >= 1 or offset_s >= COMPARED_FROM_S:
        files |= {"comparison.json", "analysis.txt"}
    if last:
        files |= {"aggregate_metrics.json", "final_analysis.md"}
    return files


def _summaries(context: Context, names: list[str]) -> list[dict[str, Any]]:
    """One entry per checkpoint: what its summary says, or that there is none (missed); never anything in between."""
    found = []
    for name in names:
        summary = read_json(context.monitoring / "checkpoints" / context.rollout / name / "summary.json")
        state = context.state.checkpoints.get(name)
        if summary is None:
            found.append({"checkpoint": name, "status": state.status if state else "open", "metrics": {}})
            continue
        metrics = {
            v["metric"]: {
                "value": v["value"],
                "unit": METRICS[v["metric"]].unit,
                "samples": v["samples"],
                "verdict": v["verdict"],
                "kind": v["kind"],
            }
            for v in summary["criteria"]
            if v["kind"] in ("primary", "secondary") and v["against"] is None
        }
        found.append(
            {
                "checkpoint": name,
                "status": "taken",
                "at": summary["at"],
                "decision": summary["decision"]["decision"],
                "metrics": metrics,
            }
        )
    return found


def comparison(evidence: dict[str, Any], verdicts: list[dict[str, Any]]) -> dict[str, Any]:
    """Test against control over the same window: value, samples and difference of each metric both sides have.

    `changes`: what each rule of the gate that compares has seen, in its true size: `not_judged` below `ignore_under`,
    `informs` where it decides nothing.
    """
    rows = {}
    evidence = {**evidence, "against": "control"}
    for metric in COMPARED:
        test, control = _metrics.read(metric, evidence, "test"), _metrics.read(metric, evidence, "control")
        row: dict[str, Any] = {
            "unit": METRICS[metric].unit,
            "test": {"value": test.value, "samples": test.samples, "missing": test.missing},
            "control": {"value": control.value, "samples": control.samples, "missing": control.missing},
            "difference_pct": None,
        }
        if test.value is not None and control.value:
            row["difference_pct"] = 100.0 * (test.value - control.value) / control.value
        rows[metric] = row
    for metric in ("cpu_overhead", "memory_overhead"):
        reading = _metrics.read(metric, evidence, "test")
        rows[metric] = {
            "unit": "percent",
            "value": reading.value,
            "samples": reading.samples,
            "missing": reading.missing,
        }
    return {
        "schema": "cowboyai.rollout/comparison/1",
        "at": evidence["at"],
        "metrics": rows,
        "changes": [
            {
                **{
                    key: v.get(key)
                    for key in ("name", "metric", "kind", "against", "text", "value", "unit", "verdict", "note")
                },
                "not_judged": bool(v.get("not_judged")),
                "informs": bool(informs(v)),
            }
            for v in verdicts
            if v.get("against") or METRICS[v["metric"]].comparison
        ],
        "rank_tests": rank_rows(evidence),
    }


def _direction(metric: str, before: float, now: float) -> str:
    if abs(now - before) <= 0.02 * max(abs(before), abs(now)):
        return "stable"
    return "improving" if (now > before) == METRICS[metric].higher_is_better else "degrading"


def analysis(name: str, summaries: list[dict[str, Any]]) -> str:
    """This checkpoint against the one before it, metric by metric."""
    taken = [s for s in summaries if s["status"] == "taken"]
    lines = [f"# {name} against the checkpoint before"]
    if len(taken) < 2:
        return "\n".join([*lines, "no checkpoint before it was taken: nothing to compare with"]) + "\n"
    before, now = taken[-2], taken[-1]
    lines.append(f"{before['checkpoint']} ({before['at']}) -> {now['checkpoint']} ({now['at']})")
    for metric, reading in now["metrics"].items():
        old = before["metrics"].get(metric, {}).get("value")
        unit, name = reading["unit"], f"{metric}{informs(reading)}"
        shown = (
            f"{name:<32} {metric_value(metric, old, unit):>12} -> {metric_value(metric, reading['value'], unit):>12}"
        )
        if old is None or reading["value"] is None:
            lines.append(f"{shown}  not comparable (not measured)")
        else:
            lines.append(f"{shown}  {_direction(metric, old, reading['value'])}")
    return "\n".join(lines) + "\n"


def _trends_before(context: Context, summaries: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The trends of the checkpoint taken before this one."""
    taken = [summary["checkpoint"] for summary in summaries if summary["status"] == "taken"]
    if len(taken) < 2:
        return None
    found = read_json(context.monitoring / "checkpoints" / context.rollout / taken[-2] / "trends.json")
    return found if isinstance(found, dict) else None


def deltas(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """Every metric now and at the checkpoint taken before: `against` (its name, null for the first), `rows` by metric."""
    taken = [summary for summary in summaries if summary["status"] == "taken"]
    if not taken:
        return {"against": None, "rows": {}}
    now, before = taken[-1], taken[-2] if len(taken) > 1 else None
    rows = {}
    for metric, reading in now["metrics"].items():
        old = before["metrics"].get(metric, {}).get("value") if before else None
        value = reading["value"]
        rows[metric] = {
            "unit": reading["unit"],
            "informs": bool(informs(reading)),
            "before": old,
            "now": value,
            "change_pct": 100.0 * (value - old) / abs(old) if old and value is not None else None,
            "direction": "unknown" if old is None or value is None else _direction(metric, old, value),
        }
    return {"against": before["checkpoint"] if before else None, "rows": rows}


def trends(summaries: list[dict[str, Any]]) -> str:
    """Every metric over all checkpoints so far. A checkpoint that was missed stays empty; nothing is interpolated."""
    lines = ["# trends", "metric".ljust(32) + "".join(s["checkpoint"].rjust(14) for s in summaries) + "  direction"]
    for metric in dict.fromkeys(name for s in summaries for name in s["metrics"]):
        values = [s["metrics"].get(metric, {}).get("value") for s in summaries]
        known = [value for value in values if value is not None]
        direction = _direction(metric, known[0], known[-1]) if len(known) > 1 else "too few"
        cells = "".join(
            (metric_value(metric, v, METRICS[metric].unit) if v is not None else "missing").rjust(14) for v in values
        )
        kinds = next(s["metrics"][metric] for s in reversed(summaries) if metric in s["metrics"])
        lines.append(f"{metric}{informs(kinds)}".ljust(32) + cells + f"  {direction}")
    return "\n".join(lines) + "\n"


def _cell(summary: dict[str, Any], metric: str) -> str:
    if summary["status"] != "taken":
        return str(summary["status"])
    if metric not in summary["metrics"]:
        return "not asked"
    value = summary["metrics"][metric]["value"]
    return "not measured" if value is None else metric_value(metric, value, METRICS[metric].unit)


def aggregate(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """Lowest, highest and last value of each metric over the checkpoints, with how many of them measured it."""
    rows = {}
    for metric in dict.fromkeys(name for s in summaries for name in s["metrics"]):
        values = [
            s["metrics"][metric]["value"] for s in summaries if s["metrics"].get(metric, {}).get("value") is not None
        ]
        rows[metric] = {
            "unit": METRICS[metric].unit,
            "informs": any(informs(s["metrics"][metric]) for s in summaries if metric in s["metrics"]),
            "measured_at": len(values),
            "of": len(summaries),
            "min": min(values) if values else None,
            "max": max(values) if values else None,
            "last": values[-1] if values else None,
        }
    return rows


def final_analysis(
    context: Context, summaries: list[dict[str, Any]], verdicts: list[dict[str, Any]], decision: dict[str, Any]
) -> str:
    """The last checkpoint for people: criteria, course over all checkpoints, what was not measured."""
    lines = [
        f"# {context.rollout}: final analysis",
        "",
        f"Gate decision: **{decision['decision'].upper()}**. {decision['why']}.",
        "",
    ]
    if context.rehearsal:
        lines += [
            f"{'Rehearsal, waits skipped' if context.skips_waits else 'Rehearsal'}: this decision does not count for production.",
            "",
        ]
    lines += ["| criterion | wanted | value | samples | verdict |", "|---|---|---|---|---|"]
    for v in verdicts:
        if v["kind"] in ("primary", "secondary"):
            name = v["metric"] + informs(v)
            lines.append(f"| {name} | {v['text']} | {told_value(v)} | {v['samples']} | {v['verdict']} |")
    lines += ["", "## Course", "", "```", trends(summaries).rstrip(), "```", ""]
    missing = [v for v in verdicts if v["reasons"]]
    lines += ["## Not measured", ""]
    lines += [f"- {v['name']}: " + "; ".join(f"{r} ({m})" for r, m in v["reasons"].items()) for v in missing] or [
        "Nothing: every criterion had its data."
    ]
    return "\n".join(lines) + "\n"
