# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which restarts of a changed instance are its host's own trouble, because control on that host went down with it. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import DOWN_EVENTS, UP_EVENTS

# Downs of one cause come this close to each other: in plan time, and never less than the real time that units need to stop.
TOGETHER_S, TOGETHER_BUCKETS, SHORTEST_TOGETHER_S = 60.0, 2, 2.0
# One trouble of a host may take an instance down as often.
DOWNS_EXCUSED = 3


def own_restarts(evidence: dict[str, Any], item: dict[str, Any], left_out: dict[str, int]) -> float:
    """The unexpected restarts of an instance that are its own; those taken away are added to `left_out`, by host.

    A down is the host's when at least half of the control instances there went down at the same time. A control instance
    that could not be seen has not gone down for all we know, and a restart that nobody saw happen is the instance's own.
    """
    restarts = float(item["unexpected_restarts"])
    if item["role"] != "test" or not restarts:
        return restarts
    control = [
        each for each in evidence["instances"].values() if each["role"] == "control" and each["host"] == item["host"]
    ]
    peers = [[] if each.get("reason") else _downs(each) for each in control]
    near = _together(evidence)
    left = [[[moment, DOWNS_EXCUSED] for moment in downs] for downs in peers]
    shared = 0
    for moment in _downs(item):
        with_it = [next((down for down in downs if down[1] and abs(down[0] - moment) <= near), None) for downs in left]
        known = [down for down in with_it if down is not None]
        if peers and 2 * len(known) >= len(peers):
            shared += 1
            for down in known:
                down[1] -= 1
    if shared:
        left_out[item["host"]] = left_out.get(item["host"], 0) + shared
    return max(restarts - shared, 0.0)


def runs_as_proven(evidence: dict[str, Any], item: dict[str, Any]) -> bool:
    """Active in the process that was proven, or in one that only its host's own trouble made it start.

    systemd starts it from the same file, which is what was proven; a restart of its own proves nothing.
    """
    if not item.get("active") or item.get("same_process") is None:
        return False
    return bool(item["same_process"]) or bool(item.get("unexpected_restarts") and own_restarts(evidence, item, {}) == 0)


def _together(evidence: dict[str, Any]) -> float:
    """Seconds of real time within which downs belong together."""
    bucket_s = float((evidence.get("series") or {}).get("bucket_s") or 0.0)
    scale = float(evidence.get("time_scale") or 1.0)
    return max(TOGETHER_S / scale, TOGETHER_BUCKETS * bucket_s, SHORTEST_TOGETHER_S)


def _downs(item: dict[str, Any]) -> list[float]:
    """When an instance went down since it is watched, as its uptime counts it: an exit and its failure are one."""
    since, until = parse_iso(item["since"]).timestamp(), parse_iso(item["at"]).timestamp()
    downs, up = [], True
    for event in item.get("events") or []:
        moment = parse_iso(event["at"]).timestamp()
        if not since <= moment <= until:
            continue
        if event["event"] in DOWN_EVENTS and up:
            downs.append(moment)
            up = False
        elif event["event"] in UP_EVENTS:
            up = True
    return downs


def told(left_out: dict[str, int]) -> str:
    """`2 restarts left out, control on host-1 went down with them`; empty when nothing was left out."""
    hosts = ", ".join(sorted(left_out))
    return f"{sum(left_out.values())} restarts left out, control on {hosts} went down with them" if left_out else ""
