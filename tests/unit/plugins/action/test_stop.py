# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stopping all rollouts: one that can't be stopped is named, and keeps no other one going."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.action import stop
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError

from tests.unit.plugins.action.test_guarded_steps import action
from tests.unit.plugins.plugin_utils.recorded import at

ASKED: dict[str, Any] = {"reason": "errors in the shop", "stop_with": "", "lift": False}


def context(folder: Path, rollout: str) -> Context:
    return Context({"rollout": rollout, "rollout_monitoring_dir": str(folder)}, needs_plan=False, run="run-1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three open rollouts."""
    for name in ("autumn", "spring", "winter"):
        data = {"hosts": ["host-1"], "agents": ["a"], "plan": {}}
        context(tmp_path, name).record("rollout.started", data, at(0), attempt=1)
    return tmp_path


def kinds(folder: Path, rollout: str) -> list[str]:
    return [record.kind for record in context(folder, rollout).records]


def test_a_ledger_that_cannot_be_read_keeps_no_other_rollout_going(folder: Path) -> None:
    ledger = folder / "ledger" / "spring.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"host-1"', b'"host-2"'))
    done = action(stop).act(context(folder, "all"), ASKED)
    assert (done["failed"], done["rollouts"]) == (True, ["autumn", "winter"])
    assert "spring: NOT stopped, as it can't be read" in done["msg"]
    assert [kinds(folder, name)[-1] for name in ("autumn", "winter")] == ["line.stopped"] * 2


def test_a_record_that_fails_keeps_no_other_rollout_going(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Context.record

    def fails(one: Context, *given: Any, **more: Any) -> Any:
        if one.rollout == "autumn":
            raise StepError("the disk is full")
        return record(one, *given, **more)

    monkeypatch.setattr(Context, "record", fails)
    done = action(stop).act(context(folder, "all"), ASKED)
    assert (done["failed"], done["rollouts"]) == (True, ["spring", "winter"])
    assert "autumn: NOT stopped: the disk is full" in done["msg"]


def test_all_are_stopped(folder: Path) -> None:
    done = action(stop).act(context(folder, "all"), ASKED)
    assert (done.get("failed"), done["rollouts"]) == (None, ["autumn", "spring", "winter"])
