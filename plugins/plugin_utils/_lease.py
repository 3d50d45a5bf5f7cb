# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rollout, one writer: who holds the lease of a rollout, and whether another run may have it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso, plus, short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record

FREE, OWN, GONE, EXPIRED, TAKEN, HELD = "free", "own", "gone", "expired", "taken", "held"
# Well above what a run does without a sign of life. Waits give one every half minute, each step and each gate at its begin.
EXPIRES_S = 1800.0
RENEWED_S = 30.0
TAKEOVER = "lease.taken"


def expires_s(windows: Iterable[float]) -> float:
    """How long a lease lasts without a sign of life, under a plan that measures over these windows (real seconds)."""
    return max(EXPIRES_S, 2 * max(windows, default=0.0) + 600.0)


def silence_s(windows: Iterable[float]) -> float:
    """How long a run that lives goes without a sign of life: while it measures, and while a step is at work on hosts (real seconds)."""
    return max(windows, default=EXPIRES_S / 3) + 300.0


def standing(lease: dict[str, Any] | None, run: str, now: datetime, gone: bool | None, takeover: bool) -> str:
    """What the lease is to this run. `gone`: whether its holder's process has ended, None where nobody knows."""
    if lease is None or lease.get("released"):
        return FREE
    if lease["run"] == run:
        return OWN
    if gone:
        return GONE
    # A process that is there is waited for, whatever clocks say.
    if gone is None and now >= expiry(lease):
        return EXPIRED
    return TAKEN if takeover else HELD


def expiry(lease: dict[str, Any]) -> datetime:
    return plus(parse_iso(lease["heartbeat"]), float(lease["expires_s"]))


def holder_text(lease: dict[str, Any]) -> str:
    """`alice@host since 2026-01-23 23:12:10Z (job 17, last sign of life 2026-01-23 23:40:00Z)`."""
    since, heartbeat = (short(parse_iso(lease[key])) for key in ("since", "heartbeat"))
    job = f"job {lease['job']}"
    job = "" if job in str(lease["by"]) else f"{job}, "
    return f"{lease['by']} since {since} ({job}last sign of life {heartbeat})"


def refusal(rollout: str, lease: dict[str, Any], gone: bool | None) -> str:
    """What a second run says."""
    free = (
        "its process is at work on this machine"
        if gone is False
        else f"its lease ends at {short(expiry(lease))} when it shows no further sign of life"
    )
    return (
        f"{rollout} is being run by {holder_text(lease)}: one rollout, one writer, and {free}. Watch it with "
        f"playbooks/status.yml -e rollout={rollout}; end that run and start this one again, or take over with "
        "-e rollout_takeover=true, which the ledger records and which stops the other run at its next record."
    )


def successor(records: Iterable[Record], run: str) -> Record | None:
    """The record by which another run took the lease from this one: from then on this one writes nothing."""
    found = None
    for record in records:
        if record.kind == TAKEOVER and record.data["from"]["run"] == run:
            found = record
    return found


def fenced_text(rollout: str, record: Record) -> str:
    return (
        f"{rollout}: {record.by} took over from this run at {short(record.moment)} ({record.data['why']}; ledger record "
        f"{record.seq}). This run changes and records nothing more; follow the other one with playbooks/status.yml -e rollout={rollout}."
    )
