# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the recorded evidence of a gate again, offline, with its own plan or another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _series
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError, read_plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import file_sha256, read_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._rejudge import lines, rejudge


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "checkpoint": {"type": "str", "default": ""},
        "plan": {"type": "str", "default": ""},
    }

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return False

    def tells_people(self, arguments: dict[str, Any]) -> bool:
        return False

    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        gate = self._gate(context, arguments["checkpoint"])
        folder = (context.monitoring / str(gate.data["evidence"])).parent
        evidence, summary = self._recorded(folder, gate)
        plan = self._plan(context, arguments["plan"])
        again = rejudge(plan, evidence, summary, context.records, gate)
        head = f"{gate.data['name']} of {context.rollout} as of {evidence['at']}, judged by {plan.path}"
        return {
            "msg": [head, *lines(again)],
            "differs": again.differs,
            "then": again.decision_then,
            "now": again.decision_now,
            "verdicts": [vars(row) for row in again.rows],
        }

    @staticmethod
    def _gate(context: Context, asked: str) -> Record:
        """The newest decision of that name, or the newest of all, that has evidence."""
        if not context.state.attempt:
            raise StepError(f"{context.rollout} has no {context.ledger.label}: nothing was recorded to be judged.")
        gates = [r for r in context.records if r.kind == "gate.decided" and r.data.get("evidence")]
        gates = [r for r in gates if r.attempt == context.state.attempt]
        fitting = [r for r in gates if not asked or r.data["name"] == asked]
        if not fitting:
            known = ", ".join(dict.fromkeys(str(r.data["name"]) for r in gates)) or "none"
            raise StepError(
                f"checkpoint {asked!r}: {context.rollout} has evidence of {known}. Say -e checkpoint=<one of them>."
            )
        return fitting[-1]

    @staticmethod
    def _recorded(folder: Path, gate: Record) -> tuple[dict[str, Any], dict[str, Any]]:
        """Evidence with its series, and the summary; refused when they are not what the ledger says they were."""
        for name in ("evidence.json", "summary.json"):
            wanted, seen = (gate.data.get("files") or {}).get(name), file_sha256(folder / name)
            if seen is None:
                raise StepError(f"{folder / name}: no such file, although the ledger (record {gate.seq}) names it.")
            if wanted != seen:
                raise StepError(
                    f"{folder / name}: SHA-256 {seen[:12]}, the ledger (record {gate.seq}) says {str(wanted)[:12]}. "
                    "The file was changed after the gate, or a later look of the same name replaced it."
                )
        evidence, summary = read_json(folder / "evidence.json"), read_json(folder / "summary.json")
        if evidence is None or summary is None:
            raise StepError(f"{folder}: evidence.json and summary.json can't be read.")
        evidence["series"] = _series.load(folder, evidence["series"]) if evidence.get("series") else None
        return evidence, summary

    @staticmethod
    def _plan(context: Context, given: str) -> Any:
        if given:
            path = Path(given).expanduser()
            if not path.is_file():
                raise StepError(f"plan {given!r}: no such file, looked for at {path.absolute()}.")
            return read_plan(path)
        from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import plan_from_dict

        return plan_from_dict(context.state.start["plan"], path="the recorded plan")
