# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the HTML report together and writes it: reports/<rollout>/report.html."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _report
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import read_json, write_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html import _blind_spots, _instances_view, _numbers
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._alerts import alerts_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._criteria import criteria_of, thresholds_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._fold import Fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._pictures import pictures_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._text import plain
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._trends_view import beside_of, newest, trends_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series import SeriesError, load
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).resolve().parents[3] / "roles" / "report" / "templates"
NAME = "report.html"
# The outcome's words and how they look; anything else is an open rollout.
_LOOKS = {
    "GO": "good",
    "HOLD": "warn",
    "NO-GO": "bad",
    "ROLLED BACK": "bad",
    "PARTLY ROLLED BACK": "bad",
    "ROLLBACK INCOMPLETE": "bad",
    "ROLLED BACK, NOT PROVEN": "bad",
    "ROLLBACK DUE": "bad",
    "FALSE ROLLBACK": "bad",
}


def write_html(context: Context) -> Path:
    """Write the report of the newest attempt; returns its path. OSError where the folder can't be written."""
    path = context.monitoring / "reports" / context.rollout / NAME
    write_text(path, render(context))
    return path


def render(context: Context) -> str:
    """The whole page. The same ledger and evidence give the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters.update(
        num=_numbers.number,
        clock=_numbers.clock_text,
        when=_when,
        span=_numbers.seconds_text,
        size=_numbers.size_text,
        metric=_numbers.value_text,
        plain=plain,
        sentence=lambda text: str(text)[:1].upper() + str(text)[1:],
    )
    text = environment.get_template("report.html.j2").render(facts_of(context))
    return text.rstrip() + "\n"


def facts_of(context: Context) -> dict[str, Any]:
    """What the template shows."""
    facts = _report.facts_of(context)
    state = context.state
    records = [record for record in context.records if record.attempt == state.attempt]
    judged = [gate for gate in facts["gates"] if gate["summary"]]
    last = _last_to_show(judged)
    evidence, missing = _newest_evidence(context, judged)
    fold = _fold(evidence, state.started_at)
    alerts = alerts_of(records)
    criteria = criteria_of(last, judged, fold)
    decider = last
    if not criteria["primary"]:
        # A look asks triggers and alerts only: what decides was asked before it.
        decider = next((gate for gate in reversed(judged) if _has_primary(gate)), last)
        criteria["primary"] = criteria_of(decider, judged, fold)["primary"]
    rows = _instances_view.rows_of(state, evidence, fold)
    kinds = _instances_view.kinds_of(evidence)
    now = records[-1].moment if records else None
    trends, compared = (newest(context.monitoring, judged, file) for file in ("trends.json", "comparison.json"))
    style, script = _asset("report.css"), _asset("report.js")
    return {
        **facts,
        "look": _LOOKS.get(facts["outcome"], "open"),
        "now": now,
        "lasted": (now - state.started_at).total_seconds() if now and state.started_at else 0.0,
        "attempt": state.attempt,
        "style": Markup(style),
        "script": Markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "last": last,
        "last_label": _label(last),
        "decided_at": _label(decider),
        "waits_for": [
            known.name for known in state.approvals.values() if known.decision is None and not state.finished
        ],
        "newest": evidence,
        "evidence_missing": missing,
        "fold": fold,
        "criteria": criteria,
        "pictures": pictures_of(
            state, records, alerts, fold, [row for part in criteria.values() for row in part], thresholds_of(judged)
        ),
        "alerts": alerts,
        "open_alerts": [alert for alert in alerts if alert.open],
        "instance_rows": rows[: _instances_view.MOST_ROWS],
        "instances_left_out": max(0, len(rows) - _instances_view.MOST_ROWS),
        "troubled": _instances_view.trouble_count(rows),
        "kinds": kinds[: _instances_view.MOST_KINDS],
        "kinds_left_out": max(0, len(kinds) - _instances_view.MOST_KINDS),
        "seen_gaps": _blind_spots.gaps_of(records, fold),
        "most_gaps": _blind_spots.MOST_GAPS,
        "reasons": _blind_spots.REASONS,
        "between": _blind_spots.between_looks(state, records, judged, fold, now),
        "missed": [name for name, point in state.checkpoints.items() if point.status == "missed"],
        "trends": trends_of(trends[1]) if trends else None,
        "trends_name": _label(trends[0]) if trends else "",
        "beside": beside_of(compared[1]) if compared else None,
        "beside_name": _label(compared[0]) if compared else "",
        "touched": state.touched(),
        "proven": state.proven(),
        "next_checkpoint": next_checkpoint(context),
        "checkpoint_names": _checkpoint_names(context),
        "taken": [name for name, point in state.checkpoints.items() if point.status == "taken"],
        "records": len(records),
        "ledger_hash": context.records[-1].hash if context.records else "",
        "rehearsal_text": _rehearsal(context),
    }


def _when(text: Any) -> str:
    """A stored time as the page writes times; what is none stays as it is."""
    moment = _numbers.moment_of(text)
    return _numbers.clock_text(moment) if moment else str(text)


def _label(gate: dict[str, Any] | None) -> str:
    """A gate as people call it: looks are named by their time."""
    if gate is None:
        return ""
    return f"the look at {_numbers.clock_text(gate['at'])}" if gate["gate"] == "look" else str(gate["name"])


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _last_to_show(judged: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The newest checkpoint (or look that stopped the rollout), else the newest gate that was judged."""
    return judged[-1] if judged else None


def _newest_evidence(context: Context, judged: list[dict[str, Any]]) -> tuple[dict[str, Any] | None, str]:
    """The evidence of the newest gate whose file can be read, and what is wrong with it if none can.

    Its series lie in a file of their own beside it.
    """
    problem = "no gate was judged so far"
    passed_over = ""
    for gate in reversed(judged):
        path = context.monitoring / str(gate["evidence"])
        try:
            evidence = read_json(path)
            if not isinstance(evidence, dict):
                raise ValueError("not an object")
        except (OSError, ValueError) as error:
            problem = f"the evidence of {gate['name']} could not be read ({context.relative(path)}: {error})"
            passed_over = f"{problem}; instances and errors are those of an earlier gate"
            continue
        try:
            evidence["series"] = load(path.parent, evidence.get("series"))
        except SeriesError as error:
            # The rest of the evidence is as good as it was.
            evidence["series"] = None
            return evidence, passed_over or str(error)
        return evidence, passed_over
    return None, problem


def _has_primary(gate: dict[str, Any]) -> bool:
    return any(verdict["kind"] == "primary" for verdict in gate["summary"].get("criteria", []))


def _fold(evidence: dict[str, Any] | None, started_at: datetime | None) -> Fold | None:
    """The series from the rollout's start on, with a quarter of its length before it.

    The journal's history may be a day long: drawn whole, it would press a rollout of an hour into a stripe.
    """
    series = (evidence or {}).get("series")
    if not isinstance(series, dict) or not series.get("buckets") or not series.get("start"):
        return None
    if started_at is None:
        return Fold(series)
    whole = Fold(series)
    begun = (started_at - whole.start).total_seconds() / whole.bucket_s
    return Fold(series, first=int(begun - 0.25 * max(whole.buckets - begun, 1.0)))


def _checkpoint_names(context: Context) -> list[str]:
    """The plan's checkpoints as it was recorded at the start, and any that came on top."""
    planned = _planned(context)
    return list(dict.fromkeys([*planned, *context.state.checkpoints]))


def _planned(context: Context) -> dict[str, float]:
    checkpoints = (context.state.start.get("plan") or {}).get("checkpoints") or {}
    found = {}
    for at in checkpoints.get("at") or []:
        seconds = _numbers.plan_seconds(at)
        if seconds is not None:
            found[f"T+{at}"] = seconds
    return found


def next_checkpoint(context: Context) -> dict[str, Any] | None:
    """The plan's next checkpoint of an open rollout, with when it is due (None before its phase is deployed)."""
    state = context.state
    if state.finished or not state.attempt:
        return None
    after = ((state.start.get("plan") or {}).get("checkpoints") or {}).get("after")
    phase = state.phases.get(str(after)) if after else None
    for name, offset in _planned(context).items():
        if name in state.checkpoints and state.checkpoints[name].status != "open":
            continue
        deployed = phase.deployed_at if phase else None
        due = deployed + timedelta(seconds=offset / state.time_scale) if deployed else None
        return {"name": name, "due": due}
    return None


def _rehearsal(context: Context) -> str:
    if context.state.shadow:
        return "A shadow rollout: every gate was asked and nothing was changed. Whatever it would have taken back is a false alarm."
    if not context.state.rehearsal:
        return ""
    state = context.state
    faster = "Its waits were skipped. " if state.skips_waits else ""
    if state.time_scale != 1.0:
        faster = f"Its waits were {_numbers.number(state.time_scale)} times shorter than the plan's. "
    return f"{faster}What was decided here never counts for production."
