# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subjects and patterns against a reference that is too simple to be wrong."""

from __future__ import annotations

import functools
import itertools
import re

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _subjects as subjects
from hypothesis import example, given, settings
from hypothesis import strategies as st

WORDS = ["a", "b", "c"]
PATTERNS = st.builds(
    lambda head, last: ".".join([*head, last]),
    st.lists(st.sampled_from([*WORDS, "*"]), max_size=3),
    st.sampled_from([*WORDS, "*", ">"]),
)
#: Of evenly spread lengths; SUBJECTS are nearly all of the greatest one.
SUBJECT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(".".join)
SUBJECTS = [".".join(words) for size in range(1, 6) for words in itertools.product(WORDS, repeat=size)]


@functools.cache
def reference(pattern: str, subject: str) -> bool:
    tokens = [{"*": r"[^.]+", ">": r".+"}.get(token, re.escape(token)) for token in pattern.split(".")]
    return re.fullmatch(r"\.".join(tokens), subject) is not None


@settings(deadline=None)
@example("a.>", "a")
@example("a.*", "a")
@example(">", "a")
@given(PATTERNS, SUBJECT)
def test_matches(pattern: str, subject: str) -> None:
    assert subjects.matches(pattern.encode(), subject.encode()) == reference(pattern, subject)


@settings(deadline=None)
@given(PATTERNS, PATTERNS)
def test_covers_and_overlap(one: str, other: str) -> None:
    # Five tokens of three words exercise every difference that patterns of four tokens can have.
    ones = {subject for subject in SUBJECTS if reference(one, subject)}
    others = {subject for subject in SUBJECTS if reference(other, subject)}
    assert subjects.overlap(one.encode(), other.encode()) == bool(ones & others)
    # With three words `a`, `b` and `c` never add up to `*`, because one pattern cannot name them all.
    assert subjects.covers(one.encode(), other.encode()) == (others <= ones)


@settings(deadline=None)
@example(["a.*", "*.b"], "a.b")
@given(st.lists(PATTERNS, min_size=1, max_size=5), SUBJECT)
def test_a_group_counts_each_message_once(patterns: list[str], subject: str) -> None:
    kept, dropped = subjects.arrange_group("g", patterns)
    raw = subject.encode()
    counted = [
        one
        for one in kept
        if subjects.matches(one.pattern, raw) and not any(subjects.matches(before, raw) for before in one.before)
    ]
    assert len(counted) == int(any(reference(pattern, subject) for pattern in patterns))
    assert set(dropped) | {one.pattern.decode() for one in kept} == set(patterns)
    assert set(dropped.values()) <= {one.pattern.decode() for one in kept}


def test_the_wider_pattern_is_kept() -> None:
    kept, dropped = subjects.arrange_group("g", ["a.b.c", "a.b.>", "a.>", "a.*.c", "x.y"])
    assert [one.pattern for one in kept] == [b"a.>", b"x.y"]
    assert dropped == {"a.b.c": "a.>", "a.b.>": "a.>", "a.*.c": "a.>"}


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "a..b",
        ".a",
        "a.",
        ">.x",
        "a.>.b",
        "a b",
        "a\tb",
        "a\r\nPUB x 0",
        "a\x00",
        "a*",
        "a.b>",
        "é " * 3,
        "x" * 5000,
    ],
)
def test_bad_patterns_are_refused(bad: str) -> None:
    with pytest.raises(subjects.SubjectError):
        subjects.check_pattern(bad)


@pytest.mark.parametrize("good", ["a", "a.b", "*", ">", "a.*.b.>", "$SYS.>", "agent.to.network-expert.>", "é.b"])
def test_good_patterns_are_kept(good: str) -> None:
    assert subjects.check_pattern(good) == good


@pytest.mark.parametrize("bad", ["a.*", ">", "a.>", "*"])
def test_wildcards_cannot_be_published_to(bad: str) -> None:
    with pytest.raises(subjects.SubjectError):
        subjects.check_subject(bad)


def test_whom_a_message_belongs_to() -> None:
    index = subjects.AgentIndex([("net", "id-1"), ("tdd", "id-2"), ("bare", None)])
    assert index.named_in(b"agent.to.net.from.tdd.question") == {"net", "tdd"}
    assert index.named_in(b"agent.infra.x.id-1.command.run") == {"net"}
    assert index.named_in(b"agent.to.network.from.x") == frozenset()
    assert index.publisher(b"agent.to.net.from.tdd.response", None) == "tdd"
    assert index.publisher(b"agent.to.net.from.tdd.response", b"id-1") == "net"
    assert index.publisher(b"agent.to.net.from.tdd.response", b"user") is None
    assert index.publisher(b"agent.to.net.from", None) is None
    assert index.agent(b"bare") == "bare"


@pytest.mark.parametrize("agents", [[("a", "1"), ("b", "1")], [("a", "1"), ("a", "2")], [("a", "b"), ("b", None)]])
def test_agents_that_cannot_be_told_apart_are_refused(agents: list[tuple[str, str | None]]) -> None:
    with pytest.raises(subjects.SubjectError):
        subjects.AgentIndex(agents)
