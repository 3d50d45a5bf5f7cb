# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks: what one call to a host saw since the look before. Kept one JSON line each, folded into totals.

A look reads the journal from the cursor at which the last one ended, so 26 hours cost no more to judge than five
minutes, and an interrupted look loses nothing: the next one starts at the same cursor.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _line_file
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds import HostFold, folded
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._agent import UNREAD, unread_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._host import blind
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._moment import micros

# What makes an up process a down one, in systemd's own words.
DOWN_EVENTS = ("stopped", "exited", "failed", "oom")
UP_EVENTS = ("started",)
KINDS_KEPT = 40
SIGN_EXAMPLES = 3
_A_LOOK = {"at", "journal", "host", "instances"}

# All looks at a host: one by one, or what they add up to.
Looks = list[dict[str, Any]] | HostFold


def look_of(
    host: str,
    result: dict[str, Any],
    received_at: str,
    bucket_s: float | None = None,
    skipped_s: float | None = None,
) -> dict[str, Any]:
    """The record of one `agent_units_info` result (`instances`, `host`, `journal`); `bucket_s`: what it counted by.

    `skipped_s`: of a rehearsal, the seconds of plan time that were skipped until then.
    """
    look = {
        "host_name": host,
        "at": result["host"]["now"],
        "received_at": received_at,
        "journal": result["journal"],
        "host": result["host"],
        "instances": result["instances"],
    }
    # Not every run counts by the same buckets.
    more = {"bucket_s": bucket_s} if bucket_s else {}
    return {**look, **more, **({"skipped_s": skipped_s} if skipped_s is not None else {})}


class LookBook:
    """The looks of one attempt, a file per host. Appended and fsynced; a torn last line is ignored (the cursor is then older)."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def read(self, host: str) -> list[dict[str, Any]]:
        """All looks at a host. For what is done at every look take `folded`: a week is a gigabyte of Python objects."""
        looks: list[dict[str, Any]] = []
        for line in _line_file.whole_lines(self._path(host)):
            record = _decoded(line)
            if "damaged" in record:
                looks += [blind(looks[-1])] if looks else []
            elif "missed" not in record:
                looks.append(record)
        return looks

    def folded(self, host: str, bucket_s: float) -> HostFold:
        """What all looks at a host add up to; `bucket_s`: seconds that a bucket of the series is long."""
        return folded(self._path(host), _decoded, bucket_s, HostFold, HostFold.thaw)

    def append(self, host: str, look: dict[str, Any]) -> None:
        _line_file.append(self._path(host), look)

    def missed(self, host: str, at: str, reason: str, message: str) -> None:
        """Note that a look was asked for at `at` (the controller's time, ISO) and failed, for a typed reason."""
        record = {"host_name": host, "at": at, "missed": {"reason": reason, "message": message}}
        _line_file.append(self._path(host), record)

    def lost(self, host: str, at: str, since: str, message: str) -> None:
        """Note that looks of this host since then are gone: a gap, found at `at` (both ISO, by the host's clock where it told)."""
        gone = blind({"host_name": host, "at": at, "received_at": at})
        gone["journal"].update(since=since, message=message)
        _line_file.append(self._path(host), gone)

    def cursor(self, host: str) -> str | None:
        """Where the next look of this host starts."""
        for line in _line_file.newest_first(self._path(host)):
            journal = _decoded(line).get("journal") or {}
            if journal.get("cursor"):
                return str(journal["cursor"])
        return None

    def _path(self, host: str) -> Path:
        return self.folder / f"{host}.jsonl"


def _decoded(line: bytes) -> dict[str, Any]:
    """A line; of one that was damaged after it was written nothing is known but that."""
    try:
        record = _line_file.decode(line)
    except (ValueError, RecursionError):
        return {"damaged": True}
    if "missed" in record:
        return record
    return record if record.keys() >= _A_LOOK and micros(record["at"]) is not None else {"damaged": True}


def latest(looks: Looks) -> dict[str, Any] | None:
    """The newest look; None before the first."""
    if isinstance(looks, HostFold):
        return looks.last
    return looks[-1] if looks else None


def first_sight(looks: Looks, agent: str, invocation: str | None, since: datetime) -> dict[str, Any] | None:
    """`at`, `memory_bytes` and `cpu_s` of the first look from `since` on that saw this process."""
    if not invocation:
        return None
    if isinstance(looks, HostFold):
        return looks.first_sight(agent, invocation, since)
    for look in looks:
        seen = look["instances"].get(agent)
        if seen and seen.get("invocation_id") == invocation and parse_iso(look["at"]) >= since:
            return {"at": look["at"], "memory_bytes": seen.get("memory_bytes"), "cpu_s": seen.get("cpu_s")}
    return None


def counted_before(looks: Looks, agent: str, invocation: str) -> int:
    """What the counters of a process had reached before the newest look, 0 when no look told of them.

    Of a process that ran before the first look and told nothing until the newest one, a fold knows where it began.
    """
    if isinstance(looks, HostFold):
        return looks.counted_before(agent, invocation)
    for look in reversed(looks[:-1]):
        counter = (look["instances"].get(agent) or {"log": {"counters": {}}})["log"]["counters"].get(invocation)
        if counter:
            return sum(int(number) for number in counter["last"].values())
    return 0


def totals(looks: Looks, agent: str, since: datetime | None) -> dict[str, Any]:
    """What the looks of one host add up to for one agent, counted from `since` on.

    Returns errors, warnings, panics, lines, messages (from the agent's own counters, a lower bound: it prints them
    every so many messages), kinds (merged), events (lifecycle in order), gaps (typed, with what was said),
    signs (by pattern, with few examples; None when no look searched for any), harmless (the same by name), unread (few examples).
    """
    if isinstance(looks, HostFold):
        return looks.totals(agent, since)
    sums = {"errors": 0, "warnings": 0, "panics": 0, "lines": 0, "unparsed": 0, "unreadable": 0, "unread_severe": 0}
    kinds: dict[str, dict[str, Any]] = {}
    events: list[dict[str, Any]] = []
    counters: dict[str, dict[str, int]] = {}
    gaps: list[dict[str, Any]] = []
    signs: dict[str, dict[str, Any]] | None = None
    harmless: dict[str, dict[str, Any]] = {}
    unread: dict[str, dict[str, Any]] = {}
    for look in looks:
        if since and parse_iso(look["at"]) < since:
            continue
        seen = look["instances"].get(agent)
        if not look["journal"].get("complete", False):
            journal = look["journal"]
            reason, message = journal.get("reason") or "tool_error", journal.get("message") or ""
            gaps.append({"at": look["at"], "reason": reason, "message": message})
        if seen is None:
            continue
        log = seen["log"]
        if log.get("gap"):
            gaps.append({"at": look["at"], "reason": log["gap"]["reason"], "message": log["gap"].get("message") or ""})
        for key in sums:
            sums[key] += int(log.get(key, 0))
        events.extend(event for event in log["lifecycle"] if not since or parse_iso(event["at"]) >= since)
        for invocation, counter in log["counters"].items():
            best = counters.setdefault(invocation, {})
            for name, value in counter["last"].items():
                best[name] = max(best.get(name, 0), int(value))
        for kind in log["kinds"]:
            _merge_kind(kinds, kind)
        if "signs" in log:
            signs = signs or {}
            _add_found(signs, log["signs"])
        _add_found(harmless, log.get("harmless") or {})
        _add_found(unread, unread_of(log))
    events.sort(key=lambda event: event["at"])
    ranked = sorted(kinds.values(), key=lambda kind: -kind["count"])[:KINDS_KEPT]
    return {
        **sums,
        "messages": sum(sum(counter.values()) for counter in counters.values()),
        "counters": counters,
        "kinds": ranked,
        "events": events,
        "gaps": gaps,
        "signs": signs,
        "harmless": harmless,
        "unread": unread[UNREAD]["examples"] if unread else [],
    }


def _add_found(known: dict[str, dict[str, Any]], more: dict[str, Any]) -> None:
    for name, found in more.items():
        seen = known.setdefault(name, {"count": 0, "examples": []})
        seen["count"] += found["count"]
        seen["examples"] = (seen["examples"] + found["examples"])[:SIGN_EXAMPLES]


def _merge_kind(kinds: dict[str, dict[str, Any]], kind: dict[str, Any]) -> None:
    known = kinds.get(kind["kind"])
    if known is None:
        kinds[kind["kind"]] = dict(kind)
        return
    known["count"] += kind["count"]
    known["first_at"] = min(known["first_at"], kind["first_at"])
    known["last_at"] = max(known["last_at"], kind["last_at"])
    # Seen in two looks is recurring by definition: they cover different minutes.
    known["recurring"] = True


def since_process(events: list[dict[str, Any]], invocation: str | None) -> list[dict[str, Any]]:
    """The events after the start of that process: what ended the one before it was the change itself.

    Times alone don't tell: systemd notes the end of the old process a little after the new one's start.
    """
    for position, event in enumerate(events):
        if invocation and event["event"] in UP_EVENTS and event.get("invocation_id") == invocation:
            return events[position + 1 :]
    return events


def uptime(events: list[dict[str, Any]], since: datetime, until: datetime, active_now: bool | None) -> dict[str, Any]:
    """Up and down time of one instance between its proof (`since`, up) and the look (`until`).

    Returns up_s, total_s, downs (times it went down), restarts (times it came back). An instance that is down now
    without any event is down since its last known sign, which nobody saw: it counts as one down of zero known length,
    and the verdict on activity is another criterion's.
    """
    total = max((until - since).total_seconds(), 0.0)
    down_since: datetime | None = None
    down_s, downs, restarts = 0.0, 0, 0
    for event in events:
        moment = parse_iso(event["at"])
        if moment < since or moment > until:
            continue
        if event["event"] in DOWN_EVENTS and down_since is None:
            down_since, downs = moment, downs + 1
        elif event["event"] in UP_EVENTS and down_since is not None:
            down_s += (moment - down_since).total_seconds()
            down_since, restarts = None, restarts + 1
    if down_since is not None:
        down_s += max((until - down_since).total_seconds(), 0.0)
    elif active_now is False:
        downs += 1
    return {"up_s": max(total - down_s, 0.0), "total_s": total, "downs": downs, "restarts": restarts}
