# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commit-confirm as the controller sees it: how long a host waits for its confirmation, and when it gets it. Pure.

A host that is changed puts itself back unless it is told in time that the change is good. It is told when its phase has
passed verify, or with `confirm: after_soak` when it has soaked; until then looks keep the time from running out.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import split_instance
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._confirm_time import batches, confirm_s, phase_needs_s
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._orders import Order, View, due, not_due, stopped

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState

AFTER_SOAK = "after_soak"
# What a look may be late before hosts are told to wait longer, and what telling one of them takes (seconds).
_RENEWING = 60.0
_TELLING = 5.0


def needed_s(plan: Plan, phase: str, hosts: int, tick: bool = False, done: int = 0, stop_s: float = 0.0) -> float:
    """From the first batch of a phase on that many hosts, or the next one, to the end of its verify, in seconds of the plan.

    Of a run that does what is due and ends (`tick`), each batch and each look at the gate waits for a launch: no rarer than
    every other look, since looks that are missed hold. `stop_s`: how long the old processes may take to end.
    """
    named = plan.phase(phase)
    needed = phase_needs_s(named, plan.change, plan.verify, hosts, done, stop_s)
    if tick:
        launches = batches(named.serial, hosts, done) + plan.checkpoints.look_again.times + 1
        needed += launches * 2 * plan.watch.every
    return needed


def within_s(plan: Plan, phase: str, hosts: int, tick: bool = False, stop_s: float = 0.0) -> float:
    """How long the hosts of a phase wait for their confirmation, in seconds of the plan."""
    needed = needed_s(plan, phase, hosts, tick, stop_s=stop_s)
    if plan.rollback.confirm == AFTER_SOAK or plan.freeze:
        # What looks renew must outlast one that is missed.
        needed = max(needed, 2 * plan.watch.every + _RENEWING)
    return confirm_s(plan.rollback, needed)


def too_short_for_launches(plan: Plan, hosts: int) -> str:
    """Why the plan's own `confirm_within` is no good for a run that is launched again and again; empty when it is."""
    within = plan.rollback.confirm_within
    if within is None:
        return ""
    for phase in plan.phases:
        needed = needed_s(plan, phase.name, hosts, tick=True)
        if within < needed:
            return (
                f"{plan.path}: rollback.confirm_within is {duration_text(within)}, and with rollout_wait=false phase {phase.name} may take "
                f"{duration_text(needed)} on {hosts} hosts from its first batch to the end of verify, as batches and looks wait for launches: "
                "hosts would put themselves back while all is well. Leave confirm_within out, raise it, or run with rollout_wait=true"
            )
    return ""


def renewal(view: View, until: datetime, last: bool) -> Order:
    """Which hosts must wait longer, as the next batch of their phase waits until then; asked at each look of that wait.

    A stagger is part of what a phase needs; the end of a freeze is not. `last`: no look comes after this one.
    """
    if stopped(view) or view.check:
        return {}
    unverified = [
        p for p in view.plan.phases if view.state.phase(p.name).touched and not view.state.phase(p.name).verified_at
    ]
    if not unverified:
        return {}
    phase = unverified[0]
    proven = {split_instance(instance)[1] for instance in view.state.phase(phase.name).proven}
    rest = needed_s(view.plan, phase.name, len(view.hosts), view.tick, len(proven & set(view.hosts)), view.state.stop_s)
    covered = plus(until, rest)
    soon = plus(view.now, 2 * view.plan.watch.every + _RENEWING)
    hosts = [
        host for host in view.hosts
        if host in view.state.armed and view.state.armed[host] < covered and (last or view.state.armed[host] < soon)
    ]  # fmt: skip
    if not hosts:
        return {}
    within = within_s(view.plan, phase.name, len(view.hosts), view.tick, view.state.stop_s)
    if view.plan.rollback.confirm_within is None:
        # They are told one after the other.
        within += _TELLING * len(hosts)
    if last:
        within = max(within, (covered - view.now).total_seconds())
    return due(state="renewed", hosts=hosts, within_s=within)


def confirmation(view: View) -> Order:
    """What the guards that are armed are told now: `state` confirmed or renewed, and on which `hosts`."""
    ended = stopped(view)
    if ended:
        return ended
    if view.check:
        return not_due("check mode armed nothing")
    if not view.state.armed:
        return not_due("no host waits for a confirmation")
    rest = [phase for phase in view.plan.phases if view.state.phase(phase.name).touched]
    unverified = [phase.name for phase in rest if not view.state.phase(phase.name).verified_at]
    if unverified:
        return not_due(f"phase {unverified[0]} is not verified")
    soaking = [phase.name for phase in rest if phase.soak and not view.state.phase(phase.name).soaked_at]
    hosts = [host for host in view.hosts if host in view.state.armed]
    if view.plan.rollback.confirm == AFTER_SOAK and soaking:
        within = within_s(view.plan, soaking[-1], len(view.hosts), view.tick, view.state.stop_s)
        return due(state="renewed", hosts=hosts, within_s=within)
    return due(state="confirmed", hosts=hosts)


def renews(view: View) -> bool:
    """Whether a look keeps guards from firing: while phases soak, where the plan confirms after that."""
    order = confirmation(view)
    return bool(order["due"] and order["state"] == "renewed")


def overdue(state: RolloutState, now: datetime, batch: list[str]) -> dict[str, datetime]:
    """Hosts that nobody confirmed in time, and when that was; not those of the batch, which are asked themselves."""
    proven = {split_instance(instance)[1] for instance in state.proven()}
    return {h: until for h, until in state.armed.items() if until < now and h in proven and h not in batch}


def rehearsal_findings(hosts: list[str], results: dict[str, Any]) -> list[tuple[str, str]]:
    """(host, what is wrong) of the guards that were rehearsed on these hosts. A host that was not reached says so elsewhere."""
    findings = []
    for host in hosts:
        result = results.get(host) or {}
        if result.get("unreachable"):
            continue
        if result.get("failed") or "guard" not in result:
            findings.append((host, f"{result.get('reason', 'tool_error')}: {result.get('msg', 'no answer')}"))
        elif result["guard"]["state"] == "armed":
            until = result["guard"]["deadline"]
            findings.append((host, f"one of an earlier run is armed, and puts this host back at {until}"))
        elif result["guard"]["state"] == "unknown":
            findings.append((host, str(result["guard"].get("message"))))
    return findings
