# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's tables of instances and of kinds of errors, from the evidence of the newest gate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._fold import Fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState

# A table of more rows is no reading any more, and the file would be too large to send; agent_status.json has all.
MOST_ROWS = 2000
MOST_KINDS = 40
MOST_NAMED = 8
_ORDER = {"test": 0, "pending": 1, "control": 2}


@dataclass
class Row:
    """One instance. Numbers are None where they were not measured."""

    instance: str
    agent: str
    host: str
    role: str
    phase: str
    state: str
    now: str
    trouble: bool
    why: str = ""
    uptime_pct: float | None = None
    restarts: int | None = None
    errors: int | None = None
    warnings: int | None = None
    messages: int | None = None
    memory_bytes: float | None = None
    memory_pct: float | None = None
    cpu_pct: float | None = None


def rows_of(state: RolloutState, evidence: dict[str, Any] | None, fold: Fold | None) -> list[Row]:
    """Instances with trouble first, then test, pending, control; by name."""
    seen: dict[str, dict[str, Any]] = dict((evidence or {}).get("instances") or {})
    touched, proven = state.touched(), state.proven()
    for name in touched:
        agent, _at, host = name.partition("@")
        seen.setdefault(name, {"agent": agent, "host": host, "role": "test"})
    restored = (state.rolled_back or {}).get("restored", {})
    rows = [
        _row(name, item, name in touched, name in proven, name in restored, state, fold) for name, item in seen.items()
    ]
    return sorted(rows, key=lambda row: (not row.trouble, _ORDER.get(row.role, 3), row.instance))


def _row(
    name: str, item: dict[str, Any], touched: bool, proven: bool, restored: bool, state: RolloutState, fold: Fold | None
) -> Row:
    uptime = item.get("uptime") or {}
    total = uptime.get("total_s")
    memory, limit = item.get("memory_bytes"), item.get("memory_limit_bytes")
    role = str(item.get("role", ""))
    active = item.get("active")
    if restored:
        now = "rolled back"
    elif touched:
        now = "changed" if proven else "not proven"
    else:
        now = "waits" if role in ("test", "pending") else "unchanged"
    shown = "not seen" if active is None else str(item.get("active_state") or ("active" if active else "not active"))
    bad = bool(item.get("reason") or active is False or item.get("unexpected_restarts") or item.get("errors"))
    left = restored is False and touched and state.rolled_back is not None
    phase = str(item.get("phase") or next((p.name for p in state.phases.values() if name in p.touched), ""))
    return Row(
        instance=name,
        agent=str(item.get("agent", name.partition("@")[0])),
        host=str(item.get("host", name.partition("@")[2])),
        role=role,
        phase=phase,
        state=shown,
        now=now,
        trouble=bad or left or (touched and not proven and not restored),
        why=" ".join(str(part) for part in (item.get("reason"), item.get("message")) if part),
        uptime_pct=100.0 * uptime["up_s"] / total if total else None,
        restarts=item.get("unexpected_restarts"),
        errors=item.get("errors"),
        warnings=item.get("warnings"),
        messages=item.get("messages"),
        memory_bytes=memory,
        memory_pct=100.0 * memory / limit if memory is not None and limit else None,
        cpu_pct=_cpu(name, fold),
    )


def _cpu(name: str, fold: Fold | None) -> float | None:
    """Mean CPU share since its change, in percent of one core."""
    item = fold.instances.get(name) if fold else None
    if not item:
        return None
    since = item.get("changed") or 0
    shares = [value for bucket, value in item.get("cpu") or [] if bucket >= since and value is not None]
    return 100.0 * mean(shares) if shares else None


@dataclass
class Kind:
    """One kind of error or warning lines over all instances."""

    kind: str
    level: str
    count: int = 0
    test: int = 0
    control: int = 0
    recurring: bool = False
    first_at: str = ""
    last_at: str = ""
    example: str = ""
    instances: dict[str, int] = field(default_factory=dict)

    @property
    def named(self) -> list[tuple[str, int]]:
        return sorted(self.instances.items(), key=lambda item: (-item[1], item[0]))[:MOST_NAMED]

    @property
    def more(self) -> int:
        return max(0, len(self.instances) - MOST_NAMED)


def kinds_of(evidence: dict[str, Any] | None) -> list[Kind]:
    """Kinds of ERROR, PANIC and WARN lines: what only changed instances log first, errors before warnings, by count."""
    found: dict[tuple[str, str], Kind] = {}
    for name, item in ((evidence or {}).get("instances") or {}).items():
        for each in item.get("kinds") or []:
            level = str(each.get("level", ""))
            if level not in ("ERROR", "PANIC", "WARN"):
                continue
            known = found.setdefault((level, str(each["kind"])), Kind(str(each["kind"]), level))
            count = int(each.get("count", 0))
            known.count += count
            known.instances[name] = known.instances.get(name, 0) + count
            if item.get("role") == "control":
                known.control += count
            else:
                known.test += count
            known.recurring = known.recurring or bool(each.get("recurring")) or len(known.instances) > 1
            known.first_at = min(filter(None, (known.first_at, str(each.get("first_at") or ""))), default="")
            known.last_at = max(known.last_at, str(each.get("last_at") or ""))
            known.example = known.example or str(each.get("example", ""))
    return sorted(found.values(), key=_rank)


def _rank(kind: Kind) -> tuple[bool, bool, int, str]:
    return (kind.level == "WARN", kind.control > 0, -kind.count, kind.kind)


def trouble_count(rows: Iterable[Row]) -> int:
    return sum(row.trouble for row in rows)
