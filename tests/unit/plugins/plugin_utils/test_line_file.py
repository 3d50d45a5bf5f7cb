# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of lines: whole or not at all, small ones readable, long ones deflated."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _line_file
from hypothesis import given, settings
from hypothesis import strategies as st

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
records = st.dictionaries(
    st.text(min_size=1, max_size=6).filter(lambda name: name not in ("deflated", "crc")), json_values, max_size=4
)


@given(st.lists(records, max_size=4), st.integers(1, 60))
@settings(max_examples=50)
def test_what_was_appended_comes_back_from_both_ends(
    tmp_path_factory: pytest.TempPathFactory, told: list[dict[str, Any]], block: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "deeper" / "x.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_line_file, "DEFLATED_FROM", 40)
        patch.setattr(_line_file, "_BLOCK", block)
        for record in told:
            _line_file.append(path, record)
            with path.open("ab") as torn:
                torn.write(b'{"torn": 1, "long": "................................................."')
        assert [_line_file.decode(line) for line in _line_file.whole_lines(path)] == told
        assert [_line_file.decode(line) for line in _line_file.newest_first(path)] == told[::-1]


def test_short_lines_are_for_people_and_long_ones_are_small(tmp_path: Path) -> None:
    short, long = {"at": "2026", "text": "é"}, {"at": "2026", "text": "the same again " * 5000}
    for record in (short, long):
        _line_file.append(tmp_path / "x", record)
    first, second = (tmp_path / "x").read_bytes().splitlines()
    before = b'{"at":"2026","text":"\xc3\xa9"'
    assert first == before + b',"crc":"%08x"}' % zlib.crc32(before)
    assert len(second) < 1000 and json.loads(second)["at"] == "2026"
    assert _line_file.decode(second) == long


@given(records, st.data())
@settings(max_examples=100)
def test_no_changed_byte_goes_unnoticed(record: dict[str, Any], data: st.DataObject) -> None:
    line = bytearray(_line_file.encode(record))
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] ^= data.draw(st.integers(1, 255))
    try:
        told = _line_file.decode(bytes(line))
    except ValueError:
        return
    assert told.items() >= record.items(), "the name of the checksum was damaged, and nothing else"
    assert len(line) - 17 <= place < len(line) - 11


def test_a_number_that_became_another_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="not what its checksum was made of"):
        _line_file.decode(_line_file.encode({"at": "2026", "errors": 1}).replace(b'"errors":1', b'"errors":7'))


def test_lines_without_a_checksum_are_older_than_it_and_count() -> None:
    assert _line_file.decode(b'{"at":"2026","errors":1}') == {"at": "2026", "errors": 1}


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[1]", b'{"deflated": "no base64"}', b'{"deflated": "AAAA"}', b'{"deflated": 3}']
)
def test_a_damaged_line_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged|seen|Expecting|base64|Incorrect|delimiter|enclosed"):
        _line_file.decode(line)


def test_text_that_is_no_unicode_is_kept(tmp_path: Path) -> None:
    _line_file.append(tmp_path / "x", {"text": "\udcff"})
    assert [_line_file.decode(line) for line in _line_file.whole_lines(tmp_path / "x")] == [{"text": "\udcff"}]


def test_no_file_has_no_lines(tmp_path: Path) -> None:
    assert (_line_file.whole_lines(tmp_path / "x"), list(_line_file.newest_first(tmp_path / "x"))) == ([], [])
