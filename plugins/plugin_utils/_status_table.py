# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's health as a table of text: one line an instance, hosts first, trouble on top. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import format_value

# Instances that a sentence names before it counts the rest; the table names all of them.
MOST_NAMED = 12


def status_lines(
    units: dict[str, Any], hosts: list[str], asked: Mapping[str, Sequence[str]] | None = None
) -> tuple[list[str], dict[str, int]]:
    """(lines, counts) of the hosts' `agent_units_info` results; a host without an answer is a line of its own, and so is each of its instances.

    `asked`: host -> the agents that it was asked about, for those of hosts that gave no answer: they are `expected` like all others.
    """
    counts = {"expected": 0, "active": 0, "not_active": 0, "unreachable_hosts": 0}
    host_rows: list[tuple[str, ...]] = [("host", "state", "load", "memory", "disk", "nats", "agents")]
    rows: list[tuple[str, ...]] = []
    for host in hosts:
        reason, message = reasons.of_task_result(units.get(host))
        if reason:
            counts["unreachable_hosts"] += 1
            lost = [instance_id(agent, host) for agent in (asked or {}).get(host, [])]
            answered = f"0/{len(lost)} reached" if lost else "-"
            host_rows.append((host, f"{reason}: {message[:60]}", "-", "-", "-", "-", answered))
            counts["expected"] += len(lost)
            rows += [(instance, reason, *["-"] * 6) for instance in lost]
            continue
        result = units[host]
        facts = result["host"]
        disks = [disk["used_pct"] for disk in (facts.get("disks") or {}).values() if disk]
        active = sum(1 for item in result["instances"].values() if item["active_state"] == "active")
        host_rows.append(
            (host, "ok", f"{facts['load'][0]:.2f}" if facts["load"] else "-", f"{facts['memory']['used_pct']:.0f}%" if facts["memory"] else "-",
             f"{max(disks):.0f}%" if disks else "-",
             str(facts.get("nats_connections", "-")), f"{active}/{len(result['instances'])} active")
        )  # fmt: skip
        for agent, item in result["instances"].items():
            counts["expected"] += 1
            counts["active" if item["active_state"] == "active" else "not_active"] += 1
            rows.append(_row(agent, host, item, facts["now"]))
    rows.sort(key=lambda row: (row[1].startswith("active") and row[4] == "0", row[0]))
    header = ("instance", "state", "up", "restarts", "errors", "warnings", "memory", "cpu")
    return [*_table(host_rows), "", *_table([header, *rows])], counts


def troubled(units: dict[str, Any], hosts: list[str], asked: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The instances that are `not_active`, and those that are `unreachable` because their host gave no answer."""
    found: dict[str, list[str]] = {"not_active": [], "unreachable": []}
    for host in hosts:
        if reasons.of_task_result(units.get(host))[0]:
            found["unreachable"] += [instance_id(agent, host) for agent in asked.get(host, [])]
            continue
        instances = units[host]["instances"].items()
        found["not_active"] += [
            instance_id(agent, host) for agent, item in instances if item["active_state"] != "active"
        ]
    return found


def summary_line(counts: Mapping[str, int], named: Mapping[str, Sequence[str]]) -> str:
    """The counts in one line, with the instances that are not active or unreachable by name."""
    line = (
        f"{counts['active']} of {counts['expected']} instances active, {counts['unreachable_hosts']} hosts unreachable"
    )
    for state, names in named.items():
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        line += f"; {state.replace('_', ' ')}: {', '.join(names[:MOST_NAMED])}{more}" if names else ""
    return line


def _row(agent: str, host: str, item: dict[str, Any], now: str) -> tuple[str, ...]:
    since = item.get("active_since") if item["active_state"] == "active" else None
    up = duration_text((parse_iso(now) - parse_iso(since)).total_seconds()) if since else "-"
    state = item["active_state"] if item["load_state"] == "loaded" else item["load_state"]
    return (
        instance_id(agent, host),
        state,
        up,
        "-" if item.get("restarts") is None else str(item["restarts"]),
        str(item["log"]["errors"]),
        str(item["log"]["warnings"]),
        format_value(item.get("memory_bytes"), "size"),
        "-" if item.get("cpu_s") is None else f"{item['cpu_s']:.1f}s",
    )


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
