# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight says of the share of log lines that can be read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Lines of each unit that preflight tries to read.
LINES = 200
_SHOWN, _EXAMPLE = 3, 160


def said(
    sample: Mapping[str, Any] | None, log: Mapping[str, Any], readable: float
) -> tuple[str, str, str, bool] | None:
    """`(seen, expected, next, whether too few are read)` of one instance; None where every line is read.

    `sample`: its last lines; `log`: those of the last minutes, all of them.
    """
    expected = f"{readable:g}% of them read (log_lines.readable)"
    if sample is None:
        return "no answer about them", expected, "Run preflight again.", True
    examples = list(sample["examples"])
    counts = [(int(sample["unread"]), int(sample["lines"]), int(sample.get("unread_severe") or 0))]
    unread = int(log.get("unparsed") or 0) + int(log.get("unreadable") or 0)
    counts.append((unread, int(log.get("lines") or 0), int(log.get("unread_severe") or 0)))
    examples += [each["example"] for each in log.get("unread") or [] if each["example"] not in examples]
    if not any(lines for _unread, lines, _severe in counts):
        nobody = "Nobody knows whether an error of it would be read. Let it log something, such as by a restart."
        return "none in its journal", expected, nobody, False
    worst = max(counts, key=lambda each: (each[2], each[0] / max(each[1], 1)))
    if not worst[0]:
        return None
    unread, lines, severe = worst
    shown = "; ".join(repr(text[:_EXAMPLE]) for text in examples[:_SHOWN])
    few = bool(severe) or 100.0 * (lines - unread) < readable * lines
    return (
        f"{unread} of {lines} lines can't be read{', such as ' if shown else ''}{shown}",
        expected,
        _advice(sample),
        few,
    )


def _advice(sample: Mapping[str, Any]) -> str:
    others = sample.get("other_shapes") or {}
    best = max(sorted(others), key=lambda name: others[name], default="")
    way_out = "list them as harmless (log_lines.harmless); see docs/log-lines.md."
    if best:
        return f"The shape {best} reads {others[best]} of these (log_lines.shape: {best}). Or name a pattern (log_lines.pattern), or {way_out}"
    return f"Name their shape or a pattern (log_lines.shape, log_lines.pattern), or {way_out}"


def of_hosts(units: Mapping[str, Any]) -> str:
    """The summary of all instances of all hosts; `units`: host -> registered `agent_units_info` result."""
    rows = [result.get("instances") or {} for result in units.values() if isinstance(result, Mapping)]
    return summary([row.get("log_sample") for instances in rows for row in instances.values()])


def summary(samples: Iterable[Mapping[str, Any] | None]) -> str:
    """`log lines: 1200 of 6 instances tried, 1200 read (tracing 1100, parts of others 98, ...)`; empty without any."""
    known = [sample for sample in samples if sample and sample["lines"]]
    if not known:
        return ""
    lines, unread = sum(int(sample["lines"]) for sample in known), sum(int(sample["unread"]) for sample in known)
    continued = sum(int(sample.get("continued") or 0) for sample in known)
    parts = _added_up([sample["shapes"] for sample in known], "")
    parts += [f"parts of others {continued}"] if continued else []
    parts += _added_up([sample.get("harmless") or {} for sample in known], "harmless ")
    told = f" ({', '.join(parts)})" if parts else ""
    return f"log lines: {lines} of {len(known)} instances tried, {lines - unread} read{told}"


def _added_up(counts: Iterable[Mapping[str, Any]], word: str) -> list[str]:
    sums: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            sums[name] = sums.get(name, 0) + int(count)
    return [f"{word}{name} {sums[name]}" for name in sorted(sums, key=lambda name: (-sums[name], name))]
