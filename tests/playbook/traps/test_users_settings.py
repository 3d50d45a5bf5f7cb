# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the user's own ansible.cfg change how a rollout looks, never what it does: plays set what matters."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.playbook.traps.wards import FIRST, HOSTS, Wards, on

ROOT = Path(__file__).resolve().parents[3]
#: What plays that leave it open take from the user's settings. A limit for every task would end each wait.
OF_PLAYS = {"gather_facts": False, "strategy": "linear", "any_errors_fatal": False, "timeout": 0}


def plays() -> list[tuple[str, dict[str, object]]]:
    paths = sorted([*ROOT.glob("playbooks/*.yml"), *ROOT.glob("playbooks/steps/*.yml")])
    return [(path.name, play) for path in paths for play in yaml.safe_load(path.read_text()) if "hosts" in play]


def test_every_play_says_what_it_needs() -> None:
    found = plays()
    assert len(found) >= 22
    assert {name: {key: play.get(key) for key in OF_PLAYS} for name, play in found} == {
        name: OF_PLAYS for name, _play in found
    }


def test_a_rollout_under_settings_that_would_break_it(tmp_path: Path) -> None:
    wards = Wards(tmp_path).seed()
    wards.settings = {
        "ANSIBLE_STRATEGY": "free",
        "ANSIBLE_ANY_ERRORS_FATAL": "true",
        "ANSIBLE_TASK_TIMEOUT": "1",
        "ANSIBLE_HASH_BEHAVIOUR": "merge",
        "ANSIBLE_GATHERING": "smart",
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts"),
        "ANSIBLE_RETRY_FILES_ENABLED": "true",
        "ANSIBLE_FORKS": "1",
        "ANSIBLE_FORCE_HANDLERS": "true",
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
        "ANSIBLE_STDOUT_CALLBACK": "minimal",
    }
    run = wards.open()
    assert run.status == 0, run.text
    # One of two hosts is away: the other one is changed all the same, and the next batch is not.
    wards.away = {"edge-b"}
    run = wards.deploy("first")
    assert run.status != 0
    decision, parts = wards.decided()
    assert (decision, parts["good"], parts["unreachable"]) == ("hold", on(FIRST, "edge-a"), on(FIRST, "edge-b")), (
        run.text
    )
    wards.away = set()
    run = wards.deploy("first")
    assert run.status == 0, run.text
    assert [name for name, value in wards.instances("value").items() if value == "both"] == on(FIRST, *HOSTS)
