# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What launches of a rollout have in common: the run they are, and when the next one has something to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _ticks
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._file import FileStore

from tests.unit.plugins.plugin_utils.recorded import Story, at

NOTED = _ticks.Tick(run="a", next_due=iso(at(100)), label="a soak", seq=4, process="gone", concluded=4)


def test_nothing_is_due_before_its_time_or_in_the_process_that_noted_it() -> None:
    records = Story().prepared().records
    assert NOTED.waits(at(99), records, ["other"])
    assert not NOTED.waits(at(100), records, ["other"])
    # Its time passes while the rest of that process's plays are read: they still have nothing to do.
    assert NOTED.waits(at(5000), records, ["gone", "other"])
    assert not _ticks.Tick(run="a").waits(at(0), records, [])
    assert NOTED.line() == "waiting until 2026-01-23 12:01:40Z for a soak"


@pytest.mark.parametrize(
    ("kind", "wakes"),
    [
        ("approval.given", True), ("line.stopped", True), ("line.lifted", True), ("rollback.started", True),
        ("notification.sent", False), ("alert.closed", False),
    ],
)  # fmt: skip
def test_what_somebody_else_records_wakes_it_and_what_is_only_told_does_not(kind: str, wakes: bool) -> None:
    records = Story().prepared().add(kind).records
    assert NOTED.waits(at(50), records, []) is not wakes
    assert NOTED.is_reported(records) is not wakes


def test_launches_are_one_run(tmp_path: Path) -> None:
    book = _ticks.TickBook(FileStore(tmp_path), "wave2")
    assert _ticks.joined(book, "first", False).run == "first"
    noted = _ticks.note(book, _ticks.joined(book, "second", False), at(60), "a look", Story().prepared().records)
    assert (noted.run, noted.seq, noted.next_due) == ("first", 4, iso(at(60)))
    assert _ticks.joined(book, "third", False) == noted


def test_a_command_that_always_asks_for_a_new_attempt_begins_one(tmp_path: Path) -> None:
    book = _ticks.TickBook(FileStore(tmp_path), "wave2")
    _ticks.joined(book, "first", False)
    assert [_ticks.joined(book, name, True).run for name in ("second", "third")] == ["second", "second"]
    # Asked for again later, by hand, it is another one.
    assert _ticks.joined(book, "fourth", False).run == "second"
    assert _ticks.joined(book, "fifth", True).run == "fifth"


def test_a_note_of_something_else_is_none(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    book = _ticks.TickBook(store, "wave2")
    assert book.read() is None
    book.write(NOTED)
    assert book.read() == NOTED
    entry = store.get("tick.wave2")
    assert entry
    store.put("tick.wave2", {"unknown": 1}, entry.revision)
    assert book.read() is None


@pytest.mark.parametrize(
    ("value", "wanted"), [(False, True), ("false", True), ("no", True), (True, False), ("", False), (None, False)]
)
def test_only_a_plain_no_is_one(value: object, wanted: bool) -> None:
    assert _ticks.wanted({"rollout_wait": value}) is wanted
