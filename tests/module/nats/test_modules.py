# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as Ansible runs them: answers, refusals, check mode, and no secret in the loudest output."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from datetime import datetime
from typing import Any

import pytest

from tests.module.nats import agents, servers

ROOT = pathlib.Path(__file__).parents[3]
TARGET = {"agent": "m-net", "subject": "agent.to.m-net.from.rollout.question", "expected": 1}


def run(module: str, arguments: dict[str, Any], directory: pathlib.Path, *options: str) -> tuple[dict[str, Any], str]:
    """The module's result and all that was printed. Arguments come from a file of variables, as from an inventory."""
    answer, play, variables = directory / "answer.json", directory / "play.yml", directory / "vars.json"
    variables.write_text(json.dumps({"arguments": arguments, "answer": str(answer)}))
    copy = {"content": "{{ answered | to_json }}", "dest": "{{ answer }}", "mode": "0600"}
    tasks = [
        {f"cowboyai.rollout.{module}": "{{ arguments }}", "register": "answered", "ignore_errors": True},
        {"ansible.builtin.copy": copy, "check_mode": False, "no_log": True},
    ]
    printed = play_through(play, tasks, *options, "-e", f"@{variables}")
    return dict(json.loads(answer.read_text())), printed


def play_through(
    play: pathlib.Path,
    tasks: list[dict[str, Any]],
    *options: str,
    python: str = sys.executable,
    hosts: dict[str, dict[str, str]] | None = None,
) -> str:
    """Run the tasks on this machine with that Python (or on the first of `hosts`); gives all that was printed."""
    inventory = play.with_suffix(".inventory.yml")
    own = {"ansible_connection": "local", "ansible_python_interpreter": python}
    hosts = hosts or {"localhost": own}
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    play.write_text(json.dumps([{"hosts": next(iter(hosts)), "gather_facts": False, "tasks": tasks}]))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    command = [python, "-m", "ansible", "playbook", str(play), "-i", str(inventory), *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_sample(server: servers.NatsServer, directory: pathlib.Path) -> None:
    found, _printed = run(
        "nats_sample", {"server": server.url, "window": 0.5, "patterns": {"all": ["modules.>"]}}, directory
    )
    assert found["changed"] is False and found["sample"]["lossless"] is True
    assert found["sample"]["groups"]["all"]["messages"] == 0


def test_probe_and_check_mode(server: servers.NatsServer, directory: pathlib.Path) -> None:
    agent = agents.Agent("m-net")
    arguments = {"server": server.url, "count": 3, "timeout": 1, "targets": [TARGET]}
    with agents.agents(server.url, agent):
        checked, _printed = run("nats_probe", arguments, directory, "--check")
        assert (agent.heard, checked["probe"]["agents"]) == (0, {})
        found, _printed = run("nats_probe", arguments, directory)
    assert found["probe"]["agents"]["m-net"]["delivered"] == agent.heard == 3


LOCAL = {"ansible_connection": "local"}
WHERE_PYTHON_IS = {
    "implicit localhost": ({"far": {}}, True),
    "a template": ({"here": {**LOCAL, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}}, False),
    "a path": ({"here": {**LOCAL, "ansible_python_interpreter": "PYTHON"}}, False),
    "a delegate's path": ({"far": {}, "localhost": {**LOCAL, "ansible_python_interpreter": "PYTHON"}}, True),
}


@pytest.mark.parametrize("named", WHERE_PYTHON_IS)
def test_a_probe_in_the_background_whose_python_has_a_space_in_its_path(
    server: servers.NatsServer, directory: pathlib.Path, named: str
) -> None:
    """A clone or an environment in such a folder: Ansible's async cuts that path in two."""
    (directory / "a venv").symlink_to(sys.prefix)
    python = str(directory / "a venv" / "bin" / "python")
    told, delegated = WHERE_PYTHON_IS[named]
    hosts = {
        host: {key: value.replace("PYTHON", python) for key, value in variables.items()}
        for host, variables in told.items()
    }
    probe: dict[str, Any] = {"server": server.url, "count": 3, "timeout": 1, "targets": [TARGET]}
    to = {"delegate_to": "localhost"} if delegated else {}
    tasks = [
        {"cowboyai.rollout.nats_probe": probe, "async": 60, "poll": 0, "register": "job", **to},
        {
            "cowboyai.rollout.probe_answer": {"jid": "{{ job.ansible_job_id }}"},
            "register": "answered", "until": "answered is finished", "retries": 60, "delay": 1, **to,
        },
        {"ansible.builtin.debug": {"msg": "heard {{ answered.probe.agents['m-net'].delivered }} of 3"}},
    ]  # fmt: skip
    agent = agents.Agent("m-net")
    with agents.agents(server.url, agent):
        printed = play_through(directory / "play.yml", tasks, python=python, hosts=hosts)
    assert "heard 3 of 3" in printed and agent.heard == 3


def test_a_server_that_is_away_is_an_answer_and_no_failure(directory: pathlib.Path) -> None:
    url = f"nats://127.0.0.1:{servers.free_port()}"
    found, _printed = run("nats_probe", {"server": url, "targets": [TARGET]}, directory)
    assert found["changed"] is False and found["probe"]["reason"] == "nats_unreachable"
    assert not found["failed"]


def test_bad_arguments_are_refused(directory: pathlib.Path) -> None:
    found, _printed = run("nats_sample", {"server": "nats://h", "window": 1, "patterns": {"all": ["a..b"]}}, directory)
    assert found["failed"] is True and "a..b" in found["msg"] and "empty token" in found["msg"]
    found, _printed = run("nats_probe", {"server": "nats://h", "targets": [{**TARGET, "expected": 0}]}, directory)
    assert found["failed"] is True and "m-net" in found["msg"]


def test_no_secret_is_printed(directory: pathlib.Path) -> None:
    with servers.running(directory, "authorization { token: other }") as mine:
        for arguments in (
            {"server": mine.url.replace("//", "//hunter2word@")},
            {"server": mine.url.replace("//", "//u:hunter2word@")},
            {"server": mine.url, "auth": {"token": "hunter2word"}},
            {"server": "nats://u:hunter2word@h:port"},
        ):
            _found, printed = run("nats_probe", {**arguments, "targets": [TARGET]}, directory, "-vvv")
            assert "module_args" in printed and "hunter2word" not in printed


def test_a_probe_in_the_background_is_fetched_when_it_is_done(
    server: servers.NatsServer, directory: pathlib.Path
) -> None:
    arguments = {"server": server.url, "every": 0.25, "over": 2, "timeout": 0.5, "bucket": 1, "targets": [TARGET]}
    answer, play = directory / "answer.json", directory / "play.yml"
    fetch = {
        "cowboyai.rollout.probe_answer": {"jid": "{{ watching.ansible_job_id }}"},
        "register": "watched",
        "until": "watched is finished",
        "retries": 40,
        "delay": 0.5,
    }
    tasks: list[dict[str, Any]] = [
        {"cowboyai.rollout.nats_probe": arguments, "register": "watching", "async": 33, "poll": 0},
        {"ansible.builtin.set_fact": {"begun": "{{ now().timestamp() }}"}},
        fetch,
        {
            "ansible.builtin.copy": {
                "content": "{{ {'probe': watched.probe, 'begun': begun} | to_json }}",
                "dest": str(answer),
                "mode": "0600",
            }
        },
    ]
    with agents.agents(server.url, agents.Agent("m-net")):
        play_through(play, tasks, "-e", json.dumps({"ansible_async_dir": str(directory / "jobs")}))
    told = json.loads(answer.read_text())
    probe = told["probe"]
    assert (probe["reason"], probe["agents"]["m-net"]["delivered"]) == (None, 8)
    assert sum(row[2] for row in probe["buckets"]["agents"]["m-net"]) == 8
    # The task that follows did not wait for it.
    assert datetime.fromisoformat(probe["ended_at"]).timestamp() > float(told["begun"]) + 1.0
