# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge: verdicts and decisions, and that what can't be seen never passes."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons, _rules
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import (
    ERROR,
    FAIL,
    GO,
    HOLD,
    INCONCLUSIVE,
    NO_GO,
    PASS,
    ROLLBACK,
    Decision,
    Rule,
    Verdict,
    compare,
    decide,
    describe,
    format_value,
    judge,
    needs_confirmation,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.made_series import TEST, Made
from tests.unit.plugins.plugin_utils.recorded import evidence, plan
from tests.unit.plugins.property_tests import examples

CHECKPOINT = _rules.for_checkpoint(plan(), "T+6h")
NAME = "network-expert@dgx-1"
Edit = Callable[[dict[str, Any]], Any]


def decided(document: dict[str, Any], rules: list[Rule] = CHECKPOINT) -> Decision:
    return decide(judge(rules, document), failed_leads_to=ROLLBACK, trigger_leads_to=ROLLBACK)


def edited(*edits: Edit) -> dict[str, Any]:
    document = evidence()
    for edit in edits:
        edit(document)
    return document


def instance(name: str = NAME, **values: Any) -> Edit:
    return lambda document: document["instances"][name].update(values)


def probe(agent: str, **values: Any) -> Edit:
    return lambda document: document["nats"][0]["probe"]["agents"][agent].update(values)


def windows_alone(document: dict[str, Any]) -> None:
    """Nothing was measured between the gates."""
    document.update(series=None)


def one(rule: Rule, *edits: Edit) -> Verdict:
    return judge([rule], edited(*edits))[0]


def rule(metric: str, operator: str, threshold: float, **more: Any) -> Rule:
    return Rule(metric, metric, operator, threshold, f"{operator} {threshold}", **more)


# ---------------------------------------------------------------- a good recording, and what is taken away from it


def test_the_recording_is_go_and_every_rule_of_the_plan_is_judged() -> None:
    decision = decided(evidence())
    assert (decision.decision, decision.why) == (GO, "all 9 criteria pass")
    verdicts = judge(CHECKPOINT, evidence())
    assert [v.name for v in verdicts] == [r.name for r in CHECKPOINT]
    assert all(v.verdict == PASS for v in verdicts if v.kind in ("primary", "trigger"))


def test_the_judge_changes_nothing_and_says_the_same_again() -> None:
    document = evidence()
    assert judge(CHECKPOINT, document) == judge(CHECKPOINT, document)
    assert document == evidence()


# What primary criteria and triggers of wave 2 are read from. The rest (control's own memory, floors, names) informs.
READ_FROM_INSTANCE = (
    "errors", "uptime", "active", "unexpected_restarts", "corruption_signs", "memory_bytes", "memory_limit_bytes",
    "nats_connections",
)  # fmt: skip


@pytest.mark.parametrize("key", READ_FROM_INSTANCE)
@pytest.mark.parametrize("how", ["removed", "empty"])
def test_no_go_without_a_field_of_one_instance(key: str, how: str) -> None:
    def lose(document: dict[str, Any]) -> None:
        if how == "removed":
            del document["instances"][NAME][key]
        else:
            document["instances"][NAME][key] = None

    assert decided(edited(lose)).decision in (HOLD, ROLLBACK)


@pytest.mark.parametrize("reason", _reasons.ALL)
def test_no_go_while_an_instance_was_not_seen(reason: str) -> None:
    assert decided(edited(instance(reason=reason))).decision == HOLD


@pytest.mark.parametrize(
    "lose",
    [
        lambda d: d["hosts"].pop("dgx-2"),
        lambda d: d["hosts"]["dgx-2"].update(host=None, reason="host_unreachable"),
        lambda d: d["nats"].clear(),
        lambda d: d["nats"][0].update(sample=None),
        lambda d: d["nats"][0].update(probe=None),
        lambda d: d["nats"][0].update(hosts=["dgx-1", "dgx-2"]),
        lambda d: d["nats"][0]["probe"]["agents"].pop("tdd-expert"),
        lambda d: d["nats"][0]["sample"]["agents"].pop("tdd-expert"),
        lambda d: d["nats"][0]["sample"]["dual"]["agents"].pop("tdd-expert"),
        lambda d: d["nats"][0]["sample"].update(dual=None),
        lambda d: d["instances"].clear(),
        lambda d: d.update(baseline=None),
        lambda d: d.update(previous=None),
    ],
    ids=[
        "a host", "a host's facts", "all NATS", "the sample", "the probe", "a host of the group", "an agent of the probe",
        "an agent of the sample", "an agent of the publications", "all publications", "all instances", "the baseline",
        "the checkpoint before",
    ],
)  # fmt: skip
def test_no_go_without_a_part_of_the_evidence(lose: Edit) -> None:
    assert decided(edited(lose)).decision == HOLD


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += _places(item, (*path, key))
    return found


def _kind(path: tuple[Any, ...]) -> tuple[Any, ...]:
    """Places of one kind are read by the same code: points of a list, hosts, and agents of the same role."""
    names = {**dict.fromkeys(TEST, "test"), "-expert": "control", "dgx-": "host"}
    return tuple(
        "point" if isinstance(key, int) else next((kind for part, kind in names.items() if part in key), key)
        for key in path
    )


# One of each kind, so that the many points of the series are not nearly all that is tried.
PLACES = list({_kind(path): path for path in _places(evidence())}.values())
ODD: tuple[Any, ...] = (None, "", "odd", -1, 0, math.nan, [], {}, [None], {"x": None}, True)


@examples(100, long=2000)
@given(st.data())
def test_odd_evidence_gives_an_error_and_never_an_exception(data: st.DataObject) -> None:
    document = evidence()
    for path in data.draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=4)):
        target: Any = document
        try:
            for key in path[:-1]:
                target = target[key]
            if data.draw(st.booleans()):
                target[path[-1]] = data.draw(st.sampled_from(ODD))
            else:
                del target[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue
    verdicts = judge(CHECKPOINT, document)
    assert len(verdicts) == len(CHECKPOINT)
    for verdict in verdicts:
        assert verdict.verdict in (PASS, FAIL, INCONCLUSIVE, ERROR)
        assert bool(verdict.reasons) == (verdict.verdict in (INCONCLUSIVE, ERROR)) or verdict.verdict == FAIL
    decide(verdicts, failed_leads_to=ROLLBACK, trigger_leads_to=ROLLBACK)


def test_a_number_that_is_none_is_an_error_and_not_a_pass() -> None:
    for metric, operator in (("errors", "below"), ("errors", "equals"), ("unexpected_restarts", "below")):
        verdict = one(rule(metric, operator, 1.0), instance(errors=math.nan, unexpected_restarts=math.nan))
        assert verdict.verdict != PASS
    trigger = one(rule("errors", "above", 1.0, kind="trigger"), instance(errors=math.nan))
    assert trigger.verdict != PASS


# ---------------------------------------------------------------- what is bad, and what is only unseen


@pytest.mark.parametrize("name", ["network-expert@dgx-1", "tdd-expert@dgx-3"])
@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        ({"errors": 500}, "error_rate"),
        ({"unexpected_restarts": 1}, "agent_crash"),
        ({"nats_connections": 0}, "nats_unstable"),
        ({"corruption_signs": ["checksum mismatch"]}, "state_corrupted"),
        ({"memory_bytes": 8_500_000_000}, "memory_exhausted"),
    ],
)
def test_what_an_agent_does_wrong_rolls_back_and_is_named(name: str, bad: dict[str, Any], cause: str) -> None:
    decision = decided(edited(instance(name, **bad)))
    assert decision.decision == ROLLBACK
    assert cause in decision.causes
    assert name in decision.instances


def test_a_dead_agent_fails_while_control_answers() -> None:
    dead = probe("tdd-expert", delivered=0, silent=True, p50_ms=None, p99_ms=None, p999_ms=None)
    decision = decided(edited(dead))
    assert (decision.decision, decision.causes[0]) == (ROLLBACK, "message_loss")


def test_silence_of_control_as_well_holds() -> None:
    silent = [
        probe(agent, delivered=0, silent=True, p50_ms=None, p99_ms=None, p999_ms=None)
        for agent in ("network-expert", "tdd-expert", "nix-expert", "qa-expert")
    ]
    assert decided(edited(*silent)).decision == HOLD


NATS_AWAY = {"lossless": False, "reason": "nats_unreachable", "message": "refused", "dual": None, "agents": {}}


@pytest.mark.parametrize(
    "away",
    [
        lambda d: d["nats"][0].update(reason="nats_unreachable", message="refused", sample=None, probe=None),
        lambda d: d["nats"][0].update(sample=NATS_AWAY, probe=None),
        lambda d: d["nats"][0]["sample"].update(lossless=False, reason="sampler_lossy", message="dropped 12"),
        lambda d: d["nats"][0]["sample"].update(lossless=False, reason="sampler_late", message="2 s late"),
    ],
    ids=["group", "sample", "lossy", "late"],
)
def test_a_failure_of_ours_holds_and_never_rolls_back(away: Edit) -> None:
    decision = decided(edited(away))
    assert decision.decision == HOLD
    assert decision.why.startswith("could not be measured: ")


def test_what_was_seen_and_is_bad_is_a_fail_however_much_else_is_unseen() -> None:
    unseen = [instance(f"{agent}@dgx-2", reason="host_unreachable") for agent in ("network-expert", "tdd-expert")]
    decision = decided(edited(instance(errors=500), *unseen))
    assert decision.decision == ROLLBACK


def test_control_is_never_judged() -> None:
    bad = [instance(f"nix-expert@dgx-{n}", errors=999, active=False, nats_connections=1) for n in (1, 2, 3)]
    assert decided(edited(*bad)).decision == GO


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("operator", "value", "holds"),
    [
        ("above", 1.0, False), ("above", 1.1, True), ("below", 1.0, False), ("below", 0.9, True),
        ("at_least", 1.0, True), ("at_least", 0.9, False), ("at_most", 1.0, True), ("at_most", 1.1, False),
        ("equals", 1.0, True), ("equals", 1.0 + 1e-12, True), ("equals", 1.001, False),
    ],
)  # fmt: skip
def test_comparisons(operator: str, value: float, holds: bool) -> None:
    assert compare(operator, value, 1.0) is holds


def test_an_unknown_comparison_is_our_error() -> None:
    verdict = one(rule("errors", "beneath", 1.0))
    assert (verdict.verdict, verdict.leads_to) == (ERROR, HOLD)


@pytest.mark.parametrize(("kind", "expected"), [("primary", FAIL), ("trigger", PASS), ("alert", PASS)])
def test_a_criterion_wants_its_comparison_and_a_trigger_fears_it(kind: str, expected: str) -> None:
    assert one(rule("errors", "above", 10.0, kind=kind)).verdict == expected


def test_too_few_samples_are_no_verdict() -> None:
    slow = probe("tdd-expert", delivered=19, p50_ms=900.0)
    assert one(rule("latency_p50", "below", 0.1, min_samples=20), slow).reasons.keys() == {"too_few_samples"}
    enough = probe("tdd-expert", delivered=20, p50_ms=900.0)
    assert one(rule("latency_p50", "below", 0.1, min_samples=20), enough).verdict == FAIL


def test_a_plan_can_say_what_a_reason_leads_to() -> None:
    away: Edit = lambda d: d["nats"][0].update(sample=NATS_AWAY, probe=None)  # noqa: E731
    for missing, expected in (
        ((), HOLD),
        ((("nats_unreachable", "fail"),), NO_GO),
        ((("agent_silent", "fail"),), HOLD),
    ):
        asked = rule("message_delivery", "equals", 100.0, missing=missing)
        verdicts = judge([asked], edited(away))
        assert decide(verdicts, failed_leads_to=NO_GO, trigger_leads_to=ROLLBACK).decision == expected


def test_missing_data_pulls_a_trigger_only_where_the_plan_says_so() -> None:
    away: Edit = lambda d: d["nats"][0].update(sample=NATS_AWAY, probe=None)  # noqa: E731
    asked = rule("messages_lost", "above", 0.0, kind="trigger")
    assert decided(edited(away), [asked]).decision == HOLD
    assert decided(edited(away), [replace(asked, missing=(("nats_unreachable", "fail"),))]).decision == ROLLBACK


def test_every_metric_can_be_compared_with_all_that_its_plans_may_name() -> None:
    """What the schema lets a plan ask must be answerable, or every such gate would hold for ever."""
    for metric in METRICS.values():
        for against in metric.against:
            asked = rule(metric.name, "at_most", 1e12, against=against, relative=not metric.comparison)
            verdict = one(asked)
            assert (metric.name, against, verdict.verdict, verdict.reasons) == (metric.name, against, PASS, {})


def test_a_change_is_in_percent_of_what_it_is_compared_with() -> None:
    asked = rule("latency_p50", "below", 20.0, against="baseline", relative=True, unit="percent", by_unit="duration")
    base: Edit = lambda d: [a.update(p50_ms=10.0) for a in d["baseline"]["nats"][0]["probe"]["agents"].values()]  # noqa: E731
    now = [probe(agent, p50_ms=13.0) for agent in ("network-expert", "tdd-expert")]
    verdict = one(asked, windows_alone, base, *now)
    assert (verdict.verdict, verdict.compared_with) == (FAIL, 0.01)
    assert verdict.value == pytest.approx(30.0)
    small = one(replace(asked, ignore_under=0.005), base, *now)
    assert (small.verdict, small.value, small.not_judged) == (PASS, pytest.approx(30.0), True)
    assert one(replace(asked, ignore_under=0.0029), windows_alone, base, *now).verdict == FAIL


def test_what_got_slower_for_control_as_well_is_taken_off() -> None:
    asked = rule(
        "latency_p50",
        "above",
        20.0,
        kind="trigger",
        against="baseline",
        relative=True,
        unit="percent",
        by_unit="duration",
    )
    slow = [probe(agent, p50_ms=31.0) for agent in ("network-expert", "tdd-expert")]
    alone = one(asked, *slow)
    assert alone.verdict == FAIL
    busy = one(asked, *slow, *(probe(agent, p50_ms=31.0) for agent in ("nix-expert", "qa-expert")))
    assert busy.verdict == PASS
    assert "control rose by" in busy.note


SINCE_BEFORE = rule("latency_p99", "below", 20.0, against="previous", relative=True, unit="percent", by_unit="duration")


@pytest.mark.parametrize("p99_ms", [26.0, 400.0])
def test_a_window_beside_a_quick_one_is_no_drift_as_long_as_the_hours_between_them_show_none(p99_ms: float) -> None:
    """However often the second is looked at again: it is the first that was quick by chance."""
    verdict = one(SINCE_BEFORE, *between(Made(buckets=420)), probe("tdd-expert", p99_ms=p99_ms))
    assert (verdict.verdict, verdict.confirmed, set(verdict.reasons)) == (INCONCLUSIVE, False, {"too_few_samples"})
    assert verdict.value is not None and verdict.value > 20.0 and "% may still be noise" in verdict.note


def test_a_window_beside_an_earlier_one_is_drift_where_the_hours_between_them_show_it() -> None:
    slower = Made(buckets=420).latency("tdd-expert", 1.3, since=125)
    verdict = one(SINCE_BEFORE, *between(slower), probe("tdd-expert", p99_ms=26.0))
    assert (verdict.verdict, verdict.confirmed, verdict.tripped) == (FAIL, True, ["tdd-expert"])
    # Somebody else's drift is no witness.
    other = Made(buckets=420).latency("network-expert", 1.3, since=125)
    assert one(SINCE_BEFORE, *between(other), probe("tdd-expert", p99_ms=26.0)).verdict == INCONCLUSIVE


def test_windows_alone_are_judged_as_they_are() -> None:
    verdict = one(SINCE_BEFORE, *between(Made(buckets=420)), windows_alone, probe("tdd-expert", p99_ms=26.0))
    assert (verdict.verdict, verdict.confirmed) == (FAIL, None)


def between(made: Made) -> tuple[Edit, ...]:
    """A checkpoint two hours after the series' start as the previous one, at which 99 % of all answers came within 20 ms."""

    def edit(document: dict[str, Any]) -> None:
        document["previous"] = {**copy.deepcopy(document["baseline"]), "at": "2026-01-23T14:00:00.000000+00:00"}
        document["series"] = made.document
        for agents in (each["nats"][0]["probe"]["agents"] for each in (document, document["previous"])):
            for answers in agents.values():
                answers["p99_ms"] = 20.0

    return (edit,)


def control_was(p99_ms: float) -> Edit:
    """Control's latency at the baseline."""

    def edit(document: dict[str, Any]) -> None:
        for agent in ("nix-expert", "qa-expert"):
            document["baseline"]["nats"][0]["probe"]["agents"][agent]["p99_ms"] = p99_ms

    return edit


@pytest.mark.parametrize(
    ("against", "now_ms", "verdict"),
    [
        ("baseline", 1.6, PASS),  # control, 1 ms then, is slower by 60 %, and so is the test agent: 30 ms of its 50
        ("previous", 1.6, PASS),
        ("baseline", 1.2, FAIL),  # 20 % explain not so much
    ],
)
def test_what_got_slower_by_as_large_a_part_for_quick_control_is_taken_off(
    against: str, now_ms: float, verdict: str
) -> None:
    """An hour at which hosts are busy makes all agents slower by a part: 50 ms of one agent are 1 ms of another."""
    asked = rule("latency_p50", "below", 20.0, against=against, relative=True, unit="percent", by_unit="duration")
    control, test = ("nix-expert", "qa-expert"), ("network-expert", "tdd-expert")

    def earlier(document: dict[str, Any]) -> None:
        agents = document[against]["nats"][0]["probe"]["agents"]
        for agent in (*control, *test):
            agents[agent]["p50_ms"] = 1.0 if agent in control else 50.0

    now = [probe(agent, p50_ms=now_ms) for agent in control] + [probe(agent, p50_ms=82.0) for agent in test]
    assert one(asked, windows_alone, earlier, *now).verdict == verdict


@pytest.mark.parametrize(
    ("control_ms", "outcome"),
    [
        (30.0, INCONCLUSIVE),  # half as slow again as at the baseline: without that the agent had 157 ms
        (22.0, FAIL),  # a tenth
        (15.0, FAIL),
    ],
)
def test_slow_beyond_the_threshold_as_far_as_control_became_slower_is_not_the_changes(
    control_ms: float, outcome: str
) -> None:
    edits = [control_was(20.0), *(probe(agent, p99_ms=control_ms) for agent in ("nix-expert", "qa-expert"))]
    below = rule("latency_p99", "below", 0.2, unit="duration", by_unit="duration")
    slow = one(below, probe("tdd-expert", p99_ms=235.0), *edits)
    assert slow.verdict == outcome
    if outcome == INCONCLUSIVE:
        assert "after 20 ms at the baseline" in slow.reasons[_reasons.SAMPLER_LATE]


@pytest.mark.parametrize(
    ("control_ms", "outcome"),
    [
        (90.0, FAIL),  # control is well: the change's
        (240.0, INCONCLUSIVE),  # everybody is slow: a busy network, host or measurer
        (205.0, INCONCLUSIVE),
        (120.0, FAIL),  # half as slow, but not beyond the threshold
    ],
)
def test_what_is_slow_for_control_as_well_is_not_the_changes(control_ms: float, outcome: str) -> None:
    edits = [probe(agent, p99_ms=control_ms) for agent in ("nix-expert", "qa-expert")]
    edits.append(control_was(control_ms))
    slow = one(
        rule("latency_p99", "below", 0.2, unit="duration", by_unit="duration"),
        probe("tdd-expert", p99_ms=235.0),
        *edits,
    )
    assert slow.verdict == outcome
    assert slow.value == pytest.approx(0.235)
    if outcome == INCONCLUSIVE:
        assert list(slow.reasons) == [_reasons.SAMPLER_LATE]
        assert slow.leads_to == HOLD


def test_much_slower_than_slow_control_is_the_changes_and_alerts_tell_all() -> None:
    edits = [probe(agent, p99_ms=210.0) for agent in ("nix-expert", "qa-expert")]
    edits.append(control_was(210.0))
    below = rule("latency_p99", "below", 0.2, unit="duration", by_unit="duration")
    assert one(below, probe("tdd-expert", p99_ms=421.0), *edits).verdict == FAIL
    alert = rule("latency_p99", "above", 0.2, unit="duration", by_unit="duration", kind="alert")
    assert one(alert, probe("tdd-expert", p99_ms=235.0), *edits).verdict == FAIL


@pytest.mark.parametrize("before", [0, None])
def test_something_where_there_was_nothing_is_no_small_change(before: int | None) -> None:
    none: Edit = lambda d: [i.update(errors=before) for i in d["baseline"]["instances"].values()]  # noqa: E731
    asked = rule("errors", "below", 200.0, against="baseline", relative=True)
    assert one(asked, none, instance(errors=50)).verdict == (ERROR if before is None else FAIL)
    if before == 0:
        assert one(asked, none).verdict == PASS


# ---------------------------------------------------------------- whom a verdict names


def test_every_instance_that_trips_is_named_and_no_other() -> None:
    names = [f"a{n}@dgx-1" for n in range(9)]

    def nine(document: dict[str, Any]) -> None:
        pattern = document["instances"][NAME]
        for position, name in enumerate(names):
            document["instances"][name] = {**pattern, "agent": f"a{position}", "errors": 20}

    for asked in (rule("errors", "below", 20.0), rule("errors", "above", 19.0, kind="trigger")):
        verdicts = judge([asked], edited(nine))
        assert len(verdicts[0].worst) == 6
        assert verdicts[0].tripped == names
        assert decide(verdicts, failed_leads_to=NO_GO, trigger_leads_to=ROLLBACK).instances == names


def test_one_that_trips_does_not_take_its_neighbours_along() -> None:
    decision = decided(edited(instance(corruption_signs=["checksum mismatch"])))
    assert (decision.decision, decision.instances) == (ROLLBACK, [NAME])


def test_many_that_only_trip_together_are_named_together() -> None:
    three = [instance(f"tdd-expert@dgx-{n}", errors=4) for n in (1, 2, 3)]
    verdict = one(rule("errors", "below", 10.0), *three)
    assert verdict.tripped == [f"tdd-expert@dgx-{n}" for n in (1, 2, 3)]


def test_a_verdict_that_is_not_bad_names_nobody() -> None:
    assert one(rule("errors", "below", 10.0), instance(errors=9)).tripped == []
    unseen = one(rule("errors", "below", 1.0, min_samples=99), instance(errors=9))
    assert (unseen.verdict, unseen.tripped) == (INCONCLUSIVE, [])


def test_what_is_relative_is_tripped_by_the_change_of_each() -> None:
    base: Edit = lambda d: [a.update(p50_ms=10.0) for a in d["baseline"]["nats"][0]["probe"]["agents"].values()]  # noqa: E731
    now = [probe("network-expert", p50_ms=13.0), probe("tdd-expert", p50_ms=11.0)]
    asked = rule("latency_p50", "below", 20.0, against="baseline", relative=True)
    assert one(asked, windows_alone, base, *now).tripped == ["network-expert"]
    slower = probe("tdd-expert", p50_ms=50.0)
    assert one(asked, windows_alone, base, now[0], slower).tripped == ["network-expert", "tdd-expert"]
    assert one(replace(asked, ignore_under=0.005), windows_alone, base, now[0], slower).tripped == ["tdd-expert"]
    slow: Edit = lambda d: d["baseline"]["nats"][0]["probe"]["agents"]["tdd-expert"].update(p50_ms=41.0)  # noqa: E731
    assert one(asked, windows_alone, base, slow, now[0], slower).tripped == ["network-expert", "tdd-expert"]


# ---------------------------------------------------------------- decisions


def verdict(kind: str = "primary", outcome: str = PASS, name: str = "x", **more: Any) -> Verdict:
    return Verdict(name, "errors", kind, outcome, "below 1", "count", **more)


def choose(*verdicts: Verdict) -> str:
    return decide(verdicts, failed_leads_to=NO_GO, trigger_leads_to=ROLLBACK).decision


def test_triggers_decide_before_criteria_and_those_before_what_is_unseen() -> None:
    fired, failed = verdict("trigger", FAIL), verdict("primary", FAIL)
    unseen = verdict("primary", INCONCLUSIVE, reasons={"tool_error": "x"}, leads_to=HOLD)
    assert choose(unseen, failed, fired) == ROLLBACK
    assert choose(unseen, failed) == NO_GO
    assert choose(unseen, verdict()) == HOLD
    assert choose(verdict(outcome=ERROR, reasons={"tool_error": "x"}, leads_to=HOLD)) == HOLD
    assert choose(verdict("trigger", INCONCLUSIVE, reasons={"tool_error": "x"}), verdict()) == HOLD


@pytest.mark.parametrize("kind", ["secondary", "alert"])
@pytest.mark.parametrize("outcome", [FAIL, INCONCLUSIVE, ERROR])
def test_what_informs_decides_nothing(kind: str, outcome: str) -> None:
    assert choose(verdict(kind, outcome, reasons={"tool_error": "x"}), verdict()) == GO


def test_many_reasons_are_told_shortly() -> None:
    many = [verdict(outcome=FAIL, name=f"c{n}", value=3.0) for n in range(6)]
    why = decide(many, failed_leads_to=NO_GO, trigger_leads_to=ROLLBACK).why
    assert why.startswith("c0 3 (wanted below 1); ")
    assert why.endswith("and 2 more")


def test_one_cause_of_several_criteria_is_told_once() -> None:
    gone = {"host_unreachable": "h1"}
    unsure = [verdict(outcome=INCONCLUSIVE, name=name, reasons=gone) for name in ("errors", "agent_crash")]
    other = verdict(outcome=INCONCLUSIVE, name="memory", reasons={"too_few_samples": ""})
    held = decide([*unsure, other], failed_leads_to=NO_GO, trigger_leads_to=ROLLBACK)
    assert held.why == "could not be measured: errors, agent_crash: host_unreachable (h1); memory: too_few_samples"
    assert held.causes == ["errors", "agent_crash", "memory"]
    many = [verdict(outcome=INCONCLUSIVE, name=f"c{n}", reasons={"tool_error": str(n)}) for n in range(6)]
    assert decide(many, failed_leads_to=NO_GO, trigger_leads_to=ROLLBACK).why.endswith("; and 2 more")


def window(**more: Any) -> Verdict:
    return verdict(outcome=FAIL, name="latency_p99", over="checkpoint", **more)


BAD = Decision(ROLLBACK, "slow", [], ["latency_p99"])


def test_one_noisy_window_reverts_nobody_and_two_do() -> None:
    assert needs_confirmation([window()], BAD, [])
    assert not needs_confirmation([window()], BAD, ["latency_p99"])
    assert needs_confirmation([window()], BAD, ["another_cause"])


def test_an_alert_on_the_same_metric_does_not_take_the_second_look_away() -> None:
    alert = Verdict("latency_p99", "latency_p99", "alert", FAIL, "above 200ms", "duration", over="checkpoint")
    assert needs_confirmation([window(), alert], BAD, [])


def test_what_is_counted_over_the_rollout_or_pulled_as_a_trigger_needs_no_second_look() -> None:
    assert not needs_confirmation([replace(window(), over="rollout")], BAD, [])
    assert not needs_confirmation([replace(window(), kind="trigger")], BAD, [])
    for decision in (GO, HOLD):
        assert not needs_confirmation([window()], Decision(decision, "", [], ["latency_p99"]), [])


# ---------------------------------------------------------------- for people and files


def test_a_verdict_is_told_with_what_stands_out() -> None:
    slow = one(
        rule("latency_p99", "below", 0.2, unit="duration", by_unit="duration"), probe("tdd-expert", p99_ms=250.0)
    )
    assert describe(slow).startswith("latency_p99 250 ms (wanted below 0.2): tdd-expert 250 ms, network-expert ")


def test_verdicts_are_plain_json() -> None:
    verdicts = [verdict.to_dict() for verdict in judge(CHECKPOINT, evidence())]
    assert json.loads(json.dumps(verdicts, allow_nan=False)) == copy.deepcopy(verdicts)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "percent", "-"), (99.97, "percent", "99.97%"), (12345.0, "percent", "12345%"), (0.0124, "duration", "12.4 ms"),
        (75.0, "duration", "75.0 s"), (25165824.0, "size", "24.0 MiB"), (3.0, "count", "3"),
    ],
)  # fmt: skip
def test_values_are_written_with_their_unit(value: float | None, unit: str, text: str) -> None:
    assert format_value(value, unit) == text


# ---------------------------------------------------------------- which rules a gate asks


def test_a_look_asks_what_its_watch_measures() -> None:
    def asked(**watch: Any) -> set[str]:
        rules = _rules.for_look(plan(watch={"every": "5m", **watch}))
        assert all(rule.kind in ("trigger", "alert") for rule in rules)
        return {rule.name for rule in rules}

    assert {"agent_crash", "message_loss", "latency_p99", "messages_lost"} <= asked()
    assert asked() == asked(sample="0s")
    blind = asked(sample="0s", probe_every="0s")
    assert "agent_crash" in blind
    assert not blind & {"message_loss", "latency_p99", "messages_lost"}


def test_a_shadow_rollout_is_not_asked_for_what_only_the_change_can_show() -> None:
    names = {rule.metric for rule in _rules.for_checkpoint(plan(), "T+6h", shadow=True)}
    assert not names & {"dual_publish_success", "unified_traffic", "publish_time"}
    assert names < {rule.metric for rule in CHECKPOINT}


def test_a_checkpoint_asks_its_own_criteria_besides_the_common_ones() -> None:
    first = [each.metric for each in _rules.for_checkpoint(plan(), "T+1h") if each.kind == "primary"]
    later = [each for each in CHECKPOINT if each.kind == "primary" and each.against == "previous"]
    assert "errors" in first
    assert [each.metric for each in later] == ["latency_p50", "latency_p99"]
    assert len(_rules.for_checkpoint(plan(), None)) == len(CHECKPOINT) - 2


def test_a_rule_carries_all_that_its_criterion_says() -> None:
    asked = plan(rollback={"when": [{
        "name": "slow", "metric": "latency_p50", "above": "20%", "against": "baseline", "ignore_under": "10ms",
        "min_samples": 7, "missing": {"agent_silent": "fail"},
    }]})  # fmt: skip
    (slow,) = [each for each in _rules.for_verify(asked) if each.kind == "trigger"]
    assert slow == Rule(
        name="slow", metric="latency_p50", operator="above", threshold=20.0, text="above 20% against baseline", kind="trigger",
        unit="percent", against="baseline", relative=True, ignore_under=0.01, min_samples=7,
        missing=(("agent_silent", "fail"),), by_unit="duration", over="checkpoint",
    )  # fmt: skip


def test_every_phase_must_prove_its_instances_whatever_its_plan_asks() -> None:
    asked = plan(verify={"window": "60s", "criteria": [{"metric": "errors", "below": 5}]})
    named = [each for each in _rules.for_verify(asked) if each.kind == "primary"]
    assert [(each.metric, each.operator, each.threshold) for each in named] == [
        ("errors", "below", 5.0),
        ("instances_proven", "equals", 100.0),
    ]
    own = plan(verify={"window": "60s", "criteria": [{"metric": "instances_proven", "at_least": "100%"}]})
    assert [each.operator for each in _rules.for_verify(own) if each.kind == "primary"] == ["at_least"]


def test_a_hold_for_lost_journal_lines_says_how_a_person_accepts_them() -> None:
    lost = decided(edited(instance(gaps=[{"at": "2026-01-23T12:00:00+00:00", "reason": "journal_rotated"}])))
    assert lost.decision == HOLD
    assert lost.why.endswith("accept the gaps so far with -e rollout_accept_gaps=true")
    assert "rollout_accept_gaps" not in decided(edited(instance(reason="host_unreachable"))).why
