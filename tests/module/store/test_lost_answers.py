# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that has done what it was asked for and whose answer never came; people and other controllers beside the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import StoreError, _nats_evidence, store_at
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._copy import copy
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._nats_ledger import NatsLedger
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._nats_link import Link

from tests.module.store.places import Place, at, begin, directly, write
from tests.module.store.test_both_stores import content, evidence, gate
from tests.module.store.test_copy import filled, url

PIECES = "$O.rollout-evidence.C.>"


def lose_an_answer(monkeypatch: pytest.MonkeyPatch, of: str, meanwhile: Any = None) -> None:
    """The first call of that name is done, `meanwhile` happens, and the connection breaks before the answer comes."""
    once, lost = Link._once, iter([True])

    def unlucky(link: Link, work: Any) -> Any:
        result = once(link, work)
        if of in work.__qualname__ and next(lost, False):
            if meanwhile is not None:
                meanwhile()
            raise OSError("the connection broke before the answer came")
        return result

    monkeypatch.setattr(Link, "_once", unlucky)


def purge_pieces(place: Place) -> None:
    assert place.server is not None
    directly(place.server, lambda js: js.purge_stream("OBJ_rollout-evidence", subject=PIECES))


def kinds(place: Place) -> list[str]:
    return [record.kind for record in place.store().ledger("feature").read()]


def test_evidence_whose_answer_was_lost_is_there_with_all_its_pieces(
    nats_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library purges the pieces of what it takes for failed, also when its description was stored."""
    context = nats_place.context()
    begin(context)
    lose_an_answer(monkeypatch, "_put", lambda: purge_pieces(nats_place))
    gate(context, "T+1h", evidence(context, much=300_000), 1)
    assert len(nats_place.elsewhere("fresh").context().records) == 2
    assert content(nats_place.elsewhere("fresh").folder) == content(context.monitoring)


def test_evidence_that_the_store_lost_comes_back_with_a_copy_from_a_folder_that_has_it(
    tmp_path: Path, nats_place: Place
) -> None:
    here = filled(tmp_path / "here")
    copy(store_at, "file://", url(nats_place), here.folder)
    purge_pieces(nats_place)
    with pytest.raises(StoreError, match=r"store\.yml"):
        assert nats_place.elsewhere("fresh").context().records
    copy(store_at, "file://", url(nats_place), here.folder)
    assert content(nats_place.elsewhere("again").folder) == {}
    assert len(nats_place.elsewhere("again").context().records) == 3


def test_a_record_whose_answer_was_lost_is_not_written_twice_when_somebody_stopped_the_line_meanwhile(
    nats_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = nats_place.store().ledger("feature")
    write(ledger, "first")
    other = nats_place.elsewhere("other").store().ledger("feature")
    lose_an_answer(monkeypatch, "_publish", lambda: write(other, "line.stopped"))
    write(ledger, "second")
    assert kinds(nats_place.elsewhere("o")) == ["first", "second", "line.stopped"]


def test_a_copied_record_whose_answer_was_lost_is_there(
    tmp_path: Path, nats_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = nats_place.store().ledger("feature")
    assert isinstance(target, NatsLedger)
    lose_an_answer(monkeypatch, "_publish")
    assert target.push(filled(tmp_path / "here").store().ledger("feature").read()) == 3
    assert len(kinds(nats_place.elsewhere("o"))) == 3


def test_nothing_of_a_copy_follows_what_somebody_else_wrote(
    tmp_path: Path, nats_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = filled(tmp_path / "here").store().ledger("feature").read()
    target = nats_place.store().ledger("feature")
    assert isinstance(target, NatsLedger)
    other, publish = nats_place.elsewhere("other").store().ledger("feature"), NatsLedger._publish
    once = iter([True])

    def followed(ledger: NatsLedger, line: bytes, sequence: int) -> bool:
        done = publish(ledger, line, sequence)
        if ledger is target and next(once, False):
            write(other, "line.stopped")
        return done

    monkeypatch.setattr(NatsLedger, "_publish", followed)
    with pytest.raises(StoreError, match="somebody else writes"):
        target.push(records)
    assert kinds(nats_place.elsewhere("o")) == ["rollout.started", "line.stopped"]


def test_who_answers_on_another_controller_leaves_the_evidence_of_the_run_alone(nats_place: Place) -> None:
    run = nats_place.context()
    begin(run)
    gate(run, "T+1h", evidence(run), 1)
    person = nats_place.elsewhere("person").context("run-9")
    assert len(person.records) == 2
    report = person.monitoring / "reports" / "feature" / "page.html"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("made by a person")
    person.record("approval.given", {"approval": "decision", "decision": "go", "why": "w"}, at(2))
    gate(run, "T+6h", evidence(run, "T+6h"), 3)
    assert [record.kind for record in nats_place.context("run-2").records][-2:] == ["approval.given", "gate.decided"]


def test_a_damaged_file_does_not_replace_what_the_store_has(nats_place: Place) -> None:
    context = nats_place.context()
    begin(context)
    gate(context, "T+1h", evidence(context), 1)
    path = context.monitoring / "checkpoints" / "feature" / "T+1h" / "evidence.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:9])
    with pytest.raises(StoreError, match=r"T\+1h/evidence.json is not what was kept of it .* Remove that file"):
        context.record("note", {}, at(2))
    path.unlink()
    assert nats_place.context("run-2").records
    assert path.read_bytes() == whole


def test_a_reader_whose_list_is_written_over_begins_anew(nats_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    run = nats_place.context()
    begin(run)
    page = run.monitoring / "reports" / "feature" / "page.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("first")
    run.record("note", {}, at(1))
    fetched = _nats_evidence._content
    once = iter([True])

    def meanwhile(*given: Any) -> bytes:
        if next(once, False):
            page.write_text("second, which takes the place of the first")
            run.record("note", {}, at(2))
        return fetched(*given)

    monkeypatch.setattr(_nats_evidence, "_content", meanwhile)
    reader = nats_place.elsewhere("reader").context("run-9")
    assert len(reader.records) == 3
    assert (reader.monitoring / "reports" / "feature" / "page.html").read_text().startswith("second")


def test_a_key_that_somebody_deleted_is_made_anew(nats_place: Place) -> None:
    store = nats_place.store()
    first = store.put("lease.feature", {"run": "a"}, None)
    assert nats_place.server is not None

    async def delete(js: Any) -> None:
        await (await js.key_value("rollout-state")).delete("lease.feature")

    directly(nats_place.server, delete)
    assert store.get("lease.feature") is None
    second = store.put("lease.feature", {"run": "b"}, None)
    found = store.get("lease.feature")
    assert found is not None and (found.value, found.revision != first) == ({"run": "b"}, True)
    assert store.put("lease.feature", {"run": "c"}, second)
