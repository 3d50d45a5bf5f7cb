# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process is proven by all that is asked of it: nothing that it does not show is taken for shown."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_change

ON = {"FLAG": "true"}


def changed(host, env=None, **proof):
    return _agent_change.change(host, [host.instance("a", env or ON, **proof)])["instances"]["a"]


@pytest.mark.parametrize("missing", ["FLAG", "ADDED"])
def test_a_process_that_lacks_the_key_is_not_proven(host, monkeypatch, missing):
    host.add("a")
    start = host.start
    monkeypatch.setattr(host, "start", lambda unit: (start(unit), unit.environ.pop(missing))[0])
    one = changed(host, {"FLAG": "true", "ADDED": "1"}, log=None)
    assert (one["state"], one["reason"], one["proof"]["environ"]) == ("failed", "environ_mismatch", False)
    assert missing in one["message"]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_subscription_of_several_that_is_not_there_is_named(host, position):
    host.add("a")
    asked = ["agent.to.a.>", "agent.to.a.>.longer"]
    asked.insert(position, "agent.broadcast.>")
    one = changed(host, subscriptions=asked)
    assert (one["state"], one["reason"]) == ("failed", "subscription_missing")
    assert one["proof"]["subscriptions"] == {
        "agent.to.a.>": True,
        "agent.to.a.>.longer": True,
        "agent.broadcast.>": False,
    }
    assert "agent.broadcast.>" in one["message"]


def test_all_subscriptions_of_several_are_enough(host):
    host.add("a")
    assert changed(host, subscriptions=["agent.to.a.>.longer", "agent.to.a.>"])["state"] == "proven"
