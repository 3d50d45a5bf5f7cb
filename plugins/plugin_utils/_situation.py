# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rollout stands, for people: what a waiting run shows live and what a status prints. From the ledger alone; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, plus, short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import told_value
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._recorded_plan import RecordedPlan, recorded_plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._runner import (
    GONE,
    NOBODY,
    RELEASED,
    Runner,
    what_to_do,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._stages import (
    Event,
    Stage,
    stage,
    upcoming,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import HOLD, RolloutState
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._unproven import way_out

CRITERIA = ("primary", "secondary")
SEVERITIES = ("critical", "warning")
# How many looks may be late before the run that should take them counts as gone.
LOOKS_MISSED = 3
# And how long a step of its own may take besides (seconds).
GRACE_S = 60.0
# Columns of the block's own words, before what they are about.
INDENT = 13
# Hosts that are named before the rest is counted.
MOST_NAMED = 5


@dataclass(frozen=True)
class Waiting:
    """What a run waits for: until when this wait lasts, and the `goal` that it is a part of."""

    label: str
    until: datetime
    goal: datetime


@dataclass(frozen=True)
class Row:
    """One rule's last reading. `text` is the threshold as in the plan; `value` in the judge's `unit`."""

    name: str
    kind: str
    text: str
    value: float | None
    unit: str
    verdict: str
    metric: str = ""
    not_judged: bool = False

    @property
    def shown(self) -> str:
        """The value for people."""
        return told_value(vars(self))


@dataclass(frozen=True)
class Readings:
    """The rows of one look or gate."""

    of: str
    at: datetime
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class OpenAlert:
    id: str
    severity: str
    text: str
    action: str
    since: datetime


@dataclass
class Situation:
    """All that `block_lines` shows."""

    rollout: str
    now: datetime
    title: str = ""
    attempt: int = 0
    outcome: str = ""
    why: str = ""
    rehearsal: bool = False
    pace: str = ""
    stage: Stage = field(default_factory=lambda: Stage("not_started", "not started"))
    events: list[Event] = field(default_factory=list)
    waiting: Waiting | None = None
    accounting: str = ""
    readings: list[Readings] = field(default_factory=list)
    told: str = ""
    alerts: list[OpenAlert] = field(default_factory=list)
    guards: dict[str, datetime] = field(default_factory=dict)
    runner: Runner | None = None
    person: list[str] = field(default_factory=list)
    last_at: datetime | None = None
    last: str = ""


def situation(
    state: RolloutState,
    records: Iterable[Record],
    now: datetime,
    *,
    summary: Mapping[str, Any] | None = None,
    waiting: Waiting | None = None,
    told: str = "",
    runner: Runner | None = None,
) -> Situation:
    """The newest attempt of a rollout as of `now`.

    `runner`: whether somebody is at work on it; None where it is asked by the run itself.

    `summary`: the summary.json of the newest judged gate, for its criteria. `told`: the last readings in words, shown
    where the records hold no readings.
    """
    plan = recorded_plan(state.start)
    attempt = [record for record in records if record.attempt == state.attempt]
    last = attempt[-1] if attempt else None
    seen = Situation(
        rollout=state.rollout,
        now=now,
        title=str(state.start.get("title") or ""),
        attempt=state.attempt,
        outcome=state.outcome,
        why=_why(state),
        rehearsal=state.rehearsal,
        pace=state.pace,
        stage=stage(state, plan),
        events=[event for event in upcoming(state, plan) if not (waiting and _is_waited_for(event, waiting))],
        waiting=waiting,
        accounting=last_accounting(attempt),
        readings=last_readings(attempt, summary),
        told=told,
        alerts=open_alerts(attempt),
        guards=dict(state.armed),
        runner=None if state.finished else runner,
        last_at=last.moment if last else None,
        last=last.kind if last else "",
    )
    seen.person = _needs_person(state, plan, attempt, seen)
    return seen


def _is_waited_for(event: Event, waiting: Waiting) -> bool:
    """The goal of a wait is told by the wait itself; so is the look that it ends with."""
    return event.step in ("look", "soak", "batch") or event.what == waiting.label


def _why(state: RolloutState) -> str:
    if state.rolled_back:
        return str(state.rolled_back["why"])
    if state.stop and not state.decision:
        return state.stop.why
    return state.decision_why or ""


# ---------------------------------------------------------------- what records hold


def last_accounting(records: Iterable[Record]) -> str:
    """The newest accounting in words."""
    for record in reversed(list(records)):
        told = record.data.get("accounting")
        text = told.get("text") if isinstance(told, Mapping) else told
        if text and record.kind != "backup.done":
            return str(text)
    return ""


def last_readings(records: Iterable[Record], summary: Mapping[str, Any] | None) -> list[Readings]:
    """The newest reading of every rule, newest look or gate first; a rule that a newer one has read stands there only."""
    sources: list[tuple[str, datetime, Any]] = []
    gate = look = False
    for record in reversed(list(records)):
        if record.kind == "look.taken" and not look:
            look = True
            sources.append(("look", record.moment, record.data.get("readings")))
        if record.kind == "gate.decided" and record.data.get("evidence") and not gate:
            gate = True
            fits = summary and (summary.get("decision") or {}).get("why") == record.data.get("why")
            rows = (summary or {}).get("criteria") if fits else record.data.get("readings")
            sources.append((str(record.data.get("name")), record.moment, rows))
    found: list[Readings] = []
    read: set[tuple[str, str, str]] = set()
    for of, moment, raw in sources:
        rows = [row for row in rows_of(raw) if (row.name, row.kind, row.text) not in read]
        read.update((row.name, row.kind, row.text) for row in rows)
        if rows:
            found.append(Readings(of, moment, tuple(rows)))
    return found


def rows_of(raw: Any) -> list[Row]:
    """Readings or verdicts of JSON as rows; what isn't one is left out."""
    rows = []
    for item in raw if isinstance(raw, list) else []:
        if isinstance(item, Mapping) and item.get("name"):
            value = item.get("value")
            number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
            text = {key: str(item.get(key) or "") for key in ("name", "kind", "text", "unit", "verdict", "metric")}
            rows.append(Row(**text, value=number, not_judged=item.get("not_judged") is True))
    return rows


def open_alerts(records: Iterable[Record]) -> list[OpenAlert]:
    """Alerts that have opened and not closed, the worst first. An older ledger's are those that its last look raised."""
    known: dict[str, OpenAlert] = {}
    raised: list[OpenAlert] = []
    for record in records:
        data = record.data
        name = str(data.get("id") or data.get("name") or "")
        if record.kind in ("alert.opened", "alert.updated", "alert.resent"):
            earlier = known.get(name)
            known[name] = OpenAlert(
                name,
                str(data.get("severity") or (earlier.severity if earlier else "warning")),
                str(data.get("text") or (earlier.text if earlier else "")),
                str(data.get("action") or (earlier.action if earlier else "")),
                earlier.since if earlier else record.moment,
            )
        elif record.kind == "alert.closed":
            known.pop(name, None)
        elif record.kind == "look.taken":
            raised = []
        elif record.kind == "alert.raised":
            raised = [
                OpenAlert("", str(alert.get("severity") or "warning"), str(alert.get("text") or ""), "", record.moment)
                for alert in data.get("alerts") or []
            ]
    alerts = [*known.values(), *raised]
    return sorted(alerts, key=lambda alert: (_rank(alert.severity), alert.since))


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def pending_approvals(state: RolloutState) -> list[str]:
    """What a person has been asked to approve and has not answered."""
    return [approval.name for approval in state.approvals.values() if approval.decision is None]


# ---------------------------------------------------------------- does it need a person?


def _needs_person(state: RolloutState, plan: RecordedPlan, records: list[Record], seen: Situation) -> list[str]:
    """What only a person can settle, each as a sentence with what to do; empty when nothing."""
    if not state.attempt:
        return []
    found = []
    rollback = f"ansible-playbook playbooks/rollback.yml -e rollout={state.rollout}"
    if state.rolled_back:
        unproven = state.rolled_back.get("unproven") or {}
        left = [name for name in state.rolled_back.get("left") or [] if name not in unproven]
        if left or not (state.rolled_back.get("complete") or unproven):
            found.append(f"{', '.join(left) or 'some instances'} still run the change: {rollback}")
        found += way_out(state.rollout, unproven)
    elif state.outcome == "ROLLBACK DUE":
        found.append(f"a rollback is due and has not been done: {rollback}")
    elif state.outcome == "NO-GO" and state.touched() and not state.shadow:
        found.append(f"decided NO-GO, and the change is in place: mend the cause or roll back, {rollback}")
    elif state.outcome == "HOLD":
        found.append("it holds: mend what the reason above names, then start the same command again")
    found += [
        f"{name} waits for an approval: ansible-playbook playbooks/approve.yml -e rollout={state.rollout} "
        "-e decision=go -e reason=..."
        for name in pending_approvals(state)
    ]
    critical = [alert for alert in seen.alerts if alert.severity == "critical"]
    if critical and not state.finished:
        found.append(f"{len(critical)} critical alert{'s are' if len(critical) > 1 else ' is'} open")
    nobody = _nobody_at_work(state, seen)
    silent = 0.0 if nobody else _silent_for(state, plan, seen)
    if nobody:
        found.append(nobody)
    if silent:
        found.append(
            f"nothing was recorded for {duration_text(silent)} though a look was due: "
            "if its run has ended, start the same command again"
        )
    return found


def _nobody_at_work(state: RolloutState, seen: Situation) -> str:
    """Why a rollout that has not ended does not go on by itself, and what the hosts do then; empty where somebody works at it or it waits.

    A run that has ended well leaves hosts that wait for a confirmation to the next one; if there are none, nothing presses.
    """
    runner = seen.runner
    if runner is None or state.finished or state.rolled_back:
        return ""
    armed = _armed_text(seen)
    if runner.works:
        # For all that can be known; but a host that nobody confirmed in time speaks against it.
        late = bool(seen.guards) and min(seen.guards.values()) <= seen.now
        return f"{armed} ({runner.text}): look whether that run still goes on" if late else ""
    # It stands because a gate or a person decided so, which is said already; its guards run out all the same.
    stands = state.stop is not None
    if stands or runner.kind in (NOBODY, RELEASED):
        return f"nobody is at work on it and {armed}: {what_to_do(runner, state.rollout)}" if armed else ""
    # Of a run elsewhere nobody knows; what is known is that it has shown no sign of life.
    head = "its run has ended in the middle of it" if runner.kind == GONE else "nobody can be seen at work on it"
    return f"{head} ({runner.text}){f', and {armed}' if armed else ''}: {what_to_do(runner, state.rollout)}"


def _armed_text(seen: Situation) -> str:
    """What hosts that wait for a confirmation do by themselves, the first of them; empty when none waits."""
    if not seen.guards:
        return ""
    first = min(seen.guards.values())
    named = _hosts_text(sorted(seen.guards, key=lambda host: (seen.guards[host], host)))
    if first <= seen.now:
        return f"{named} was to be confirmed by {short(first)}, so what was not told in time has put itself back"
    return f"{named} put{'s itself' if len(seen.guards) == 1 else ' themselves'} back unless confirmed, {_left(seen.now, first)}, at {short(first)}"


def _hosts_text(hosts: list[str]) -> str:
    return ", ".join(hosts[:MOST_NAMED]) + (f" and {len(hosts) - MOST_NAMED} more" if len(hosts) > MOST_NAMED else "")


def _silent_for(state: RolloutState, plan: RecordedPlan, seen: Situation) -> float:
    """Seconds without a record, when so many that no living run explains them; else 0. A hold is told by itself."""
    stopped = state.finished or state.rolled_back or state.outcome == HOLD.upper() or state.stop is not None
    if stopped or seen.last_at is None or seen.waiting:
        return 0.0
    patience = LOOKS_MISSED * plan.real(plan.watch_every_s) + GRACE_S
    if seen.stage.step == "deploy":
        patience += max((plan.real(phase.stagger_s) for phase in plan.phases), default=0.0)
    since = seen.last_at
    # A pause that the plan itself makes is no silence.
    due = [event.at for event in seen.events if event.step == "batch"]
    since = max([since, *due])
    silent = (seen.now - plus(since, patience)).total_seconds()
    return float(round((seen.now - seen.last_at).total_seconds())) if silent > 0 else 0.0


# ---------------------------------------------------------------- lines


def block_lines(view: Situation) -> list[str]:
    """The situation as lines of text, what matters most first: a short terminal cuts the end off."""
    lines = [_headline(view)]
    if view.why and view.outcome != "IN PROGRESS":
        lines.append(_labelled("why", view.why))
    lines += [_labelled("person", f"NEEDED: {what}") for what in view.person]
    if view.attempt:
        lines.append(_labelled("now", view.stage.text))
    lines += _next_lines(view)
    if view.accounting:
        lines.append(_labelled("instances", view.accounting))
    if view.attempt and view.runner:
        lines.append(_labelled("run", view.runner.text))
    lines += _guard_lines(view)
    lines += _alert_lines(view)
    lines += _reading_lines(view)
    if view.last_at and not view.waiting:
        ago = _ago(view.now, view.last_at)
        lines.append(_labelled("ledger", f"last record {view.last} at {short(view.last_at)}, {ago}"))
    return [clean(line) for line in lines]


def person_line(view: Situation) -> str:
    """The last line of a status."""
    if not view.person:
        return clean(f"{view.rollout}: nothing needs a person")
    return clean(f"{view.rollout} NEEDS A PERSON: {'; '.join(view.person)}")


def rollout_line(view: Situation) -> str:
    """One rollout in a list of them."""
    rehearsal = ", rehearsal" if view.rehearsal else ""
    told = f"{view.rollout:<20} {view.outcome:<19} attempt {view.attempt}{rehearsal}, {view.stage.text}"
    if view.last_at:
        told += f"; last record {_ago(view.now, view.last_at)}"
    return clean(told + (f"; NEEDS A PERSON: {'; '.join(view.person)}" if view.person else ""))


def clean(text: str) -> str:
    """One line without anything that a terminal would obey: what agents and hosts say goes through here."""
    return "".join(each if each.isprintable() else " " for each in " ".join(text.split("\n"))).rstrip()


def _headline(view: Situation) -> str:
    if not view.attempt:
        return f"{view.rollout}  NOT STARTED"
    parts = [f"attempt {view.attempt}"]
    if view.rehearsal:
        parts.append(f"rehearsal, {view.pace}" if view.pace else "rehearsal")
    title = f"  {view.title}" if view.title else ""
    return f"{view.rollout}  {view.outcome}  {', '.join(parts)}{title}"


def _labelled(label: str, text: str) -> str:
    return f"  {label:<{INDENT - 2}}{text}"


def _next_lines(view: Situation) -> list[str]:
    lines, following = [], [_event(event, view.now) for event in view.events[:3]]
    if view.waiting:
        waiting = view.waiting
        told = f"{waiting.label}: {_left(view.now, waiting.goal)}, at {short(waiting.goal)}"
        lines.append(_labelled("waiting", told))
        if waiting.until < waiting.goal:
            following.insert(0, f"look: {_left(view.now, waiting.until)}")
    return lines + [_labelled("" if number else "next", text) for number, text in enumerate(following)]


def _event(event: Event, now: datetime) -> str:
    return f"{event.what}: {_left(now, event.at)}, at {short(event.at)}"


def _left(now: datetime, moment: datetime) -> str:
    left = int((moment - now).total_seconds())
    if left >= 0:
        return f"in {duration_text(left)}" if left else "now"
    return f"due for {duration_text(-left)}"


def _ago(now: datetime, moment: datetime) -> str:
    return f"{duration_text(max(int((now - moment).total_seconds()), 0))} ago"


def _guard_lines(view: Situation) -> list[str]:
    """Hosts that put themselves back unless the rollout confirms in time, the first one to do so first."""
    if not view.guards:
        return []
    hosts = sorted(view.guards, key=lambda host: (view.guards[host], host))
    named = _hosts_text(hosts)
    first = view.guards[hosts[0]]
    if first <= view.now:
        text = f"{named}: not confirmed by {short(first)} ({_ago(view.now, first)}), so a host that was not told has put itself back"
    else:
        what = (
            "put themselves back unless confirmed, the first"
            if len(hosts) > 1
            else "puts itself back unless confirmed,"
        )
        text = f"{named} {what} {_left(view.now, first)}, at {short(first)}"
    return [_labelled("guards", text)]


def _alert_lines(view: Situation) -> list[str]:
    if not view.alerts:
        return [_labelled("alerts", "none open")] if view.stage.step in ("soak", "checkpoint") else []
    lines = [_labelled("alerts", f"{len(view.alerts)} open")]
    for alert in view.alerts:
        action = f"; {alert.action}" if alert.action else ""
        lines.append(f"    {alert.severity.upper():<9} {alert.text} (for {_for(view.now, alert.since)}{action})")
    return lines


def _for(now: datetime, since: datetime) -> str:
    return duration_text(max(int((now - since).total_seconds()), 0))


def mark(row: Row) -> str:
    """The verdict in one word that needs no colour."""
    if row.verdict == "pass":
        return "ok"
    if row.verdict == "fail":
        return {"trigger": "FIRED", "alert": "ALERT", "secondary": "off"}.get(row.kind, "FAIL")
    return {"inconclusive": "?", "error": "ERROR"}.get(row.verdict, row.verdict or "-")


def _reading_lines(view: Situation) -> list[str]:
    if not view.readings:
        return [_labelled("readings", view.told)] if view.told else []
    rows = [row for readings in view.readings for row in readings.rows]
    names = max(len(row.name) for row in rows)
    values = max(len(row.shown) for row in rows)
    lines = []
    for number, readings in enumerate(view.readings):
        told = f"{readings.of} at {short(readings.at)}, {_ago(view.now, readings.at)}"
        lines.append(_labelled("readings" if not number else "", told))
        # Trouble on top: the end is what a short terminal cuts off.
        for row in sorted(readings.rows, key=_calm):
            wanted = f"wanted {row.text}" if row.kind in CRITERIA else f"trips {row.text}"
            kind = {"primary": "", "secondary": " (informs)"}.get(row.kind, f" ({row.kind})")
            lines.append(f"    {mark(row):<5} {row.name:<{names}}  {row.shown:>{values}}  {wanted}{kind}")
    return lines


def _calm(row: Row) -> int:
    return {"fail": 0, "error": 1, "inconclusive": 2}.get(row.verdict, 3)


MARK = re.compile(r"^    (ok|FAIL|FIRED|ALERT|ERROR|\?|off|CRITICAL|WARNING)(?= )")
