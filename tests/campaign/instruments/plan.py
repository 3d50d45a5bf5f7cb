# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan whose gate is blinded: one changed agent that is well, every instrument asked by criteria that all must pass."""

from __future__ import annotations

from typing import Any

from tests.rollout.scenario import small

EXTRA = {"rollout_skip_waits": True, "rollout_looks_per_wait": 1}
#: Each instrument is asked for numbers that this fleet meets with room to spare; what a machine's speed decides is let through.
ASKED: list[dict[str, Any]] = [
    {"metric": "agent_uptime", "above": "99.9%", "over": "rollout"},
    {"metric": "instances_active", "equals": "100%"},
    {"metric": "unexpected_restarts", "equals": 0},
    {"metric": "errors", "equals": 0},
    {"metric": "error_rate", "below": "0.1%", "over": "rollout"},
    {"metric": "message_delivery", "equals": "100%", "over": "checkpoint"},
    {"metric": "dual_publish_success", "above": "99%", "over": "rollout"},
    {"metric": "latency_p50", "below": "60s", "over": "checkpoint"},
    {"metric": "memory_of_limit", "below": "90%"},
    {"metric": "cpu_overhead", "below": "10000%", "against": "control"},
    {"metric": "host_memory", "below": "99%"},
    {"metric": "disk_used", "below": "99%"},
    {"metric": "system_load", "below": 1000.0, "over": "checkpoint"},
    {"metric": "hosts_rebooted", "equals": 0},
    {"metric": "nats_disconnected", "equals": 0},
]


def asking() -> dict[str, Any]:
    """One phase on three hosts, no second look: what the first checkpoint does not see, it must say. Trends are the last one's."""
    plan = small.small()
    plan["phases"] = [{**plan["phases"][0], "serial": 3, "stagger": "0s"}]
    plan["checkpoints"] = {
        "after": plan["phases"][0]["name"],
        "at": ["1h", "2h"],
        "look_again": {"times": 0, "every": "5m"},
    }
    plan["criteria"] = {"primary": ASKED}
    plan["probe"]["count"] = 34
    return plan
