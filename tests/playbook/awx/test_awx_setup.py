# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/awx_setup.yml with the real modules of awx.awx against a stand-in for AWX: what it makes, and what a second run changes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.playbook.awx import server
from tests.playbook.awx.collection import collections
from tests.quality.command import ROOT

SECRETS = {
    "ROLLOUT_AWX_SSH_USER": "operator",
    "ROLLOUT_AWX_SSH_KEY": "-----BEGIN PLANTED KEY-----",
    "ROLLOUT_AWX_NATS_CREDS": "-----BEGIN PLANTED CREDS-----",
    "ROLLOUT_AWX_WEBHOOK_URL": "https://chat.invalid/planted-webhook",
}
VARIABLES = {
    "awx_setup_image": "registry.invalid/rollout:1",
    "awx_setup_project_url": "https://git.invalid/rollout.git",
    "awx_setup_project_branch": "main",
    "awx_setup_variables": {"rollout_monitoring_dir": "/var/lib/rollout"},
    "awx_setup_waves": ["wave2"],
}


@dataclass
class Ended:
    status: int
    output: str

    def recap(self) -> dict[str, int]:
        found = re.findall(r"(ok|changed|failed|unreachable)=(\d+)", self.output)
        return {name: int(number) for name, number in found}


def play(awx: server.Awx, *more: str, environment: dict[str, str] | None = None) -> Ended:
    with server.serving(awx) as url:
        env = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / 'collections'}:{collections()}",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "CONTROLLER_HOST": url,
            "CONTROLLER_OAUTH_TOKEN": server.TOKEN,
            **(SECRETS if environment is None else environment),
        }
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            "playbooks/awx_setup.yml",
        ]
        ended = subprocess.run(
            [*command, "-vvv", "-e", json.dumps(VARIABLES), *more],
            cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
    return Ended(ended.returncode, ended.stdout + ended.stderr)


@dataclass
class Made:
    awx: server.Awx
    first: Ended
    second: Ended
    writes_of_second: set[tuple[str, str]]
    updates_of_first: int


@pytest.fixture(scope="module")
def made() -> Iterator[Made]:
    """AWX after a first run, and after a second one that came when people had changed things by hand."""
    awx = server.Awx(lambda path: (ROOT / path).is_file())
    first = play(awx)
    assert first.status == 0, first.output[-3000:]
    before, updates = len(awx.calls), len(awx.updates)
    awx.named("job_templates", "Rollout wave2")["job_slice_count"] = 3
    awx.named("schedules", "Rollout wave2 ticks")["enabled"] = True
    awx.named("inventory_sources", "Rollout project")["status"] = "failed"
    second = play(awx)
    yield Made(awx, first, second, {call for call in awx.calls[before:] if call[0] != "GET"}, updates)


def test_it_makes_everything(made: Made) -> None:
    names = {each["name"] for each in made.awx.objects["job_templates"].values()}
    steps = ("preflight", "checkpoint", "status", "approve", "stop", "rollback", "undo", "wave2")
    assert names == {f"Rollout {step}" for step in steps}
    assert [each["name"] for each in made.awx.objects["workflow_job_templates"].values()] == ["Rollout wave2 workflow"]
    assert made.updates_of_first == 1


def test_the_second_run_puts_right_what_somebody_changed_by_hand_and_changes_nothing_else(made: Made) -> None:
    assert made.second.status == 0, made.second.output[-3000:]
    assert made.second.recap()["changed"] == 2
    # The template, and the inventory that was not filled.
    (template,) = [n for n, each in made.awx.objects["job_templates"].items() if each["name"] == "Rollout wave2"]
    (source,) = made.awx.objects["inventory_sources"]
    assert made.writes_of_second == {
        ("PATCH", f"{server.ROOT}job_templates/{template}/"),
        ("POST", f"{server.ROOT}inventory_sources/{source}/update/"),
    }
    assert len(made.awx.updates) == made.updates_of_first + 1
    assert made.awx.named("job_templates", "Rollout wave2")["job_slice_count"] == 1


def test_no_secret_is_shown(made: Made) -> None:
    said = made.first.output + made.second.output
    hidden = [*SECRETS.values(), server.TOKEN]
    hidden.remove("operator")
    assert [secret for secret in hidden if secret in said] == []
    # The stand-in did get them: what is not shown was not left out.
    assert set(made.awx.secrets.values()) == {SECRETS["ROLLOUT_AWX_SSH_KEY"], SECRETS["ROLLOUT_AWX_NATS_CREDS"]}
    (webhook,) = made.awx.objects["notification_templates"].values()
    assert webhook["notification_configuration"]["url"] == SECRETS["ROLLOUT_AWX_WEBHOOK_URL"]


def test_the_nats_creds_are_a_file_that_an_extra_variable_names(made: Made) -> None:
    injectors = made.awx.named("credential_types", "Rollout NATS creds")["injectors"]
    assert injectors["file"] == {"template.creds": "{{ creds }}"}
    named = {"creds_file": "{{ tower.filename.creds }}"}
    assert injectors["extra_vars"] == {"rollout_nats_auth": named, "rollout_store_auth": named}


def test_jobs_are_never_sliced_and_waves_never_time_out(made: Made) -> None:
    for template in made.awx.objects["job_templates"].values():
        assert (template["job_slice_count"], template["ask_job_slice_count_on_launch"]) == (1, False)
        assert json.loads(template["extra_vars"])["rollout_monitoring_dir"] == "/var/lib/rollout"
    assert made.awx.named("job_templates", "Rollout wave2")["timeout"] == -1


def test_the_workflow_is_linked_as_the_data_says(made: Made) -> None:
    nodes = made.awx.objects["workflow_job_template_nodes"]
    mine = {each["identifier"]: number for number, each in nodes.items()}

    def after(node: str, how: str) -> list[str]:
        return [each["identifier"] for each in made.awx.linked("workflow_job_template_nodes", mine[node], how)]

    assert {node: (after(node, "success_nodes"), after(node, "failure_nodes")) for node in mine} == {
        "preflight": (["start"], []),
        "start": (["wave"], []),
        "wave": (["keep"], ["undo"]),
        "keep": (["kept"], ["undo"]),
        "kept": ([], []),
        "undo": ([], []),
    }
    assert nodes[mine["undo"]]["extra_data"]["rollout"] == "wave2"
    assert nodes[mine["wave"]]["extra_data"] == {}


def test_ticks_that_somebody_turned_on_stay_on(made: Made) -> None:
    ticks = made.awx.named("schedules", "Rollout wave2 ticks")
    assert ticks["enabled"] is True
    questions = ("rollout_new_attempt", "rollout_accept_gaps", "rollout_takeover", "rollout_shadow", "rollout_wait")
    assert ticks["extra_data"] == dict.fromkeys(questions, "false")


@pytest.mark.parametrize(
    ("environment", "more", "said"),
    [
        ({"CONTROLLER_HOST": ""}, [], "Expected in the environment: CONTROLLER_HOST"),
        ({}, ["-e", json.dumps({"awx_setup_variables": {}})], "rollout_monitoring_dir on a volume that all jobs mount"),
        (
            {},
            ["-e", json.dumps({"awx_setup_variables": {"rollout_store": "file://", "rollout_monitoring_dir": ""}})],
            'Seen there: rollout_store \\"file://\\", rollout_monitoring_dir \\"\\"',
        ),
        ({}, [], "AWX has no credential Rollout hosts, or several"),
    ],
)
def test_what_is_missing_is_said(environment: dict[str, str], more: list[str], said: str) -> None:
    ended = play(server.Awx(lambda path: True), *more, environment=environment)
    assert ended.status != 0
    assert said in ended.output
