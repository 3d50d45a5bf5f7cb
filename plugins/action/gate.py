# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges what a step measured, writes the evidence, and records the decision."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import (
    _baseline,
    _gathering,
    _gating,
    _kept,
    _reverts,
    _rules,
    _series,
    _triggers,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts import record_alerts
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._checkpoint_files import write_checkpoint
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import BUCKET, Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import (
    fresh_folder,
    write_gate,
    write_json,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._gating import Judged
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import (
    FAIL,
    GO,
    HOLD,
    NO_GO,
    ROLLBACK,
    Decision,
    Verdict,
    judge,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._scope import instances_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._soak_health import unwell

Result = dict[str, Any]
# Problems of a baseline that its record names; the terminal has all of them.
MOST_TOLD = 5


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "gate": {"type": "str", "required": True, "choices": ["baseline", "verify", "look", "checkpoint"]},
        "phase": {"type": "str"},
        "checkpoint": {"type": "str"},
        "label": {"type": "str", "default": ""},
        "order": {"type": "dict", "required": True},
        "units": {"type": "str", "required": True},
        "nats": {"type": "list", "elements": "str", "default": []},
        "low_rate": {"type": "str"},
        "last_attempt": {"type": "bool", "default": True},
        "last_look": {"type": "bool", "default": False},
    }

    def writes(self, arguments: dict[str, Any]) -> bool:
        return True

    def act(self, context: Context, arguments: dict[str, Any]) -> Result:
        kind, order = arguments["gate"], arguments["order"]
        if self.check_mode:
            # No step of ours asks for a gate then. Whoever does gets no record, and no GO for what nobody looked at.
            return {"decision": "none", "measured": False, "msg": f"{kind} is not judged: check mode measures nothing"}
        now = self.clock.now()
        units = self._units(context, arguments["units"], list(order.get("looks") or {}))
        self.lost = _gathering.note_lost(context, units, now)
        _gathering.keep_looks(context, units, now)
        back = _reverts.record_reverts(context, units, now)
        if back:
            # Whatever is measured on a host that went back by itself says nothing about the change.
            return dict(_reverts.stop_for(context, back, now))
        name = {
            "baseline": "baseline",
            "verify": f"verify-{arguments['phase']}",
            "checkpoint": arguments["checkpoint"],
        }.get(kind, "look")
        groups = _gathering.nats_groups(order, *self._measured(context, arguments), now)
        _gathering.keep_nats(context, groups)
        _gathering.without_book(groups, self.lost)
        asked = {
            "last_attempt": arguments["last_attempt"],
            "causes_before": self._causes_before(context, kind, name),
        }
        phase = arguments["phase"] if kind == "verify" else None
        evidence = _gathering.gather(context, kind, name, order, units, groups, now, phase, asked)
        if kind == "baseline":
            return self._baseline(context, evidence, now)
        history = _triggers.history(context.records, context.state.attempt)
        judged = _gating.judge_gate(context.sure_plan, kind, name, evidence, history, **asked)
        if kind == "look":
            return self._look(context, arguments, evidence, judged, now)
        return self._decided(context, arguments, name, evidence, judged, now)

    def _kept(self, context: Context) -> _kept.Kept:
        return _kept.kept(context.looks.folder, self.lost)

    def _units(self, context: Context, name: str, asked: list[str]) -> dict[str, Any]:
        """host -> what it answered. A task that looped over hosts has the answers of all of them, by item."""
        found = self.answers(context, name)
        return {host: result for host, result in found.items() if host in asked or not asked}

    def _measured(self, context: Context, arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """(host -> result of the look's own measurement, host -> result of the probe before it)."""
        results: dict[str, Any] = {}
        for name in arguments["nats"]:
            results.update(self.answers(context, name))
        return results, self.answers(context, arguments["low_rate"])

    @staticmethod
    def _causes_before(context: Context, kind: str, name: str) -> list[str]:
        """What the look before this one, of the same gate in the same run, held for."""
        for record in reversed(context.records):
            if record.kind == "gate.decided":
                same = record.run == context.run and record.data["gate"] == kind and record.data["name"] == name
                return list(record.data.get("causes", [])) if same else []
        return []

    def _baseline(self, context: Context, evidence: dict[str, Any], now: datetime) -> Result:
        plan = context.sure_plan
        verdicts = judge(_rules.for_checkpoint(plan, None), evidence)
        missing = _baseline.problems(evidence, verdicts)
        if missing:
            more = f"; and {len(missing) - MOST_TOLD} more" if len(missing) > MOST_TOLD else ""
            why = "; ".join(str(problem) for problem in missing[:MOST_TOLD]) + more
            data = {
                "gate": "baseline",
                "name": "baseline",
                "decision": HOLD,
                "why": f"no baseline: {why}",
                "reasons": sorted({problem.reason for problem in missing}),
            }
            context.record("gate.decided", data, now)
            told = ["HOLD: the baseline could not be measured, nothing was changed.", *(str(p) for p in missing)]
            return {"decision": HOLD, "msg": told, "measured": False}
        folder = fresh_folder(context.monitoring / "checkpoints" / context.rollout / "baseline")
        shown = [v.to_dict() for v in verdicts if v.kind in ("primary", "secondary")]
        files = self._write(
            folder,
            evidence,
            shown,
            {"decision": "none", "why": "a baseline is measured, not judged"},
            _gating.account(evidence).to_dict(),
        )
        path = context.relative(folder / "evidence.json")
        context.record("baseline.taken", {"evidence": path, "files": files, "kept": self._kept(context)}, now)
        return {
            "decision": GO,
            "msg": f"baseline of {len(evidence['instances'])} instances in {folder}",
            "measured": True,
        }

    def _look(
        self, context: Context, arguments: dict[str, Any], evidence: dict[str, Any], judged: Judged, now: datetime
    ) -> Result:
        """A look between gates: what fired is recorded; only a trigger stops the rollout, a gap resets a soak."""
        gaps = _gaps(evidence)
        context.record(
            "look.taken",
            {
                "label": arguments["label"],
                **_triggers.names(judged.verdicts),
                "gaps": gaps,
                "accounting": judged.accounting.text(),
                "readings": _shown(judged.verdicts),
                "kept": self._kept(context),
            },
            now,
        )
        self._alert(context, judged.verdicts, now)
        if judged.decision.decision in (ROLLBACK, NO_GO):
            name = f"look-{now.strftime('%Y%m%dT%H%M%SZ')}"
            return self._decided(context, arguments, name, evidence, judged, now)
        anew = self._soak(context, arguments, gaps, evidence, judged.decision, now) if arguments["phase"] else ""
        accounting = judged.accounting
        readings = f"{len(accounting.good)} of {len(accounting.expected)} well, {_readings(judged.verdicts, evidence)}"
        result: Result = {"decision": GO, "readings": readings, "gaps": gaps}
        told = []
        if gaps:
            told.append(f"gap: {', '.join(f'{n} {r}' for n, r in gaps.items())}. {accounting.text()}")
        if anew:
            told.append(f"the soak of {arguments['phase']} begins anew: {anew}")
        if told:
            result["msg"] = told if len(told) > 1 else told[0]
        return result

    @staticmethod
    def _soak(
        context: Context, arguments: dict[str, Any], gaps: dict[str, str], evidence: dict[str, Any],
        decision: Decision, now: datetime,
    ) -> str:  # fmt: skip
        """Close the soak when its last look is clean; anything else starts it anew, a trigger that nobody could see too.

        Why it begins anew; empty when it does not.
        """
        phase = arguments["phase"]
        looks = {host: context.looks.folded(host, BUCKET) for host in context.hosts}
        soak_from = context.state.phase(phase).soak_from
        soak_s = context.sure_plan.phase(phase).soak or 0.0
        ill = unwell(evidence, looks, soak_from)
        whys = [
            *(f"{name} {reason}" for name, reason in gaps.items()),
            *(f"{name} had errors or was down" for name in ill),
        ]
        if not whys and decision.decision != GO:
            whys = [decision.why]
        if whys:
            why = "; ".join(whys)
            context.record("soak.reset", {"phase": phase, "from": iso(now), "why": why}, now)
            return why
        if arguments["last_look"] and soak_from and now >= plus(soak_from, soak_s):
            # A look of this watch may have begun it anew: then the next round watches the rest.
            context.record("soak.done", {"phase": phase}, now)
        return ""

    @staticmethod
    def _alert(context: Context, verdicts: list[Verdict], now: datetime) -> None:
        record_alerts(context, verdicts, now)

    @staticmethod
    def _write(
        folder: Path, evidence: dict[str, Any], shown: list[dict[str, Any]], decision: dict[str, Any],
        accounting: dict[str, Any],
    ) -> dict[str, str]:  # fmt: skip
        """The files of every gate; the series in a file of its own, named and hashed by the evidence."""
        reference = _series.write(folder, evidence["series"])
        files = write_gate(folder, {**evidence, "series": reference}, shown, decision, accounting)
        return {**files, reference["file"]: reference["sha256"]}

    def _decided(
        self, context: Context, arguments: dict[str, Any], name: str, evidence: dict[str, Any], judged: Judged,
        now: datetime,
    ) -> Result:  # fmt: skip
        kind, decision = arguments["gate"], judged.decision
        folder = fresh_folder(context.monitoring / "checkpoints" / context.rollout / name)
        shown = [verdict.to_dict() for verdict in judged.verdicts]
        files = self._write(folder, evidence, shown, vars(decision), judged.accounting.to_dict())
        if kind == "checkpoint":
            files |= write_checkpoint(context, folder, name, evidence, shown, vars(decision))
        if kind != "look":
            self._alert(context, judged.verdicts, now)
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
                "instances": self._scope(context, decision, arguments["phase"]),
                "causes": decision.causes,
                # A look that decides has been counted by its own record.
                **({} if kind == "look" else _triggers.names(judged.verdicts)),
                "named": decision.instances,
                "accounting": judged.accounting.to_dict(),
                "evidence": path,
                "files": files,
                "kept": self._kept(context),
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
            "readings": _readings(judged.verdicts, evidence),
            "evidence": str(folder),
            "msg": f"{name}: {word}: {decision.why}. {judged.accounting.text()}. Evidence: {folder}",
        }

    @staticmethod
    def _scope(context: Context, decision: Decision, phase: str | None = None) -> list[str]:
        """The touched instances that a rollback of the plan's scope would take back."""
        scope = context.sure_plan.rollback.scope if decision.decision == ROLLBACK else "rollout"
        return instances_of(context.state, scope, decision.instances, phase)


def _gaps(evidence: dict[str, Any]) -> dict[str, str]:
    """What a look could not see: changed instances without an answer, holes in a journal, and NATS groups."""
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
    for group in evidence["nats"]:
        for missed in group.get("unmeasured") or []:
            gaps[f"NATS of {group['name']} ({missed['kind'].replace('_', ' ')})"] = missed["reason"]
    return gaps


def _shown(verdicts: list[Verdict]) -> list[dict[str, Any]]:
    """Triggers and alerts of a look with what they read, for those who look at the ledger."""
    return [
        {
            "name": v.name,
            "kind": v.kind,
            "metric": v.metric,
            "text": v.text,
            "value": v.value,
            "unit": v.unit,
            "verdict": v.verdict,
            **({"not_judged": True} if v.not_judged else {}),
        }
        for v in verdicts
    ]


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
