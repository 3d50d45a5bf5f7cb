# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges what a step measured, writes the evidence, and records the decision."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _instances, _rules, _triggers
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import Accounting, split_instance
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._checkpoint_files import write_checkpoint
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, operator
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import assemble
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import (
    fresh_folder,
    read_json,
    write_gate,
    write_json,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import (
    FAIL,
    GO,
    HOLD,
    NO_GO,
    ROLLBACK,
    Decision,
    Verdict,
    decide,
    describe,
    judge,
    needs_confirmation,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import DOWN_EVENTS, look_of, totals

Result = dict[str, Any]


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "gate": {"type": "str", "required": True, "choices": ["baseline", "verify", "look", "checkpoint"]},
        "phase": {"type": "str"},
        "checkpoint": {"type": "str"},
        "label": {"type": "str", "default": ""},
        "order": {"type": "dict", "required": True},
        "units": {"type": "str", "required": True},
        "nats": {"type": "list", "elements": "str", "default": []},
        "last_attempt": {"type": "bool", "default": True},
        "last_look": {"type": "bool", "default": False},
    }

    def act(self, context: Context, arguments: dict[str, Any]) -> Result:
        kind, order = arguments["gate"], arguments["order"]
        now = self.clock.now()
        units = self.registered(context, arguments["units"], context.in_play)
        self._keep_looks(context, units, iso(now))
        name = {
            "baseline": "baseline",
            "verify": f"verify-{arguments['phase']}",
            "checkpoint": arguments["checkpoint"],
        }.get(kind, "look")
        evidence = self._evidence(context, arguments, order, units, name, now)
        if kind == "baseline":
            return self._baseline(context, evidence, now)
        rules = self._rules(context, arguments)
        verdicts = judge(rules, evidence)
        plan = context.sure_plan
        limits = {t.name: _triggers.Limits(t.consecutive, t.total) for t in plan.rollback.when}
        pulled, waiting = _triggers.split(verdicts, limits, context.records, context.state.attempt)
        occasion = "failed_checkpoint" if kind == "checkpoint" else "failed_phase"
        decision = decide(
            pulled,
            failed_leads_to=ROLLBACK if occasion in plan.rollback.on else NO_GO,
            trigger_leads_to=ROLLBACK if "trigger" in plan.rollback.on else NO_GO,
        )
        accounting = _account(evidence)
        looks_again = kind in ("verify", "checkpoint") and not arguments["last_attempt"]
        if looks_again and needs_confirmation(pulled, decision, self._causes_before(context, kind, name)):
            why = f"to be confirmed by another look: {decision.why}"
            decision = Decision(HOLD, why, decision.instances, decision.causes)
        if decision.decision == GO and waiting:
            why = f"not yet as often as the plan asks for: {'; '.join(describe(verdict) for verdict in waiting)}"
            decision = Decision(HOLD, why, causes=[verdict.name for verdict in waiting])
        if kind == "look":
            return self._look(context, arguments, evidence, verdicts, decision, accounting, now)
        return self._decided(context, arguments, name, evidence, verdicts, decision, accounting, now)

    def _rules(self, context: Context, arguments: dict[str, Any]) -> list[Any]:
        plan = context.sure_plan
        if arguments["gate"] == "verify":
            return _rules.for_verify(plan)
        if arguments["gate"] == "look":
            return _rules.for_look(plan)
        known = arguments["checkpoint"] in plan.checkpoint_names()
        return _rules.for_checkpoint(plan, arguments["checkpoint"] if known else None)

    def _evidence(
        self, context: Context, arguments: dict[str, Any], order: Result, units: dict[str, Any], name: str, now: Any
    ) -> dict[str, Any]:
        plan, state = context.sure_plan, context.state
        before_change = now if arguments["gate"] == "baseline" else None
        subjects = _instances.subjects_of(context, plan, phase=arguments["phase"], before_change=before_change)
        if before_change:
            history = parse_iso(next(iter(order["looks"].values()))["since"]) if order.get("looks") else now
            subjects = _instances.subjects_of(context, plan, before_change=history)
        head = {
            "rollout": context.rollout,
            "attempt": state.attempt,
            "gate": {"kind": arguments["gate"], "name": name},
            "time_scale": context.time_scale,
            "rehearsal": context.rehearsal,
            "window_s": order.get("window_s", 0.0),
            "late_s": order.get("late_s", 0.0),
            "by": operator(context.variables),
            "plan_digest": plan.digest,
        }
        everywhere = {host: units.get(host, _left_out(host, context)) for host in context.hosts}
        baseline = read_json(context.monitoring / state.baseline) if state.baseline else None
        return assemble(
            head=head,
            subjects=subjects,
            units=everywhere,
            looks={host: context.looks.read(host) for host in context.hosts},
            nats=self._nats(context, arguments, order),
            corruption=list(plan.corruption_signs),
            now=now,
            baseline=baseline,
            previous=self._previous(context, arguments),
            gaps_after=state.gaps_accepted_at,
        )

    def _previous(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """The evidence of the newest checkpoint taken before this one."""
        taken = [
            (c.at, c.evidence)
            for c in context.state.checkpoints.values()
            if c.status == "taken" and c.at and c.evidence and c.name != arguments["checkpoint"]
        ]
        return read_json(context.monitoring / max(taken)[1]) if taken else None

    def _nats(self, context: Context, arguments: dict[str, Any], order: Result) -> list[dict[str, Any]]:
        """One entry per group of servers: what the measuring host answered, or the typed reason why it did not."""
        measured = []
        results: dict[str, Any] = {}
        for name in arguments["nats"]:
            found = self.registered(context, name, context.in_play)
            results.update({host: result for host, result in found.items() if not result.get("skipped")})
        for host, asked in (order.get("nats") or {}).items():
            entry: dict[str, Any] = {
                "name": asked["name"],
                "hosts": asked["hosts"],
                "measured_at": host,
                "reason": None,
                "message": "",
            }
            result = results.get(host)
            if not result or ("sample" not in result and "probe" not in result):
                reason, message = reasons.of_task_result(result)
                entry.update(reason=reason or reasons.TOOL_ERROR, message=message, sample=None, probe=None)
            else:
                sample = result.get("sample")
                # A sample carries the probe that it ran; a probe without a sample stands by itself.
                probe = sample.pop("probe", None) if sample else result.get("probe")
                entry.update(sample=sample, probe=probe)
            measured.append(entry)
        return measured

    @staticmethod
    def _causes_before(context: Context, kind: str, name: str) -> list[str]:
        """What the look before this one, of the same gate in the same run, held for."""
        for record in reversed(context.records):
            if record.kind == "gate.decided":
                same = record.run == context.run and record.data["gate"] == kind and record.data["name"] == name
                return list(record.data.get("causes", [])) if same else []
        return []

    @staticmethod
    def _keep_looks(context: Context, units: dict[str, Any], received_at: str) -> None:
        for host, result in units.items():
            reason, _message = reasons.of_task_result(result)
            if reason is None:
                context.looks.append(host, look_of(host, result, received_at))

    def _baseline(self, context: Context, evidence: dict[str, Any], now: Any) -> Result:
        plan = context.sure_plan
        unseen = [name for name, item in evidence["instances"].items() if item.get("reason")]
        blind = [f"{g['name']}: {_blind(g)}" for g in evidence["nats"] if _blind(g)]
        if unseen or blind:
            why = "; ".join([*blind, *(f"{name}: {evidence['instances'][name]['reason']}" for name in unseen[:5])])
            context.record(
                "gate.decided",
                {"gate": "baseline", "name": "baseline", "decision": HOLD, "why": f"no baseline: {why}"},
                now,
            )
            return {"decision": HOLD, "msg": f"HOLD: the baseline could not be measured: {why}", "measured": False}
        folder = fresh_folder(context.monitoring / "checkpoints" / context.rollout / "baseline")
        verdicts = judge(_rules.for_checkpoint(plan, None), evidence)
        shown = [v.to_dict() for v in verdicts if v.kind in ("primary", "secondary")]
        files = write_gate(
            folder,
            evidence,
            shown,
            {"decision": "none", "why": "a baseline is measured, not judged"},
            _account(evidence).to_dict(),
        )
        path = context.relative(folder / "evidence.json")
        context.record("baseline.taken", {"evidence": path, "files": files}, now)
        return {
            "decision": GO,
            "msg": f"baseline of {len(evidence['instances'])} instances in {folder}",
            "measured": True,
        }

    def _look(
        self, context: Context, arguments: dict[str, Any], evidence: dict[str, Any], verdicts: list[Verdict],
        decision: Decision, accounting: Accounting, now: Any,
    ) -> Result:  # fmt: skip
        """A look between gates: what fired is recorded; only a trigger stops the rollout, a gap resets a soak."""
        gaps = {
            name: item["reason"]
            for name, item in evidence["instances"].items()
            if item.get("reason") and item["role"] == "test"
        }
        gaps.update(
            {
                n: i["gaps"][-1]["reason"]
                for n, i in evidence["instances"].items()
                # A gap of an earlier look was told, and has begun the soak anew, when it was found.
                if i.get("gaps") and i["gaps"][-1]["at"] == i.get("at") and i["role"] == "test"
            }
        )
        context.record(
            "look.taken",
            {
                "label": arguments["label"],
                **_triggers.names(verdicts),
                "gaps": gaps,
                "accounting": accounting.text(),
            },
            now,
        )
        self._alert(context, verdicts, now)
        if decision.decision in (ROLLBACK, NO_GO):
            name = f"look-{now.strftime('%Y%m%dT%H%M%SZ')}"
            return self._decided(context, arguments, name, evidence, verdicts, decision, accounting, now)
        readings = _readings(verdicts, evidence)
        if arguments["phase"]:
            self._soak(context, arguments, gaps, evidence, decision, now)
        readings = f"{len(accounting.good)} of {len(accounting.expected)} well, {readings}"
        result: Result = {"decision": GO, "readings": readings, "gaps": gaps}
        if gaps:
            result["msg"] = f"gap: {', '.join(f'{n} {r}' for n, r in gaps.items())}. {accounting.text()}"
        return result

    @staticmethod
    def _soak(
        context: Context, arguments: dict[str, Any], gaps: dict[str, str], evidence: dict[str, Any],
        decision: Decision, now: Any,
    ) -> None:  # fmt: skip
        """Close the soak when its last look is clean; anything else starts it anew, a trigger that nobody could see too."""
        phase = arguments["phase"]
        looks = {host: context.looks.read(host) for host in context.hosts}
        soak_from = context.state.phase(phase).soak_from
        unwell = [
            name for name, item in evidence["instances"].items()
            if item["role"] == "test" and not item.get("reason") and _unwell_since(soak_from, item, looks[item["host"]])
        ]  # fmt: skip
        whys = [
            *(f"{name} {reason}" for name, reason in gaps.items()),
            *(f"{name} had errors or was down" for name in unwell),
        ]
        if not whys and decision.decision != GO:
            whys = [decision.why]
        if whys:
            why = "; ".join(whys)
            context.record("soak.reset", {"phase": phase, "from": iso(now), "why": why}, now)
        elif arguments["last_look"]:
            context.record("soak.done", {"phase": phase}, now)

    @staticmethod
    def _alert(context: Context, verdicts: list[Verdict], now: Any) -> None:
        raised = [v for v in verdicts if v.kind == "alert" and v.verdict == FAIL]
        if raised:
            context.record(
                "alert.raised", {"alerts": [{"severity": v.severity, "text": describe(v)} for v in raised]}, now
            )

    def _decided(
        self, context: Context, arguments: dict[str, Any], name: str, evidence: dict[str, Any], verdicts: list[Verdict],
        decision: Decision, accounting: Accounting, now: Any,
    ) -> Result:  # fmt: skip
        kind = arguments["gate"]
        folder = fresh_folder(context.monitoring / "checkpoints" / context.rollout / name)
        shown = [verdict.to_dict() for verdict in verdicts]
        files = write_gate(folder, evidence, shown, vars(decision), accounting.to_dict())
        if kind == "checkpoint":
            files |= write_checkpoint(context, folder, name, evidence, shown, vars(decision))
            self._alert(context, verdicts, now)
        follow_up = kind == "checkpoint" and name not in context.sure_plan.checkpoint_names()
        stops = decision.decision != GO and not follow_up and (decision.decision != HOLD or arguments["last_attempt"])
        path = context.relative(folder / "evidence.json")
        context.record(
            "gate.decided",
            {
                "gate": kind,
                "name": name,
                "phase": arguments["phase"],
                "decision": decision.decision,
                "why": decision.why,
                "stops": stops,
                "scope": context.sure_plan.rollback.scope,
                "instances": self._scope(context, decision, arguments),
                "causes": decision.causes,
                **_triggers.names(verdicts),
                "accounting": accounting.to_dict(),
                "evidence": path,
                "files": files,
            },
            now,
        )
        write_json(
            context.monitoring / "checkpoints" / context.rollout / "latest.json",
            {"name": name, "decision": decision.decision, "at": iso(now)},
        )
        word = {GO: "GO", HOLD: "HOLD", NO_GO: "NO-GO", ROLLBACK: "ROLL BACK"}[decision.decision]
        return {
            "decision": decision.decision,
            "readings": _readings(verdicts, evidence),
            "evidence": str(folder),
            "msg": f"{name}: {word}: {decision.why}. {accounting.text()}. Evidence: {folder}",
        }

    @staticmethod
    def _scope(context: Context, decision: Decision, arguments: dict[str, Any]) -> list[str]:
        """The touched instances that a rollback of the plan's scope would take back."""
        touched = context.state.touched()
        scope = context.sure_plan.rollback.scope
        if decision.decision != ROLLBACK or scope == "rollout":
            return touched
        if scope == "phase":
            phases = list(context.state.phases.values())
            return list(phases[-1].touched) if phases else touched
        servers = {group["name"]: group.get("hosts") or [] for group in context.state.nats_groups}
        named = [i for i in touched if any(_names(each, i, servers) for each in decision.instances)]
        return named or touched


def _names(named: str, instance: str, servers: dict[str, list[str]]) -> bool:
    """Does an instance, agent, host, or `agent/group of servers` mean this instance?"""
    agent, host = split_instance(instance)
    who, _slash, group = named.partition("/")
    if group:
        return who == agent and host in servers.get(group, [host])
    return named in (instance, agent, host)


def _unwell_since(since: datetime | None, item: dict[str, Any], looks: list[dict[str, Any]]) -> bool:
    """Down now, or with an error or an exit since the soak began; what was before is another gate's matter."""
    if not item.get("active"):
        return True
    seen = totals(looks, item["agent"], since)
    return bool(seen["errors"] or seen["panics"] or any(event["event"] in DOWN_EVENTS for event in seen["events"]))


def _left_out(host: str, context: Context) -> dict[str, Any]:
    if host in context.in_play:
        return {"unreachable": True, "msg": "no answer in this run"}
    return {"unreachable": True, "msg": "left out by --limit"}


def _blind(group: dict[str, Any]) -> str:
    """Why a group of servers gave no sound measurement; empty when it did."""
    if group.get("reason"):
        return f"{group['reason']} {group.get('message') or ''}".strip()
    for part in ("sample", "probe"):
        data = group.get(part)
        if data and data.get("reason"):
            return f"{data['reason']} {data.get('message') or ''}".strip()
    return ""


def _account(evidence: dict[str, Any]) -> Accounting:
    """Test instances: good is active in the proven process, unreachable is a host that gave no answer.

    At the baseline nothing is proven yet; from then on an instance of whose process nobody knows is not good.
    """
    before_change = evidence["gate"]["kind"] == "baseline"
    test = {name: item for name, item in evidence["instances"].items() if item["role"] == "test"}
    tally = Accounting(expected=list(test))
    for name, item in test.items():
        if item.get("reason") == reasons.HOST_UNREACHABLE:
            tally.unreachable.append(name)
            tally.why[name] = item.get("message") or item["reason"]
        elif item.get("active") and not item.get("reason") and (before_change or item.get("same_process")):
            tally.good.append(name)
        else:
            tally.bad.append(name)
            how = f"{item.get('active_state')}, restarted {item.get('unexpected_restarts', 0)} times"
            unproven = "not proven: " if item.get("same_process") is None and not before_change else ""
            tally.why[name] = item.get("reason") or f"{unproven}{how}"
    return tally


def _readings(verdicts: list[Verdict], evidence: dict[str, Any]) -> str:
    """The last readings in one line, for people who wait."""
    errors = sum(int(i.get("errors") or 0) for i in evidence["instances"].values() if i["role"] == "test")
    restarts = sum(
        int(i.get("unexpected_restarts") or 0) for i in evidence["instances"].values() if i["role"] == "test"
    )
    messages = sum(int(i.get("messages") or 0) for i in evidence["instances"].values() if i["role"] == "test")
    memory = [
        i["memory_bytes"] for i in evidence["instances"].values() if i["role"] == "test" and i.get("memory_bytes")
    ]
    parts = [f"errors {errors}", f"messages {messages}", f"restarts {restarts}"]
    if memory:
        parts.append(f"memory max {max(memory) / 1048576:.1f} MiB")
    fired = [v.name for v in verdicts if v.kind in ("trigger", "alert") and v.verdict == FAIL]
    if fired:
        parts.append(f"fired: {', '.join(fired)}")
    return ", ".join(parts)
