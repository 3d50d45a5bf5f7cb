# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of the lines that it could read, whenever they were logged."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _journal, _log_sample, _systemd
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_reading import USUAL, Reading, reading_from

UNIT = _systemd.parse_show(
    "Id=run@a.service\nLoadState=loaded\nActiveState=active\nInvocationID=inv1\nExecMainStartTimestampMonotonic=5000000\n",
    ["run@a.service"],
    0,
)["run@a.service"]


def record(text: str | None, number: float, priority: int | None = 6, **more: Any) -> _journal.Record:
    given = {"by_manager": False, "damaged": False, **more}
    return _journal.Record(
        10**15 + int(number * 10**7),
        f"c={number}",
        "run@a.service",
        "inv1",
        text,
        given["damaged"],
        given["by_manager"],
        None,
        "",
        priority,
    )


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[_journal.Record]]:
    held: dict[str, list[_journal.Record]] = {"first": [], "last": [], "asked": []}

    def read(matches: list[str], on_record: Any, **asked: Any) -> _journal.Reading:
        held["asked"].append((matches, asked))
        for each in held["first"]:
            on_record(each)
        return _journal.Reading()

    def read_last(matches: list[str], on_record: Any, lines: int, namespace: str) -> _journal.Reading:
        held["asked"].append((matches, lines, namespace))
        for each in held["last"]:
            on_record(each)
        return _journal.Reading()

    monkeypatch.setattr(_journal, "read", read)
    monkeypatch.setattr(_journal, "read_last", read_last)
    return held


def take(reading: Reading = USUAL) -> dict[str, Any]:
    return _log_sample.take(UNIT, reading, 200)


def test_first_and_last_lines_are_tried_each_once(journal: dict[str, list[Any]]) -> None:
    lines = [record("2026-01-23T17:00:00Z  INFO a: x", number) for number in range(3)]
    journal["first"], journal["last"] = lines[:2], [*lines[1:], record("Started a.", 9, by_manager=True)]
    found = take()
    assert (found["lines"], found["unread"], found["shapes"]) == (3, 0, {"tracing": 3})


def test_unread_lines_are_shown_without_secrets_and_with_the_shape_that_reads_them(
    journal: dict[str, list[Any]],
) -> None:
    journal["last"] = [
        record(f"2026-01-23 17:00:00 error refused token=s3cr3t {number}", number) for number in range(4)
    ]
    journal["last"] += [record("banner", 10), record("2026-01-23T17:00:00Z  INFO a: x", 11)]
    found = take()
    assert (found["lines"], found["unread"]) == (6, 5)
    assert found["examples"] == ["2026-01-23 17:00:00 error refused token=******** 0", "banner"]
    assert found["other_shapes"] == {"winston": 4}
    assert take(reading_from({"shape": "winston"}))["unread"] == 1


def test_the_priority_is_offered_where_it_tells_lines_apart(journal: dict[str, list[Any]]) -> None:
    journal["last"] = [record("ready", 1), record("slow", 2)]
    assert take()["other_shapes"] == {}
    journal["last"].append(record("very slow", 3, priority=4))
    found = take()
    assert found["other_shapes"] == {"plain": 3}
    assert found["unread_severe"] == 1
    assert take(reading_from({"shape": "plain"}))["unread"] == 0


def test_harmless_lines_and_parts_of_others_are_not_unread(journal: dict[str, list[Any]]) -> None:
    journal["last"] = [
        record("banner", 1),
        record("panic: x", 2),
        record("goroutine 1 [running]:", 2.05),
        record(None, 5, damaged=True),
    ]
    found = take(reading_from({"harmless": [{"name": "art", "line": "banner"}]}))
    assert (found["lines"], found["unread"], found["continued"], found["harmless"]) == (4, 1, 1, {"art": 1})


def test_the_process_that_runs_alone_is_asked_about(journal: dict[str, list[Any]]) -> None:
    """What it was before may have logged in another shape."""
    take()
    assert journal["asked"][1] == (["_SYSTEMD_INVOCATION_ID=inv1"], 200, "")


def test_a_unit_that_never_ran_has_no_first_lines(journal: dict[str, list[Any]]) -> None:
    unit = _systemd.parse_show("", ["run@a.service"], 0)["run@a.service"]
    assert _log_sample.take(unit, USUAL, 200)["lines"] == 0
    assert journal["asked"] == [(["_SYSTEMD_UNIT=run@a.service"], 200, "")]
