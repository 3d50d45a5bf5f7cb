# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account of an agent: buckets and totals are one."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch
from ansible_collections.cowboyai.rollout.plugins.module_utils._probe_account import Account, Asked
from hypothesis import given
from hypothesis import strategies as st

answers = st.lists(st.tuples(st.floats(0.0001, 5.0), st.booleans()), max_size=5)
# A request's bucket, its answers before and after it is settled, and whether it is settled at all.
requests = st.lists(st.tuples(st.integers(10, 13), answers, st.none() | answers), max_size=20)


@given(requests, st.integers(1, 3))
def test_buckets_add_up_to_the_totals(story: list[tuple[int, list, list | None]], expected: int) -> None:
    account = Account(expected, timeout_s=1.0)
    for index, before, after in story:
        asked = Asked(0, 0.0, index)
        account.sent += 1
        for latency, is_error in before:
            account.answer(asked, latency, "boom" if is_error else None)
        if after is None:
            continue
        account.settle(asked)
        for latency, is_error in after:
            account.answer(asked, latency, "boom" if is_error else None)
    row, rows = account.row(), account.buckets()
    sums = [sum(one[column] for one in rows) for column in (1, 2, 3, 4)]
    assert sums == [row["expected"], row["delivered"] + row["late"], row["late"], row["errors"]]
    assert all(late <= came <= asked and errors <= came for _index, asked, came, late, errors, _sketch in rows)
    assert all(_latency_sketch.count(sketch) == came for _index, _asked, came, _late, _errors, sketch in rows)
    assert row["samples"] == row["delivered"] + row["late"] == row["expected"] - row["lost"]
    assert [one[0] for one in rows] == sorted({index for index, _before, after in story if after is not None})
    assert row["unresolved"] == sum(after is None for _index, _before, after in story)


def test_what_is_not_settled_counts_nowhere() -> None:
    account = Account(2, timeout_s=1.0)
    asked = Asked(0, 0.0, 7)
    account.sent += 1
    account.answer(asked, 0.5, "boom")
    row = account.row()
    assert account.buckets() == []
    assert (row["expected"], row["delivered"], row["lost"], row["errors"], row["samples"]) == (0, 0, 0, 0, 0)
    assert (row["unresolved"], row["silent"], row["delivered_pct"]) == (1, False, None)
    account.settle(asked)
    assert account.buckets() == [[7, 2, 1, 0, 1, [[_latency_sketch.bin_of(0.5), 1]]]]


def test_late_answers_go_to_the_bucket_of_their_request() -> None:
    account = Account(1, timeout_s=1.0)
    early, later = Asked(0, 0.0, 3), Asked(0, 2.0, 5)
    for asked in (early, later):
        account.settle(asked)
    account.answer(later, 0.2)
    account.answer(early, 9.0)
    assert [one[:5] for one in account.buckets()] == [[3, 1, 1, 1, 0], [5, 1, 1, 0, 0]]
    assert (account.row()["delivered"], account.row()["late"], account.row()["full"]) == (1, 1, 1)


def test_without_buckets_there_are_none() -> None:
    account = Account(1, timeout_s=1.0)
    asked = Asked(0, 0.0)
    account.settle(asked)
    account.answer(asked, 0.2)
    assert (account.buckets(), account.row()["delivered"]) == ([], 1)


@pytest.mark.parametrize("answered, owed", [(0, True), (1, True), (2, False)])
def test_whether_answers_are_owed(answered: int, owed: bool) -> None:
    account = Account(2, timeout_s=1.0)
    asked = Asked(0, 0.0)
    account.settle(asked)
    for _answer in range(answered):
        account.answer(asked, 0.1)
    assert account.is_owed is owed


def test_what_agents_say_of_errors_is_kept_without_their_secrets_and_short() -> None:
    account = Account(1, timeout_s=1.0)
    for said in ("login failed: token=pl4nted", "to nats://u:pl4nted@h:1 " + "x" * 1_000_000):
        asked = Asked(0, 0.0)
        account.sent += 1
        account.settle(asked)
        account.answer(asked, 0.1, said)
    examples = account.row()["error_examples"]
    assert examples[0] == "login failed: token=********"
    assert examples[1].startswith("to nats://********@h:1 x")
    assert len(examples[1]) == 200
