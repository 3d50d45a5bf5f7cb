# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value estimated from noise fails a rule only when it is beyond the threshold and surely more than a quarter of that."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _judge, _reading, _rules
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import FAIL, INCONCLUSIVE, PASS, Rule, Verdict
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Reading

from tests.unit.plugins.plugin_utils.recorded import evidence, plan

DAY = 86400.0
SLOWER: dict[str, Any] = {"metric": "latency_shift", "operator": "above", "threshold": 20.0, "kind": "trigger"}
LEAK: dict[str, Any] = {"metric": "memory_lasts", "operator": "below", "threshold": 7 * DAY, "kind": "trigger"}


def judged(monkeypatch: pytest.MonkeyPatch, reading: Reading, **rule: Any) -> Verdict:
    monkeypatch.setitem(_reading.READERS, rule["metric"], lambda _evidence, _role: reading)
    return _judge.judge([Rule(rule["metric"], text="", unit="percent", **rule)], evidence())[0]


def shifted(low: float | None, value: float = 30.0, **more: Any) -> Reading:
    return Reading(value, 100, by={"a": value, "b": 1.0}, low={} if low is None else {"a": low}, **more)


@pytest.mark.parametrize(("low", "verdict"), [(5.1, FAIL), (5.0, PASS), (None, PASS)])
def test_a_trigger_waits_until_it_is_sure(monkeypatch: pytest.MonkeyPatch, low: float | None, verdict: str) -> None:
    found = judged(monkeypatch, shifted(low), **SLOWER)
    assert (found.verdict, found.confirmed) == (verdict, verdict == FAIL)
    assert found.tripped == (["a"] if verdict == FAIL else [])
    assert found.note == ("" if verdict == FAIL else "30% may still be noise")


def test_a_criterion_that_is_bad_and_not_sure_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"metric": "latency_shift", "operator": "below", "threshold": 20.0, "kind": "primary"}
    found = judged(monkeypatch, shifted(4.0), **asked)
    assert (found.verdict, list(found.reasons), found.leads_to) == (INCONCLUSIVE, ["too_few_samples"], "hold")
    assert judged(monkeypatch, shifted(15.0), **asked).verdict == FAIL
    assert judged(monkeypatch, shifted(4.0, value=15.0), **asked).verdict == PASS


@pytest.mark.parametrize(("high", "verdict"), [(27.9 * DAY, FAIL), (28.1 * DAY, PASS), (None, PASS)])
def test_what_runs_out_is_sure_by_its_upper_bound(
    monkeypatch: pytest.MonkeyPatch, high: float | None, verdict: str
) -> None:
    reading = Reading(5 * DAY, 100, by={"a": 5 * DAY, "b": 1e9}, high={} if high is None else {"a": high, "b": 1.0})
    assert judged(monkeypatch, reading, **LEAK).verdict == verdict


def test_one_is_bad_and_another_sure_makes_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(30.0, 100, by={"a": 30.0, "b": 15.0}, low={"b": 14.0})
    assert judged(monkeypatch, reading, **SLOWER).verdict == PASS


def test_a_difference_below_ignore_under_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = shifted(15.0, absolute={"a": 0.001, "b": 0.0})
    assert judged(monkeypatch, reading, **SLOWER, ignore_under=0.002).verdict == PASS
    assert judged(monkeypatch, reading, **SLOWER, ignore_under=0.0005).verdict == FAIL


def test_what_is_missing_is_never_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(monkeypatch, shifted(4.0, missing={"nats_unreachable": "x"}), **SLOWER)
    assert (found.verdict, found.leads_to) == (INCONCLUSIVE, "hold")


def test_other_metrics_need_no_confirmation(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"metric": "errors", "operator": "above", "threshold": 1.0, "kind": "trigger"}
    found = judged(monkeypatch, Reading(5.0, 3, by={"a": 5.0}), **rule)
    assert (found.verdict, found.confirmed) == (FAIL, None)


def test_alpha_reaches_the_readers_and_is_split_by_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def reader(document: dict[str, Any], _role: str) -> Reading:
        seen.append(document["alpha"])
        return Reading(0.0, 100)

    for name in ("latency_shift", "memory_lasts"):
        monkeypatch.setitem(_reading.READERS, name, reader)
    rules = [Rule("a", text="", **SLOWER), Rule("b", text="", **SLOWER), Rule("c", text="", **LEAK)]
    _judge.judge(rules, evidence())
    # Once each: two rules of one metric share its reading.
    assert seen == [_judge.FALSE_ALARMS / 2] * 2
    seen.clear()
    _judge.judge(rules, evidence(), 0.001)
    assert seen == [0.001] * 2


def test_the_plan_says_how_many_false_alarms() -> None:
    made = plan(judge={"false_alarms": "1%"})
    assert {t.metric for t in made.rollback.when} >= {"latency_shift", "memory_lasts"}
    # disk_lasts is an alert there, and stops nothing.
    assert _rules.alpha_of(made) == pytest.approx(0.005)
