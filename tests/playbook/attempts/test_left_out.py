# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that leaves tasks out ends badly instead of well with nothing done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.playbook.traps.wards import HERE, HOSTS, Wards

NAMED = {"rollout": "wards", "rollout_plan": str(HERE / "plan.yml"), "rollout_skip_waits": True, "phase": "first"}


@pytest.mark.parametrize(
    ("playbook", "words"),
    [
        ("preflight", ("--tags", "nothing")),
        ("preflight", ("--skip-tags", "untagged")),
        ("preflight", ("--tags", "nothing", "--check")),
        ("rollback", ("--tags", "nothing")),
        ("rollback", ("--start-at-task", "End well only when every instance is back")),
    ],
)
def test_nothing_is_done_and_said_to_be_well(tmp_path: Path, playbook: str, words: tuple[str, ...]) -> None:
    wards = Wards(tmp_path).seed()
    run = wards.play(f"playbooks/{playbook}.yml", "-e", json.dumps(NAMED), *words)
    assert run.status != 0, run.text
    assert "this run leaves tasks out" in " ".join(run.text.split())
    assert [wards.read(host)["asked"] for host in HOSTS] == [[], [], []]
    assert not list(tmp_path.glob("monitoring/ledger/*"))
