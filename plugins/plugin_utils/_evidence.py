# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence: what a gate judges. Assembled from looks and NATS measurements, without judging anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds import NatsFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import (
    Looks,
    counted_before,
    first_sight,
    latest,
    since_process,
    totals,
    uptime,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._nats_book import published

SCHEMA = "cowboyai.rollout/evidence/1"
#: systemd's states of a unit.
ACTIVE = frozenset({"active", "reloading", "refreshing"})
NOT_ACTIVE = frozenset({"inactive", "failed", "activating", "deactivating", "maintenance"})


@dataclass(frozen=True)
class Subject:
    """One instance to be measured: its role, and for test ones what was proven of it (invocation, since when)."""

    agent: str
    host: str
    role: str  # test | control | pending (of the plan, not changed yet)
    since: datetime
    invocation: str | None = None
    phase: str | None = None
    touched: bool = True

    @property
    def id(self) -> str:
        return instance_id(self.agent, self.host)


def assemble(
    *,
    head: dict[str, Any],
    subjects: Iterable[Subject],
    units: Mapping[str, Any] | None,
    looks: Mapping[str, Looks],
    nats: list[dict[str, Any]],
    nats_lines: Iterable[dict[str, Any]] | NatsFold = (),
    corruption: list[str],
    now: datetime,
    baseline: dict[str, Any] | None = None,
    previous: dict[str, Any] | None = None,
    gaps_after: datetime | None = None,
) -> dict[str, Any]:
    """One evidence document.

    `units`: host -> registered result of this gate's look (None where the gate made no look); `looks`: host -> all
    looks so far including this one, as a list or folded; `nats`: one entry per group of connected servers, as of this gate; `nats_lines`: all
    of the NATS book; `baseline` and `previous`:
    earlier evidence documents, of which only what comparisons need is kept; `gaps_after`: gaps of the journal up to
    then were accepted by a person.
    """
    subjects = list(subjects)
    patterns = [re.compile(pattern) for pattern in corruption]
    hosts = {host: _host(units, host, looks.get(host, [])) for host in sorted({subject.host for subject in subjects})}
    instances = {}
    for subject in subjects:
        instances[subject.id] = _instance(
            subject, hosts[subject.host], looks.get(subject.host, []), patterns, gaps_after
        )
    return {
        "schema": SCHEMA,
        **head,
        "at": iso(now),
        "hosts": hosts,
        "instances": instances,
        "nats": nats,
        "baseline": digest(baseline),
        "previous": digest(previous),
        "published": published(nats_lines, _changed(subjects)),
    }


def digest(evidence: dict[str, Any] | None) -> dict[str, Any] | None:
    """The part of an evidence document that later comparisons need; never nested further."""
    if evidence is None:
        return None
    keys = (
        "memory_bytes", "cpu_s", "at", "nats_connections", "role", "agent", "host", "invocation_id", "started_at",
        "reason", "errors", "warnings", "messages",
    )  # fmt: skip
    return {
        "gate": evidence["gate"],
        "at": evidence["at"],
        "instances": {
            name: {key: instance.get(key) for key in keys} for name, instance in evidence["instances"].items()
        },
        "hosts": {
            name: {"host": {key: (host.get("host") or {}).get(key) for key in ("boot_id", "load")}}
            for name, host in evidence["hosts"].items()
        },
        "nats": evidence["nats"],
    }


def is_active(state: str | None) -> bool | None:
    """Whether a unit in this state of systemd's runs; None of a state that systemd doesn't have: nobody said."""
    return state in ACTIVE if state in ACTIVE or state in NOT_ACTIVE else None


def _host(units: Mapping[str, Any] | None, host: str, looks: Looks) -> dict[str, Any]:
    if units is None:
        seen = latest(looks)
        return {"reachable": None, "reason": None, "message": "", "host": seen["host"] if seen else None}
    reason, message = reasons.of_task_result(units.get(host))
    if reason:
        return {
            "reachable": reason != reasons.HOST_UNREACHABLE,
            "reason": reason,
            "message": message,
            "host": None,
            "journal": None,
        }
    result = units[host]
    return {"reachable": True, "reason": None, "message": "", "host": result["host"], "journal": result["journal"]}


def _instance(
    subject: Subject,
    host: dict[str, Any],
    looks: Looks,
    corruption: list[re.Pattern[str]],
    gaps_after: datetime | None,
) -> dict[str, Any]:
    known: dict[str, Any] = {
        "agent": subject.agent,
        "host": subject.host,
        "role": subject.role,
        "phase": subject.phase,
        "since": iso(subject.since),
        "reason": host["reason"],
        "message": host["message"],
        "proven_invocation": subject.invocation,
    }
    last = latest(looks)
    seen = last["instances"].get(subject.agent) if last else None
    if host["reason"] is None and seen is None:
        known["reason"], known["message"] = reasons.TOOL_ERROR, "the host's answer does not name this agent"
    if last is None or seen is None:
        return known
    sums = totals(looks, subject.agent, subject.since)
    sums["events"] = since_process(sums["events"], subject.invocation)
    at = parse_iso(last["at"])
    active = is_active(seen.get("active_state"))
    runs = uptime(sums["events"], subject.since, at, active)
    changed_process = (
        bool(subject.invocation) and bool(seen.get("invocation_id")) and (seen["invocation_id"] != subject.invocation)
    )
    known.update(
        {
            "at": last["at"],
            "active": active,
            # Unknown where nothing was proven, or the unit does not say which process runs.
            "same_process": not changed_process if subject.invocation and seen.get("invocation_id") else None,
            "uptime": runs,
            "unexpected_restarts": _restarts(subject, runs["downs"], _told_by(seen), changed_process),
            "errors": sums["errors"],  # panics are among them
            "lines": sums["lines"],
            # Lines that say nothing to us: among them may be errors.
            "unparsed": sums["unparsed"],
            "unreadable": sums["unreadable"],
            "unread_severe": sums["unread_severe"],
            "harmless": sums["harmless"],
            "unread": sums["unread"],
            "warnings": sums["warnings"],
            "panics": sums["panics"],
            "messages": sums["messages"],
            "kinds": sums["kinds"],
            "events": sums["events"][-50:],
            "gaps": [gap for gap in sums["gaps"] if not gaps_after or parse_iso(gap["at"]) > gaps_after],
            "corruption_signs": _corruption(sums, corruption),
            "tick": _tick(looks, subject.agent, seen["log"]),
        }
    )
    for key in (
        "unit", "load_state", "active_state", "sub_state", "result", "main_pid", "invocation_id", "restarts",
        "active_since", "started_at", "memory_bytes", "memory_limit_bytes", "memory_limit_of", "cpu_s", "nats_connections", "enabled",
    ):  # fmt: skip
        known[key] = seen.get(key)
    known["same_process_from"] = first_sight(looks, subject.agent, seen.get("invocation_id"), subject.since)
    return known


def _told_by(seen: dict[str, Any]) -> str | None:
    """The invocation by which systemd tells what runs; None too where it was asked for its restarts and did not say: it told not all."""
    untold = "restarts" in seen and seen["restarts"] is None
    return None if untold else seen.get("invocation_id")


def _restarts(subject: Subject, downs: int, invocation: str | None, changed_process: bool) -> int | None:
    """Restarts of a changed instance that nobody asked for; None where none was seen, and the unit does not say which process runs."""
    if subject.role != "test":
        return 0
    if subject.invocation and not invocation and not downs and not changed_process:
        return None
    # A process other than the proven one means a restart even when the journal no longer shows it.
    return max(downs, 1 if changed_process else 0)


def _tick(looks: Looks, agent: str, log: dict[str, Any]) -> dict[str, Any]:
    """What the last look alone saw: counts and kinds since the look before; messages by the agent's own counters."""
    messages = 0
    for invocation, counter in log["counters"].items():
        messages += max(sum(int(n) for n in counter["last"].values()) - counted_before(looks, agent, invocation), 0)
    keys = ("errors", "warnings", "panics", "lines", "unparsed", "unreadable", "kinds")
    # A look of an earlier version did not tell these.
    later = {
        "unread_severe": log.get("unread_severe", 0),
        "unread": [each["example"] for each in log.get("unread") or []],
        "harmless": log.get("harmless", {}),
    }
    return {**{key: log[key] for key in keys}, **later, "messages": messages}


def _changed(subjects: Iterable[Subject]) -> dict[str, datetime]:
    """agent -> when its last instance was proven: from then on its publications are those of the change."""
    since: dict[str, datetime] = {}
    for subject in subjects:
        if subject.role == "test":
            since[subject.agent] = max(since.get(subject.agent, subject.since), subject.since)
    return since


def _corruption(sums: dict[str, Any], patterns: list[re.Pattern[str]]) -> list[str]:
    """Examples of error lines that match: of those the hosts searched for, and of the kinds for looks that didn't."""
    found = [
        text for pattern in patterns for text in (sums["signs"] or {}).get(pattern.pattern, {}).get("examples", [])
    ]
    for kind in sums["kinds"]:
        if kind["level"] in ("ERROR", "PANIC") and any(pattern.search(kind["example"]) for pattern in patterns):
            found.append(kind["example"])
    return list(dict.fromkeys(found))
