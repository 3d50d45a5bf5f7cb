# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fold beside the file that it was made from, checked against every byte of it that it stands for."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import Shelf

# A fold is written again when so many lines came since: between, reading them is cheaper. By name of the file up to
# so many more, because the books of all hosts get a line at the same look.
LINES_BETWEEN = 12
LINES_APART = 12
_BLOCK = 1024 * 1024


class Fold(Protocol):
    """What can be put beside a file."""

    def add(self, record: dict[str, Any]) -> None: ...

    def freeze(self, shelf: Shelf) -> dict[str, Any]: ...


F = TypeVar("F", bound=Fold)


def folded(
    path: Path,
    decode: Callable[[bytes], dict[str, Any]],
    bucket_s: float,
    new: Callable[[float], F],
    thaw: Callable[[float, dict[str, Any], Shelf], F],
) -> F:
    """The fold of all whole lines of `path`: from its `.fold` file where that fits, and the lines after it.

    The `.fold` file is written again now and then. Where that is not allowed everything works, only slower.
    """
    beside = path.with_suffix(".fold")
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return new(bucket_s)
    with stream:
        known = _read(beside, stream, bucket_s)
        fold = thaw(bucket_s, known.state, known.shelf) if known else new(bucket_s)
        digest = known.digest if known else hashlib.sha256()
        size = known.size if known else 0
        stream.seek(size)
        lines = 0
        for line in stream:
            if not line.endswith(b"\n"):
                break
            fold.add(decode(line))
            digest.update(line)
            size, lines = size + len(line), lines + 1
    if lines >= LINES_BETWEEN + zlib.crc32(path.name.encode()) % LINES_APART:
        _write(beside, fold, bucket_s, size, digest.hexdigest())
    return fold


@cache
def _code() -> str:
    """A digest of this package: folds that other code made are made again, whatever it did differently."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass
class _Known:
    """A fold that fits: how many bytes of the lines it stands for, and their digest so far."""

    size: int
    digest: Any
    state: dict[str, Any]
    shelf: Shelf


def _read(beside: Path, lines: BinaryIO, bucket_s: float) -> _Known | None:
    """The fold beside the lines; None when there is none that fits them."""
    try:
        content = beside.read_bytes()
    except OSError:
        return None
    seal, _newline, rest = content.partition(b"\n")
    if seal != hashlib.sha256(rest).hexdigest().encode():
        return None
    del content
    text, _newline, packed = rest.partition(b"\n")
    head = json.loads(text)
    if [head["code"], head["bucket_s"], head["byteorder"]] != [_code(), bucket_s, sys.byteorder]:
        return None
    digest = _digest_of(lines, head["bytes"])
    if digest is None or digest.hexdigest() != head["sha256"]:
        return None
    return _Known(head["bytes"], digest, head["state"], Shelf(_unpacked(head["columns"], head["packs"], packed)))


def _digest_of(lines: BinaryIO, size: int) -> Any:
    """Of the first `size` bytes; None when there are fewer."""
    digest = hashlib.sha256()
    while size:
        block = lines.read(min(size, _BLOCK))
        if not block:
            return None
        digest.update(block)
        size -= len(block)
    return digest


def _packed(columns: list[array[Any]]) -> Iterator[tuple[int, bytes]]:
    """(how many columns, their bytes compressed), a megabyte at a time: what is large and short-lived tears memory apart."""
    pack: list[bytes] = []
    size = 0
    for column in columns:
        pack.append(column.tobytes())
        size += len(pack[-1])
        if size >= _BLOCK:
            yield len(pack), zlib.compress(b"".join(pack), 1)
            pack, size = [], 0
    yield len(pack), zlib.compress(b"".join(pack), 1)


def _unpacked(described: list[list[Any]], packs: list[list[int]], packed: bytes) -> list[array[Any]]:
    columns: list[array[Any]] = []
    begin = 0
    for count, length in packs:
        data = memoryview(zlib.decompress(memoryview(packed)[begin : begin + length]))
        begin += length
        place = 0
        for code, numbers in described[len(columns) : len(columns) + count]:
            column: array[Any] = array(code)
            column.frombytes(data[place : place + numbers * column.itemsize])
            place += numbers * column.itemsize
            columns.append(column)
    return columns


def _write(beside: Path, fold: Fold, bucket_s: float, size: int, digest: str) -> None:
    shelf = Shelf()
    state = fold.freeze(shelf)
    packs = list(_packed(shelf.columns))
    head = {
        "schema": "cowboyai.rollout/fold/1",
        "code": _code(),
        "bucket_s": bucket_s,
        "byteorder": sys.byteorder,
        "bytes": size,
        "sha256": digest,
        "columns": [[column.typecode, len(column)] for column in shelf.columns],
        "packs": [[count, len(pack)] for count, pack in packs],
        "state": state,
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    rest = b"".join([text, b"\n", *(pack for _count, pack in packs)])
    try:
        handle, name = tempfile.mkstemp(prefix=f".{beside.name}.", dir=beside.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
            # Not synced: what a power cut leaves of it does not fit its hash.
            os.chmod(name, 0o640)
            os.replace(name, beside)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError:
        return
