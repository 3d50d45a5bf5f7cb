# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked to learn which servers hear each other: subjects like those of the plan, that no agent acts on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._subjects import matches
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import Catalogue
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._nats_groups import Asked
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reach_order import asked_of, narrowed, orders, stand_in

from tests.unit.plugins.plugin_utils.recorded import plan

COLUMNS = ["agent", "agent_id"]
CATALOGUE = Catalogue(
    {name: {"agent": name, "agent_id": f"id-{name}"} for name in ("network-expert", "tdd-expert", "nix-expert")}, COLUMNS, "a.csv"
)  # fmt: skip


def test_nobody_is_asked_on_a_subject_like_the_probe_s() -> None:
    asked = asked_of(plan(), CATALOGUE, "dgx-1")
    assert asked.request == "agent.to.rollout-reach.from.rollout.question"


def test_nobody_is_listened_to_as_agents_listen() -> None:
    asked = asked_of(plan(), CATALOGUE, "dgx-1")
    assert asked.patterns[str(asked.request)] == "agent.to.rollout-reach.>"


@pytest.mark.parametrize(
    ("pattern", "listened"),
    [
        ("cim.agent.>", "cim.agent.rollout-reach.>"),
        ("agent.*.*.*.command.>", "agent.*.*.*.command.rollout-reach.>"),
        ("agent.*.to.*.response", "agent.*.to.rollout-reach.response"),
        (">", "rollout-reach.>"),
        ("events.all", "events.all"),
    ],
)
def test_no_traffic_is_on_what_is_listened_with(pattern: str, listened: str) -> None:
    assert narrowed(pattern) == listened


def test_each_pattern_of_the_sample_has_a_subject_that_both_match() -> None:
    made = plan()
    assert made.sample
    asked = asked_of(made, CATALOGUE, "dgx-1")
    for subject in asked.published:
        wide = [
            each for each in (*made.sample.legacy, *made.sample.unified) if matches(each.encode(), subject.encode())
        ]
        assert wide and matches(asked.patterns[subject].encode(), subject.encode())
    assert len(asked.published) == 4


def test_what_agents_of_the_plan_act_on_is_left_out() -> None:
    """Each of them listens on the broadcast, so a message there would be a question to all."""
    sample = plan().to_dict()["sample"]
    heard = plan(sample={**sample, "legacy": [*sample["legacy"], "agent.broadcast.>"]})
    assert asked_of(heard, CATALOGUE, "dgx-1") == asked_of(plan(), CATALOGUE, "dgx-1")
    apart = plan(sample={**sample, "legacy": [*sample["legacy"], "agent.narrowcast.>"]})
    assert "agent.narrowcast.rollout-reach.rollout-reach" in asked_of(apart, CATALOGUE, "dgx-1").published


@pytest.mark.parametrize(
    ("template", "filled", "subject"),
    [
        ("agent.to.{agent}.q", "agent.to.rollout-reach.q", "agent.to.rollout-reach.q"),
        ("agents.question", "agents.question", "agents.rollout-reach"),
        ("question", "question", "rollout-reach"),
    ],
)
def test_a_subject_for_all_agents_gets_another_last_word(template: str, filled: str, subject: str) -> None:
    assert stand_in(filled, template) == subject


def order(places: dict[str, str | None], urls: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    variables = {"rollout_measure_from": places, "rollout_nats_url": urls or dict.fromkeys(places, "nats://h")}
    context: Any = SimpleNamespace(
        hosts=list(places), in_play=list(places), hostvar=lambda host, name: variables[name].get(host)
    )
    return orders(context, Asked("q.rollout-reach", ("s.rollout-reach",), {"q.rollout-reach": "q.>"}))


def test_one_host_stands_for_all_that_are_measured_from_here() -> None:
    ((host, seen),) = order({"a": None, "b": "localhost", "c": None}).items()
    assert (host, seen["hosts"], seen["names"], seen["apart"]) == ("a", ["a", "b", "c"], ["a", "b", "c"], False)
    assert seen["subjects"] == [
        {"subject": "q.rollout-reach", "pattern": "q.>"},
        {"subject": "s.rollout-reach", "pattern": "s.rollout-reach"},
    ]


def test_each_machine_that_measures_asks_for_everybody_and_knows_the_same_token() -> None:
    seen = order({"a": "a", "b": "b", "c": "b"})
    assert {host: each["hosts"] for host, each in seen.items()} == {"a": ["a"], "b": ["b", "c"]}
    assert [each["names"] for each in seen.values()] == [["a", "b", "c"]] * 2
    assert len({each["token"] for each in seen.values()}) == 1
    assert all(each["apart"] for each in seen.values())


def test_a_host_without_a_server_is_asked_nothing() -> None:
    seen = order({"a": None, "b": None}, {"b": "nats://h"})
    assert {host: each["hosts"] for host, each in seen.items()} == {"b": ["b"]}
