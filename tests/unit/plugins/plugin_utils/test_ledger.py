# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: append-only, chained, and never believed when something else has written in it."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import GENESIS, Ledger, LedgerError, Record
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import START, ledger_path

RECORDED = ledger_path("wave1").read_bytes()


def write(path: Path, kind: str = "look.taken", **data: Any) -> Record:
    return Ledger(path).append(rollout="wave1", attempt=1, run="r", by="me@here", kind=kind, data=data, now=START)


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(LedgerError) as caught:
        Ledger(path).read()
    return str(caught.value)


def test_a_recorded_ledger_is_whole_and_ends_with_its_decision() -> None:
    records = Ledger(ledger_path("wave1")).read()
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert records[-1].kind == "decision.made"
    assert records[0].prev == GENESIS
    assert [record.prev for record in records[1:]] == [record.hash for record in records[:-1]]


def test_no_file_is_an_empty_ledger_and_reading_makes_none(tmp_path: Path) -> None:
    assert Ledger(tmp_path / "wave1.jsonl").read() == []
    assert list(tmp_path.iterdir()) == []


def test_what_was_appended_is_read_again_to_the_last_character(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "wave1.jsonl"
    text = 'a "quoted" | line\nwith {{ 7*7 }} and \u2028 and \udcff'
    written = [write(path, text=text), write(path, number=0.1)]
    assert Ledger(path).read() == written
    assert written[0].data == {"text": text}
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o640, 0o750)


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, len(RECORDED) - 2), byte=st.integers(0, 255))
def test_every_changed_byte_is_noticed(tmp_path_factory: pytest.TempPathFactory, position: int, byte: int) -> None:
    """All but the very last newline, without which the last line counts as torn (and is kept aside)."""
    if RECORDED[position] == byte:
        return
    path = tmp_path_factory.mktemp("ledger") / "wave1.jsonl"
    message = refusal(path, RECORDED[:position] + bytes([byte]) + RECORDED[position + 1 :])
    assert f"{path}, line " in message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"time_scale":900.0', b'"time_scale":900e0'),
        (b'"seq":2', b'"seq": 2'),
        (b'"kind":"preflight.passed"', b'"kind":"preflight.passed"\r'),
    ],
    ids=["the same number written otherwise", "a space", "a carriage return"],
)  # fmt: skip
def test_bytes_that_mean_the_same_are_noticed_as_well(tmp_path: Path, old: bytes, new: bytes) -> None:
    assert old in RECORDED
    refusal(tmp_path / "wave1.jsonl", RECORDED.replace(old, new, 1))


def test_a_carriage_return_in_the_middle_does_not_cut_the_ledger_short(tmp_path: Path) -> None:
    """It once made everything after it a `torn line`, which the next append would have set aside."""
    middle = RECORDED.index(b'"seq":3')
    assert "line 3" in refusal(tmp_path / "wave1.jsonl", RECORDED[:middle] + b"\r" + RECORDED[middle + 1 :])


def test_lines_that_are_gone_or_elsewhere_are_refused_with_file_line_and_what_to_do(tmp_path: Path) -> None:
    lines = RECORDED.splitlines(keepends=True)
    path = tmp_path / "wave1.jsonl"
    without_first = refusal(path, b"".join(lines[1:]))
    without_one = refusal(path, b"".join(lines[:4] + lines[5:]))
    swapped = refusal(path, b"".join([lines[0], lines[2], lines[1], *lines[3:]]))
    doubled = refusal(path, b"".join([*lines[:3], lines[2], *lines[3:]]))
    for message, line in ((without_first, 1), (without_one, 5), (swapped, 2), (doubled, 4)):
        assert f"{path}, line {line}: the hash chain is broken" in message
        assert "Restore the file from a copy" in message


def test_a_forged_line_with_a_hash_of_its_own_is_refused(tmp_path: Path) -> None:
    lines = RECORDED.splitlines(keepends=True)
    forged = json.loads(lines[-1])
    forged["prev"] = "f" * 64
    line = json.dumps(forged, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    assert "hash chain" in refusal(tmp_path / "wave1.jsonl", b"".join([*lines[:-1], line]))


@pytest.mark.parametrize("line", [b"\n", b"null\n", b"[]\n", b"{}\n", b'{"seq":1}\n', b"\xff\xfe\n", b'{"prev":1}\n'])
def test_what_is_no_record_is_refused_with_its_line(tmp_path: Path, line: bytes) -> None:
    assert f"line {RECORDED.count(chr(10).encode()) + 1}" in refusal(tmp_path / "wave1.jsonl", RECORDED + line)


@given(cut=st.integers(1, 200))
@settings(max_examples=25, deadline=None)
def test_a_torn_last_line_is_left_out_kept_aside_and_written_over(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "wave1.jsonl"
    path.write_bytes(RECORDED[:-cut])
    whole = Ledger(path).read()
    assert len(whole) == RECORDED.count(b"\n") - 1
    added = write(path)
    assert Ledger(path).read() == [*whole, added]
    (aside,) = path.parent.glob("wave1.jsonl.torn-*")
    assert aside.read_bytes() == RECORDED.splitlines(keepends=True)[-1][:-cut]


def test_two_tears_at_the_same_place_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "wave1.jsonl"
    for torn in (b'{"first', b'{"second'):
        path.write_bytes(RECORDED + torn)
        write(path)
    assert sorted(aside.read_bytes() for aside in tmp_path.glob("*.torn-*")) == [b'{"first', b'{"second']


def _append_many(path: Path, who: str) -> None:
    for number in range(20):
        write(path, kind=who, number=number)


def test_two_processes_make_one_whole_chain(tmp_path: Path) -> None:
    path = tmp_path / "wave1.jsonl"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_append_many, args=(path, who)) for who in ("one", "two")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
        assert worker.exitcode == 0
    records = Ledger(path).read()
    for who in ("one", "two"):
        assert [record.data["number"] for record in records if record.kind == who] == list(range(20))


def test_a_disk_that_does_not_take_it_is_told_and_the_record_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wave1.jsonl"
    first = write(path)
    real = os.write

    def full(handle: int, data: bytes) -> int:
        if len(data) > 50:
            return real(handle, data[:50])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(
            os, "write", lambda handle, data: full(handle, data) if data.startswith(b'{"seq":2') else full(handle, b"")
        )
        with pytest.raises(LedgerError, match=r"No space left on device.*free disk space"):
            write(path, kind="batch.started")
    assert Ledger(path).read() == [first]
    assert write(path).seq == 2


def test_a_folder_that_can_not_be_made_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(LedgerError, match=r"file/ledger/wave1\.jsonl"):
        write(tmp_path / "file" / "ledger" / "wave1.jsonl")
