# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _env_file
from hypothesis import given, settings
from hypothesis import strategies as st

# What systemd 252 gave a service for these files (tests/host/modules asks a real one again).
READ_BY_SYSTEMD = [
    (b"A=1\nA=2\n", {"A": "2"}),
    (b'A="x\ny"\n', {"A": "x\ny"}),
    (b"A='x\\y'\n", {"A": "x\\y"}),
    (b'A="a" "b"\'c\'d\n', {"A": "abcd"}),
    (b'A=a"b"\n', {"A": 'a"b"'}),
    (b"A=a \\ \n", {"A": "a  "}),
    (b"A=a  \\\n  b\n", {"A": "a    b"}),
    (b"\xef\xbb\xbfA=1\nB=2\n", {"B": "2"}),
    (b"A = 1\n", {"A": "1"}),
    (b"export A=1\nB=2", {"B": "2"}),
    (b'A="\\n\\$\\`\\"\\\\"\n', {"A": '\\n$`"\\'}),
    (b"A\nB=\n", {"B": ""}),
    (b'A="abc', {"A": "abc"}),
    (b"A=x\\", {"A": "x"}),
    (b"#\xff\nB=1\n", {"B": "1"}),
    (b" A=1 # no comment\n", {"A": "1 # no comment"}),
    (b'A= " x "y z \n', {"A": " x y z"}),
    (b"A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    (b"A=1\rB=2", {"A": "1", "B": "2"}),
    (b'A="a\\\nb"\n', {"A": "ab"}),
    (b"A='a\\\nb'\n", {"A": "a\\\nb"}),
    (b"1A=2\nA.B=3\n=4\nB=1\n", {"B": "1"}),
    (b"A=a\\\r\nb\n", {"A": "a"}),
    (b"; A=1\n  # B=2\nC=;3\n", {"C": ";3"}),
]


@pytest.mark.parametrize(("data", "expected"), READ_BY_SYSTEMD)
def test_reads_as_systemd_does(data, expected):
    assert _env_file.effective(data) == expected


def test_comment_with_backslash_is_read_as_each_version_does():
    data = b"# c \\\nA=1\n"
    assert _env_file.effective(data) == {"A": "1"}
    assert _env_file.effective(data, comment_continues=True) == {}
    assert _env_file.agreed(data) == {}


@pytest.mark.parametrize(
    ("data", "values", "expected"),
    [
        (b"A=1\nB=false\nC=3\n", {"B": "true"}, b"A=1\nB=true\nC=3\n"),
        (b"B=false", {"B": "true"}, b"B=true"),
        (b"A=1", {"B": "true"}, b"A=1\nB=true\n"),
        (b"A=1\r\nB=0\r\n", {"B": "1", "C": "2"}, b"A=1\r\nB=1\r\nC=2\r\n"),
        (b"B=0\nB=1\n", {"B": "2"}, b"B=0\nB=2\n"),
        (b"  B =  0   \n", {"B": "1"}, b"  B =  1   \n"),
        (b'B="0"\n', {"B": "a b"}, b'B="a b"\n'),
        (b"B='0'\n", {"B": "a b"}, b"B='a b'\n"),
        (b"B=0\n", {"B": "a b"}, b'B="a b"\n'),
        (b"B=a\\\n  b\nC=1\n", {"B": "x"}, b"B=x\nC=1\n"),
        (b"A=1\\", {"B": "x"}, b"A=1\\\n\nB=x\n"),
        (b"# note \\\n", {"B": "x"}, b"# note \\\n\nB=x\n"),
        (b"# B=1\n", {"B": "1"}, b"# B=1\nB=1\n"),
        (b"", {"B": ""}, b"B=\n"),
        (b"\xff junk\nB=0\n", {"B": "1"}, b"\xff junk\nB=1\n"),
    ],
)
def test_changes_nothing_else(data, values, expected):
    assert _env_file.set_keys(data, values) == expected


def test_key_in_what_only_new_versions_read_is_set_for_all():
    changed = _env_file.set_keys(b"# c \\\nA=1\n", {"A": "2"})
    assert _env_file.agreed(changed)["A"] == "2"


@pytest.mark.parametrize("data", [b'A="1\nB=2\n', b"A='1", b'B=1\nA="1\\'])
def test_refuses_what_an_open_quote_would_swallow(data):
    with pytest.raises(_env_file.EnvFileError, match="quote"):
        _env_file.set_keys(data, {"C": "1"})


def test_refuses_to_replace_a_value_that_reaches_to_the_end():
    with pytest.raises(_env_file.EnvFileError, match="never closed"):
        _env_file.set_keys(b'A="1\nB=2\n', {"A": "x"})


@pytest.mark.parametrize("key", ["", "1A", "A-B", "A B", "A=", "Ä", "A\n"])
def test_refuses_keys(key):
    with pytest.raises(_env_file.EnvFileError, match="no name"):
        _env_file.set_keys(b"", {key: "1"})


@pytest.mark.parametrize("value", ["a\nb", "a\0", "\x1b[0m", "a\rb", "\x7f", "\ud800", True, None, 1])
def test_refuses_values(value):
    with pytest.raises(_env_file.EnvFileError, match="value of K"):
        _env_file.set_keys(b"", {"K": value})


def test_says_when_systemd_refuses_the_whole_file():
    assert _env_file.load_problem(b"A=1\n# \xff\n\xff\n") is None
    assert "line 2" in (_env_file.load_problem(b"A=1\nB=\xff\n") or "")
    assert "NUL" in (_env_file.load_problem(b"A=1\0") or "")


TOKENS = st.sampled_from(
    [b"A", b"B", b"C", b"=", b"=", b'"', b"'", b"\\", b" ", b"\t", b"\n", b"\n", b"\r", b"\r\n", b"#", b";", b"\\\n"]
    + [b"a", b"1", b"$", b"`", b"\x01", b"\xc3\xa9", b"\xff", b"\nA=", b"\nB=", b"A=", b"export ", b"\xef\xbb\xbf"]
)
FILES = st.lists(TOKENS, max_size=40).map(b"".join) | st.binary(max_size=40)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(" \"'\\$`#;="), max_size=12)
EDITS = st.dictionaries(st.sampled_from(["A", "B", "NEW_KEY"]), VALUES, min_size=1, max_size=3)


@settings(max_examples=400, deadline=None)
@given(FILES, EDITS)
def test_any_edit_gives_exactly_the_announced_variables(data, values):
    try:
        changed = _env_file.set_keys(data, values)
    except _env_file.EnvFileError as refusal:
        # Only a quote that never ends may stop an edit.
        assert "quote" in str(refusal)
        assert any(entry.open_quote for older in (False, True) for entry in _env_file.parse(data, older))
        return
    for older in (False, True):
        assert _env_file.effective(changed, older) == {**_env_file.effective(data, older), **values}
    assert _env_file.set_keys(changed, values) == changed


@settings(max_examples=300, deadline=None)
@given(FILES, VALUES)
def test_only_the_value_differs_by_a_byte(data, value):
    names = [entry for entry in _env_file.parse(data) if entry.key == b"A"]
    if not names or b"\\\n" in data or _env_file.effective(data).get("A") == value or names[-1].open_quote:
        return
    last = names[-1]
    changed = _env_file.set_keys(data, {"A": value})
    if changed.startswith(data):
        return
    assert changed.startswith(data[: last.value_start])
    assert changed.endswith(data[last.value_end :])


@settings(max_examples=300, deadline=None)
@given(VALUES, st.sampled_from([b"", b'"old"', b"'old'", b"old"]))
def test_encoded_values_are_read_back(value, like):
    encoded = _env_file.encode_value(value, like)
    assert _env_file.effective(b"K=" + encoded + b"\nL=1\n") == {"K": value, "L": "1"}
