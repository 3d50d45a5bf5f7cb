# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A metric, a comparison, a threshold, the time it is taken over, and what missing data leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS, Against, Metric, Over, Unit
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._fields import Line, Section, TriggerName, refuse
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import NOTATIONS, UnitError

COMPARISONS = ("above", "below", "at_least", "at_most", "equals")

Reason = Literal[
    "agent_silent",
    "host_unreachable",
    "nats_unreachable",
    "nats_refused",
    "nats_unsupported",
    "nobody_answers",
    "too_many_answers",
    "sampler_lossy",
    "sampler_late",
    "subject_idle",
    "too_few_samples",
    "tool_error",
]
# `pass` is no outcome: absence of evidence is never a pass.
Outcome = Literal["hold", "fail"]


def _metric_name(value: Any) -> str:
    if not isinstance(value, str) or value not in METRICS:
        raise refuse("one of " + ", ".join(METRICS))
    return value


def threshold_unit(metric: Metric, against: str | None) -> Unit:
    """The unit a threshold is written in: the metric's own, or percent for a change against something else."""
    return "percent" if against is not None else metric.unit


def _metric_of(earlier: Mapping[str, Any]) -> Metric | None:
    """The metric among the fields validated before; None when it was refused, and then nothing more can be judged."""
    return METRICS.get(earlier.get("metric", ""))


def _read_value(unit: Unit, value: Any) -> float:
    try:
        return NOTATIONS[unit].parse(value)
    except UnitError as error:
        raise refuse(error.expected, error.hint) from error


def _by_unit(schema: dict[str, Any]) -> None:
    """Tell editors which notation a threshold has, by the metric it belongs to."""
    rules: list[dict[str, Any]] = []
    for unit in dict.fromkeys(metric.unit for metric in METRICS.values()):
        names = [metric.name for metric in METRICS.values() if metric.unit == unit]
        rules.append(
            {
                "if": {
                    "properties": {"metric": {"enum": names}},
                    "required": ["metric"],
                    "not": {"required": ["against"]},
                },
                "then": {"properties": dict.fromkeys(COMPARISONS, NOTATIONS[unit].json)},
            }
        )
    rules.append(
        {"if": {"required": ["against"]}, "then": {"properties": dict.fromkeys(COMPARISONS, NOTATIONS["percent"].json)}}
    )
    schema["allOf"] = rules
    schema["oneOf"] = [{"required": [key]} for key in COMPARISONS]


_ANY_VALUE: dict[str, Any] = {"type": ["string", "number"]}
Threshold = Annotated[float | None, WithJsonSchema(_ANY_VALUE)]


class Criterion(Section):
    """One statement about a metric. Exactly one of the comparisons above, below, at_least, at_most, equals is given.

    After validation the threshold is a number: seconds, bytes, percent (99.9 for 99.9%) or a bare number, see `unit`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, json_schema_extra=_by_unit)

    metric: Annotated[str, BeforeValidator(_metric_name), WithJsonSchema({"type": "string", "enum": list(METRICS)})] = (
        Field(description="What is measured; docs/plan.md lists the metrics.")
    )
    against: Against | None = Field(
        default=None,
        validate_default=True,
        description="Compare with control, baseline or previous (checkpoint); the threshold is the change in percent.",
    )
    over: Over = Field(
        default=None,
        validate_default=True,
        description="rollout: all since the change; tick: since the look before; checkpoint: the window of this look. Default: by metric.",
    )
    above: Threshold = Field(default=None, description="Holds when the value is greater.")
    below: Threshold = Field(default=None, description="Holds when the value is smaller.")
    at_least: Threshold = Field(default=None, description="Holds when the value is greater or equal.")
    at_most: Threshold = Field(default=None, description="Holds when the value is smaller or equal.")
    equals: Threshold = Field(default=None, description="Holds when the value is the same.")
    ignore_under: Threshold = Field(
        default=None,
        description="Differences smaller than this are not judged: 20 % of almost nothing is nothing.",
    )
    min_samples: int = Field(
        default=None,
        validate_default=True,
        ge=1,
        description="With fewer samples the verdict is inconclusive (too_few_samples). Default: by metric.",
    )
    missing: dict[Reason, Outcome] = Field(
        default_factory=dict,
        description="What a reason for missing data leads to: hold (default) or fail. It is never a pass.",
    )

    @field_validator("against", mode="before")
    @classmethod
    def _against(cls, value: Any, info: ValidationInfo) -> Any:
        metric = _metric_of(info.data)
        if metric is None:
            return value
        if value is None:
            return metric.against[0] if metric.comparison else None
        if value not in metric.against:
            known = " or ".join(metric.against)
            if not known:
                raise refuse(f"no `against` with {metric.name}", "this metric can't be compared; remove the key")
            raise refuse(f"{known} with {metric.name}")
        return value

    @field_validator("over", mode="before")
    @classmethod
    def _over(cls, value: Any, info: ValidationInfo) -> Any:
        metric = _metric_of(info.data)
        if metric is None:
            return "rollout" if value is None else value
        if value is not None and value in get_args(Over) and value not in (metric.over, *metric.also_over):
            raise refuse(
                f"{' or '.join((metric.over, *metric.also_over))} with {metric.name}",
                "it is not measured any other way; the key can be left out",
            )
        return metric.over if value is None else value

    @field_validator("min_samples", mode="before")
    @classmethod
    def _min_samples(cls, value: Any, info: ValidationInfo) -> Any:
        metric = _metric_of(info.data)
        return value if value is not None else metric.min_samples if metric is not None else 1

    @field_validator(*COMPARISONS, mode="before")
    @classmethod
    def _threshold(cls, value: Any, info: ValidationInfo) -> Any:
        metric = _metric_of(info.data)
        if value is None or metric is None or "against" not in info.data:
            return None
        against = info.data["against"]
        threshold = _read_value(threshold_unit(metric, against), value)
        if metric.share and against is None and not 0 <= threshold <= 100:
            raise refuse(expected="a percentage from 0% to 100%", hint=f"{metric.name} is a share of a whole")
        cls._refuse_idle(metric, against, str(info.field_name), threshold)
        return threshold

    @classmethod
    def _refuse_idle(cls, metric: Metric, against: str | None, comparison: str, threshold: float) -> None:
        """Refuse thresholds that decide nothing, whatever is measured."""
        if against is not None:
            return
        never = {"below": threshold <= 0, "above": metric.share and threshold >= 100}
        always = {"at_least": threshold <= 0, "at_most": metric.share and threshold >= 100}
        if never.get(comparison):
            raise refuse("a threshold that can be met", f"{metric.name} can never be {comparison} this")
        if always.get(comparison):
            raise refuse(
                "a threshold that can be missed", f"{metric.name} always is {comparison.replace('_', ' ')} this"
            )

    @field_validator("ignore_under", mode="before")
    @classmethod
    def _difference(cls, value: Any, info: ValidationInfo) -> Any:
        metric = _metric_of(info.data)
        if value is None or metric is None or "against" not in info.data:
            return None
        if info.data["against"] is None:
            raise refuse("no ignore_under without `against`", "it is about differences; add `against` or remove it")
        if metric.comparison and metric.difference_unit is None:
            raise refuse(f"no ignore_under with {metric.name}", "it has no absolute difference; remove the key")
        difference = _read_value(metric.difference_unit or metric.unit, value)
        if difference < 0:
            raise refuse("0 or more")
        return difference

    @model_validator(mode="after")
    def _one_comparison(self) -> Criterion:
        given = [name for name in COMPARISONS if getattr(self, name) is not None]
        if len(given) != 1:
            seen = " and ".join(given) if given else "no comparison"
            raise refuse(
                "exactly one of " + ", ".join(COMPARISONS),
                "use two criteria for two bounds" if given else "",
                seen=seen,
            )
        return self

    @property
    def comparison(self) -> str:
        """`above`, `below`, `at_least`, `at_most` or `equals`."""
        return next(name for name in COMPARISONS if getattr(self, name) is not None)

    @property
    def threshold(self) -> float:
        """Seconds, bytes, percent or a bare number, see `unit`."""
        return float(getattr(self, self.comparison))

    @property
    def unit(self) -> Unit:
        """The unit of `threshold`: percent, duration (seconds), size (bytes), count or number."""
        return threshold_unit(METRICS[self.metric], self.against)

    @property
    def relative(self) -> bool:
        """Whether the threshold is a change in percent against a reference value of the same metric.

        False for metrics that are a comparison in themselves, such as memory_overhead: their value is the change.
        """
        return self.against is not None and not METRICS[self.metric].comparison

    @property
    def text(self) -> str:
        """The statement for people, e.g. `latency_p50 below 20% against previous`."""
        value = NOTATIONS[self.unit].write(self.threshold)
        against = f" against {self.against}" if self.against else ""
        return f"{self.metric} {self.comparison.replace('_', ' ')} {value}{against}"

    def on_missing(self, reason: str) -> Outcome:
        """What a typed reason for missing data leads to: `hold` unless the plan says `fail`."""
        return next((outcome for name, outcome in self.missing.items() if name == reason), "hold")

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Thresholds go out in the notation of plans, so that a plan written out can be read again."""
        metric = METRICS[self.metric]
        written: dict[str, Any] = {key: value for key, value in handler(self).items() if value is not None}
        written[self.comparison] = NOTATIONS[self.unit].write(self.threshold)
        if self.ignore_under is not None:
            written["ignore_under"] = NOTATIONS[metric.difference_unit or metric.unit].write(self.ignore_under)
        return written


class Trigger(Criterion):
    """A bad condition: when it holds, the rollout goes back. Missing data pulls it only where `missing` says fail."""

    name: TriggerName = Field(description="What the trigger is called in the ledger and in reports; unique in a plan.")
    consecutive: int = Field(default=1, ge=1, description="Looks in a row in which the condition must hold.")
    total: int | None = Field(
        default=None, ge=1, description="Looks altogether after which it is pulled too, in a row or not."
    )


class Alert(Criterion):
    """A condition worth telling a person; it decides nothing."""

    severity: Literal["critical", "warning"] = Field(description="critical: act now; warning: look into it.")
    action: Line | None = Field(default=None, description="What the person should do, shown with the alert.")
