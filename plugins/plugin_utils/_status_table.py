# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's health as a table of text: one line an instance, hosts first, trouble on top. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import format_value


def status_lines(units: dict[str, Any], hosts: list[str]) -> tuple[list[str], dict[str, int]]:
    """(lines, counts) of the hosts' `agent_units_info` results; a host without an answer is a line of its own."""
    counts = {"expected": 0, "active": 0, "not_active": 0, "unreachable_hosts": 0}
    host_rows: list[tuple[str, ...]] = [("host", "state", "load", "memory", "disk", "nats", "agents")]
    rows = []
    for host in hosts:
        reason, message = reasons.of_task_result(units.get(host))
        if reason:
            counts["unreachable_hosts"] += 1
            host_rows.append((host, f"{reason}: {message[:60]}", "-", "-", "-", "-", "-"))
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


def _row(agent: str, host: str, item: dict[str, Any], now: str) -> tuple[str, ...]:
    since = item.get("active_since") if item["active_state"] == "active" else None
    up = duration_text((parse_iso(now) - parse_iso(since)).total_seconds()) if since else "-"
    state = item["active_state"] if item["load_state"] == "loaded" else item["load_state"]
    return (
        f"{agent}@{host}",
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
