# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A baseline holds, with a reason of its own, for whatever could not be judged by after the change."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._baseline import problems
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import judge
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._rules import for_checkpoint

from tests.unit.plugins.plugin_utils.recorded import evidence, plan

AGENT = "network-expert"


def measured(**row: Any) -> dict[str, Any]:
    """Recorded evidence of a fleet that is well, in which AGENT was answered as said."""
    document = evidence()
    document["nats"][0]["probe"]["agents"][AGENT].update(row)
    return document


def found(document: dict[str, Any]) -> list[tuple[str, str]]:
    verdicts = judge(for_checkpoint(plan(), None), document)
    return [(problem.reason, problem.text) for problem in problems(document, verdicts)]


def test_a_fleet_that_is_well_is_a_baseline() -> None:
    assert found(evidence()) == []


@pytest.mark.parametrize(
    ("row", "reason", "told"),
    [
        ({"delivered": 0, "late": 0}, "nobody_answers", "the agent does not hear the subject"),
        ({"delivered": 0, "late": 0, "no_responders": 100}, "nobody_answers", "nobody subscribes to the subject"),
        ({"delivered": 0, "late": 0, "stream_acks": 100}, "nobody_answers", "set no_ack"),
        ({"delivered": 200, "late": 0}, "agent_silent", "200 of 300 answers to 100 requests, as if 1 of 3 instances did not answer"),
        ({"delivered": 100, "late": 0}, "agent_silent", "as if 2 of 3 instances did not answer"),
        ({"delivered": 300, "late": 0, "duplicates": 100}, "too_many_answers", "400 answers to 100 requests, expected 300"),
        ({"delivered": 299, "late": 0, "duplicates": 1}, "too_many_answers", "300 answers to 100 requests"),
        ({"sent": 4, "unresolved": 4, "expected": 0, "delivered": 0}, "too_few_samples", "no request was seen through"),
    ],
)  # fmt: skip
def test_who_answers_is_known_before_the_change(row: dict[str, Any], reason: str, told: str) -> None:
    asked = {"sent": 100, "expected": 300, "unresolved": 0, "duplicates": 0, "no_responders": 0, **row}
    ((why, text),) = found(measured(**asked))
    assert why == reason
    assert text.startswith(f"{AGENT} on cim: ") and told in text


def test_slow_and_single_lost_answers_are_what_the_criteria_compare_with() -> None:
    assert found(measured(sent=100, expected=300, delivered=0, late=300)) == []
    assert found(measured(sent=100, expected=300, delivered=295, late=0)) == []


def test_an_agent_that_was_not_asked() -> None:
    document = evidence()
    del document["nats"][0]["probe"]["agents"][AGENT]
    assert found(document) == [("tool_error", f"{AGENT} on cim: was not probed")]


@pytest.mark.parametrize("part", ["sample", "probe"])
def test_what_was_not_measured_names_its_reason(part: str) -> None:
    document = evidence()
    document["nats"][0][part] = {"reason": "nats_refused", "message": "Permissions Violation"}
    assert found(document) == [("nats_refused", "NATS of cim: Permissions Violation")]


def test_an_instance_that_nobody_saw() -> None:
    document = evidence()
    document["instances"]["tdd-expert@dgx-2"].update(reason="host_unreachable", message="no route")
    assert ("host_unreachable", "tdd-expert@dgx-2: no route") in found(document)


def test_agents_that_answer_and_publish_nothing_where_the_plan_listens() -> None:
    document = evidence()
    document["nats"][0]["sample"]["dual"]["agents"][AGENT].update(legacy=0, matched=0, without_id={"legacy": 0})
    ((why, text),) = found(document)
    assert why == "subject_idle" and AGENT in text and "Correct sample.legacy" in text


def test_without_a_probe_an_idle_agent_may_just_be_idle() -> None:
    document = evidence()
    document["nats"][0]["sample"]["dual"]["agents"][AGENT].update(legacy=0, matched=0, without_id={"legacy": 0})
    document["nats"][0]["probe"] = None
    assert found(document) == []
