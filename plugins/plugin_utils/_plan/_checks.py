# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan must hold together: orders of time, names that meet, metrics that can be measured.

Each check is a function whose parameters are sections of the plan by name. It runs when all of these are valid by
themselves, so that a mistake in one section hides no mistake between two others.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import (
    Catalogue,
    PlaceholderError,
    placeholders,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._criterion import Alert, Criterion
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._patterns import contains
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import (
    Baseline,
    Change,
    Checkpoints,
    Control,
    Criteria,
    Needs,
    Phase,
    Probe,
    Rollback,
    Sample,
    Verify,
    Watch,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import Path_
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import format_duration


@dataclass(frozen=True)
class Finding:
    """A mistake found between sections; `seen` None means the value as it is written there."""

    path: Path_
    expected: str
    hint: str = ""
    seen: str | None = None


Findings = Iterator[Finding]
_CHECKS: list[Callable[..., Findings]] = []


def _check(function: Callable[..., Findings]) -> Callable[..., Findings]:
    _CHECKS.append(function)
    return function


def run_checks(sections: Mapping[str, Any]) -> list[Finding]:
    """Run every check whose sections are at hand (a section that is not valid is left out by the caller)."""
    found: list[Finding] = []
    for check in _CHECKS:
        names = list(inspect.signature(check).parameters)
        if all(name in sections for name in names):
            found.extend(check(*(sections[name] for name in names)))
    return found


def check_catalogue(sections: Mapping[str, Any], catalogue: Catalogue) -> list[Finding]:
    """Agents that the inventory does not know, and placeholders that it does not fill."""
    found: list[Finding] = []
    for path, agent in _agents_of(sections.get("phases", []), sections.get("control", Control())):
        if agent not in catalogue:
            found.append(
                Finding(path, f"an agent of {catalogue.path}", "correct the name, or add the agent to that file")
            )
    for path, template in _templates_of(sections):
        for name in placeholders(template):
            if name not in catalogue.placeholders:
                error = PlaceholderError(name, catalogue.placeholders, template)
                known = ", ".join("{" + key + "}" for key in error.known)
                found.append(
                    Finding(path, f"placeholders among {known}", f"{{{name}}} is no column of {catalogue.path}")
                )
    return found


def check_hosts(sections: Mapping[str, Any], hosts: list[str]) -> list[Finding]:
    """Hosts and how many answers they can give."""
    if not hosts:
        return [
            Finding(
                ("hosts",),
                "a pattern that matches hosts of the inventory",
                "it matches none; check -i and the group's name",
            )
        ]
    found: list[Finding] = []
    probe: Probe | None = sections.get("probe")
    agents = [agent for phase in sections.get("phases", []) for agent in phase.agents]
    if probe is None or not agents:
        return found
    # Every instance answers every request, so this is the most that one look can gather.
    most = probe.count * len(hosts) * len(agents)
    for path, criterion in _criteria_of(sections):
        if (
            "probe" in METRICS[criterion.metric].needs
            and METRICS[criterion.metric].unit == "duration"
            and criterion.min_samples > most
        ):
            needed = -(-criterion.min_samples // (len(hosts) * len(agents)))
            found.append(
                Finding(
                    (*path, "metric"),
                    f"min_samples of at most {most}, all that one look can gather",
                    f"{probe.count} requests x {len(hosts)} hosts x {len(agents)} agents; set probe.count to {needed}",
                    f"{criterion.metric} with min_samples {criterion.min_samples}",
                )
            )
    return found


def _agents_of(phases: list[Phase], control: Control) -> Iterator[tuple[Path_, str]]:
    for number, phase in enumerate(phases):
        for position, agent in enumerate(phase.agents):
            yield ("phases", number, "agents", position), agent
    for position, agent in enumerate(control.agents):
        yield ("control", "agents", position), agent


def _templates_of(sections: Mapping[str, Any]) -> Iterator[tuple[Path_, str]]:
    change: Change | None = sections.get("change")
    if change is not None:
        for key, value in change.env.items():
            yield ("change", "env", key), value
        for name, proof in (("proof", change.proof), ("undo_proof", change.undo_proof)):
            yield ("change", name, "log"), proof.log
            for position, pattern in enumerate(proof.subscriptions or []):
                yield ("change", name, "subscriptions", position), pattern
    probe: Probe | None = sections.get("probe")
    if probe is not None:
        yield ("probe", "subject"), probe.subject


def _criteria_of(sections: Mapping[str, Any]) -> Iterator[tuple[Path_, Criterion]]:
    """Every criterion, trigger and alert of the sections at hand, with its path."""
    lists: list[tuple[Path_, list[Any]]] = []
    if "verify" in sections:
        lists.append((("verify", "criteria"), sections["verify"].criteria))
    if "criteria" in sections:
        lists.append((("criteria", "primary"), sections["criteria"].primary))
        lists.append((("criteria", "secondary"), sections["criteria"].secondary))
    if "checkpoints" in sections:
        lists.extend((("checkpoints", "also", name), listed) for name, listed in sections["checkpoints"].also.items())
    if "alerts" in sections:
        lists.append((("alerts",), sections["alerts"]))
    if "rollback" in sections:
        lists.append((("rollback", "when"), sections["rollback"].when))
    for path, listed in lists:
        for position, criterion in enumerate(listed):
            yield (*path, position), criterion


def _time(seconds: float) -> str:
    return format_duration(seconds)


@_check
def _phase_names(phases: list[Phase]) -> Findings:
    names: set[str] = set()
    for number, phase in enumerate(phases):
        if phase.name in names:
            yield Finding(("phases", number, "name"), "a name that no other phase has")
        names.add(phase.name)


@_check
def _agents_once(phases: list[Phase], control: Control) -> Findings:
    first: dict[str, str] = {}
    for path, agent in _agents_of(phases, control):
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


@_check
def _soak_given(phases: list[Phase]) -> Findings:
    for number, phase in enumerate(phases[:-1]):
        if phase.soak is None:
            yield Finding(
                ("phases", number, "soak"),
                "a duration such as 2h",
                "every phase but the last needs a soak, else the next would start at once",
                "no soak",
            )


@_check
def _soak_has_looks(phases: list[Phase], watch: Watch) -> Findings:
    for number, phase in enumerate(phases):
        if phase.soak is not None and phase.soak < watch.every:
            yield Finding(
                ("phases", number, "soak"),
                f"at least {_time(watch.every)} (watch.every)",
                "a soak shorter than its check ends unseen; make it longer or look more often",
            )


@_check
def _soak_has_sample(phases: list[Phase], sample: Sample | None) -> Findings:
    for number, phase in enumerate(phases):
        if sample is not None and phase.soak is not None and phase.soak < sample.window:
            yield Finding(
                ("phases", number, "soak"),
                f"at least {_time(sample.window)} (sample.window)",
                "a soak shorter than its sample can't be judged; make it longer or listen for less time",
            )


@_check
def _verify_fits(phases: list[Phase], verify: Verify) -> Findings:
    for number, phase in enumerate(phases):
        if phase.verify_within <= verify.window:
            yield Finding(
                ("phases", number, "verify_within"),
                f"more than {_time(verify.window)} (verify.window)",
                "the measurement must fit into the time",
                _time(phase.verify_within),
            )


@_check
def _proof_fits(phases: list[Phase], change: Change) -> Findings:
    for number, phase in enumerate(phases):
        if phase.verify_within < change.proof.ready_within:
            yield Finding(
                ("phases", number, "verify_within"),
                f"at least {_time(change.proof.ready_within)} (change.proof.ready_within)",
                "the new process may take that long",
                _time(phase.verify_within),
            )


@_check
def _undo_fits(change: Change, rollback: Rollback) -> Findings:
    needed = change.proof_after_undo().ready_within
    if rollback.within <= needed:
        yield Finding(
            ("rollback", "within"),
            f"more than {_time(needed)} (ready_within of undo_proof or proof)",
            "a restored process may take that long alone",
            _time(rollback.within),
        )


@_check
def _after_last_phase(phases: list[Phase], checkpoints: Checkpoints) -> Findings:
    last = phases[-1].name
    if checkpoints.after != last:
        known = checkpoints.after in {phase.name for phase in phases}
        hint = (
            "a checkpoint before the last phase would not see all of the change" if known else "no phase has this name"
        )
        yield Finding(("checkpoints", "after"), f"{last}, the last phase", hint)


@_check
def _rising(checkpoints: Checkpoints) -> Findings:
    for position, (earlier, later) in enumerate(pairwise(checkpoints.at), start=1):
        if later <= earlier:
            yield Finding(
                ("checkpoints", "at", position),
                f"more than {_time(earlier)}, the one before",
                "write the times in their order",
            )


@_check
def _known_checkpoints(checkpoints: Checkpoints) -> Findings:
    names = [f"T+{_time(offset)}" for offset in checkpoints.at]
    for name in checkpoints.also:
        if name not in names:
            yield Finding(
                ("checkpoints", "also", name),
                "one of " + ", ".join(names),
                "add its time to checkpoints.at, or correct the name",
                name,
            )


def _gaps(checkpoints: Checkpoints) -> Iterator[tuple[int, float, str]]:
    before = 0.0
    for position, offset in enumerate(checkpoints.at):
        if offset > before:
            yield position, offset - before, f"T+{_time(before)}" if position else "the last phase"
        before = offset


@_check
def _sample_fits(checkpoints: Checkpoints, sample: Sample | None) -> Findings:
    for position, gap, before in _gaps(checkpoints):
        if sample is not None and gap < sample.window:
            yield Finding(
                ("checkpoints", "at", position),
                f"at least {_time(sample.window)} (sample.window) after {before}",
                "the samples of two looks would overlap",
            )


@_check
def _watch_fits(checkpoints: Checkpoints, watch: Watch) -> Findings:
    for position, gap, before in _gaps(checkpoints):
        if gap < watch.every:
            yield Finding(
                ("checkpoints", "at", position),
                f"at least {_time(watch.every)} (watch.every) after {before}",
                "look more often, or later",
            )


@_check
def _look_again_fits(checkpoints: Checkpoints) -> Findings:
    again = checkpoints.look_again
    for position, gap, before in list(_gaps(checkpoints))[1:]:
        if again.times * again.every >= gap:
            yield Finding(
                ("checkpoints", "look_again"),
                f"less than {_time(gap)} altogether",
                f"{again.times} times {_time(again.every)} run from {before} into T+{_time(checkpoints.at[position])}",
                _time(again.times * again.every),
            )
            return


@_check
def _own_need(rollout: str, needs: Needs | None) -> Findings:
    if needs is not None and needs.rollout == rollout:
        yield Finding(("needs", "rollout"), "another rollout", "a rollout can't wait for itself")


@_check
def _needs_window(needs: Needs | None) -> Findings:
    if needs is None or needs.not_before is None or needs.not_after is None:
        return
    if needs.not_before.event == needs.not_after.event and needs.not_after.offset_s <= needs.not_before.offset_s:
        yield Finding(
            ("needs", "not_after"),
            f"later than {needs.not_before.text} (not_before)",
            "else there is no time left to start",
        )


@_check
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


_GATHERS = {
    "sample": "the patterns to listen on",
    "probe": "the requests to send",
    "control": "control.agents, instances without the change to compare with",
    "corruption_signs": "the patterns that are signs of corrupted state",
}


def _is_absent(sections: Mapping[str, Any], need: str) -> bool:
    """Whether a section that metrics need is empty or was left out. One that is there but wrong is not absent."""
    if need not in sections:
        return False
    return not (sections[need].agents if need == "control" else sections[need])


def check_measurable(sections: Mapping[str, Any]) -> list[Finding]:
    """Metrics whose data the plan does not gather, and comparisons with what does not exist."""
    found: list[Finding] = []
    missing: dict[str, list[str]] = {}
    for path, criterion in _criteria_of(sections):
        if criterion.against == "previous":
            found.extend(_previous_fault(path, sections.get("checkpoints")))
        compared = ["control"] if criterion.against == "control" else []
        for need in dict.fromkeys([*METRICS[criterion.metric].needs, *compared]):
            if _is_absent(sections, need):
                missing.setdefault(need, []).append(criterion.metric)
    for need, metrics in missing.items():
        names = ", ".join(dict.fromkeys(metrics))
        found.append(Finding((need,), _GATHERS[need], f"without it nothing measures {names}", "nothing"))
    return found


def _previous_fault(path: Path_, checkpoints: Checkpoints | None) -> Findings:
    if path[:2] != ("checkpoints", "also"):
        yield Finding(
            (*path, "against"),
            "a reference that every look has",
            "compare with the previous checkpoint under checkpoints.also, for the second checkpoint and later ones",
        )
    elif checkpoints is not None and path[2] == f"T+{_time(checkpoints.at[0])}":
        yield Finding(
            (*path, "against"), "control or baseline", f"{path[2]} is the first checkpoint; there is none before it"
        )


@_check
def _trigger_names(rollback: Rollback) -> Findings:
    names: set[str] = set()
    for position, trigger in enumerate(rollback.when):
        if trigger.name in names:
            yield Finding(("rollback", "when", position, "name"), "a name that no other trigger has")
        names.add(trigger.name)


@_check
def _triggers_used(rollback: Rollback) -> Findings:
    if rollback.when and "trigger" not in rollback.on:
        yield Finding(
            ("rollback", "on"),
            "trigger among them",
            "rollback.when lists triggers that would never be pulled; use alerts to be told only",
            ", ".join(rollback.on) or "an empty list",
        )


@_check
def _baseline_order(baseline: Baseline) -> Findings:
    if baseline.history < baseline.window:
        yield Finding(
            ("baseline", "history"), f"at least {_time(baseline.window)} (baseline.window)", "", _time(baseline.history)
        )


@_check
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


@_check
def _alerts_once(alerts: list[Alert]) -> Findings:
    seen: set[str] = set()
    for position, alert in enumerate(alerts):
        key = f"{alert.text} {alert.over} {alert.severity}"
        if key in seen:
            yield Finding(("alerts", position, "metric"), "each alert once")
        seen.add(key)
