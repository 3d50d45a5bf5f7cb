# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a measured baseline from being one: what nothing could be compared with later is told before the change. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import Verdict


@dataclass(frozen=True)
class Problem:
    """`reason`: typed; `text`: what was seen, of whom, and what to do."""

    reason: str
    text: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.text}"


def problems(evidence: dict[str, Any], verdicts: Iterable[Verdict] = ()) -> list[Problem]:
    """All that is missing, NATS first. `verdicts`: what the criteria of a checkpoint say of the same evidence."""
    agents = sorted({item["agent"] for item in evidence["instances"].values()})
    found = [problem for group in evidence["nats"] for problem in _of_group(group, agents)]
    found += [
        Problem(item["reason"], f"{name}: {item.get('message') or 'nothing was seen of it'}")
        for name, item in evidence["instances"].items()
        if item.get("reason")
    ]
    return found + _unpublished(evidence, verdicts)


def _of_group(group: dict[str, Any], agents: list[str]) -> list[Problem]:
    probe = group.get("probe") or {}
    for part in (group, group.get("sample") or {}, probe):
        if part.get("reason"):
            return [Problem(part["reason"], f"NATS of {group['name']}: {part.get('message') or 'no measurement'}")]
    if not probe:
        return []
    rows = probe.get("agents") or {}
    unasked = [agent for agent in agents if agent not in rows]
    return [
        *(Problem(reasons.TOOL_ERROR, f"{agent} on {group['name']}: was not probed") for agent in unasked),
        *(problem for agent, row in rows.items() for problem in _of_agent(f"{agent} on {group['name']}", row)),
    ]


def _of_agent(who: str, row: dict[str, Any]) -> list[Problem]:
    """An agent that is not heard before the change can't be heard to fail after it."""
    settled = int(row.get("sent") or 0) - int(row.get("unresolved") or 0)
    arrived = int(row.get("delivered") or 0) + int(row.get("late") or 0)
    lost = int(row["expected"]) - arrived
    if row.get("duplicates"):
        return [
            Problem(
                reasons.TOO_MANY_ANSWERS,
                f"{who}: {arrived + int(row['duplicates'])} answers to {settled} requests, expected {row['expected']}, one from each "
                "instance. Instances that are not in the inventory answer too, or one answers twice: an answer of "
                "theirs would stand for an instance that is dead. Add their hosts, or probe a subject that only these instances hear",
            )
        ]
    if settled <= 0:
        return [Problem(reasons.TOO_FEW_SAMPLES, f"{who}: no request was seen through; take the baseline again")]
    if not arrived:
        return [Problem(reasons.NOBODY_ANSWERS, f"{who}: {_silence(row, settled)}")]
    if lost >= settled:
        instances = int(row["expected"]) // settled
        return [
            Problem(
                reasons.AGENT_SILENT,
                f"{who}: {arrived} of {row['expected']} answers to {settled} requests, as if {lost // settled} of {instances} "
                "instances did not answer. Look at the instances; where they share a queue group only one of them answers, "
                "and the probe needs a subject that each of them hears",
            )
        ]
    return []


def _silence(row: dict[str, Any], settled: int) -> str:
    why = (
        "the agent does not hear the subject (correct probe.subject, or the account of rollout_nats_auth), does not answer this "
        "payload, or may not publish its answer"
    )
    if row.get("stream_acks"):
        why = "only a JetStream stream acknowledged them; set no_ack on it and see whether agents hear this subject"
    elif int(row.get("no_responders") or 0) >= settled:
        why = "nobody subscribes to the subject; correct probe.subject, the account of rollout_nats_auth, or the agent"
    return f"no answer to any of {settled} requests: {why}"


def _unpublished(evidence: dict[str, Any], verdicts: Iterable[Verdict]) -> list[Problem]:
    """Agents that answered the probe and published nothing where the plan listens: it listens to the wrong subjects."""
    if not any(group.get("probe") for group in evidence["nats"]):
        return []  # nobody was asked for anything, so an agent may just be idle
    return [
        Problem(
            reasons.SUBJECT_IDLE,
            f"{verdict.name}: {verdict.reasons[reasons.SUBJECT_IDLE]}, although it answered the probe. Correct sample.legacy",
        )
        for verdict in verdicts
        if verdict.metric == "dual_publish_success" and reasons.SUBJECT_IDLE in verdict.reasons
    ]
