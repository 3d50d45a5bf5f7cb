# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller that can write no more says so in a sentence, and how the change is taken back all the same."""

from __future__ import annotations

from pathlib import Path

from tests.playbook.traps.wards import FIRST, HOSTS, Wards, on


def test_a_ledger_that_can_not_grow_any_more(tmp_path: Path) -> None:
    wards = Wards(tmp_path).seed()
    assert wards.open().status == 0
    assert wards.deploy("first").status == 0
    ledger = wards.folder / "monitoring" / "ledger" / "wards.jsonl"
    before = ledger.read_bytes()
    # As a full disk does, but for the ledger alone.
    wards.largest_file = len(before)
    for run in (wards.deploy("second"), wards.act("playbooks/rollback.yml")):
        said = " ".join(run.text.split())
        assert run.status != 0
        assert str(ledger) in said
        assert "start the same command again" in said
        assert (
            "-e rollout_monitoring_dir=<an empty folder on another disk> -e rollout_backup_dir=/srv/ward/kept/wards"
            in said
        )
        assert "fault of its own" not in said
        assert "Traceback" not in said
    assert ledger.read_bytes()[: len(before)] == before
    assert [name for name, value in wards.instances("value").items() if value == "both"] == on(FIRST, *HOSTS)
    # The way that it names, one agent at a time as far as these hosts can tell.
    way = {"rollout_monitoring_dir": str(tmp_path / "elsewhere"), "rollout_backup_dir": "/srv/ward/kept/wards"}
    wards.largest_file = None
    for agent in FIRST:
        run = wards.act("playbooks/rollback.yml", agent=agent, **way)
        assert run.status == 0, run.text
    assert [name for name, value in wards.instances("value").items() if value == "both"] == []
