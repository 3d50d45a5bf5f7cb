# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/status.yml from the ledger alone: no host is contacted, no plan is needed; and the metrics that a step leaves."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.playbook.observability.ledgers import NAMES, ROOT, Told
from tests.playbook.observability.terminal import environment

NEEDLE = "NEEDS A PERSON"


class Fleet:
    """An inventory of hosts that nobody can reach; every attempt to is written down."""

    def __init__(self, folder: Path) -> None:
        self.monitoring, self.tried = folder / "monitoring", folder / "ssh.log"
        ssh = folder / "ssh"
        ssh.write_text(f'#!/bin/sh\necho "$@" >> "{self.tried}"\nexit 255\n')
        ssh.chmod(0o755)
        self.inventory = folder / "hosts.ini"
        agents = ROOT / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"
        self.inventory.write_text(
            f"[dgx]\ndgx-[1:3] ansible_host=192.0.2.1 ansible_ssh_executable='{ssh}' rollout_agents_file='{agents}' "
            "rollout_agent_unit=agent@{agent}.service rollout_agent_env_file=/etc/{agent}.env\n"
        )

    def status(self, *words: str, play: str = "playbooks/status.yml") -> list[str]:
        """The lines of a status that ends well, without blank ones and the play's name."""
        command = [
            "ansible-playbook",
            "-i",
            str(self.inventory),
            play,
            "-e",
            f"rollout_monitoring_dir={self.monitoring}",
        ]
        done = subprocess.run(
            [*command, *words],
            cwd=ROOT,
            env=environment(TERM="dumb"),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [line for line in done.stdout.splitlines() if line.strip() and line != "Status"]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def begun(fleet: Fleet, rollout: str = "wave2", hours: float = 3.14) -> Told:
    return Told(fleet.monitoring, rollout, start=datetime.now(UTC) - timedelta(hours=hours)).between_checkpoints()


DECISIONS = {
    "hold": "start the same command again",
    "rollback": "ansible-playbook playbooks/rollback.yml -e rollout=decided-rollback",
    "no_go": "the change is in place",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The lines of the status of each of these rollouts, from the ledger alone, in one run after the other plays."""
    fleet = Fleet(tmp_path_factory.mktemp("status"))
    begun(fleet)
    begun(fleet, "no-such-plan")
    for decision in DECISIONS:
        begun(fleet, f"decided-{decision}").gate("checkpoint", "T+6h", decision, why="because")
    names = ["wave2", "no-such-plan", "wave9", *(f"decided-{decision}" for decision in DECISIONS)]
    play = fleet.inventory.with_name("all.yml")
    status = str(ROOT / "playbooks" / "status.yml")
    play.write_text(
        json.dumps([{"import_playbook": status, "vars": {"rollout": name, "live": "false"}} for name in names])
    )
    lines = fleet.status(play=str(play))
    assert not fleet.tried.exists()
    # What belongs to a rollout is indented under the line that begins with its name.
    parts: list[list[str]] = []
    for line in lines:
        if not line.startswith(" "):
            parts.append([])
        parts[-1].append(line)
    return dict(zip(names, parts, strict=True))


def test_the_whole_situation_without_touching_a_host(told: dict[str, list[str]]) -> None:
    lines = told["wave2"]
    assert lines[0].startswith("wave2  IN PROGRESS  attempt 1")
    text = "\n".join(lines)
    for shown in ("on the way to T+6h", "checkpoint T+6h: in ", "system_load 2.4", "latency_p99", "wanted below 200ms"):
        assert shown in text
    assert lines[-1].strip() == "wave2: nothing needs a person"


def test_the_unreachable_are_lines_when_hosts_are_asked(fleet: Fleet) -> None:
    """The counterproof: the same inventory does write down who is contacted."""
    begun(fleet)
    lines = fleet.status("-e", "rollout=wave2", "-e", "agent=nix-expert")
    assert fleet.tried.exists()
    assert lines[0].startswith("wave2  IN PROGRESS")
    assert any("host_unreachable" in line for line in lines)
    assert NEEDLE in lines[-1] and "3 hosts unreachable" in lines[-1]


def test_a_rollout_whose_plan_is_gone(told: dict[str, list[str]]) -> None:
    lines = told["no-such-plan"]
    assert lines[0].startswith("no-such-plan  IN PROGRESS")
    assert "now" in lines[1] and "all 2 phases changed" in lines[1]


def test_without_a_rollout_a_line_for_each(fleet: Fleet) -> None:
    begun(fleet, "wave1").gate("checkpoint", "T+6h", "hold", why="nats_unreachable")
    begun(fleet, "wave2")
    begun(fleet, "wave3").add("decision.made", decision="go", why="all passed")
    broken = fleet.monitoring / "ledger" / "broken.jsonl"
    broken.write_text('{"not": "a record"}\n')
    lines = fleet.status("-e", "live=false")
    assert [line.split()[0] for line in lines[:4]] == ["broken", "wave1", "wave2", "wave3"]
    assert NEEDLE in lines[0] and NEEDLE in lines[1] and NEEDLE not in lines[2] + lines[3]
    assert " GO " in lines[3]
    assert lines[-1].strip() == f"{NEEDLE}: broken, wave1"
    assert not fleet.tried.exists()


@pytest.mark.parametrize("decision", DECISIONS)
def test_the_last_line_says_what_a_person_must_do(told: dict[str, list[str]], decision: str) -> None:
    last = told[f"decided-{decision}"][-1]
    assert NEEDLE in last and DECISIONS[decision] in last


def test_a_rollout_that_nobody_started(told: dict[str, list[str]]) -> None:
    assert re.search(r"wave9 has no ledger in file://\S+; those with one: decided-\S+, .*wave2", told["wave9"][0]), (
        told["wave9"]
    )


# ---------------------------------------------------------------- metrics of a step


def test_a_step_leaves_its_metrics_where_they_can_be_read(fleet: Fleet, tmp_path: Path) -> None:
    """A rollback that has nothing left to do is the one step without hosts or plan that writes to the ledger."""
    told = begun(fleet)
    told.add("rollback.started", instances=NAMES, why="x")
    shared = tmp_path / "textfiles"
    play = tmp_path / "hold.yml"
    play.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - cowboyai.rollout.step: {step: rollback, forced: true}\n      run_once: true\n"
    )
    old = os.umask(0o077)
    try:
        fleet.status("-e", "rollout=wave2", "-e", f"rollout_textfile_dir={shared}", play=str(play))
    finally:
        os.umask(old)
    own, copy = fleet.monitoring / "metrics" / "wave2.prom", shared / "cowboyai_rollout_wave2.prom"
    assert own.read_text() == copy.read_text()
    for path in (own, copy):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert [each.name for each in path.parent.iterdir()] == [path.name]
    records = len((fleet.monitoring / "ledger" / "wave2.jsonl").read_text().splitlines())
    assert f'cowboyai_rollout_records_total{{rollout="wave2"}} {records}\n' in own.read_text()


def test_metrics_that_cannot_be_written_stop_nothing(fleet: Fleet, tmp_path: Path) -> None:
    begun(fleet)
    (fleet.monitoring / "metrics").write_text("a file where the folder should be")
    play = tmp_path / "roll.yml"
    play.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - cowboyai.rollout.step: {step: rollback, forced: true}\n      run_once: true\n"
    )
    fleet.status("-e", "rollout=wave2", play=str(play))
    last = json.loads((fleet.monitoring / "ledger" / "wave2.jsonl").read_text().splitlines()[-1])
    assert last["kind"] == "rollback.started"
