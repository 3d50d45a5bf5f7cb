# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules answered, in the plan's time: where waits are skipped, hosts and probes tell real times. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _answer_shapes
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._foreign import ForeignError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._skips import Skips

#: Fields of `_answer_shapes` that hold a time.
TIMES = frozenset(
    ("active_since", "alive_until", "at", "booted_at", "broke_at", "deadline", "ended_at", "first_at", "last_at", "now", "proven_at", "since", "started_at")
)  # fmt: skip
Rows = list[list[Any]]


def in_plan_time(result: Any, skips: Skips, counted_s: float) -> Any:
    """A module's answer with every time and every bucket moved by what was skipped until then; the same object where nothing was.

    `result`: also of a task that looped, with the answers of all items. `counted_s`: seconds by which hosts were asked to
    count their log; a probe says itself by what it counted.
    """
    if not skips.rows or not isinstance(result, dict):
        return result
    moved: dict[str, Any] = _times(result, skips)
    answers = moved["results"] if isinstance(moved.get("results"), list) else [moved]
    for answer in answers:
        if isinstance(answer, dict):
            _buckets(answer, skips, counted_s)
    return moved


def _buckets(answer: dict[str, Any], skips: Skips, counted_s: float) -> None:
    """Of what may hold any, in place. A host may answer more than its module does, which has any form."""
    if _is("agent_units_info", answer):
        for seen in answer["instances"].values():
            _log(seen["log"], counted_s, skips)
    sample = answer.get("sample")
    for probe in (answer.get("probe"), sample.get("probe") if isinstance(sample, dict) else None):
        if isinstance(probe, dict) and _is("nats_probe", {"probe": probe}):
            _probed(probe.get("buckets") or {}, skips)


def _is(module: str, answer: dict[str, Any]) -> bool:
    try:
        _answer_shapes.check(module, answer)
    except ForeignError:
        return False
    return True


def _probed(buckets: dict[str, Any], skips: Skips) -> None:
    width = float(buckets.get("bucket_s") or 0.0)
    if width:
        buckets["agents"] = {
            agent: [[_bucket(row[0], width, skips), *row[1:]] for row in rows]
            for agent, rows in buckets["agents"].items()
        }


def _times(value: Any, skips: Skips) -> Any:
    if isinstance(value, list):
        return [_times(each, skips) for each in value]
    if isinstance(value, dict):
        return {key: _time(each, skips) if key in TIMES else _times(each, skips) for key, each in value.items()}
    return value


def _time(value: Any, skips: Skips) -> Any:
    if not isinstance(value, str):
        return _times(value, skips)
    try:
        return iso(skips.plan(parse_iso(value)))
    except (OverflowError, ValueError):
        return value


def _log(log: dict[str, Any], width: float, skips: Skips) -> None:
    """Counts by bucket of one agent's log."""
    counted: dict[str, list[int]] = {}
    for told, counts in (log.get("buckets") or {}).items():
        at = str(_bucket(int(told), width, skips))
        known = counted.get(at)
        counted[at] = [a + b for a, b in zip(known, counts, strict=True)] if known else counts
    if counted:
        log["buckets"] = counted
    if log.get("counter_points"):
        log["counter_points"] = [[_bucket(point[0], width, skips), *point[1:]] for point in log["counter_points"]]


def _bucket(told: int, width: float, skips: Skips) -> int:
    try:
        middle = skips.plan(datetime.fromtimestamp((told + 0.5) * width, UTC))
    except (OSError, OverflowError, ValueError):
        # In no year that there is.
        return told
    return math.floor(middle.timestamp() / width)


def spread(rows_of: dict[str, Rows], begin: datetime, end: datetime, width: float, asked: int = 1) -> dict[str, Rows]:
    """Rounds of a probe spread evenly over the time that they stand for: agent -> rows that begin with a bucket of `width` seconds.

    `rows_of`: agent -> rows that begin with the number of a round; `asked`: how many rounds stand for all of the time, also
    where the probe broke off before the last one. What falls into one bucket is not added up here.
    """
    rounds = max(1 + max((row[0] for rows in rows_of.values() for row in rows), default=0), asked)
    first, step = begin.timestamp(), max((end - begin).total_seconds(), 0.0) / rounds

    def placed(number: int) -> int:
        return math.floor((first + (number + 0.5) * step) / width)

    return {agent: [[placed(row[0]), *row[1:]] for row in rows] for agent, rows in rows_of.items()}
