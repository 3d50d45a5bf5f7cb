# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes, renews and releases the lease of a rollout, and refuses a rollout whose instances belong to another open one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _lease
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._claims import claim_of, conflict_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError, operator
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._process_mark import is_gone, is_orphaned
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._start import begins_anew
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import Conflict, Entry, Store
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import is_true, value_of

_PREFIX = "lease."
_TRIES = 5


def hold(context: Context, now: datetime, by_hand: str = "") -> None:
    """Have the lease, or raise StepError with who has it. Taking it from another run is recorded first of all.

    `now`: real time, whatever a rehearsal has skipped: a lease is about a process that lives.
    `by_hand`: why this run takes it from whoever has it, without being asked to (a rollback by hand never waits).
    """
    if is_orphaned(dict(context.process)):
        raise StepError(f"{context.rollout}: the run that this step belongs to has ended; it does nothing more.")
    key = f"{_PREFIX}{context.rollout}"
    takeover = bool(by_hand) or is_true(context.variables, "rollout_takeover")
    for _try in range(_TRIES):
        entry = context.store.get(key)
        lease = entry.value if entry else None
        gone = is_gone(lease["process"]) if lease else None
        standing = _lease.standing(lease, context.launch, now, gone, takeover)
        if standing == _lease.OWN and lease and _fresh(lease, now):
            return
        after = _lease.successor(context.records, context.launch)
        if after is not None and standing != _lease.OWN:
            # What the other run decided is still told by this one, but it takes nothing back.
            if context.state.stopped(context.run) and standing == _lease.FREE:
                return
            raise StepError(_lease.fenced_text(context.rollout, after))
        if standing == _lease.HELD and lease:
            raise StepError(_lease.refusal(context.rollout, lease, gone))
        try:
            _put(context, key, entry, standing, now)
        except Conflict:
            continue
        if standing in (_lease.GONE, _lease.EXPIRED, _lease.TAKEN) and lease:
            _record(context, standing, lease, by_hand, now)
        if standing != _lease.OWN:
            _exclude(context, now)
        return
    raise StepError(
        f"{context.rollout}: its lease changed hands {_TRIES} times while this run tried to take it: several runs are being started. "
        "Keep one, and start the same command again."
    )


def lease_of(store: Store, rollout: str) -> dict[str, Any] | None:
    """The lease of a rollout, for those who only look."""
    entry = store.get(f"{_PREFIX}{rollout}")
    return entry.value if entry else None


def release(context: Context, now: datetime) -> None:
    """Have the evidence in the store and give the lease back, at the end of a run; another run's lease and evidence are left alone.

    A worker that outlived its killed run leaves it too: whoever comes next records that the run is gone, which fences the worker.
    """
    if is_orphaned(dict(context.process)):
        return
    key = f"{_PREFIX}{context.rollout}"
    entry = context.store.get(key)
    if entry is None or entry.value["run"] != context.launch or entry.value.get("released"):
        return
    context.store.keep(context.rollout)
    try:
        context.store.put(key, {**entry.value, "released": iso(now)}, entry.revision)
    except Conflict:
        # Taken over meanwhile.
        return


def _fresh(lease: dict[str, Any], now: datetime) -> bool:
    return 0 <= (now - parse_iso(lease["heartbeat"])).total_seconds() < _lease.RENEWED_S


def _put(context: Context, key: str, entry: Entry | None, standing: str, now: datetime) -> None:
    mine = entry.value if entry and standing == _lease.OWN else None
    claims = _claims(context)
    value = {
        "rollout": context.rollout,
        "run": context.launch,
        "by": operator(context.variables),
        "job": str(
            value_of(context.variables, "awx_job_id") or value_of(context.variables, "tower_job_id") or context.launch
        ),
        "process": dict(context.process),
        "since": mine["since"] if mine else iso(now),
        "heartbeat": iso(now),
        "expires_s": _lease.expires_s(_windows(context)),
        "silence_s": _lease.silence_s(_windows(context)),
        "agents": claims[0],
        "hosts": claims[1],
        "released": None,
    }
    context.store.put(key, value, entry.revision if entry else None)


def _windows(context: Context) -> list[float]:
    """Of the plan, where there is one: how long a gate may measure."""
    plan = context.plan if context.needs_plan else None
    if plan is None:
        return []
    return [plan.baseline.window, plan.verify.window, *([plan.sample.window] if plan.sample else [])]


def _claims(context: Context) -> tuple[list[str], list[str]]:
    """(agents, hosts) that this run may change on its way forward."""
    if not context.needs_plan or context.plan is None or context.shadow:
        return [], []
    if context.state.finished and not begins_anew(context):
        return [], []
    return list(context.plan.agents()), list(context.hosts)


def _record(context: Context, standing: str, lease: dict[str, Any], by_hand: str, now: datetime) -> None:
    # Somebody may have written since this run read: what follows must know of it.
    for name in ("records", "state"):
        context.__dict__.pop(name, None)
    if not context.state.attempt:
        return
    asked = by_hand or "rollout_takeover"
    why = {_lease.GONE: "its process has ended", _lease.EXPIRED: "its lease expired", _lease.TAKEN: asked}[standing]
    left = {name: lease[name] for name in ("run", "by", "job", "since", "heartbeat")}
    context.record(_lease.TAKEOVER, {"from": left, "why": why}, context.clock.skips.now(now))


def _exclude(context: Context, now: datetime) -> None:
    """The lease is written before others are looked at, so that of two that begin at once at least one sees the other."""
    agents, hosts = _claims(context)
    if not agents:
        return
    leased = {key.removeprefix(_PREFIX) for key in context.store.keys(_PREFIX)}
    for other in sorted({*context.store.rollouts(), *leased} - {context.rollout}):
        entry = context.store.get(f"{_PREFIX}{other}")
        lease = entry.value if entry else None
        gone = is_gone(lease["process"]) if lease else None
        alive = _lease.standing(lease, context.launch, now, gone, takeover=False) == _lease.HELD
        claim = claim_of(other, context.state_of(other), lease if alive else None)
        problem = claim and conflict_text(context.rollout, claim, agents, hosts)
        if problem:
            release(context, now)
            raise StepError(problem)
