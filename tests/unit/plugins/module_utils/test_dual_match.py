# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dual publications: what counts as matched, and that the edges of a window make no false mismatch."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _dual_match as dual
from hypothesis import given, settings
from hypothesis import strategies as st

L, U = dual.LEGACY, dual.UNIFIED


def match(*seen: tuple[int, str, float], before: tuple[tuple[int, str, float], ...] = (), limit: int = 1000) -> dict:
    """A window from 100 to 200 s on agent x; publications as (side, conversation, time)."""
    one = dual.DualMatch(["x", "idle"], max_conversations=limit)
    for side, conversation, at in before:
        one.seen(side, "x", conversation.encode(), at)
    one.begin(200.0, 100.0)
    for side, conversation, at in seen:
        one.seen(side, "x", conversation.encode(), at)
    return one.result()


def test_three_instances_match_three_times() -> None:
    found = match(
        (L, "c", 110.0), (U, "c", 110.002), (L, "c", 111.0), (L, "c", 111.001), (U, "c", 111.004), (U, "c", 111.006)
    )
    row = found["agents"]["x"]
    assert (row["legacy"], row["unified"], row["matched"], row["success_pct"], row["conversations"]) == (
        3,
        3,
        3,
        100.0,
        1,
    )
    assert row["gap_p50_ms"] == pytest.approx(4.0) and row["gap_p99_ms"] == pytest.approx(5.0)
    assert found["unmatched"] == []


def test_one_missing_instance_shows() -> None:
    found = match((L, "c", 110.0), (U, "c", 110.0), (L, "c", 110.0), (L, "d", 110.0), (U, "d", 110.0), (U, "d", 110.0))
    row = found["agents"]["x"]
    # A surplus in one conversation never makes up for a gap in another.
    assert (row["legacy"], row["unified"], row["matched"], row["unified_only"]) == (3, 3, 2, 1)
    assert row["success_pct"] == pytest.approx(200 / 3)
    assert {entry["conversation"] for entry in found["unmatched"]} == {"c", "d"}


def test_without_publications_there_is_no_percentage() -> None:
    row = match()["agents"]["idle"]
    assert row["success_pct"] is None and row["gap_p50_ms"] is None


def test_unified_only_is_no_success() -> None:
    row = match((U, "c", 110.0))["agents"]["x"]
    assert (row["success_pct"], row["unified_only"]) == (None, 1)


def test_a_pair_across_the_begin_counts_on_neither_side() -> None:
    row = match((U, "c", 100.001), (L, "c", 110.0), (U, "c", 110.0), before=((L, "c", 99.999),))["agents"]["x"]
    assert (row["legacy"], row["unified"], row["unified_only"], row["success_pct"]) == (1, 1, 0, 100.0)


def test_a_complete_pair_before_the_window_leaves_nothing_owing() -> None:
    row = match((L, "c", 110.0), before=((L, "c", 99.0), (U, "c", 99.1)))["agents"]["x"]
    assert (row["legacy"], row["matched"]) == (1, 0)


def test_a_legacy_publication_at_the_end_is_not_judged() -> None:
    row = match((L, "c", 199.5), (L, "d", 198.9), (U, "d", 199.9))["agents"]["x"]
    assert (row["legacy"], row["matched"], row["edge"], row["success_pct"]) == (1, 1, 1, 100.0)


def test_a_legacy_publication_well_before_the_end_is_judged() -> None:
    assert match((L, "c", 198.9))["agents"]["x"]["success_pct"] == 0.0


def ended_at(end: float, *seen: tuple[int, str, float]) -> dict:
    """As `match`, of a window that ends before its time; what comes later is seen after that is known."""
    one = dual.DualMatch(["x"])
    one.begin(200.0, 100.0)
    for side, conversation, at in (each for each in seen if each[2] <= end):
        one.seen(side, "x", conversation.encode(), at)
    one.end_at(end)
    for side, conversation, at in (each for each in seen if each[2] > end):
        one.seen(side, "x", conversation.encode(), at)
    return one.result()["agents"]["x"]


def test_a_window_that_ends_early_waits_for_second_halves_and_judges_no_later_first_one() -> None:
    row = ended_at(120.0, (L, "a", 119.9), (U, "a", 120.1), (L, "b", 120.05), (U, "b", 120.06), (L, "c", 120.1))
    assert (row["legacy"], row["matched"], row["edge"], row["success_pct"]) == (1, 1, 2, 100.0)
    assert row["unified_only"] == 0


def test_one_that_lost_a_second_half_before_an_early_end_says_so() -> None:
    row = ended_at(120.0, (L, "a", 110.0), (L, "b", 110.0), (U, "b", 110.1))
    assert (row["legacy"], row["matched"], row["success_pct"]) == (2, 1, 50.0)


def test_a_window_that_ends_within_its_last_moments_judges_up_to_there() -> None:
    """What came before that was known stays out; it was begun as if the window had gone on."""
    row = ended_at(199.5, (L, "a", 198.9), (U, "a", 198.9), (L, "b", 199.2), (U, "b", 199.3), (U, "c", 199.6))
    assert (row["legacy"], row["matched"], row["edge"], row["unified_only"]) == (1, 1, 1, 1)


def test_the_grace_shrinks_with_the_window() -> None:
    assert dual.grace_s(300.0) == 1.0
    assert dual.grace_s(2.0) == pytest.approx(0.1)


def test_the_cap_is_said() -> None:
    found = match((L, "a", 110.0), (L, "b", 110.0), (U, "b", 110.0), (U, "a", 110.0), limit=1)
    assert found["capped"] and found["untracked"] == 2
    assert found["agents"]["x"]["matched"] == 1


def test_publications_without_id_are_reported_apart() -> None:
    one = dual.DualMatch(["x"])
    one.seen_without_id(L, "x")
    one.begin(200.0, 100.0)
    one.seen_without_id(U, "x")
    assert one.result()["agents"]["x"]["without_id"] == {"legacy": 0, "unified": 1}


def test_one_sided_publishing_keeps_memory_bounded() -> None:
    one = dual.DualMatch(["x"])
    one.begin(200.0, 100.0)
    for _n in range(1000):
        one.seen(L, "x", b"c", 110.0)
    assert len(next(iter(one._conversations.values())).waiting) <= dual._MAX_WAITING
    assert one.result()["agents"]["x"]["legacy"] == 1000


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([L, U]), st.sampled_from("abc"), st.floats(100.0, 198.0)), max_size=60))
def test_the_formula(seen: list[tuple[int, str, float]]) -> None:
    row = match(*seen)["agents"]["x"]
    per = {c: [sum(1 for s, k, _t in seen if k == c and s == side) for side in (L, U)] for c in "abc"}
    legacy = sum(n for n, _m in per.values())
    matched = sum(min(pair) for pair in per.values())
    assert (row["legacy"], row["matched"]) == (legacy, matched)
    assert row["success_pct"] == (100.0 * matched / legacy if legacy else None)
    assert row["unified_only"] == sum(max(0, m - n) for n, m in per.values())


def test_what_is_judged_is_paired_once_its_second_half_came() -> None:
    one = dual.DualMatch(["x"])
    one.begin(200.0, 100.0)
    assert one.is_paired()
    one.seen(L, "x", b"a", 110.0)
    assert not one.is_paired()
    one.end_at(120.0)
    # A first half after the end is not judged, so nobody waits for its second one.
    one.seen(L, "x", b"b", 121.0)
    one.seen(U, "x", b"a", 122.0)
    assert one.is_paired()


def test_only_second_halves_of_those_that_publish_twice_are_waited_for() -> None:
    one = dual.DualMatch(["changed", "control"])
    one.begin(200.0, 100.0)
    one.seen(L, "control", b"a", 110.0)
    assert not one.is_paired()
    assert one.is_paired(["changed"])
    assert one.is_paired([])
    one.seen(L, "changed", b"a", 111.0)
    assert not one.is_paired(["changed"])
    one.seen(U, "changed", b"a", 112.0)
    assert one.is_paired(["changed"])
