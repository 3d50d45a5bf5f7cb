# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence: what is assembled from looks and NATS measurements, for each instance that must be seen."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _evidence
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso, plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject, digest

from tests.unit.plugins.plugin_utils.recorded import evidence, looks

AGENT, HOST = "network-expert", "dgx-1"
NAME = f"{AGENT}@{HOST}"
HEAD = {"rollout": "wave2", "attempt": 1, "gate": {"kind": "checkpoint", "name": "T+1h"}}
PROVEN = looks()[1]["instances"][AGENT]


def subject(**more: Any) -> Subject:
    values = {"role": "test", "since": parse_iso(PROVEN["started_at"]), "invocation": PROVEN["invocation_id"]}
    return Subject(AGENT, HOST, **{**values, **more})


def answer(look: dict[str, Any]) -> dict[str, Any]:
    return {"instances": look["instances"], "host": look["host"], "journal": look["journal"]}


def assembled(
    seen: list[dict[str, Any]], units: dict[str, Any] | None = None, corruption: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    found = _evidence.assemble(
        head=HEAD,
        subjects=[subject(**more)],
        units={HOST: answer(seen[-1])} if units is None else units,
        looks={HOST: seen},
        nats=[],
        corruption=list(corruption),
        now=parse_iso(looks()[-1]["received_at"]),
    )
    instance: dict[str, Any] = found["instances"][NAME]
    return instance


def changed(position: int, **values: Any) -> list[dict[str, Any]]:
    """The recorded looks, with values of the agent changed in all from a position on."""
    seen = looks()
    for look in seen[position:]:
        look["instances"][AGENT].update(copy.deepcopy(values))
    return seen


def test_a_well_instance() -> None:
    seen = assembled(looks())
    assert (seen["reason"], seen["active"], seen["same_process"], seen["unexpected_restarts"]) == (None, True, True, 0)
    assert seen["uptime"]["up_s"] == seen["uptime"]["total_s"] > 0
    assert (seen["errors"], seen["messages"] > 0, seen["gaps"]) == (0, True, [])


@pytest.mark.parametrize("state", ["", "somewhat", None])
def test_a_state_that_systemd_does_not_have_says_nothing(state: str | None) -> None:
    seen = assembled(changed(-1, active_state=state))
    assert (seen["active"], seen["unexpected_restarts"], seen["uptime"]["downs"]) == (None, 0, 0)


@pytest.mark.parametrize(
    ("state", "active"), [("active", True), ("refreshing", True), ("failed", False), ("maintenance", False)]
)
def test_systemds_own_states(state: str, active: bool) -> None:
    assert assembled(changed(-1, active_state=state))["active"] is active


def test_where_systemd_does_not_tell_its_restarts_nobody_knows_of_them() -> None:
    seen = assembled(changed(-1, restarts=None))
    assert (seen["same_process"], seen["unexpected_restarts"]) == (True, None)
    assert assembled(changed(-1, restarts=0))["unexpected_restarts"] == 0


def test_who_does_not_say_which_process_runs_may_have_restarted() -> None:
    seen = assembled(changed(-1, invocation_id=None))
    assert (seen["same_process"], seen["unexpected_restarts"]) == (None, None)


def test_growth_counts_from_the_first_look_at_the_process_that_runs() -> None:
    assert assembled(looks())["same_process_from"]["at"] == looks()[1]["at"]
    assert assembled(changed(4, invocation_id="another"))["same_process_from"]["at"] == looks()[4]["at"]


def test_another_process_is_a_restart_even_when_the_journal_has_lost_it() -> None:
    seen = assembled(changed(3, invocation_id="another"))
    assert (seen["same_process"], seen["unexpected_restarts"]) == (False, 1)


def test_control_may_restart_and_has_no_proof() -> None:
    seen = assembled(changed(3, invocation_id="another"), role="control", invocation=None)
    assert seen["unexpected_restarts"] == 0


def test_an_exit_in_the_journal_is_a_restart_and_down_time() -> None:
    seen = looks()
    lifecycle = seen[3]["instances"][AGENT]["log"]["lifecycle"]
    lifecycle.append({"event": "failed", "at": seen[2]["at"], "detail": "exit-code"})
    lifecycle.append({"event": "started", "at": seen[3]["at"], "detail": ""})
    found = assembled(seen)
    assert found["unexpected_restarts"] == 1
    assert found["uptime"]["up_s"] < found["uptime"]["total_s"]


@pytest.mark.parametrize(
    ("units", "reason", "message"),
    [
        ({HOST: {"unreachable": True, "msg": "no route"}}, "host_unreachable", "no route"),
        ({HOST: {"failed": True, "msg": "no python"}}, "tool_error", "no python"),
        ({HOST: {"skipped": True}}, "tool_error", "skipped"),
        ({HOST: {"changed": False}}, "tool_error", ""),
        ({}, "tool_error", "no result"),
    ],
    ids=["unreachable", "failed", "skipped", "empty", "absent"],
)
def test_a_host_that_did_not_answer_is_typed_for_each_of_its_instances(
    units: dict[str, Any], reason: str, message: str
) -> None:
    seen = assembled(looks(), units=units)
    assert seen["reason"] == reason
    assert message in seen["message"]


def test_an_answer_that_leaves_the_agent_out_is_a_tool_error() -> None:
    seen = looks()
    del seen[-1]["instances"][AGENT]
    assert assembled(seen)["reason"] == "tool_error"


def test_a_host_that_was_never_looked_at_has_nothing_to_show() -> None:
    seen = assembled([], units={HOST: {"unreachable": True, "msg": "away"}})
    assert (seen["reason"], "errors" in seen) == ("host_unreachable", False)


def test_signs_of_corruption_are_error_lines_that_match() -> None:
    base = {"count": 1, "recurring": False, "first_at": "a", "last_at": "a"}
    kinds = [
        {**base, "kind": "a", "level": "ERROR", "example": "snapshot checksum mismatch in state 7"},
        {**base, "kind": "b", "level": "INFO", "example": "checksum mismatch handled"},
        {**base, "kind": "c", "level": "PANIC", "example": "index out of bounds"},
    ]
    seen = looks()
    seen[3]["instances"][AGENT]["log"]["kinds"] = kinds
    assert assembled(seen, corruption=("(?i)checksum mismatch",))["corruption_signs"] == [kinds[0]["example"]]


def test_a_digest_is_never_nested_and_keeps_what_comparisons_need() -> None:
    short = digest(evidence())
    assert short is not None
    assert "baseline" not in short
    assert "previous" not in short
    assert digest(None) is None
    assert short["nats"] == evidence()["nats"]


def test_publications_count_since_the_agents_last_instance_was_proven() -> None:
    since = parse_iso(PROVEN["started_at"])
    later = plus(since, 60.0)
    subjects = [subject(), Subject(AGENT, "dgx-2", "test", later), Subject("other", HOST, "pending", since)]
    seen = {"legacy": 9, "unified": 9, "published": 10, "matched": 9}
    lines = [
        {"from": iso(since), "sample": {AGENT: seen}},
        {"from": iso(later), "sample": {AGENT: seen, "other": seen}},
        {"from": iso(later), "sample": None},
    ]
    document = _evidence.assemble(
        head=HEAD, subjects=subjects, units=None, looks={}, nats=[], nats_lines=lines, corruption=[], now=later
    )
    assert document["published"] == {AGENT: {"legacy": 10, "matched": 9}}


def test_how_many_lines_could_not_be_read_is_told() -> None:
    log = {**looks()[1]["instances"][AGENT]["log"], "lines": 50, "unparsed": 3, "unreadable": 2}
    seen = assembled(changed(1, log=log)[:2])
    assert (seen["lines"], seen["unparsed"], seen["unreadable"]) == (50, 3, 2)


def test_signs_found_on_the_host_count_without_an_example_of_a_kind() -> None:
    log = {
        **looks()[1]["instances"][AGENT]["log"],
        "kinds": [],
        "signs": {"(?i)corrupt": {"count": 9, "examples": ["a corrupt"]}},
    }
    assert assembled(changed(1, log=log), corruption=("(?i)corrupt",))["corruption_signs"] == ["a corrupt"]
    assert assembled(changed(1, log=log), corruption=("another",))["corruption_signs"] == []
