# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which step is due, and what exactly it shall do: pure functions of plan, state and time.

An order is a dict: `due` (may the step act now), `why` (in words, when not), and what the step's tasks need. A step
that is done is not due, so that a run started again goes on where it was; a step whose prerequisites are missing is
refused with what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id, split_instance
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, iso, plus, short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._freeze import next_allowed
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import (
    GO,
    HOLD,
    NO_GO,
    ROLLBACK,
    PhaseState,
    RolloutState,
)

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

Order = dict[str, Any]
# Seconds below which a wait between batches is none.
SHORTEST_WAIT = 0.2
# What an approval can stand before, besides a phase.
DECISION = "decision"


class Refused(Exception):
    """The step's prerequisites are not there; the message says which, and what to run first."""


@dataclass(frozen=True)
class View:
    """All that an order depends on. `looks_per_wait`: of a run that skips its waits, how many looks each of them gets."""

    plan: Plan
    state: RolloutState
    hosts: list[str]
    in_play: list[str]
    batch: list[str]
    run: str
    now: datetime
    looks_per_wait: int | None = None
    check: bool = False
    # This run does what is due and ends: a look whose time has come is due, however many runs ago its wait began.
    tick: bool = False

    def every(self, wait_s: float) -> float:
        """Seconds between two looks of a wait that is so long."""
        every = self.plan.watch.every
        return every if self.looks_per_wait is None else max(every, wait_s / self.looks_per_wait)


def not_due(why: str, **more: Any) -> Order:
    return {"due": False, "why": why, **more}


def due(**more: Any) -> Order:
    return {"due": True, "why": "", **more}


def stopped(view: View) -> Order | None:
    """Nothing of the way forward is due once the rollout has stopped or is decided."""
    stop = view.state.stopped(view.run)
    if stop:
        words = {HOLD: "is on hold", NO_GO: "ended with NO-GO", ROLLBACK: "is to be rolled back"}[stop.decision]
        return not_due(f"{view.state.rollout} {words}", stopped_by=stop.why)
    if view.state.decision == GO:
        return not_due(f"{view.state.rollout} was decided GO at {short(view.state.decided_at)}")
    return None


def preflight(view: View) -> Order:
    ended = stopped(view)
    if ended:
        return ended
    if view.state.touched():
        return not_due(f"passed at {short(view.state.preflight_at)}; the rollout goes on where it was")
    if view.tick and view.state.preflight_at and view.state.preflight_run == view.run:
        return not_due(f"passed at {short(view.state.preflight_at)}, in an earlier tick")
    return due(look_back_s=view.plan.preflight.quiet_for)


def baseline(view: View) -> Order:
    ended = stopped(view)
    if ended:
        return ended
    if view.check:
        return not_due("check mode measures nothing")
    if view.state.baseline_at:
        return not_due(f"taken at {short(view.state.baseline_at)}")
    _need(view, view.state.preflight_at, "preflight has not passed", "preflight.yml")
    return due(window_s=view.plan.baseline.window, history_s=view.plan.baseline.history)


def backup(view: View) -> Order:
    ended = stopped(view)
    if ended:
        return ended
    if view.state.shadow:
        return not_due("a shadow rollout changes nothing")
    if not view.check:
        _need(view, view.state.preflight_at, "preflight has not passed", "preflight.yml")
    missing = [host for host in view.hosts if host not in view.state.backups]
    if not missing:
        return not_due(f"every host has its backup in {view.state.backup_directory}")
    return due(directory=view.plan.backup, agents=view.plan.agents())


def deploy(view: View, phase_name: str) -> Order:
    """One batch of a phase. `instances`: those of this batch that are not proven yet; `looks`: those of the stagger before."""
    ended = stopped(view)
    if ended:
        return ended
    phase = view.plan.phase(phase_name)
    state = view.state.phase(phase_name)
    wanted = [instance_id(agent, host) for host in view.batch for agent in phase.agents]
    left = [instance for instance in wanted if instance not in state.proven]
    if not left:
        return not_due(f"phase {phase_name} is proven on {', '.join(view.batch)}")
    if view.check:
        # Nothing was changed that could be watched, and nobody is waited for.
        return due(instances=left, looks=[], wait_until=None, label="")
    _prerequisites(view, phase_name)
    others = [i for i in state.proven if split_instance(i)[1] not in view.batch]
    ready = state.last_batch_at if state.last_batch_at and others else _ready(view, phase_name)
    until, label = ready, ""
    if state.last_batch_at and others:
        not_before = plus(state.last_batch_at, phase.stagger)
        # A stagger of next to nothing needs no wait, and nothing could be seen in it.
        if (not_before - state.last_batch_at).total_seconds() >= SHORTEST_WAIT:
            until, label = not_before, f"the stagger of {duration_text(phase.stagger)} between batches"
    thaw, name = _thaw(view, until)
    if name:
        until, label = thaw, f"the end of the freeze {name}"
    if not label or (not view.tick and (until - view.now).total_seconds() < SHORTEST_WAIT):
        return due(instances=left, looks=[], wait_until=None, label="")
    if not view.state.touched():
        # Nothing is changed yet that could be watched.
        return due(instances=left, looks=[], wait_until=iso(until), label=label)
    return due(instances=left, looks=_looks(view, ready, until, label), wait_until=None, label=label)


def _ready(view: View, phase_name: str) -> datetime:
    """When a phase could begin, as the ledger knows it."""
    names = [phase.name for phase in view.plan.phases]
    earlier = [view.state.phase(name) for name in names[: names.index(phase_name)]]
    approval = view.state.approvals.get(phase_name)
    moments = [*(phase.soaked_at or phase.verified_at for phase in earlier), approval.answered_at if approval else None]
    return max([moment for moment in moments if moment], default=view.now)


def _thaw(view: View, wanted: datetime) -> tuple[datetime, str]:
    """When the freeze ends that a change at that moment, or now, would fall into, and its name; else no name."""
    if view.check or view.state.shadow:
        return wanted, ""
    calendar = [span.freeze() for span in view.plan.freeze]
    now = next_allowed(calendar, max(view.now, wanted))
    return now if now[1] else next_allowed(calendar, wanted)


def approval(view: View, name: str) -> Order:
    """The wait for a person's GO before a phase or the decision; looks go on meanwhile.

    Not due where the plan asks for none, before its time, and once it is answered.
    """
    ended = stopped(view)
    if ended:
        return ended
    wanted = next((each for each in view.plan.approvals if each.before == name), None)
    if wanted is None:
        return not_due(f"the plan asks for no approval before {name}")
    if view.check:
        return not_due("check mode waits for nobody")
    state = view.state.approvals.get(name)
    if state and state.decision == GO:
        return not_due(f"approved by {state.by}")
    if name != DECISION and view.state.phase(name).touched:
        return not_due(f"phase {name} has begun")
    label = f"approval before {name}"
    if state and (not state.decision or not state.acted):
        # It was asked, and maybe answered while no run was there to act on it.
        since, until = state.requested_at, state.until
    else:
        # A hold that a person or silence led to is asked about anew by the run that goes on.
        since, until = view.now, plus(view.now, wanted.within)
        state = None
    return due(
        approval=name,
        requested=state is not None,
        until=iso(until),
        otherwise=wanted.otherwise,
        label=label,
        looks=[] if state and state.decision else _looks(view, since, until, label),
    )


def _approved(view: View, name: str) -> None:
    wanted = any(each.before == name for each in view.plan.approvals)
    state = view.state.approvals.get(name)
    if wanted and not (state and state.decision == GO):
        raise Refused(
            f"{view.state.rollout}: nobody has approved {name} yet. Approve it while it waits: "
            f"ansible-playbook playbooks/approve.yml -e rollout={view.state.rollout} -e decision=go -e reason=..."
        )


def _prerequisites(view: View, phase_name: str) -> None:
    missing = [host for host in view.batch if host not in view.state.backups and not view.state.shadow]
    _need(view, view.state.preflight_at, "preflight has not passed", "preflight.yml")
    _need(view, not missing, f"there is no backup of {', '.join(missing)}", "backup.yml")
    _need(view, view.state.baseline_at, "no baseline was measured", "baseline.yml")
    _approved(view, phase_name)
    for earlier in view.plan.phases:
        if earlier.name == phase_name:
            return
        state = view.state.phase(earlier.name)
        _need(
            view,
            state.verified_at,
            f"phase {earlier.name} is not deployed and verified",
            f"deploy.yml -e phase={earlier.name}",
        )
        if earlier.soak:
            _need(view, state.soaked_at, f"phase {earlier.name} has not soaked", f"soak.yml -e phase={earlier.name}")


def _need(view: View, there: Any, what: str, first: str) -> None:
    if not there:
        raise Refused(
            f"{view.state.rollout}: {what}. Run it first: ansible-playbook playbooks/{first} -e rollout={view.state.rollout}"
        )


def verify(view: View, phase_name: str) -> Order:
    """The gate of a phase after its last batch; `deadline` is when it must have passed."""
    ended = stopped(view)
    if ended:
        return ended
    if view.check:
        return not_due("check mode changed nothing that could be verified")
    phase, state = view.plan.phase(phase_name), view.state.phase(phase_name)
    if state.verified_at:
        return not_due(f"phase {phase_name} was verified at {short(state.verified_at)}")
    incomplete = [
        instance_id(agent, host) for host in view.hosts for agent in phase.agents
        if instance_id(agent, host) not in state.proven
    ]  # fmt: skip
    where = ", ".join(incomplete) or "any host"
    _need(view, not incomplete, f"phase {phase_name} is not deployed on {where}", f"deploy.yml -e phase={phase_name}")
    if not state.deployed_at:
        return not_due(f"phase {phase_name} is not deployed")
    deadline = plus(state.deployed_at, phase.verify_within)
    return due(window_s=view.plan.verify.window, deadline=iso(deadline))


def soak(view: View, phase_name: str) -> Order:
    """The looks of a soak: healthy WITHOUT interruption from `soak_from` until the plan's time has passed."""
    ended = stopped(view)
    if ended:
        return ended
    if view.check:
        return not_due("check mode does not wait")
    phase, state = view.plan.phase(phase_name), view.state.phase(phase_name)
    if not phase.soak:
        return not_due(f"the plan has no soak for phase {phase_name}")
    if state.soaked_at:
        return not_due(f"phase {phase_name} has soaked, done at {short(state.soaked_at)}")
    _need(view, state.verified_at, f"phase {phase_name} is not verified", f"verify.yml -e phase={phase_name}")
    if not state.soak_from:
        return not_due(f"phase {phase_name} is not verified")
    soak_s = phase.soak
    number, begun, until = _soak_round(state, view.state.looked_at, soak_s)
    if not view.tick:
        # A run counts its own rounds, and this one begins now.
        until = plus(state.soak_from, soak_s)
    # A soak is watched: two looks missed in a row are a gap, and a gap begins it anew.
    seen = max(state.soak_from, view.state.looked_at or state.soak_from)
    unwatched = (view.now - seen).total_seconds() - view.state.skipped_since(seen)
    if unwatched <= 2 * view.plan.watch.every:
        unwatched = 0.0
    label = f"soak of {phase_name} ({duration_text(phase.soak)} without interruption)"
    looks = _looks(view, begun, until, label)
    return due(until=iso(until), label=label, looks=looks, unwatched_s=unwatched, round=number)


def _soak_round(state: PhaseState, looked_at: datetime | None, soak_s: float) -> tuple[int, datetime, datetime]:
    """Number, begin and end of the round that a soak is in, as a run that waits would have them.

    A round goes on to its end although a look of it began the soak anew; the next one then watches the rest.
    """
    begun = state.verified_at or state.soak_from
    if begun is None:
        raise Refused(f"phase {state.name} has no soak that could be in a round")
    number, until, rest = 1, plus(begun, soak_s), list(state.soaks_anew)
    while looked_at and looked_at >= until:
        of_round = [anew for anew in rest if anew.looked_before is None or anew.looked_before < until]
        if not of_round:
            break
        number, begun, until = number + 1, until, plus(of_round[-1].since, soak_s)
        rest = rest[len(of_round) :]
    return number, begun, until


def approach(view: View, checkpoint_name: str) -> Order:
    """The looks on the way to a checkpoint; not due once the checkpoint is due or taken."""
    ended = stopped(view)
    if ended:
        return ended
    if view.check:
        return not_due("check mode does not wait")
    until = checkpoint_due(view, checkpoint_name)
    state = view.state.checkpoint(checkpoint_name)
    if state.status != "open" or until is None:
        return not_due(f"{checkpoint_name} is {state.status}")
    label = f"checkpoint {checkpoint_name}"
    if state.holds and until > view.now:
        return not_due(f"{checkpoint_name} was due, and held")
    planned, begun = _approach_from(view, checkpoint_name)
    looks = _looks(view, planned, until, label, begun)
    # A run that waits is there when it is due, and has looked; a tick comes later, and looks first as well.
    if until <= view.now and not (view.tick and looks and not _is_missed(view, checkpoint_name)):
        return not_due(f"{checkpoint_name} is due")
    return due(until=iso(until), label=label, looks=looks)


def _approach_from(view: View, name: str) -> tuple[datetime, datetime]:
    """When the way to a checkpoint begins by the plan, and when it began: with the gate before it."""
    after = view.state.phase(view.plan.checkpoints.after)
    names = view.plan.checkpoint_names()
    earlier = names[: names.index(name)]
    planned = checkpoint_due(view, earlier[-1]) if earlier else after.deployed_at
    gates = [view.state.checkpoint(each).at for each in earlier]
    begun = max([moment for moment in (after.verified_at, *gates) if moment], default=view.now)
    return planned or begun, begun


def _looks(
    view: View, since: datetime, until: datetime, label: str, begun: datetime | None = None
) -> list[dict[str, Any]]:
    """The looks of a wait that are still to be taken: each `every` since a moment that the ledger knows, and one at its end.

    They are the same for a run that waits and for one that is launched again and again. Of the second, looks that are
    overdue are one. `begun`: when the wait began, where that is later.
    """
    every = view.every((until - since).total_seconds())
    moments = []
    moment = plus(since, every)
    while moment < until:
        moments.append(moment)
        moment = plus(moment, every)
    if moments and (until - moments[-1]).total_seconds() < every / 2:
        moments.pop()
    moments.append(until)
    if view.tick:
        seen = max(begun or since, view.state.looked_at or since)
        moments = [moment for moment in moments if moment > seen]
        overdue = sum(moment <= view.now for moment in moments)
        moments = moments[max(overdue - 1, 0) :]
    else:
        moments = [moment for moment in moments if moment > view.now or moment == until]
    looks: list[dict[str, Any]] = [
        {"number": number, "at": iso(moment), "label": label, "until": iso(until), "last": moment == until}
        for number, moment in enumerate(moments, start=1)
    ]
    for look, following in pairwise(looks):
        look["next_at"] = following["at"]
    return looks


def checkpoint_due(view: View, name: str) -> datetime | None:
    """When a checkpoint is due: the plan's time after its last phase was deployed; None before that."""
    after = view.state.phase(view.plan.checkpoints.after)
    if not after.deployed_at or not after.verified_at:
        return None
    return plus(after.deployed_at, view.plan.checkpoint(name).offset_s)


def checkpoint(view: View, name: str, follow_up: bool = False) -> Order:
    """A checkpoint: not due before its time, taken once, and `missed` when the next one is due already."""
    if view.check:
        return not_due("check mode measures nothing")
    if follow_up:
        if view.state.checkpoint(name).status == "taken":
            return not_due(f"{name} was taken at {short(view.state.checkpoint(name).at)}")
        return due(window_s=_window(view), late_s=0.0, missed=False, follow_up=True)
    ended = stopped(view)
    if ended:
        return ended
    state = view.state.checkpoint(name)
    if state.status != "open":
        return not_due(f"{name} was {state.status} at {short(state.at)}")
    at = checkpoint_due(view, name)
    after = view.plan.checkpoints.after
    _need(
        view,
        at,
        f"{name} counts from phase {after}, which is not deployed and verified",
        f"deploy.yml -e phase={after}",
    )
    if at is None:
        return not_due("its time is not known")
    # One that was looked at and held was due: a clock that went back since then does not undo that.
    if at > view.now and not state.holds:
        return not_due(f"{name} is due at {short(at)}", not_before=iso(at))
    names = view.plan.checkpoint_names()
    missed_before = []
    for earlier in names[: names.index(name)]:
        if view.state.checkpoint(earlier).status == "open":
            missed = _is_missed(view, earlier)
            _need(view, missed, f"checkpoint {earlier} comes before {name}", f"checkpoint.yml -e checkpoint={earlier}")
            planned = checkpoint_due(view, earlier) or at
            late_s = (view.now - planned).total_seconds()
            missed_before.append({"name": earlier, "planned_at": iso(planned), "late_s": late_s})
    return due(
        window_s=_window(view),
        late_s=max((view.now - at).total_seconds(), 0.0),
        missed=_is_missed(view, name),
        planned_at=iso(at),
        missed_before=missed_before,
    )


def _window(view: View) -> float:
    return view.plan.sample.window if view.plan.sample else 60.0


def _is_missed(view: View, name: str) -> bool:
    """Too late to be itself: the next checkpoint is due. The last one is never missed, only late."""
    names = view.plan.checkpoint_names()
    following = names[names.index(name) + 1 :]
    if not following:
        return False
    next_due = checkpoint_due(view, following[0])
    return next_due is not None and next_due <= view.now


def held(records: list[Record], run: str, gate: str, name: str) -> tuple[int, datetime | None]:
    """How often a run has looked at a gate in vain since it last went on, and when it did so last."""
    number, last = 0, None
    for record in reversed(records):
        if record.run != run or record.kind in ("run.resumed", "line.lifted", "rollout.started"):
            break
        if record.kind != "gate.decided" or (record.data["gate"], record.data["name"]) != (gate, name):
            continue
        if record.data["decision"] != HOLD or record.data.get("stops", True):
            break
        number, last = number + 1, last or record.moment
    return number, last


def decide(view: View) -> Order:
    """The final decision, from what the ledger holds: GO only if every phase and every checkpoint passed."""
    ended = stopped(view)
    if ended:
        return ended
    if view.check:
        return not_due("check mode decides nothing")
    open_points = []
    for phase in view.plan.phases:
        state = view.state.phase(phase.name)
        if not state.verified_at:
            open_points.append(f"phase {phase.name} is not deployed and verified")
        elif phase.soak and not state.soaked_at and phase.name != view.plan.phases[-1].name:
            open_points.append(f"phase {phase.name} has not soaked")
    missed = []
    for name in view.plan.checkpoint_names():
        checkpoint = view.state.checkpoint(name)
        if checkpoint.status == "missed" and not checkpoint.accepted_by:
            missed.append(name)
        elif checkpoint.status == "open":
            open_points.append(f"checkpoint {name} is not taken")
    if view.state.armed:
        open_points.append(
            f"{', '.join(view.state.armed)} still waits for a confirmation of its change (verify, or soak, gives it)"
        )
    why = list(open_points)
    if missed:
        why.append(
            f"missed: {', '.join(missed)} (look at what was measured around it; accept with -e rollout_accept_missed={','.join(missed)})"
        )
    if why:
        return due(decision=HOLD, reason="; ".join(why))
    _approved(view, DECISION)
    taken = [name for name in view.plan.checkpoint_names() if view.state.checkpoint(name).status == "taken"]
    return due(decision=GO, reason=f"all phases verified, checkpoints {', '.join(taken)} passed")


def rollback(view_state: RolloutState, *, forced: bool, why: str, chosen: Callable[[str], bool]) -> Order:
    """What goes back: the instances of the stop's scope, or for a person's rollback all that were touched and chosen.

    Works without a plan. Instances that are back already are asked for again: the restore proves that they are.
    """
    if view_state.shadow:
        return not_due("a shadow rollout has changed nothing")
    stop = view_state.stop
    if not forced and not (stop and stop.decision == ROLLBACK):
        return not_due("nothing is to be rolled back")
    touched = view_state.touched()
    if not forced and stop and stop.scope in ("phase", "instance") and stop.instances:
        touched = [instance for instance in touched if instance in stop.instances]
    # What a person put back before counts, but does not settle the rest of what the gate decided.
    back = view_state.rolled_back or {}
    if not forced and back and back["complete"] and all(instance in back["restored"] for instance in touched):
        return not_due(f"rolled back at {back['at']}")
    instances = [instance for instance in touched if chosen(instance)]
    if not instances:
        return not_due("no instance was touched by this rollout" if not touched else "no touched instance was chosen")
    return due(instances=instances, reason=why or (stop.why if stop else "asked for"))


def needs_problems(view: View, other: RolloutState, chain: list[RolloutState], rehearsal: bool) -> list[str]:
    """Why the plan's `needs` are not met by that other rollout; empty when they are.

    `chain`: that rollout and the ones it needed in turn, for `test_data`. A rehearsal's decision counts only for a
    rehearsal.
    """
    needs = view.plan.needs
    if needs is None or view.state.shadow:
        return []
    name = needs.rollout
    if other.decision != needs.decision or other.rolled_back:
        return [f"needs {name} with decision GO; seen: {other.outcome}. Run {name} to its decision first."]
    if other.rehearsal and not rehearsal:
        return [
            f"needs {name} with decision GO; seen: the GO of a rehearsal. Decisions of a rehearsal never count for production: "
            f"run {name} on the real hosts, without skipping its waits."
        ]
    problems = []
    covered = [str(host) for host in other.start.get("hosts", [])]
    uncovered = [host for host in view.hosts if host not in covered]
    if uncovered:
        problems.append(
            f"needs {name} on every host of this plan; seen: it ran on {', '.join(covered)}, not on {', '.join(uncovered)}."
        )
    if needs.not_before:
        earliest = plus(_event(other, needs.not_before.event), needs.not_before.offset_s)
        if view.now < earliest:
            problems.append(
                f"may start {needs.not_before.text} of {name}, that is at {short(earliest)}; now it is {short(view.now)}."
            )
    if needs.not_after:
        latest = plus(_event(other, needs.not_after.event), needs.not_after.offset_s)
        if view.now > latest:
            problems.append(
                f"may start until {needs.not_after.text} of {name}, that was {short(latest)}; now it is {short(view.now)}. "
                f"Run {name} again, so that its evidence is fresh."
            )
    if needs.test_data:
        gathered = sum(_measured_s(state) for state in chain)
        if gathered < needs.test_data:
            problems.append(
                f"needs {duration_text(needs.test_data)} of test data; {name} and what came before it have "
                f"{duration_text(gathered)} (from the first deployment to the last checkpoint). "
                f"Take a later checkpoint: ansible-playbook playbooks/checkpoint.yml -e rollout={name} -e checkpoint=T+36h"
            )
    return problems


def _event(state: RolloutState, event: str) -> datetime:
    moment = state.deployed_at if event == "deployed" else state.decided_at
    if moment is None:
        raise Refused(f"the ledger of {state.rollout} has a decision but does not say when it was {event}.")
    return moment


def _measured_s(state: RolloutState) -> float:
    """From the first deployed phase to the last checkpoint taken: what was watched, not what merely passed by."""
    taken = [c.at for c in state.checkpoints.values() if c.at and c.status == "taken" and c.decision == GO]
    if not taken or not state.first_deployed_at:
        return 0.0
    return (max(taken) - state.first_deployed_at).total_seconds()
