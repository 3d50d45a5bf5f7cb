# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan's criteria, triggers and alerts in the judge's terms, and which of them each gate asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import Rule
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan


PROVEN = Rule(
    "instances_proven",
    "instances_proven",
    "equals",
    100.0,
    "equals 100%",
    unit="percent",
    by_unit="percent",
    over="checkpoint",
)


def rule_of(criterion: Any, kind: str) -> Rule:
    """One criterion, trigger or alert of a plan as a rule."""
    shown = criterion.text.removeprefix(f"{criterion.metric} ")
    metric = METRICS[criterion.metric]
    return Rule(
        name=getattr(criterion, "name", None) or criterion.metric,
        metric=criterion.metric,
        operator=criterion.comparison,
        threshold=criterion.threshold,
        text=shown,
        kind=kind,
        unit=criterion.unit,
        against=criterion.against,
        relative=criterion.relative,
        ignore_under=criterion.ignore_under,
        min_samples=criterion.min_samples,
        missing=tuple(sorted(criterion.missing.items())),
        severity=getattr(criterion, "severity", None),
        by_unit=metric.unit,
        over=criterion.over,
    )


def _triggers(plan: Plan, only_hosts: bool) -> list[Rule]:
    """`only_hosts`: those that a look without NATS measurements can answer."""
    kept = [t for t in plan.rollback.when if not only_hosts or not {"probe", "sample"} & set(METRICS[t.metric].needs)]
    return [rule_of(trigger, "trigger") for trigger in kept]


def _alerts(plan: Plan, only_hosts: bool) -> list[Rule]:
    kept = [a for a in plan.alerts if not only_hosts or not {"probe", "sample"} & set(METRICS[a.metric].needs)]
    return [rule_of(alert, "alert") for alert in kept]


def for_verify(plan: Plan) -> list[Rule]:
    """The gate of a phase: all of `verify.criteria`, and the triggers.

    No phase passes without proof of its instances, whatever else its plan asks for.
    """
    rules = [rule_of(criterion, "primary") for criterion in plan.verify.criteria]
    if all(rule.metric != PROVEN.metric for rule in rules):
        rules.append(PROVEN)
    return rules + _triggers(plan, only_hosts=False)


def for_look(plan: Plan) -> list[Rule]:
    """A look between checkpoints: triggers and alerts that hosts alone can answer."""
    return _triggers(plan, only_hosts=True) + _alerts(plan, only_hosts=True)


def for_checkpoint(plan: Plan, name: str | None) -> list[Rule]:
    """A checkpoint: primary criteria (with its own), secondary ones, triggers and alerts."""
    own = plan.checkpoint(name).criteria if name else []
    return [
        *(rule_of(criterion, "primary") for criterion in [*plan.criteria.primary, *own]),
        *(rule_of(criterion, "secondary") for criterion in plan.criteria.secondary),
        *_triggers(plan, only_hosts=False),
        *_alerts(plan, only_hosts=False),
    ]
