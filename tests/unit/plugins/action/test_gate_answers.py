# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gate takes for the answers of its own look: variables that were registered stay with a host for the whole run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.action import gate
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._skips import Skip, Skips

from tests.unit.plugins.plugin_utils.recorded import at

HOSTS = ["dgx-1", "dgx-2", "dgx-3"]


def answers(
    registered: dict[str, Any], batch: list[str], asked: list[str], skips: Skips | None = None
) -> dict[str, Any]:
    hostvars = {host: {"units": registered[host]} if host in registered else {} for host in HOSTS}
    context: Any = SimpleNamespace(
        in_play=HOSTS,
        batch=batch,
        variables={"hostvars": hostvars},
        clock=SimpleNamespace(skips=skips or Skips()),
        counted_s=60.0,
    )
    made = gate.ActionModule.__new__(gate.ActionModule)
    return made._units(context, "units", asked)


def looped(*rows: tuple[str, str]) -> dict[str, Any]:
    return {"results": [{"item": host, "at": when} for host, when in rows]}


def test_a_look_of_an_earlier_phase_is_no_answer_of_this_one() -> None:
    """The last batch of the phase before looked at two hosts, from the host that is changed last."""
    registered = {
        "dgx-2": looped(("dgx-1", "now")),
        "dgx-3": looped(("dgx-1", "an hour ago"), ("dgx-2", "an hour ago")),
    }
    found = answers(registered, batch=["dgx-2"], asked=["dgx-1"])
    assert {host: each["at"] for host, each in found.items()} == {"dgx-1": "now"}
    assert answers(registered, batch=["dgx-1"], asked=["dgx-1"]) == {}


def test_a_task_for_each_host_has_an_answer_of_each_also_of_those_that_failed_since() -> None:
    registered = {"dgx-1": {"at": "now"}, "dgx-2": {"unreachable": True}, "dgx-3": {"skipped": True}}
    assert set(answers(registered, batch=["dgx-1"], asked=HOSTS)) == {"dgx-1", "dgx-2"}


def test_what_hosts_tell_is_in_the_plans_time_also_by_item() -> None:
    """An hour was skipped at second 100."""
    skips = Skips((Skip(at(100), 3600.0),))
    registered = {"dgx-2": looped(("dgx-1", iso(at(150)))), "dgx-3": {"at": iso(at(50)), "note": iso(at(150))}}
    found = answers(registered, batch=["dgx-2"], asked=[], skips=skips)
    assert found["dgx-1"]["at"] == iso(at(3750))
    assert found["dgx-3"] == {"at": iso(at(50)), "note": iso(at(150))}


def test_check_mode_says_no_go_of_what_nobody_looked_at() -> None:
    made = gate.ActionModule.__new__(gate.ActionModule)
    made._task = SimpleNamespace(check_mode=True)
    context: Any = None  # nothing of it is read, and nothing written
    asked = {"gate": "look", "order": {}}
    assert made.act(context, asked) == {
        "decision": "none",
        "measured": False,
        "msg": "look is not judged: check mode measures nothing",
    }
