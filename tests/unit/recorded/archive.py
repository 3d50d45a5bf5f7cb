# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recorded rollout as one small file: its ledger and its evidence, without names and paths of the machine that ran it."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import GENESIS, Ledger, record_hash

FIXTURES = Path(__file__).resolve().parent / "fixtures"
#: A fixture is in every clone for good.
MOST_BYTES = 300_000
#: The folder of a fixture that has what the collection made of the rest.
RESULTS = "results"


class FixtureError(Exception):
    """What was recorded can't be made a fixture; the message says why."""


def path_of(name: str) -> Path:
    return FIXTURES / f"{name}.tar.xz"


def names() -> list[str]:
    return sorted(path.name.removesuffix(".tar.xz") for path in FIXTURES.glob("*.tar.xz"))


def pack(files: Mapping[str, bytes]) -> bytes:
    """The same files give the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(files[name]), 0o640
            tar.addfile(info, io.BytesIO(files[name]))
    return lzma.compress(out.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def unpack(data: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(data))) as tar:
        for member in tar.getmembers():
            stream = tar.extractfile(member)
            assert stream is not None, member.name
            found[member.name] = stream.read()
    return found


def inputs(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What was recorded, without what was made of it."""
    return {name: data for name, data in files.items() if not name.startswith(f"{RESULTS}/")}


def rollout_of(files: Mapping[str, bytes]) -> str:
    """Whose ledger it is."""
    (ledger,) = (name for name in files if name.startswith("ledger/"))
    return Path(ledger).stem


def lay_out(files: Mapping[str, bytes], folder: Path) -> None:
    """Put files where a monitoring folder has them."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read_rollout(monitoring: Path, rollout: str) -> dict[str, bytes]:
    """Ledger and evidence of a rollout in a monitoring folder."""
    ledger = monitoring / "ledger" / f"{rollout}.jsonl"
    # Its chain is looked at before it is made anew below.
    if not Ledger(ledger).read():
        raise FixtureError(f"{ledger}: no records, so there is nothing to keep")
    evidence = sorted(path for path in (monitoring / "checkpoints" / rollout).rglob("*") if path.is_file())
    return {str(path.relative_to(monitoring)): path.read_bytes() for path in [ledger, *evidence]}


def masked(files: Mapping[str, bytes], rollout: str, words: Mapping[str, str]) -> dict[str, bytes]:
    """The same with `words` replaced wherever they stand, and every hash that names what was replaced made anew."""
    found, renamed = {}, {}
    for name in sorted(files, key=lambda name: name.endswith("evidence.json")):
        data = files[name]
        for word, mask in [*words.items(), *renamed.items()]:
            data = data.replace(word.encode(), mask.encode())
        renamed[hashlib.sha256(files[name]).hexdigest()] = hashlib.sha256(data).hexdigest()
        found[name] = data
    ledger = f"ledger/{rollout}.jsonl"
    data = files[ledger]
    for word, mask in [*words.items(), *renamed.items()]:
        data = data.replace(word.encode(), mask.encode())
    found[ledger] = _chained(data)
    return found


def _chained(ledger: bytes) -> bytes:
    """A ledger with its chain made anew."""
    lines, before = [], GENESIS
    for line in ledger.splitlines():
        fields = json.loads(line)
        fields["prev"] = before
        fields["hash"] = before = record_hash(fields)
        lines.append(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return b"".join(lines)
