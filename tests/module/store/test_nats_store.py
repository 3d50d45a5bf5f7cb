# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a store that is on another machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import StoreError, _nats_link, open_store
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._nats_link import Link

from tests.module.nats import servers
from tests.module.nats.keys import Authority, NKey, Operator
from tests.module.store.places import Patience, Place, at, begin, directly, jetstream, write
from tests.module.store.test_both_stores import content, evidence, gate

SECRET = "s3cret-that-nobody-may-see"


def test_a_server_that_is_gone_means_hold_and_says_what_to_do(nats_place: Place, patience: Patience) -> None:
    context = nats_place.context()
    begin(context)
    assert nats_place.server is not None
    nats_place.server.stop()
    before = context.ledger.path.read_bytes()
    with pytest.raises(StoreError) as told:
        context.record("note", {}, at(1))
    assert patience.waited_s == _nats_link.PATIENCE_S
    for part in (
        f"127.0.0.1:{nats_place.server.port}",
        "Nothing goes on unrecorded",
        "same command again",
        "rollout_store=file://",
    ):
        assert part in str(told.value)
    with pytest.raises(StoreError, match="could not read"):
        assert nats_place.elsewhere("other").context().records
    # What is in the working copy is all there was, and a rollback can be made from it.
    assert context.ledger.path.read_bytes() == before
    assert len(Place(nats_place.folder, None).context().records) == 1


def test_a_server_that_comes_back_is_waited_for(tmp_path: Path, patience: Patience) -> None:
    config = jetstream(tmp_path / "js")
    with servers.running(tmp_path, config) as server:
        place = Place(tmp_path / "monitoring", server)
        ledger = place.store().ledger("feature")
        write(ledger, "before")
        server.stop()
        back: list[servers.NatsServer] = []

        def come_back() -> None:
            if patience.waited_s >= 10.0 and not back:
                back.append(servers.NatsServer(tmp_path, config, "n1", port=server.port))

        patience.meanwhile = come_back
        try:
            write(ledger, "after")
            assert [record.kind for record in ledger.read()] == ["before", "after"]
        finally:
            for each in back:
                each.stop()
        assert back


def test_a_stream_that_lost_its_records_is_not_gone_on_with(nats_place: Place) -> None:
    context = nats_place.context()
    begin(context)
    assert nats_place.server is not None
    directly(nats_place.server, lambda js: js.delete_stream("ROLLOUT_LEDGER"))
    fresh = nats_place.context("run-2")
    with pytest.raises(StoreError, match=r"has 0 records, and the working copy .* has 1 .*store\.yml"):
        assert fresh.records


def test_a_rollout_begun_on_files_is_not_begun_again_on_nats(nats_place: Place) -> None:
    begin(Place(nats_place.folder, None).context())
    with pytest.raises(StoreError, match="was begun with another rollout_store"):
        assert nats_place.context().records


def test_a_damaged_copy_of_the_ledger_is_put_aside_and_made_again(nats_place: Place) -> None:
    context = nats_place.context()
    begin(context)
    whole = context.ledger.path.read_bytes()
    context.ledger.path.write_bytes(whole.replace(b'"a"', b'"b"') + b'{"torn')
    assert len(nats_place.context("run-2").records) == 1
    assert context.ledger.path.read_bytes() == whole
    assert len(list(context.ledger.path.parent.glob("*.damaged-*"))) == 1


def test_records_in_the_stream_cannot_be_deleted(nats_place: Place) -> None:
    write(nats_place.store().ledger("feature"))
    assert nats_place.server is not None
    for work in (lambda js: js.purge_stream("ROLLOUT_LEDGER"), lambda js: js.delete_msg("ROLLOUT_LEDGER", 1)):
        with pytest.raises(Exception, match=r"(?i)not permitted|denied|not allowed"):
            directly(nats_place.server, work)


def test_an_answer_that_was_lost_does_not_write_twice(nats_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = nats_place.store().ledger("feature")
    write(ledger, "first")
    once = Link._once
    lost = iter([True])

    def unlucky(link: Link, work: Any) -> Any:
        result = once(link, work)
        if "_publish" in work.__qualname__ and next(lost, False):
            raise OSError("the connection broke before the answer came")
        return result

    monkeypatch.setattr(Link, "_once", unlucky)
    write(ledger, "second")
    assert next(lost, "used up") == "used up"
    assert [record.kind for record in nats_place.elsewhere("o").store().ledger("feature").read()] == ["first", "second"]


def test_evidence_that_the_store_lost_is_named(nats_place: Place) -> None:
    context = nats_place.context()
    begin(context)
    gate(context, "T+1h", evidence(context, much=300_000), 1)
    assert nats_place.server is not None
    directly(nats_place.server, lambda js: js.purge_stream("OBJ_rollout-evidence", subject="$O.rollout-evidence.C.>"))
    with pytest.raises(StoreError, match=r"evidence (checkpoints|looks)/feature/.*: expected content .*store\.yml"):
        assert nats_place.elsewhere("fresh").context().records


def test_a_file_that_is_missing_here_comes_back(nats_place: Place) -> None:
    context = nats_place.context()
    begin(context)
    gate(context, "T+1h", evidence(context), 1)
    whole = content(context.monitoring)
    (context.monitoring / "checkpoints" / "feature" / "T+1h" / "evidence.json").unlink()
    assert len(nats_place.context("run-2").records) == 2
    assert content(context.monitoring) == whole


def test_a_list_that_names_a_place_outside_writes_nothing(nats_place: Place) -> None:
    context = nats_place.context()
    begin(context)
    gate(context, "T+1h", evidence(context), 1)
    entry = context.store.get("evidence.feature")
    assert entry is not None
    for name in ("../outside", "/tmp/outside", "checkpoints/../../outside", "ledger/feature.jsonl"):
        parts = next(iter(entry.value["files"].values()))
        store = context.store
        seen = store.get("evidence.feature")
        assert seen is not None
        store.put("evidence.feature", {"files": {name: parts}}, seen.revision)
        with pytest.raises(StoreError, match="outside of the working folder"):
            assert nats_place.elsewhere("fresh").context().records


def test_the_cursor_of_notifications_goes_along(nats_place: Place) -> None:
    context = nats_place.context()
    begin(context)
    cursor = context.monitoring / "notifications" / "feature" / "cursor.json"
    cursor.parent.mkdir(parents=True)
    cursor.write_text('{"seq": 1}\n')
    context.store.keep("feature")
    fresh = nats_place.elsewhere("fresh").context()
    assert fresh.records
    assert (fresh.monitoring / "notifications" / "feature" / "cursor.json").exists()


def test_fewer_replicas_than_asked_for_are_refused(nats_place: Place) -> None:
    write(nats_place.store().ledger("feature"))
    wanting = Place(nats_place.folder, nats_place.server, {"rollout_store_replicas": 3})
    with pytest.raises(StoreError, match=r"seen 1 replicas, expected 3 .*nats stream edit"):
        write(wanting.store().ledger("feature"))
    with pytest.raises(StoreError, match="rollout_store_replicas: seen 2"):
        Place(nats_place.folder, nats_place.server, {"rollout_store_replicas": 2}).store()


def test_the_larger_of_what_plan_and_variable_ask_for_counts(nats_place: Place) -> None:
    write(nats_place.store().ledger("feature"))
    for given, demanded, asked_in in (
        (1, 3, "a/plan.yml: store.replicas"),
        (3, 1, "rollout_store_replicas"),
    ):
        play = {**nats_place.variables, "rollout_store_replicas": given}
        wanting = open_store(play, nats_place.folder, demanded, "a/plan.yml")
        with pytest.raises(StoreError, match=rf"seen 1 replicas, expected 3 \({asked_in}\)"):
            write(wanting.ledger("feature"))
    write(open_store(nats_place.variables, nats_place.folder, 1).ledger("feature"))


def test_files_are_one_copy(tmp_path: Path) -> None:
    assert open_store({}, tmp_path, 1).name == f"file://{tmp_path}"
    with pytest.raises(StoreError, match=r"a/plan.yml: store.replicas: seen the store file://.* one copy; expected 3"):
        open_store({}, tmp_path, 3, "a/plan.yml")


def test_three_replicas_outlive_one_server(tmp_path: Path, patience: Patience) -> None:
    # A cluster chooses its leaders in its own time, at first and when one is gone; only what hangs takes as long as this.
    ends = time.monotonic() + 300.0

    def choosing() -> None:
        assert time.monotonic() < ends
        patience.waited_s = 0.0
        time.sleep(0.1)

    patience.meanwhile = choosing
    configs = [jetstream(tmp_path / f"js{number}") for number in range(3)]
    with servers.cluster(tmp_path, extra=configs) as nodes:
        place = Place(tmp_path / "monitoring", nodes[0], {"rollout_store_replicas": 3})
        context = place.context()
        begin(context)
        nodes[2].stop()
        gate(context, "T+1h", evidence(context), 1)
        other = Place(tmp_path / "other", nodes[1], {"rollout_store_replicas": 3}).context()
        assert len(other.records) == 2
        assert content(other.monitoring) == content(context.monitoring)


@pytest.mark.parametrize("kind", ["token", "user", "nkey"])
def test_it_logs_in_and_shows_no_credential(tmp_path: Path, kind: str) -> None:
    user = NKey("user")
    config, auth = {
        "token": (f'authorization {{ token: "{SECRET}" }}', {"token": SECRET}),
        "user": (f'authorization {{ user: me, password: "{SECRET}" }}', {"user": "me", "password": SECRET}),
        "nkey": (f"authorization {{ users: [{{nkey: {user.public}}}] }}", {"nkey_seed": user.seed}),
    }[kind]
    with servers.running(tmp_path, f"{jetstream(tmp_path / 'js')}\n{config}") as server:
        store = open_store({"rollout_store": server.url, "rollout_store_auth": auth}, tmp_path / "m")
        write(store.ledger("feature"))
        assert len(store.ledger("feature").read()) == 1
        wrong = {key: value + "x" if key != "nkey_seed" else NKey("user").seed for key, value in auth.items()}
        with pytest.raises(StoreError) as told:
            open_store({"rollout_store": server.url, "rollout_store_auth": wrong}, tmp_path / "w").ledger("f").read()
    for value in (*auth.values(), *wrong.values()):
        assert value == "me" or (value not in str(told.value) and value not in store.name)
    assert "Authorization" in str(told.value) or "authorization" in str(told.value)


def test_it_logs_in_with_a_creds_file(tmp_path: Path) -> None:
    operator, stranger = Operator(), Operator()
    good, foreign = tmp_path / "good.creds", tmp_path / "foreign.creds"
    good.write_text(operator.creds())
    foreign.write_text(stranger.creds())
    with servers.running(tmp_path, f"{jetstream(tmp_path / 'js')}\n{operator.config}") as server:

        def ledger(path: Path) -> Ledger:
            variables = {"rollout_store": server.url, "rollout_store_auth": {"creds_file": str(path)}}
            return open_store(variables, tmp_path / path.stem).ledger("feature")

        write(ledger(good))
        assert len(ledger(good).read()) == 1
        with pytest.raises(StoreError, match=r"[Aa]uthorization") as told:
            ledger(foreign).read()
    assert not any(line in str(told.value) for line in foreign.read_text().splitlines() if line)


def test_tls_is_checked(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    certificate, key = authority.issue("server")
    tls = f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}'
    with servers.running(tmp_path, f"{jetstream(tmp_path / 'js')}\n{tls}") as server:
        trusting = {"rollout_store": server.url, "rollout_store_tls": {"ca_file": str(authority.path)}}
        write(open_store(trusting, tmp_path / "m").ledger("feature"))
        for ca_file, said in ((stranger.path, "certificate verify failed"), (tmp_path / "none.pem", "no such file")):
            wrong = {"rollout_store": server.url, "rollout_store_tls": {"ca_file": str(ca_file)}}
            with pytest.raises(StoreError, match=said):
                open_store(wrong, tmp_path / "w").ledger("feature").read()
