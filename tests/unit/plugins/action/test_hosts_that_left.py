# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback when a changed host has left the inventory: it counts as not back, unless a person chose hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.action import step, tally
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _fencing
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context

from tests.unit.plugins.action.test_guarded_steps import PHASE, action, context_of
from tests.unit.plugins.plugin_utils.recorded import HOSTS, Story

LEFT = HOSTS[-1]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """All three hosts were changed; the inventory has two of them now."""
    made = context_of(tmp_path, Story().prepared().deployed(PHASE))
    made.variables.update(ansible_play_hosts_all=HOSTS[:-1], groups={"all": HOSTS[:-1]})
    return made


def ordered(monkeypatch: pytest.MonkeyPatch, context: Context, **variables: Any) -> dict[str, Any]:
    monkeypatch.setattr(step, "hold", lambda *_args, **_more: None)
    monkeypatch.setattr(_fencing, "fence", lambda *_args: {})
    context.variables.update(variables)
    return dict(action(step)._rollback(context, {"forced": True}))


def test_it_is_asked_for_and_counts_as_unreachable(monkeypatch: pytest.MonkeyPatch, context: Context) -> None:
    order = ordered(monkeypatch, context)
    assert order["named"] == [f"{PHASE}@{host}" for host in HOSTS]
    back = {"instances": {PHASE: {"state": "restored", "after": {"sha256": "x"}, "changed": True}}}
    done = action(tally)._rollback(context, {"order": order}, dict.fromkeys(HOSTS[:-1], back))
    assert done["complete"] is False
    assert any(f"{PHASE}@{LEFT}: this host has left the inventory" in line for line in done["msg"])
    assert context.state.rolled_back["left"] == [f"{PHASE}@{LEFT}"]


def test_a_person_who_limits_hosts_is_not_asked_about_others(monkeypatch: pytest.MonkeyPatch, context: Context) -> None:
    order = ordered(monkeypatch, context, ansible_play_hosts_all=HOSTS[:1])
    assert order["named"] == [f"{PHASE}@dgx-1"]
