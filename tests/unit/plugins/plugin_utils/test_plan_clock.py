# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of a store: every process that reads it is as far ahead, whoever skipped, and it never goes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan_clock import PlanClock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import StoreError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._file import FileStore
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import at


@dataclass
class Watch:
    """Real time, set by hand; seconds after START."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return at(self.seconds)


class Contested(FileStore):
    """`first` is called before each write, as if another process had come in between."""

    first: Callable[[], Any] | None = None

    def put(self, key: str, value: dict[str, Any], revision: str | None) -> str:
        if self.first:
            self.first()
        return super().put(key, value, revision)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_without_a_skip_it_is_the_real_one(tmp_path: Path, watch: Watch) -> None:
    clock = PlanClock(FileStore(tmp_path), watch)
    watch.seconds = 7.0
    assert clock.now() == at(7)
    assert list(tmp_path.iterdir()) == []


def test_a_skip_is_seen_by_every_process_that_begins_later(tmp_path: Path, watch: Watch) -> None:
    clock = PlanClock(FileStore(tmp_path), watch)
    watch.seconds = 10.0
    assert clock.skip_to(at(3610)) == 3600.0
    watch.seconds = 15.0
    for each in (clock, PlanClock(FileStore(tmp_path), watch), PlanClock(FileStore(tmp_path), watch)):
        assert each.now() == at(3615)
    assert PlanClock(FileStore(tmp_path / "another"), watch).now() == at(15)


def test_who_began_before_another_skipped_does_not_skip_that_again(tmp_path: Path, watch: Watch) -> None:
    early, other = PlanClock(FileStore(tmp_path), watch), PlanClock(FileStore(tmp_path), watch)
    assert other.skip_to(at(3600)) == 3600.0
    assert early.skip_to(at(3600)) == 0.0
    assert early.now() == at(3600)
    assert early.skip_to(at(5400)) == 1800.0
    assert PlanClock(FileStore(tmp_path), watch).now() == at(5400)


@pytest.mark.parametrize("until", [0.0, 9.9, 10.0, -3600.0])
def test_what_is_over_is_not_skipped(tmp_path: Path, watch: Watch, until: float) -> None:
    store = FileStore(tmp_path)
    watch.seconds = 10.0
    clock = PlanClock(store, watch)
    assert clock.skip_to(at(until)) == 0.0
    assert clock.now() == at(10)
    assert store.get("clock") is None


def test_two_that_skip_at_once_are_both_ahead_by_the_longer_wait(tmp_path: Path, watch: Watch) -> None:
    store = Contested(tmp_path)
    clock = PlanClock(store, watch)

    def another() -> None:
        store.first = None
        assert PlanClock(FileStore(tmp_path), watch).skip_to(at(3000)) == 3000.0

    store.first = another
    assert clock.skip_to(at(3600)) == 600.0
    assert clock.now() == PlanClock(FileStore(tmp_path), watch).now() == at(3600)


def test_who_is_too_late_with_a_shorter_wait_skips_nothing(tmp_path: Path, watch: Watch) -> None:
    store = Contested(tmp_path)
    clock = PlanClock(store, watch)

    def another() -> None:
        store.first = None
        PlanClock(FileStore(tmp_path), watch).skip_to(at(9000))

    store.first = another
    assert clock.skip_to(at(3600)) == 0.0
    assert clock.now() == at(9000)


def test_a_clock_that_others_set_all_the_time_is_told(tmp_path: Path, watch: Watch) -> None:
    store, others = Contested(tmp_path), PlanClock(FileStore(tmp_path), watch)
    tries: list[float] = []

    def another() -> None:
        tries.append(others.skip_to(others.now() + timedelta(seconds=1)))

    store.first = another
    with pytest.raises(StoreError, match=r"the clock of file://.* was set 5 times by other runs"):
        PlanClock(store, watch).skip_to(at(3600))
    assert len(tries) == 5
    # Nothing of it was skipped.
    assert PlanClock(FileStore(tmp_path), watch).now() == at(5)


def test_who_has_a_slower_clock_is_ahead_all_the_same(tmp_path: Path) -> None:
    """On NATS another machine goes on, or this one's clock was put right: a skip stays skipped."""
    PlanClock(FileStore(tmp_path), Watch(100.0)).skip_to(at(3700))
    slower = Watch(98.0)
    clock = PlanClock(FileStore(tmp_path), slower)
    assert clock.now() == at(3698)
    assert clock.skip_to(at(7298)) == 3600.0
    slower.seconds = 99.0
    assert clock.now() == PlanClock(FileStore(tmp_path), slower).now() == at(7299)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5000), st.integers(-5000, 50000)), max_size=12))
def test_it_never_goes_back(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]]) -> None:
    folder, watch = tmp_path_factory.mktemp("clock"), Watch()
    clocks = [PlanClock(FileStore(folder), watch) for _process in range(2)]
    seen = [clock.now() for clock in clocks]
    for process, passes, wait in steps:
        watch.seconds += passes
        clock = clocks[process]
        before = PlanClock(FileStore(folder), watch).now()
        skipped_s = clock.skip_to(at(watch.seconds) + timedelta(seconds=wait))
        assert PlanClock(FileStore(folder), watch).now() == clock.now() == before + timedelta(seconds=skipped_s)
        assert skipped_s >= 0.0
        now = [each.now() for each in clocks]
        assert all(later >= earlier for earlier, later in zip(seen, now, strict=True))
        seen = now
