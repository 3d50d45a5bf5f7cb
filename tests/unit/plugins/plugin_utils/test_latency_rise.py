# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the time between two gates says about a latency: a rise is sure, noise and everybody's hour are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._latency_sketch import bin_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._latency_rise import surely

from tests.unit.plugins.plugin_utils.made_series import CONTROL, TEST, Made

AGENT = TEST[0]
# The checkpoint before came two hours after the series began, the change after one.
GATE, PREVIOUS = 120, {"at": "2026-01-23T14:00:00.000000+00:00"}


def asked(made: Made, metric: str = "latency_p99", against: str = "previous", agent: str = AGENT) -> bool | None:
    return surely(made.evidence(previous=PREVIOUS), metric, against, agent, 5.0)


@pytest.mark.parametrize("metric", ["latency_p50", "latency_p99", "latency_p999"])
@pytest.mark.parametrize("against", ["previous", "baseline"])
def test_noise_is_no_rise(metric: str, against: str) -> None:
    assert {asked(Made(buckets=480, noise=0.2, seed=seed), metric, against) for seed in range(20)} == {False}


@pytest.mark.parametrize("metric", ["latency_p50", "latency_p99"])
def test_a_rise_since_the_earlier_gate_is_sure(metric: str) -> None:
    made = Made(buckets=480).latency(AGENT, 1.3, since=GATE + 10)
    assert asked(made, metric) is True
    assert asked(made, metric, agent=TEST[1]) is False
    assert surely(made.evidence(previous=PREVIOUS), "latency_p50", "previous", AGENT, 30.0) is False


def test_a_rise_with_the_change_is_one_beside_a_gate_after_it_as_well() -> None:
    """Whose agent is surely slower since its change, that one's slow window is no chance."""
    made = Made(buckets=480).latency(AGENT, 1.3)
    assert asked(made) is True
    assert asked(made, against="baseline") is True


def test_what_control_does_as_well_is_no_rise() -> None:
    made = Made(buckets=480)
    for agent in (*TEST, *CONTROL):
        made.latency(agent, 1.5, since=GATE + 60)
    assert asked(made) is False


def tails(made: Made, before: float, since: float) -> Made:
    """One answer of eighteen takes ten times as long in a share of the buckets."""
    rng = np.random.default_rng(3)
    points: list[list[Any]] = made.document["agents"][AGENT]["latency"]
    for index, sketch in points:
        if rng.random() < (since if index > GATE else before):
            sketch[:] = [[sketch[0][0], 17], [bin_of(0.2), 1]]
    return made


def test_a_tail_that_became_more_frequent_is_a_rise_of_the_slowest_and_not_of_the_median() -> None:
    assert asked(tails(Made(buckets=480), 0.05, 0.5)) is True
    assert asked(tails(Made(buckets=480), 0.05, 0.5), "latency_p50") is False
    assert asked(tails(Made(buckets=480), 0.3, 0.3)) is False


def test_a_gate_that_asked_more_often_is_not_slower_for_it() -> None:
    """The slowest of a hundred answers beside the slowest of eighteen."""
    made = Made(buckets=480)
    agent = made.document["agents"][AGENT]
    for index in range(GATE, 300):
        agent["answered"][index][1] = 18 if index % 2 else 100
        if not index % 2:
            agent["latency"][index][1].append([bin_of(0.2), 1])
    assert asked(made) is False


def test_what_could_never_be_sure_is_unknown() -> None:
    assert asked(Made(buckets=64)) is None
    # Nothing that these few could show would be enough.
    assert asked(Made(buckets=68)) is None
    # What can be told of the time since the change is told, though the gate was a moment ago.
    assert asked(Made(buckets=GATE + 4)) is False
    assert asked(Made(buckets=480), agent=CONTROL[0]) is None
    assert asked(Made(buckets=480), agent="nobody") is None
    assert surely({"series": None}, "latency_p99", "previous", AGENT, 5.0) is None
