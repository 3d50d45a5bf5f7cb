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


def alpha_of(plan: Plan) -> float:
    """The share of false alarms of each sequential metric over the whole rollout: the plan's, split over those that may stop it.

    By metric, not by rule: the bound of a metric holds for all thresholds at once.
    """
    own = [criterion for each in plan.checkpoint_list() for criterion in each.criteria]
    stopping = [*plan.rollback.when, *plan.criteria.primary, *plan.verify.criteria, *own]
    sequential = {criterion.metric for criterion in stopping if METRICS[criterion.metric].sequential}
    return float(plan.judge.false_alarms) / 100.0 / max(len(sequential), 1)


def for_verify(plan: Plan, shadow: bool = False) -> list[Rule]:
    """The gate of a phase: all of `verify.criteria`, and the triggers.

    No phase passes without proof of its instances, whatever else its plan asks for.
    """
    rules = [rule_of(criterion, "primary") for criterion in plan.verify.criteria]
    if all(rule.metric != PROVEN.metric for rule in rules):
        rules.append(PROVEN)
    return _fitting([*rules, *_triggers(plan)], shadow)


def for_look(plan: Plan, shadow: bool = False) -> list[Rule]:
    """A look between checkpoints: the triggers and alerts that what it measures can answer."""
    measured = set()
    if plan.probe and (plan.watch.probe_every or plan.watch.sample):
        measured.add("probe")
    if plan.sample and plan.watch.sample:
        measured.add("sample")
    rules = [*_triggers(plan), *_alerts(plan)]
    unseen = {"probe", "sample"} - measured
    return _fitting([rule for rule in rules if not unseen & set(METRICS[rule.metric].needs)], shadow)


def for_checkpoint(plan: Plan, name: str | None, shadow: bool = False) -> list[Rule]:
    """A checkpoint: primary criteria (with its own), secondary ones, triggers and alerts."""
    own = plan.checkpoint(name).criteria if name else []
    rules = [
        *(rule_of(criterion, "primary") for criterion in [*plan.criteria.primary, *own]),
        *(rule_of(criterion, "secondary") for criterion in plan.criteria.secondary),
    ]
    return _fitting([*rules, *_triggers(plan), *_alerts(plan)], shadow)


def _triggers(plan: Plan) -> list[Rule]:
    return [rule_of(trigger, "trigger") for trigger in plan.rollback.when]


def _alerts(plan: Plan) -> list[Rule]:
    return [rule_of(alert, "alert") for alert in plan.alerts]


def _fitting(rules: list[Rule], shadow: bool) -> list[Rule]:
    """A shadow rollout changes nothing: what only the change can make good is not asked of it."""
    return [rule for rule in rules if not (shadow and METRICS[rule.metric].of_change)]
