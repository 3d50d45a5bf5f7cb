# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several probes as one."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch as sketch
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._probe_merge import merged
from hypothesis import given
from hypothesis import strategies as st

Seconds = st.lists(st.floats(1e-4, 10.0), min_size=1, max_size=40)


def probe(latencies: list[float], lost: int = 0, agent: str = "indexer") -> dict[str, Any]:
    own: list[list[int]] = []
    for each in latencies:
        sketch.add(own, each)
    n = len(latencies)
    counts = {"sent": n + lost, "expected": n + lost, "delivered": n, "lost": lost, "late": 0, "errors": 1}
    return {
        "reason": None,
        "agents": {agent: {**counts, "p50_ms": 1.0, "silent": not n}},
        "buckets": {"bucket_s": 1.0, "agents": {agent: [[7, n + lost, n, 0, 0, own]]}},
    }


def test_one_probe_keeps_its_exact_figures() -> None:
    only = probe([0.1])
    assert merged([only]) is only
    assert merged([]) is None


@given(Seconds, Seconds)
def test_counts_add_up_and_percentiles_are_of_all_answers(one: list[float], other: list[float]) -> None:
    both = merged([probe(one, lost=2), probe(other)])
    assert both is not None
    seen = both["agents"]["indexer"]
    assert (seen["expected"], seen["delivered"], seen["lost"], seen["errors"]) == (
        len(one) + len(other) + 2,
        len(one) + len(other),
        2,
        2,
    )
    longest = max(one + other)
    assert abs(seen["max_ms"] / 1000.0 - longest) <= 0.0101 * longest + 1e-6


def test_an_agent_that_only_one_probe_asked_is_kept_and_a_silent_one_is_silent() -> None:
    both = merged([probe([0.1]), probe([], lost=3, agent="router")])
    assert both is not None
    assert both["agents"]["indexer"]["delivered"] == 1
    assert both["agents"]["router"]["silent"]
    assert both["agents"]["router"]["p50_ms"] is None
