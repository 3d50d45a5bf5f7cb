# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence in the object store: contents named by rollout and SHA-256, and a list per rollout of which file is made of which.

Contents come first, then the list, then the ledger's record. A run that dies in between leaves contents that no list
names, or a list that no record needs yet: neither is ever half of something. Files of lines only grow, so their new
lines are a content of their own; from time to time they become one.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import write_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._file_lock import file_lock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._private_folder import private_folder
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._interface import (
    Conflict,
    Entry,
    Store,
    StoreError,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._nats_link import TRANSFER_S, Link, nats

MOST_PARTS = 64
_TRIES = 5
_KINDS = ("looks", "checkpoints", "reports")
# Made again from the ledger and the lines whenever they are not there.
_LEFT_OUT = (".fold", ".lock", ".pid", ".tmp")
# Files of lines, which only grow.
_GROWING = (".jsonl", ".log")
Parts = list[list[Any]]


@dataclass
class _Known:
    """What this working folder has in common with the store: the list of a revision, and how its files looked on the disk."""

    revision: str | None = None
    files: dict[str, Parts] = field(default_factory=dict)
    stamps: dict[str, list[int]] = field(default_factory=dict)
    cursor: int | None = None

    @staticmethod
    def of(path: Path) -> _Known:
        try:
            return _Known(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            # Then everything is compared with the store.
            return _Known()

    def save(self, path: Path) -> None:
        write_text(path, json.dumps(vars(self), separators=(",", ":")))


def keep(store: Store, link: Link, bucket: str, rollout: str) -> None:
    """Bring what is new or longer in the working folder to the store. Raises StoreError when somebody else changed the list."""
    where = _place(store, rollout)
    private_folder(where.parent)
    # Two runs may be at work in one folder, each believing to have the lease for a moment.
    with file_lock(where.with_suffix(".lock")):
        _keep(store, link, bucket, rollout)


def _keep(store: Store, link: Link, bucket: str, rollout: str) -> None:
    where = _place(store, rollout)
    known = _Known.of(where)
    files: dict[str, Parts] = {}
    stamps: dict[str, list[int]] = {}
    for name, path in _files(store.folder, rollout):
        stamp = _stamp(path)
        before = known.files.get(name)
        if stamp is None:
            continue
        if before is not None and known.stamps.get(name) == stamp:
            files[name] = before
        else:
            files[name] = _brought(link, bucket, rollout, path, before)
        stamps[name] = stamp
    held = {json.dumps(parts) for parts in files.values()}
    for name, parts in known.files.items():
        # A gate's files are written once; a later look moves their folder aside, and what they held is under another name.
        if parts and _is_of_gate(name) and name in stamps and files[name] != parts and json.dumps(parts) not in held:
            raise StoreError(
                f"evidence {store.folder / name} is not what was kept of it in the store {store.name}: something else has changed it. "
                "Remove that file and start the same command again: it is fetched from the store."
            )
    for name, parts in known.files.items():
        # A file that is missing here was moved, which the list says, or lost, which is no reason to lose it there too.
        if name not in files and json.dumps(parts) not in held:
            files[name] = parts
    if files != known.files:
        try:
            known.revision = store.put(_list_of(rollout), {"files": files}, known.revision)
        except Conflict:
            raise StoreError(
                f"evidence of {rollout} in the store {store.name} was changed by another controller since this run began. "
                "Start the same command again: it fetches what is there and goes on."
            ) from None
        _drop(link, bucket, rollout, known.files, files)
    if files != known.files or stamps != known.stamps:
        known.files, known.stamps = files, stamps
        known.save(where)
    _keep_cursor(store, rollout, known, where)


def fetch(store: Store, link: Link, bucket: str, rollout: str) -> None:
    """Bring the working folder to what the store lists, every byte checked. What is only here, or longer here, stays."""
    for left in reversed(range(_TRIES)):
        entry = store.get(_list_of(rollout))
        try:
            _fetch_listed(store, link, bucket, rollout, entry)
            return
        except StoreError:
            # The run at work may have written over, and dropped, what this list names.
            now = store.get(_list_of(rollout))
            if not left or now is None or entry is None or now.revision == entry.revision:
                raise


def mend(store: Store, link: Link, bucket: str, rollout: str) -> None:
    """Bring contents that the store has lost from files of the working folder that have them."""
    entry = store.get(_list_of(rollout))
    listed: dict[str, Parts] = entry.value["files"] if entry else {}
    for name, parts in listed.items():
        path = _inside(store.folder, name)
        if path.is_file() and _agrees(path, parts):
            content, offset = path.read_bytes(), 0
            for _digest, size in parts:
                _put(link, bucket, rollout, content[offset : offset + size])
                offset += size


def _fetch_listed(store: Store, link: Link, bucket: str, rollout: str, entry: Entry | None) -> None:
    where = _place(store, rollout)
    known = _Known.of(where)
    _fetch_cursor(store, rollout)
    if entry is None:
        return
    same = entry.revision == known.revision
    wanted: dict[str, Parts] = entry.value["files"]
    stamps = dict(known.stamps)
    for name, parts in wanted.items():
        path = _inside(store.folder, name)
        stamp = _stamp(path)
        if stamp is not None and (same or _agrees(path, parts)):
            continue
        content = _content(store, link, bucket, rollout, name, parts)
        if stamp is not None:
            _set_aside(path, content)
        _write(path, content)
        stamps[name] = _stamp(path) or []
    if not same or stamps != known.stamps:
        if not same:
            # What is longer here is not what was agreed on: it is looked at anew.
            stamps = {n: s for n, s in stamps.items() if n in wanted and _whole(store.folder / n, wanted[n])}
        _Known(entry.revision, wanted, stamps, known.cursor).save(where)


def _brought(link: Link, bucket: str, rollout: str, path: Path, before: Parts | None) -> Parts:
    """The parts of a file's content, those that are new put into the store."""
    content = path.read_bytes()
    if path.name.endswith(_GROWING):
        # A torn last line never happened.
        content = content[: content.rfind(b"\n") + 1]
        size = sum(part[1] for part in before or [])
        if before and len(before) < MOST_PARTS and len(content) >= size and _split(content[:size], before):
            tail = content[size:]
            return [*before, _put(link, bucket, rollout, tail)] if tail else before
    return [_put(link, bucket, rollout, content)] if content else []


def _put(link: Link, bucket: str, rollout: str, content: bytes) -> list[Any]:
    digest = hashlib.sha256(content).hexdigest()
    named = _object(rollout, digest)
    tries = 0

    async def work(js: Any) -> None:
        nonlocal tries
        tries += 1
        objects = await js.object_store(bucket)
        try:
            # The same content is there already: of another file, or of a run that was killed before its list. Not after an
            # answer that was lost: the library takes the pieces away of what it believes to have failed.
            info = await objects.get_info(named)
            if tries == 1 and info.size == len(content) and await _is_whole(js, bucket, info):
                return
        except nats.js.errors.NotFoundError:
            pass
        await objects.put(named, content)

    _call(link, f"keep evidence ({len(content)} bytes)", work)
    return [digest, len(content)]


async def _is_whole(js: Any, bucket: str, info: Any) -> bool:
    """Whether all pieces of an object are there: its description is a message of its own, and outlives them."""
    pieces = f"$O.{bucket}.C.{info.nuid}"
    stream = await js.stream_info(f"OBJ_{bucket}", subjects_filter=pieces)
    return bool((stream.state.subjects or {}).get(pieces, 0) == info.chunks)


def _content(store: Store, link: Link, bucket: str, rollout: str, name: str, parts: Parts) -> bytes:
    return b"".join(_get(store, link, bucket, rollout, name, str(digest)) for digest, _size in parts)


def _get(store: Store, link: Link, bucket: str, rollout: str, name: str, digest: str) -> bytes:
    async def work(js: Any) -> bytes | None:
        try:
            objects = await js.object_store(bucket)
            info = await objects.get_info(_object(rollout, digest))
            # The library would wait for ever for a piece that is gone.
            if not await _is_whole(js, bucket, info):
                return None
            return bytes((await objects.get(_object(rollout, digest))).data or b"")
        except (nats.js.errors.NotFoundError, nats.js.errors.DigestMismatchError):
            return None

    content: bytes | None = _call(link, f"fetch {name}", work)
    seen = "none" if content is None else hashlib.sha256(content).hexdigest()
    if content is None or seen != digest:
        raise StoreError(
            f"evidence {name} in the store {store.name}: expected content {digest[:12]}, seen {seen[:12]}. The store lost or changed it: "
            f"copy it from a folder that has it with playbooks/store.yml, or restore the stream OBJ_{bucket} from a backup."
        )
    return content


def _drop(link: Link, bucket: str, rollout: str, before: dict[str, Parts], after: dict[str, Parts]) -> None:
    """Contents that were written over (reports) or joined, once no file of this rollout is made of them."""
    kept = {part[0] for parts in after.values() for part in parts}
    for digest in {str(part[0]) for parts in before.values() for part in parts} - kept:

        async def work(js: Any, digest: str = digest) -> None:
            try:
                await (await js.object_store(bucket)).delete(_object(rollout, digest))
            except nats.js.errors.NotFoundError:
                return

        _call(link, "remove what was written over", work)


def _files(folder: Path, rollout: str) -> Iterator[tuple[str, Path]]:
    """(name relative to the working folder, path) of what belongs to the rollout, sorted."""
    found = []
    for kind in _KINDS:
        roots = [folder / kind / rollout, *(folder / kind).glob(f"{rollout}.attempt-*")]
        found += [path for root in roots for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    log = folder / "alerts" / f"{rollout}.log"
    found += [log] if log.is_file() else []
    for path in sorted(found):
        if not path.name.startswith(".") and not path.name.endswith(_LEFT_OUT):
            yield path.relative_to(folder).as_posix(), path


def _is_of_gate(name: str) -> bool:
    """Whether it is a file in the folder of one gate."""
    return name.startswith("checkpoints/") and name.count("/") >= 3 and not name.endswith(_GROWING)


def _set_aside(path: Path, content: bytes) -> None:
    """Keep a file that is not what the store has. What is older, or can be made again, needs no keeping."""
    mine = path.read_bytes()
    if "reports" in path.parts or (path.name.endswith(_GROWING) and content.startswith(mine)):
        return
    path.rename(path.with_name(f"{path.name}.local-{hashlib.sha256(mine).hexdigest()[:8]}"))


def _inside(folder: Path, name: str) -> Path:
    """The path of a listed file. What is in a store is data of others: it must not name a place outside."""
    parts = Path(name).parts
    if Path(name).is_absolute() or ".." in parts or parts[:1] not in {(kind,) for kind in (*_KINDS, "alerts")}:
        raise StoreError(
            f"evidence {name!r} in the store names a place outside of the working folder; it was not written here."
        )
    return folder / name


def _agrees(path: Path, parts: Parts) -> bool:
    """Whether the file has that content, and perhaps more lines."""
    content = path.read_bytes()
    size = sum(part[1] for part in parts)
    longer = path.name.endswith(_GROWING) and len(content) > size
    return (len(content) == size or longer) and _split(content[:size], parts)


def _whole(path: Path, parts: Parts) -> bool:
    return path.stat().st_size == sum(part[1] for part in parts)


def _split(content: bytes, parts: Parts) -> bool:
    """Whether content is just these parts."""
    offset = 0
    for digest, size in parts:
        if hashlib.sha256(content[offset : offset + size]).hexdigest() != digest:
            return False
        offset += size
    return offset == len(content)


def _write(path: Path, content: bytes) -> None:
    private_folder(path.parent)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.chmod(temporary, 0o640)
    os.replace(temporary, path)


def _stamp(path: Path) -> list[int] | None:
    """How a file looks on the disk; None when there is none."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    return [seen.st_size, seen.st_mtime_ns, seen.st_ino]


def _keep_cursor(store: Store, rollout: str, known: _Known, where: Path) -> None:
    """How far people were told, so that a controller that begins with an empty folder does not begin in silence."""
    try:
        seq = int(json.loads(_cursor(store.folder, rollout).read_text(encoding="utf-8"))["seq"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if seq == known.cursor:
        return
    key = f"cursor.{rollout}"
    entry = store.get(key)
    try:
        store.put(key, {"seq": seq}, entry.revision if entry else None)
    except Conflict:
        # Another controller tells people; its cursor is as good.
        return
    known.cursor = seq
    known.save(where)


def _fetch_cursor(store: Store, rollout: str) -> None:
    path = _cursor(store.folder, rollout)
    if path.exists():
        return
    entry = store.get(f"cursor.{rollout}")
    if entry is not None:
        write_text(path, json.dumps({"seq": int(entry.value["seq"])}, indent=2) + "\n")


def _cursor(folder: Path, rollout: str) -> Path:
    return folder / "notifications" / rollout / "cursor.json"


def _place(store: Store, rollout: str) -> Path:
    # A folder can be copied to several stores; what it has in common with one says nothing of another.
    return store.folder / "store" / store.name.split("://")[1].replace(":", "_") / f"{rollout}.json"


def _object(rollout: str, digest: str) -> str:
    """Rollouts have contents of their own, so that one can drop its own without asking the others."""
    return f"{rollout}/{digest}"


def _list_of(rollout: str) -> str:
    return f"evidence.{rollout}"


def _call(link: Link, what: str, work: Any) -> Any:
    try:
        return link.call(f"{what} in the store at {link.server.label}", work, TRANSFER_S)
    except nats.js.errors.APIError as problem:
        raise StoreError(
            f"could not {what} in the store at {link.server.label}: JetStream answered {problem.description or problem}. Nothing goes on "
            "unrecorded: mend that (nats account info), and start the same command again."
        ) from None
