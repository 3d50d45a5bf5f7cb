# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job of AWX says of itself: who started it, where its output is, and whether it is a slice."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _awx
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._own_words import overruled

# As AWX 24.6 gives them to a job of a workflow.
JOB: dict[str, Any] = {
    "awx_job_id": 71,
    "tower_job_id": 71,
    "awx_job_launch_type": "workflow",
    "awx_job_template_name": "Rollout wave2",
    "awx_workflow_job_id": 70,
    "awx_workflow_job_name": "Rollout wave2 workflow",
    "awx_user_name": "joe",
}


@pytest.mark.parametrize(
    ("variables", "who"),
    [
        (JOB, "joe (AWX job 71)"),
        ({"tower_job_id": 5, "tower_user_name": "ann"}, "ann (AWX job 5)"),
        ({"awx_job_id": 5, "awx_schedule_name": "ticks"}, "schedule ticks (AWX job 5)"),
        ({"awx_job_id": 5, "awx_parent_job_schedule_name": "nightly"}, "schedule nightly (AWX job 5)"),
        ({"awx_job_id": 5, "awx_user_name": ""}, "AWX (AWX job 5)"),
        ({"awx_user_name": "joe"}, ""),
        ({}, ""),
    ],
)
def test_who_started_it(variables: dict[str, Any], who: str) -> None:
    assert _awx.operator(variables) == who


def test_a_ledger_names_the_job_and_where_its_output_is() -> None:
    assert _awx.job(JOB, "https://awx.example/") == {
        "id": "71", "template": "Rollout wave2", "launched": "workflow", "workflow": "70", "url": "https://awx.example/#/jobs/playbook/71",
    }  # fmt: skip
    assert "url" not in _awx.job(JOB)
    assert _awx.job({"awx_user_name": "joe"}, "https://awx.example") == {}


def test_a_slice_is_told_by_the_name_of_its_workflow() -> None:
    assert _awx.slicing(JOB) == ""
    assert _awx.slicing({"awx_job_template_name": "Rollout wave2"}) == ""
    assert _awx.slicing({}) == ""
    assert "set job slicing of the template to 1" in _awx.slicing({**JOB, "awx_workflow_job_name": "Rollout wave2"})


def test_a_slice_that_is_launched_again_lacks_hosts() -> None:
    assert "lacks b" in _awx.lost_hosts(JOB, ["a", "b"], ["a"])
    assert _awx.lost_hosts(JOB, ["a", "b"], ["b", "a", "c"]) == ""
    # At a shell the inventory is what its owner says.
    assert _awx.lost_hosts({}, ["a", "b"], ["a"]) == ""


class Play:
    def __init__(self, own: dict[str, Any]) -> None:
        self.vars = own


class Task:
    def __init__(self, own: dict[str, Any]) -> None:
        self._play = Play(own)

    def get_play(self) -> Play:
        return self._play


@pytest.mark.parametrize(
    ("own", "seen", "said"),
    [
        ({"rollout": "wave2"}, {"rollout": ""}, "rollout 'wave2' itself, but an extra variable makes rollout ''"),
        ({"rollout": "wave2"}, {"rollout": "wave3"}, "makes rollout 'wave3'"),
        ({"rollout": "wave2"}, {"rollout": "wave2", "checkpoint": ""}, "makes checkpoint '' in all of it"),
        ({"rollout": "wave2", "phase": "a"}, {"rollout": "wave2", "phase": "b"}, "phase 'a' itself"),
        ({"rollout": "wave2", "phase": "a"}, {"rollout": "wave2", "phase": "a"}, ""),
        ({"rollout": "wave2", "approval": "{{ phase }}"}, {"rollout": "wave2", "approval": "a"}, ""),
        ({}, {"rollout": "", "phase": "", "checkpoint": ""}, ""),
    ],
)
def test_extra_variables_that_win_over_a_playbook_are_refused(
    own: dict[str, Any], seen: dict[str, Any], said: str
) -> None:
    found = overruled(Task(own), seen)
    assert said in found if said else found == ""
