# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan may set a key or a password: it reaches the hosts, and no file of the controller."""

from __future__ import annotations

import json

from ansible_collections.cowboyai.rollout.plugins.action.step import _holds_a_secret
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import plan_from_dict
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._start import without_secrets

from tests.unit.plugins.plugin_utils.recorded import plan


def test_the_ledger_gets_the_plan_without_them() -> None:
    change = plan().to_dict()["change"]
    env = {**change["env"], "API_TOKEN": "pl4nted", "DB_URL": "postgres://u:pl4nted@db/x"}
    mine = plan(change={**change, "env": env})
    shown = without_secrets(mine.to_dict())
    assert "pl4nted" not in json.dumps(shown)
    assert shown["change"]["env"]["ENABLE_UNIFIED_SUBJECTS"] == "true"
    # It is still a plan, for judging again; the digest that is recorded is the real one's.
    assert plan_from_dict(shown).agents() == mine.agents()
    assert mine.change.env["API_TOKEN"] == "pl4nted"
    assert without_secrets(plan().to_dict()) == plan().to_dict()


def test_an_order_with_a_secret_is_not_shown() -> None:
    def order(**env: str) -> dict[str, object]:
        return {"instances": {"dgx-1": [{"agent": "a", "env": env}]}}

    assert _holds_a_secret(order(API_TOKEN="x"))
    assert _holds_a_secret(order(URL="nats://u:p@h"))
    assert not _holds_a_secret(order(ENABLE_UNIFIED_SUBJECTS="true"))
    assert not _holds_a_secret({"instances": {"dgx-1": ["a"]}})
    assert not _holds_a_secret({})
