# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge: rules and evidence in, verdicts and a decision out. No host, no clock, no network.

A verdict is `pass`, `fail`, `inconclusive` (with typed reasons) or `error` (our own tool failed). What was seen and is
bad is a fail, however much else could not be seen; what was seen and is good is a pass only if nothing is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _latency_rise, _metrics
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Evidence, Reading
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import GO, HOLD, NO_GO, ROLLBACK

PASS, FAIL, INCONCLUSIVE, ERROR = "pass", "fail", "inconclusive", "error"

# Relative figures need something to be relative to; below this the ratio is noise of the divisor.
SMALLEST_BASE = 1e-9
# The change, in percent, from nothing to something: no threshold of a plan is beyond it, and JSON can hold it.
UNBOUNDED = 1e9
# Share of rollouts without a fault that all sequential metrics together may stop, where the plan was not asked.
FALSE_ALARMS = 0.005
# The evidence of the gate itself, among the documents that are read.
NOW = "now"
# Of a bad value that is estimated from noise, so much must be real for sure.
SURE_SHARE = 0.25
# A value so many times the threshold is never passed over, however unsure it is or few its samples are.
FAR = 4.0
# A change so many times the threshold is nothing that control's own change explains, nor what others of the whole hide.
EXTREME = 10.0


@dataclass(frozen=True)
class Rule:
    """One criterion, trigger or alert in the judge's terms. threshold: metric's unit, or percent when relative."""

    name: str
    metric: str
    operator: str  # above | below | at_least | at_most | equals
    threshold: float
    text: str
    kind: str = "primary"  # primary | secondary | trigger | alert
    unit: str = ""
    against: str | None = None
    relative: bool = False
    ignore_under: float | None = None
    min_samples: int = 1
    missing: tuple[tuple[str, str], ...] = ()
    severity: str | None = None
    by_unit: str = ""
    over: str = "rollout"


@dataclass
class Verdict:
    """What one rule says about one evidence.

    `worst`: the few instances, agents or hosts that stand out, for people; `tripped`: all that make the verdict a fail,
    for a rollback of single instances (empty where nobody can be named). `confirmed`: for a value that is bad, of a
    metric estimated from noise or a latency beside that of an earlier window: whether it is sure that at least SURE_SHARE of
    it is real; None for all others, and where nothing but the windows is known.
    `not_judged`: `value` is the true size of a change that is below `ignore_under`, and was taken for none; `passed_over`: it
    would be bad otherwise.
    """

    name: str
    metric: str
    kind: str
    verdict: str
    text: str
    unit: str
    value: float | None = None
    compared_with: float | None = None
    samples: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    leads_to: str = ""
    worst: dict[str, float] = field(default_factory=dict)
    tripped: list[str] = field(default_factory=list)
    note: str = ""
    severity: str | None = None
    by_unit: str = ""
    over: str = "rollout"
    against: str | None = None
    confirmed: bool | None = None
    not_judged: bool = False
    passed_over: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Decision:
    """The whole of a gate: `go`, `hold`, `no_go` or `rollback`, why, and which instances are named by it."""

    decision: str
    why: str
    instances: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)


def judge(rules: Iterable[Rule], evidence: Evidence, alpha: float | None = None) -> list[Verdict]:
    """A verdict per rule, in their order.

    `alpha`: the share of false alarms that each sequential metric may have over the whole rollout (`_rules.alpha_of`
    takes it from a plan); by default FALSE_ALARMS split over those that these rules name.
    """
    rules = list(rules)
    if alpha is None:
        alpha = FALSE_ALARMS / max(1, len({rule.metric for rule in rules if _sequential(rule)}))
    readings = _Readings({**evidence, "alpha": alpha})
    return [_judge_one(rule, readings) for rule in rules]


class _Readings:
    """What the rules of one gate read out of its evidence, and out of what it is compared with: each reading is made once."""

    def __init__(self, evidence: Evidence):
        self._documents: dict[str, Evidence] = {NOW: evidence}
        for name in ("baseline", "previous"):
            if evidence.get(name):
                self._documents[name] = {**evidence[name], "baseline": None, "previous": None}
        self._made: dict[tuple[str | bool, ...], Reading] = {}

    def has(self, document: str) -> bool:
        """Whether there is such evidence: NOW, `baseline` or `previous`."""
        return document in self._documents

    def of_rule(self, rule: Rule) -> Reading:
        """What a rule is about."""
        alert = rule.kind == "alert" and rule.metric in _metrics.TOLD_AT_ONCE
        return self.read(rule.metric, "test", over=rule.over, against=rule.against or "", alert=alert)

    def read(
        self, metric: str, role: str, document: str = NOW, *, over: str = "", against: str = "", alert: bool = False
    ) -> Reading:
        """A reading that the caller may add reasons and notes to."""
        key = (metric, role, document, over, against, alert)
        if key not in self._made:
            asked = {"over": over or None, "against": against or None, "alert": alert} if document == NOW else {}
            self._made[key] = _metrics.read(metric, {**self._documents[document], **asked}, role)
        return replace(self._made[key], missing=dict(self._made[key].missing))

    def surely_rose(self, rule: Rule, agents: Iterable[str]) -> bool | None:
        """Whether the time since the earlier gate shows what a window shows beside one of then; None where it can't tell."""
        evidence = self._documents[NOW]
        least = rule.threshold * SURE_SHARE
        risen = [_latency_rise.surely(evidence, rule.metric, rule.against or "", name, least) for name in agents]
        # An agent of whom nothing else is known is judged by its windows.
        return True if True in risen else None if None in risen or not risen else False


def _of_two_windows(rule: Rule) -> bool:
    """Whether a criterion compares a percentile of one window with that of another. Triggers have limits of their own."""
    compared = rule.relative and rule.against in ("baseline", "previous") and rule.metric in _metrics.LATENCIES
    return compared and rule.kind in ("primary", "secondary") and _bad_is_high(rule) and rule.threshold > 0


def _sequential(rule: Rule) -> bool:
    return rule.metric in METRICS and METRICS[rule.metric].sequential


def compare(operator: str, value: float, threshold: float) -> bool:
    """Does `value operator threshold` hold? Equality is exact up to float noise."""
    if operator == "above":
        return value > threshold
    if operator == "below":
        return value < threshold
    if operator == "at_least":
        return value >= threshold
    if operator == "at_most":
        return value <= threshold
    if operator == "equals":
        return abs(value - threshold) <= 1e-9 * max(1.0, abs(threshold))
    raise ValueError(f"unknown comparison {operator!r}")


def _judge_one(rule: Rule, readings: _Readings) -> Verdict:
    verdict = Verdict(rule.name, rule.metric, rule.kind, ERROR, rule.text, rule.unit, severity=rule.severity)
    verdict.by_unit, verdict.over, verdict.against = (
        rule.by_unit or rule.unit,
        rule.over,
        rule.against if rule.relative else None,
    )
    try:
        reading = readings.of_rule(rule)
        value, base = _value(rule, reading, readings)
        if value is not None and not math.isfinite(value):
            raise ValueError(f"{value} is no value")
        verdict.value, verdict.compared_with = value, base.value if base else None
        verdict.samples, verdict.note, verdict.reasons = reading.samples, reading.note, dict(reading.missing)
        verdict.worst = _worst(rule, reading)
        # Errors without a message to count them by are errors all the same.
        if value is not None and reading.samples < rule.min_samples and (reading.samples or not _is_bad(rule, value)):
            few = f"{reading.samples} samples, at least {rule.min_samples} are needed"
            verdict.reasons[reasons.TOO_FEW_SAMPLES] = few
        if _sequential(rule) and value is not None and _is_bad(rule, value):
            verdict.confirmed = any(_is_sure(rule, reading, name) for name in _alone(rule, reading, base))
        elif _of_two_windows(rule) and value is not None and _is_bad(rule, value):
            verdict.confirmed = readings.surely_rose(rule, _alone(rule, reading, base) or list(reading.by))
        # Nothing that control shows as well is the change's: it can't be told whether the change is good.
        slow = _slow_for_control(rule, value, readings)
        if slow:
            verdict.reasons[reasons.SAMPLER_LATE] = slow
        excused = bool(slow)
        if reading.doubt and value is not None and rule.kind != "alert" and _is_bad(rule, value):
            verdict.reasons.update(reading.doubt)
            excused = True
        _conclude(rule, verdict, excused=excused)
        if reading.ignored is not None:
            verdict.value, verdict.not_judged = reading.ignored, True
            verdict.passed_over = _is_bad(rule, reading.ignored)
        if verdict.verdict == FAIL:
            verdict.tripped = _tripped(rule, reading, base)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # A judge that trips over odd evidence must say so instead of taking the run down: the gate holds.
        verdict.verdict, verdict.value = ERROR, None
        verdict.reasons = {
            reasons.TOOL_ERROR: f"the judge could not read {rule.metric}: {type(error).__name__}: {error}"
        }
        verdict.leads_to = FAIL if dict(rule.missing).get(reasons.TOOL_ERROR) == FAIL else HOLD
    return verdict


def _conclude(rule: Rule, verdict: Verdict, excused: bool = False) -> None:
    value, few = verdict.value, reasons.TOO_FEW_SAMPLES in verdict.reasons and verdict.samples < rule.min_samples
    if value is not None and not few and not excused:
        bad = _is_bad(rule, value)
        if bad and verdict.confirmed is not False:
            verdict.verdict, verdict.leads_to = FAIL, ""
            return
        if bad:
            unit = rule.unit if rule.relative else rule.by_unit or rule.unit
            beyond = f"{format_value(value, unit)} may still be noise"
            verdict.note = "; ".join(part for part in (verdict.note, beyond) if part)
            if rule.kind not in ("trigger", "alert") or is_far(rule, value):
                verdict.reasons.setdefault(reasons.TOO_FEW_SAMPLES, beyond)
        if not verdict.reasons:
            verdict.verdict = PASS
            return
    if value is None and not verdict.reasons:
        verdict.reasons = {reasons.TOOL_ERROR: "no value and no reason: the metric's reader is wrong"}
    only_tool = set(verdict.reasons) == {reasons.TOOL_ERROR}
    verdict.verdict = ERROR if only_tool and value is None else INCONCLUSIVE
    outcomes = dict(rule.missing)
    verdict.leads_to = FAIL if any(outcomes.get(reason) == FAIL for reason in verdict.reasons) else HOLD


def is_far(rule: Rule, value: float, times: float = FAR) -> bool:
    """Whether a value is bad, and so many times as bad as the threshold that nothing may wave it through."""
    if not _is_bad(rule, value):
        return False
    if rule.operator == "equals":
        return True
    if not _bad_is_high(rule):
        return value <= rule.threshold / times if rule.threshold > 0 else True
    if rule.threshold <= 0:
        # Nothing is many times zero: of changes, a doubling is.
        return value >= 100.0 if rule.unit == "percent" else True
    return value >= rule.threshold * times


def _is_bad(rule: Rule, value: float) -> bool:
    """A criterion is bad when its comparison does not hold, a trigger or an alert when it does."""
    return compare(rule.operator, value, rule.threshold) is (rule.kind in ("trigger", "alert"))


def _value(rule: Rule, reading: Reading, readings: _Readings) -> tuple[float | None, Reading | None]:
    """(value to compare, the reading it was compared with). Relative values are percent changes."""
    value = reading.value
    if value is None:
        return None, None
    if not rule.relative:
        if rule.ignore_under is not None and reading.absolute:
            loud = [reading.by[name] for name, size in reading.absolute.items() if abs(size) >= rule.ignore_under]
            if not loud and reading.by:
                reading.ignored = value
                size = max(abs(size) for size in reading.absolute.values())
                _note_ignored(rule, reading, size, METRICS[rule.metric].difference_unit or rule.by_unit)
            return (max(loud) if loud else 0.0), None
        bad_alone = [own for own, sure in reading.alone.values() if _is_bad(rule, sure)]
        return _worst_of(rule, [value, *bad_alone]), None
    base = _base(rule, readings)
    if base.value is None:
        reading.missing.update(base.missing or {reasons.TOO_FEW_SAMPLES: f"no {rule.against} value of {rule.metric}"})
        return None, None
    then, now = _control_since(rule, readings, rule.against)
    seen = doubtful = _changes(rule, reading, value, base)
    if now > then:
        # What became slower for control became slower for everybody: by as much where the network or the measurer is
        # busy, by as large a part where hosts are.
        reading.note = f"control rose by {format_value(now - then, rule.by_unit)} as well, which is taken off"
        doubtful = _changes(rule, reading, max(_ways(value, then, now)), base, lambda own: max(_ways(own, then, now)))
        value = min(_ways(value, then, now))
    change = _changes(rule, reading, value, base, lambda own: min(_ways(own, then, now)))
    if is_far(rule, seen, EXTREME) and _is_bad(rule, doubtful) and not _is_bad(rule, change):
        far = f"{format_value(seen, 'percent')} is too far for what control rose by to explain it for sure"
        reading.missing[reasons.SAMPLER_LATE] = far
    if rule.ignore_under is not None and abs(value - base.value) < rule.ignore_under:
        _note_ignored(rule, reading, abs(value - base.value), rule.by_unit)
        reading.ignored = _percent(value, base.value) if change == 0.0 else None
    return change, base


def _note_ignored(rule: Rule, reading: Reading, size: float, unit: str) -> None:
    shown, least = format_value(size, unit), format_value(rule.ignore_under, unit)
    note = f"a difference of {shown} is below ignore_under ({least})"
    reading.note = "; ".join(part for part in (reading.note, note) if part)


def _ways(value: float, then: float, now: float) -> tuple[float, float]:
    """A latency without what control's rose by meanwhile: without as much, and without as large a part."""
    return (max(value - (now - then), 0.0), value * then / now) if now > then else (value, value)


def _changes(
    rule: Rule, reading: Reading, value: float, base: Reading, own: Callable[[float], float] = lambda value: value
) -> float:
    """The change in percent of the whole; of an agent alone where that is extreme: the slowest one hides the others."""
    change = _change(rule, value, base.value or 0.0)
    if rule.metric in _metrics.LATENCIES and rule.against != "control":
        each = [_change(rule, own(now), base.by[name]) for name, now in reading.by.items() if name in base.by]
        return _worst_of(rule, [change, *(one for one in each if is_far(rule, one, EXTREME))])
    return change


def _bad_is_high(rule: Rule) -> bool:
    high = ("below", "at_most") if rule.kind in ("primary", "secondary") else ("above", "at_least")
    return rule.operator in high


def _worst_of(rule: Rule, values: list[float]) -> float:
    """The one that this rule calls worst."""
    if rule.operator == "equals":
        return max(values, key=lambda value: abs(value - rule.threshold))
    return max(values) if _bad_is_high(rule) else min(values)


def _slow_for_control(rule: Rule, value: float | None, readings: _Readings) -> str:
    """In words, that latencies are bad for control too, or would be good but for what control became slower. Empty if not.

    Control is half as bad or more, or, where it is a quicker agent, slower than at the baseline by so large a part that it
    explains the rest: a busy network, host, hour or measurer. Alerts tell it all the same: people want to know that everything is slow.
    """
    if value is None or rule.relative or rule.kind == "alert" or rule.metric not in _metrics.LATENCIES:
        return ""
    if not _is_bad(rule, value):
        return ""
    control = readings.read(rule.metric, "control").value
    if control is None:
        return ""
    shown = format_value(value, rule.unit), format_value(control, rule.unit)
    if _is_bad(rule, control) and 2 * control >= value:
        return f"{shown[0]}, and control {shown[1]} at the same time, so that it is not the change alone"
    then, now = _control_since(rule, readings, "baseline")
    if now > then and not _is_bad(rule, value * then / now):
        before = format_value(then, rule.unit)
        return f"{shown[0]}, and control {shown[1]} after {before} at the baseline, so that it is not the change alone"
    return ""


def _control_since(rule: Rule, readings: _Readings, against: str | None) -> tuple[float, float]:
    """(then, now): a latency of control in earlier evidence and in this one, in seconds; both 0 where one is not known."""
    if rule.metric not in _metrics.LATENCIES or against not in ("baseline", "previous") or not readings.has(against):
        return 0.0, 0.0
    now = readings.read(rule.metric, "control").value
    then = readings.read(rule.metric, "control", against).value
    return (then, now) if now is not None and then else (0.0, 0.0)


def _change(rule: Rule, value: float, base: float) -> float:
    """The change from `base` to `value` in percent; 0 when it is too small for the rule to judge."""
    if rule.ignore_under is not None and abs(value - base) < rule.ignore_under:
        return 0.0
    return _percent(value, base)


def _percent(value: float, base: float) -> float:
    if abs(base) < SMALLEST_BASE:
        return 0.0 if abs(value) < SMALLEST_BASE else math.copysign(UNBOUNDED, value)
    return 100.0 * (value - base) / abs(base)


def _is_sure(rule: Rule, reading: Reading, name: str) -> bool:
    """Whether the bound of a sequential metric leaves no doubt that at least SURE_SHARE of what is bad is real.

    Not all of it, because an estimate as large as the threshold has a bound below it at any time. Something, so that what
    wanders a little without any fault is not taken for a small change that is sure.
    """
    if name in reading.low:
        return rule.threshold >= 0 and reading.low[name] > rule.threshold * SURE_SHARE
    return name in reading.high and reading.high[name] < rule.threshold / SURE_SHARE


def _alone(rule: Rule, reading: Reading, base: Reading | None) -> list[str]:
    """Everyone whose own value is bad by this rule."""

    def bad(name: str, value: float) -> bool:
        if base is not None and base.value is not None:
            # Itself earlier on, where it is known; control is somebody else, and there the whole stands for it.
            return _is_bad(rule, _change(rule, value, base.by.get(name, base.value)))
        quiet = rule.ignore_under is not None and name in reading.absolute
        if quiet and abs(reading.absolute[name]) < (rule.ignore_under or 0.0):
            return False
        return _is_bad(rule, value)

    return [name for name, value in reading.by.items() if bad(name, value)]


def _tripped(rule: Rule, reading: Reading, base: Reading | None) -> list[str]:
    """Everyone whose own value is bad by this rule, and surely so; where they are bad only together, everyone who has a part in it."""
    alone = _alone(rule, reading, base)
    if _sequential(rule):
        return [name for name in alone if _is_sure(rule, reading, name)]
    return alone or [name for name, value in reading.by.items() if value]


def _base(rule: Rule, readings: _Readings) -> Reading:
    if rule.against == "control":
        return readings.read(rule.metric, "control", over=rule.over)
    if not readings.has(rule.against or ""):
        return Reading(None, 0, {reasons.TOO_FEW_SAMPLES: f"there is no {rule.against} evidence"})
    return readings.read(rule.metric, "test", rule.against or "")


def _worst(rule: Rule, reading: Reading) -> dict[str, float]:
    """The few instances or agents that stand out most in the direction that this rule calls bad."""
    if rule.operator == "equals":
        ranked = sorted(reading.by.items(), key=lambda item: -abs(item[1] - rule.threshold))
        ranked = [item for item in ranked if not compare("equals", item[1], rule.threshold)]
    else:
        ranked = sorted(reading.by.items(), key=lambda item: -item[1] if _bad_is_high(rule) else item[1])
    return dict(ranked[:6])


def decide(verdicts: Iterable[Verdict], *, failed_leads_to: str, trigger_leads_to: str) -> Decision:
    """The decision of a gate.

    A trigger that fired decides first, then a failed primary criterion; then anything that could not be measured
    holds; secondary criteria and alerts inform and decide nothing.
    """
    verdicts = list(verdicts)
    fired = [v for v in verdicts if v.kind == "trigger" and (v.verdict == FAIL or v.leads_to == FAIL)]
    failed = [v for v in verdicts if v.kind == "primary" and (v.verdict == FAIL or v.leads_to == FAIL)]
    unsure = [v for v in verdicts if v.kind in ("primary", "trigger") and v.verdict in (INCONCLUSIVE, ERROR)]
    unsure = [v for v in unsure if v not in failed and v not in fired]
    if fired:
        return _decision(trigger_leads_to, fired)
    if failed:
        return _decision(failed_leads_to, failed)
    if unsure:
        # One cause, such as a lost journal, takes several criteria: it is told once.
        told: dict[str, list[str]] = {}
        for v in unsure:
            why = ", ".join(f"{r} ({m})" if m else r for r, m in v.reasons.items())
            told.setdefault(why, []).append(v.name)
        seen = "; ".join(f"{', '.join(names)}: {why}" for why, names in list(told.items())[:4])
        left = sum(len(names) for names in list(told.values())[4:])
        more = f"; and {left} more" if left else ""
        # What a journal has lost no later look can measure.
        lost = any(reasons.JOURNAL_GAP in text for v in unsure for text in v.reasons.values())
        advice = (
            ". Look at what the journals lost; accept the gaps so far with -e rollout_accept_gaps=true" if lost else ""
        )
        return Decision(HOLD, f"could not be measured: {seen}{more}{advice}", causes=[v.name for v in unsure])
    passed = sum(1 for v in verdicts if v.kind == "primary")
    small = [f"{v.name} {told_value(vars(v))}: {v.note}" for v in verdicts if v.passed_over and v.kind != "secondary"]
    why = f"all {passed} criteria pass" if passed else "no trigger fired"
    return Decision(GO, "; ".join([why, *small]))


def needs_confirmation(verdicts: Iterable[Verdict], decision: Decision, earlier_causes: Iterable[str]) -> bool:
    """Whether a bad decision rests on single windows alone and was not seen by the look before: one noisy window reverts nobody.

    Triggers have limits of their own in the plan, and what is counted over the whole rollout is no single window.
    """
    if decision.decision not in (NO_GO, ROLLBACK):
        return False
    deciding = [v for v in verdicts if v.kind in ("primary", "trigger") and v.name in decision.causes]
    bad = [v for v in deciding if v.verdict == FAIL or v.leads_to == FAIL]
    single = all(v.kind == "primary" and v.over == "checkpoint" for v in bad)
    return single and not set(decision.causes) & set(earlier_causes)


def _decision(decision: str, verdicts: list[Verdict]) -> Decision:
    named: dict[str, None] = {}
    for verdict in verdicts:
        named.update(dict.fromkeys(verdict.tripped))
    why = "; ".join(describe(verdict) for verdict in verdicts[:4])
    if len(verdicts) > 4:
        why += f"; and {len(verdicts) - 4} more"
    return Decision(decision, why, list(named), [verdict.name for verdict in verdicts])


def describe(verdict: Verdict) -> str:
    """One clause for people: `error_rate 4.2% (wanted below 0.1%): indexer@host-1 5.1%`."""
    clause = f"{verdict.name} {told_value(vars(verdict))}"
    clause += f" ({'trips at' if verdict.kind in ('trigger', 'alert') else 'wanted'} {verdict.text})"
    if verdict.worst:
        shown = ", ".join(
            f"{name} {metric_value(verdict.metric, value, verdict.by_unit)}"
            for name, value in list(verdict.worst.items())[:3]
        )
        clause += f": {shown}"
    if verdict.verdict != FAIL and verdict.reasons:
        clause += f", not measured: {'; '.join(f'{r} ({m})' if m else r for r, m in verdict.reasons.items())}"
    return clause


def told_value(found: Mapping[str, Any], shown: Callable[[float | None, str], str] | None = None) -> str:
    """What a verdict (or a reading of one, as a mapping) has seen, for people: `12.4 ms`, `< 1 ms`, `35% (not judged)`.

    `shown`: writes a value in a unit, by default `format_value`.
    """
    text = metric_value(str(found.get("metric") or ""), found.get("value"), str(found.get("unit") or ""), shown)
    return f"{text} (not judged)" if found.get("not_judged") else text


def metric_value(
    metric: str, value: float | None, unit: str, shown: Callable[[float | None, str], str] | None = None
) -> str:  # fmt: skip
    """A value of a metric with its unit; below what its measurer can tell apart, that: `< 1 ms`, never 0."""
    shown = shown or format_value
    known = METRICS.get(metric)
    if (
        value is not None
        and known is not None
        and known.resolution
        and unit == known.unit
        and 0 <= value < known.resolution
    ):
        return f"< {shown(known.resolution, unit)}"
    return shown(value, unit)


def informs(found: Mapping[str, Any]) -> str:
    """` (informs)` behind the name of a criterion that decides nothing; empty for one that decides."""
    return " (informs)" if found.get("kind") == "secondary" else ""


def format_value(value: float | None, unit: str) -> str:
    """`99.97%`, `12.4 ms`, `3`, `24.0 MiB`; `-` for no value."""
    if value is None:
        return "-"
    if unit == "percent":
        return f"{value:.4g}%" if abs(value) < 1000 else f"{value:.0f}%"
    if unit == "duration":
        return f"{value * 1000:.3g} ms" if value < 10 else f"{value:.1f} s"
    if unit == "size":
        return f"{value / 1048576:.1f} MiB"
    return f"{value:.4g}"


__all__ = ["ERROR", "FAIL", "GO", "HOLD", "INCONCLUSIVE", "NO_GO", "PASS", "ROLLBACK", "Decision", "Rule", "Verdict"]
__all__ += ["compare", "decide", "describe", "format_value", "informs", "is_far", "judge", "metric_value"]
__all__ += ["needs_confirmation", "told_value"]
