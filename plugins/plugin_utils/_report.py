# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of a rollout as Markdown, from ledger and evidence alone: they can be written again at any time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts import history
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, parse_iso, short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import read_json, write_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import informs, told_value
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "report" / "templates"
REPORTS = ("deployment.md", "decision.md", "final_analysis.md", "retrospective.md")


def write_reports(context: Context) -> list[Path]:
    """Write all reports of the newest attempt, `report.html` last; returns their paths."""
    # Markdown, not HTML: what comes from hosts goes through the filter `cell`, which keeps it inside one table cell.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701
    )
    environment.filters.update(cell=_cell, told=told_value, informs=informs, short=short)
    facts = facts_of(context)
    folder = context.monitoring / "reports" / context.rollout
    written = []
    for name in REPORTS:
        text = environment.get_template(f"{name}.j2").render(facts)
        write_text(folder / name, text.rstrip() + "\n")
        written.append(folder / name)
    # Imported here, since the HTML is made of the facts below; and last, so that the Markdown is there whatever it meets.
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html import write_html

    return [*written, write_html(context)]


def facts_of(context: Context) -> dict[str, Any]:
    """What the templates show."""
    state = context.state
    records = [record for record in context.records if record.attempt == state.attempt]
    gates = [_gate(context, record) for record in records if record.kind == "gate.decided"]
    judged = [gate for gate in gates if gate["summary"]]
    return {
        "rollout": context.rollout,
        "title": state.start.get("title", ""),
        "state": state,
        "outcome": state.outcome,
        "why": _why(context),
        "rehearsal": state.rehearsal,
        "pace": state.pace,
        "started_at": state.started_at,
        "plan_path": state.start.get("plan_path", ""),
        "plan_digest": state.start.get("plan_digest", ""),
        "hosts": state.start.get("hosts", []),
        "agents": state.start.get("agents", []),
        "control": state.start.get("control", []),
        "timeline": [{"at": r.moment, "by": r.by, "kind": r.kind, "text": describe(r)} for r in records if describe(r)],
        "instances": _instances(context),
        "gates": gates,
        "last": judged[-1] if judged else None,
        "checkpoints": [gate for gate in judged if gate["gate"] == "checkpoint"],
        "alerts": history(records),
        "looks": sum(1 for r in records if r.kind == "look.taken"),
        "gaps": [
            {"at": r.at, "gaps": r.data["gaps"]} for r in records if r.kind == "look.taken" and r.data.get("gaps")
        ],
        "holds": sum(1 for g in gates if g["decision"] == "hold"),
        "resumed": sum(1 for r in records if r.kind == "run.resumed"),
        "soak_resets": sum(phase.soak_resets for phase in state.phases.values()),
        "duration": duration_text((records[-1].moment - state.started_at).total_seconds())
        if records and state.started_at
        else "0s",
        "files": _files(context),
        "ledger": str(context.ledger.path),
        "monitoring": str(context.monitoring),
    }


def _why(context: Context) -> str:
    state = context.state
    if state.rolled_back:
        return f"{state.rolled_back['why']}"
    if state.stop and not state.decision:
        return state.stop.why
    return state.decision_why or ""


def _gate(context: Context, record: Record) -> dict[str, Any]:
    evidence = record.data.get("evidence")
    summary = read_json((context.monitoring / evidence).with_name("summary.json")) if evidence else None
    # A folder that was taken again belongs to the newer look: its summary must not stand under the older one.
    if summary and summary.get("decision", {}).get("why") != record.data["why"]:
        summary = None
    return {**record.data, "at": record.moment, "summary": summary}


def _instances(context: Context) -> list[dict[str, Any]]:
    state = context.state
    restored = (state.rolled_back or {}).get("restored", {})
    rows = []
    for phase in state.phases.values():
        for instance in phase.touched:
            known = phase.proven.get(instance)
            rows.append({"instance": instance, "phase": phase.name, "proven": known, "restored": instance in restored})
    return rows


def _files(context: Context) -> list[str]:
    folder = context.monitoring / "checkpoints" / context.rollout
    return (
        sorted(str(path.relative_to(context.monitoring)) for path in folder.rglob("*") if path.is_file())
        if folder.exists()
        else []
    )


def _cell(text: Any) -> str:
    """Text that stays inside one cell of a Markdown table: what agents log must not format our reports."""
    line = " ".join(str(text).split())
    return line.replace("\\", "\\\\").replace("|", "\\|").replace("`", "'").replace("<", "&lt;").replace("[", "\\[")


def _rehearsed(start: dict[str, Any]) -> str:
    pace = RolloutState("", start=start).pace
    return f"rehearsal, {pace}" if pace else "rehearsal"


def _lasted(skip: dict[str, Any]) -> str:
    return duration_text((parse_iso(skip["to"]) - parse_iso(skip["from"])).total_seconds())


def describe(record: Record) -> str:
    """One line of the timeline; empty for records that only machines need."""
    data = record.data
    texts = {
        "rollout.started": lambda: (
            f"attempt {record.attempt} started" + (f" ({_rehearsed(data)})" if data["rehearsal"] else "")
        ),
        "clock.skipped": lambda: f"skipped {_lasted(data)} of {data['for']}",
        "run.resumed": lambda: f"went on after {data['after']} ({data['was']})",
        "preflight.passed": lambda: (
            "preflight passed" + (f"; accepted: {len(data['accepted'])} known differences" if data["accepted"] else "")
        ),
        "preflight.failed": lambda: f"preflight failed: {'; '.join(data['problems'])}",
        "baseline.taken": lambda: "baseline measured",
        "backup.done": lambda: f"backup in {data['directory']}: {data['accounting']['text']}",
        "batch.started": lambda: f"phase {data['phase']}: changing {', '.join(data['instances'])}",
        "batch.done": lambda: (
            f"phase {data['phase']} on {', '.join(data['hosts'])}: {data['accounting']['text']}"
            + (f"; phase {data['phase']} is deployed" if data["phase_complete"] else "")
        ),
        "guard.renewed": lambda: f"renewed: {', '.join(data['hosts'])} may wait for the confirmation of the change",
        "guard.confirmed": lambda: f"confirmed: {', '.join(data['hosts'])} keeps its change",
        "host.reverted": lambda: (
            f"{data['host']} put itself back at {data['reverted_at']}: {data['why']} ({', '.join(data['instances'])})"
        ),
        "soak.reset": lambda: f"soak of {data['phase']} starts anew: {data['why']}",
        "soak.done": lambda: f"soak of {data['phase']} done",
        "gate.decided": lambda: f"{data['gate']} {data['name']}: {data['decision'].upper()}: {data['why']}",
        "checkpoint.missed": lambda: f"checkpoint {data['name']} missed (was due {data['planned_at']})",
        "gaps.accepted": lambda: "gaps of the journal so far accepted",
        "checkpoint.accepted": lambda: f"missed checkpoint {data['name']} accepted",
        "alert.opened": lambda: f"alert, {data['severity']}: {data['text']}",
        "alert.updated": lambda: (
            f"alert {data['name']} changed ({', '.join(data.get('changed', []))}), {data['severity']}: {data['text']}"
        ),
        "alert.closed": lambda: f"alert {data['name']} closed: {data.get('why', '')}",
        "rollback.started": lambda: f"rolling back {len(data['instances'])} instances: {data['why']}",
        "rollback.done": lambda: f"rollback: {data['accounting']['text']}",
        "approval.requested": lambda: f"waiting for approval before {data['approval']} until {data['until']}",
        "approval.given": lambda: (
            f"approval before {data['approval']}: {data['decision'].upper()}"
            + (f": {data['reason']}" if data["reason"] else "")
        ),
        "approval.expired": lambda: f"nobody answered before {data['approval']}: {data['decision'].upper()}",
        "decision.made": lambda: f"decision {data['decision'].upper()}: {data['why']}",
    }
    maker = texts.get(record.kind)
    return maker() if maker else ""
