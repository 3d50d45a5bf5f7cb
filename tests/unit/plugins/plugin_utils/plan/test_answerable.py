# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule that no look can answer is refused with the figure that would be enough, and accepted with that figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import PlanError, load_plan, plan_from_dict

HOSTS = ["dgx-1", "dgx-2", "dgx-3"]


@dataclass(frozen=True)
class Case:
    """`edits`: dotted key -> value; `key`: where it is refused; `says`: what must be said; `enough`: edits that help."""

    name: str
    key: str
    says: tuple[str, ...]
    edits: dict[str, Any]
    enough: dict[str, Any] = field(default_factory=dict)


NEVER = {"name": "never", "metric": "dual_publish_success", "below": "90%"}
CASES = [
    Case(
        "a baseline of five minutes for a shift",
        "rollback.when[0].metric",
        ("baseline.window of at least 6m", "baseline.window 5m", "4 are all"),
        {
            "baseline.window": "5m",
            "rollback.when": [{"name": "slow", "metric": "latency_shift", "above": "20%"}],
        },
        {"baseline.window": "6m"},
    ),
    Case(
        "a shift that wants more buckets than the baseline has",
        "rollback.when[0].metric",
        ("baseline.window of at least 21m",),
        {"rollback.when": [{"name": "slow", "metric": "latency_shift", "above": "20%", "min_samples": 20}]},
        {"baseline.window": "21m"},
    ),
    Case(
        "too few requests for the buckets of a baseline",
        "rollback.when[0].metric",
        ("probe.count of at least 10", "probe.count 4"),
        {
            "probe.count": 4,
            "rollback.when": [{"name": "slow", "metric": "latency_shift", "above": "20%"}],
        },
        {"probe.count": 10},
    ),
    Case(
        "a trigger of publications without listening",
        "rollback.when[0].metric",
        ("watch.sample of at least 1s", "watch.sample 0s"),
        {"watch.sample": "0s", "rollback.when": [NEVER]},
        {"watch.sample": "1s"},
    ),
    Case(
        "an alert of publications without listening",
        "alerts[0].metric",
        ("watch.sample of at least 1s",),
        {"watch.sample": "0s", "alerts": [{"metric": "unified_traffic", "below": "5%", "severity": "warning"}]},
        {"watch.sample": "5s"},
    ),
    Case(
        "a trigger of the probe without probing",
        "rollback.when[0].metric",
        ("watch.probe_every or watch.sample of at least 1s", "watch.probe_every 0s"),
        {
            "watch.sample": "0s",
            "watch.probe_every": "0s",
            "alerts": [],
            "rollback.when": [{"name": "loss", "metric": "messages_lost", "above": 0}],
        },
        # Looks ask the agents themselves, also where the probe between them would ask more seldom than one looks.
        {"watch.probe_every": "10m"},
    ),
    Case(
        "a thousandth of 300 answers",
        "criteria.primary[0].metric",
        ("probe.count to 334", "min_samples 1000"),
        {"criteria.primary": [{"metric": "latency_p999", "below": "1s"}]},
        {"probe.count": 334},
    ),
    Case(
        "a thousandth at the gate of a phase",
        "verify.criteria[0].metric",
        ("probe.count to 334",),
        {"verify.criteria": [{"metric": "latency_p999", "below": "1s"}]},
        {"probe.count": 334},
    ),
    Case(
        "bad minutes in one minute",
        "verify.criteria[0].metric",
        ("verify.window of at least 5m", "verify.window 1m"),
        {"verify.criteria": [{"metric": "bad_minutes", "below": "10%"}]},
        {"verify.window": "5m"},
    ),
    Case(
        "a trend right after the change",
        "verify.criteria[0].metric",
        ("one look can answer", "rollback.when"),
        {"verify.criteria": [{"metric": "memory_lasts", "above": "7d"}]},
        {"verify.criteria": [{"metric": "memory_of_limit", "below": "90%"}]},
    ),
    Case(
        "a trend at a checkpoint after two looks",
        "criteria.primary[0].metric",
        ("at least 2h30m until T+1h", "there are 2"),
        {
            "watch.every": "30m",
            "criteria.primary": [{"metric": "memory_lasts", "above": "7d"}],
        },
        {"watch.every": "12m"},
    ),
    Case(
        "more buckets than until a checkpoint",
        "checkpoints.also.T+1h[0].metric",
        ("until T+1h", "there are 60"),
        {"checkpoints.also": {"T+1h": [{"metric": "bad_minutes", "below": "10%", "min_samples": 100}]}},
        {"checkpoints.also": {"T+1h": [{"metric": "bad_minutes", "below": "10%", "min_samples": 60}]}},
    ),
    Case(
        "more looks in a row than the rollout has",
        "rollback.when[0].consecutive",
        ("at most 32",),
        {
            "watch.every": "1h",
            "rollback.when": [{"name": "load", "metric": "system_load", "above": 9, "consecutive": 33}],
        },
        {"rollback.when": [{"name": "load", "metric": "system_load", "above": 9, "consecutive": 32}]},
    ),
    Case(
        "a silence longer than the rollout",
        "rollback.when[0].at_least",
        ("less than",),
        {"rollback.when": [{"name": "silent", "metric": "silence", "at_least": "2d"}]},
        {"rollback.when": [{"name": "silent", "metric": "silence", "at_least": "1h"}]},
    ),
    Case(
        "more instances than the first phase has",
        "rollback.when[0].min_samples",
        ("at most 3", "in the first phase, on 3 hosts"),
        {"rollback.when": [{"name": "errors", "metric": "errors", "above": 9, "min_samples": 4}]},
        {"rollback.when": [{"name": "errors", "metric": "errors", "above": 9, "min_samples": 3}]},
    ),
    Case(
        "more instances than there are",
        "criteria.primary[0].min_samples",
        ("at most 6",),
        {"criteria.primary": [{"metric": "errors", "equals": 0, "min_samples": 7}]},
        {"criteria.primary": [{"metric": "errors", "equals": 0, "min_samples": 6}]},
    ),
    Case(
        "more hosts than there are",
        "alerts[0].min_samples",
        ("at most 3",),
        {"alerts": [{"metric": "host_memory", "above": "90%", "severity": "warning", "min_samples": 4}]},
        {"alerts": [{"metric": "host_memory", "above": "90%", "severity": "warning", "min_samples": 3}]},
    ),
    Case(
        "more answers than the first phase gives",
        "verify.criteria[0].metric",
        ("probe.count to 101",),
        {"verify.criteria": [{"metric": "message_delivery", "above": "99%", "min_samples": 301}]},
        {"probe.count": 101},
    ),
]


def _set(data: dict[str, Any], edits: dict[str, Any]) -> None:
    for key, value in edits.items():
        section, _dot, name = key.partition(".")
        if name:
            data[section] = {**(data.get(section) or {}), name: value}
        else:
            data[section] = value


def _data(text: str, *edits: dict[str, Any]) -> dict[str, Any]:
    data = dict(yaml.safe_load(text.replace("\n  on: [", '\n  "on": [')))
    data["rollback"]["when"] = [
        each for each in data["rollback"]["when"] if each["metric"] not in ("latency_shift", "dual_publish_success")
    ]
    for edit in edits:
        _set(data, edit)
    return data


def _refused(path: Any, data: dict[str, Any]) -> dict[str, str]:
    """Key of each problem -> what is said."""
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    try:
        load_plan(str(path), hosts=HOSTS)
    except PlanError as error:
        return {problem.key: str(problem) for problem in error.problems}
    return {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_no_look_can_answer_is_refused_with_what_would_be_enough(
    case: Case, tmp_path: Any, wave2_text: str
) -> None:
    path = tmp_path / "plan.yml"
    told = _refused(path, _data(wave2_text, case.edits))
    assert case.key in told, told
    line = told[case.key]
    assert str(path) in line and "\n" not in line
    assert [part for part in case.says if part not in line] == [], line
    assert case.key not in _refused(path, _data(wave2_text, case.edits, case.enough)), "with what was asked for"


def test_a_recorded_plan_is_judged_as_it_was_recorded(wave2_text: str) -> None:
    """Rollouts that began under an earlier version keep their plan."""
    short = _data(wave2_text, CASES[0].edits)
    assert plan_from_dict(short).baseline.window == 300.0
