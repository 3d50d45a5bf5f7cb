# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a step: says whether it is due, and what its tasks shall do on which host."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.module_utils import _secrets
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import (
    _awx,
    _confirming,
    _fencing,
    _instances,
    _log_sample,
    _orders,
    _reach_order,
    _reverts,
    _unproven,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id, split_instance
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, iso, parse_iso, short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._holding import hold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import GO, HOLD
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._own_words import overruled
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._start import ensure_started, refuse_to_begin_anew
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of

Result = dict[str, Any]
# How many changed hosts a look between two batches visits; the probe hears all of them.
CHANGED_LAST = 20
# A name becomes a folder.
FURTHER_CHECKPOINT = re.compile(r"T\+(?:\d+[dhms])+\Z")


def _holds_a_secret(order: Result) -> bool:
    """Whether a value that instances are to be given looks secret."""
    return any(
        _secrets.mask_value(str(name), str(value)) != value
        for specs in (order.get("instances") or {}).values()
        for spec in (specs if isinstance(specs, list) else [])
        for name, value in ((spec.get("env") or {}) if isinstance(spec, dict) else {}).items()
    )


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "step": {
            "type": "str",
            "required": True,
            "choices": [
                "preflight", "baseline", "backup", "approval", "approved", "deploy", "verify", "soak", "soaked", "approach",
                "look", "checkpoint", "confirm", "rollback", "status",
            ],
        },
        "phase": {"type": "str"},
        "approval": {"type": "str"},
        "checkpoint": {"type": "str"},
        "attempt": {"type": "int", "default": 0},
        "forced": {"type": "bool", "default": False},
        "until": {"type": "str"},
        "following": {"type": "str"},
        "only_changed": {"type": "bool", "default": False},
        "label": {"type": "str", "default": "the next look"},
        "goal": {"type": "str"},
        "rounds": {"type": "int", "default": 0},
    }  # fmt: skip

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return arguments["step"] not in ("rollback", "status")

    def writes(self, arguments: dict[str, Any]) -> bool:
        # A rollback by hand takes the lease once it is known to have something to do.
        return bool(arguments["step"] != "status" and not arguments["forced"])

    def act(self, context: Context, arguments: dict[str, Any]) -> Result:
        step = arguments["step"]
        waiting = self.waiting(context)
        if waiting and step not in ("rollback", "status"):
            return {
                **_orders.not_due(waiting.line(), ended=True, decision=None),
                "step": step,
                "rollout": context.rollout,
            }
        if step not in ("rollback", "status") and not self.check_mode:
            self._refuse_what_cant_go_well(context)
            if step != "preflight":
                refuse_to_begin_anew(context)
            ensure_started(context, self.clock.now(), only_looks=step == "preflight")
        makers: dict[str, Callable[[Context, dict[str, Any]], Result]] = {
            "preflight": self._preflight,
            "baseline": self._baseline,
            "backup": self._backup,
            "approval": self._approval,
            "approved": self._approved,
            "deploy": self._deploy,
            "verify": self._verify,
            "soak": self._soak,
            "soaked": self._soaked,
            "approach": self._approach,
            "look": self._look,
            "checkpoint": self._checkpoint,
            "confirm": self._confirm,
            "rollback": self._rollback,
            "status": self._status,
        }
        order = makers[step](context, arguments)
        if _holds_a_secret(order):
            # With -v Ansible shows what a task returns; the next task gets it all the same.
            order["_ansible_no_log"] = True
        order.setdefault("step", step)
        if step != "status":
            order["rollout"] = context.rollout
        # A further attempt that is not needed, and the way to a checkpoint that is there, are nothing to tell.
        if not order["due"] and not arguments["attempt"] and step not in ("approach", "look", "confirm"):
            order["msg"] = f"{step} is not due: {order['why']}"
        if step == "preflight":
            # Plans are looked for in several places.
            plan = Path(context.sure_plan.path).absolute()
            order["msg"] = [f"PLAN {plan}", *([order["msg"]] if "msg" in order else [])]
        return order

    def _refuse_what_cant_go_well(self, context: Context) -> None:
        """Before the first record: a slice of an AWX job, and extra variables that win over what a playbook says itself."""
        reason = _awx.slicing(context.variables) or overruled(self._task, context.variables)
        if reason:
            raise StepError(reason)

    def _named(self, context: Context, arguments: dict[str, Any], kind: str) -> str:
        """The phase or checkpoint that was asked for, as the plan spells it."""
        name = arguments[kind] or value_of(context.variables, kind)
        plan = context.sure_plan
        known = [phase.name for phase in plan.phases] if kind == "phase" else plan.checkpoint_names()
        if not name:
            raise StepError(f"which {kind} of {context.rollout}? Say -e {kind}=<one of {', '.join(known)}>.")
        try:
            return plan.phase(str(name)).name if kind == "phase" else plan.checkpoint(str(name)).name
        except KeyError:
            raise StepError(f"{context.rollout} has no {kind} {str(name)!r}; it has {', '.join(known)}.") from None

    def _preflight(self, context: Context, arguments: dict[str, Any]) -> Result:
        order = _orders.preflight(self.view(context))
        if not order["due"]:
            return order
        plan = context.sure_plan
        since = _instances.in_real_time(context, self.clock.now() - timedelta(seconds=order["look_back_s"]))
        order["looks"] = {}
        for host in self._chosen(context):
            # What runs now is what a rollback returns to: it must show what the undo proof asks for.
            units = [
                {
                    **_instances.to_look_at(context, one["agent"], host),
                    "proof": one["proof"],
                    "keys": sorted(plan.change.env),
                }
                for one in _instances.to_back_up(context, plan, host)
            ]
            units += [_instances.to_look_at(context, agent, host) for agent in plan.control.agents]
            order["looks"][host] = {
                "instances": units,
                "since": since,
                "nats_port": _instances.nats_port(context, host),
                "disk_paths": [str(path) for path in context.hostvar(host, "rollout_disk_paths", [])],
                "rollout": context.rollout,
                "sample_lines": _log_sample.LINES,
                "environment_keys": sorted({*plan.change.env, *context.hostvar(host, "rollout_agent_catalogue", {})}),
            }
        # The way back of each host is tried where one will be armed.
        order["guard"] = not context.shadow and not self.check_mode
        # Where nothing is probed, a connection is all that is tried.
        nobody = [{"agent": "nobody", "subject": "_ROLLOUT.preflight"}]
        order["targets"] = _instances.probed(context, plan) or nobody
        order["measures_nats"] = plan.sample is not None or plan.probe is not None
        asked = _reach_order.asked_of(plan, context.catalogue, context.hosts[0])
        order["reach"] = _reach_order.orders(context, asked) if order["measures_nats"] else {}
        return order

    @staticmethod
    def _chosen(context: Context) -> list[str]:
        return [host for host in context.in_play if host in context.hosts]

    def _baseline(self, context: Context, arguments: dict[str, Any]) -> Result:
        order = _orders.baseline(self.view(context))
        if not order["due"]:
            return order
        plan = context.sure_plan
        since = self.clock.now() - timedelta(seconds=order["history_s"])
        subjects = _instances.subjects_of(context, plan, before_change=since)
        # Of the plan's time; what the looks say is what hosts are told.
        order["since"] = iso(since)
        return self._measured(context, order, subjects, since, "baseline", arguments["attempt"])

    def _measured(
        self, context: Context, order: Result, subjects: list[Any], since: Any, name: str, attempt: int
    ) -> Result:
        """Add what to look at on each host and what to measure on NATS."""
        order["looks"] = {host: _instances.look_order(context, host, subjects, since) for host in self._chosen(context)}
        agents = list(dict.fromkeys(subject.agent for subject in subjects))
        window, now = order["window_s"], self.clock.now()
        order["nats"] = _instances.nats_order(
            context, context.sure_plan, agents, window, now, attempt, f"{name}-{attempt}"
        )
        if context.skips_waits:
            order["skip_to"] = iso(now + timedelta(seconds=window))
        again = context.sure_plan.checkpoints.look_again
        order["last_attempt"] = attempt >= again.times
        order["not_before"] = None
        if attempt and self.tick is None:
            order["not_before"] = iso(now + timedelta(seconds=again.every))
        return order

    def _attempt(self, context: Context, gate: str, name: str, attempt: int) -> tuple[int, Result | None]:
        """Which look at a gate this is. In a run that doesn't wait the ledger says so, and when the next one is due."""
        if self.tick is None:
            return attempt, None
        number, held_at = _orders.held(context.records, context.run, gate, name)
        if held_at is None:
            return 0, None
        again = context.sure_plan.checkpoints.look_again
        until = held_at + timedelta(seconds=again.every)
        if until > self.clock.now():
            return number, _orders.not_due(self.note_wait(context, until, f"another look at {name}"))
        return number, None

    def _backup(self, context: Context, arguments: dict[str, Any]) -> Result:
        order = _orders.backup(self.view(context))
        if order["due"]:
            order["instances"] = {
                h: _instances.to_back_up(context, context.sure_plan, h) for h in self._chosen(context)
            }
            order["fence"] = _fencing.fence(context.rollout, "backup", context.records)
        return order

    def _approval(self, context: Context, arguments: dict[str, Any]) -> Result:
        """Ask for a person's GO; the role then waits and looks."""
        order = _orders.approval(self.view(context), str(arguments["approval"]))
        if order["due"] and not order["requested"]:
            data = {"approval": order["approval"], "until": order["until"], "otherwise": order["otherwise"]}
            context.record("approval.requested", data, self.clock.now())
            order["msg"] = (
                f"waiting for a person before {order['approval']}, until {order['until']}: ansible-playbook "
                f"playbooks/approve.yml -e rollout={context.rollout} -e decision=go -e reason=..."
            )
        return order

    def _approved(self, context: Context, arguments: dict[str, Any]) -> Result:
        """After the wait: what was answered, or what silence leads to."""
        name, now = str(arguments["approval"]), self.clock.now()
        if _orders.stopped(self.view(context)):
            return _orders.not_due("the rollout was stopped meanwhile", decision=None)
        approval = context.state.approvals[name]
        if approval.decision is None:
            data = {"approval": name, "decision": approval.otherwise, "reason": "nobody answered in time"}
            context.record("approval.expired", data, now)
            approval = context.state.approvals[name]
        decision = str(approval.decision)
        why = f"approval before {name}: {approval.reason or decision} ({approval.by})"
        if decision != GO:
            context.record(
                "gate.decided",
                {
                    "gate": "approval",
                    "name": name,
                    "decision": decision,
                    "why": why,
                    "stops": True,
                    # A person, or nobody, has answered for the rollout as a whole.
                    "scope": "rollout",
                    "instances": context.state.touched(),
                },
                now,
            )
        return _orders.due(decision=decision, msg=f"{decision.upper().replace('_', '-')}: {why}")

    def _deploy(self, context: Context, arguments: dict[str, Any]) -> Result:
        phase = self._named(context, arguments, "phase")
        now = self.clock.now()
        late = {} if self.check_mode else _confirming.overdue(context.state, now, context.batch)
        if late and not _orders.stopped(self.view(context)):
            # The next batch must not change while the ones before it have gone back.
            _reverts.stop_for_overdue(context, late, now)
        order = _orders.deploy(self.view(context), phase)
        order["phase"] = phase
        if not order["due"]:
            return order
        wanted: dict[str, list[str]] = {}
        for instance in order["instances"]:
            agent, host = split_instance(instance)
            wanted.setdefault(host, []).append(agent)
        plan = context.sure_plan
        order["named"], order["shadow"] = order["instances"], context.shadow
        order["instances"] = {
            host: _instances.to_change(context, plan, agents, host) for host, agents in wanted.items()
        }
        return order

    def _verify(self, context: Context, arguments: dict[str, Any]) -> Result:
        phase = self._named(context, arguments, "phase")
        order = _orders.verify(self.view(context), phase)
        order["phase"] = phase
        if not order["due"]:
            return order
        name = f"verify-{phase}"
        attempt, waits = self._attempt(context, "verify", name, arguments["attempt"])
        if waits:
            return {**waits, "phase": phase}
        subjects = _instances.subjects_of(context, context.sure_plan, phase=phase)
        order = self._measured(context, order, subjects, context.state.baseline_at, name, attempt)
        # Looking again ends with the time that the plan gives the phase.
        order["last_attempt"] = order["last_attempt"] or self.clock.now() >= parse_iso(order["deadline"])
        return order

    def _soak(self, context: Context, arguments: dict[str, Any]) -> Result:
        phase = self._named(context, arguments, "phase")
        order = _orders.soak(self.view(context), phase)
        if order["due"] and self.tick and order["round"] > arguments["rounds"]:
            return {**_orders.not_due(f"phase {phase} was watched for {arguments['rounds']} soaks"), "phase": phase}
        if order["due"] and order["unwatched_s"]:
            why = f"nobody looked for {duration_text(order['unwatched_s'])}"
            context.record("soak.reset", {"phase": phase, "from": iso(self.clock.now()), "why": why}, self.clock.now())
            order = _orders.soak(self.view(context), phase)
            order["msg"] = f"the soak of {phase} begins anew: {why}"
        return {**order, "phase": phase}

    def _confirm(self, context: Context, arguments: dict[str, Any]) -> Result:
        """What hosts that wait for a confirmation are told, once for all phases so far."""
        order = _confirming.confirmation(self.view(context))
        if order["due"]:
            order["fence"] = _fencing.fence(context.rollout, "confirm", context.records)
        return order

    def _soaked(self, context: Context, arguments: dict[str, Any]) -> Result:
        """After the last round: a soak that is still not over holds, by name, instead of failing the next phase."""
        phase = self._named(context, arguments, "phase")
        order = _orders.soak(self.view(context), phase)
        if order["due"]:
            resets = [r.data for r in context.records if r.kind == "soak.reset" and r.data["phase"] == phase]
            last = f", the last time for {resets[-1]['why']}" if resets else ""
            why = f"phase {phase} has not soaked: its soak began anew {len(resets)} times{last}"
            data = {"gate": "soak", "name": phase, "decision": HOLD, "why": why, "stops": True}
            context.record("gate.decided", data, self.clock.now())
        return {**order, "phase": phase}

    def _approach(self, context: Context, arguments: dict[str, Any]) -> Result:
        asked = arguments["checkpoint"] or value_of(context.variables, "checkpoint")
        if self._is_follow_up(context, asked):
            return {**_orders.not_due("a further checkpoint waits for nothing"), "checkpoint": str(asked)}
        checkpoint = self._named(context, arguments, "checkpoint")
        return {**_orders.approach(self.view(context), checkpoint), "checkpoint": checkpoint}

    def _look(self, context: Context, arguments: dict[str, Any]) -> Result:
        """What one look between gates asks of each host, and what is probed until then."""
        ended = _orders.stopped(self.view(context))
        if ended:
            return {**ended, "ended": True}
        now, plan, number = self.clock.now(), context.sure_plan, arguments["attempt"]
        if arguments["following"] and parse_iso(arguments["following"]) <= now:
            # Measuring took longer than a tick: the looks that are overdue are one.
            return {**_orders.not_due("its time has passed"), "ended": False}
        until = parse_iso(arguments["until"]) if arguments["until"] else now
        if self.tick and until > now:
            goal = parse_iso(arguments["goal"]) if arguments["goal"] else until
            label = arguments["label"] + (f", which ends at {short(goal)}" if goal > until else "")
            return {**_orders.not_due(self.note_wait(context, until, label)), "ended": True}
        subjects = _instances.subjects_of(context, plan)
        since = context.state.baseline_at or now
        agents = list(dict.fromkeys(subject.agent for subject in subjects))
        name = f"look-{now:%Y%m%dt%H%M%S}"
        window = _instances.light_window(context, plan)
        # What is heard while the look is taken: it begins when the wait is over.
        light = _instances.look_order_of_nats(context, plan, agents, max(until, now), number, name)
        hosts = self._chosen(context)
        if arguments["only_changed"]:
            # One after the other, from a batch that they are not part of: those that changed last.
            changed = dict.fromkeys(subject.host for subject in subjects if subject.role == "test")
            hosts, light = [host for host in hosts if host in changed][-CHANGED_LAST:], {}
        return _orders.due(
            ended=False,
            looks={host: _instances.look_order(context, host, subjects, since) for host in hosts},
            low_rate=_instances.low_rate_order(context, plan, agents, now, until, f"{name}-low"),
            nats=light,
            window_s=window,
            skip_to=iso(max(until, now) + timedelta(seconds=window)) if context.skips_waits and light else None,
            renews=_confirming.renews(self.view(context)),
            guards=self._waiting_guards(context, arguments) if arguments["only_changed"] else {},
        )

    def _waiting_guards(self, context: Context, arguments: dict[str, Any]) -> Result:
        """Between two batches: which hosts must be told to wait longer for their confirmation."""
        goal = arguments["goal"] or arguments["until"]
        until = parse_iso(goal) if goal else self.clock.now()
        order = _confirming.renewal(self.view(context), until, last=not arguments["following"])
        if order:
            order["rollout"] = context.rollout
            order["fence"] = _fencing.fence(context.rollout, "confirm", context.records)
        return order

    def _checkpoint(self, context: Context, arguments: dict[str, Any]) -> Result:
        asked = arguments["checkpoint"] or value_of(context.variables, "checkpoint")
        follow_up = self._is_follow_up(context, asked)
        name = str(asked) if follow_up else self._named(context, arguments, "checkpoint")
        order = _orders.checkpoint(self.view(context), name, follow_up)
        order["checkpoint"] = name
        for earlier in order.get("missed_before", []):
            context.record("checkpoint.missed", earlier, self.clock.now())
        if order.get("missed"):
            context.record(
                "checkpoint.missed",
                {"name": name, "planned_at": order["planned_at"], "late_s": order["late_s"]},
                self.clock.now(),
            )
            return {
                **_orders.not_due(
                    f"{name} was due at {order['planned_at']} and is missed: the next one is due already"
                ),
                "checkpoint": name,
            }
        if not order["due"]:
            return order
        attempt, waits = self._attempt(context, "checkpoint", name, arguments["attempt"])
        if waits:
            return {**waits, "checkpoint": name}
        subjects = _instances.subjects_of(context, context.sure_plan)
        return self._measured(context, order, subjects, context.state.baseline_at, name, attempt)

    @staticmethod
    def _is_follow_up(context: Context, asked: Any) -> bool:
        """A look after the decision, under a name that the plan doesn't have: more test data, no new decision."""
        if not asked or context.state.decision != "go":
            return False
        try:
            context.sure_plan.checkpoint(str(asked))
        except KeyError:
            if not FURTHER_CHECKPOINT.match(str(asked)):
                raise StepError(f"checkpoint {str(asked)!r}: expected T+ and a time, such as T+36h.") from None
            return True
        return False

    def _rollback(self, context: Context, arguments: dict[str, Any]) -> Result:
        # A person may choose a part. What a gate decided has the plan's scope, whichever step the run was about.
        forced = arguments["forced"]
        phase = value_of(context.variables, "phase") if forced else None
        agents: list[str] = value_of(context.variables, "agent", []) if forced else []
        state = context.state
        if not state.attempt and not arguments["forced"]:
            return _orders.not_due("nothing was started")
        if not state.attempt:
            return self._rollback_without_ledger(context, agents, phase)
        of_phase = set(state.phase(str(phase)).touched) if phase else None
        if phase and not of_phase:
            raise StepError(
                f"{context.rollout} has touched nothing in a phase {phase!r}; phases so far: {', '.join(state.phases) or 'none'}."
            )

        gone = {host for host in self._by_host(state.touched()) if context.has_left(host)}
        # Who limits a rollback to some hosts is not asked about others.
        if set(self._by_host(state.touched())) - gone - set(context.in_play):
            gone = set()

        def chosen(instance: str) -> bool:
            named, host = split_instance(instance)
            # One that has left the inventory is not left out: it counts as not back.
            in_limit = host in context.in_play or host in gone
            return in_limit and (not agents or named in agents) and (of_phase is None or instance in of_phase)

        order = _orders.rollback(
            state, forced=arguments["forced"], why=value_of(context.variables, "reason", ""), chosen=chosen
        )
        if not order["due"] and arguments["forced"] and state.touched():
            raise StepError(
                f"{context.rollout}: {order['why']}. It touched {', '.join(state.touched())}; this run may act on "
                f"{', '.join(context.in_play)}. Correct agent, phase or --limit."
            )
        if not order["due"]:
            return order
        accept = _unproven.accepted(context.variables, [*state.touched()])
        order["accept"], order["accept_reason"] = self._by_host(accept.instances), accept.reason
        order["proofs"] = _unproven.corrected_proofs(context, order["instances"])
        order["directory"] = state.backup_directory
        order["agents"] = self._by_host(order["instances"])
        order["named"] = order.pop("instances")
        if not self.check_mode:
            hold(context, self.real_clock.now(), by_hand="rolled back by hand" if arguments["forced"] else "")
            started = {"instances": order["named"], "why": order["reason"], **_unproven.noted(context, order)}
            context.record("rollback.started", started, self.clock.now())
            order["fence"] = _fencing.fence(context.rollout, "rollback", context.records)
        return order

    def _rollback_without_ledger(self, context: Context, chosen: list[str], phase: Any) -> Result:
        """Ledger gone: the backup's own manifest on each host says what to restore; a person names its directory."""
        directory = value_of(context.variables, "rollout_backup_dir")
        if not directory:
            known = context.plan.backup if context.plan is not None else "<directory>"
            raise StepError(
                f"rollout {context.rollout!r} has no {context.ledger.label}. If it is somewhere else, name its folder with "
                f"-e rollout_monitoring_dir=<folder>. If it is gone, say which backup on the hosts to restore, whole: -e rollout_backup_dir={known}"
            )
        if phase:
            raise StepError(
                f"without a ledger nobody knows what phase {str(phase)!r} touched. Choose by -e agent=<name> and --limit, or leave phase out."
            )
        accept = _unproven.accepted(context.variables, None)
        agents = {host: list(chosen) for host in context.in_play}
        named = [instance_id(agent, host) for host in context.in_play for agent in chosen]
        return _orders.due(
            directory=str(directory),
            agents=agents,
            named=named,
            reason="asked for, without a ledger",
            no_ledger=True,
            accept=self._by_host(accept.instances),
            accept_reason=accept.reason,
            fence=_fencing.fence(context.rollout, "rollback without a ledger", []),
        )

    @staticmethod
    def _by_host(instances: list[str]) -> dict[str, list[str]]:
        grouped: dict[str, list[str]] = {}
        for instance in instances:
            agent, host = split_instance(instance)
            grouped.setdefault(host, []).append(agent)
        return grouped

    def _status(self, context: Context, arguments: dict[str, Any]) -> Result:
        """All agents of the inventory on every host of the play, since a quarter of an hour ago."""
        since = _instances.in_real_time(context, self.clock.now() - timedelta(minutes=15))
        agents = list(context.catalogue or [])
        wanted: list[str] = value_of(context.variables, "agent", [])
        unknown = [name for name in wanted if name not in agents]
        if unknown:
            raise StepError(
                f"agent {', '.join(unknown)}: not in the agents file of the inventory; known are {', '.join(agents)}."
            )
        agents = wanted or agents
        looks = {}
        for host in context.in_play:
            units = [_instances.to_look_at(context, agent, host) for agent in agents]
            looks[host] = {
                "instances": units,
                "since": since,
                "nats_port": _instances.nats_port(context, host),
                "disk_paths": [str(path) for path in context.hostvar(host, "rollout_disk_paths", [])],
            }
        return _orders.due(looks=looks, hosts=context.in_play)
