# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit that may stop slowly must fit into the times after which hosts go back, and a rollback must be done."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _confirming, _stop_times

from tests.unit.plugins.plugin_utils.recorded import Story, plan

FIRST = "network-expert"


def units(stop_s: float | None, agent: str = FIRST) -> dict[str, Any]:
    quick = {"network-expert": {"stop_timeout_s": 10.0}, "tdd-expert": {"stop_timeout_s": 10.0}}
    return {"dgx-1": {"instances": quick}, "dgx-2": {"instances": {**quick, agent: {"stop_timeout_s": stop_s}}}}


def of(rollback: dict[str, Any]) -> Any:
    return plan(rollback={"when": [], "on": [], **rollback})


def test_what_fits_is_no_finding_and_is_remembered() -> None:
    assert _stop_times.check(plan(), 3, units(90.0)) == ([], 90.0)
    assert _stop_times.check(plan(), 3, {"dgx-1": {"unreachable": True}, "dgx-2": None}) == ([], 0.0)


def test_a_rollback_that_may_take_longer_than_the_plan_gives_it() -> None:
    (found,), _longest = _stop_times.check(of({"within": "2m"}), 3, units(91.0))
    assert found.stops
    assert found.text().startswith(f"{FIRST}@dgx-2: time to stop: seen TimeoutStopSec of 1m31s, and 30s")
    assert "2m (rollback.within)" in found.text()
    assert _stop_times.check(of({"within": "2m"}), 3, units(90.0))[0] == []


def test_hosts_that_would_put_themselves_back_while_all_is_well() -> None:
    # 3 batches of 30 s, 2 staggers of 30 s, 10 min and 1 min of verify, 1 min of our own: 14m30s, and 3 stops.
    (found,), _longest = _stop_times.check(of({"confirm_within": "16m"}), 3, units(31.0))
    assert found.stops
    assert "16m (rollback.confirm_within)" in found.text()
    assert _stop_times.check(of({"confirm_within": "16m"}), 3, units(30.0))[0] == []
    assert _stop_times.check(of({"confirm_within": "16m"}), 3, units(31.0), guarded=False)[0] == []


def test_one_without_a_limit_is_told() -> None:
    (found,), stop_s = _stop_times.check(of({"confirm_within": "16m"}), 3, units(None))
    assert (found.stops, stop_s) == (False, 10.0)
    assert found.on == f"{FIRST}@dgx-2"
    (found,), stop_s = _stop_times.check(plan(), 3, units(7200.0))
    assert (found.stops, stop_s) == (False, 10.0)


def test_a_guard_waits_for_what_preflight_saw() -> None:
    story = Story().started().add("preflight.passed", accepted=[], nats_groups=[], stop_s=90.0)
    assert story.state().stop_s == 90.0
    assert _confirming.within_s(plan(), FIRST, 3, stop_s=90.0) == 3 * (90 + 30) + 2 * 30 + 600 + 60 + 60
    assert Story().prepared().state().stop_s == 0.0
