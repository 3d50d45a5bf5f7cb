# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The series of a gate as a file of its own beside the evidence, which names it with its hash."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._private_folder import private_folder
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._collection import no_collection

NAME = "series.json"
# A day of a wave is a megabyte or two and stays readable as it is; a week of a whole fleet is seventy.
COMPRESSED_FROM = 8 * 1024 * 1024
_BY_NAME = ("instances", "agents", "hosts")


class SeriesError(ValueError):
    """A series file is not what the evidence says."""


def write(folder: Path, series: dict[str, Any]) -> dict[str, str]:
    """Write `series.json` (`series.json.gz` when it is large), whole or not at all, mode 0640.

    Returns what stands for it in the evidence: `file` (name in the folder) and `sha256` of the file's bytes.
    """
    private_folder(folder)
    name, pieces = _content(series)
    digest = hashlib.sha256()
    handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(handle, "wb") as out:
            for piece in pieces:
                digest.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, 0o640)
        os.replace(temporary, folder / name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return {"file": name, "sha256": digest.hexdigest()}


def _pieces(series: dict[str, Any]) -> Iterator[bytes]:
    """The document with a line for each instance, agent and host: for diff and grep, and never whole as one text."""
    opening = "{"
    for key, value in series.items():
        yield f"{opening}{json.dumps(key)}:".encode()
        opening = ",\n"
        if key not in _BY_NAME:
            yield _text(value)
            continue
        yield b"{"
        between = b"\n"
        for name, item in value.items():
            yield b"%s%s:%s" % (between, _text(name), _text(item))
            between = b",\n"
        yield b"}"
    yield b"}\n" if series else b"{}\n"


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")


def _content(series: dict[str, Any]) -> tuple[str, list[bytes]]:
    """Name and content of the file; a large one as one gzip file, the same bytes each time."""
    held: list[bytes] = []
    size, packer = 0, None
    for piece in _pieces(series):
        if packer is not None:
            held.append(packer.compress(piece))
            continue
        held.append(piece)
        size += len(piece)
        if size >= COMPRESSED_FROM:
            packer = zlib.compressobj(4, zlib.DEFLATED, 31)
            held = [packer.compress(each) for each in held]
    return (NAME, held) if packer is None else (f"{NAME}.gz", [*held, packer.flush()])


def load(folder: Path, reference: Any) -> dict[str, Any] | None:
    """The series that evidence refers to (`{"file", "sha256"}`); one that stands in the evidence itself is given back.

    None when the evidence names none, as that of earlier versions. SeriesError when the file is not there or not the
    one that was written.
    """
    if not isinstance(reference, dict):
        return None
    if "file" not in reference:
        return reference if "schema" in reference else None
    path = Path(folder) / Path(str(reference["file"])).name
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise SeriesError(
            f"reading the series {path}: {problem.strerror}; the evidence beside it names it. Restore the file, or judge "
            "without series by removing 'series' from a copy of the evidence."
        ) from None
    seen = hashlib.sha256(content).hexdigest()
    if seen != reference.get("sha256"):
        raise SeriesError(
            f"reading the series {path}: its SHA-256 is {seen}, the evidence beside it says {reference.get('sha256')}. "
            "The file was changed after it was written: restore it before judging by it."
        )
    try:
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        with no_collection():
            document: dict[str, Any] = json.loads(content, object_hook=_pooled({}))
    except (ValueError, OSError, EOFError, zlib.error) as problem:
        raise SeriesError(
            f"reading the series {path}: {problem}; expected JSON as this collection writes it."
        ) from None
    return document


def _pooled(pool: dict[tuple[int, ...], list[int]]) -> Any:
    """Gives alike [bin, count] pairs of sketches one object, agent by agent while the file is read: a tenth of the memory."""

    def hook(item: dict[str, Any]) -> dict[str, Any]:
        for _index, sketch in item.get("latency") or ():
            sketch[:] = [pool.setdefault(tuple(pair), pair) for pair in sketch]
        return item

    return hook
