# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of one look: all lines since the look before, and the proof that a line written just now would be among them.

A canary line is written into each place where the lines of these units end up, the way their own get there; the reading goes
on until it comes by. The next look asks for the same lines again: where one is gone, others are gone with it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Callable, Dict, Optional, Sequence, Tuple, TypeVar

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _bookmark,
    _canary,
    _host_metrics,
    _instant,
    _journal,
    _journal_files,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._bookmark import Bookmark
from ansible_collections.cowboyai.rollout.plugins.module_utils._canary import Place
from ansible_collections.cowboyai.rollout.plugins.module_utils._host import Host

Collect = TypeVar("Collect", bound=Callable[[_journal.Record], None])

# A journal that starts this soon after the boot has lost nothing of it.
_BOOT_SLACK_US = 120 * 1000000
#: So long a line may take to come by; longer ones are no instrument.
CANARY_WITHIN_S = 15.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.02, 0.5
# A file that is rotated or removed while journalctl opens it, or is not there yet: read anew.
_IN_BETWEEN = re.compile(r"No such file or directory|No journal files were found")
_ATTEMPTS = 4
# Clocks of one machine agree; what is further ahead was written before somebody set the clock back. Times that the
# controller gave may be ahead by as much as its clock is.
_AHEAD_US = 2 * 1000000
_GIVEN_AHEAD_US = 60 * 1000000
# An entry can be read so long after the time that it has.
_WRITTEN_WITHIN_US = 1000000


class Edge(Host):
    """What a look needs of the host beside the journal. Tests put a scripted one in its place."""

    def write(self, place: Place, text: str, level: int) -> Optional[str]:
        """Write a canary; what went wrong, if anything did."""
        return _canary.write(place, text, level)

    def damage(self, start: int, namespace: str) -> Optional[str]:
        """What is said about a closed file of the journal that is damaged, if one is."""
        return _journal_files.damage(start, namespace)

    def nonce(self) -> str:
        """32 hexadecimal digits that nobody can guess."""
        return os.urandom(16).hex()


@dataclass(frozen=True)
class Source:
    """Whose lines are read in a namespace: names of units, invocations that run, and the priority that their lines come with."""

    units: Tuple[str, ...] = ()
    invocations: Tuple[str, ...] = ()


@dataclass
class Looked:
    """How the reading went. ``complete`` is false with a typed ``reason`` and a ``message`` for people.

    ``proven_at``: when the last canary was in the journal, microseconds; ``None`` when one was not.
    """

    bookmark: Optional[str] = None
    start: Optional[int] = None
    entries: int = 0
    complete: bool = True
    reason: Optional[str] = None
    message: Optional[str] = None
    suppressed: Dict[str, int] = field(default_factory=dict)
    proven_at: Optional[int] = None
    namespaces: Tuple[str, ...] = ()

    def fail(self, reason: str, message: str) -> None:
        """Note the first thing that leaves the reading incomplete."""
        if self.complete:
            self.complete, self.reason, self.message = False, reason, message


def _lost(start: Optional[int], booted: Optional[int], oldest: Optional[int]) -> bool:
    """Whether entries between ``start`` and the oldest one may be gone."""
    if start is None or oldest is None or oldest <= start:
        return False
    # A journal that begins with this boot is whole for this boot; the reboot itself shows in booted_at.
    return booted is None or oldest > booted + _BOOT_SLACK_US


class _Look:
    def __init__(
        self,
        edge: Edge,
        sources: Dict[str, Source],
        places: Dict[Place, int],
        since: Optional[int],
        before: Optional[Bookmark],
        max_entries: int,
    ) -> None:
        self.edge, self.sources, self.places = edge, sources, places
        self.since, self.before, self.max_entries = since, before, max_entries
        self.nonce = edge.nonce()
        self.texts = {_canary.text_of(self.nonce, place): place for place in places}
        self.refused: Dict[Place, str] = {}
        self.seen: Dict[Place, int] = {}
        self.newest = 0
        self.back_from: Optional[int] = None
        self.left_out = 0

    def write(self) -> None:
        for text, place in self.texts.items():
            problem = self.edge.write(place, text, self.places[place])
            if problem:
                self.refused[place] = problem

    def read(self, collect: Callable[[_journal.Record], None]) -> Looked:
        out = Looked(namespaces=tuple(sorted(self.sources)))
        deadline = self.edge.monotonic() + CANARY_WITHIN_S
        cursors: Dict[str, str] = {}
        for namespace in out.namespaces:
            cursor = self._namespace(namespace, collect, out, deadline)
            if cursor:
                cursors[namespace] = cursor
        if cursors:
            out.bookmark = str(Bookmark(cursors, self.nonce, tuple(self.seen)))
        if self.seen and len(self.seen) == len(self.places):
            out.proven_at = max(self.seen.values())
        return out

    def _namespace(
        self, namespace: str, collect: Callable[[_journal.Record], None], out: Looked, deadline: float
    ) -> Optional[str]:
        """Read a namespace until its canaries have come by; the cursor at which the next look goes on."""
        source = self.sources[namespace]
        texts = [text for text, place in self.texts.items() if place.namespace == namespace]
        awaited = {self.texts[text] for text in texts} - set(self.refused)
        matches = _journal.unit_matches(source.units, source.invocations, texts)
        cursor = self.before.cursors.get(namespace) if self.before else None
        since = self.since if self.since is not None else self.edge.now_us()
        previous = [0]
        # A reading gives all that was written before it began.
        whole_until = 0

        def take(record: _journal.Record) -> None:
            self.newest = max(self.newest, record.at)
            self.left_out += record.at < whole_until
            if record.at + _AHEAD_US < previous[0]:
                self.back_from = previous[0]
            previous[0] = record.at
            place = self.texts.get(record.text or "")
            if place is not None:
                self.seen[place] = record.at
            elif asked:
                collect(record)

        # Where nothing is asked for, only the end matters.
        asked = self.before is not None or self.since is not None
        if not asked:
            since -= _AHEAD_US
        begun, wait = cursor, _FIRST_WAIT_S
        while True:
            asked_at = self.edge.now_us()
            left = max(self.max_entries - out.entries, 0)
            reading = _journal.read(matches, take, since=since, cursor=cursor, max_entries=left, namespace=namespace)
            refused = reading.reason == "journal_unreadable" and not reading.entries
            if refused and cursor is not None and cursor == begun and self.since is not None:
                out.fail("cursor_invalid", "{0}; read from 'since' instead".format(reading.message))
                cursor = begun = None
                continue
            out.entries += reading.entries
            for name, count in reading.suppressed.items():
                out.suppressed[name] = out.suppressed.get(name, 0) + count
            cursor = reading.cursor or cursor
            if not reading.complete:
                out.fail(reading.reason or "journal_unreadable", self._in(namespace, reading.message or ""))
                break
            if self.left_out:
                out.fail(
                    "journal_incomplete",
                    self._in(
                        namespace,
                        "journalctl ended well and left out {0} entries that were there: a second reading had them".format(
                            self.left_out
                        ),
                    ),
                )
                break
            missing = awaited - set(self.seen)
            if not missing:
                break
            whole_until = asked_at - _WRITTEN_WITHIN_US
            if self.edge.monotonic() >= deadline:
                self._unseen(out, sorted(missing))
                break
            self.edge.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)
        return cursor or _journal.end_cursor(namespace)

    @staticmethod
    def _in(namespace: str, message: str) -> str:
        return "namespace {0}: {1}".format(namespace, message) if namespace else message

    def _unseen(self, out: Looked, missing: Sequence[Place]) -> None:
        out.fail(
            "canary_unseen",
            "a line that was written as agents write theirs is not in the journal after {0:g} s ({1}): nor would an error be. "
            "See whether journald runs, whether it may store (Storage=, MaxLevelStore= in journald.conf) and has room, and "
            "whether /etc/machine-id was changed".format(CANARY_WITHIN_S, "; ".join(str(place) for place in missing)),
        )

    def conclude(self, out: Looked, begins: Sequence[int]) -> None:
        """What leaves the reading incomplete beside what journalctl told."""
        for place, problem in sorted(self.refused.items()):
            out.fail("canary_unseen", "no line can be written to the journal ({0}): {1}".format(place, problem))
        start = self.since
        if self.before is not None and "" in self.before.cursors:
            start = _journal.cursor_time(self.before.cursors[""])
        out.start = start
        self._clock(out, start, begins)
        self._gone(out, start)
        if start is not None and out.complete:
            for namespace in out.namespaces:
                said = self.edge.damage(start, namespace)
                if said:
                    out.fail("journal_incomplete", self._in(namespace, said))

    def _clock(self, out: Looked, start: Optional[int], begins: Sequence[int]) -> None:
        now = self.edge.now_us()
        given = [moment for moment in [self.since or 0, *begins] if moment > now + _GIVEN_AHEAD_US]
        written = [
            moment for moment in [self.newest, 0 if start == self.since else start or 0] if moment > now + _AHEAD_US
        ]
        ahead = given + written + [moment for moment in [self.back_from] if moment is not None]
        if ahead:
            out.fail(
                "clock_moved",
                "the host's clock was set back, from {0} or later; lines may stand at a time at which nobody looks for "
                "them".format(_instant.iso(max(ahead))),
            )

    def _gone(self, out: Looked, start: Optional[int]) -> None:
        """What was in the journal at the look before must still be there: lines go in the order in which they came."""
        before = self.before or Bookmark()
        for place in before.places:
            text = _canary.text_of(before.nonce, place)
            if place.namespace in self.sources and not _journal.holds(["MESSAGE=" + text], place.namespace):
                out.fail(
                    "journal_rotated",
                    "the line that the look before this one wrote into the journal ({0}) is gone, and with it others may be "
                    "that nobody has read".format(place),
                )
                return
        if not before.places and _lost(start, _host_metrics.booted_at(), _journal.oldest()):
            out.fail(
                "journal_rotated", "the journal begins after {0}, earlier lines are gone".format(_instant.iso(start))
            )


def look(
    edge: Edge,
    sources: Dict[str, Source],
    places: Dict[Place, int],
    make: Callable[[], Collect],
    since: Optional[int],
    cursor: Optional[str],
    max_entries: int,
    begins: Sequence[int] = (),
) -> Tuple[Looked, Collect]:
    """Read all namespaces of ``sources``; what came of it, and the collector that has every record once.

    ``places`` and the priority at which a line is written there; ``begins``: times before which lines are left out.
    """
    before = _bookmark.parse(cursor) if cursor else None
    reader = _Look(edge, sources, places, since, before, max_entries)
    reader.write()
    attempts = 0
    while True:
        attempts += 1
        reader.seen.clear()
        collect = make()
        out = reader.read(collect)
        if out.complete or not _IN_BETWEEN.search(out.message or "") or attempts >= _ATTEMPTS:
            break
        edge.sleep(_LONGEST_WAIT_S)
    if cursor and before is None:
        out.fail("cursor_invalid", "the cursor {0!r} is none of this journal's".format(cursor[:100]))
    reader.conclude(out, begins)
    return out, collect
