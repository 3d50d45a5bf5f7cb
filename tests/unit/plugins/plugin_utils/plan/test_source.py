# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import dotted, parse_source, read_source


def first(text: str) -> str:
    return str(parse_source(text, "p.yml").problems[0])


def test_data_lines_and_texts() -> None:
    source = parse_source("a: 1\nb:\n  - x\n  - {c: yes}\n", "p.yml")
    assert source.data == {"a": 1, "b": ["x", {"c": True}]}
    assert source.line(("b", 1, "c")) == 4
    assert source.line(("b", 1, "missing")) == 4
    assert source.texts[("b", 1, "c")] == "yes"
    assert source.problems == []


def test_keys_are_text_even_those_that_yaml_takes_for_something_else() -> None:
    assert parse_source("on: 1\nyes: 2\n1: 3\nnull: 4\n", "p.yml").data == {"on": 1, "yes": 2, "1": 3, "null": 4}


def test_numbers_that_nobody_means_stay_text() -> None:
    data = parse_source("[1:30, 0x10, 010, 1_000, .inf, 1e3, 2026-01-23, 1.5, 007]", "p.yml").data
    assert data == ["1:30", "0x10", 10, "1_000", ".inf", "1e3", "2026-01-23", 1.5, 7]


def test_a_key_written_twice_is_refused_with_both_lines() -> None:
    assert first("a: 1\nb:\n  c: 1\n  c: 2\n") == (
        "p.yml:4: b.c: seen the key again (first in line 3), expected each key once; remove one of them"
    )


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("a: !vault x", "the tag !vault"),
        ("a: !!python/object/apply:os.system [x]", "the tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "p.yml:3: c.<<: seen a merge"),
        ("a: &x [*x]", "an alias to something around it"),
        ("a: {{ group }}", "is no template"),
        ("a: 1\n---\nb: 2\n", "one plan per file"),
        ("a: [", "text that does not parse"),
        ("a: 1\n\tb: 2\n", "p.yml:2:"),
        ("a: *nothing", "undefined alias"),
        ('a: "\\ud800"', "scape"),
        ("a: \x00", "expected valid YAML"),
        ("", "an empty file"),
        ("# only a comment\n", "an empty file"),
    ],
)
def test_what_a_plan_must_not_hold(text: str, fragment: str) -> None:
    assert fragment in first(text)


def test_aliases_of_values_work() -> None:
    assert parse_source("a: &x [1]\nb: *x\n", "p.yml").data == {"a": [1], "b": [1]}


def test_aliases_that_multiply_are_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "do not nest aliases" in first("\n".join(lines))


def test_deep_nesting_is_stopped() -> None:
    assert "levels" in first("[" * 100 + "]" * 100)
    assert parse_source("[" * 100000, "p.yml").problems


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "No such file" in str(read_source(str(tmp_path / "none.yml")).problems[0])
    assert "Is a directory" in str(read_source(str(tmp_path)).problems[0])
    (tmp_path / "latin.yml").write_bytes("title: \xe9".encode("latin-1"))
    assert "not UTF-8 at offset 7" in str(read_source(str(tmp_path / "latin.yml")).problems[0])
    (tmp_path / "huge.yml").write_bytes(b"#" * (1 << 20) + b"##")
    assert "1 MiB" in str(read_source(str(tmp_path / "huge.yml")).problems[0])


def test_paths_are_written_with_dots() -> None:
    assert dotted(("phases", 0, "soak")) == "phases[0].soak"
    assert dotted(()) == ""
