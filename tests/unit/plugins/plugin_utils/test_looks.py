# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks: sums over cursors, up and down time, and the file that keeps them."""

from __future__ import annotations

import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import LookBook, look_of, totals, uptime
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import START, at, looks

AGENT = "network-expert"
EVENTS = ("started", "stopped", "exited", "failed", "oom", "restart_scheduled")


def with_log(position: int, **log: Any) -> list[dict[str, Any]]:
    """The recorded looks, with something in the log of one of them."""
    seen = copy.deepcopy(looks())
    seen[position]["instances"][AGENT]["log"].update(log)
    return seen


def kind(text: str, count: int = 1, **more: Any) -> dict[str, Any]:
    first = {"first_at": "2026-11-20T11:32:40+00:00", "last_at": "2026-11-20T11:32:41+00:00", "recurring": False}
    return {"kind": text, "level": "ERROR", "count": count, "example": text, **first, **more}


def test_messages_are_the_highest_counters_of_each_process() -> None:
    recorded = looks()
    after_change = parse_iso(recorded[1]["instances"][AGENT]["started_at"])
    sums = totals(recorded, AGENT, after_change)
    (counters,) = sums["counters"].values()
    told = [c["last"] for look in recorded for c in look["instances"][AGENT]["log"]["counters"].values()]
    assert counters == told[-1], "they only grow, so the last ones are the highest"
    assert sums["messages"] == sum(told[-1].values())
    assert totals(recorded, AGENT, None)["messages"] > sums["messages"]


def test_only_what_came_since_the_proof_counts() -> None:
    since = parse_iso(looks()[1]["at"])
    assert totals(with_log(0, errors=7), AGENT, since)["errors"] == 0
    assert totals(with_log(0, errors=7), AGENT, None)["errors"] == 7
    assert totals(with_log(2, errors=3, panics=1, warnings=2), AGENT, since)["errors"] == 3


def test_a_kind_seen_by_two_looks_is_one_recurring_kind() -> None:
    seen = with_log(2, kinds=[kind("boom", 2)])
    seen[4]["instances"][AGENT]["log"]["kinds"] = [
        kind("boom", 1, last_at="2026-11-20T11:33:00+00:00"), kind("other", 1)
    ]  # fmt: skip
    boom, other = totals(seen, AGENT, None)["kinds"]
    assert (boom["count"], boom["recurring"], boom["last_at"]) == (3, True, "2026-11-20T11:33:00+00:00")
    assert (other["count"], other["recurring"]) == (1, False)
    assert seen[2]["instances"][AGENT]["log"]["kinds"][0]["count"] == 2, "the looks themselves are not changed"


def test_a_journal_that_was_not_whole_is_a_typed_gap() -> None:
    seen = looks()
    seen[2]["journal"].update(complete=False, reason="journal_rotated")
    seen[3]["journal"] = {"complete": False}
    assert [gap["reason"] for gap in totals(seen, AGENT, None)["gaps"]] == ["journal_rotated", "tool_error"]


def test_an_agent_that_a_look_does_not_name_adds_nothing() -> None:
    assert totals(looks(), "unheard-of", None)["lines"] == 0


# ---------------------------------------------------------------- up and down


def event(name: str, seconds: float) -> dict[str, Any]:
    return {"event": name, "at": iso(at(seconds)), "detail": ""}


def test_down_time_is_between_the_end_of_a_process_and_the_next_start() -> None:
    events = [event("failed", 10), event("restart_scheduled", 11), event("started", 15), event("exited", 90)]
    runs = uptime(events, START, at(100), active_now=False)
    assert runs == {"up_s": 85.0, "total_s": 100.0, "downs": 2, "restarts": 1}


def test_one_end_told_twice_is_one_down() -> None:
    assert uptime([event("failed", 10), event("exited", 11)], START, at(20), False)["downs"] == 1


def test_what_is_down_without_a_word_counts_as_down_once() -> None:
    assert uptime([], START, at(20), active_now=False)["downs"] == 1
    assert uptime([], START, at(20), active_now=True) == {"up_s": 20.0, "total_s": 20.0, "downs": 0, "restarts": 0}


def test_the_start_that_was_proven_is_no_restart_and_a_clock_that_ran_back_no_negative_time() -> None:
    assert uptime([event("started", 0.01)], START, at(5), True)["restarts"] == 0
    assert uptime([], START, START - timedelta(seconds=5), True)["total_s"] == 0.0


@given(
    st.lists(st.tuples(st.sampled_from(EVENTS), st.floats(-100, 2000)), max_size=20), st.floats(0, 1000), st.booleans()
)
def test_up_and_down_add_up_and_neither_is_negative(told: list[tuple[str, float]], total: float, active: bool) -> None:
    events = [event(name, seconds) for name, seconds in sorted(told, key=lambda item: item[1])]
    runs = uptime(events, START, at(total), active)
    assert 0 <= runs["up_s"] <= runs["total_s"]
    down = sum(
        (min(end, total) - start) for start, end in _down_spans(events, total)
    )  # fmt: skip
    assert abs(runs["up_s"] + down - runs["total_s"]) < 1e-3
    assert runs["restarts"] <= runs["downs"]
    if not active:
        assert runs["downs"] >= 1


def _down_spans(events: list[dict[str, Any]], total: float) -> list[tuple[float, float]]:
    """The same, counted by asking of each moment between two events whether it was down."""
    marks = [(parse_iso(item["at"]) - START).total_seconds() for item in events]
    spans, down = [], False
    inside = [(mark, item["event"]) for mark, item in zip(marks, events, strict=True) if 0 <= mark <= total]
    ends = [mark for mark, _name in inside[1:]] + [total]
    for (mark, name), following in zip(inside, ends, strict=False):
        down = (down or name in ("stopped", "exited", "failed", "oom")) and name != "started"
        if down:
            spans.append((mark, following))
    return spans


# ---------------------------------------------------------------- the file


def test_looks_are_kept_in_order_and_the_next_one_starts_at_the_newest_cursor(tmp_path: Path) -> None:
    book = LookBook(tmp_path / "1")
    assert (book.read("dgx-1"), book.cursor("dgx-1")) == ([], None)
    for look in looks():
        book.append("dgx-1", look)
    assert book.read("dgx-1") == looks()
    assert book.cursor("dgx-1") == looks()[-1]["journal"]["cursor"]
    blind = {**looks()[0], "journal": {"cursor": None, "complete": False, "reason": "journal_unreadable"}}
    book.append("dgx-1", blind)
    assert book.cursor("dgx-1") == looks()[-1]["journal"]["cursor"], "what could not be read is read by the next look"
    assert book.read("dgx-2") == []


def test_a_torn_look_is_ignored_and_written_over(tmp_path: Path) -> None:
    book, path = LookBook(tmp_path), tmp_path / "dgx-1.jsonl"
    first, second = looks()[:2]
    book.append("dgx-1", first)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"host_name": "dgx-1", "at"')
    assert book.read("dgx-1") == [first]
    book.append("dgx-1", second)
    assert book.read("dgx-1") == [first, second]


def test_a_look_is_the_hosts_answer_with_both_clocks() -> None:
    first = looks()[0]
    answer = {"instances": first["instances"], "host": first["host"], "journal": first["journal"], "changed": False}
    assert look_of("dgx-1", answer, first["received_at"]) == first
    assert look_of("dgx-1", answer, first["received_at"], 2.5) == {**first, "bucket_s": 2.5}


def test_lines_that_could_not_be_read_are_summed() -> None:
    seen = with_log(1, unparsed=3, unreadable=2)
    before = totals(looks(), AGENT, None)
    own = looks()[1]["instances"][AGENT]["log"]
    sums = totals(seen, AGENT, None)
    assert sums["unparsed"] - before["unparsed"] == 3 - own["unparsed"]
    assert sums["unreadable"] - before["unreadable"] == 2 - own["unreadable"]


def test_an_agent_that_alone_can_not_be_seen_has_a_gap() -> None:
    seen = with_log(1, gap={"reason": "output_elsewhere", "message": "it goes to /dev/null"})
    found = totals(seen, AGENT, None)["gaps"]
    assert found == [{"at": seen[1]["at"], "reason": "output_elsewhere", "message": "it goes to /dev/null"}]
    assert totals(seen, "nix-expert", None)["gaps"] == []


def test_signs_are_summed_by_pattern_and_examples_are_few() -> None:
    seen = looks()
    assert totals(seen, AGENT, None)["signs"] is None
    for position in (1, 2):
        examples = [f"corrupt {position} {number}" for number in range(3)]
        seen[position]["instances"][AGENT]["log"]["signs"] = {"(?i)corrupt": {"count": 5, "examples": examples}}
    signs = totals(seen, AGENT, None)["signs"]
    assert signs["(?i)corrupt"]["count"] == 10
    assert signs["(?i)corrupt"]["examples"] == ["corrupt 1 0", "corrupt 1 1", "corrupt 1 2"]


def test_examples_of_unread_lines_stay_when_a_later_look_has_none() -> None:
    first, second = with_log(0, unread=[{"count": 2, "example": "could not publish"}]), with_log(1, unread=[])
    seen = totals([first[0], second[1]], AGENT, None)
    assert seen["unread"] == ["could not publish"]
