# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who counts as good at a gate, and whom a rollback of scope `instance` takes back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.action import gate
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._gating import account
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import ROLLBACK, Decision

from tests.unit.plugins.plugin_utils.recorded import Story, evidence

NAME = "network-expert@dgx-1"


def counted(kind: str = "checkpoint", **values: Any) -> Any:
    document = evidence()
    document["gate"]["kind"] = kind
    document["instances"][NAME].update(values)
    return account(document)


@pytest.mark.parametrize("kind", ["verify", "look", "checkpoint"])
def test_an_instance_whose_process_nobody_proved_is_not_good(kind: str) -> None:
    tally = counted(kind, same_process=None)
    assert tally.bad == [NAME]
    assert tally.why[NAME].startswith("not proven")
    assert len(tally.good) == 5
    assert counted(kind, proven_invocation=None, same_process=None).bad == [NAME]


def test_before_the_change_nothing_is_proven_and_nothing_is_asked() -> None:
    assert counted("baseline", same_process=None, proven_invocation=None).complete
    assert counted("baseline", same_process=None, active=False).bad == [NAME]


@pytest.mark.parametrize("bad", [{"same_process": False}, {"active": False}, {"reason": "tool_error"}])
def test_what_was_bad_stays_bad(bad: dict[str, Any]) -> None:
    assert counted(**bad).bad == [NAME]


TOUCHED = [f"{agent}@dgx-{n}" for agent in ("network-expert", "tdd-expert") for n in (1, 2, 3)]
GROUPS = [{"name": "north", "hosts": ["dgx-1", "dgx-2"]}, {"name": "south"}]


def taken_back(*named: str, scope: str = "instance", phase: str | None = None) -> list[str]:
    state = Story().both_phases().add("preflight.passed", nats_groups=GROUPS).state()
    plan: Any = SimpleNamespace(rollback=SimpleNamespace(scope=scope))
    context: Any = SimpleNamespace(state=state, sure_plan=plan)
    return gate.ActionModule._scope(context, Decision(ROLLBACK, "bad", list(named)), phase)


def test_a_rollback_of_phases_takes_back_those_of_the_bad_ones() -> None:
    assert taken_back("network-expert@dgx-2", scope="phase") == TOUCHED[:3]
    assert taken_back("tdd-expert/north", scope="phase") == TOUCHED[3:]
    assert taken_back("dgx-2", scope="phase") == TOUCHED


def test_a_rollback_of_phases_that_names_nobody_takes_back_that_of_the_gate() -> None:
    assert taken_back(scope="phase", phase="network-expert") == TOUCHED[:3]
    assert taken_back(scope="phase") == TOUCHED[3:]


def test_a_rollback_of_instances_takes_back_those_that_are_named() -> None:
    assert taken_back(NAME) == [NAME]
    assert taken_back("tdd-expert") == TOUCHED[3:]
    assert taken_back("dgx-2") == ["network-expert@dgx-2", "tdd-expert@dgx-2"]
    assert taken_back("tdd-expert/north") == ["tdd-expert@dgx-1", "tdd-expert@dgx-2"]
    assert taken_back("tdd-expert/gone") == TOUCHED[3:]


def test_a_rollback_that_names_nobody_takes_all_back() -> None:
    assert taken_back() == taken_back("nobody@dgx-9") == TOUCHED
