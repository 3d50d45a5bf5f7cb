# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout through ansible-runner, as AWX runs it: canceled, and launched again to its end; then undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from tests.host import shared_fleet
from tests.rollout.runner.jobs import Job, Jobs
from tests.rollout.scenario import plans, small
from tests.rollout.scenario.boundaries import look
from tests.rollout.scenario.story import ROOT, Story
from tests.rollout.scenario.told import Told as Fleet

ROLLOUT, PLAYBOOK = small.ROLLOUT, "playbooks/rollout.yml"
#: Output and events are rows of AWX's database: an event of more than this holds what nobody reads there.
LARGEST_EVENT = 64 * 1024


def small_playbook() -> str:
    """Wave 2 in small, as a file of the project."""
    plays = yaml.safe_load((ROOT / small.PLAYBOOK).read_text(encoding="utf-8"))
    for play in plays:
        play["ansible.builtin.import_playbook"] = play["ansible.builtin.import_playbook"].removeprefix(
            "../../../playbooks/"
        )
    return yaml.safe_dump(plays, sort_keys=False)


@dataclass
class Told:
    jobs: Jobs
    runs: dict[str, Job] = field(default_factory=dict)
    ledgers: dict[str, list[str]] = field(default_factory=dict)
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def told(tell: Callable[[str], tuple[Story, Fleet]]) -> Told:
    story, _fleet = tell("runner")
    found = Told(Jobs(shared_fleet.NAME, story.out / "jobs", {PLAYBOOK: small_playbook()}))
    jobs = found.jobs
    variables = {
        "rollout_plan": str(plans.write(story.out, small.small())), **small.SKIPPING,
        # What a survey leaves empty.
        "rollout_accept_missed": "", "rollout_accept_plan": "", "rollout_new_attempt": "false", "rollout_shadow": "false",
    }  # fmt: skip

    def job(label: str, playbook: str, more: dict[str, Any], **how: Any) -> None:
        found.runs[label] = jobs.run(playbook, more, **how)
        found.ledgers[label] = jobs.kinds(ROLLOUT)
        found.looks[label] = story.look(label)

    found.looks["before"] = story.look("before")
    job(
        "sliced",
        PLAYBOOK,
        {**variables, "awx_job_template_name": "Wave", "awx_workflow_job_name": "Wave", "awx_workflow_job_id": 1},
    )
    job("overruled", PLAYBOOK, {**variables, "checkpoint": ""})
    job("canceled", PLAYBOOK, variables, cancel_at=look(small.SOAK))
    job("finished", PLAYBOOK, variables)
    job(
        "undone",
        "playbooks/rollback.yml",
        {"rollout": ROLLOUT, "reason": "denied", "phase": "", "agent": "", "rollback_ends_failed": True},
    )
    return found


def content(seen: dict[str, Any]) -> dict[str, Any]:
    """A file as it reads: what was written anew has another inode and another time."""
    return {key: value for key, value in seen["file"].items() if key not in ("inode", "mtime_ns")}


def test_a_slice_is_refused_before_anything_is_recorded(told: Told) -> None:
    job = told.runs["sliced"]
    assert (job.status, told.ledgers["sliced"]) == ("failed", [])
    assert "set job slicing of the template to 1" in job.said()


def test_an_empty_answer_that_would_win_over_the_playbook_is_refused(told: Told) -> None:
    job = told.runs["overruled"]
    assert (job.status, told.ledgers["overruled"]) == ("failed", [])
    assert "Leave checkpoint away" in job.said()


def test_a_canceled_job_leaves_what_the_next_goes_on_from(told: Told) -> None:
    assert told.runs["canceled"].status == "canceled"
    assert "batch.done" in told.ledgers["canceled"]
    assert not {"decision.made", "rollback.started"} & set(told.ledgers["canceled"])


def test_launched_again_it_finishes_and_restarts_nothing_twice(told: Told) -> None:
    job = told.runs["finished"]
    assert (job.status, job.rc) == ("successful", 0), job.said()[-3000:]
    assert "DECISION GO" in job.said()
    first = {name for name in told.looks["canceled"] if name.startswith(small.FIRST)}
    assert len(first) == 3
    for name in first:
        before, now = told.looks["canceled"][name]["unit"], told.looks["finished"][name]["unit"]
        assert now["InvocationID"] == before["InvocationID"], name
        assert now["InvocationID"] != told.looks["before"][name]["unit"]["InvocationID"], name


def test_a_working_rollback_ends_failed_where_a_workflow_asks_for_it(told: Told) -> None:
    job = told.runs["undone"]
    assert (job.status, job.rc) == ("failed", 2)
    assert "DECISION ROLLED BACK" in job.said()
    assert "It ends failed because that was asked for" in job.said()
    for name, seen in told.looks["undone"].items():
        assert content(seen) == content(told.looks["before"][name]), name


def test_the_ledger_names_job_and_user(told: Told) -> None:
    records = told.jobs.records(ROLLOUT)
    assert {record["by"] for record in records} == {f"joe (AWX job {number})" for number in (3, 4, 5)}
    started = next(record for record in records if record["kind"] == "rollout.started")
    assert started["data"]["job"]["url"] == "https://awx.invalid/#/jobs/playbook/3"


def test_events_are_whole_and_small(told: Told) -> None:
    job = told.runs["finished"]
    assert {"playbook_on_start", "playbook_on_task_start", "runner_on_ok", "playbook_on_stats"} <= job.kinds()
    largest = max(job.events, key=lambda event: len(json.dumps(event)))
    assert len(json.dumps(largest)) < LARGEST_EVENT, largest["event_data"].get("task")


def test_nothing_is_written_into_the_project(told: Told) -> None:
    assert {label: job.touched for label, job in told.runs.items() if job.touched} == {}
