# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact accounting: expected = good + bad + unreachable + skipped, by name, for every batch, phase, gate and rollback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons

# Nothing was done to the agent, so it says nothing about the agent.
_NOT_THE_AGENT = (
    reasons.TOOL_ERROR, "backup_stale", "host_busy", "fenced", "host_reverted", "guard_failed", "environ_unreadable",
    "disk_full", "write_failed", "permission_denied", "env_file_missing", "env_file_not_regular", "env_file_unreadable",
)  # fmt: skip


def instance_id(agent: str, host: str) -> str:
    """`indexer@host-1`, the unit of accounting."""
    return f"{agent}@{host}"


def split_instance(instance: str) -> tuple[str, str]:
    """(agent, host) of an instance id."""
    agent, _at, host = instance.partition("@")
    return agent, host


@dataclass
class Accounting:
    """Each expected instance stands in exactly one of the four lists; `why` says what was wrong with it."""

    expected: list[str]
    good: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)
    tool_errors: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.good) == len(self.expected)

    def text(self) -> str:
        """`expected 3 = 2 good + 0 bad + 1 unreachable (nix@h2) + 0 skipped`."""

        def part(name: str, found: list[str]) -> str:
            return f"{len(found)} {name}" + (f" ({', '.join(found)})" if found and name != "good" else "")

        return f"expected {len(self.expected)} = " + " + ".join(
            part(name, getattr(self, name)) for name in ("good", "bad", "unreachable", "skipped")
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "expected": len(self.expected),
            "good": self.good,
            "bad": self.bad,
            "unreachable": self.unreachable,
            "skipped": self.skipped,
            "why": self.why,
            "tool_errors": self.tool_errors,
            "text": self.text(),
        }


def account(
    expected: list[str], results: Mapping[str, Any], good_states: tuple[str, ...], skipped: list[str] | None = None
) -> Accounting:
    """Count the hosts' results (host -> registered result of a module that returns `instances`) against `expected`.

    An instance that no result names is bad: silence is not success. A module that failed as a whole, without naming
    instances, makes all of its host's instances bad and is listed in `tool_errors` (a failure of ours).
    """
    tally = Accounting(expected=list(expected))
    left_out = set(skipped or [])
    for instance in expected:
        agent, host = split_instance(instance)
        if instance in left_out:
            tally.skipped.append(instance)
            continue
        result = results.get(host)
        reason, message = reasons.of_task_result(result)
        if reason == reasons.HOST_UNREACHABLE:
            tally.unreachable.append(instance)
            tally.why[instance] = message or reason
            continue
        if reason is not None:
            tally.bad.append(instance)
            tally.tool_errors.append(instance)
            tally.why[instance] = f"{reason}: {message}"
            continue
        seen = (result or {})["instances"].get(agent)
        if seen is not None and seen.get("state") in good_states:
            tally.good.append(instance)
        else:
            tally.bad.append(instance)
            tally.why[instance] = _why(seen)
            if seen is None or seen.get("reason") in _NOT_THE_AGENT:
                tally.tool_errors.append(instance)
    return tally


def refuse_stale(tally: Accounting, results: Mapping[str, Any], touched: set[str]) -> None:
    """A kept backup of a file that somebody else changed since is bad: a rollback would silently undo their change."""
    for instance in list(tally.good):
        agent, host = split_instance(instance)
        seen = results[host]["instances"][agent]
        if seen.get("differs") and instance not in touched:
            tally.good.remove(instance)
            tally.bad.append(instance)
            tally.why[instance] = (
                f"backup_stale: {seen.get('message')}; this rollout did not change it. Put the file back as it was "
                "backed up, or take a new backup: move the backup directory aside and run again"
            )


def _why(seen: dict[str, Any] | None) -> str:
    if seen is None:
        return "the module named no result for it"
    reason, message = seen.get("reason") or seen.get("state") or "unknown", seen.get("message") or ""
    return f"{reason}: {message}" if message else str(reason)
