# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which share of an agent's lines can be read, tried on those with which its process began and on its last ones."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_log, _journal, _log_reading, _unit_journal
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import Unit

OnRecord = Callable[[_journal.Record], None]

# What a process prints when it starts it prints again after its change; so many lines of it are tried.
_FIRST_LINES = 100
_CLOCK_SLACK_US = 1000000
# So many lines that were not read are tried with the other shapes.
_TRIED = 200


class Sample:
    """Lines of one instance, each taken once."""

    def __init__(self, reading: _log_reading.Reading) -> None:
        self.tally = _agent_log.Tally(reading=reading)
        self.reading = reading
        self.priorities: Set[int] = set()
        self.unread: List[Tuple[str, Optional[int]]] = []
        self.seen: Set[str] = set()

    def __call__(self, record: _journal.Record) -> None:
        """Take a record; systemd's own words about the unit are nobody's lines."""
        if record.by_manager or (record.cursor and record.cursor in self.seen):
            return
        self.seen.add(record.cursor)
        before = self.tally.unparsed
        self.tally.add(record.text, record.damaged, record.at, record.invocation_id, record.priority)
        if record.priority is not None:
            self.priorities.add(record.priority)
        if self.tally.unparsed > before and record.text is not None and len(self.unread) < _TRIED:
            self.unread.append((record.text, record.priority))

    def as_dict(self) -> Dict[str, Any]:
        """The ``log_sample`` of ``agent_units_info``."""
        counted = self.tally.as_dict(0)
        return {
            "lines": counted["lines"],
            "unread": counted["unparsed"] + counted["unreadable"],
            "unread_severe": counted["unread_severe"],
            "continued": counted["continued"],
            "harmless": {name: found["count"] for name, found in counted["harmless"].items()},
            "shapes": self.tally.shapes,
            "examples": [each["example"] for each in counted["unread"]],
            "other_shapes": self._others(),
        }

    def _others(self) -> Dict[str, int]:
        """By shape how many of the unread lines it would read; the journal's PRIORITY only where it tells lines apart."""
        found = {}
        for name in _log_reading.NAMES if self.unread else ():
            if name == self.reading.shape or (name == _log_reading.PLAIN and len(self.priorities) < 2):
                continue
            other = _log_reading.Reading(name)
            count = sum(1 for text, priority in self.unread if other.read(text, priority).is_read)
            if count:
                found[name] = count
        return found


def take(unit: Unit, reading: _log_reading.Reading, lines: int) -> Dict[str, Any]:
    """Read the first lines of the unit's process and its last ``lines``; of a unit that has none, its last lines."""
    sample, namespace = Sample(reading), _unit_journal.namespace_of(unit)
    # Of the process that runs alone: what another version of it logged says nothing about this one.
    matches = ["_SYSTEMD_UNIT=" + name for name in unit.all_names]
    if unit.invocation_id:
        own = _journal.invocation_matches([unit.invocation_id])
        matches = own[:1]
        if unit.started_at:
            since = unit.started_at - _CLOCK_SLACK_US
            _journal.read(own, sample, since=since, max_entries=_FIRST_LINES, namespace=namespace)
    _journal.read_last(matches, sample, lines, namespace)
    return sample.as_dict()
