# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All looks at one host."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._agent import AgentFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import Points, Shelf
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._moment import bucket_of, micros, text_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._sight import Sight
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._sums import Window

GAUGES = {"load": "d", "memory_pct": "d", "disk_pct": "d", "nats_connections": "q"}
# The way to a host takes seconds and looks like a clock that is fast. A clock counts as moved when it is this far off
# from where it was taken to be, in buckets, and in seconds: small changes must not push looks to and fro.
MOVED_BUCKETS, MOVED_S = 0.75, 5.0


def blind(before: dict[str, Any]) -> dict[str, Any]:
    """What stands for a look whose line was damaged after it was written: nothing was seen, and that is a gap."""
    return {
        **{key: before.get(key) for key in ("host_name", "at", "received_at")},
        "journal": {
            "cursor": None,
            "since": before.get("at"),
            "complete": False,
            "reason": reasons.TOOL_ERROR,
            "message": "the line of this look was damaged after it was written",
            "entries": 0,
        },
        "host": {},
        "instances": {},
    }


class HostFold:
    """Looks in the order in which they were taken; `bucket_s`: the length of a bucket in seconds."""

    def __init__(self, bucket_s: float):
        self.bucket_s = float(bucket_s)
        self.at: array[int] = array("q")
        self.buckets: array[int] = array("q")
        # Seconds of plan time that a rehearsal had skipped until each look.
        self.skipped: array[float] = array("d")
        self.in_order = True
        self.shift = 0
        self.agents: dict[str, AgentFold] = {}
        self.gauges = {name: Points(code) for name, code in GAUGES.items()}
        # [number of the look, its time, reason, message, from, to]: journals that were not whole.
        self.gaps: list[list[Any]] = []
        # [controller's time, reason, message, looks before]: looks that were asked for and failed.
        self.missed: list[list[Any]] = []
        self.last: dict[str, Any] | None = None

    def add(self, record: dict[str, Any]) -> None:
        """Take in the next look, or the note that one failed."""
        if "missed" in record:
            missed = record["missed"]
            self.missed.append([micros(record.get("at")), missed["reason"], missed["message"], len(self.at)])
            return
        if "damaged" in record:
            if self.last is None:
                return
            record = blind(self.last)
        at = micros(record.get("at"))
        if at is None:
            return
        host, journal = record.get("host") or {}, record.get("journal") or {}
        self._move_clock(host.get("clock_offset_s"))
        since = micros(journal.get("since"))
        told_s = record.get("bucket_s") or journal.get("bucket_s") or self.bucket_s
        row, complete = len(self.at), bool(journal.get("complete", False))
        since = at if since is None else since
        bucket = self.bucket(at)
        skipped_s = float(record.get("skipped_s") or (self.skipped[-1] if self.skipped else 0.0))
        sight = Sight(
            row, at, since, complete, self.shift, bucket, self.bucket_s, float(told_s), self.at, skipped_s, self.skipped
        )
        self.in_order = self.in_order and (not self.at or at >= self.at[-1])
        for agent, seen in (record.get("instances") or {}).items():
            fold = self.agents.setdefault(agent, AgentFold())
            fold.add(seen, sight)
            gap = (seen.get("log") or {}).get("gap")
            if gap:
                fold.gaps.append([row, record["at"], gap["reason"], gap.get("message") or ""])
        self.at.append(at)
        self.buckets.append(bucket)
        self.skipped.append(skipped_s)
        if not complete:
            reason = journal.get("reason") or reasons.TOOL_ERROR
            covers = [self.bucket(since), bucket]
            self.gaps.append([row, record["at"], reason, journal.get("message") or "", *covers])
        self._gauge(host, bucket)
        self.last = record

    def bucket(self, moment: int) -> int:
        """The controller's bucket for a moment by this host's clock."""
        return bucket_of(moment, self.bucket_s) - self.shift

    def _move_clock(self, offset_s: Any) -> None:
        if not isinstance(offset_s, int | float):
            return
        off = offset_s - self.shift * self.bucket_s
        if abs(off) > max(MOVED_BUCKETS * self.bucket_s, MOVED_S):
            self.shift = round(offset_s / self.bucket_s)

    def _gauge(self, host: dict[str, Any], bucket: int) -> None:
        load, disks = host.get("load") or [], [disk for disk in (host.get("disks") or {}).values() if disk]
        values = {
            "load": load[0] if load else None,
            "memory_pct": (host.get("memory") or {}).get("used_pct"),
            "disk_pct": max((disk["used_pct"] for disk in disks), default=None),
            "nats_connections": host.get("nats_connections"),
        }
        for name, value in values.items():
            if value is not None:
                self.gauges[name].put(bucket, value)

    def look_before(self, moment: int) -> int | None:
        """The last look before a moment (microseconds, by the host's clock)."""
        if self.in_order:
            place = bisect_left(self.at, moment)
            return self.at[place - 1] if place else None
        return max((at for at in self.at if at < moment), default=None)

    def window(self, since: datetime | None) -> Window:
        return Window(self.at, self.in_order, since)

    def totals(self, agent: str, since: datetime | None) -> dict[str, Any]:
        """As `_looks.totals`."""
        window = self.window(since)
        sums = (self.agents.get(agent) or AgentFold()).totals(window, since)
        found = sorted([gap[:4] for gap in self.gaps if gap[0] in window] + sums["gaps"], key=lambda gap: gap[0])
        return {**sums, "gaps": [{"at": at, "reason": reason, "message": text} for _row, at, reason, text in found]}

    def agent_gaps(self, agent: str) -> list[tuple[int, int, str, str]]:
        """(first and last bucket, reason, message) of looks that could not see this agent alone."""
        found = self.agents[agent].gaps if agent in self.agents else []
        return [(self.buckets[max(row - 1, 0)], self.buckets[row], reason, text) for row, _at, reason, text in found]

    def first_sight(self, agent: str, invocation: str, since: datetime) -> dict[str, Any] | None:
        """`at`, `memory_bytes` and `cpu_s` of the first look from `since` on at this process."""
        found = self.agents[agent].first_sight(self.window(since), invocation) if agent in self.agents else None
        if found is None:
            return None
        return {"at": text_of(self.at[found[0]]), "memory_bytes": found[1], "cpu_s": found[2]}

    def counted_before(self, agent: str, invocation: str) -> int:
        """What the counters of a process stood at before the newest look."""
        return self.agents[agent].messages.before.get(invocation, 0) if agent in self.agents else 0

    @property
    def earliest(self) -> int | None:
        """The first bucket in which anything was seen."""
        firsts = [points.at[0] for agent in self.agents.values() for points in agent.series() if len(points)]
        return min([*firsts, *self.buckets[:1]], default=None)

    def freeze(self, shelf: Shelf) -> dict[str, Any]:
        return {
            "at": shelf.put(self.at),
            "buckets": shelf.put(self.buckets),
            "skipped": shelf.put(self.skipped),
            "in_order": self.in_order,
            "shift": self.shift,
            "agents": {name: agent.freeze(shelf) for name, agent in self.agents.items()},
            "gauges": {name: points.freeze(shelf) for name, points in self.gauges.items()},
            "gaps": self.gaps,
            "missed": self.missed,
            "last": self.last,
        }

    @classmethod
    def thaw(cls, bucket_s: float, state: dict[str, Any], shelf: Shelf) -> HostFold:
        fold = cls(bucket_s)
        fold.at, fold.buckets = shelf.take(state["at"]), shelf.take(state["buckets"])
        fold.skipped = shelf.take(state["skipped"])
        fold.in_order, fold.shift = state["in_order"], state["shift"]
        fold.agents = {name: AgentFold.thaw(agent, shelf) for name, agent in state["agents"].items()}
        fold.gauges = {name: Points.thaw(points, shelf) for name, points in state["gauges"].items()}
        fold.gaps, fold.missed, fold.last = state["gaps"], state["missed"], state["last"]
        return fold
