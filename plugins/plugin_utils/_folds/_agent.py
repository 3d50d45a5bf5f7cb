# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One agent on one host, over all looks."""

from __future__ import annotations

import math
from array import array
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import LARGEST, Points, Shelf
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._kinds import Kinds, Signs
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._messages import Highest, Messages
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._moment import micros
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._sight import Sight
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._spans import covered
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._sums import Window

SUMS = ("errors", "warnings", "panics", "lines", "unparsed", "unreadable", "unread_severe")
UNKNOWN = -1
UNREAD = "unread"
KINDS_SHOWN = 40


def unread_of(log: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a look could not read, in the form of signs."""
    seen = log.get("unread") or []
    if not seen:
        return {}
    return {UNREAD: {"count": sum(int(each["count"]) for each in seen), "examples": [each["example"] for each in seen]}}


class AgentFold:
    """Counts by look (for totals) and by bucket (for series); buckets are in the controller's time."""

    def __init__(self) -> None:
        self.sums = {name: Points() for name in SUMS}
        self.errors, self.warnings = Points(), Points()
        self.messages, self.highest = Messages(), Highest()
        self.kinds, self.signs = Kinds(), Signs()
        self.searched: array[int] = array("q")
        self.harmless, self.unread = Signs(), Signs()
        # [number of the look, event as the host told it]
        self.events: list[list[Any]] = []
        self.watched: list[list[int]] = []
        # [number of the look, its time, reason, message]: why this agent alone could not be seen.
        self.gaps: list[list[Any]] = []
        # By look that saw the agent: number of the look, process, memory, CPU seconds, CPU share since the look before.
        self.rows: array[int] = array("q")
        self.process: array[int] = array("q")
        self.memory: array[int] = array("q")
        self.cpu_s: array[float] = array("d")
        self.cpu: array[float] = array("d")
        self.processes: dict[str, int] = {}
        self.accounting: str | None = None

    def add(self, seen: dict[str, Any], sight: Sight) -> None:
        """Take in what one look saw of the agent."""
        log = seen.get("log") or {}
        for name in SUMS:
            number = int(log.get(name) or 0)
            if number:
                self.sums[name].put(sight.row, min(number, LARGEST))
        if sight.complete and not log.get("gap"):
            covered(self.watched, sight.since, sight.at)
        self.events.extend([sight.row, event] for event in log.get("lifecycle") or ())
        self.kinds.add(sight.row, sight.at, log.get("kinds") or [])
        self.harmless.add(sight.row, log.get("harmless") or {})
        self.unread.add(sight.row, unread_of(log))
        if "signs" in log:
            self.searched.append(sight.row)
            self.signs.add(sight.row, log["signs"])
        self._lines(log, sight)
        self._messages(seen, log, sight)
        self._use(seen, sight)

    def _lines(self, log: dict[str, Any], sight: Sight) -> None:
        """Errors and warnings by bucket. What no bucket tells of stands at the look itself: sums are the look's sums."""
        buckets = [(sight.index(int(index)), counts) for index, counts in (log.get("buckets") or {}).items()]
        for points, name, place in ((self.errors, "errors", 1), (self.warnings, "warnings", 2)):
            total = int(log.get(name) or 0)
            if not total:
                continue
            told = [(index, int(counts[place])) for index, counts in buckets if counts[place]]
            rest = total - sum(number for _index, number in told)
            if rest < 0:
                told, rest = [], total
            for index, number in told:
                points.add(index, number)
            if rest:
                points.add(sight.bucket, rest)

    def _messages(self, seen: dict[str, Any], log: dict[str, Any], sight: Sight) -> None:
        counters = log.get("counters") or {}
        points = log.get("counter_points") or []
        if not self.rows:
            self._found_running(seen, log, sight)
        self.messages.new_look(counters)
        for invocation, counter in counters.items():
            self.highest.add(sight.at, sight.row, invocation, counter.get("last") or {})
            self.messages.begins_at(invocation, _total(counter.get("first") or counter.get("last") or {}))
        for index, invocation, total in points:
            self.messages.told(sight.index(int(index)), invocation, int(total))
        for invocation, counter in counters.items():
            self.messages.told(sight.bucket, invocation, _total(counter.get("last") or {}))

    def _found_running(self, seen: dict[str, Any], log: dict[str, Any], sight: Sight) -> None:
        started = {
            event.get("invocation_id") for event in log.get("lifecycle") or () if event.get("event") == "started"
        }
        began = micros(seen.get("started_at"))
        if began is not None and began >= sight.since:
            started.add(seen.get("invocation_id"))
        for invocation in (seen.get("invocation_id"), *(log.get("counters") or {})):
            if invocation and invocation not in started:
                self.messages.running(invocation)

    def _use(self, seen: dict[str, Any], sight: Sight) -> None:
        """Memory and CPU. A share of CPU is known only between two looks at the same process."""
        process = self.processes.setdefault(str(seen.get("invocation_id") or ""), len(self.processes))
        memory, cpu_s, share = seen.get("memory_bytes"), seen.get("cpu_s"), math.nan
        same = bool(self.rows) and bool(seen.get("invocation_id")) and self.process[-1] == process
        if same and cpu_s is not None and self.accounting == seen.get("accounting"):
            seconds = sight.seconds_since(self.rows[-1])
            used = cpu_s - self.cpu_s[-1]
            if seconds > 0 and used >= 0:
                share = round(used / seconds, 6)
        self.rows.append(sight.row)
        self.process.append(process)
        self.memory.append(UNKNOWN if memory is None else min(int(memory), LARGEST))
        self.cpu_s.append(math.nan if cpu_s is None else cpu_s)
        self.cpu.append(share)
        self.accounting = seen.get("accounting")

    def series(self) -> tuple[Points, ...]:
        """Counts by bucket."""
        return self.errors, self.warnings, self.messages.points

    def totals(self, window: Window, since: datetime | None) -> dict[str, Any]:
        """As `_looks.totals`, but `gaps` has those of this agent alone, with the number of the look."""
        sums = {name: window.total(points) for name, points in self.sums.items()}
        events = [
            event for row, event in self.events if row in window and (not since or parse_iso(event["at"]) >= since)
        ]
        counters = self.highest.within(window.since)
        return {
            **sums,
            "gaps": [gap for gap in self.gaps if gap[0] in window],
            "messages": sum(sum(counter.values()) for counter in counters.values()),
            "counters": counters,
            "kinds": self.kinds.within(window, KINDS_SHOWN),
            "events": sorted(events, key=lambda event: event["at"]),
            "signs": self.signs.within(window, self.searched),
            "harmless": self.harmless.within(window, self.rows) or {},
            "unread": ((self.unread.within(window, self.rows) or {}).get(UNREAD) or {}).get("examples", []),
        }

    def first_sight(self, window: Window, invocation: str) -> tuple[int, int | None, float | None] | None:
        """(number of the look, memory, CPU seconds) of the first look of the window at this process."""
        process = self.processes.get(invocation)
        for place in window.places(self.rows):
            if self.process[place] == process:
                memory, cpu_s = self.memory[place], self.cpu_s[place]
                return self.rows[place], None if memory == UNKNOWN else memory, None if math.isnan(cpu_s) else cpu_s
        return None

    def freeze(self, shelf: Shelf) -> dict[str, Any]:
        return {
            "sums": {name: points.freeze(shelf) for name, points in self.sums.items()},
            "errors": self.errors.freeze(shelf),
            "warnings": self.warnings.freeze(shelf),
            "messages": self.messages.freeze(shelf),
            "highest": self.highest.seen,
            "kinds": self.kinds.freeze(shelf),
            "signs": self.signs.freeze(shelf),
            "harmless": self.harmless.freeze(shelf),
            "unread": self.unread.freeze(shelf),
            "events": self.events,
            "watched": self.watched,
            "gaps": self.gaps,
            "uses": [shelf.put(c) for c in (self.searched, self.rows, self.process, self.memory, self.cpu_s, self.cpu)],
            "processes": self.processes,
            "accounting": self.accounting,
        }

    @classmethod
    def thaw(cls, state: dict[str, Any], shelf: Shelf) -> AgentFold:
        fold = cls()
        fold.sums = {name: Points.thaw(points, shelf) for name, points in state["sums"].items()}
        fold.errors, fold.warnings = Points.thaw(state["errors"], shelf), Points.thaw(state["warnings"], shelf)
        fold.messages = Messages.thaw(state["messages"], shelf)
        fold.highest.seen = state["highest"]
        fold.kinds, fold.signs = Kinds.thaw(state["kinds"], shelf), Signs.thaw(state["signs"], shelf)
        fold.harmless, fold.unread = Signs.thaw(state["harmless"], shelf), Signs.thaw(state["unread"], shelf)
        fold.events, fold.watched, fold.gaps = state["events"], state["watched"], state["gaps"]
        columns = [shelf.take(number) for number in state["uses"]]
        fold.searched, fold.rows, fold.process, fold.memory, fold.cpu_s, fold.cpu = columns
        fold.processes, fold.accounting = state["processes"], state["accounting"]
        return fold


def _total(values: dict[str, Any]) -> int:
    return sum(int(value) for value in values.values())
