# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout as metrics in Prometheus' text format, from its ledger. Pure: no clock, so the same records give the same text.

Names and meanings are in docs/metrics.md. Base units: seconds, bytes, ratios (0..1) for what plans write in percent.
Labels hold what a plan, not what an agent or a host says, so their number is bounded by the plan. The text format is
https://prometheus.io/docs/instrumenting/exposition_formats/, which is little enough to be written here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._recorded_plan import limit, recorded_plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._situation import (
    SEVERITIES,
    Row,
    last_accounting,
    last_readings,
    open_alerts,
    pending_approvals,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._stages import (
    PHASE_STATES,
    checkpoint_due,
    phase_state,
    phases_of,
    stage,
    upcoming,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import GO, HOLD, NO_GO, ROLLBACK, RolloutState

PREFIX = "cowboyai_rollout_"
STEPS = (
    "not_started", "preflight", "baseline", "backup", "approval", "deploy", "verify", "soak", "checkpoint", "decide", "rollback", "done",
)  # fmt: skip
OUTCOMES = (
    "not_started", "in_progress", "hold", "go", "no_go", "rollback_due", "rolled_back", "partly_rolled_back", "rollback_incomplete", "false_rollback",
)  # fmt: skip
DECISIONS = (GO, HOLD, NO_GO, ROLLBACK)
CHECKPOINT_STATES = ("open", "go", "no_go", "rollback", "missed")
VERDICTS = ("pass", "fail", "inconclusive", "error")
INSTANCE_STATES = ("good", "bad", "unreachable", "skipped")
# What a plan's unit is in Prometheus: its name there, and the factor to it.
BASE_UNITS = {
    "percent": ("ratio", 0.01),
    "duration": ("seconds", 1.0),
    "size": ("bytes", 1.0),
    "count": ("count", 1.0),
    "number": ("number", 1.0),
}

GAUGE, COUNTER = "gauge", "counter"

#: name without prefix -> (type, meaning). Everything that exposition() writes, and docs/metrics.md lists.
METRICS: dict[str, tuple[str, str]] = {
    "info": (GAUGE, "The newest attempt: its title and the digest of its plan; always 1."),
    "attempt": (GAUGE, "Number of the newest attempt."),
    "rehearsal": (GAUGE, "Whether it is a rehearsal, whose decisions never count for production."),
    "shadow": (GAUGE, "Whether it changes nothing on purpose, to learn how often its gates are wrong."),
    "started_timestamp_seconds": (GAUGE, "When the attempt began."),
    "ended_timestamp_seconds": (GAUGE, "When it was decided or rolled back; absent before."),
    "step": (GAUGE, "1 for the step that the rollout is at, 0 for the others."),
    "outcome": (GAUGE, "1 for the outcome so far, 0 for the others."),
    "needs_person": (GAUGE, "Whether it stopped where only a person can let it go on."),
    "phase": (GAUGE, "1 for the state that the phase is in, 0 for the others."),
    "phase_deployed_timestamp_seconds": (GAUGE, "When the phase's last batch was proven; absent before."),
    "soak_seconds": (GAUGE, "Real time that the phase must stay healthy without interruption."),
    "soak_started_timestamp_seconds": (GAUGE, "When the soak of the phase began, or began anew; absent before."),
    "soak_resets_total": (COUNTER, "How often the soak of the phase began anew."),
    "step_due_timestamp_seconds": (
        GAUGE,
        "When the next batch, verification, look, or end of a soak or approval is due; absent when it is not known.",
    ),
    "checkpoint": (GAUGE, "1 for the state that the checkpoint is in, 0 for the others."),
    "checkpoint_due_timestamp_seconds": (GAUGE, "When the checkpoint is due; absent until its phase is deployed."),
    "checkpoint_taken_timestamp_seconds": (
        GAUGE,
        "When the checkpoint was last judged or recorded as missed; absent before.",
    ),
    "decision": (GAUGE, "1 for the decision of the newest gate, 0 for the others."),
    "decision_timestamp_seconds": (GAUGE, "When the newest gate decided; absent before."),
    "gates_total": (COUNTER, "Gates that decided so, by decision."),
    "criterion_value": (
        GAUGE,
        "Newest reading of a criterion, trigger or alert rule; absent when it could not be measured."
        " What the rule does not judge (ignore_under) has its true size.",
    ),
    "criterion_threshold": (GAUGE, "Threshold of the rule, in the unit of its value."),
    "criterion_verdict": (GAUGE, "1 for the newest verdict of the rule, 0 for the others."),
    "instances": (GAUGE, "Instances of the newest accounting, by state."),
    "instances_expected": (GAUGE, "Instances that the newest accounting expected."),
    "instances_planned": (GAUGE, "Instances that the plan changes, on all hosts."),
    "instances_changed": (GAUGE, "Instances that were touched and not rolled back."),
    "alerts_open": (GAUGE, "Open alerts of the plan's rules, by severity."),
    "alerts_total": (COUNTER, "Alerts that were opened, by severity."),
    "approvals_pending": (GAUGE, "Approvals that a person was asked for and has not given."),
    "notifications_failed_total": (COUNTER, "Notifications that did not arrive."),
    "looks_total": (COUNTER, "Looks between gates."),
    "gaps_total": (COUNTER, "Looks at which an instance could not be seen without a gap."),
    "last_look_timestamp_seconds": (GAUGE, "When the newest look was taken; absent before the first."),
    "look_interval_seconds": (GAUGE, "Real time between looks."),
    "rollback_started_timestamp_seconds": (GAUGE, "When a rollback began; absent without one."),
    "last_record_timestamp_seconds": (GAUGE, "When the newest record was written to the ledger."),
    "records_total": (COUNTER, "Records of the ledger, all attempts."),
}

_ACCOUNTED = re.compile(r"expected (\d+) = |(\d+) (good|bad|unreachable|skipped)\b")


@dataclass
class _Page:
    """Samples by metric; each series once, since a duplicate makes the whole file unreadable for its collector."""

    rollout: str
    samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = field(default_factory=dict)

    def add(self, metric: str, value: Any, /, **labels: Any) -> None:
        if value is None:
            return
        key = tuple((label, str(text)) for label, text in {"rollout": self.rollout, **labels}.items())
        self.samples.setdefault(metric, {})[key] = float(value)

    def states(self, metric: str, label: str, known: Iterable[str], current: str | None, /, **labels: Any) -> None:
        """1 for the current state, 0 for every other one."""
        for each in known:
            self.add(metric, each == current, **labels, **{label: each})

    def text(self) -> str:
        lines = []
        for name, (kind, meaning) in METRICS.items():
            samples = self.samples.get(name)
            if samples:
                lines += [f"# HELP {PREFIX}{name} {_help(meaning)}", f"# TYPE {PREFIX}{name} {kind}"]
                lines += [f"{PREFIX}{name}{_labels(key)} {number(value)}" for key, value in samples.items()]
        return "\n".join(lines) + "\n" if lines else ""


def exposition(
    state: RolloutState, records: Iterable[Record], evidence_summary: Mapping[str, Any] | None = None
) -> str:
    """The newest attempt as text; empty when nothing was started.

    `evidence_summary`: the summary.json of the newest judged gate, for the readings of its criteria.
    """
    every = list(records)
    if not state.attempt:
        return ""
    page = _Page(state.rollout)
    attempt = [record for record in every if record.attempt == state.attempt]
    _head(page, state, every)
    _phases(page, state)
    _checkpoints(page, state)
    _gates(page, attempt)
    _criteria(page, attempt, evidence_summary)
    _instances(page, state, attempt)
    _alerts(page, attempt)
    _looks(page, state, attempt)
    return page.text()


def _head(page: _Page, state: RolloutState, records: list[Record]) -> None:
    start = state.start
    page.add("info", 1, title=start.get("title") or "", plan_digest=str(start.get("plan_digest") or "")[:12])
    page.add("attempt", state.attempt)
    page.add("rehearsal", state.rehearsal)
    page.add("shadow", state.shadow)
    page.add("started_timestamp_seconds", _moment(state.started_at))
    outcome = state.outcome.lower().replace("-", "_").replace(" ", "_")
    page.states("outcome", "outcome", OUTCOMES, outcome)
    page.states("step", "step", STEPS, stage(state, recorded_plan(start)).step)
    ended = [state.decided_at if state.decision in (GO, NO_GO) else None]
    backs = [record.moment for record in records if record.kind == "rollback.done" and record.attempt == state.attempt]
    ended += backs[-1:]
    moments = [moment for moment in ended if moment]
    page.add("ended_timestamp_seconds", _moment(max(moments)) if moments else None)
    page.add("rollback_started_timestamp_seconds", _moment(state.rollback_started_at))
    stuck = state.outcome in (
        "HOLD",
        "ROLLBACK DUE",
        "PARTLY ROLLED BACK",
        "ROLLBACK INCOMPLETE",
        "ROLLED BACK, NOT PROVEN",
    )
    changed_after_no_go = state.outcome == "NO-GO" and bool(state.touched()) and not state.shadow
    waiting = pending_approvals(state)
    page.add("needs_person", stuck or changed_after_no_go or bool(waiting))
    page.add("approvals_pending", len(waiting))
    page.add("records_total", len(records))
    page.add("last_record_timestamp_seconds", _moment(records[-1].moment) if records else None)


def _phases(page: _Page, state: RolloutState) -> None:
    plan = recorded_plan(state.start)
    for phase in phases_of(state, plan):
        known = state.phases.get(phase.name)
        page.states("phase", "state", PHASE_STATES, phase_state(state, plan, phase), phase=phase.name)
        page.add("soak_seconds", plan.real(phase.soak_s), phase=phase.name)
        page.add("soak_resets_total", known.soak_resets if known else 0, phase=phase.name)
        if known:
            page.add("phase_deployed_timestamp_seconds", _moment(known.deployed_at), phase=phase.name)
            page.add("soak_started_timestamp_seconds", _moment(known.soak_from), phase=phase.name)
    for event in upcoming(state, plan):
        if event.step != "checkpoint":
            page.add("step_due_timestamp_seconds", _moment(event.at), step=event.step)


def _checkpoints(page: _Page, state: RolloutState) -> None:
    plan = recorded_plan(state.start)
    # Checkpoints after the decision have names of their own choice, and only the plan's are bounded.
    names = [name for name, _offset in plan.checkpoints] or list(state.checkpoints)
    for name in names:
        known = state.checkpoints.get(name)
        now = "open" if known is None or known.status == "open" else known.decision or known.status
        page.states("checkpoint", "state", CHECKPOINT_STATES, now, checkpoint=name)
        page.add("checkpoint_due_timestamp_seconds", _moment(checkpoint_due(state, plan, name)), checkpoint=name)
        page.add("checkpoint_taken_timestamp_seconds", _moment(known.at) if known else None, checkpoint=name)


def _gates(page: _Page, records: list[Record]) -> None:
    gates = [record for record in records if record.kind in ("gate.decided", "decision.made")]
    newest = gates[-1] if gates else None
    page.states("decision", "decision", DECISIONS, newest.data.get("decision") if newest else None)
    page.add("decision_timestamp_seconds", _moment(newest.moment) if newest else None)
    for decision in DECISIONS:
        page.add("gates_total", sum(1 for gate in gates if gate.data.get("decision") == decision), decision=decision)


def _criteria(page: _Page, records: list[Record], summary: Mapping[str, Any] | None) -> None:
    for readings in last_readings(records, summary):
        for row in readings.rows:
            unit, factor = BASE_UNITS.get(row.unit, ("number", 1.0))
            # Two alerts of one metric differ in their threshold only.
            labels = {"name": row.name, "kind": row.kind, "rule": row.text}
            page.add("criterion_value", None if row.value is None else row.value * factor, **labels, unit=unit)
            page.add("criterion_threshold", _threshold(row, factor), **labels, unit=unit)
            page.states("criterion_verdict", "verdict", VERDICTS, row.verdict, **labels)


def _threshold(row: Row, factor: float) -> float | None:
    found = limit(row.text)
    return found[1] * factor if found else None


def _instances(page: _Page, state: RolloutState, records: list[Record]) -> None:
    counted = dict.fromkeys(INSTANCE_STATES, 0)
    expected = 0
    # Names stand in brackets, and could say anything.
    for found in _ACCOUNTED.finditer(re.sub(r"\([^)]*\)", "", last_accounting(records))):
        if found.group(1):
            expected = int(found.group(1))
        else:
            counted[found.group(3)] = int(found.group(2))
    for each, count in counted.items():
        page.add("instances", count, state=each)
    page.add("instances_expected", expected)
    agents, hosts = state.start.get("agents") or [], state.start.get("hosts") or []
    page.add("instances_planned", len(agents) * len(hosts))
    back = (state.rolled_back or {}).get("restored", {})
    page.add("instances_changed", sum(1 for instance in state.touched() if instance not in back))


def _alerts(page: _Page, records: list[Record]) -> None:
    alerts = open_alerts(records)
    opened = [record.data.get("severity") for record in records if record.kind == "alert.opened"]
    for record in records:
        if record.kind == "alert.raised":
            opened += [alert.get("severity") for alert in record.data.get("alerts") or []]
    for severity in SEVERITIES:
        page.add("alerts_open", sum(1 for alert in alerts if alert.severity == severity), severity=severity)
        page.add("alerts_total", sum(1 for each in opened if each == severity), severity=severity)
    page.add("notifications_failed_total", sum(1 for record in records if record.kind == "notification.failed"))


def _looks(page: _Page, state: RolloutState, records: list[Record]) -> None:
    plan = recorded_plan(state.start)
    looks = [record for record in records if record.kind == "look.taken"]
    page.add("looks_total", len(looks))
    page.add("gaps_total", sum(1 for record in looks if record.data.get("gaps")))
    page.add("last_look_timestamp_seconds", _moment(state.looked_at))
    page.add("look_interval_seconds", plan.real(plan.watch_every_s))


# ---------------------------------------------------------------- the text format


def _moment(moment: Any) -> float | None:
    return None if moment is None else float(moment.timestamp())


def number(value: float) -> str:
    """A value as the format writes it: whole numbers without a point, `+Inf`, `-Inf`, `NaN`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _labels(key: tuple[tuple[str, str], ...]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in key) + "}"


def _escaped(text: str) -> str:
    """A label's value: backslash, quote and newline escaped; what UTF-8 can't hold, replaced."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
