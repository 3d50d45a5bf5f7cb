# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the files of looks and NATS measurements had come when the ledger was written: what it says must still be there.

A file alone can't tell that lines at its end are gone, or that it was there at all. Each look and gate records its end;
the next one compares. Records without it, of earlier versions, ask for nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record

# file name -> `bytes` of whole lines, `sha256` of the last BLOCK of them; `lost` (a text) once some of it was gone.
Kept = dict[str, dict[str, Any]]
BLOCK = 65536


def compared(folder: Path, records: Sequence[Record], attempt: int, accepted_at: datetime | None) -> dict[str, str]:
    """file name -> what is gone of it, of the files that the newest record of this attempt names.

    What was gone before stays gone, until a person accepted the gaps so far (`accepted_at`).
    """
    newest = next((r for r in reversed(records) if r.attempt == attempt and "kept" in r.data), None)
    if newest is None or (accepted_at is not None and newest.moment <= accepted_at):
        return {}
    found = {}
    for name, known in newest.data["kept"].items():
        text = known.get("lost") or _gone(folder / name, known, newest.seq)
        if text:
            found[name] = text
    return found


def kept(folder: Path, lost: dict[str, str]) -> Kept:
    """How far each file of an attempt has come; `lost` is noted along, also of files that are not there any more."""
    ends: Kept = {path.name: _end(path, None) for path in sorted(folder.glob("*.jsonl"))}
    for name, text in lost.items():
        ends[name] = {**ends.get(name, {"bytes": 0, "sha256": hashlib.sha256().hexdigest()}), "lost": text}
    return ends


def _gone(path: Path, known: dict[str, Any], seq: int) -> str:
    seen = _end(path, int(known["bytes"]))
    if seen == {"bytes": known["bytes"], "sha256": known["sha256"]}:
        return ""
    what = "no such file" if not path.exists() else f"{seen['bytes']} bytes of whole lines"
    if seen["bytes"] == known["bytes"]:
        what = "other lines"
    return (
        f"{path}: seen {what}, expected the {known['bytes']} bytes that ledger record {seq} names: lines were lost or changed "
        "after they were written. Bring the file back, or accept the gaps so far with -e rollout_accept_gaps=true"
    )


def _end(path: Path, size: int | None) -> dict[str, Any]:
    """Of the whole lines in the first `size` bytes, of all by default."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return {"bytes": 0, "sha256": hashlib.sha256().hexdigest()}
    with stream:
        end = stream.seek(0, 2)
        end = end if size is None else min(end, size)
        while end:
            begin = max(0, end - BLOCK)
            stream.seek(begin)
            whole = stream.read(end - begin).rfind(b"\n") + 1
            if whole:
                end = begin + whole
                break
            end = begin
        begin = max(0, end - BLOCK)
        stream.seek(begin)
        return {"bytes": end, "sha256": hashlib.sha256(stream.read(end - begin)).hexdigest()}
