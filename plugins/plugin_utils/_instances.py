# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances as the modules on the hosts take them: names and paths filled in from catalogue and inventory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _log_lines
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import PlaceholderError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso, plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import BUCKET, Context, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

DEFAULT_NATS_PORT = 4222
# A module takes about this long to start on a measuring host (seconds).
START_OF_A_PROBE = 1.0
# Where waits are skipped: how many rounds of the low-rate probe stand for a wait, and for how long (seconds of real time)
# a window without a probe listens.
SKIPPED_ROUNDS = 8
SKIPPED_WINDOW = 2.0


def filled(context: Context, template: str, agent: str, host: str, what: str) -> str:
    """A text of plan or inventory with its placeholders filled for one instance; StepError names what can't be."""
    catalogue = context.catalogue
    if catalogue is None or agent not in catalogue:
        raise StepError(f"agent {agent!r} is not in the agents file {catalogue.path if catalogue else '(none)'}.")
    try:
        return catalogue.expand(template, agent, host)
    except PlaceholderError as error:
        raise StepError(f"{what} of {instance_id(agent, host)}: {error}.") from error


def _layout(context: Context, host: str, name: str) -> str:
    template = context.hostvar(host, name)
    if not template:
        raise StepError(f"host {host} has no variable {name}. Set it in the group variables of the plan's hosts.")
    return str(template)


def unit_of(context: Context, agent: str, host: str) -> dict[str, Any]:
    """`{agent, unit, env_file}` of one instance."""
    return {
        "agent": agent,
        "unit": filled(context, _layout(context, host, "rollout_agent_unit"), agent, host, "the unit"),
        "env_file": filled(context, _layout(context, host, "rollout_agent_env_file"), agent, host, "the env file"),
    }


def to_look_at(context: Context, agent: str, host: str) -> dict[str, Any]:
    """What `agent_units_info` takes of one instance."""
    log_lines = _log_lines.of_instance(context, agent, host)
    unit = unit_of(context, agent, host)
    return {**unit, "log_lines": log_lines} if log_lines else unit


def _proof(context: Context, proof: Any, agent: str, host: str) -> dict[str, Any]:
    log_lines = _log_lines.of_instance(context, agent, host)
    return {
        **({"log_lines": log_lines} if log_lines else {}),
        "log": filled(context, proof.log, agent, host, "the proof"),
        "subscriptions": [filled(context, text, agent, host, "a subscription") for text in proof.subscriptions],
        "ready_within": proof.ready_within,
    }


def to_change(context: Context, plan: Plan, agents: Iterable[str], host: str) -> list[dict[str, Any]]:
    """What `agent_change` takes for these agents of a host; the hashes of their backups are in the ledger."""
    backed_up = (context.state.backups.get(host) or {}).get("instances") or {}
    specs = []
    for agent in agents:
        env = {key: filled(context, value, agent, host, key) for key, value in plan.change.env.items()}
        proof = _proof(context, plan.change.proof, agent, host)
        spec = {**unit_of(context, agent, host), "env": env, "proof": proof}
        # A ledger of an earlier version has no hashes.
        specs.append({**spec, "backup_sha256": backed_up[agent]} if backed_up.get(agent) else spec)
    return specs


def to_back_up(context: Context, plan: Plan, host: str) -> list[dict[str, Any]]:
    """What `agent_backup` takes: all agents of the plan, with what their old state must show after a restore."""
    return [
        {**unit_of(context, agent, host), "proof": undo_proof(context, plan, agent, host)} for agent in plan.agents()
    ]


def undo_proof(context: Context, plan: Plan, agent: str, host: str) -> dict[str, Any]:
    """What a process must show after a rollback."""
    return _proof(context, plan.change.proof_after_undo(), agent, host)


def nats_port(context: Context, host: str) -> int:
    """The client port of the host's NATS, from `rollout_nats_url`."""
    url = context.hostvar(host, "rollout_nats_url")
    return (urlsplit(str(url)).port if url else None) or DEFAULT_NATS_PORT


def in_real_time(context: Context, moment: datetime) -> str:
    """A moment of the plan's time as a host is told it: in real time."""
    return iso(context.clock.skips.real(moment))


def look_order(context: Context, host: str, subjects: list[Subject], since: datetime) -> dict[str, Any]:
    """The arguments of `agent_units_info` for the next look of a host: from the last look's end, else from `since`."""
    cursor = context.looks.cursor(host)
    instances = []
    for subject in subjects:
        if subject.host == host:
            asked = {**to_look_at(context, subject.agent, host), "since": in_real_time(context, subject.since)}
            # Lines of this very process proved the change: they must stay readable.
            instances.append({**asked, "proven": subject.invocation} if subject.invocation else asked)
    return {
        "instances": instances,
        "rollout": context.rollout,
        "cursor": cursor or "",
        "since": in_real_time(context, since),
        "signs": list(context.plan.corruption_signs) if context.plan else [],
        "nats_port": nats_port(context, host),
        "disk_paths": [str(path) for path in context.hostvar(host, "rollout_disk_paths", [])],
        "bucket": context.counted_s,
    }


def subjects_of(
    context: Context, plan: Plan, *, phase: str | None = None, before_change: datetime | None = None
) -> list[Subject]:
    """Whom a gate measures: the instances changed so far (of one phase and those before it), and control.

    `before_change`: for the baseline, when nothing is changed yet: all agents of the plan, since that moment.
    """
    state = context.state
    proven = state.proven()
    subjects = []
    for each in plan.phases:
        deployed_at = state.phase(each.name).deployed_at
        for agent in each.agents:
            for host in context.hosts:
                known = proven.get(instance_id(agent, host))
                if before_change:
                    subjects.append(Subject(agent, host, "test", before_change, None, each.name, False))
                elif known:
                    since = parse_iso(known["since"])
                    subjects.append(Subject(agent, host, "test", since, known.get("invocation_id"), each.name))
                elif deployed_at:
                    subjects.append(Subject(agent, host, "test", deployed_at, None, each.name))
                elif state.baseline_at:
                    # Not changed yet: measured all the same, because nothing is a better baseline for it.
                    subjects.append(Subject(agent, host, "pending", state.baseline_at, None, each.name, False))
        if phase is not None and each.name == phase:
            break
    control_since = before_change or state.baseline_at or state.started_at
    if control_since:
        for agent in plan.control.agents:
            subjects += [Subject(agent, host, "control", control_since, None, None, False) for host in context.hosts]
    return subjects


def nats_order(
    context: Context,
    plan: Plan,
    agents: list[str],
    window_s: float,
    begin: datetime,
    attempt: int = 0,
    name: str = "",
    requests: int = 0,
    listens: bool = True,
) -> dict[str, dict[str, Any]]:
    """host -> what is measured on the NATS group that this host stands for.

    Servers that hear each other carry the same messages: one of them is sampled (another one at each further attempt).
    Separate servers are sampled each. `expected` answers to a request are as many as preflight got on these servers.
    Without `listens` nothing is sampled. `requests` per agent are sent, by default as many as the plan's probe has. Where
    waits are skipped, a window from `begin` on is over once the probe is.
    """
    if plan.sample is None and plan.probe is None:
        return {}
    orders: dict[str, dict[str, Any]] = {}
    for group in context.state.nats_groups or [{"name": "nats", "hosts": context.hosts}]:
        # A ledger of an earlier version knows the hosts only.
        measurers = group.get("measurers") or group["hosts"]
        reachable = [host for host in measurers if host in context.in_play] or list(measurers)
        measurer = reachable[attempt % len(reachable)]
        orders[measurer] = {
            "name": group["name"],
            "hosts": group["hosts"],
            "window_s": _listened(context, plan, window_s),
            "patterns": {"legacy": list(plan.sample.legacy), "unified": list(plan.sample.unified)}
            if plan.sample and listens
            else {},
            "agents": _identities(context, agents),
            "probe": _probe(
                context,
                plan,
                agents,
                group.get("expected") or len(group["hosts"]),
                window_s,
                name,
                requests or plan.probe.count,
            )
            if plan.probe
            else None,
        }
        if context.skips_waits:
            until = plus(begin, window_s)
            orders[measurer].update({"from": iso(begin), "to": iso(until), "stands_for": True})
            orders[measurer]["ends_with_probe"] = plan.probe is not None
            orders[measurer]["awaited"] = _changed_agents(context, agents)
    return orders


def _changed_agents(context: Context, agents: list[str]) -> list[str]:
    """Those with an instance that the rollout set out to change: the others publish as they always did."""
    touched = set(context.state.touched())
    return [agent for agent in agents if any(instance_id(agent, host) in touched for host in context.hosts)]


def _listened(context: Context, plan: Plan, window_s: float) -> float:
    """Seconds of real time that a window takes at most."""
    return min(window_s, SKIPPED_WINDOW) if context.skips_waits and plan.probe is None else window_s


def light_window(context: Context, plan: Plan) -> float:
    """Seconds that a look listens on NATS; 0 where the plan has no `watch.sample`.

    At least half of it is left for spreading the requests, beside the time that the last answer may take: asked one after
    the other, slow agents would use it up.
    """
    if not plan.watch.sample:
        return 0.0
    timeout = plan.probe.timeout if plan.probe else 0.0
    return max(plan.watch.sample, plan.watch.sample / 2 + timeout)


def probed(context: Context, plan: Plan) -> list[dict[str, str]]:
    """Agent and subject of every request that the rollout will send."""
    if plan.probe is None:
        return []
    agents = dict.fromkeys([*plan.agents(), *plan.control.agents])
    targets = _probe(context, plan, list(agents), 1, 0.0, "preflight", 1)["targets"]
    return [{"agent": target["agent"], "subject": target["subject"]} for target in targets]


def look_order_of_nats(
    context: Context, plan: Plan, agents: list[str], begin: datetime, number: int, name: str
) -> dict[str, dict[str, Any]]:
    """What a look measures on NATS from `begin` on, as `nats_order`: it listens for a moment and asks a few times.

    Where the plan does not let looks listen it only asks, as long as it lets agents be probed between gates at all.
    """
    window = light_window(context, plan)
    if not window and not (plan.probe and plan.watch.probe_every):
        return {}
    listens = window > 0
    return nats_order(context, plan, agents, window, begin, number, name, plan.watch.requests, listens=listens)


def low_rate_order(
    context: Context, plan: Plan, agents: list[str], now: datetime, until: datetime, name: str
) -> dict[str, dict[str, Any]]:
    """host -> the probe that this host runs while the rollout waits; empty when the plan has none, or no time for a request is left.

    It ends before `until`, with the time that its last answers may take. In a wait that is shorter than its pace, each agent is
    asked once.
    """
    if plan.probe is None or not plan.watch.probe_every:
        return {}
    every = plan.watch.probe_every
    over = (until - now).total_seconds() - plan.probe.timeout - START_OF_A_PROBE
    if over < 0:
        return {}
    orders = nats_order(context, plan, agents, over, now, name=name)
    for order in orders.values():
        if order["probe"]:
            order.update(patterns={}, **{"from": iso(now), "to": iso(until)})
            if context.skips_waits:
                order["probe"]["count"] = max(1, min(SKIPPED_ROUNDS, int(over / every)))
            elif over < every:
                order["probe"].update(count=1, over=0.0)
            else:
                order["probe"].pop("count")
                order["probe"].update(every=every, over=round(over, 3))
    return orders


def _identities(context: Context, agents: list[str]) -> list[dict[str, str]]:
    identities = []
    for agent in agents:
        row = context.catalogue.row(agent) if context.catalogue else {}
        identities.append(
            {"agent": agent, "agent_id": row.get("agent_id", "")} if row.get("agent_id") else {"agent": agent}
        )
    return identities


def _probe(
    context: Context, plan: Plan, agents: list[str], expected: int, window_s: float, name: str, count: int
) -> dict[str, Any]:
    if plan.probe is None:
        raise StepError("the plan has no probe.")
    host = context.hosts[0]
    timeout = plan.probe.timeout
    # One after the other where the window is not waited for: agents set their own pace, however slow they are.
    over = 0.0 if context.skips_waits else round(max(window_s * 0.9 - timeout, 0.0), 3)
    return {
        "targets": [
            {
                "agent": agent,
                "subject": filled(context, plan.probe.subject, agent, host, "the probe's subject"),
                "payload": plan.probe.payload,
                "expected": expected,
            }
            for agent in agents
        ],
        "count": count,
        # The last requests need their time to be answered and published before the window closes.
        "over": over,
        "timeout": timeout,
        **({"by_round": True} if context.skips_waits else {"bucket": BUCKET}),
        "sender": "rollout",
        "conversation_prefix": f"{context.rollout}-{context.state.attempt}-{context.run}-{name}".lower(),
    }
