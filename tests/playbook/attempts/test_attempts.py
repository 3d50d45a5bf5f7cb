# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An attempt that is begun by one job and worked at by others, as a workflow of AWX does: it is one attempt, however it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.playbook.hostile.hosts import Run
from tests.playbook.traps.wards import Wards

WAVE = "tests/playbook/attempts/wave.yml"
#: One job each, in the order of a wave.
CHAIN: list[tuple[str, dict[str, Any]]] = [
    ("preflight", {}), ("baseline", {}), ("backup", {}), ("deploy", {"phase": "first"}), ("verify", {"phase": "first"}),
    ("soak", {"phase": "first"}),
]  # fmt: skip


class Attempts:
    def __init__(self, wards: Wards) -> None:
        self.wards, self.job = wards, 100

    def run(self, playbook: str, workflow: int | None, **extra: Any) -> Run:
        """A job of AWX, of a workflow or by itself, or without `awx` a run at a shell."""
        self.job += 1
        awx = {"awx_job_id": self.job, "awx_workflow_job_id": workflow} if workflow else {}
        return self.wards.act(playbook, rollout_new_attempt="true", **awx, **extra)

    def records(self) -> list[dict[str, Any]]:
        path = self.wards.folder / "monitoring" / "ledger" / "wards.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def begun(self) -> list[int]:
        return [record["attempt"] for record in self.records() if record["kind"] == "rollout.started"]


@pytest.fixture(scope="module")
def rolled_back_once(tmp_path_factory: pytest.TempPathFactory) -> Wards:
    """The first attempt, taken back; what made it bad is still there."""
    wards = Wards(tmp_path_factory.mktemp("rolled_back")).seed()
    wards.refuse("alder", "edge-a")
    run = wards.act(WAVE)
    assert run.status == 2 and "DECISION ROLLED BACK wards" in run.text, run.text
    return wards


@pytest.fixture
def attempts(rolled_back_once: Wards, tmp_path: Path) -> Attempts:
    return Attempts(rolled_back_once.copied_to(tmp_path))


@pytest.mark.parametrize("workflow", [None, 7])
def test_the_wave_that_takes_back_an_attempt_of_the_preflight_job_begins_no_other(
    attempts: Attempts, workflow: int | None
) -> None:
    """Its verification rolls back at once; the steps that follow in the same run find a rollout that has ended."""
    attempts.wards.refuse("nobody")
    run = attempts.run("playbooks/preflight.yml", workflow)
    assert (run.status, attempts.begun()) == (0, [1, 2]), run.text
    run = attempts.run("tests/playbook/attempts/to_first_deployed.yml", workflow)
    assert (run.status, attempts.begun()) == (0, [1, 2]), run.text
    attempts.wards.crash("birch", "edge-c")
    run = attempts.run(WAVE, workflow)
    assert (run.status, attempts.begun()) == (2, [1, 2]), run.text
    # It is told as what it was: a rollback, decided by a gate, for this reason.
    assert "DECISION ROLLED BACK wards: " in run.text and "birch@edge-c" in run.text
    assert "Run it first" not in run.text
    decided = [record["data"]["decision"] for record in attempts.records() if record["kind"] == "gate.decided"]
    assert decided[-1] == "rollback"


def test_a_chain_of_jobs_is_one_attempt_from_preflight_to_soak(attempts: Attempts) -> None:
    attempts.wards.refuse("nobody")
    for step, more in CHAIN:
        run = attempts.run(f"playbooks/{step}.yml", 7, **more)
        assert (run.status, attempts.begun()) == (0, [1, 2]), (step, run.text)
    assert attempts.records()[-1]["attempt"] == 2
    assert [record["kind"] for record in attempts.records()].count("soak.done") == 1


def test_the_jobs_after_the_one_that_rolled_back_begin_no_attempt(attempts: Attempts) -> None:
    """A workflow that goes on after a failed job, on its "always" path."""
    for step, more in CHAIN:
        run = attempts.run(f"playbooks/{step}.yml", 7, **more)
        assert attempts.begun() == [1, 2], (step, run.text)
        assert (run.status == 0) == (step in ("preflight", "baseline", "backup")), (step, run.text)
        if step in ("verify", "soak"):
            assert "DECISION ROLLED BACK wards: " in run.text, (step, run.text)
    assert attempts.run("playbooks/preflight.yml", 7).status == 2
    assert attempts.begun() == [1, 2]
    # Launched again it is another workflow, and another attempt.
    assert attempts.run("playbooks/preflight.yml", 8).status == 0
    assert attempts.begun() == [1, 2, 3]


@pytest.mark.parametrize(("step", "more"), [("deploy", {"phase": "first"}), ("checkpoint", {"checkpoint": "T+1h"})])
def test_a_step_that_cannot_be_the_first_begins_nothing(attempts: Attempts, step: str, more: dict[str, Any]) -> None:
    before = attempts.records()
    run = attempts.run(f"playbooks/{step}.yml", None, **more)
    assert run.status == 2
    assert "a new one begins with preflight" in " ".join(run.text.split())
    assert attempts.records() == before
