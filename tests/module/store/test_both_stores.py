# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold wherever a rollout is kept: the same tests on files and on JetStream."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _line_file
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, FencedError, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import write_json, write_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._holding import hold, release
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import GENESIS, LedgerError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import Conflict

from tests.module.store.places import Place, at, begin, directly, write


def test_records_come_back_as_they_were_written_and_chained(place: Place) -> None:
    ledger = place.store().ledger("feature")
    assert ledger.read() == []
    written = [write(ledger, f"kind.{number}", number, text="ä\u2028{{ x }}") for number in range(5)]
    assert written[0].prev == GENESIS
    assert [record.prev for record in written[1:]] == [record.hash for record in written[:-1]]
    for seen in (place, place.elsewhere("other")):
        store = seen.store()
        assert store.ledger("feature").read() == written
        assert store.rollouts() == ["feature"]
    assert (place.folder / "ledger" / "feature.jsonl").read_bytes() == (
        place.elsewhere("other").folder / "ledger" / "feature.jsonl"
    ).read_bytes()


def test_writers_that_race_make_one_chain_and_lose_nothing(place: Place) -> None:
    failed: list[BaseException] = []

    def writer(name: str) -> None:
        try:
            store = place.elsewhere(name).store()
            for number in range(15):
                write(store.ledger("feature"), f"{name}.{number}")
            store.close()
        except BaseException as problem:
            failed.append(problem)

    threads = [threading.Thread(target=writer, args=(f"w{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    records = place.elsewhere("reader").store().ledger("feature").read()
    assert failed == []
    assert sorted(record.kind for record in records) == sorted(f"w{w}.{n}" for w in range(3) for n in range(15))
    assert [record.seq for record in records] == list(range(1, 46))


def test_a_check_sees_what_others_wrote_and_can_refuse(place: Place) -> None:
    write(place.store().ledger("feature"), "first")
    write(place.elsewhere("other").store().ledger("feature"), "second")

    def refuse(records: list[object]) -> None:
        raise LedgerError(f"seen {len(records)}")

    ledger = place.store().ledger("feature")
    with pytest.raises(LedgerError, match="seen 2"):
        ledger.append(rollout="f", attempt=1, run="r", by="b", kind="k", data={}, now=at(1), check=refuse)
    assert len(ledger.read()) == 2


def test_a_chain_that_was_tampered_with_is_refused(place: Place) -> None:
    ledger = place.store().ledger("feature")
    for number in range(3):
        write(ledger, f"kind.{number}")
    line = ledger.path.read_bytes().splitlines(keepends=True)[-1]
    forged = line.replace(b'"kind.2"', b'"kind.9"')
    if place.server is None:
        ledger.path.write_bytes(ledger.path.read_bytes() + forged)
    else:
        directly(place.server, lambda js: js.publish("rollout.ledger.feature", forged))
    with pytest.raises(LedgerError, match="line 4: the hash chain is broken"):
        place.elsewhere("other").store().ledger("feature").read()
    with pytest.raises(LedgerError, match="line 4: the hash chain is broken"):
        write(ledger, "further")


def test_a_value_is_replaced_only_by_who_knows_its_revision(place: Place) -> None:
    store, other = place.store(), place.elsewhere("other").store()
    assert store.get("lease.a") is None
    revision = store.put("lease.a", {"run": "1", "much": "x" * 300_000}, None)
    with pytest.raises(Conflict):
        other.put("lease.a", {"run": "2"}, None)
    seen = other.get("lease.a")
    assert seen is not None
    assert (seen.value["run"], len(seen.value["much"]), seen.revision) == ("1", 300_000, revision)
    other.put("lease.a", {"run": "2"}, revision)
    with pytest.raises(Conflict):
        store.put("lease.a", {"run": "3"}, revision)
    assert (store.keys("lease."), store.keys("cursor.")) == (["lease.a"], [])


def test_the_lease_keeps_out_a_run_of_another_controller(place: Place) -> None:
    first, second = place.context(), place.elsewhere("other").context("run-2", rollout_takeover="")
    hold(first, at(0))
    begin(first)
    with pytest.raises(StepError, match="feature is being run by"):
        hold(second, at(1))
    taking = place.elsewhere("other").context("run-2", rollout_takeover="true")
    hold(taking, at(2))
    assert [record.kind for record in taking.records] == ["rollout.started", "lease.taken"]
    with pytest.raises(FencedError, match="took over from this run"):
        first.record("note", {}, at(3))
    release(taking, at(4))
    hold(place.context("run-3"), at(5))


# ---------------------------------------------------------------- evidence


def evidence(context: Context, name: str = "T+1h", much: int = 1) -> str:
    """A look and the folder of a gate, as steps leave them; returns the hash of the evidence."""
    _line_file.append(context.monitoring / "looks" / "feature" / "1" / "host-1.jsonl", {"at": "now", "of": name})
    folder = context.monitoring / "checkpoints" / "feature" / name
    write_text(folder / "errors.log", "")
    return write_json(folder / "evidence.json", {"of": name, "much": "y" * much})


def gate(context: Context, name: str, sha256: str, seconds: float) -> None:
    data = {
        "gate": "checkpoint",
        "name": name,
        "decision": "go",
        "why": "well",
        "evidence": f"checkpoints/feature/{name}/evidence.json",
    }
    context.record("gate.decided", {**data, "files": {"evidence.json": sha256}}, at(seconds))


def content(folder: Path) -> dict[str, bytes]:
    """What a rollout left below a working folder."""
    kept = [path for kind in ("looks", "checkpoints", "ledger") for path in (folder / kind).rglob("*")]
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in kept if path.is_file() and path.suffix != ".lock"
    }


def test_an_empty_working_folder_is_filled_again(place: Place) -> None:
    context = place.context()
    begin(context)
    for number, name in enumerate(("baseline", "T+1h", "T+6h")):
        gate(context, name, evidence(context, name, 300_000), number)
    again = place.elsewhere("fresh").context("run-2")
    assert len(again.records) == 4
    assert content(again.monitoring) == content(context.monitoring)
    assert len(content(again.monitoring)) == 8
    gate(again, "T+12h", evidence(again, "T+12h"), 9)
    back = place.context("run-3")
    assert len(back.records) == 5
    assert content(back.monitoring) == content(again.monitoring)


def test_who_dies_between_evidence_and_record_leaves_nothing_half(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = place.context()
    begin(context)
    sha256 = evidence(context)

    def killed(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(context.ledger), "append", killed)
        with pytest.raises(KeyboardInterrupt):
            gate(context, "T+1h", sha256, 1)
    again = place.elsewhere("fresh").context("run-2")
    assert [record.kind for record in again.records] == ["rollout.started"]
    assert (again.monitoring / "checkpoints" / "feature" / "T+1h" / "evidence.json").exists()
    gate(again, "T+1h", sha256, 2)
    assert [record.kind for record in place.elsewhere("third").context().records] == ["rollout.started", "gate.decided"]


def test_evidence_is_in_the_store_before_the_record_that_names_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = place.context()
    begin(context)
    sha256 = evidence(context)
    append = type(context.ledger).append
    seen: list[bool] = []

    def watched(ledger: object, **given: object) -> object:
        other = place.elsewhere("watcher")
        other.store().fetch("feature")
        seen.append((other.folder / "checkpoints" / "feature" / "T+1h" / "evidence.json").exists())
        return append(ledger, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(type(context.ledger), "append", watched)
    gate(context, "T+1h", sha256, 1)
    assert seen == [True]


# ---------------------------------------------------------------- a rollout that ends


def test_a_moved_folder_of_evidence_is_moved_in_the_store_too(place: Place) -> None:
    context = place.context()
    begin(context)
    gate(context, "T+1h", evidence(context), 1)
    folder = context.monitoring / "checkpoints" / "feature"
    (folder / "T+1h").rename(folder / "T+1h.earlier-1")
    gate(context, "T+1h", evidence(context, much=7), 2)
    again = place.elsewhere("fresh").context("run-2")
    assert len(again.records) == 3
    assert content(again.monitoring) == content(context.monitoring)


def test_many_looks_stay_few_contents(place: Place) -> None:
    context = place.context()
    begin(context)
    for _number in range(150):
        evidence(context)
        context.store.keep("feature")
    again = place.elsewhere("fresh").context("run-2")
    assert len(again.records) == 1
    assert content(again.monitoring) == content(context.monitoring)
    entry = context.store.get("evidence.feature")
    assert entry is None or len(entry.value["files"]["looks/feature/1/host-1.jsonl"]) <= 64
