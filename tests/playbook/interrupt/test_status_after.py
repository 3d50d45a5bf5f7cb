# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a status says while a run is at work, and after it was interrupted, killed, or seen from elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.module.nats.world import wait_until
from tests.playbook.observability.ledgers import ROOT
from tests.playbook.observability.terminal import environment
from tests.playbook.traps.wards import HERE, Wards

#: A pause between two batches in which nothing happens for as long as any test takes.
STAGGER = ("stagger: 30s", "stagger: 5h")


class Begun:
    """A rollout of which a run waits in the pause after the first batch."""

    def __init__(self, wards: Wards) -> None:
        self.wards = wards
        self.monitoring = wards.folder / "monitoring"
        plan = wards.folder / "plan.yml"
        plan.write_text((HERE / "plan.yml").read_text().replace(*STAGGER))
        self.named = {"rollout": "wards", "rollout_plan": str(plan), "rollout_skip_waits": False}
        opened = wards.act("tests/playbook/traps/opening.yml", **self.named)
        assert opened.status == 0, opened.text
        self.log = wards.folder / "deploy.log"
        with self.log.open("w") as out:
            self.run = subprocess.Popen(
                ["ansible-playbook", "-i", str(wards.write()), "playbooks/deploy.yml", "-e", json.dumps({**self.named, "phase": "first"})],
                cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        wait_until(lambda: bool(wards.records("batch.done")) or self.run.poll() is not None, "the first batch")
        wait_until(
            lambda: "waiting for the stagger" in self.log.read_text() or self.run.poll() is not None, "the pause"
        )
        assert self.run.poll() is None, self.log.read_text()

    def end(self, how: signal.Signals) -> None:
        """As a terminal does it: Ctrl-C reaches all processes of the run."""
        if self.run.poll() is None:
            (os.killpg if how == signal.SIGINT else os.kill)(self.run.pid, how)
        self.run.wait(timeout=600)

    def status(self, *words: str) -> str:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.wards.write()), "playbooks/status.yml",
                "-e", f"rollout=wards rollout_monitoring_dir={self.monitoring}", *words,
            ],
            cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def lease(self, **more: object) -> None:
        path = self.monitoring / "keys" / "lease.wards.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Begun]:
    found = Begun(Wards(tmp_path).seed())
    try:
        yield found
    finally:
        found.end(signal.SIGKILL)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_a_run_that_was_cut_off_needs_a_person(begun: Begun, how: signal.Signals) -> None:
    at_work = begun.status("-e", "live=false")
    assert "wards: nothing needs a person" in at_work
    assert "its process is there" in at_work
    begun.end(how)
    after = begun.status("-e", "live=false")
    assert "nothing needs a person" not in after
    assert "wards NEEDS A PERSON: its run has ended in the middle of it" in after
    assert "its process has ended" in after and "start the same command again" in after
    # Gone on with, it is at work again, with what was done.
    again = begun.wards.act("playbooks/deploy.yml", **{**begun.named, "phase": "first", "rollout_skip_waits": True})
    assert again.status == 2 and "without skipping its waits" in again.text


def test_what_can_be_said_of_a_run_on_another_machine(begun: Begun) -> None:
    lease = json.loads((begun.monitoring / "keys" / "lease.wards.json").read_text())
    begun.end(signal.SIGKILL)
    begun.lease(process={**lease["process"], "host": "awx-job-71-x7k", "machine": "another"})
    just_now = begun.status("-e", "live=false")
    assert "whether its process is there can't be told from this machine" in just_now
    assert "wards: nothing needs a person" in just_now
    begun.lease(
        process={**lease["process"], "host": "awx-job-71-x7k", "machine": "another"},
        heartbeat="2020-01-01T00:00:00+00:00",
    )
    later = begun.status("-e", "live=false")
    assert "NEEDS A PERSON: nobody can be seen at work on it" in later and "its lease has ended" in later


def test_the_instances_of_a_host_that_does_not_answer_are_counted_and_named(begun: Begun) -> None:
    begun.wards.away = {"edge-b"}
    text = begun.status("-e", "agent=alder,birch")
    assert "4 of 6 instances active, 1 hosts unreachable; unreachable: alder@edge-b, birch@edge-b" in text
    assert "0/2 reached" in text
    for instance in ("alder@edge-b", "birch@edge-b"):
        assert any(line.startswith(instance) and "host_unreachable" in line for line in text.splitlines())
    assert "FLEET NEEDS A PERSON" in text
