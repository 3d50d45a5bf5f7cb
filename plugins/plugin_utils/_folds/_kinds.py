# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of error lines and signs of damage of one agent: counts per look, and few examples, however long it goes on."""

from __future__ import annotations

from array import array
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import Shelf
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._moment import micros, text_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._sums import Window

KINDS = 500
OTHER_KIND = "(other kinds)"
KEPT_EXAMPLES = 3
# A sign's examples are kept of so many looks at the begin and of so many at the end.
KEPT = 3


class Kind:
    """One kind: by look count, first and last time (microseconds) and whether that look alone saw it recur."""

    def __init__(self, name: str, level: str):
        self.name, self.level = name, level
        self.columns: list[array[int]] = [array("q"), array("q"), array("q"), array("q"), array("b")]
        # [number of the look, text]: the first one and the newest; some look of any window from a moment on has it.
        self.examples: list[list[Any]] = []

    def add(self, row: int, at: int, kind: dict[str, Any]) -> None:
        rows, counts, firsts, lasts, recurring = self.columns
        first = micros(kind.get("first_at"))
        last = micros(kind.get("last_at"))
        first, last = at if first is None else first, at if last is None else last
        if rows and rows[-1] == row:
            # Only kinds that share the name of the rest do this.
            counts[-1] += int(kind["count"])
            firsts[-1], lasts[-1], recurring[-1] = min(firsts[-1], first), max(lasts[-1], last), 1
            return
        rows.append(row)
        counts.append(int(kind["count"]))
        firsts.append(first)
        lasts.append(last)
        recurring.append(bool(kind.get("recurring")))
        self.examples[1:] = [[row, kind.get("example")]]

    def within(self, window: Window) -> dict[str, Any] | None:
        rows, counts, firsts, lasts, recurring = self.columns
        places = list(window.places(rows))
        if not places:
            return None
        shown = next((example for example in self.examples if example[0] in window), self.examples[-1])
        return {
            "kind": self.name,
            "level": self.level,
            "count": sum(counts[place] for place in places),
            "first_at": text_of(min(firsts[place] for place in places)),
            "last_at": text_of(max(lasts[place] for place in places)),
            # Seen in two looks is recurring by definition: they cover different minutes.
            "recurring": len(places) > 1 or bool(recurring[places[0]]),
            "example": shown[1],
        }

    def freeze(self, shelf: Shelf) -> list[Any]:
        return [self.name, self.level, [shelf.put(column) for column in self.columns], self.examples]

    @classmethod
    def thaw(cls, state: list[Any], shelf: Shelf) -> Kind:
        kind = cls(state[0], state[1])
        kind.columns = [shelf.take(number) for number in state[2]]
        kind.examples = state[3]
        return kind


class Kinds:
    """All kinds of one agent; from the 501st on they count as one."""

    def __init__(self) -> None:
        self.known: dict[str, Kind] = {}

    def add(self, row: int, at: int, kinds: list[dict[str, Any]]) -> None:
        for kind in kinds:
            name = kind["kind"]
            if name not in self.known and len(self.known) >= KINDS:
                name = OTHER_KIND
            if name not in self.known:
                self.known[name] = Kind(name, kind["level"])
            self.known[name].add(row, at, kind)

    def within(self, window: Window, most: int) -> list[dict[str, Any]]:
        """The `most` frequent kinds of a window."""
        found = [seen for seen in (kind.within(window) for kind in self.known.values()) if seen]
        return sorted(found, key=lambda kind: -kind["count"])[:most]

    def freeze(self, shelf: Shelf) -> list[Any]:
        return [kind.freeze(shelf) for kind in self.known.values()]

    @classmethod
    def thaw(cls, state: list[Any], shelf: Shelf) -> Kinds:
        kinds = cls()
        kinds.known = {each[0]: Kind.thaw(each, shelf) for each in state}
        return kinds


class Signs:
    """Lines that matched patterns: [number of the look, count, examples] of each look that found any."""

    def __init__(self) -> None:
        self.found: dict[str, list[list[Any]]] = {}
        # By pattern the numbers of the looks that searched for it.
        self.asked: dict[str, array[int]] = {}

    def add(self, row: int, signs: dict[str, Any]) -> None:
        for pattern, seen in signs.items():
            self.asked.setdefault(pattern, array("q")).append(row)
            if seen["count"] or seen["examples"]:
                entries = self.found.setdefault(pattern, [])
                entries.append([row, int(seen["count"]), list(seen["examples"])[:KEPT_EXAMPLES]])
                if len(entries) > 2 * KEPT:
                    entries[-1 - KEPT][2] = []

    def within(self, window: Window, searched: array[int]) -> dict[str, dict[str, Any]] | None:
        """By pattern count and examples; None when no look of the window searched (`searched`: those that did)."""
        if next(window.places(searched), None) is None:
            return None
        out = {}
        for pattern, rows in self.asked.items():
            if next(window.places(rows), None) is None:
                continue
            entries = [entry for entry in self.found.get(pattern, []) if entry[0] in window]
            out[pattern] = {
                "count": sum(entry[1] for entry in entries),
                "examples": [text for entry in entries for text in entry[2]][:KEPT_EXAMPLES],
            }
        return out

    def freeze(self, shelf: Shelf) -> list[Any]:
        return [self.found, {pattern: shelf.put(rows) for pattern, rows in self.asked.items()}]

    @classmethod
    def thaw(cls, state: list[Any], shelf: Shelf) -> Signs:
        signs = cls()
        signs.found = state[0]
        signs.asked = {pattern: shelf.take(number) for pattern, number in state[1].items()}
        return signs
