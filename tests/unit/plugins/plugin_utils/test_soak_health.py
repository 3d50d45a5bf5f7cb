# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who was not healthy since a soak began."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso, plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._soak_health import unwell

from tests.unit.plugins.plugin_utils.recorded import evidence, looks

AGENT, PEER = "network-expert", "nix-expert"
NAME = f"{AGENT}@dgx-1"


def kind(name: str) -> dict[str, Any]:
    at = "2026-11-20T11:33:00+00:00"
    return {
        "kind": name,
        "level": "ERROR",
        "count": 2,
        "first_at": at,
        "last_at": at,
        "recurring": False,
        "example": name,
    }


def story(**errors: str) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """The recorded evidence, and looks whose last one shows two errors of the given kind for each named agent of dgx-1."""
    seen = {"dgx-1": copy.deepcopy(looks())}
    for look in seen["dgx-1"]:
        for item in look["instances"].values():
            item["log"].update(errors=0, panics=0, kinds=[], lifecycle=[])
    for agent, name in errors.items():
        log = seen["dgx-1"][-1]["instances"][agent.replace("_", "-")]["log"]
        log.update(errors=2, kinds=[kind(name)])
    return evidence(), seen


def test_a_quiet_soak_is_a_healthy_one() -> None:
    assert unwell(*story(), None) == []


def test_an_error_of_its_own_makes_it_unwell() -> None:
    assert unwell(*story(network_expert="agent: oops"), None) == [NAME]


def test_what_control_shows_as_well_says_nothing_about_the_change() -> None:
    assert unwell(*story(network_expert="agent: no route", nix_expert="agent: no route"), None) == []
    assert unwell(*story(network_expert="agent: oops", nix_expert="agent: no route"), None) == [NAME]


def test_what_was_before_the_soak_is_not_asked() -> None:
    document, seen = story(network_expert="agent: oops")
    after = plus(parse_iso(seen["dgx-1"][-1]["at"]), 1.0)
    assert unwell(document, seen, after) == []


def test_one_that_is_down_is_unwell_whatever_its_log_says() -> None:
    document, seen = story()
    document["instances"][NAME]["active"] = False
    assert unwell(document, seen, None) == [NAME]
    document, seen = story()
    at = seen["dgx-1"][-1]["at"]
    seen["dgx-1"][-1]["instances"][AGENT]["log"]["lifecycle"] = [
        {"at": at, "event": "exited", "detail": "", "invocation_id": "x"}
    ]
    assert unwell(document, seen, None) == [NAME]
