# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics a plan can name: unit, meaning, source and defaults of each. Data only; the measuring is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["percent", "duration", "count", "number", "size"]
Over = Literal["rollout", "checkpoint", "tick"]
Against = Literal["control", "baseline", "previous"]
Section = Literal["sample", "probe", "control", "corruption_signs"]
Counted = Literal["instances", "agents", "hosts", "answers", "messages", "buckets", "looks"]


@dataclass(frozen=True)
class Metric:
    """One thing that is measured.

    `share`: a percentage of a whole, so within 0..100 (an overhead can be more). `comparison`: the metric is itself a
    comparison with `against[0]`, so its value is already the difference in percent. `difference_unit`: the unit of
    `ignore_under` for such a metric, None where it has none. `over`: the time that it is taken over (`also_over`: or
    another, if the plan says so; tick: since the look before). `needs`: the plan sections without
    which it can't be measured. `min_samples`: below this many samples the verdict is `too_few_samples`.
    `counted`: what a sample of it is: an instance, an agent or a host that was seen, an answer to the probe (of the agent with
    the fewest, for a duration), a message, a bucket since the change or a look since then.
    `of_change`: it can only be good where the change was made, so a shadow rollout, which changes nothing, leaves it out.
    `resolution`: what its measurer can't tell apart from nothing, in its unit.
    `sequential`: it is estimated from noise, so beyond the threshold is not enough: it must be sure as well, by a test
    whose false alarms are bounded over all looks of the rollout together. `trend`: it takes its time, so that only the
    last checkpoint holds for too few samples of it.
    """

    name: str
    unit: Unit
    meaning: str
    source: str
    higher_is_better: bool
    over: Over = "rollout"
    also_over: tuple[Over, ...] = ()
    against: tuple[Against, ...] = ()
    comparison: bool = False
    share: bool = False
    difference_unit: Unit | None = None
    needs: tuple[Section, ...] = ()
    min_samples: int = 1
    counted: Counted = "instances"
    of_change: bool = False
    resolution: float | None = None
    sequential: bool = False
    trend: bool = False


_ANY: tuple[Against, ...] = ("control", "baseline", "previous")
# Control agents publish to the legacy subjects only, so what the unified ones need is compared in time only.
_IN_TIME: tuple[Against, ...] = ("baseline", "previous")

_ALL = (
    Metric(
        "agent_uptime",
        "percent",
        "Share of the time since the change in which the changed instances were active.",
        "lowest share of time that an instance was up since its proof; at most 99 for one that is down now",
        True,
        share=True,
    ),
    Metric(
        "error_rate",
        "percent",
        "Errors of the changed instances per message they handled.",
        "errors / messages handled x 100, over all instances or that of the worst agent or instance alone; errors are"
        " ERROR lines or error answers to the probe, whichever is more, without those that control shows as well; handled is"
        " what the agents count themselves, or their share of the probe's answers where that is more",
        False,
        against=_ANY,
        share=True,
        also_over=("tick",),
        counted="messages",
    ),
    Metric(
        "error_peak",
        "percent",
        "Highest error rate of a changed agent over any 5 buckets or more since its change.",
        "errors / messages handled x 100 over the worst stretch of 5 to 160 buckets, worst agent; a stretch counts where it is"
        " surely no chance, and more than twice as bad as any that control, or the agent before, had (docs/judgement.md)",
        False,
        share=True,
        counted="agents",
    ),
    Metric(
        "errors",
        "count",
        "Error lines of the changed instances.",
        "lines whose own level is ERROR, and panics; kinds that control shows on the same host as well are left out, panics"
        " never; the journal priority counts where a line has no level",
        False,
        against=_ANY,
        also_over=("tick",),
    ),
    Metric(
        "warnings",
        "count",
        "Warning lines of the changed instances.",
        "lines whose own level is WARN",
        False,
        against=_ANY,
        also_over=("tick",),
    ),
    Metric(
        "message_delivery",
        "percent",
        "Probe answers that arrived, of those expected.",
        "answers delivered / answers expected (one from each instance) x 100, of all agents or of the worst one alone",
        True,
        over="checkpoint",
        against=_ANY,
        share=True,
        needs=("probe",),
        counted="answers",
    ),
    Metric(
        "messages_lost",
        "count",
        "Probe answers that never arrived.",
        "answers expected - answers that came within the probe's timeout",
        False,
        over="checkpoint",
        needs=("probe",),
        counted="answers",
    ),
    Metric(
        "latency_p50",
        "duration",
        "Median time from a probe request to an answer.",
        "median over all answers of an agent in the window, slowest agent",
        False,
        over="checkpoint",
        against=_ANY,
        needs=("probe",),
        min_samples=20,
        counted="answers",
    ),
    Metric(
        "latency_p99",
        "duration",
        "Time within which 99 % of the probe answers arrived.",
        "99th percentile over all answers of an agent in the window, slowest agent",
        False,
        over="checkpoint",
        against=_ANY,
        needs=("probe",),
        min_samples=100,
        counted="answers",
    ),
    Metric(
        "latency_p999",
        "duration",
        "Time within which 99.9 % of the probe answers arrived.",
        "99.9th percentile over all answers of an agent in the window, slowest agent",
        False,
        over="checkpoint",
        against=_ANY,
        needs=("probe",),
        min_samples=1000,
        counted="answers",
    ),
    Metric(
        "silence",
        "duration",
        "Longest time for which an agent answered nothing while control did.",
        "buckets in a row in which an agent was asked and gave no answer, and control on the same NATS servers gave some, and"
        " the lost shares of the buckets around them; longest one since the change",
        False,
        needs=("probe", "control"),
        counted="buckets",
    ),
    Metric(
        "bad_minutes",
        "percent",
        "Buckets since the change in which an agent lost answers and control did not.",
        "buckets with lost answers, more than twice control's share / buckets in which both were asked x 100, worst agent",
        False,
        share=True,
        needs=("probe", "control"),
        min_samples=5,
        counted="buckets",
    ),
    Metric(
        "latency_shift",
        "percent",
        "How much slower an agent became than control did, over the same minutes.",
        "Hodges-Lehmann shift of log(median of the bucket / control's) since the change against before it, worst agent;"
        " sure when a bet against a quarter of the threshold wins (docs/judgement.md)",
        False,
        against=("control",),
        comparison=True,
        difference_unit="duration",
        needs=("probe", "control"),
        min_samples=5,
        sequential=True,
        counted="buckets",
    ),
    Metric(
        "dual_publish_success",
        "percent",
        "Responses that were published to the legacy and to the unified subject.",
        "responses seen on both / responses seen on the legacy subjects x 100, of all agents or of the worst one alone,"
        " matched by conversation id and sender; one"
        " without conversation id counts as seen on the legacy subjects only",
        True,
        also_over=("checkpoint",),
        against=("previous",),
        share=True,
        needs=("sample",),
        of_change=True,
        counted="messages",
    ),
    Metric(
        "unified_traffic",
        "percent",
        "Share of the sampled messages that used the unified subjects.",
        "messages from or to the agents on sample.unified / those on sample.legacy and sample.unified x 100, of all agents or of"
        " the worst one alone",
        True,
        over="checkpoint",
        against=_IN_TIME,
        share=True,
        needs=("sample",),
        of_change=True,
        counted="messages",
    ),
    Metric(
        "cpu_overhead",
        "percent",
        "CPU time of the changed instances compared with the control ones.",
        "(median CPU share of test / that of control - 1) x 100, each relative to its own baseline",
        False,
        over="checkpoint",
        against=("control",),
        comparison=True,
        needs=("control",),
    ),
    Metric(
        "memory_overhead",
        "percent",
        "Memory of the changed instances compared with the control ones.",
        "(median memory of test / that of control - 1) x 100, each relative to its own baseline",
        False,
        over="checkpoint",
        against=("control",),
        comparison=True,
        needs=("control",),
    ),
    Metric(
        "publish_time",
        "duration",
        "Time between the two publications of one response.",
        "median gap between the two messages of a response as they reach NATS, slowest agent",
        False,
        over="checkpoint",
        # Before the change nothing is published twice, so there is no baseline.
        against=("previous",),
        needs=("sample",),
        min_samples=20,
        of_change=True,
        # What the sampler finds in one read of its socket has come at the same time, for all it knows.
        resolution=0.001,
        counted="messages",
    ),
    Metric(
        "conversation_ids",
        "percent",
        "Probe conversations whose id came back on every answer.",
        "ids seen in the agents' publications / ids sent by the probe x 100, lowest agent",
        True,
        over="checkpoint",
        share=True,
        needs=("probe", "sample"),
        counted="messages",
    ),
    Metric(
        "system_load",
        "number",
        "Load of the busiest host of the rollout.",
        "one-minute load average, highest host",
        False,
        over="checkpoint",
        against=("baseline", "previous"),
        counted="hosts",
    ),
    Metric(
        "nats_connections_lost",
        "count",
        "Connections to NATS that changed instances lost.",
        "connections at the baseline - connections now, where positive, summed",
        False,
    ),
    Metric(
        "unexpected_restarts",
        "count",
        "Starts, exits and crashes of changed instances that the rollout did not ask for.",
        "changes of process or restart counter since the proof, kills for memory included; without those that came within a"
        " minute of control's on the same host, which are the host's own trouble",
        False,
    ),
    Metric(
        "nats_disconnected",
        "count",
        "Changed instances without a connection to NATS while active.",
        "active instances without a connection to the NATS port, where control instances of the host have theirs",
        False,
        over="checkpoint",
    ),
    Metric(
        "memory_of_limit",
        "percent",
        "Memory of the fullest changed instance, of the smallest limit that applies to it: its unit's, a control group's, or its host's memory.",
        "highest MemoryCurrent / limit x 100 over the test instances",
        False,
        over="checkpoint",
        share=True,
    ),
    Metric(
        "memory_lasts",
        "duration",
        "Time until an instance reaches the memory limit that applies to it, if it goes on growing as since the change.",
        "(limit - memory now) / Theil-Sen slope of its memory since the change, without control's growth; shortest of"
        " all instances, 100 years without a trend; sure when it is below four times the threshold at the slope's lower bound"
        " (docs/judgement.md)",
        True,
        needs=("control",),
        min_samples=5,
        sequential=True,
        trend=True,
        counted="looks",
    ),
    Metric(
        "disk_lasts",
        "duration",
        "Time until the fullest disk of a host is full, if it goes on filling.",
        "free share / Theil-Sen slope since the first change; shortest of all hosts, 100 years without a trend; sure as"
        " memory_lasts is",
        True,
        min_samples=5,
        sequential=True,
        trend=True,
        counted="looks",
    ),
    Metric(
        "host_memory",
        "percent",
        "Memory in use on the fullest host.",
        "(total - available) / total x 100, highest host",
        False,
        over="checkpoint",
        share=True,
        counted="hosts",
    ),
    Metric(
        "disk_used",
        "percent",
        "Disk in use on the fullest of the watched paths.",
        "highest of rollout_disk_paths over all hosts",
        False,
        over="checkpoint",
        share=True,
        counted="hosts",
    ),
    Metric(
        "corruption_signs",
        "count",
        "Error lines that match a pattern of the plan's corruption_signs.",
        "kinds of ERROR lines of the test instances that match a pattern, without those that control shows as well",
        False,
        needs=("corruption_signs",),
    ),
    Metric(
        "hosts_rebooted",
        "count",
        "Hosts that started anew since the change.",
        "hosts whose boot id is not that of the baseline",
        False,
        counted="hosts",
    ),
    Metric(
        "instances_active",
        "percent",
        "Changed instances that are active now, of those expected.",
        "active instances / expected instances x 100",
        True,
        over="checkpoint",
        share=True,
    ),
    Metric(
        "instances_proven",
        "percent",
        "Changed instances that proved to run with the new value, of those expected.",
        "instances that are active in the very process that was proven / expected instances x 100",
        True,
        over="checkpoint",
        share=True,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
