# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole of a gate as one pure function: plan, evidence and history in, verdicts and decision out.

The same function judges while a rollout runs, judges recorded evidence again, and is measured on made-up histories.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _rules, _triggers
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import Accounting
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._host_trouble import runs_as_proven
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import (
    GO,
    HOLD,
    INCONCLUSIVE,
    NO_GO,
    ROLLBACK,
    Decision,
    Rule,
    Verdict,
    decide,
    describe,
    is_far,
    judge,
    needs_confirmation,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

LOOK, VERIFY, CHECKPOINT = "look", "verify", "checkpoint"


@dataclass
class Judged:
    """What a gate found: all verdicts, the decision, triggers that fired below their limits, and who is well."""

    verdicts: list[Verdict]
    decision: Decision
    accounting: Accounting
    waiting: list[Verdict] = field(default_factory=list)


def rules_of(plan: Plan, kind: str, name: str, shadow: bool = False) -> list[Rule]:
    """What a gate asks. `kind`: look, verify or checkpoint; a checkpoint that the plan doesn't know asks the common criteria."""
    if kind == VERIFY:
        return _rules.for_verify(plan, shadow)
    if kind == LOOK:
        return _rules.for_look(plan, shadow)
    return _rules.for_checkpoint(plan, name if name in plan.checkpoint_names() else None, shadow)


def judge_gate(
    plan: Plan,
    kind: str,
    name: str,
    evidence: dict[str, Any],
    history: Sequence[_triggers.Answered],
    *,
    last_attempt: bool = True,
    causes_before: Iterable[str] = (),
    rules: list[Rule] | None = None,
) -> Judged:
    """Judge one gate.

    `history`: which triggers the looks and gates before could answer, and which fired, oldest first; `last_attempt`:
    nobody looks again after this; `causes_before`: what the attempt before this one, of the same gate, held for;
    `rules`: those of `rules_of` where they were made before.
    """
    if kind == LOOK and not any(item["role"] == "test" for item in evidence["instances"].values()):
        # While a person is asked before the first phase there is nothing that could have done harm.
        return Judged([], Decision(GO, "nothing is changed yet"), account(evidence))
    asked = rules_of(plan, kind, name, bool(evidence.get("shadow"))) if rules is None else rules
    verdicts = judge(asked, evidence, _rules.alpha_of(plan))
    limits = {trigger.name: _triggers.Limits(trigger.consecutive, trigger.total) for trigger in plan.rollback.when}
    counting, waiting = _triggers.split(verdicts, limits, history)
    rule_of = {rule.name: rule for rule in asked if rule.kind == "trigger"}
    counting = [each for each in counting if not _may_be_young(plan, kind, name, each, rule_of.get(each.name))]
    occasion = "failed_checkpoint" if kind == CHECKPOINT else "failed_phase"
    decision = decide(
        counting,
        failed_leads_to=ROLLBACK if occasion in plan.rollback.on else NO_GO,
        trigger_leads_to=ROLLBACK if "trigger" in plan.rollback.on else NO_GO,
    )
    looks_again = kind in (VERIFY, CHECKPOINT) and not last_attempt
    if looks_again and needs_confirmation(counting, decision, causes_before):
        why = f"to be confirmed by another look: {decision.why}"
        decision = Decision(HOLD, why, decision.instances, decision.causes)
    if decision.decision == GO and waiting:
        why = f"not yet as often as the plan asks for: {'; '.join(describe(verdict) for verdict in waiting)}"
        decision = Decision(HOLD, why, causes=[verdict.name for verdict in waiting])
    return Judged(verdicts, decision, account(evidence), waiting)


def _may_be_young(plan: Plan, kind: str, name: str, verdict: Verdict, rule: Rule | None) -> bool:
    """Whether a trigger that has too few samples may have them later.

    What needs more looks gets them by itself, and the gate of a phase comes before there are any. A checkpoint holds
    for it; for a trend, which takes its time, only the last one does. What is far beyond the threshold holds anywhere.
    """
    if rule is not None and verdict.value is not None and is_far(rule, verdict.value):
        return False
    young = verdict.verdict == INCONCLUSIVE and set(verdict.reasons) == {reasons.TOO_FEW_SAMPLES}
    if verdict.kind != "trigger" or not young or verdict.leads_to != HOLD:
        return False
    metric, last = METRICS[verdict.metric], name == plan.checkpoint_names()[-1]
    return kind == LOOK or (kind == VERIFY and metric.sequential) or (metric.trend and not last)


def account(evidence: dict[str, Any]) -> Accounting:
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
        elif not item.get("reason") and (item.get("active") if before_change else runs_as_proven(evidence, item)):
            tally.good.append(name)
        else:
            tally.bad.append(name)
            how = f"{item.get('active_state')}, restarted {item.get('unexpected_restarts') or 0} times"
            unproven = "not proven: " if item.get("same_process") is None and not before_change else ""
            tally.why[name] = item.get("reason") or f"{unproven}{how}"
    return tally
