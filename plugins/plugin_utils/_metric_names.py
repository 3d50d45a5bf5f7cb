# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics a plan can name: unit, meaning, source and defaults of each. Data only; the measuring is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["percent", "duration", "count", "number", "size"]
Over = Literal["rollout", "checkpoint"]
Against = Literal["control", "baseline", "previous"]
Section = Literal["sample", "probe", "control", "corruption_signs"]


@dataclass(frozen=True)
class Metric:
    """One thing that is measured.

    `share`: a percentage of a whole, so within 0..100 (an overhead can be more). `comparison`: the metric is itself a
    comparison with `against[0]`, so its value is already the difference in percent. `difference_unit`: the unit of
    `ignore_under`, the absolute difference below which a comparison is not judged. `needs`: the plan sections without
    which it can't be measured. `min_samples`: below this many samples the verdict is `too_few_samples`.
    """

    name: str
    unit: Unit
    meaning: str
    source: str
    higher_is_better: bool
    over: Over = "rollout"
    against: tuple[Against, ...] = ()
    comparison: bool = False
    share: bool = False
    difference_unit: Unit | None = None
    needs: tuple[Section, ...] = ()
    min_samples: int = 1


_ANY: tuple[Against, ...] = ("control", "baseline", "previous")
# Control agents get no probe traffic of their own, so what the probe measures is compared in time only.
_IN_TIME: tuple[Against, ...] = ("baseline", "previous")

_ALL = (
    Metric(
        "agent_uptime",
        "percent",
        "Share of the time since the change in which the changed instances were active.",
        "sum of active time / sum of elapsed time over the test instances (states and journal of systemd)",
        True,
        share=True,
    ),
    Metric(
        "error_rate",
        "percent",
        "Errors of the changed instances per message they handled.",
        "ERROR lines / messages (inbox + broadcast + agent-ref of the agents' own metrics lines and the probe) x 100",
        False,
        against=_ANY,
        share=True,
    ),
    Metric(
        "errors",
        "count",
        "Error lines of the changed instances.",
        "lines whose own level is ERROR or that are panics; the journal priority is not used, it is always 6",
        False,
        against=_ANY,
    ),
    Metric(
        "warnings",
        "count",
        "Warning lines of the changed instances.",
        "lines whose own level is WARN",
        False,
        against=_ANY,
    ),
    Metric(
        "message_delivery",
        "percent",
        "Probe answers that arrived, of those expected.",
        "answers delivered / (requests x instances that must answer) x 100",
        True,
        over="checkpoint",
        against=_IN_TIME,
        share=True,
        needs=("probe",),
    ),
    Metric(
        "messages_lost",
        "count",
        "Probe answers that never arrived.",
        "answers expected - answers delivered (late ones are delivered)",
        False,
        over="checkpoint",
        needs=("probe",),
    ),
    Metric(
        "latency_p50",
        "duration",
        "Median time from a probe request to an answer.",
        "median over all answers of the window",
        False,
        over="checkpoint",
        against=_IN_TIME,
        needs=("probe",),
        min_samples=20,
    ),
    Metric(
        "latency_p99",
        "duration",
        "Time within which 99 % of the probe answers arrived.",
        "99th percentile over all answers of the window",
        False,
        over="checkpoint",
        against=_IN_TIME,
        needs=("probe",),
        min_samples=100,
    ),
    Metric(
        "latency_p999",
        "duration",
        "Time within which 99.9 % of the probe answers arrived.",
        "99.9th percentile over all answers of the window",
        False,
        over="checkpoint",
        against=_IN_TIME,
        needs=("probe",),
        min_samples=1000,
    ),
    Metric(
        "dual_publish_success",
        "percent",
        "Responses that were published to the legacy and to the unified subject.",
        "responses seen on both / responses seen on either x 100, matched by Conversation-Id and Sender",
        True,
        against=("previous",),
        share=True,
        needs=("sample",),
    ),
    Metric(
        "unified_traffic",
        "percent",
        "Share of the sampled messages that used the unified subjects.",
        "messages on sample.unified / messages on sample.legacy and sample.unified x 100",
        True,
        over="checkpoint",
        against=_IN_TIME,
        share=True,
        needs=("sample",),
    ),
    Metric(
        "cpu_overhead",
        "percent",
        "CPU time of the changed instances compared with the control ones.",
        "(mean CPU of test / mean CPU of control - 1) x 100 over the same minutes",
        False,
        over="checkpoint",
        against=("control",),
        comparison=True,
        difference_unit="percent",
        needs=("control",),
    ),
    Metric(
        "memory_overhead",
        "percent",
        "Memory of the changed instances compared with the control ones.",
        "(mean memory of test / mean memory of control - 1) x 100 at the same moment",
        False,
        over="checkpoint",
        against=("control",),
        comparison=True,
        difference_unit="size",
        needs=("control",),
    ),
    Metric(
        "publish_time",
        "duration",
        "Time between the two publications of one response.",
        "median gap between the legacy and the unified message of a conversation, as the sampler saw them arrive",
        False,
        over="checkpoint",
        against=_IN_TIME,
        needs=("sample",),
        min_samples=20,
    ),
    Metric(
        "conversation_ids",
        "percent",
        "Probe conversations whose id came back on every answer.",
        "answers with the id of their request / answers x 100",
        True,
        over="checkpoint",
        share=True,
        needs=("probe", "sample"),
    ),
    Metric(
        "system_load",
        "number",
        "Load of the busiest host of the rollout.",
        "one-minute load average, highest host",
        False,
        over="checkpoint",
        against=("baseline", "previous"),
    ),
    Metric(
        "nats_connections_lost",
        "count",
        "Connections to NATS that changed instances lost.",
        "connections at the last look - connections now, where positive, summed over the test instances",
        False,
    ),
    Metric(
        "unexpected_restarts",
        "count",
        "Starts, exits and crashes of changed instances that the rollout did not ask for.",
        "changes of invocation or of the restart counter since the change, out-of-memory kills included",
        False,
    ),
    Metric(
        "nats_disconnected",
        "count",
        "Changed instances without a connection to NATS while active.",
        "active test instances whose main process has no established connection to the NATS port",
        False,
        over="checkpoint",
    ),
    Metric(
        "memory_of_limit",
        "percent",
        "Memory of the fullest changed instance, of its unit's limit.",
        "highest MemoryCurrent / MemoryMax x 100 over the test instances",
        False,
        over="checkpoint",
        share=True,
    ),
    Metric(
        "memory_growth",
        "percent",
        "Growth of the changed instances' memory since the change, beyond that of the control ones.",
        "(growth of test - growth of control) / first memory of test x 100",
        False,
        against=("control",),
        comparison=True,
        difference_unit="size",
        needs=("control",),
    ),
    Metric(
        "host_memory",
        "percent",
        "Memory in use on the fullest host.",
        "(total - available) / total x 100, highest host",
        False,
        over="checkpoint",
        share=True,
    ),
    Metric(
        "disk_used",
        "percent",
        "Disk in use on the fullest of the watched paths.",
        "highest of rollout_disk_paths over all hosts",
        False,
        over="checkpoint",
        share=True,
    ),
    Metric(
        "corruption_signs",
        "count",
        "Error lines that match a pattern of the plan's corruption_signs.",
        "ERROR lines of the test instances that match a pattern",
        False,
        needs=("corruption_signs",),
    ),
    Metric(
        "hosts_rebooted", "count", "Hosts that started anew since the change.", "hosts whose boot id changed", False
    ),
    Metric(
        "instances_active",
        "percent",
        "Changed instances that are active now, of those expected.",
        "active test instances / expected test instances x 100",
        True,
        over="checkpoint",
        share=True,
    ),
    Metric(
        "instances_proven",
        "percent",
        "Changed instances that proved to run with the new value, of those expected.",
        "instances with a passed proof / expected test instances x 100",
        True,
        over="checkpoint",
        share=True,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
