# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How log lines are read, as plans and inventories say it, and how they are refused what can't work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _log_reading
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan, PlanError, log_shape_from
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import _log_lines as section

Read = Callable[[str], Plan]


def test_a_plan_without_a_word_of_it_is_the_plan_that_it_was(read: Read, wave2_text: str) -> None:
    plan = read(wave2_text)
    assert plan.log_lines is None
    assert "log_lines" not in plan.to_dict()


def test_a_plan_says_how(read: Read, wave2_text: str) -> None:
    text = (
        wave2_text
        + r"""
log_lines:
  pattern: '(?P<level>[A-Z]+)\|(?P<message>.*)'
  levels: {FEHLER: error}
  readable: 99%
  harmless:
    - {name: gpu_probe, line: 'gpu \d+ is busy', why: the probe of the driver asks while it works}
"""
    )
    plan = read(text)
    assert plan.log_lines is not None and plan.log_lines.readable == 99.0
    assert plan.log_lines.reading() == {"pattern": r"(?P<level>[A-Z]+)\|(?P<message>.*)", "levels": {"FEHLER": "error"}}
    assert _log_reading.reading_from(plan.log_lines.reading()).read("FEHLER|x").is_error
    assert plan.log_lines.harmless[0].at_most == _log_reading.AT_MOST


def test_shapes_and_levels_are_those_that_hosts_know() -> None:
    assert section.ShapeName.__args__ == _log_reading.NAMES
    for level in section.Level.__args__:
        assert _log_reading.reading_from({"pattern": "(?P<level>x)", "levels": {"x": level}})


FAULTS = [
    ("{shape: klgo}", "shape", "seen klgo, expected one of auto, tracing"),
    ("{pattern: '('}", "pattern", "it does not compile"),
    ("{pattern: 'ERROR'}", "pattern", "expected a regular expression with the group (?P<level>...)"),
    ("{pattern: '(?P<level>(a+)+)b'}", "pattern", "takes steps without end"),
    ("{pattern: '.*.*(?P<level>x)'}", "pattern", "can take the same text"),
    ("{pattern: '(?P<level>x)(?P=level)'}", "pattern", "refers back"),
    ("{pattern: '(?P<level>x)', shape: json}", "pattern", "remove one of them"),
    ("{shape: klog, keys: {level: [x]}}", "keys", "other lines have no keys"),
    ("{shape: json, keys: {levle: [x]}}", "keys.levle", "did you mean level?"),
    ("{shape: json, levels: {x: loud}}", "levels.x", "expected one of trace, debug, info, warning, error"),
    ("{levels: {x: error}}", "levels", "has words of its own"),
    ("{readable: 10%}", "readable", "expected a share between a half and all of them"),
    ("{readable: 0.99}", "readable", "99%"),
    ("{harmless: [{name: a, line: x}]}", "harmless[0].why", "no such key"),
    ("{harmless: [{name: a, line: '.*', why: y}]}", "harmless[0].line", "matches every line"),
    ("{harmless: [{name: a, line: ERROR, why: y}]}", "harmless[0].line", "hide all errors"),
    ("{harmless: [{name: a, line: '^\\d{4}', why: y}]}", "harmless[0].line", "hide all errors"),
    ("{harmless: [{name: a, line: '[a-z]', why: y}]}", "harmless[0].line", "hide all errors"),
    ("{harmless: [{name: a, line: '(x*)*y', why: y}]}", "harmless[0].line", "without end"),
    ("{harmless: [{name: a, line: xy, why: y, at_most: 0}]}", "harmless[0].at_most", "at least 1"),
    (
        "{harmless: [{name: a, line: xy, why: y}, {name: a, line: zz, why: y}]}",
        "harmless[1].name",
        "no other harmless line has",
    ),
]


@pytest.mark.parametrize(("written", "key", "told"), FAULTS)
def test_what_cant_work_is_refused_with_file_line_and_key(
    read: Read, wave2_text: str, written: str, key: str, told: str
) -> None:
    with pytest.raises(PlanError) as caught:
        read(f"{wave2_text}\nlog_lines: {written}\n")
    (problem,) = caught.value.problems
    assert (problem.key, problem.file.rpartition("/")[2], bool(problem.line)) == (f"log_lines.{key}", "plan.yml", True)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"shape": "klgo"}, ".shape: seen klgo, expected one of auto"),
        (
            {"pattern": "(?P<level>(a+)+)b"},
            ".pattern: seen (?P<level>(a+)+)b, expected a regular expression that no log line can keep busy",
        ),
        (
            {"shape": "klog", "keys": {"level": ["x"]}},
            ".keys: seen keys, expected keys beside the shape json or logfmt",
        ),
        ({"harmless": []}, ".harmless: seen an unknown key"),
        ({"shape": 7}, ".shape: "),
    ],
)
def test_an_inventory_is_refused_by_key_too(given: Any, told: str) -> None:
    reading, faults = log_shape_from(given)
    assert reading == {} and len(faults) == 1
    assert faults[0].startswith(told)


def test_an_inventory_says_how() -> None:
    given = {"shape": "json", "keys": {"level": ["sev"]}, "levels": {"7": "error"}}
    reading, faults = log_shape_from(given)
    assert faults == []
    assert _log_reading.reading_from(reading).read('{"sev":7}').is_error
