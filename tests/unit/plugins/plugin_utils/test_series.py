# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series: what stands in which bucket, and that nothing is counted twice, lost or made up."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _series
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds import HostFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import LookBook, totals
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._gaps import merged
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.measured import (
    BUCKET_S,
    FIRST,
    HOST,
    NAMES,
    NEW,
    OLD,
    SUBJECTS,
    event,
    line,
    log,
    look,
    seen,
    wild_lines,
    wild_looks,
)
from tests.unit.plugins.plugin_utils.recorded import START, at

AGENT = "nix-expert"
TESTED = "network-expert"


def built(
    looks: list[dict[str, Any]], lines: list[dict[str, Any]] | None = None, minutes: float = 60, **more: Any
) -> dict[str, Any]:
    """The series from START on, of one host."""
    arguments = {"subjects": SUBJECTS, "bucket_s": BUCKET_S, "start": START, "tick_s": 300.0, **more}
    return _series.build({HOST: looks}, lines or [], now=at(minutes * 60), **arguments)


def entry(series: dict[str, Any], agent: str = AGENT) -> dict[str, Any]:
    found: dict[str, Any] = series["instances"][f"{agent}@{HOST}"]
    return found


def one(seconds: float, agent: str = AGENT, /, **what: Any) -> dict[str, Any]:
    """A look that read five minutes of journal."""
    journal = {key: what.pop(key) for key in ("complete", "reason", "message", "bucket_s") if key in what}
    host = what.pop("host", None)
    return look(seconds, seconds - 300, {agent: seen(**what)}, host, **journal)


def counts(**more: Any) -> dict[str, Any]:
    return {"log": log(**more)}


# ---------------------------------------------------------------- counts


def test_counts_stand_in_the_buckets_that_the_host_counted_them_in() -> None:
    buckets = {str(FIRST + 1): [9, 2, 1], str(FIRST + 3): [9, 0, 0], str(FIRST + 4): [9, 1, 0]}
    series = entry(built([one(300, **counts(errors=3, warnings=1, buckets=buckets))]))
    assert (series["errors"], series["warnings"]) == ([[1, 2], [4, 1]], [[1, 1]])


def test_counts_without_buckets_stand_at_the_look() -> None:
    series = entry(built([one(330, **counts(errors=3)), one(660, **counts(errors=1, warnings=4))]))
    assert (series["errors"], series["warnings"]) == ([[5, 3], [11, 1]], [[11, 4]])


def test_buckets_that_hold_more_than_was_counted_are_not_believed() -> None:
    buckets = {str(FIRST + 1): [9, 4, 1], str(FIRST + 2): [9, 4, 1]}
    series = entry(built([one(330, **counts(errors=3, warnings=3, buckets=buckets))]))
    assert series["errors"] == [[5, 3]]
    assert series["warnings"] == [[1, 1], [2, 1], [5, 1]], "what no bucket tells of stands at the look"


def test_buckets_of_another_length_are_put_on_the_axis_by_their_middle() -> None:
    buckets = {str(FIRST * 4 + place): [1, 1, 0] for place in (0, 3, 4)}
    series = entry(built([one(300, bucket_s=15.0, **counts(errors=3, buckets=buckets))]))
    assert series["errors"] == [[0, 2], [1, 1]]


def test_a_clock_that_is_ahead_is_put_back_and_the_way_to_the_host_is_not() -> None:
    ahead = {"clock_offset_s": 181.0}
    buckets = {str(FIRST + 8): [1, 1, 0]}
    moved = [one(300 + 180, host=ahead, started=-50.0, **counts(errors=1, buckets=buckets))]
    series = built(moved)
    assert entry(series)["errors"] == [[5, 1]]
    assert entry(series)["memory"] == [[5, 4096]]
    assert entry(series)["watched"] == [[0, 5]]
    assert series["hosts"][HOST]["load"] == [[5, 1.5]]
    slow_way = [one(300, host={"clock_offset_s": 40.0}, **counts(errors=1))]
    assert entry(built(slow_way))["errors"] == [[5, 1]]


def test_history_is_the_baseline_up_to_a_day_of_plan_time() -> None:
    buckets = {str(FIRST - 1500): [1, 1, 0], str(FIRST - 1400): [1, 1, 0], str(FIRST + 2): [1, 1, 0]}
    first = look(300, -100_000, {AGENT: seen(**counts(errors=3, buckets=buckets))})
    series = built([first])
    assert series["buckets"] == 1440 + 61
    assert series["start"] == (START - timedelta(days=1)).isoformat(timespec="microseconds")
    assert entry(series)["errors"] == [[40, 1], [1442, 1]]
    assert entry(series)["watched"] == [[0, 1445]]
    without = built([look(300, -100_000, {AGENT: seen()})])
    assert without["buckets"] == 61, "hours in which nothing was said are no part of the axis"


def test_what_comes_after_now_counts_in_the_last_bucket() -> None:
    series = built([one(3600 + 70, **counts(errors=2)), one(3590, **counts(errors=1))])
    assert entry(series)["errors"] == [[59, 1], [60, 2]]


def test_messages_are_the_growth_of_the_counters_from_process_to_process() -> None:
    def told(*points: list[Any], **last: int) -> dict[str, Any]:
        counters = {name: {"first": {"in": first}, "last": {"in": last[key]}} for key, name, first in
                    (("old", OLD, 900), ("new", NEW, 3)) if key in last}  # fmt: skip
        return counts(counters=counters, counter_points=[[FIRST + index, name, total] for index, name, total in points])

    looks = [
        one(300, **told([0, OLD, 905], [2, OLD, 910], old=910)),
        one(600, invocation=NEW, **told([5, OLD, 917], [7, NEW, 4], old=917, new=4)),
        one(900, invocation=NEW, **told([11, NEW, 10], new=10)),
    ]
    # 900 were handled before anybody looked; the new process begins at 0 again.
    assert entry(built(looks))["messages"] == [[0, 5], [2, 5], [5, 7], [7, 4], [11, 6]]


def test_a_process_that_said_nothing_in_the_first_look_begins_where_it_first_tells() -> None:
    silent, counter = one(300), {OLD: {"first": {"in": 5000}, "last": {"in": 5100}}}
    assert entry(built([silent, one(600, **counts(counters=counter))]))["messages"] == [[10, 100]]
    young = one(300, started=10.0)
    assert entry(built([young, one(600, **counts(counters=counter))]))["messages"] == [[10, 5100]]


# ---------------------------------------------------------------- processes


def test_going_down_is_counted_once_and_the_change_is_none() -> None:
    events = [
        event("stopped", 90), event("exited", 91), event("started", 92, "a" * 32),  # before the change
        event("stopped", 1190), event("exited", 1191), event("started", 1199, NEW),  # the change
        event("failed", 2000), event("started", 2005, "b" * 32), event("oom", 2100),
    ]  # fmt: skip
    looks = [look(2400, 0, {TESTED: seen(**counts(lifecycle=events[3:])), AGENT: seen(**counts(lifecycle=events))}),
             look(2700, 2400, {TESTED: seen(**counts(lifecycle=events[:3]))})]  # fmt: skip
    series = built(looks)
    assert entry(series, TESTED)["restarts"] == [[1, 1], [33, 1], [35, 1]]
    assert entry(series)["restarts"] == [[1, 1], [19, 1], [33, 1], [35, 1]], "nobody changed control"


def test_cpu_is_a_share_between_two_looks_at_one_process() -> None:
    looks = [
        one(300, cpu_s=1.0),
        one(400, cpu_s=51.0),
        one(700, invocation=NEW, cpu_s=60.0),
        one(800, invocation=NEW, cpu_s=None, memory_bytes=None),
        one(900, invocation=NEW, cpu_s=63.0),
        one(1000, invocation=NEW, cpu_s=113.0),
        one(1100, invocation=NEW, cpu_s=163.0, accounting="process"),
    ]
    series = entry(built(looks))
    assert series["cpu"] == [[6, 0.5], [16, 0.5]]
    assert [place for place, _bytes in series["memory"]] == [5, 6, 11, 15, 16, 18]


def test_cpu_is_a_share_of_the_time_that_passed_and_not_of_what_was_skipped() -> None:
    looks = [
        skipping(300, 0.0, cpu_s=1.0),
        skipping(400 + 7200, 7200.0, cpu_s=51.0),
        skipping(500 + 7200, 7200.0, cpu_s=76.0),
    ]
    series = entry(built(looks, minutes=240, skipped_s=7200.0))
    assert series["cpu"] == [[126, 0.5], [128, 0.25]]


def test_of_two_looks_in_a_bucket_the_newer_reading_stands() -> None:
    assert entry(built([one(301, memory_bytes=1), one(302, memory_bytes=2)]))["memory"] == [[5, 2]]


def test_roles_and_the_first_bucket_after_the_change() -> None:
    exact, later = START + timedelta(minutes=20), START + timedelta(minutes=20, microseconds=1)
    subjects = [
        Subject(TESTED, HOST, "test", exact, NEW, "one"),
        Subject("tdd-expert", HOST, "test", later, NEW, "one"),
        Subject("qa-expert", HOST, "pending", exact, None, "two"),
        Subject(AGENT, HOST, "control", exact, None, None, False),
        Subject(AGENT, "dgx-9", "test", exact, None, "three"),
    ]
    series = built([one(300)], subjects=subjects)
    told = {name: (item["role"], item["phase"], item["changed"]) for name, item in series["instances"].items()}
    assert told == {
        f"{TESTED}@{HOST}": ("test", "one", 20),
        f"tdd-expert@{HOST}": ("test", "one", 21),
        f"qa-expert@{HOST}": ("pending", "two", None),
        f"{AGENT}@{HOST}": ("control", None, None),
        f"{AGENT}@dgx-9": ("test", "three", 20),
    }
    assert entry(series, "qa-expert")["watched"] == []


# ---------------------------------------------------------------- what was covered


def test_an_agent_that_alone_could_not_be_seen_was_not_watched_then() -> None:
    gap = {"reason": "output_elsewhere", "message": "it goes to /dev/null"}
    series = built([one(330), one(630), one(930, **counts(gap=gap)), one(1230)])
    assert entry(series)["watched"] == [[1, 10], [16, 20]]
    assert {"from": 10, "to": 16, "what": f"{AGENT}@{HOST}", **gap} in series["gaps"]


def test_watched_is_what_complete_journals_covered_of_whole_buckets() -> None:
    looks = [one(330), one(630), one(930, complete=False, reason="journal_rotated", message="gone"), one(1230)]
    series = built(looks)
    assert entry(series)["watched"] == [[1, 10], [16, 20]]
    assert {"from": 10, "to": 16, "what": f"host {HOST}", "reason": "journal_rotated", "message": "gone"} in series[
        "gaps"
    ]


def test_a_bucket_that_two_looks_covered_together_is_watched() -> None:
    assert entry(built([one(330), one(630)]))["watched"] == [[1, 10]]


def test_the_look_that_saw_the_change_does_not_cover_the_process_before_it() -> None:
    looks = [look(300 * number, 300 * number - 300, {TESTED: seen()}) for number in range(1, 7)]
    assert entry(built(looks), TESTED)["watched"] == [[0, 15], [20, 30]]


def test_an_agent_that_looks_did_not_name_is_not_watched() -> None:
    looks = [one(300), look(600, 300, {}), one(900)]
    assert entry(built(looks))["watched"] == [[0, 5], [10, 15]]


def test_no_look_for_longer_than_two_ticks_is_a_gap() -> None:
    looks = [one(300), one(900), one(1560)]
    gaps = [(gap["from"], gap["to"], gap["reason"]) for gap in built(looks, minutes=36)["gaps"]]
    assert gaps == [(16, 26, "sampler_late")]
    gaps = built(looks, minutes=40)["gaps"]
    assert [(gap["from"], gap["to"]) for gap in gaps] == [(16, 26), (27, 40)]
    assert gaps[1]["message"] == "no look for 14m"


def skipping(seconds: float, skipped_s: float, **what: Any) -> dict[str, Any]:
    """A look of a rehearsal that had skipped so much by then."""
    return {**one(seconds, **what), "skipped_s": skipped_s}


def test_what_a_rehearsal_skipped_is_no_gap() -> None:
    looks = [skipping(300, 0.0), skipping(310 + 7200, 7200.0), skipping(320 + 10800, 10800.0)]
    series = built(looks, minutes=240, skipped_s=13800.0)
    assert (series["gaps"], series["skips_waits"]) == ([], True)
    # The same moments of a run that waits.
    looks = [one(300), one(310 + 7200), one(320 + 10800)]
    waited = built(looks, minutes=240)
    assert [(gap["from"], gap["to"], gap["reason"]) for gap in waited["gaps"]] == [
        (6, 125, "sampler_late"), (126, 185, "sampler_late"), (186, 240, "sampler_late")
    ]  # fmt: skip
    assert not waited["skips_waits"]


@pytest.mark.parametrize(
    ("looks", "minutes", "skipped_s", "gaps"),
    [
        # Two hours were skipped, and for 25 minutes besides nobody looked.
        ([skipping(300, 0.0), skipping(1800 + 7200, 7200.0)], 155, 7200.0, [(6, 150, "no look for 25m")]),
        ([skipping(300, 0.0), skipping(901 + 7200, 7200.0)], 140, 7200.0, [(6, 135, "no look for 10m1s")]),
        ([skipping(300, 0.0), skipping(900 + 7200, 7200.0)], 140, 7200.0, []),
        # After the last look as well.
        ([skipping(300, 0.0)], 155, 7200.0, [(6, 155, "no look for 30m")]),
        ([skipping(300, 0.0)], 135, 7200.0, []),
        # An older look knows of more than this run does: nothing is made up.
        ([skipping(300, 7200.0)], 30, 0.0, [(6, 30, "no look for 25m")]),
    ],
)
def test_a_look_that_was_really_missed_is_a_gap_also_where_waits_are_skipped(
    looks: list[dict[str, Any]], minutes: float, skipped_s: float, gaps: list[tuple[int, int, str]]
) -> None:
    found = built(looks, minutes=minutes, skipped_s=skipped_s)["gaps"]
    assert [(gap["from"], gap["to"], gap["message"]) for gap in found] == gaps
    assert {gap["reason"] for gap in found} <= {"sampler_late"}


def test_a_look_that_failed_after_a_skip_is_a_gap_all_the_same(tmp_path: Path) -> None:
    book = LookBook(tmp_path)
    book.append(HOST, skipping(300, 0.0))
    book.missed(HOST, at(7500).isoformat(), "host_unreachable", "no route")
    book.append(HOST, skipping(320 + 10800, 10800.0))
    fold = book.folded(HOST, BUCKET_S)
    (gap,) = _series.build({HOST: fold}, [], SUBJECTS, BUCKET_S, START, at(11160), 300.0, 10800.0)["gaps"]
    assert (gap["from"], gap["to"], gap["reason"]) == (6, 185, "host_unreachable")


def test_a_look_that_failed_is_a_gap_with_its_reason(tmp_path: Path) -> None:
    book = LookBook(tmp_path)
    book.append(HOST, one(300))
    book.missed(HOST, START.isoformat(), "host_unreachable", "no route")
    book.append(HOST, one(720))
    series = _series.build({HOST: book.folded(HOST, BUCKET_S)}, [], SUBJECTS, BUCKET_S, START, at(900), 300.0)
    assert series["gaps"] == [
        {"from": 6, "to": 12, "what": f"host {HOST}", "reason": "host_unreachable", "message": "no route"}
    ]
    assert [each["at"] for each in book.read(HOST)] == [one(300)["at"], one(720)["at"]], "it is no look"


def test_a_host_that_was_never_seen_is_one_gap(tmp_path: Path) -> None:
    (gap,) = _series.build({}, [], SUBJECTS, BUCKET_S, START, at(900))["gaps"]
    assert gap == {"from": 0, "to": 16, "what": f"host {HOST}", "reason": "sampler_late", "message": "no look so far"}
    book = LookBook(tmp_path)
    book.missed(HOST, at(60).isoformat(), "host_unreachable", "no route")
    fold = book.folded(HOST, BUCKET_S)
    (gap,) = _series.build({HOST: fold}, [], SUBJECTS, BUCKET_S, START, at(900))["gaps"]
    assert (gap["reason"], gap["message"]) == ("host_unreachable", "no route")


def test_gaps_of_one_thing_and_reason_that_touch_are_one() -> None:
    blind: dict[str, Any] = {"reason": "nats_unreachable", "message": "refused"}
    lines = [
        line(300, 600, **blind),
        line(600, 900, **blind),
        line(1200, 1500, **blind),
        line(900, 960, reason="tool_error"),
    ]
    gaps = [gap for gap in built([], lines)["gaps"] if gap["what"].startswith("nats")]
    assert [(gap["from"], gap["to"], gap["reason"]) for gap in gaps] == [
        (5, 16, "nats_unreachable"), (15, 17, "tool_error"), (20, 26, "nats_unreachable")
    ]  # fmt: skip


def test_gaps_that_just_touch_or_lie_within_are_merged_and_others_are_not() -> None:
    def gap(begin: int, end: int, message: str, what: str = "host a") -> dict[str, Any]:
        return {"from": begin, "to": end, "what": what, "reason": "tool_error", "message": message}

    found = [gap(9, 12, "e"), gap(1, 3, "a"), gap(3, 8, "b"), gap(4, 5, ""), gap(2, 4, "d", "host b")]
    assert merged(found) == [gap(1, 8, "b"), gap(2, 4, "d", "host b"), gap(9, 12, "e")]


# ---------------------------------------------------------------- NATS


def test_answers_by_bucket_with_their_latencies() -> None:
    rows = [[5, 18, 18, 0, 0, [[300, 18]]], [6, 18, 0, 0, 0, []], [7, 18, 17, 2, 1, [[300, 10], [310, 7]]]]
    agent = built([], [line(300, 480, {AGENT: rows})])["agents"][AGENT]
    assert agent["asked"] == [[5, 18], [6, 18], [7, 18]]
    assert agent["answered"] == [[5, 18], [6, 0], [7, 17]], "zero is what it is, not unknown"
    assert (agent["late"], agent["errors"]) == ([[7, 2]], [[7, 1]])
    assert agent["latency"] == [[5, [[300, 18]]], [7, [[300, 10], [310, 7]]]]


def test_probes_that_asked_in_the_same_bucket_add_up() -> None:
    lines = [
        line(0, 60, {AGENT: [[3, 18, 18, 0, 0, [[300, 18]]]]}),
        line(0, 60, {AGENT: [[3, 9, 8, 0, 0, [[299, 8]]]]}),
    ]
    agent = built([], lines)["agents"][AGENT]
    assert (agent["asked"], agent["answered"]) == ([[3, 27]], [[3, 26]])
    assert agent["latency"] == [[3, [[299, 8], [300, 18]]]]


def test_a_measuring_host_counts_by_its_clock_and_several_are_put_together() -> None:
    looks = [one(300 + 120, host={"clock_offset_s": 120.0})]
    rows = [[5, 18, 18, 0, 0, [[300, 18]]]]
    lines = [line(300, 360, {AGENT: rows}), line(300, 360, {AGENT: rows}, measured_at="dgx-2")]
    agent = built(looks, lines)["agents"][AGENT]
    assert agent["asked"] == [[3, 18], [5, 18]]
    assert built(looks, lines[:1])["agents"][AGENT]["asked"] == [[3, 18]]


def test_one_group_by_agent_several_by_agent_and_group() -> None:
    subjects = [
        Subject(TESTED, "a1", "test", at(60), NEW), Subject(TESTED, "a2", "test", at(120), NEW),
        Subject(TESTED, "b1", "pending", START), Subject(AGENT, "b1", "control", START, None, None, False),
    ]  # fmt: skip
    lines = [line(0, 60, {TESTED: [[0, 2, 2, 0, 0, []]]}, "a", hosts=["a1", "a2"]),
             line(0, 60, {TESTED: [[0, 1, 1, 0, 0, []]]}, "b", hosts=["b1"])]  # fmt: skip
    arguments: dict[str, Any] = {"subjects": subjects, "bucket_s": BUCKET_S, "start": START}
    looks = {host: [one(60)] for host in ("a1", "a2", "b1")}
    agents = _series.build(looks, lines, now=at(600), **arguments)["agents"]
    told = {name: (item["role"], item["changed"], item["hosts"], item["asked"]) for name, item in agents.items()}
    assert told == {
        f"{TESTED}/a": ("test", 2, ["a1", "a2"], [[0, 2]]),
        f"{TESTED}/b": ("pending", None, ["b1"], [[0, 1]]),
        f"{AGENT}/b": ("control", None, ["b1"], []),
    }
    lines = [{**lines[0], "hosts": ["a1", "a2", "b1"]}]
    agents = _series.build(looks, lines, now=at(600), **arguments)["agents"]
    assert list(agents) == [TESTED, AGENT]
    assert (agents[TESTED]["role"], agents[TESTED]["group"]) == ("test", "a")


def test_samples_stand_in_the_bucket_of_their_middle() -> None:
    counted = {"legacy": 10, "unified": 0, "published": 5, "matched": 4}
    lines = [line(290, 330, sample={AGENT: counted}), line(600, 610, sample={AGENT: counted}),
             line(615, 625, sample={AGENT: counted})]  # fmt: skip
    agent = built([], lines)["agents"][AGENT]
    assert agent["legacy"] == [[5, 10], [10, 20]]
    assert (agent["unified"], agent["matched"]) == ([[5, 0], [10, 0]], [[5, 4], [10, 8]])


def test_a_connection_that_broke_is_a_gap_from_there_on() -> None:
    broken = line(300, 600, {AGENT: [[5, 18, 18, 0, 0, []], [6, 18, 18, 0, 0, []]]}, reason="nats_unreachable")
    series = built([], [broken])
    assert series["agents"][AGENT]["asked"] == [[5, 18], [6, 18]]
    (gap,) = [gap for gap in series["gaps"] if gap["what"] == "nats group nats"]
    assert (gap["from"], gap["to"]) == (7, 11)


# ---------------------------------------------------------------- whatever comes

_everywhere: dict[str, Any] = {"start": START - timedelta(minutes=20), "now": at(4000), "tick_s": 300.0}


def total(points: list[list[Any]]) -> int:
    return sum(number for _place, number in points)


@given(wild_looks, wild_lines, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_sums_of_the_series_are_those_of_the_looks_in_any_order(
    looks: list[dict[str, Any]], lines: list[dict[str, Any]], shuffle: random.Random
) -> None:
    shuffle.shuffle(looks)
    shuffle.shuffle(lines)
    series = _series.build({HOST: looks}, lines, SUBJECTS, BUCKET_S, **_everywhere)
    for agent in NAMES:
        sums = totals(looks, agent, None)
        item = entry(series, agent)
        assert (total(item["errors"]), total(item["warnings"])) == (sums["errors"], sums["warnings"])
        assert 0 <= total(item["messages"]) <= sums["messages"]
    for name, item in series["agents"].items():
        own = [each for each in lines if item["agent"] in each["agents"] and each["group"] == item["group"]]
        rows = [row for each in own for row in each["agents"][item["agent"]]]
        for place, counted in enumerate(("asked", "answered", "late", "errors"), start=1):
            assert total(item[counted]) == sum(row[place] for row in rows), name
        assert total([pair for _at, sketch in item["latency"] for pair in sketch]) == total(
            [p for row in rows for p in row[5]]
        )
    shapes = [*series["instances"].values(), *series["agents"].values(), *series["hosts"].values()]
    for points in (
        value for item in shapes for key, value in item.items() if isinstance(value, list) and key != "hosts"
    ):
        places = [point[0] for point in points]
        assert places == sorted(set(places)) and all(0 <= place < series["buckets"] for place in places)
    assert all(0 <= gap["from"] < gap["to"] <= series["buckets"] for gap in series["gaps"])
    assert all(
        begin < end <= series["buckets"] for item in series["instances"].values() for begin, end in item["watched"]
    )
    assert json.loads(json.dumps(series)) == series


@given(wild_looks, st.integers(0, 20_000), st.integers(0, 400), st.binary(max_size=3))
@settings(max_examples=60)
def test_a_file_that_was_torn_or_damaged_never_stops_a_look(
    tmp_path_factory: pytest.TempPathFactory, looks: list[dict[str, Any]], place: int, length: int, other: bytes
) -> None:
    book = LookBook(tmp_path_factory.mktemp("looks"))
    for each in looks:
        book.append(HOST, each)
    path = book.folder / f"{HOST}.jsonl"
    if path.exists():
        data = path.read_bytes()
        path.write_bytes(data[:place] + other + data[place + length :])
    fold = book.folded(HOST, BUCKET_S)
    series = _series.build({HOST: fold}, [], SUBJECTS, BUCKET_S, **_everywhere)
    for agent in NAMES:
        assert total(entry(series, agent)["errors"]) == totals(book.read(HOST), agent, None)["errors"]
        assert totals(fold, agent, None)["gaps"] == totals(book.read(HOST), agent, None)["gaps"]
    book.append(HOST, one(3000))
    assert book.cursor(HOST) == one(3000)["journal"]["cursor"]


def test_a_damaged_line_is_a_gap_and_not_a_quiet_time(tmp_path: Path) -> None:
    book = LookBook(tmp_path)
    for number in (1, 2, 3):
        book.append(HOST, one(300.0 * number, **counts(errors=1)))
    path = tmp_path / f"{HOST}.jsonl"
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"x" + second[1:] + third)
    assert [gap["reason"] for gap in totals(book.read(HOST), AGENT, None)["gaps"]] == ["tool_error"]
    series = _series.build({HOST: book.folded(HOST, BUCKET_S)}, [], SUBJECTS, BUCKET_S, START, at(900))
    assert entry(series)["watched"] == [[0, 5], [10, 15]]
    assert [gap["reason"] for gap in series["gaps"]] == ["tool_error"]


def test_a_fold_of_other_buckets_is_refused() -> None:
    with pytest.raises(ValueError, match="buckets of 60 s out of a fold in buckets of 30 s"):
        _series.build({HOST: HostFold(30.0)}, [], SUBJECTS, 60.0, START, at(60))
