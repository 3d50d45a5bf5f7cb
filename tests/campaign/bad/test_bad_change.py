# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 2 once per fault that its change brings: which gate finds it, who goes back, and what the hosts are then."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.campaign.bad.parts import FIRST, HOSTS, SECOND, TEST, Parts
from tests.campaign.triggers import campaign
from tests.rollout.scenario.told import Told, accounted

NAME = "bad-change"
BOTH = FIRST | SECOND
#: What the agents may use in the part that fills it; a leak takes hours to be sure of (make triggers ARGS=leak).
ROOM = "64MB"
FAULTS = {
    "crash_after": (TEST[0], "crash_after=5"),
    "errors": (TEST[0], "errors=5%"),
    "drop": (TEST[0], "drop=20%"),
    "late": (TEST[0], "late=150ms"),
    "legacy_only": (TEST[0], "legacy_only"),
    "full": (TEST[0], "fill=56MB"),
    "second_phase": (TEST[1], "errors=5%"),
}

#: part -> (criteria and triggers of which one must have decided, instances that had been touched by then).
CAUGHT = {
    "crash_after": ({"agent_crash", "instances_proven", "deploy"}, FIRST),
    "errors": ({"error_rate", "errors"}, FIRST),
    "drop": ({"message_loss", "message_delivery"}, FIRST),
    "late": ({"much_slower"}, FIRST),
    "legacy_only": ({"dual_publish_success"}, FIRST),
    "full": ({"memory_exhausted"}, FIRST),
    "second_phase": ({"error_rate", "errors"}, BOTH),
}


Tell = Callable[[str], Told]


def act(story: Parts, part: str) -> None:
    agent, spec = FAULTS[part]
    story.tool("reset")
    story.start(part)
    if part == "full":
        for host in HOSTS:
            story.tool("trouble", "--host", host, "limit", agent, ROOM)
    story.tool("fault", agent, spec)
    story.wave2(part)
    story.tool("fault", "clear")
    if part == "full":
        for host in HOSTS:
            story.tool("trouble", "--host", host, "clear")


@pytest.fixture(scope="module")
def told() -> Iterator[Tell]:
    with campaign.fleets([NAME]):
        story = Parts(NAME, NAME)
        for part in FAULTS:
            act(story, part)
        yield story.told


@pytest.mark.parametrize("part", CAUGHT)
def test_the_run_ends_with_an_error_and_says_rolled_back(told: Tell, part: str) -> None:
    assert told(part).status(part) != 0
    assert told(part).outcome("wave2") == "ROLLED BACK"
    assert "DECISION ROLLED BACK wave2" in told(part).output(part)


@pytest.mark.parametrize("part", CAUGHT)
def test_the_gate_names_what_the_fault_breaks(told: Tell, part: str) -> None:
    gate = told(part).last_gate("wave2")
    assert gate["decision"] == "rollback"
    causes = set(gate.get("causes") or ["deploy"])
    assert causes & CAUGHT[part][0], causes
    if part != "crash_after":
        verdicts = told(part).verdicts("wave2", gate["name"])
        assert {verdicts[cause]["verdict"] for cause in causes} == {"fail"}


@pytest.mark.parametrize("part", CAUGHT)
def test_everything_touched_goes_back_and_is_counted(told: Tell, part: str) -> None:
    back = told(part).of_kind("wave2", "rollback.done")
    assert len(back) == 1
    parts = accounted(back[0]["accounting"])
    begun = {name for batch in told(part).of_kind("wave2", "batch.started") for name in batch["instances"]}
    assert set(parts["good"]) == begun
    # On a slow machine the first host has crashed before the next one is changed.
    assert begun == CAUGHT[part][1] or (part == "crash_after" and begun < CAUGHT[part][1])
    assert parts["bad"] == parts["unreachable"] == parts["skipped"] == []


@pytest.mark.parametrize("part", CAUGHT)
def test_hosts_are_as_before(told: Tell, part: str) -> None:
    before, now = told(part).look(f"{part}.before"), told(part).look(part)
    assert len(before) == 12
    for name, was in before.items():
        assert now[name].file == was.file, name
        assert (now[name].active, now[name].flag) == (True, "false"), name
        if name not in CAUGHT[part][1]:
            assert now[name].untouched == was.untouched, name


def test_one_slow_window_is_looked_at_again_before_anything_goes_back(told: Tell) -> None:
    gates = told("late").of_kind("wave2", "gate.decided")
    assert [(gate["decision"], gate["causes"]) for gate in gates] == [
        ("hold", ["much_slower"]),
        ("rollback", ["much_slower"]),
    ]


def test_a_bad_second_phase_takes_the_first_one_back_as_well(told: Tell) -> None:
    gates = told("second_phase").gates("wave2")
    assert ("verify", "verify-network-expert", "go") in gates
    assert gates[-1][2] == "rollback"
