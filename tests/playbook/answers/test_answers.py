# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to surveys as AWX writes them (`!unsafe 'false'`), which ansible-core resolves anew: each playbook takes them for what was answered."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger

from tests.playbook.awx.extra_vars import awx_file
from tests.playbook.observability.ledgers import NAMES, ROOT, Told
from tests.playbook.observability.terminal import environment
from tests.playbook.observability.test_status import Fleet


class Jobs:
    """Jobs on hosts that nobody can reach; who tries is written down."""

    def __init__(self, folder: Path) -> None:
        self.fleet, self.folder = Fleet(folder), folder
        self.told = Told(self.fleet.monitoring, "wave2", start=datetime.now(UTC))

    def run(self, playbook: str, answers: dict[str, Any], **template: Any) -> tuple[int, str]:
        """(exit status, output)"""
        told = {"rollout_monitoring_dir": str(self.fleet.monitoring), **template}
        path = self.folder / "extravars"
        path.write_text(awx_file({"awx_job_id": 7, "awx_user_name": "0123", **answers}, told))
        done = subprocess.run(
            ["ansible-playbook", "-i", str(self.fleet.inventory), f"playbooks/{playbook}.yml", "-e", f"@{path}"],
            cwd=ROOT, env=environment(TERM="dumb"), capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def last(self) -> Any:
        return Ledger(self.fleet.monitoring / "ledger" / "wave2.jsonl").read()[-1]


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path)


def test_the_file_is_one_of_which_ansible_loses_the_types(tmp_path: Path) -> None:
    """The counterproof: when this fails, ansible-core keeps texts and the door could become smaller."""
    (tmp_path / "extravars").write_text(awx_file({"a": "no", "b": "0123", "c": "", "d": "1.10"}))
    play = tmp_path / "play.yml"
    task = {
        "ansible.builtin.copy": {
            "content": "{{ [a, b, c, d] | to_json }}",
            "dest": str(tmp_path / "seen"),
            "mode": "0600",
        }
    }
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    words = ["-i", "localhost,", "-c", "local", str(play), "-e", f"@{tmp_path / 'extravars'}"]
    subprocess.run(
        ["ansible-playbook", *words, "-e", json.dumps({"ansible_python_interpreter": sys.executable})],
        cwd=ROOT, env=environment(), check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    assert json.loads((tmp_path / "seen").read_text()) == [False, 83, None, 1.1]


@pytest.mark.parametrize(("live", "asked"), [("false", False), ("no", False), ("true", True), ("", True)])
def test_a_status_asks_the_hosts_when_it_shall(jobs: Jobs, live: str, asked: bool) -> None:
    jobs.told.between_checkpoints()
    status, output = jobs.run("status", {"rollout": "wave2", "live": live, "agent": ["nix-expert", "qa-expert"]})
    assert status == 0, output
    assert jobs.fleet.tried.exists() == asked, output


@pytest.mark.parametrize(
    "reason", ["no", "off", "0123", "1.10", "null", "2026-01-01", "12:30:45", " yes ", "{{ 1 + 1 }}", "a: b # c"]
)
def test_a_reason_is_kept_as_it_was_written(jobs: Jobs, reason: str) -> None:
    jobs.told.add("approval.requested", approval="decision", until="2099-01-01T00:00:00+00:00", otherwise="hold")
    status, output = jobs.run(
        "approve",
        {"rollout": "wave2", "decision": "no_go", "reason": reason, "approval": "", "rollout_shadow": "false"},
    )
    assert status == 0, output
    assert (jobs.last().kind, jobs.last().data["reason"]) == ("approval.given", reason.strip())
    # Who answered is a user of that name.
    assert jobs.last().by == "0123 (AWX job 7)"


def test_a_stop_and_its_lift(jobs: Jobs) -> None:
    jobs.told.between_checkpoints()
    for lift, kind in (("false", "line.stopped"), ("true", "line.lifted")):
        status, output = jobs.run("stop", {"rollout": "all", "reason": "no", "stop_with": "", "lift": lift})
        assert status == 0, output
        assert (jobs.last().kind, jobs.last().data["why"]) == (kind, "no")
    status, output = jobs.run("stop", {"rollout": "wave2", "reason": "", "stop_with": "hold", "lift": "false"})
    assert status == 2 and "why stop the line?" in output


def test_what_is_neither_yes_nor_no_is_refused_by_name(jobs: Jobs) -> None:
    jobs.told.between_checkpoints()
    before = jobs.last().seq
    for playbook, name in (("status", "live"), ("stop", "lift"), ("rollback", "rollout_shadow")):
        status, output = jobs.run(playbook, {"rollout": "wave2", "reason": "x", name: "flase"})
        assert status != 0
        assert f"{name}: seen 'flase', expected true or false" in " ".join(output.split()), output
    assert jobs.last().seq == before
    assert not jobs.fleet.tried.exists()


@pytest.mark.parametrize("name", ["rollout", "phase", "checkpoint", "approval"])
def test_an_empty_answer_that_would_win_over_the_playbook_is_refused(jobs: Jobs, name: str) -> None:
    status, output = jobs.run("wave2", {name: "", "rollout_wait": "false"})
    assert status != 0
    assert f"Leave {name} away" in " ".join(output.split())
    assert not list(jobs.fleet.monitoring.glob("ledger/*"))


def test_a_rollback_of_several_agents_by_a_survey_with_several_choices(jobs: Jobs) -> None:
    jobs.told.between_checkpoints()
    jobs.run("rollback", {"rollout": "wave2", "reason": "no", "phase": "", "agent": ["network-expert", "tdd-expert"]})
    records = Ledger(jobs.fleet.monitoring / "ledger" / "wave2.jsonl").read()
    started = next(record for record in records if record.kind == "rollback.started")
    assert (sorted(started.data["instances"]), started.data["why"]) == (sorted(NAMES), "no")
