# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the rollouts of one store to another, and verifies what a store has: chains of ledgers, hashes of evidence."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger, LedgerError, Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._file import FileStore
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._interface import CLOCK, Store, StoreError

# Opens a store at its URL with this working folder.
Opener = Callable[[str, Path], Store]


@dataclass
class Copied:
    """What became of one rollout. `problems`: what is not as the ledger says, in the target when it was copied."""

    rollout: str
    records: int = 0
    files: int = 0
    changed: bool = False
    problems: list[str] = field(default_factory=list)

    def text(self) -> str:
        how = "copied" if self.changed else "verified"
        whole = f"{self.records} records, chain whole; {self.files} evidence files are as the ledger says"
        return f"{self.rollout}: {how}: {whole}" if not self.problems else f"{self.rollout}: {'; '.join(self.problems)}"


def verify(opener: Opener, url: str, folder: Path, only: str | None = None) -> list[Copied]:
    """Read everything that a store has. What can't be read, or is not what the ledger says, is in `problems`."""
    store = opener(url, folder)
    try:
        if isinstance(store, FileStore):
            return [_verified(store, rollout) for rollout in _chosen(store, only)]
        # Into an empty folder, so that nothing of the working copy stands in for what the store lost.
        with tempfile.TemporaryDirectory(prefix="rollout-store-") as empty:
            other = opener(url, Path(empty))
            try:
                return [_verified(other, rollout) for rollout in _chosen(other, only)]
            finally:
                other.close()
    finally:
        store.close()


def copy(opener: Opener, source_url: str, target_url: str, folder: Path, only: str | None = None) -> list[Copied]:
    """Bring all rollouts (or one) of the source to the target and verify them there. The second time nothing changes."""
    source, target = opener(source_url, folder), opener(target_url, folder)
    try:
        if source.name == target.name or (isinstance(source, FileStore) and isinstance(target, FileStore)):
            raise StoreError(
                f"from {source.name} to {target.name}: at least one of two different stores must be on NATS. A folder is copied with cp -a."
            )
        changed = {}
        with tempfile.TemporaryDirectory(prefix="rollout-store-") as between:
            for rollout in _chosen(source, only):
                _refuse_running(source, rollout)
                if isinstance(target, FileStore):
                    changed[rollout] = _pull(opener, source_url, target.folder, rollout)
                    continue
                if not isinstance(source, FileStore):
                    _pull(opener, source_url, Path(between), rollout)
                origin = source.folder if isinstance(source, FileStore) else Path(between)
                changed[rollout] = _push(opener, target_url, origin, rollout)
        _copy_clock(source, target)
    finally:
        source.close()
        target.close()
    seen = [each for each in verify(opener, target_url, folder, only) if each.rollout in changed]
    for each in seen:
        each.changed = changed[each.rollout]
    return seen


def _copy_clock(source: Store, target: Store) -> None:
    """What a rehearsal skipped goes with its ledger, whose times are ahead by it."""
    clock = source.get(CLOCK)
    if clock is not None and target.get(CLOCK) is None:
        target.put(CLOCK, clock.value, None)


def _chosen(store: Store, only: str | None) -> list[str]:
    known = store.rollouts()
    if only and only not in known:
        raise StoreError(f"{only} has no ledger in {store.name}; those with one: {', '.join(known) or 'none'}.")
    return [only] if only else known


def _refuse_running(store: Store, rollout: str) -> None:
    entry = store.get(f"lease.{rollout}")
    if entry is not None and not entry.value.get("released"):
        raise StoreError(
            f"{rollout} is being run by {entry.value['by']} (job {entry.value['job']}) from {store.name}, or was left by a run that was "
            "killed. Copy it when that run has ended: start it again, or end it with playbooks/rollback.yml."
        )


def _state(folder: Path, rollout: str) -> str:
    """A digest of what a folder has of a rollout."""
    digest = hashlib.sha256()
    for kind in ("ledger", "looks", "checkpoints", "reports", "alerts"):
        for path in sorted((folder / kind).rglob("*")):
            if path.is_file() and any(part.split(".")[0] == rollout for part in path.relative_to(folder).parts):
                digest.update(f"{path.relative_to(folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _pull(opener: Opener, url: str, folder: Path, rollout: str) -> bool:
    """From NATS into a folder, which is then a working copy of it."""
    before = _state(folder, rollout)
    store = opener(url, folder)
    try:
        store.ledger(rollout).read()
        store.fetch(rollout)
    finally:
        store.close()
    return _state(folder, rollout) != before


def _push(opener: Opener, url: str, folder: Path, rollout: str) -> bool:
    """From a folder to NATS: evidence first, then the records that name it."""
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._nats import NatsStore
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._nats_ledger import NatsLedger

    records = Ledger(folder / "ledger" / f"{rollout}.jsonl").read()
    store = opener(url, folder)
    try:
        ledger, before = store.ledger(rollout), store.get(f"evidence.{rollout}")
        if not isinstance(ledger, NatsLedger) or not isinstance(store, NatsStore):
            raise StoreError(f"{store.name} is no store on NATS.")
        # What is there must be the beginning of what comes, before anything of it is changed.
        missing = ledger.lacks(records)
        store.mend(rollout)
        store.fetch(rollout)
        store.keep(rollout)
        pushed = ledger.push(records) if missing else 0
        after = store.get(f"evidence.{rollout}")
        return bool(pushed) or (after.revision if after else None) != (before.revision if before else None)
    finally:
        store.close()


def _verified(store: Store, rollout: str) -> Copied:
    found = Copied(rollout)
    try:
        store.fetch(rollout)
        records = store.ledger(rollout).read()
    except LedgerError as error:
        found.problems.append(str(error))
        return found
    found.records = len(records)
    hashes = _hashes(store.folder, rollout)
    for record in records:
        for name, digest in sorted((record.data.get("files") or {}).items()):
            found.files += 1
            if digest not in hashes.get(name, set()):
                found.problems.append(_missing(record, name, str(digest), hashes))
    return found


def _hashes(folder: Path, rollout: str) -> dict[str, set[str]]:
    """File name -> the hashes of all gates' files of that name: a later look moves an earlier one's folder aside."""
    found: dict[str, set[str]] = {}
    for root in [folder / "checkpoints" / rollout, *(folder / "checkpoints").glob(f"{rollout}.attempt-*")]:
        for path in root.rglob("*"):
            if path.is_file():
                found.setdefault(path.name, set()).add(hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def _missing(record: Record, name: str, digest: str, hashes: dict[str, set[str]]) -> str:
    return (
        f"record {record.seq} ({record.data.get('name', record.kind)}): {name} with SHA-256 {digest[:12]} is in no folder of the rollout "
        f"({len(hashes.get(name, ()))} others of that name are): it was lost or changed"
    )
