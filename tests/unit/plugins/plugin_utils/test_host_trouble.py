# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts of a host's own trouble are told apart from those of the change."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._gating import account
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metrics import read

from tests.unit.plugins.plugin_utils.recorded import evidence

TEST, CONTROL = ("network-expert@dgx-1", "tdd-expert@dgx-1"), ("nix-expert@dgx-1", "qa-expert@dgx-1")
MINUTE = 60.0


def down(document: dict[str, Any], name: str, after: float, **more: Any) -> None:
    """Let an instance exit and come back so many seconds after its change."""
    item = document["instances"][name]
    # One moment for all: a minute after the last of them changed.
    moment = max(parse_iso(each["since"]).timestamp() for each in document["instances"].values()) + after
    since = parse_iso(item["since"])
    events = [
        {"at": iso(since.fromtimestamp(moment + later, tz=since.tzinfo)), "event": event, "detail": ""}
        for later, event in ((0.0, "exited"), (0.1, "failed"), (0.3, "started"))
    ]
    item["events"] = [*item["events"], *events]
    item["unexpected_restarts"] = item["unexpected_restarts"] + 1 if item["role"] == "test" else 0
    item.update(more)


@pytest.fixture
def document() -> dict[str, Any]:
    found = evidence()
    found.pop("series")
    for item in found["instances"].values():
        item["at"] = iso(parse_iso(item["at"]).replace(year=2027))
    found["time_scale"] = 1.0  # It was recorded by a version that scaled time.
    return found


def test_a_restart_of_its_own_counts(document: dict[str, Any]) -> None:
    down(document, TEST[0], MINUTE)
    found = read("unexpected_restarts", document)
    assert (found.value, found.by[TEST[0]], found.note) == (1.0, 1.0, "")


@pytest.mark.parametrize(("apart", "left"), [(0.0, 0.0), (50.0, 0.0), (-50.0, 0.0), (70.0, 2.0)])
def test_with_control_of_its_host_it_is_the_hosts_trouble(document: dict[str, Any], apart: float, left: float) -> None:
    for name in TEST:
        down(document, name, 200.0)
    for name in CONTROL:
        down(document, name, 200.0 + apart)
    found = read("unexpected_restarts", document)
    assert found.value == left
    assert found.note == ("" if left else "2 restarts left out, control on dgx-1 went down with them")
    assert found.missing == {}


def test_evidence_of_scaled_time_is_judged_by_what_units_need_to_stop(document: dict[str, Any]) -> None:
    document["time_scale"] = 900.0
    down(document, TEST[0], 200.0)
    for name in CONTROL:
        down(document, name, 201.5)
    assert read("unexpected_restarts", document).value == 0.0
    for name in CONTROL:
        document["instances"][name]["events"] = []
        down(document, name, 203.0)
    assert read("unexpected_restarts", document).value == 1.0
    document["series"] = {"bucket_s": 2.0}
    assert read("unexpected_restarts", document).value == 0.0


def test_control_elsewhere_excuses_nobody(document: dict[str, Any]) -> None:
    down(document, TEST[0], 200.0)
    for name in CONTROL:
        down(document, name.replace("dgx-1", "dgx-2"), 200.0)
    assert read("unexpected_restarts", document).value == 1.0


def test_one_of_two_control_instances_is_half_and_one_of_three_is_not(document: dict[str, Any]) -> None:
    down(document, TEST[0], 200.0)
    down(document, CONTROL[0], 200.0)
    assert read("unexpected_restarts", document).value == 0.0
    third = {**document["instances"][CONTROL[1]], "agent": "third"}
    document["instances"]["third@dgx-1"] = third
    assert read("unexpected_restarts", document).value == 1.0


def test_control_that_was_not_seen_excuses_nobody(document: dict[str, Any]) -> None:
    down(document, TEST[0], 200.0)
    for name in CONTROL:
        down(document, name, 200.0, reason="host_unreachable")
    assert read("unexpected_restarts", document).value == 1.0


def test_a_second_restart_without_control_stays(document: dict[str, Any]) -> None:
    down(document, TEST[0], 200.0)
    down(document, TEST[0], 900.0)
    for name in CONTROL:
        down(document, name, 200.0)
    assert read("unexpected_restarts", document).value == 1.0


def test_a_restart_that_nobody_saw_happen_is_its_own(document: dict[str, Any]) -> None:
    document["instances"][TEST[0]]["unexpected_restarts"] = 1
    for name in CONTROL:
        down(document, name, 200.0)
    assert read("unexpected_restarts", document).value == 1.0


@pytest.mark.parametrize(("with_control", "share", "good"), [(True, 100.0, 6), (False, 100.0 * 5 / 6, 5)])
def test_what_its_host_made_start_anew_still_runs_as_proven(
    document: dict[str, Any], with_control: bool, share: float, good: int
) -> None:
    down(document, TEST[0], MINUTE, same_process=False)
    for name in CONTROL if with_control else ():
        down(document, name, MINUTE)
    assert read("instances_proven", document).value == pytest.approx(share)
    assert len(account(document).good) == good
    document["instances"][TEST[0]]["active"] = False
    assert read("instances_proven", document).value == pytest.approx(100.0 * 5 / 6)
