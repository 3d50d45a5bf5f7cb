# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that meet or must not: phases, agents, checkpoints, triggers, patterns, criteria."""

from __future__ import annotations

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._criterion import Alert
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._findings import (
    Checks,
    Finding,
    Findings,
    agents_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._patterns import contains
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import (
    Approval,
    Checkpoints,
    Control,
    Criteria,
    Needs,
    Phase,
    Rollback,
    Sample,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import format_duration

CHECKS = Checks()


@CHECKS.add
def _phase_names(phases: list[Phase]) -> Findings:
    names: set[str] = set()
    for number, phase in enumerate(phases):
        if phase.name in names:
            yield Finding(("phases", number, "name"), "a name that no other phase has")
        names.add(phase.name)


@CHECKS.add
def _agents_once(phases: list[Phase], control: Control) -> Findings:
    first: dict[str, str] = {}
    for path, agent in agents_of(phases, control):
        if agent not in first:
            first[agent] = "control" if path[0] == "control" else f"phase {phases[int(path[1])].name}"
        elif path[0] == "control" and first[agent] != "control":
            yield Finding(
                path,
                "an agent that no phase changes",
                f"{agent} changes in {first[agent]}; a control agent runs without the change",
            )
        else:
            yield Finding(path, "each agent once", f"{agent} is in {first[agent]} already")


@CHECKS.add
def _after_last_phase(phases: list[Phase], checkpoints: Checkpoints) -> Findings:
    last = phases[-1].name
    if checkpoints.after != last:
        known = checkpoints.after in {phase.name for phase in phases}
        hint = (
            "a checkpoint before the last phase would not see all of the change" if known else "no phase has this name"
        )
        yield Finding(("checkpoints", "after"), f"{last}, the last phase", hint)


@CHECKS.add
def _known_checkpoints(checkpoints: Checkpoints) -> Findings:
    names = [f"T+{format_duration(offset)}" for offset in checkpoints.at]
    for name in checkpoints.also:
        if name not in names:
            yield Finding(
                ("checkpoints", "also", name),
                "one of " + ", ".join(names),
                "add its time to checkpoints.at, or correct the name",
                name,
            )


@CHECKS.add
def _known_approvals(approvals: list[Approval], phases: list[Phase]) -> Findings:
    names = [*(phase.name for phase in phases), "decision"]
    seen: set[str] = set()
    for position, approval in enumerate(approvals):
        if approval.before not in names:
            yield Finding(
                ("approvals", position, "before"), "one of " + ", ".join(names), "correct the name", approval.before
            )
        if approval.before in seen:
            yield Finding(("approvals", position, "before"), "each approval once")
        seen.add(approval.before)


@CHECKS.add
def _own_need(rollout: str, needs: Needs | None) -> Findings:
    if needs is not None and needs.rollout == rollout:
        yield Finding(("needs", "rollout"), "another rollout", "a rollout can't wait for itself")


@CHECKS.add
def _sample_counts_once(sample: Sample | None) -> Findings:
    if sample is None:
        return
    listed = [
        (("sample", group, position), pattern)
        for group in ("legacy", "unified")
        for position, pattern in enumerate(getattr(sample, group))
    ]
    for number, (path, pattern) in enumerate(listed):
        for other_number, (other_path, other) in enumerate(listed):
            if number != other_number and contains(other, pattern) and (other != pattern or other_number < number):
                where = f"sample.{other_path[1]}"
                yield Finding(
                    path,
                    "patterns that don't contain each other",
                    f"{other} in {where} contains it; messages would count twice",
                )
                break


@CHECKS.add
def _trigger_names(rollback: Rollback) -> Findings:
    names: set[str] = set()
    for position, trigger in enumerate(rollback.when):
        if trigger.name in names:
            yield Finding(("rollback", "when", position, "name"), "a name that no other trigger has")
        names.add(trigger.name)


@CHECKS.add
def _triggers_used(rollback: Rollback) -> Findings:
    if rollback.when and "trigger" not in rollback.on:
        yield Finding(
            ("rollback", "on"),
            "trigger among them",
            "rollback.when lists triggers that would never be pulled; use alerts to be told only",
            ", ".join(rollback.on) or "an empty list",
        )


@CHECKS.add
def _no_repeats(criteria: Criteria) -> Findings:
    seen: dict[tuple[str, str, str | None, str], str] = {}
    for name, listed in (("primary", criteria.primary), ("secondary", criteria.secondary)):
        for position, criterion in enumerate(listed):
            key = (criterion.metric, criterion.comparison, criterion.against, criterion.over)
            here = f"criteria.{name}[{position}]"
            if key in seen:
                yield Finding(
                    ("criteria", name, position, "metric"),
                    "each comparison once",
                    f"{seen[key]} says the same of {criterion.metric}",
                )
            seen.setdefault(key, here)


@CHECKS.add
def _alerts_once(alerts: list[Alert]) -> Findings:
    seen: set[str] = set()
    for position, alert in enumerate(alerts):
        key = f"{alert.text} {alert.over} {alert.severity}"
        if key in seen:
            yield Finding(("alerts", position, "metric"), "each alert once")
        seen.add(key)
