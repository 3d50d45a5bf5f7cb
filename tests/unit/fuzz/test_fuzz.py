# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short run of the fuzzer over every parser, what it must notice, and inputs that once broke something."""

from __future__ import annotations

import time
from collections.abc import Hashable

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_log, _journal
from ansible_collections.cowboyai.rollout.plugins.module_utils._tally import MAX_ID_BYTES, _short

from tests.campaign.fuzz.__main__ import account, orders
from tests.campaign.fuzz.mutate import Mutator
from tests.campaign.fuzz.parsers import TARGETS, Broken, Target
from tests.campaign.fuzz.run import fuzz
from tests.unit.plugins.paused_time import HANGS_S


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_harmed_inputs_break_nothing(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    # The campaign asks for less; here it says nothing about the processor.
    monkeypatch.setattr("tests.campaign.fuzz.run.HANGS_AFTER_S", HANGS_S)
    outcome = fuzz(target, 40 if target.name in ("plan", "env_file") else 300, seed=7)
    assert outcome.findings == []
    assert outcome.kinds > 1


def test_a_crash_a_wrong_reading_and_a_hang_are_each_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.campaign.fuzz.run.HANGS_AFTER_S", 0.2)

    def check(data: bytes) -> Hashable:
        if b"c" in data:
            raise KeyError("c")
        if b"w" in data:
            raise Broken("w")
        while b"h" in data:
            pass
        return None

    outcome = fuzz(Target("t", 1.0, lambda: [b"c", b"w", b"h", b"x"], check), 4, seed=1)
    assert sorted(finding["place"].split()[0] for finding in outcome.findings) == ["Broken", "Hang", "KeyError"]
    assert outcome.inputs == 4


def test_the_same_seed_gives_the_same_inputs() -> None:
    one, same, other = (Mutator([b"abc", b"def"], seed) for seed in (1, 1, 2))
    first = [one.next() for _time in range(200)]
    assert first == [same.next() for _time in range(200)]
    assert first != [other.next() for _time in range(200)]


def test_every_input_is_given_to_some_parser() -> None:
    assert sum(order[1] for order in orders(1_000_000, 1)) == 1_000_000
    assert len({(name, seed) for name, _inputs, seed in orders(1_000_000, 1)}) == len(orders(1_000_000, 1))
    assert account([], 10, 1)["inputs"] == 0


def test_a_counter_that_no_program_counted_to_is_none() -> None:
    for number in ("9" * 5000, "9" * 400 + ".5", "-1"):
        assert _agent_log.counters(f"Metrics: inbox={number}") is None
    assert _agent_log.counters("Metrics: " + ", ".join(f"a{n}=1" for n in range(5000))) is None
    assert _agent_log.counters("Metrics: inbox=100") == (False, {"inbox": 100})


def test_a_journal_line_nested_without_end_is_no_entry() -> None:
    assert _journal.parse_entry(b'{"a":' * 100_000) is None


@pytest.mark.parametrize("piece", ["[a", "a=b ", "[x] ", '"', "12:00:00 ", "a: ", "token=[", "{", "\x1b[31"])
def test_no_line_takes_long_however_long_it_is(piece: str) -> None:
    begun = time.process_time()
    for level in ("ERROR ", "2026-01-23T23:12:10Z ERROR x: ", ""):
        tally = _agent_log.Tally(["corrupt"])
        tally.add(level + piece * (1_000_000 // len(piece)), False, 1769209930067668, "i")
    assert time.process_time() - begun < HANGS_S


def test_an_id_of_a_megabyte_is_kept_as_little_and_told_apart() -> None:
    one, other = _short(b"a" * 1_000_000), _short(b"a" * 999_999 + b"b")
    assert one != other
    assert one is not None
    assert len(one) < MAX_ID_BYTES + 100
    assert _short(b"short") == b"short"
    assert _short(None) is None
