# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as broken when a chain of kills is given up, cut short, or leaves something behind."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any, cast

import pytest

from tests.campaign.faults import assess, perform
from tests.campaign.faults.lane import Ended, Kill, Lane
from tests.rollout.scenario.boundaries import Boundary
from tests.rollout.scenario.story import StoryError

PLACES = [Boundary("play", f"task {number}") for number in range(4)]
KILLS = [Kill(place, signal.SIGINT) for place in PLACES]


class Story:
    out = Path("/nowhere")

    def look(self, label: str) -> None:
        pass


class ScriptedLane:
    """Ends each run as it was told: a status, "unreached", or an error."""

    def __init__(self, *ends: Any) -> None:
        self.ends, self.runs, self.story = list(ends), cast(list[Ended], []), Story()

    def begin(self, case: str) -> None:
        pass

    def finish(self) -> None:
        pass

    def stops(self) -> dict[str, int]:
        return {}

    def run(self, label: str, at: Boundary | None = None, number: int = 0, **more: Any) -> Ended:
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        struck = None if end == "unreached" or at is None else 2.0
        self.runs.append(Ended(label, 0 if end == "unreached" else end, 1.0, 3.0, struck))
        return self.runs[-1]


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What is found broken at each look; nothing, unless a test says so."""
    found: dict[str, list[str]] = {}
    monkeypatch.setattr(assess, "broken", lambda *args, look, **more: list(found.get(look, [])))
    monkeypatch.setattr(assess, "outcome", lambda out, status: (assess.COMPLETED if status == 0 else assess.HELD, []))
    monkeypatch.setattr(assess, "seconds_to_safe", lambda out, at: 0.5)
    return found


def chain(*ends: Any) -> list[perform.Row]:
    return perform.perform_chain(cast(Lane, ScriptedLane(*ends)), "chain", KILLS)


def test_a_chain_that_goes_through() -> None:
    rows = chain(99, 99, 99, 99, 0)
    assert [row.problems for row in rows] == [[]] * 4
    assert {row.outcome for row in rows} == {assess.COMPLETED} and {row.seconds_to_safe for row in rows} == {0.5}


def test_all_of_a_chain_that_was_given_up_is_broken() -> None:
    rows = chain(99, 99, StoryError("kill02 had not ended after 400 s"))
    assert len(rows) == 3
    assert all("could not be carried out: StoryError: kill02 had not ended" in row.problems[0] for row in rows)


def test_a_chain_that_never_began_is_one_broken_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(self: ScriptedLane, case: str) -> None:
        raise StoryError("no fleet")

    monkeypatch.setattr(ScriptedLane, "begin", begin)
    rows = chain()
    assert [row.name for row in rows] == [str(PLACES[0])] and "no fleet" in rows[0].problems[0]


def test_what_is_broken_at_the_end_counts_for_every_kill_before_it(whole: dict[str, list[str]]) -> None:
    whole["kill01"], whole["after"] = ["half written"], ["the chain is torn"]
    rows = chain(99, 99, 99, 99, 0)
    assert [row.problems for row in rows] == [
        ["the chain is torn"], ["half written", "the chain is torn"], ["the chain is torn"], ["the chain is torn"]
    ]  # fmt: skip


def test_places_that_were_not_reached_are_no_runs() -> None:
    rows = chain(99, "unreached")
    assert [row.problems for row in rows] == [[]] + [[perform.UNREACHED]] * 3


def test_a_run_that_ignores_its_signal() -> None:
    rows = chain(99, 0, 99, 99, 0)
    assert rows[1].problems == ["it went on to its end after the signal"] and rows[0].problems == []
