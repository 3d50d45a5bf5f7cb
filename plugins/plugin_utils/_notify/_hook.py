# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After every step: lay what is due into the outbox, and see that somebody sends it. Stops and delays nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import read_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify import _channels
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._due import Due, messages_due
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._facts import Place, facts_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._outbox import Delivery, Message, Outbox
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._process import start_sender
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._real_time import RealTime
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._render import render
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._settings import Settings, settings_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context

# How long the end of a run waits for messages to leave, in seconds. A container may go away with the run.
LEAVING_S = 5.0
UNSET = "no URL: it stands neither in rollout_notify_channels nor in the environment"


@dataclass
class Told:
    """What came of telling people: lines for the operator, and messages that nobody has yet."""

    lines: list[str] = field(default_factory=list)
    unsent: int = 0


def tell(context: Context, now: datetime, leaving_s: float = 0.0) -> Told:
    """Lay the messages of this rollout's new records into its outbox, start a sender where one is needed.

    `leaving_s`: wait at most this long for them to leave (the end of a run). Costs a few milliseconds otherwise.
    """
    told = Told()
    settings = settings_in(context)
    if settings is None or not context.state.attempt:
        return told
    outbox = Outbox.of(context.monitoring, context.rollout)
    urls = urls_in(context, settings)
    # A run without the vault tells of a channel that other runs have reached: one of them will send it.
    reachable = {*urls, *_reached(context)}
    told.lines += _missing_urls(context, settings, reachable, now)
    with outbox.filling() as alone:
        if alone:
            _fill(context, outbox, settings, reachable)
    waiting = [message for message in outbox.messages() if message.open()]
    if any(delivery.channel in urls for message in waiting for delivery in message.open()):
        start_sender(outbox, context.store, context.rollout, urls)
    if leaving_s > 0.0 and waiting:
        waiting = wait_for(outbox, [message.id for message in waiting], leaving_s, channels=set(urls))
        told.unsent = len(waiting)
        told.lines += unsent_lines(waiting)
    return told


def settings_in(context: Context) -> Settings | None:
    """The `notify` section: of the plan where a step has read it, else of the one that the ledger keeps."""
    plan = context.__dict__.get("plan")
    section = getattr(plan, "notify", None)
    if plan is not None:
        return settings_of(section.model_dump(mode="json")) if section is not None else None
    return settings_of((context.state.start.get("plan") or {}).get("notify"))


def urls_in(context: Context, settings: Settings) -> dict[str, list[str]]:
    """channel -> URLs, from the play's variables and the environment."""
    try:
        variable: Any = value_of(context.variables, _channels.VARIABLE)
    except Exception:
        # A vault that can't be opened, or a template that fails: Ansible has many errors for it, and none may stop a rollout.
        variable = None
    return _channels.urls_of(settings.all_channels(), variable, os.environ)


def _reached(context: Context) -> set[str]:
    """Channels that this attempt has reached before."""
    attempt = context.state.attempt
    return {r.data["channel"] for r in context.records if r.kind == "notification.sent" and r.attempt == attempt}


def _missing_urls(context: Context, settings: Settings, reachable: set[str], now: datetime) -> list[str]:
    """Tell and record, once per attempt, which channels of the plan have no URL."""
    attempt = context.state.attempt
    known = {
        record.data.get("channel")
        for record in context.records
        if record.kind == "notification.failed" and record.attempt == attempt and record.data.get("event") == "start"
    }
    lines = []
    for channel in settings.all_channels():
        if channel in reachable or channel in known:
            continue
        data = {"of": 0, "event": "start", "what": "unset", "channel": channel, "tries": 0, "title": "", "why": UNSET}
        context.record("notification.failed", data, now)
        lines.append(
            f"NOTIFY channel {channel} of the plan has {UNSET} ({_channels.environment_name(channel)}). "
            "Nobody is told through it; the rollout goes on."
        )
    return lines


def _fill(context: Context, outbox: Outbox, settings: Settings, reachable: set[str]) -> None:
    records = context.records
    cursor = outbox.cursor
    if cursor is None:
        # Without a cursor nobody knows what was told: this run tells what it did itself, and no old news.
        own = [record.seq for record in records if record.run == context.run]
        cursor = (own[0] if own else records[-1].seq + 1) - 1
    told: dict[int, set[str]] = {}
    for due in messages_due(records, cursor):
        already = told.setdefault(due.record.seq, set())
        # One thing that happened is told once in a channel, also where it is a rollback and a report.
        # A shadow rollout changes nothing: it wakes up nobody, whatever it would have done.
        heard = settings.channels(1) if context.state.shadow else settings.channels_for(due.event)
        channels = [name for name in heard if name in reachable and name not in already]
        if channels:
            already.update(channels)
            outbox.add(_message(context, due, channels))
    if records and records[-1].seq != outbox.cursor:
        outbox.cursor = records[-1].seq


def _message(context: Context, due: Due, channels: list[str]) -> Message:
    record = due.record
    before = [each for each in context.records if each.seq <= record.seq]
    text = render(
        due.event,
        facts_of(due, before, _summary(context, due, before), _place(context), context.state),
        own_templates(context),
    )
    return Message(
        id=due.id,
        rollout=record.rollout,
        attempt=record.attempt,
        run=record.run,
        by=record.by,
        of=record.seq,
        event=due.event,
        what=due.what,
        kind=due.kind,
        title=text.title,
        body=text.body,
        made_at=RealTime().now(),
        deliveries=[Delivery(channel) for channel in channels],
    )


def _summary(context: Context, due: Due, before: list[Record]) -> dict[str, Any] | None:
    """The summary of the gate that the message is about; for what is no gate, of the newest checkpoint or else gate."""
    if due.event == "checkpoint" and due.what == "missed":
        return None
    gates = [
        r for r in before if r.kind == "gate.decided" and r.attempt == due.record.attempt and r.data.get("evidence")
    ]
    if due.record.kind == "gate.decided":
        gates = [r for r in gates if r.seq == due.record.seq] or gates
    checkpoints = [r for r in gates if r.data["gate"] == "checkpoint"]
    chosen = (gates if due.record.kind == "gate.decided" else checkpoints or gates)[-1:]
    for record in chosen:
        found = read_json((context.monitoring / record.data["evidence"]).with_name("summary.json"))
        return found if isinstance(found, dict) else None
    return None


def _place(context: Context) -> Place:
    """When the checkpoints are due, where the step has read the plan and the last phase is deployed."""
    plan, deployed_at = context.__dict__.get("plan"), context.state.deployed_at
    upcoming: list[tuple[str, datetime]] = []
    if (
        plan is not None
        and deployed_at is not None
        and all(
            phase.name in context.state.phases and context.state.phases[phase.name].deployed_at for phase in plan.phases
        )
    ):
        upcoming = [(each.name, plus(deployed_at, each.offset_s)) for each in plan.checkpoint_list()]
    return Place(context.monitoring, tuple(upcoming))


def own_templates(context: Context) -> Path | None:
    """The folder of a person's own templates, `rollout_notify_templates`."""
    try:
        given = value_of(context.variables, "rollout_notify_templates")
    except Exception:
        # As with the channels: the collection's own templates are there.
        given = None
    return Path(str(given)).expanduser().absolute() if given else None


def wait_for(
    outbox: Outbox,
    ids: Iterable[str],
    seconds: float,
    channels: set[str],
    tries: int = 1,
    time: RealTime | None = None,
) -> list[Message]:
    """Wait until each of these messages is out, or was tried `tries` times with each channel that has not got it.

    `channels`: those that have a URL in this run. Returns the messages that somebody still waits for, after `seconds` at
    the latest.
    """
    time = time or RealTime()
    until = time.monotonic() + seconds
    ids = list(ids)
    while True:
        found = [message for message in map(outbox.find, ids) if message is not None]
        open_ = [message for message in found if not message.ended]
        busy = any(d.tries < tries for message in open_ for d in message.open() if d.channel in channels)
        unrecorded = any(d.state != "due" and not d.recorded for message in open_ for d in message.deliveries)
        if not (busy or unrecorded) or time.monotonic() >= until:
            return [message for message in open_ if message.open()]
        time.sleep(0.05)


def unsent_lines(messages: list[Message]) -> list[str]:
    """What is still unsent, for the operator: a line for each channel, with what it waits for longest."""
    waiting: dict[str, list[tuple[Message, Delivery]]] = {}
    for message in messages:
        for delivery in message.open():
            waiting.setdefault(delivery.channel, []).append((message, delivery))
    lines = []
    for channel, each in waiting.items():
        first, delivery = each[0]
        state = f"{delivery.tries} tries, {delivery.why}" if delivery.tries else "under way"
        more = f" and {len(each) - 1} more" if len(each) > 1 else ""
        lines.append(f"NOTIFY unsent to {channel}: {first.title} ({state}){more}; the next run goes on with it")
    return lines
