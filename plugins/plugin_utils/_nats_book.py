# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured on NATS in one attempt: a line for every sample and probe, the failed ones with their reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _line_file
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds import NatsFold, folded

Line = dict[str, Any]


def line_of(
    kind: str,
    group: str,
    hosts: list[str],
    measured_at: str,
    result: dict[str, Any] | None,
    begin: str,
    end: str,
) -> Line:
    """The line of one result of `nats_sample` (`sample`, which carries its probe) or `nats_probe` (`probe`).

    `kind`: `low_rate`, `light` or `gate`; `begin` and `end`: ISO, of the window as asked for, used where the result
    has no times of its own. `result` may be missing or failed: the line then holds the typed reason. What was counted
    until a connection broke is kept beside the reason. A sample that lost something is no sample.
    """
    line: Line = {
        "at": end,
        "group": group,
        "hosts": list(hosts),
        "measured_at": measured_at,
        "from": begin,
        "to": end,
        "kind": kind,
        "reason": None,
        "message": "",
        "bucket_s": None,
        "agents": {},
        "sample": None,
    }
    sample, probe = _parts(result)
    if sample is None and probe is None:
        reason, message = reasons.of_task_result(result)
        line.update(reason=reason or reasons.TOOL_ERROR, message=message or "the answer holds no measurement")
        return line
    for part in (sample, probe):
        if part and part.get("reason") and line["reason"] is None:
            line.update(reason=part["reason"], message=str(part.get("message") or ""))
    timed = next((part for part in (sample, probe) if part and part.get("started_at") and part.get("ended_at")), None)
    if timed:
        line["from"] = timed["started_at"]
        # What broke off was to go on until the end of its window: the rest is missing.
        line["to"] = end if line["reason"] else timed["ended_at"]
    buckets = (probe or {}).get("buckets") or {}
    if buckets.get("bucket_s"):
        line["bucket_s"], line["agents"] = buckets["bucket_s"], dict(buckets.get("agents") or {})
    if sample and sample.get("lossless") and not sample.get("reason"):
        line["sample"] = _sampled(sample)
    return line


def _parts(result: dict[str, Any] | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    sample = (result or {}).get("sample") or None
    # A sample carries the probe that it ran; a probe without a sample stands by itself.
    probe = (sample.get("probe") if sample else None) or (result or {}).get("probe") or None
    return sample, probe


def _sampled(sample: dict[str, Any]) -> dict[str, dict[str, int]]:
    """By agent messages of both trees, publications on the legacy one (published), and those that were on both."""
    traffic, pairs = sample.get("agents") or {}, (sample.get("dual") or {}).get("agents") or {}
    # Where nobody's publication has an id, headers are lost on the way: that says nothing of anybody.
    some_have_ids = any(int(pair.get("legacy") or 0) for pair in pairs.values())
    counted = {}
    for agent in {**traffic, **pairs}:
        groups, pair = traffic.get(agent) or {}, pairs.get(agent) or {}
        counted[agent] = {
            "legacy": int(groups.get("legacy") or 0),
            "unified": int(groups.get("unified") or 0),
            # One without a conversation id can't be matched: nobody can say that it went out on both trees.
            "published": int(pair.get("legacy") or 0) + (without_id(pair) if some_have_ids else 0),
            "matched": int(pair.get("matched") or 0),
        }
    return counted


def without_id(pair: dict[str, Any]) -> int:
    """Legacy publications of an agent that nothing can be matched with."""
    return int((pair.get("without_id") or {}).get("legacy") or 0)


class NatsBook:
    """The lines of one attempt, in `nats.jsonl` beside the looks. Appended and fsynced; a torn last line is ignored."""

    def __init__(self, folder: Path):
        self.path = Path(folder) / "nats.jsonl"

    def append(self, line: Line) -> None:
        _line_file.append(self.path, line)

    def read(self) -> list[Line]:
        """All sound lines. For what is done at every look take `folded`: a week is a gigabyte of Python objects."""
        lines = (_decoded(line) for line in _line_file.whole_lines(self.path))
        return [line for line in lines if "damaged" not in line]

    def folded(self, bucket_s: float) -> NatsFold:
        """What all lines add up to, in buckets of this many seconds."""
        return folded(self.path, _decoded, bucket_s, NatsFold, NatsFold.thaw)


def _decoded(line: bytes) -> Line:
    """A line; of one that was damaged after it was written nothing is known but that."""
    try:
        return _line_file.decode(line)
    except (ValueError, RecursionError):
        return {"damaged": True}


def published(nats: Iterable[Line] | NatsFold, since: dict[str, datetime]) -> dict[str, dict[str, int]]:
    """agent -> `legacy` publications and `matched` ones, over all lossless windows that began at `since[agent]` or later."""
    if isinstance(nats, NatsFold):
        return nats.published(since)
    sums: dict[str, dict[str, int]] = {}
    for line in nats:
        for agent, seen in (line.get("sample") or {}).items():
            if agent in since and parse_iso(line["from"]) >= since[agent]:
                counts = sums.setdefault(agent, {"legacy": 0, "matched": 0})
                counts["legacy"] += int(seen["published"])
                counts["matched"] += int(seen["matched"])
    return sums
