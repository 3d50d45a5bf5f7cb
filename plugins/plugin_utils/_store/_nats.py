# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store on NATS JetStream: ledgers in a stream, evidence in the object store, leases and cursors in key-value."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import _nats_evidence
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._interface import (
    Conflict,
    Entry,
    Store,
    StoreError,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._nats_ledger import (
    STREAM,
    SUBJECTS,
    NatsLedger,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._nats_link import Link, link_to, nats

STATE = "rollout-state"
EVIDENCE = "rollout-evidence"
# What is larger than this is kept compressed; a message holds 1 MiB.
_PLAIN_BYTES = 65536


def nats_store(url: str, folder: Path, auth: Mapping[str, Any], tls: Mapping[str, Any], replicas: Any) -> NatsStore:
    """The store of one server's (or cluster's) JetStream. Raises StoreError for what can't be one."""
    try:
        count = int(replicas)
    except (TypeError, ValueError):
        count = 0
    if count not in (1, 3, 5):
        raise StoreError(
            f"rollout_store_replicas: seen {replicas!r}, expected 1, 3 or 5 (how many servers keep each record)."
        )
    return NatsStore(folder, link_to(url, auth, tls), count, {"url": url, "auth": dict(auth), "tls": dict(tls)})


class NatsStore(Store):
    """Made with nats_store(). The working folder holds copies of everything, so that steps read files as ever."""

    def __init__(self, folder: Path, link: Link, replicas: int, given: dict[str, Any]) -> None:
        super().__init__(folder)
        self._link, self._replicas, self._given, self._prepared = link, replicas, given, False
        self._asked_in = "rollout_store_replicas"

    @property
    def name(self) -> str:
        return f"nats://{self._link.server.label}"

    def demand(self, replicas: int, plan: str) -> None:
        if replicas > self._replicas:
            self._replicas, self._asked_in = replicas, f"{plan}: store.replicas"

    def orders(self) -> dict[str, Any]:
        return {**self._given, "folder": str(self.folder), "replicas": self._replicas}

    def close(self) -> None:
        self._link.close()

    def ledger(self, rollout: str) -> Ledger:
        return NatsLedger(self.folder / "ledger" / f"{rollout}.jsonl", self._link, rollout, self._prepare)

    def rollouts(self) -> list[str]:
        async def work(js: Any) -> list[str]:
            try:
                info = await js.stream_info(STREAM, subjects_filter=SUBJECTS)
            except nats.js.errors.NotFoundError:
                return []
            return sorted(subject.rsplit(".", 1)[1] for subject in info.state.subjects or {})

        return self._call("list the ledgers", work)

    def get(self, key: str) -> Entry | None:
        async def work(js: Any) -> Entry | None:
            try:
                entry = await (await js.key_value(STATE)).get(key)
            except nats.js.errors.NotFoundError:
                return None
            content = bytes(entry.value or b"")
            plain = content if content.startswith(b"{") else zlib.decompress(content)
            return Entry(json.loads(plain), str(entry.revision))

        return self._call(f"read {key}", work)

    def put(self, key: str, value: dict[str, Any], revision: str | None) -> str:
        self._prepare()
        plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        content = plain if len(plain) < _PLAIN_BYTES else zlib.compress(plain, 6)

        async def work(js: Any) -> str | None:
            kv = await js.key_value(STATE)
            try:
                # create: also over the mark that a deleted key leaves.
                return str(await (kv.update(key, content, last=int(revision)) if revision else kv.create(key, content)))
            except nats.js.errors.KeyWrongLastSequenceError:
                # An answer that was lost: the try before has written just this.
                try:
                    entry = await kv.get(key)
                except nats.js.errors.NotFoundError:
                    return None
                return str(entry.revision) if entry.value == content else None

        written = self._call(f"write {key}", work)
        if written is None:
            raise Conflict(key)
        return written

    def keys(self, prefix: str) -> list[str]:
        async def work(js: Any) -> list[str]:
            try:
                info = await js.stream_info(f"KV_{STATE}", subjects_filter=f"$KV.{STATE}.>")
            except nats.js.errors.NotFoundError:
                return []
            names = (subject.removeprefix(f"$KV.{STATE}.") for subject in info.state.subjects or {})
            return sorted(name for name in names if name.startswith(prefix))

        return self._call("list leases", work)

    def keep(self, rollout: str) -> None:
        self._prepare()
        _nats_evidence.keep(self, self._link, EVIDENCE, rollout)

    def mend(self, rollout: str) -> None:
        """Bring evidence that the store has lost from the working folder."""
        self._prepare()
        _nats_evidence.mend(self, self._link, EVIDENCE, rollout)

    def fetch(self, rollout: str) -> None:
        _nats_evidence.fetch(self, self._link, EVIDENCE, rollout)

    def _prepare(self) -> None:
        """The stream and the two buckets, made when they are not there; those with fewer replicas than asked for are refused."""
        if self._prepared:
            return
        made = {STREAM: self._make_stream, f"KV_{STATE}": self._make_state, f"OBJ_{EVIDENCE}": self._make_evidence}
        for stream, make in made.items():

            async def work(js: Any, stream: str = stream, make: Any = make) -> int:
                try:
                    info = await js.stream_info(stream)
                except nats.js.errors.NotFoundError:
                    await make(js)
                    info = await js.stream_info(stream)
                return int(info.config.num_replicas or 1)

            seen = self._call(f"make the stream {stream}", work)
            if seen < self._replicas:
                raise StoreError(
                    f"stream {stream} at {self._link.server.label}: seen {seen} replicas, expected {self._replicas} "
                    f"({self._asked_in}). Raise them: nats stream edit {stream} --replicas {self._replicas}; or correct that."
                )
        self._prepared = True

    async def _make_stream(self, js: Any) -> None:
        await js.add_stream(
            name=STREAM,
            description="Ledgers of cowboyai.rollout: one subject a rollout, append only",
            subjects=[SUBJECTS],
            num_replicas=self._replicas,
            deny_delete=True,
            deny_purge=True,
        )

    async def _make_state(self, js: Any) -> None:
        await js.create_key_value(
            bucket=STATE, description="Leases and cursors of cowboyai.rollout", replicas=self._replicas
        )

    async def _make_evidence(self, js: Any) -> None:
        await js.create_object_store(
            bucket=EVIDENCE, description="Evidence of cowboyai.rollout", replicas=self._replicas
        )

    def _call(self, what: str, work: Any) -> Any:
        try:
            return self._link.call(f"{what} in the store {self.name}", work)
        except nats.js.errors.APIError as problem:
            raise StoreError(
                f"could not {what} in the store {self.name}: JetStream answered {problem.description or problem} (code {problem.err_code}). "
                "Nothing goes on unrecorded: mend that (nats account info), and start the same command again."
            ) from None
