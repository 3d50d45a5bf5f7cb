# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact accounting: every expected instance stands in exactly one list, with a reason where it is not good."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import (
    account,
    instance_id,
    refuse_stale,
    split_instance,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reasons import ALL, of_task_result
from hypothesis import given
from hypothesis import strategies as st

STATES = ("proven", "failed", "unchanged", "", None)
EXPECTED = [f"{agent}@h{number}" for number in (1, 2, 3) for agent in ("nix", "git")]
INSTANCE = st.fixed_dictionaries(
    {"state": st.sampled_from(STATES)},
    optional={"reason": st.sampled_from(["env_file_missing", "tool_error", None]), "message": st.text(max_size=5)},
)
ANSWER = st.dictionaries(st.sampled_from(["nix", "git", "other"]), INSTANCE)
RESULT: st.SearchStrategy[Any] = st.one_of(
    st.fixed_dictionaries({"instances": ANSWER}, optional={"failed": st.booleans()}),
    st.sampled_from([
        {"unreachable": True, "msg": "no route"}, {"unreachable": True}, {"failed": True, "msg": "boom"}, {"failed": True},
        {"skipped": True}, {"changed": False}, {}, None, "text", [],
    ]),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["h1", "h2", "h3", "h4"]), RESULT), st.sets(st.sampled_from(EXPECTED)))
def test_expected_is_always_good_plus_bad_plus_unreachable_plus_skipped(
    results: dict[str, Any], skipped: set[str]
) -> None:
    tally = account(EXPECTED, results, ("proven",), list(skipped))
    counted = [*tally.good, *tally.bad, *tally.unreachable, *tally.skipped]
    assert sorted(counted) == sorted(EXPECTED)
    assert set(tally.skipped) == skipped
    assert set(tally.why) == {*tally.bad, *tally.unreachable}
    assert set(tally.tool_errors) <= set(tally.bad)
    assert tally.complete == (sorted(tally.good) == sorted(EXPECTED))
    assert tally.to_dict()["expected"] == len(EXPECTED)


def test_a_module_that_failed_as_a_whole_is_our_fault_and_each_of_its_instances_bad() -> None:
    tally = account(["nix@h1", "git@h1"], {"h1": {"failed": True, "msg": "no python3"}}, ("proven",))
    assert tally.bad == tally.tool_errors == ["nix@h1", "git@h1"]
    assert tally.why["git@h1"] == "tool_error: no python3"


def test_an_agents_fault_is_not_ours() -> None:
    failed = {"state": "failed", "reason": "not_ready_in_time", "message": "30 s"}
    tally = account(["nix@h1"], {"h1": {"failed": True, "instances": {"nix": failed}}}, ("proven",))
    assert (tally.bad, tally.tool_errors, tally.why) == (["nix@h1"], [], {"nix@h1": "not_ready_in_time: 30 s"})


def test_an_instance_nobody_names_is_bad_and_our_fault() -> None:
    tally = account(["nix@h1"], {"h1": {"instances": {}}}, ("proven",))
    assert (tally.bad, tally.tool_errors) == (["nix@h1"], ["nix@h1"])


def test_the_text_names_everything_that_is_not_good() -> None:
    results = {
        "h1": {"instances": {"nix": {"state": "proven"}, "git": {"state": "failed"}}},
        "h2": {"unreachable": True},
    }
    tally = account(["nix@h1", "git@h1", "nix@h2", "git@h2"], results, ("proven",), ["git@h2"])
    assert tally.text() == "expected 4 = 1 good + 1 bad (git@h1) + 1 unreachable (nix@h2) + 1 skipped (git@h2)"


def test_names_of_instances_go_both_ways() -> None:
    assert split_instance(instance_id("network-expert", "dgx-1")) == ("network-expert", "dgx-1")


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (None, "tool_error"), ("text", "tool_error"), ({}, "tool_error"), ({"changed": True}, "tool_error"),
        ({"skipped": True}, "tool_error"), ({"failed": True}, "tool_error"), ({"unreachable": True}, "host_unreachable"),
        ({"instances": {}}, None), ({"failed": True, "instances": {}}, None), ({"unreachable": True, "instances": {}}, "host_unreachable"),
    ],
)  # fmt: skip
def test_only_an_answer_with_a_measurement_is_an_answer(result: Any, reason: str | None) -> None:
    seen, message = of_task_result(result)
    assert seen == reason
    assert seen is None or seen in ALL
    assert (message == "") or reason is not None


def kept(differs: bool) -> dict[str, Any]:
    return {"instances": {"nix": {"state": "kept", "differs": differs, "message": "/e/nix.env has changed since"}}}


@pytest.mark.parametrize(
    ("differs", "touched", "bad"), [(True, set(), ["nix@h1"]), (True, {"nix@h1"}, []), (False, set(), [])]
)
def test_a_kept_backup_is_stale_when_others_changed_the_file(differs: bool, touched: set[str], bad: list[str]) -> None:
    results = {"h1": kept(differs)}
    tally = account(["nix@h1"], results, ("kept",))
    refuse_stale(tally, results, touched)
    assert tally.bad == bad
    assert tally.complete == (not bad)
    assert all("backup_stale: /e/nix.env has changed since" in why for why in tally.why.values())


def test_a_stale_backup_says_nothing_about_the_agent() -> None:
    stale = {"instances": {"nix": {"state": "failed", "reason": "backup_stale", "message": ""}}}
    assert account(["nix@h1"], {"h1": stale}, ("proven",)).tool_errors == ["nix@h1"]
