# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Append-only files of JSON objects, one a line. A torn last line never happened: readers leave it out, the next writer cuts it off.

Long lines hold the object deflated (`{"at": ..., "deflated": base64 of zlib}`): looks at dozens of agents say nearly the
same each time and shrink to a tenth. Short ones stay as they are, for people and grep.

Each line ends with `"crc":"<8 hex digits>"`, the CRC-32 of what stands before it: a damaged line can still be JSON, with
another number or time in it. Lines without one were written before there was one, and are taken as they are.
"""

from __future__ import annotations

import base64
import json
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._private_folder import private_folder

DEFLATED_FROM = 16384
_BLOCK = 65536
_SEAL = re.compile(rb',?"crc":"([0-9a-f]{8})"\}$')


def encode(record: dict[str, Any]) -> bytes:
    """The line of an object, without its end. The keys `crc` and `deflated` are this file's own."""
    plain = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    if len(plain) < DEFLATED_FROM:
        return _sealed(plain)
    deflated = base64.b64encode(zlib.compress(plain, 6)).decode("ascii")
    return _sealed(json.dumps({"at": record.get("at"), "deflated": deflated}, separators=(",", ":")).encode("ascii"))


def _sealed(plain: bytes) -> bytes:
    before = plain[:-1]
    comma = b"" if before == b"{" else b","
    return before + comma + b'"crc":"%08x"}' % zlib.crc32(before)


def decode(line: bytes) -> dict[str, Any]:
    """The object of a line. ValueError for what is none: something other than a kill has damaged the file."""
    record = json.loads(_unsealed(line))
    if isinstance(record, dict) and "crc" in record:
        raise ValueError("the line's checksum is damaged")
    if isinstance(record, dict) and "deflated" in record:
        try:
            record = json.loads(zlib.decompress(base64.b64decode(record["deflated"], validate=True)))
        except (zlib.error, TypeError) as problem:
            raise ValueError(f"deflated text is damaged: {problem}") from None
    if not isinstance(record, dict):
        raise ValueError(f"expected a JSON object, seen {str(record)[:40]!r}")
    return record


def _unsealed(line: bytes) -> bytes:
    seal = _SEAL.search(line.rstrip(b"\n"))
    if not seal:
        return line
    before = line[: seal.start()]
    if zlib.crc32(before) != int(seal[1], 16):
        raise ValueError("the line is damaged: it is not what its checksum was made of")
    return before + b"}"


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file without their ends; none when there is no file."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    # Not splitlines of the whole: bytes that JSON never has unescaped would be ends of lines too.
    return data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]


def newest_first(path: Path) -> Iterator[bytes]:
    """The lines of a file from the last whole one back, without reading more of it than is asked for."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        end = stream.seek(0, os.SEEK_END)
        rest = b""
        torn = True
        while end:
            begin = max(0, end - _BLOCK)
            stream.seek(begin)
            *first, rest = (stream.read(end - begin) + rest).split(b"\n")[::-1]
            end = begin
            for line in first:
                # What follows the last end of a line is nothing, or torn.
                if not torn:
                    yield line
                torn = False
        if not torn:
            yield rest


def append(path: Path, record: dict[str, Any]) -> None:
    """Append a record and have it on the disk before returning; the file gets mode 0640."""
    private_folder(path.parent)
    data = encode(record) + b"\n"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.ftruncate(handle, _end_of_lines(handle))
        os.lseek(handle, 0, os.SEEK_END)
        while data:
            data = data[os.write(handle, data) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _end_of_lines(handle: int) -> int:
    """The offset just after the last newline: bytes after it are a torn write of an earlier process."""
    end = os.fstat(handle).st_size
    while end:
        begin = max(0, end - _BLOCK)
        found = os.pread(handle, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0
