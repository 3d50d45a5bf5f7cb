# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules answered, moved into the plan's time: every time and every bucket of it, and nothing else."""

from __future__ import annotations

import ast
import copy
import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _answer_shapes
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._answer import vetted
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan_time import TIMES, in_plan_time, spread
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._skips import Skip, Skips
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.measured import log
from tests.unit.plugins.plugin_utils.recorded import START, at, looks

AGENT = "network-expert"
COUNTED_S = 0.25
# An hour at second 100, two more at second 200.
SKIPS = Skips((Skip(at(100), 3600.0), Skip(at(200), 10800.0)))


def index(seconds: float, width: float = COUNTED_S) -> int:
    """The bucket since the epoch of a moment after START."""
    return int((START + timedelta(seconds=seconds)).timestamp() // width)


# ---------------------------------------------------------------- which fields hold a time


def _time_fields() -> tuple[set[str], int]:
    """Names of the fields that `_answer_shapes` says hold a time, and how often it says so."""
    names: set[str] = set()
    said = 0
    for node in ast.walk(ast.parse(Path(_answer_shapes.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if _says_time(value)]
            said += len(pairs)
            names |= {str(ast.literal_eval(key)) for key, _value in pairs if key is not None}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "dict.fromkeys" and _says_time(node.args[1]):
            said += 1
            names |= set(ast.literal_eval(node.args[0]))
    return names, said


def _says_time(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("time", "_time")


def test_every_field_of_an_answer_that_holds_a_time_is_moved_and_no_other() -> None:
    names, said = _time_fields()
    assert names == TIMES
    tree = ast.parse(Path(_answer_shapes.__file__).read_text(encoding="utf-8"))
    uses = [node for node in ast.walk(tree) if _says_time(node) and isinstance(node.ctx, ast.Load)]  # type: ignore[attr-defined]
    # One more makes `_time` of `time`. A time in a list, or one that is written in another way, would not be moved.
    assert len(uses) == said + 1


def test_a_field_holds_a_time_wherever_it_is() -> None:
    """Where one module tells a time another one must not tell something else by the same name."""
    others: list[str] = []
    for node in ast.walk(ast.parse(Path(_answer_shapes.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in TIMES and not _says_time(value):
                    others.append(ast.unparse(value))
    assert others == []


# ---------------------------------------------------------------- an answer of each module


def moments(seconds: float, *names: str) -> dict[str, str]:
    return {name: iso(at(seconds)) for name in names}


def guard() -> dict[str, Any]:
    reverted = {"id": "x", "why": "w", "complete": True, "instances": {AGENT: {}}, **moments(150, "at")}
    return {"state": "reverted", "agents": [AGENT], "reverted": reverted, **moments(900, "deadline")}


def process() -> dict[str, Any]:
    return {"sha256": "0" * 64, "invocation_id": "f" * 32, "main_pid": 7, **moments(150, "started_at")}


def probe(**more: Any) -> dict[str, Any]:
    row = [index(150, 60.0), 2, 2, 0, 0, [[300, 2]]]
    return {
        **moments(150, "started_at", "broke_at", "alive_until"), **moments(250, "ended_at"), "reason": None,
        "agents": {AGENT: {"delivered": 2, "expected": 2}},
        "buckets": {"bucket_s": 60.0, "agents": {AGENT: [row]}}, **more,
    }  # fmt: skip


def units() -> dict[str, Any]:
    kind = {
        "kind": "k",
        "level": "ERROR",
        "count": 1,
        "recurring": False,
        "example": "e",
        **moments(150, "first_at", "last_at"),
    }
    counter = {"first": {"inbox": 1}, "last": {"inbox": 9}, **moments(99, "first_at"), **moments(201, "last_at")}
    log_ = log(
        errors=3, lines=9, kinds=[kind], lifecycle=[{"event": "started", "invocation_id": "f" * 32, **moments(150, "at")}],
        counters={"f" * 32: counter}, signs={"corrupt": {"count": 0, "examples": []}},
        buckets={str(index(50)): [4, 1, 0], str(index(150)): [5, 2, 0]}, counter_points=[[index(150), "f" * 32, 9]],
        **moments(50, "first_at"), **moments(150, "last_at"),
    )  # fmt: skip
    unit = {
        "unit": "a.service", "load_state": "loaded", "active_state": "active", "sub_state": "running", "log": log_,
        **moments(50, "active_since", "started_at"),
    }  # fmt: skip
    return {
        "instances": {AGENT: unit},
        "host": {
            "load": [1.0],
            "memory": {"used_pct": 1.0},
            "disks": {},
            **moments(250, "now"),
            **moments(-900, "booted_at"),
        },
        "journal": {"complete": True, "cursor": "c", **moments(50, "since"), **moments(700, "proven_at")},
        "guard": guard(),
    }


def sample() -> dict[str, Any]:
    return {"lossless": True, "groups": {}, "probe": probe(), **moments(150, "started_at"), **moments(250, "ended_at")}


def acted(state: str) -> dict[str, Any]:
    return {
        "state": state,
        "changed": True,
        "restarted": True,
        "sha256": "0" * 64,
        "before": process(),
        "after": process(),
    }


ANSWERS: dict[str, dict[str, Any]] = {
    "agent_units_info": units(),
    "agent_change": {"instances": {AGENT: acted("proven")}, "guard": guard()},
    "agent_backup": {"instances": {AGENT: acted("backed_up")}, "manifest_path": "/b", "manifest_sha256": "0" * 64},
    "agent_restore": {"instances": {AGENT: acted("restored")}, "guard": guard()},
    "agent_guard": {"guard": guard(), "late_s": 0.0},
    "nats_probe": {"probe": probe()},
    "nats_sample": {"sample": sample()},
    "nats_reach": {"reach": {"servers": {"dgx-1": {"answered": {"q": ["dgx-1"]}, "at_once": {"q": 1}, "refused": {}}}}},
}
# Where a module's answer holds buckets: their place is in the plan's time as well.
BUCKETS = ("buckets", "counter_points")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in items:
            yield from leaves(each, (*path, key))
    else:
        yield path, value


def is_time(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("2026-01-23T")


def test_every_module_has_an_answer_here() -> None:
    assert ANSWERS.keys() == _answer_shapes.ANSWERS.keys()
    told = Counter(path[-1] for answer in ANSWERS.values() for path, value in leaves(answer) if is_time(value))
    assert told.keys() == TIMES


@pytest.mark.parametrize("module", list(ANSWERS))
def test_every_time_of_an_answer_is_moved_and_nothing_else(module: str) -> None:
    answer = ANSWERS[module]
    assert vetted(module, answer) == answer, "it is such an answer"
    kept = copy.deepcopy(answer)
    moved = in_plan_time(answer, SKIPS, COUNTED_S)
    assert answer == kept, "the answer itself stays as it came"
    before, after = dict(leaves(answer)), dict(leaves(moved))
    in_buckets = {path for path in {*before, *after} if set(path) & set(BUCKETS)}
    assert before.keys() - in_buckets == after.keys() - in_buckets
    for path in before.keys() - in_buckets:
        if is_time(before[path]):
            assert parse_iso(after[path]) == SKIPS.plan(parse_iso(before[path])), path
        else:
            assert after[path] == before[path], path
    assert vetted(module, moved) == moved, "it is such an answer still"


def test_the_hour_and_the_two_hours_of_these_answers() -> None:
    """The numbers that the test above takes from `Skips`."""
    moved = in_plan_time(units(), SKIPS, COUNTED_S)
    counter = moved["instances"][AGENT]["log"]["counters"]["f" * 32]
    assert (counter["first_at"], counter["last_at"]) == (iso(at(99)), iso(at(201 + 10800)))
    assert moved["instances"][AGENT]["log"]["lifecycle"][0]["at"] == iso(at(150 + 3600))
    assert moved["guard"]["deadline"] == iso(at(900 + 10800))


def test_counts_of_a_log_stand_in_the_buckets_of_the_plans_time() -> None:
    moved = in_plan_time(units(), SKIPS, COUNTED_S)["instances"][AGENT]["log"]
    assert moved["buckets"] == {str(index(50)): [4, 1, 0], str(index(150 + 3600)): [5, 2, 0]}
    assert moved["counter_points"] == [[index(150 + 3600), "f" * 32, 9]]


def test_rows_of_a_probe_stand_in_the_buckets_of_the_plans_time() -> None:
    """By the middle of their bucket, here of a minute that began before the skip and held its moment."""
    for answer in ({"probe": probe()}, {"sample": sample()}):
        moved = in_plan_time(answer, SKIPS, COUNTED_S)
        found = moved.get("probe") or moved["sample"]["probe"]
        assert found["buckets"]["agents"] == {AGENT: [[index(150 + 3600, 60.0), 2, 2, 0, 0, [[300, 2]]]]}
        assert found["buckets"]["bucket_s"] == 60.0


@pytest.mark.parametrize("bucket_s", [0.0, None], ids=["zero", "none"])
def test_rows_by_round_are_no_times(bucket_s: float | None) -> None:
    rounds = {"bucket_s": bucket_s, "agents": {AGENT: [[3, 1, 1, 0, 0, []]]}}
    assert in_plan_time({"probe": probe(buckets=rounds)}, SKIPS, COUNTED_S)["probe"]["buckets"] == rounds
    assert in_plan_time({"probe": probe(buckets=None)}, SKIPS, COUNTED_S)["probe"]["buckets"] is None


@given(st.dictionaries(st.integers(0, 300), st.tuples(*[st.integers(0, 9)] * 3), max_size=20), st.integers(1, 8))
def test_no_count_is_lost_or_counted_twice(counted: dict[int, tuple[int, ...]], quarters: int) -> None:
    width = quarters * 0.25
    answer = units()
    told = {str(index(0, width) + each): list(counts) for each, counts in sorted(counted.items())}
    answer["instances"][AGENT]["log"]["buckets"] = told
    moved = in_plan_time(answer, SKIPS, width)["instances"][AGENT]["log"]["buckets"]
    assert [sum(counts[n] for counts in moved.values()) for n in range(3)] == [
        sum(counts[n] for counts in counted.values()) for n in range(3)
    ]
    assert [int(at_) for at_ in moved] == sorted(
        math.floor(SKIPS.plan(datetime.fromtimestamp((int(at_) + 0.5) * width, UTC)).timestamp() / width)
        for at_ in told
    )


# ---------------------------------------------------------------- what comes in otherwise


def test_a_task_that_looped_has_answers_of_all_items() -> None:
    items = [
        {"item": f"host-{number}", "ansible_loop_var": "item", **answer}
        for number, answer in enumerate(ANSWERS.values())
    ]
    moved = in_plan_time({"results": items, "changed": False}, SKIPS, COUNTED_S)
    assert moved["results"] == [in_plan_time(item, SKIPS, COUNTED_S) for item in items]
    assert moved["results"][0]["instances"] == in_plan_time(units(), SKIPS, COUNTED_S)["instances"]


@pytest.mark.parametrize("module", list(ANSWERS))
def test_where_nothing_was_skipped_nothing_is_touched(module: str) -> None:
    assert in_plan_time(ANSWERS[module], Skips(), COUNTED_S) is ANSWERS[module]


def test_recorded_looks_move_as_a_whole() -> None:
    """All of them were before anything was skipped, or after it."""
    for look in looks():
        answer = {"instances": look["instances"], "host": look["host"], "journal": look["journal"]}
        assert in_plan_time(answer, Skips((Skip(at(10**8), 3600.0),)), 2.0) == answer
        moved = in_plan_time(answer, Skips((Skip(at(-(10**8)), 3600.0),)), 2.0)
        assert parse_iso(moved["host"]["now"]) - parse_iso(look["host"]["now"]) == timedelta(hours=1)
        for agent, seen in look["instances"].items():
            told = {str(int(at_) + 1800): counts for at_, counts in (seen["log"].get("buckets") or {}).items()}
            assert (moved["instances"][agent]["log"].get("buckets") or {}) == told


@pytest.mark.parametrize(
    "answer",
    [
        "x", None, 7, [], {"failed": True, "msg": "no python"}, {"instances": 7, "journal": {}}, {"results": [7, None, "x"]}, {"results": 7},
        {"journal": {}, "instances": {AGENT: 7}}, {"journal": {}, "instances": {AGENT: {"log": 7}}}, {"probe": "x"}, {"sample": "x"},
        {"sample": {"probe": 7}}, {"probe": {"buckets": 7}}, {"probe": {"buckets": {"bucket_s": "x", "agents": {}}}},
        {"probe": {"buckets": {"bucket_s": 60.0, "agents": {AGENT: 7}}}}, {"at": "yesterday", "now": 7, "since": None, "deadline": ["x"]},
        {"at": "9999-12-31T23:59:59+00:00"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_answer_is_left_as_it_is(answer: Any) -> None:
    """Hosts may answer what they like beside what their module does; the door looks at that only."""
    assert in_plan_time(answer, SKIPS, COUNTED_S) == answer


def test_a_bucket_in_no_year_that_there_is_stays() -> None:
    answer = units()
    far = {str(10**12): [1, 1, 1], str(-(10**12)): [1, 1, 1]}
    answer["instances"][AGENT]["log"]["buckets"] = far
    assert in_plan_time(answer, SKIPS, 60.0)["instances"][AGENT]["log"]["buckets"] == far


# ---------------------------------------------------------------- rounds of a probe


def test_rounds_are_spread_evenly_over_what_they_stand_for() -> None:
    rows = {AGENT: [[number, 3, 3, 0, 0, [[300, 3]]] for number in range(8)], "nix-expert": [[0, 3, 0, 3, 0, []]]}
    found = spread(rows, at(0), at(4 * 3600), 60.0, 8)
    # Eight half-hours, each round in its middle.
    assert [row[0] - index(0, 60.0) for row in found[AGENT]] == [15, 45, 75, 105, 135, 165, 195, 225]
    assert found["nix-expert"] == [[index(0, 60.0) + 15, 3, 0, 3, 0, []]]
    assert [row[1:] for row in found[AGENT]] == [row[1:] for row in rows[AGENT]]


def test_a_probe_that_broke_off_stands_for_what_it_came_to() -> None:
    rows = {AGENT: [[number, 3, 3, 0, 0, []] for number in range(3)]}
    found = spread(rows, at(0), at(4 * 3600), 60.0, 8)
    assert [row[0] - index(0, 60.0) for row in found[AGENT]] == [15, 45, 75]


@given(
    st.lists(st.integers(0, 40), max_size=20),
    st.integers(-300, 10**6), st.floats(0, 10**5), st.sampled_from([0.25, 60.0]), st.integers(0, 50),
)  # fmt: skip
def test_no_round_leaves_its_window_and_all_keep_their_order(
    rounds: list[int], begin: int, length: float, width: float, asked: int
) -> None:
    rows = {AGENT: [[number, 1, 1, 0, 0, []] for number in sorted(rounds)]}
    found = [row[0] for row in spread(rows, at(begin), at(begin + length), width, asked)[AGENT]]
    assert found == sorted(found)
    assert all(index(begin, width) <= place <= index(begin + length, width) for place in found)


def test_a_window_of_no_length_has_all_rounds_in_one_bucket() -> None:
    rows = {AGENT: [[number, 1, 1, 0, 0, []] for number in range(5)]}
    for end in (at(60), at(0)):
        assert {row[0] for row in spread(rows, at(60), end, 60.0, 5)[AGENT]} == {index(60, 60.0)}
    assert spread({}, at(0), at(60), 60.0, 5) == {}
