# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several probes of one group of servers as one: what a look asked between the looks, and what it asked itself. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch as sketch

_ADDED = ("sent", "expected", "delivered", "lost", "late", "duplicates", "errors", "full", "no_responders")
# Percentiles of several probes come from their sketches, which are within 1 %.
_QUANTILES = {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999, "max_ms": 1.0}


def merged(probes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """One probe result out of several sound ones (`nats_probe`'s `probe`); None for none.

    Counts add up. One probe alone keeps its exact percentiles; those of several are taken from their buckets' sketches.
    """
    if len(probes) < 2:
        return probes[0] if probes else None
    agents: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(agent for probe in probes for agent in probe.get("agents") or {}):
        parts = [probe["agents"][name] for probe in probes if name in (probe.get("agents") or {})]
        total: dict[str, Any] = {key: sum(int(part.get(key) or 0) for part in parts) for key in _ADDED}
        latencies = sketch.merge([_latencies(probe, name) for probe in probes])
        seconds = {key: sketch.quantile(latencies, share) for key, share in _QUANTILES.items()}
        total.update({key: None if value is None else round(value * 1000.0, 3) for key, value in seconds.items()})
        total["delivered_pct"] = 100.0 * total["delivered"] / total["expected"] if total["expected"] else None
        total["silent"] = not total["delivered"] + total["late"]
        agents[name] = total
    return {**probes[-1], "agents": agents, "cut_short": any(probe.get("cut_short") for probe in probes)}


def _latencies(probe: dict[str, Any], agent: str) -> list[list[int]]:
    rows = ((probe.get("buckets") or {}).get("agents") or {}).get(agent) or []
    return sketch.merge([row[5] for row in rows])
