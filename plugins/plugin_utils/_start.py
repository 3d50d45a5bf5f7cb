# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first record of an attempt, and what must be the same when a rollout goes on later."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils import _secrets
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _awx
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._lease import TAKEOVER
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import is_true, value_of

KEPT_PER_ATTEMPT = ("checkpoints", "reports")
# What a run records of an attempt without taking a step of it: the lease that it took from another one, and what people were told.
_NO_STEP = (TAKEOVER, "alert.", "notification.")


def ensure_started(context: Context, now: Any, only_looks: bool = False) -> None:
    """Begin the first attempt, or a new one where `rollout_new_attempt` asks for it; refuse what can't go on.

    `only_looks`: the step does nothing for a rollout that has changed hosts, so it lifts no hold of one.
    Raises StepError when an open rollout would go on with another plan, other hosts or another pace.
    """
    plan, state = context.sure_plan, context.state
    _refuse_a_skipped_clock(context)
    if state.finished and not begins_anew(context):
        return
    # An open attempt goes on, also when the command that began it asked for a new one; nothing touched, it may be another.
    if state.attempt and not state.finished:
        _same_hosts(context)
        if state.touched() or _is_same(context):
            _same_as_started(context)
            if not (only_looks and state.touched()):
                _resume(context, now)
                _accept_gaps(context, now)
            return
    _refuse_a_change_in_place(context)
    _set_aside(context)
    context.record(
        "rollout.started",
        {
            "title": plan.title or "",
            "hosts": context.hosts,
            "agents": plan.agents(),
            "control": list(plan.control.agents),
            "plan_path": str(plan.path),
            "plan_digest": plan.digest,
            "plan": without_secrets(plan.to_dict()),
            "rollback_within_s": plan.rollback.within,
            "skips_waits": context.skips_waits,
            "rehearsal": context.rehearsal,
            "shadow": context.shadow,
            **_job(context),
        },
        now,
        attempt=state.attempt + 1,
    )


def foresee_start(context: Context) -> None:
    """Check mode, which writes no record: where the run would begin a new attempt, let the steps find one that has just begun.

    Raises StepError where a new attempt would be refused.
    """
    if context.state.finished and begins_anew(context):
        _refuse_a_change_in_place(context)
        context.state = fold(context.rollout, [])


def begins_anew(context: Context) -> bool:
    """Whether this run is to begin an attempt after the last one.

    A run, or an AWX workflow, that has worked at an attempt has got what it asked for, whoever began that: it does not try again
    by itself what has just been rolled back.
    """
    if not is_true(context.variables, "rollout_new_attempt"):
        return False
    workflow = _awx.job(context.variables).get("workflow", "")
    return not worked_at(context.records, context.state.attempt, context.run, workflow)


def refuse_to_begin_anew(context: Context) -> None:
    """Raises StepError for a step that would begin an attempt after the last one and can't be its first.

    It would be refused afterwards for what comes before it, and hide how the last attempt ended.
    """
    if context.state.finished and begins_anew(context):
        _refuse_a_change_in_place(context)
        raise StepError(
            f"{context.rollout}: attempt {context.state.attempt} ended with {context.state.outcome}, and a new one begins with preflight, not with "
            f"this step. Run it first: ansible-playbook playbooks/preflight.yml -e rollout={context.rollout} -e rollout_new_attempt=true"
        )


def worked_at(records: Iterable[Record], attempt: int, run: str, workflow: str = "") -> bool:
    """Whether a run, or a job of the same AWX workflow (its id), took part in an attempt by any record that a step wrote."""
    return any(
        record.run == run or (workflow != "" and (record.data.get("job") or {}).get("workflow") == workflow)
        for record in records
        if record.attempt == attempt and not record.kind.startswith(_NO_STEP)
    )


def _refuse_a_skipped_clock(context: Context) -> None:
    """A rehearsal has moved the clock of its store; what is recorded there for production would have wrong times."""
    skipped_s = context.clock.skips.total_s
    if skipped_s and not context.rehearsal:
        raise StepError(
            f"{context.rollout}: a rehearsal has skipped {duration_text(skipped_s)} of waiting in {context.store.name}, so its clock is ahead. "
            "Use a rollout_monitoring_dir (or rollout_store) of its own for production."
        )


def _refuse_a_change_in_place(context: Context) -> None:
    """A new attempt would no longer know of what is changed: after a GO as well as after a rollback of a part."""
    state = context.state
    changed = [] if state.shadow else state.rolled_back["left"] if state.rolled_back else state.touched()
    if changed:
        raise StepError(
            f"{context.rollout}: attempt {state.attempt} ended with {state.outcome}, and its change is in place on {', '.join(changed)}. "
            f"To begin anew, roll it back first: ansible-playbook playbooks/rollback.yml -e rollout={context.rollout}"
        )


def without_secrets(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan as it may be written down: what a change sets may be a key or a password. The digest is that of the plan itself."""
    env = plan.get("change", {}).get("env") or {}
    shown = {name: _secrets.mask_value(name, str(value)) for name, value in env.items()}
    return {**plan, "change": {**plan["change"], "env": shown}} if shown != env else plan


def _job(context: Context) -> dict[str, Any]:
    """The AWX job behind this run, where there is one; a reader of the ledger finds its output by it."""
    told = _awx.job(context.variables, os.environ.get("AWX_HOST", ""))
    return {"job": told} if told else {}


def _is_same(context: Context) -> bool:
    start = context.state.start
    if start.get("plan_digest") != context.sure_plan.digest:
        return False
    if sorted(start.get("hosts", [])) != sorted(context.hosts):
        return False
    return _pace(start) == (1.0, context.skips_waits) and bool(start.get("rehearsal")) == context.rehearsal


def _pace(start: dict[str, Any]) -> tuple[float, bool]:
    """What an earlier version divided waits by, and whether they are skipped."""
    return float(start.get("time_scale", 1.0)), bool(start.get("skips_waits"))


def _begun(context: Context) -> str:
    return f"{context.rollout}: attempt {context.state.attempt} began at {context.state.started_at}"


def _same_hosts(context: Context) -> None:
    """Every gate counts the hosts of the plan: one that is lost would no longer be looked at, a new one was never measured."""
    begun_with = [str(host) for host in context.state.start.get("hosts", [])]
    slice_ = _awx.lost_hosts(context.variables, begun_with, context.hosts)
    if slice_:
        raise StepError(f"{_begun(context)}: {slice_}")
    lost = [host for host in begun_with if host not in context.hosts]
    new = [host for host in context.hosts if host not in begun_with]
    if not (lost or new) or not context.state.touched():
        return
    seen = [f"the inventory lacks {', '.join(lost)}"] if lost else []
    seen += [f"it has {', '.join(new)} besides"] if new else []
    raise StepError(
        f"{_begun(context)} on {', '.join(begun_with)}; now {' and '.join(seen)}. Hosts do not change under a rollout that has changed "
        f"hosts: put the inventory back, or roll back: ansible-playbook playbooks/rollback.yml -e rollout={context.rollout}"
    )


def _same_as_started(context: Context) -> None:
    plan, start = context.sure_plan, context.state.start
    begun = _begun(context)
    if start.get("plan_digest") != plan.digest and context.state.touched():
        accepted = value_of(context.variables, "rollout_accept_plan")
        if str(accepted) != plan.digest[:12]:
            raise StepError(
                f"{begun} with plan {str(start.get('plan_digest'))[:12]}; {plan.path} now is {plan.digest[:12]}. A plan does not change under a "
                f"rollout that has changed hosts: put the plan back, roll back, or accept the new one with -e rollout_accept_plan={plan.digest[:12]}"
            )
    scale, skipping = _pace(start)
    if scale != 1.0:
        raise StepError(
            f"{begun} with rollout_time_scale={scale:g} by an earlier version; time is no longer scaled. Roll it back: "
            f"ansible-playbook playbooks/rollback.yml -e rollout={context.rollout}; then begin anew with "
            "-e rollout_skip_waits=true -e rollout_new_attempt=true"
        )
    if skipping != context.skips_waits:
        seen = "without skipping its waits" if skipping else "skipping its waits"
        raise StepError(
            f"{begun} {'skipping its waits' if skipping else 'without skipping its waits'}; this run goes on {seen}. "
            f"Go on with -e rollout_skip_waits={str(skipping).lower()}"
        )
    if bool(start.get("rehearsal")) != context.rehearsal:
        raise StepError(
            f"{begun} {'as a rehearsal' if start.get('rehearsal') else 'for production'}, this run is "
            f"{'a rehearsal' if context.rehearsal else 'for production'}. Use a rollout_monitoring_dir of its own for each."
        )


def _resume(context: Context, now: Any) -> None:
    """A run that goes on lifts the hold of the run before it, and says so."""
    if worked_at(context.records, context.state.attempt, context.run):
        return
    # That this run took the lease from another one is no step of its own yet.
    last = [record for record in context.records if record.kind != TAKEOVER][-1]
    context.record("run.resumed", {"after": last.kind, "was": context.state.outcome, **_job(context)}, now)


def _accept_gaps(context: Context, now: Any) -> None:
    """What a journal lost can't be measured any more: only a person can say that the rollout goes on without it."""
    wanted = is_true(context.variables, "rollout_accept_gaps")
    accepted_by_this_run = any(r.kind == "gaps.accepted" and r.run == context.run for r in context.records)
    if wanted and not accepted_by_this_run:
        context.record("gaps.accepted", {}, now)


def _set_aside(context: Context) -> None:
    """Evidence of an earlier attempt is kept under its own name."""
    for kind in KEPT_PER_ATTEMPT:
        folder = context.monitoring / kind / context.rollout
        if folder.exists():
            folder.rename(_free(folder.with_name(f"{context.rollout}.attempt-{max(context.state.attempt, 0)}")))


def _free(path: Path) -> Path:
    number, candidate = 1, path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}.{number}")
    return candidate
