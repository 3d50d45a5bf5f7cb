# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent's own counters say it handled: they only grow, and begin anew with each process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import Points, Shelf


class Messages:
    """Growth of the counters, by bucket. Processes are told apart by their invocation id.

    A process that ran before anybody looked begins with what its counters stood at: that was handled before.
    """

    def __init__(self) -> None:
        self.points = Points()
        self.reached: dict[str, int] = {}
        # Processes of the first look that did not start within it.
        self.older: dict[str, bool] = {}
        # By process: what it stood at before the newest look that told of it.
        self.before: dict[str, int] = {}

    def running(self, invocation: str) -> None:
        """The first look found this process running, and nobody saw its start."""
        self.older.setdefault(invocation, True)

    def begins_at(self, invocation: str, total: int) -> None:
        """The first thing that a process of before told: counted from there."""
        if invocation in self.older and invocation not in self.reached:
            self.reached[invocation] = total

    def told(self, index: int, invocation: str, total: int) -> None:
        """In the bucket `index` the process had handled `total` since its start."""
        self.begins_at(invocation, total)
        grown = total - self.reached.get(invocation, 0)
        if grown > 0:
            self.points.add(index, grown)
        if grown > 0 or invocation not in self.reached:
            self.reached[invocation] = total

    def new_look(self, invocations: Iterable[str]) -> None:
        """A look tells of these processes: remember what they stood at before."""
        self.before = {each: self.reached[each] for each in invocations if each in self.reached}

    def freeze(self, shelf: Shelf) -> list[Any]:
        return [self.points.freeze(shelf), self.reached, self.older, self.before]

    @classmethod
    def thaw(cls, state: list[Any], shelf: Shelf) -> Messages:
        messages = cls()
        messages.points = Points.thaw(state[0], shelf)
        messages.reached, messages.older, messages.before = state[1:]
        return messages


class Highest:
    """The highest value of each counter of each process, from any moment on.

    Of two sightings only one is kept where it was both later and higher than the other: with counters that grow that
    is the newest.
    """

    def __init__(self) -> None:
        # process -> counter -> [[moment of the look, number of the look, value], ...]
        self.seen: dict[str, dict[str, list[list[int]]]] = {}

    def add(self, at: int, row: int, invocation: str, values: dict[str, Any]) -> None:
        counters = self.seen.setdefault(invocation, {})
        for name, value in values.items():
            number = int(value)
            others = [each for each in counters.get(name, []) if each[0] > at or each[2] > number]
            if not any(each[0] >= at and each[2] >= number for each in others):
                others.append([at, row, number])
            counters[name] = others

    def within(self, since: int | None) -> dict[str, dict[str, int]]:
        out: dict[str, dict[str, int]] = {}
        for invocation, counters in self.seen.items():
            best = {
                name: max(each[2] for each in seen if since is None or each[0] >= since)
                for name, seen in counters.items()
                if any(since is None or each[0] >= since for each in seen)
            }
            if best:
                out[invocation] = best
        return out
