# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a message can say: the facts its template shows, from records and the summary of the gate. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import Verdict, describe, informs, told_value
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._due import FAILURE, INFO, SUCCESS, WARNING, Due
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState, fold

STATUS = {SUCCESS: "✅ PASS", WARNING: "⚠️ WARNING", FAILURE: "❌ FAIL", INFO: "ℹ️ INFO"}  # noqa: RUF001
DECISIONS = {"go": "GO", "hold": "HOLD", "no_go": "NO-GO", "rollback": "ROLL BACK"}
# The metrics that the status of a checkpoint shows, under the names people know them by.
SHOWN = {
    "agent_uptime": "Agent uptime",
    "error_rate": "Error rate",
    "latency_p50": "Response latency (p50)",
    "latency_p99": "Response latency (p99)",
    "dual_publish_success": "Dual publishing",
}
# In one message; the report has all of them.
MOST = 12


@dataclass(frozen=True)
class Place:
    """Where things are, for people: the monitoring folder, and the checkpoints still to come as (name, when)."""

    monitoring: Path
    upcoming: tuple[tuple[str, datetime], ...] = ()


def facts_of(
    due: Due,
    records: Sequence[Record],
    summary: dict[str, Any] | None,
    place: Place,
    latest: RolloutState | None = None,
) -> dict[str, Any]:
    """The facts of one message.

    `records`: the ledger up to the record that the message is about; `summary`: summary.json of that gate, or of the
    newest gate for a report; None where there is none; `latest`: where the rollout stands by now: the step that saw an
    alert may have decided to roll back a moment later.
    """
    record = due.record
    state = fold(record.rollout, records)
    data = record.data
    criteria = [_criterion(v) for v in (summary or {}).get("criteria", []) if v.get("kind") in ("primary", "secondary")]
    return {
        "rollout": record.rollout,
        "title": state.start.get("title") or "",
        "rehearsal": state.rehearsal,
        "shadow": state.shadow,
        "pace": state.pace,
        "event": due.event,
        "what": due.what,
        "status": STATUS[due.kind],
        "at": record.moment,
        "by": record.by,
        "data": data,
        "outcome": state.outcome,
        "decision": DECISIONS.get(str(data.get("decision")), ""),
        "why": str(data.get("why") or ""),
        "metrics": _metrics(summary),
        "criteria": criteria,
        "issues": _few(_issues(state, summary, data)),
        "alerts": [{"severity": a.severity, "text": a.text, "since": a.opened_at} for a in state.alerts.values()],
        "next": _next(state, place, data),
        "instances": list(data.get("instances") or data.get("expected") or []),
        "agents": _agents(state),
        "accounting": str((data.get("accounting") or {}).get("text") or ""),
        "not_back": _not_back(state),
        "took": duration_text(float(data["took_s"])) if data.get("took_s") is not None else "",
        "duration": duration_text((record.moment - state.started_at).total_seconds()) if state.started_at else "",
        "value": told_value(data) if data.get("value") is not None else "",
        "open_for": duration_text(float(data["open_s"])) if data.get("open_s") is not None else "",
        "action_taken": _action_taken(latest or state, data),
        "report": str(_report(place.monitoring, record)),
        "alerts_log": str(place.monitoring / "alerts" / f"{record.rollout}.log"),
        "ledger": str(place.monitoring / "ledger" / f"{record.rollout}.jsonl"),
    }


def _criterion(found: dict[str, Any]) -> dict[str, Any]:
    verdict = str(found.get("verdict"))
    return {
        "name": str(found.get("name")),
        "text": str(found.get("text")),
        "value": told_value(found),
        "verdict": verdict,
        "mark": {"pass": "✅", "fail": "❌"}.get(verdict, "⚠️"),
        "informs": bool(informs(found)),
    }


def _metrics(summary: dict[str, Any] | None) -> list[dict[str, str]]:
    """The metrics people ask for, as far as the plan measures them, first the whole and never a comparison."""
    rows: dict[str, dict[str, str]] = {}
    for found in (summary or {}).get("criteria", []):
        metric = found.get("metric")
        plain = found.get("kind") in ("primary", "secondary") and not found.get("against")
        if metric in SHOWN and plain and metric not in rows:
            seen = found.get("value")
            shown = "not measured" if seen is None else told_value(found)
            rows[metric] = {"label": f"{SHOWN[metric]}{informs(found)}", "value": shown}
    return [rows[metric] for metric in SHOWN if metric in rows]


def _issues(state: RolloutState, summary: dict[str, Any] | None, data: dict[str, Any]) -> list[str]:
    """What is not as it should be: failed and unmeasured criteria, triggers that fired, open alerts."""
    known = {each.name for each in fields(Verdict)}
    found = []
    for each in (summary or {}).get("criteria", []):
        bad = each.get("verdict") == "fail" or (each.get("kind") == "primary" and each.get("verdict") != "pass")
        if bad and each.get("kind") != "alert":
            found.append(describe(Verdict(**{key: value for key, value in each.items() if key in known})))
    told = set(found)
    found += [f"open alert, {a.severity}: {a.text}" for a in state.alerts.values() if a.text not in told]
    if not found and data.get("decision") not in (None, "go"):
        found.append(str(data.get("why") or ""))
    return found


def _few(found: list[str]) -> list[str]:
    return found if len(found) <= MOST else [*found[:MOST], f"and {len(found) - MOST} more"]


def _next(state: RolloutState, place: Place, data: dict[str, Any]) -> dict[str, Any] | None:
    """The next checkpoint that is still open; none once the rollout is stopped or over."""
    if state.stop or state.rolled_back or state.decision:
        return None
    for name, when in place.upcoming:
        checkpoint = state.checkpoints.get(name)
        if name != data.get("name") and (checkpoint is None or checkpoint.status == "open"):
            return {"name": name, "at": when}
    return None


def _agents(state: RolloutState) -> list[str]:
    """`router (3)`: agents with how many instances of them were touched."""
    counted: dict[str, int] = {}
    for instance in state.touched():
        agent = instance.rpartition("@")[0]
        counted[agent] = counted.get(agent, 0) + 1
    return [f"{agent} ({count})" for agent, count in counted.items()]


def _not_back(state: RolloutState) -> list[str]:
    """After a rollback: what still runs with the change."""
    if not state.rolled_back:
        return []
    return [name for name in state.rolled_back["expected"] if name not in state.rolled_back["restored"]]


def _action_taken(state: RolloutState, data: dict[str, Any]) -> str:
    """What is done about an alert already, as far as the ledger knows."""
    if state.rolled_back:
        return "Rolled back"
    if state.rollback_started_at or (state.stop and state.stop.decision == "rollback"):
        return "Rollback initiated"
    if state.stop:
        return "The rollout is stopped"
    return "None so far, the watch goes on" if data.get("severity") == "critical" else "None"


def _report(monitoring: Path, record: Record) -> Path:
    """The file with everything about it."""
    evidence = record.data.get("evidence")
    if record.kind == "gate.decided" and evidence:
        return monitoring / Path(str(evidence)).parent / "summary.json"
    return monitoring / "reports" / record.rollout / "decision.md"
