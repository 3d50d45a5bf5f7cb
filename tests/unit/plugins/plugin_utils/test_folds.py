# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folds: the same sums as the looks themselves, whatever they hold, and however often they were put aside in between."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _folds
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds import HostFold, NatsFold, _store
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import Shelf
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import (
    LookBook,
    counted_before,
    first_sight,
    latest,
    totals,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._nats_book import NatsBook, published
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.measured import (
    BUCKET_S,
    HOST,
    NAMES,
    NEW,
    OLD,
    line,
    log,
    look,
    seen,
    wild_lines,
    wild_looks,
)
from tests.unit.plugins.plugin_utils.recorded import START, at, looks

AGENT = NAMES[0]
moments = st.none() | st.integers(-60, 3000).map(lambda seconds: START + timedelta(seconds=seconds))


def fold_of(records: list[dict[str, Any]]) -> HostFold:
    fold = HostFold(BUCKET_S)
    for record in records:
        fold.add(record)
    return fold


def put_aside(fold: HostFold) -> HostFold:
    """Through everything that a file goes through, but the file."""
    shelf = Shelf()
    state = json.loads(json.dumps(fold.freeze(shelf)))
    return HostFold.thaw(fold.bucket_s, state, Shelf(shelf.columns))


def comparable(sums: dict[str, Any], told: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums without what folds keep less of: of a kind's and a sign's examples some will do, if they were told."""
    examples = {
        kind["example"] for each in told for agent in each["instances"].values() for kind in agent["log"]["kinds"]
    }
    assert all(kind["example"] in examples for kind in sums["kinds"])
    kinds = sorted(({**kind, "example": ""} for kind in sums["kinds"]), key=lambda kind: kind["kind"])
    return {**sums, "kinds": kinds}


@given(wild_looks, moments)
@settings(max_examples=60)
def test_a_fold_adds_up_to_what_its_looks_do(told: list[dict[str, Any]], since: Any) -> None:
    fold = put_aside(fold_of(told))
    for agent in NAMES:
        assert comparable(totals(fold, agent, since), told) == comparable(totals(told, agent, since), told)
        for invocation in (OLD, NEW, None):
            moment = since or START
            assert first_sight(fold, agent, invocation, moment) == first_sight(told, agent, invocation, moment)
    assert latest(fold) == latest(told)


def test_recorded_looks_add_up_too() -> None:
    told = looks()
    fold = put_aside(fold_of(told))
    for agent in told[0]["instances"]:
        for each in told:
            since = START.fromisoformat(each["at"])
            assert totals(fold, agent, since) == totals(told, agent, since)
            for invocation in each["instances"].get(agent, seen())["log"]["counters"]:
                sight = first_sight(told, agent, invocation, since)
                assert first_sight(fold, agent, invocation, since) == sight
    # From the second look on: of a process older than the first look a fold knows where its counters began.
    for agent, last in told[-1]["instances"].items():
        for invocation in last["log"]["counters"]:
            assert counted_before(fold, agent, invocation) == counted_before(told, agent, invocation)


@given(wild_lines, moments)
@settings(max_examples=40)
def test_publications_are_the_same_from_lines_and_fold(told: list[dict[str, Any]], since: Any) -> None:
    fold = NatsFold(BUCKET_S)
    for each in told:
        fold.add(each)
    wanted = {AGENT: since or START}
    assert published(fold, wanted) == published(told, wanted)


# ---------------------------------------------------------------- beside the file


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folds are written with every line."""
    monkeypatch.setattr(_store, "LINES_BETWEEN", 1)
    monkeypatch.setattr(_store, "LINES_APART", 1)


def state_of(fold: HostFold | NatsFold) -> Any:
    shelf = Shelf()
    return fold.freeze(shelf), [list(map(repr, column)) for column in shelf.columns]


def lines_to_read(monkeypatch: pytest.MonkeyPatch, book: LookBook) -> int:
    """How many lines of the file a fold of it decodes."""
    read: list[bytes] = []
    real = _folds._store.folded

    def counted(path: Path, decode: Any, *rest: Any) -> Any:
        def decoded(text: bytes) -> Any:
            read.append(text)
            return decode(text)

        return real(path, decoded, *rest)

    with monkeypatch.context() as patch:
        patch.setattr("ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks.folded", counted)
        book.folded(HOST, BUCKET_S)
    return len(read)


@pytest.mark.usefixtures("eager")
def test_only_new_lines_are_read_and_the_fold_is_the_same_as_in_one_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = LookBook(tmp_path)
    for each in looks():
        book.append(HOST, each)
        assert lines_to_read(monkeypatch, book) == 1
        assert lines_to_read(monkeypatch, book) == 0
    assert state_of(book.folded(HOST, BUCKET_S)) == state_of(fold_of(looks()))
    assert (tmp_path / f"{HOST}.fold").stat().st_mode & 0o777 == 0o640


def test_folds_are_written_now_and_then_and_those_of_several_hosts_not_at_one_look(tmp_path: Path) -> None:
    book = LookBook(tmp_path)
    hosts = [f"host-{number}" for number in range(1, 7)]
    written: dict[str, int] = {}
    for number in range(_store.LINES_BETWEEN + _store.LINES_APART):
        for host in hosts:
            book.append(host, look(60.0 * number, 60.0 * number - 60, {}))
            book.folded(host, BUCKET_S)
            if host not in written and (tmp_path / f"{host}.fold").exists():
                written[host] = number + 1
    assert set(written) == set(hosts) and min(written.values()) >= _store.LINES_BETWEEN
    assert len(set(written.values())) > len(hosts) / 2


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "damage", ["lines changed", "lines cut", "fold cut", "fold changed", "other buckets", "other code"]
)
def test_a_fold_that_does_not_fit_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    book, told = LookBook(tmp_path), looks()
    for each in told:
        book.append(HOST, each)
    book.folded(HOST, BUCKET_S)
    path, beside, bucket_s = tmp_path / f"{HOST}.jsonl", tmp_path / f"{HOST}.fold", BUCKET_S
    if damage == "lines changed":
        # Of the same length.
        changed = path.read_bytes().replace(b'"memory_bytes":1', b'"memory_bytes":7', 1)
        assert changed != path.read_bytes()
        path.write_bytes(changed)
        told = book.read(HOST)
    elif damage == "lines cut":
        told = told[:3]
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    elif damage == "fold cut":
        beside.write_bytes(beside.read_bytes()[:-20])
    elif damage == "fold changed":
        beside.write_bytes(beside.read_bytes().replace(b'"in_order":true', b'"in_order":null', 1))
    elif damage == "other buckets":
        bucket_s = 30.0
    else:
        monkeypatch.setattr(_store, "_code", lambda: "of another version")
    fold = HostFold(bucket_s)
    for each in told:
        fold.add(each)
    assert state_of(book.folded(HOST, bucket_s)) == state_of(fold)


@pytest.mark.usefixtures("eager")
def test_a_fold_that_other_code_made_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = LookBook(tmp_path)
    for each in looks():
        book.append(HOST, each)
    book.folded(HOST, BUCKET_S)
    assert lines_to_read(monkeypatch, book) == 0
    monkeypatch.setattr(_store, "_code", lambda: "of another version")
    assert lines_to_read(monkeypatch, book) == len(looks())


def test_where_nothing_may_be_written_folds_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = LookBook(tmp_path)
    for each in looks() * 5:
        book.append(HOST, each)

    def refused(**_where: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    assert state_of(book.folded(HOST, BUCKET_S)) == state_of(fold_of(looks() * 5))
    assert [path.name for path in tmp_path.iterdir()] == [f"{HOST}.jsonl"]


@pytest.mark.usefixtures("eager")
@given(told=wild_lines, places=st.lists(st.booleans(), min_size=5, max_size=5))
@settings(max_examples=20)
def test_nats_lines_fold_in_parts(
    tmp_path_factory: pytest.TempPathFactory, told: list[Any], places: list[bool]
) -> None:
    book = NatsBook(tmp_path_factory.mktemp("nats"))
    whole = NatsFold(BUCKET_S)
    for each, put in zip(told, places, strict=False):
        book.append(each)
        whole.add(json.loads(json.dumps(each)))
        if put:
            book.folded(BUCKET_S)
    assert state_of(book.folded(BUCKET_S)) == state_of(whole)


def test_many_kinds_are_counted_as_one_from_the_501st_on() -> None:
    kinds = [
        {"kind": f"k{number}", "level": "ERROR", "count": 1, "first_at": None, "last_at": None, "recurring": False,
         "example": "x"}
        for number in range(520)
    ]  # fmt: skip
    fold = fold_of([look(60, 0, {AGENT: seen(log=log(kinds=kinds))})])
    found = totals(fold, AGENT, None)["kinds"]
    assert (found[0]["kind"], found[0]["count"]) == ("(other kinds)", 20)


def test_answers_of_one_bucket_in_several_lines_are_one_row() -> None:
    fold = NatsFold(BUCKET_S)
    fold.add(line(0, 120, {AGENT: [[0, 18, 18, 0, 0, [[5, 18]]], [1, 9, 8, 1, 0, [[5, 8]]]]}))
    # What was put aside is opened again.
    fold.freeze(Shelf())
    fold.add(line(60, 240, {AGENT: [[1, 9, 9, 0, 1, [[4, 1], [5, 8]]], [2, 18, 0, 0, 0, []]]}))
    rows = list(fold.answers["nats"][AGENT][HOST].rows())
    assert [row[1:] for row in rows] == [
        ([18, 18, 0, 0], [(5, 18)]), ([18, 17, 1, 1], [(4, 1), (5, 16)]), ([18, 0, 0, 0], [])
    ]  # fmt: skip
    assert at(0) == START
