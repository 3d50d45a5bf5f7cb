# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that no look of the plan could ever answer: they would hold for ever, or be passed over in silence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._criterion import Criterion
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._findings import (
    Checks,
    Finding,
    Findings,
    criteria_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import (
    Baseline,
    Checkpoints,
    Control,
    Criteria,
    Phase,
    Probe,
    Rollback,
    Verify,
    Watch,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import Path_
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import format_duration

CHECKS = Checks()

# Plan time of a bucket of the series, in seconds.
BUCKET_S = 60.0
# The buckets in which an agent was restarted say nothing about the time before.
LOST_TO_RESTART = 1
# With fewer values a side nothing is compared, whatever a plan asks for.
FEWEST = 5


@CHECKS.add
def _looks_measure(rollback: Rollback, alerts: list[Any], watch: Watch) -> Findings:
    """Triggers and alerts are for the looks between gates: one of those must measure what they are about.

    A look asks the agents itself as long as they may be probed between gates at all, however rarely that is.
    """
    for path, rule in _listed(("rollback", "when"), rollback.when, ("alerts",), alerts):
        needs = METRICS[rule.metric].needs
        if "sample" in needs and not watch.sample:
            yield Finding(
                (*path, "metric"),
                "a metric that looks can measure, or watch.sample of at least 1s",
                f"no look listens on NATS, so none could answer {rule.metric}; a criterion of checkpoints can",
                f"{rule.metric} with watch.sample 0s",
            )
        elif "probe" in needs and not watch.sample and not watch.probe_every:
            yield Finding(
                (*path, "metric"),
                "watch.probe_every or watch.sample of at least 1s",
                f"no look between gates would ask the agents anything, so none could answer {rule.metric}",
                f"{rule.metric} with watch.sample 0s and watch.probe_every 0s",
            )


@CHECKS.add
def _baseline_holds_enough(baseline: Baseline, probe: Probe | None, rules: list[tuple[Path_, Criterion]]) -> Findings:
    """The first agents are changed right after the baseline: what is compared with before must find it there."""
    if probe is None:
        return
    buckets = max(math.floor(baseline.window / BUCKET_S) - LOST_TO_RESTART, 0)
    asked = min(1.0, probe.count * BUCKET_S / baseline.window)
    held = math.floor(buckets * asked)
    for path, rule in rules:
        needed = max(rule.min_samples, FEWEST)
        if rule.metric != "latency_shift" or held >= needed:
            continue
        window = (needed + LOST_TO_RESTART) * BUCKET_S
        enough = f"baseline.window of at least {format_duration(max(window, baseline.window))}"
        if probe.count < max(window, baseline.window) / BUCKET_S:
            enough += f" and probe.count of at least {math.ceil(max(window, baseline.window) / BUCKET_S)}"
        yield Finding(
            (*path, "metric"),
            f"{enough}: {needed} whole buckets of a minute before the change",
            f"{held} are all that are sure to lie between the begin of the baseline and the first restart",
            f"latency_shift with baseline.window {format_duration(baseline.window)} and probe.count {probe.count}",
        )


@CHECKS.add
def _verify_sees_enough(verify: Verify) -> Findings:
    """The gate of a phase comes right after its change, when there are few buckets, and hardly any looks."""
    for position, rule in enumerate(verify.criteria):
        metric, path = METRICS[rule.metric], ("verify", "criteria", position, "metric")
        needed = max(rule.min_samples, FEWEST if metric.sequential else 1)
        if metric.counted == "looks":
            yield Finding(
                path, "a metric that one look can answer",
                f"{rule.metric} needs {needed} looks since the change; move it to criteria, or to rollback.when", rule.metric,
            )  # fmt: skip
        elif metric.counted == "buckets" and verify.window < needed * BUCKET_S:
            yield Finding(
                path,
                f"verify.window of at least {format_duration(needed * BUCKET_S)}",
                f"{rule.metric} needs {needed} buckets of a minute since the change; or move it to criteria or rollback.when",
                f"{rule.metric} with verify.window {format_duration(verify.window)}",
            )


@CHECKS.add
def _checkpoints_see_enough(
    criteria: Criteria,
    checkpoints: Checkpoints,
    watch: Watch,
    rollback: Rollback,
    alerts: list[Any],
    phases: list[Phase],
) -> Findings:
    """What is counted in buckets or looks since the change must be there at the checkpoint that asks for it."""
    first, last = checkpoints.at[0], checkpoints.at[-1]
    soaks = sum(phase.soak or 0.0 for phase in phases)
    also = [
        (("checkpoints", "also", name), rules, _offset(checkpoints, name)) for name, rules in checkpoints.also.items()
    ]
    lists: list[tuple[Path_, list[Any], float, str]] = [
        (("criteria", "primary"), criteria.primary, first, f"T+{format_duration(first)}"),
        (("criteria", "secondary"), criteria.secondary, last, f"T+{format_duration(last)}"),
        (("rollback", "when"), rollback.when, last + soaks, "the end of the rollout"),
        (("alerts",), alerts, last + soaks, "the end of the rollout"),
        *((path, rules, offset, str(path[2])) for path, rules, offset in also if offset is not None),
    ]
    for path, rules, until, name in lists:
        for position, rule in enumerate(rules):
            metric = METRICS[rule.metric]
            every = {"buckets": BUCKET_S, "looks": watch.every}.get(metric.counted)
            needed = max(rule.min_samples, FEWEST if metric.sequential else 1)
            if every is None or until >= needed * every:
                continue
            yield Finding(
                (*path, position, "metric"),
                f"at least {format_duration(needed * every)} until {name}",
                f"{rule.metric} needs {needed} {'looks, one each watch.every' if every == watch.every else 'buckets of a minute'}"
                f", and there are {math.floor(until / every)}; ask it later, or look more often",
                f"{rule.metric} with min_samples {needed}",
            )


@CHECKS.add
def _rows_can_be_reached(rollback: Rollback, watch: Watch, checkpoints: Checkpoints, phases: list[Phase]) -> Findings:
    """A trigger that must hold in more looks in a row than the rollout has is never pulled."""
    time = sum(phase.soak or 0.0 for phase in phases) + checkpoints.at[-1]
    looks = math.floor(time / watch.every) + len(phases) + len(checkpoints.at)
    for position, trigger in enumerate(rollback.when):
        least = min(trigger.consecutive, trigger.total or trigger.consecutive)
        if least > looks:
            key = "consecutive" if trigger.consecutive == least else "total"
            yield Finding(
                ("rollback", "when", position, key),
                f"at most {looks}",
                "that is how many looks and gates the rollout has; fewer in a row, or looks that come more often",
            )


@CHECKS.add
def _silence_can_last(rollback: Rollback, alerts: list[Any], checkpoints: Checkpoints, phases: list[Phase]) -> Findings:
    """A silence that must be longer than the rollout is never found."""
    time = sum(phase.soak or 0.0 for phase in phases) + checkpoints.at[-1]
    for path, rule in _listed(("rollback", "when"), rollback.when, ("alerts",), alerts):
        if rule.metric == "silence" and rule.comparison in ("above", "at_least") and rule.threshold >= time:
            yield Finding(
                (*path, rule.comparison),
                f"less than {format_duration(time)}",
                "the soaks and the last checkpoint end before that",
            )


def check_answers(sections: Mapping[str, Any]) -> list[Finding]:
    """Every rule that no look of these sections could answer."""
    return CHECKS.run({**sections, "rules": list(criteria_of(sections))})


def check_counts(sections: Mapping[str, Any], hosts: int) -> list[Finding]:
    """Rules that want more samples than so many hosts have instances, agents or answers to give."""
    found: list[Finding] = []
    phases: list[Phase] = sections.get("phases", [])
    probe: Probe | None = sections.get("probe")
    if not phases:
        return found
    first, all_agents = len(phases[0].agents), sum(len(phase.agents) for phase in phases)
    control: Control = sections.get("control", Control())
    for path, rule in criteria_of(sections):
        # The gate of the first phase asks its criteria and all triggers of the first phase's instances alone.
        early = path[0] in ("verify", "rollback")
        agents = first if early else all_agents
        metric = METRICS[rule.metric]
        most: int | None = {
            "instances": agents * hosts, "hosts": hosts, "agents": agents,
            "answers": probe.count * hosts * (1 if metric.unit == "duration" else agents) if probe else None,
        }.get(metric.counted)  # fmt: skip
        if metric.counted == "instances" and metric.comparison and most is not None:
            most = min(most, len(control.agents) * hosts) or None
        if most is None or rule.min_samples <= most:
            continue
        what = "of an agent in one look" if metric.unit == "duration" else "in the first phase" if early else "in all"
        hint = f"{metric.counted} {what}, on {hosts} hosts"
        if metric.counted == "answers" and probe is not None:
            needed = math.ceil(rule.min_samples * probe.count / most)
            hint = f"{probe.count} requests x {hosts} hosts; set probe.count to {needed}"
        found.append(
            Finding(
                (*path, "metric" if metric.counted == "answers" else "min_samples"),
                f"min_samples of at most {most}, all that one look can gather" if probe else f"at most {most}",
                hint,
                f"{rule.metric} with min_samples {rule.min_samples}",
            )
        )
    return found


def _offset(checkpoints: Checkpoints, name: str) -> float | None:
    return next((offset for offset in checkpoints.at if f"T+{format_duration(offset)}" == name), None)


def _listed(*pairs: Any) -> list[tuple[Path_, Any]]:
    """Paths and rules of lists that are given as path, list, path, list."""
    return [
        ((*path, place), rule)
        for path, rules in zip(pairs[::2], pairs[1::2], strict=True)
        for place, rule in enumerate(rules)
    ]
