# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as Ansible runs them: answers, refusals, check mode, and no secret in the loudest output.

A run of ansible-playbook costs more than all that a module does: few of them, each read by several tests.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.module.nats import agents, servers
from tests.module.nats.servers import Message
from tests.module.nats.world import wait_until

ROOT = pathlib.Path(__file__).parents[3]
SECRET = "hunter2word"
# Measured in real time: a machine that stood still says so, and the task is done again.
AWAKE = {
    "nats_probe": "answered.probe is not defined or answered.probe.notes | select('search', 'stood still') | length == 0",
    "nats_sample": "answered.sample is not defined or answered.sample.reason != 'sampler_late'",
}


def target(agent: str, expected: int = 1) -> dict[str, Any]:
    return {"agent": agent, "subject": f"agent.to.{agent}.from.rollout.question", "expected": expected}


def play(
    folder: pathlib.Path,
    plays: list[dict[str, Any]],
    *options: str,
    python: str = sys.executable,
    hosts: dict[str, dict[str, str]] | None = None,
) -> str:
    """Run plays on this machine with that Python; gives all that was printed."""
    inventory, playbook = folder / "inventory.yml", folder / "play.yml"
    own = {"ansible_connection": "local", "ansible_python_interpreter": python}
    inventory.write_text(json.dumps({"all": {"hosts": hosts or {"localhost": own}}}))
    playbook.write_text(json.dumps([{"gather_facts": False, **each} for each in plays]))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    command = [python, "-m", "ansible", "playbook", str(playbook), "-i", str(inventory), *options]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            printed, _none = process.communicate(timeout=600)
        except subprocess.TimeoutExpired:
            # How far it came says what it waits for.
            state = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0]
            process.kill()
            raise AssertionError(f"hangs in state {state}:\n{process.communicate()[0][-6000:]}") from None
    assert process.returncode == 0, printed
    return printed


# ---------------------------------------------------------------- one after the other

# name: (module, arguments beside the server, in check mode)
ASKED: dict[str, tuple[str, dict[str, Any], bool]] = {
    "sample": ("nats_sample", {"window": 0.5, "patterns": {"all": ["modules.>"]}}, False),
    "check": ("nats_probe", {"count": 3, "targets": [target("m-check")]}, True),
    "probe": ("nats_probe", {"count": 3, "timeout": 60, "targets": [target("m-net")]}, False),
    "away": ("nats_probe", {"targets": [target("m-net")]}, False),
    "pattern": ("nats_sample", {"window": 1, "patterns": {"all": ["a..b"]}}, False),
    "expected": ("nats_probe", {"targets": [target("m-net", 0)]}, False),
    "token in the URL": ("nats_probe", {"targets": [target("m-net")]}, False),
    "password in the URL": ("nats_probe", {"targets": [target("m-net")]}, False),
    "token": ("nats_probe", {"auth": {"token": SECRET}, "targets": [target("m-net")]}, False),
    "no URL": ("nats_probe", {"targets": [target("m-net")]}, False),
}


@dataclass
class Ran:
    """What each task of the run answered, all that was printed, and the agents that were there."""

    answers: dict[str, dict[str, Any]]
    printed: str
    net: agents.Agent
    check: agents.Agent


@pytest.fixture(scope="module")
def ran(server: servers.NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Arguments come from a file of variables, as from an inventory; the output is the loudest that people use."""
    folder = tmp_path_factory.mktemp("modules")
    net, check = agents.Agent("m-net"), agents.Agent("m-check")
    with (
        servers.running(folder, "authorization { token: other }", name="closed") as closed,
        agents.in_background(server.port, net, check),
    ):
        urls = {
            "away": f"nats://127.0.0.1:{servers.free_port()}",
            "token in the URL": closed.url.replace("//", f"//{SECRET}@"),
            "password in the URL": closed.url.replace("//", f"//u:{SECRET}@"),
            "token": closed.url,
            "no URL": f"nats://u:{SECRET}@h:port",
        }
        arguments = {
            name: {"server": urls.get(name, server.url), "connect_timeout": 60, **given}
            for name, (_module, given, _check) in ASKED.items()
        }
        variables = folder / "vars.json"
        variables.write_text(json.dumps({"arguments": arguments}))
        tasks: list[dict[str, Any]] = [
            {
                f"cowboyai.rollout.{module}": f"{{{{ arguments['{name}'] }}}}", "check_mode": check_mode,
                "register": f"answered_{number}", "ignore_errors": True,
                "until": AWAKE[module].replace("answered", f"answered_{number}"), "retries": 20, "delay": 0,
            }
            for number, (name, (module, _given, check_mode)) in enumerate(ASKED.items())
        ]  # fmt: skip
        together = ", ".join(f"answered_{number}" for number in range(len(ASKED)))
        answers = folder / "answers.json"
        told = {"content": f"{{{{ [{together}] | to_json }}}}", "dest": str(answers), "mode": "0600"}
        tasks.append({"ansible.builtin.copy": told, "no_log": True})
        printed = play(folder, [{"hosts": "localhost", "tasks": tasks}], "-vvv", "-e", f"@{variables}")
        yield Ran(dict(zip(ASKED, json.loads(answers.read_text()), strict=True)), printed, net, check)


def test_sample(ran: Ran) -> None:
    found = ran.answers["sample"]
    assert found["changed"] is False and found["sample"]["lossless"] is True
    assert found["sample"]["groups"]["all"]["messages"] == 0


def test_probe(ran: Ran) -> None:
    found = ran.answers["probe"]
    assert (found["changed"], found["probe"]["agents"]["m-net"]["delivered"]) == (False, 3)
    assert ran.net.heard == 3 * found["attempts"]


def test_check_mode_asks_nobody(ran: Ran) -> None:
    assert (ran.check.heard, ran.answers["check"]["probe"]["agents"]) == (0, {})
    assert ran.answers["check"]["probe"]["floor"]["n"] > 0


def test_a_server_that_is_away_is_an_answer_and_no_failure(ran: Ran) -> None:
    found = ran.answers["away"]
    assert found["changed"] is False and found["probe"]["reason"] == "nats_unreachable"
    assert not found["failed"]


def test_bad_arguments_are_refused(ran: Ran) -> None:
    pattern, expected = ran.answers["pattern"], ran.answers["expected"]
    assert pattern["failed"] is True and "a..b" in pattern["msg"] and "empty token" in pattern["msg"]
    assert expected["failed"] is True and "m-net" in expected["msg"]


def test_no_secret_is_printed(ran: Ran) -> None:
    for name in ("token in the URL", "password in the URL", "token"):
        assert ran.answers[name]["probe"]["reason"] == "nats_unreachable"
        assert "credentials" in ran.answers[name]["probe"]["message"]
    assert ran.answers["no URL"]["failed"] is True
    assert ran.printed.count('"module_args"') >= len(ASKED)
    assert SECRET not in ran.printed and SECRET not in json.dumps(ran.answers)


# ---------------------------------------------------------------- in the background

LOCAL = {"ansible_connection": "local"}
TEMPLATE = {**LOCAL, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
PATH = {**LOCAL, "ansible_python_interpreter": "PYTHON"}
# The hosts of an inventory, and from which of them a probe is made in which way.
WHERE_PYTHON_IS: list[tuple[dict[str, dict[str, str]], dict[str, tuple[str, bool]]]] = [
    (
        {"far": {}, "template": TEMPLATE, "path": PATH},
        {"implicit-localhost": ("far", True), "a-template": ("template", False), "a-path": ("path", False)},
    ),
    ({"far": {}, "localhost": PATH}, {"a-delegates-path": ("far", True)}),
]


class Patient(agents.Agent):
    """Answers once the play has gone on to what comes after the start of its probe."""

    def __init__(self, name: str, gone_on: pathlib.Path) -> None:
        super().__init__(name)
        self._gone_on = gone_on

    def hear(self, message: Message, now: float) -> list[bytes]:
        wait_until(self._gone_on.exists, "the task that follows the probe")
        return super().hear(message, now)


@pytest.mark.parametrize(("hosts", "ways"), WHERE_PYTHON_IS, ids=["no localhost", "a localhost"])
def test_a_probe_in_the_background_whose_python_has_a_space_in_its_path(
    server: servers.NatsServer,
    directory: pathlib.Path,
    hosts: dict[str, dict[str, str]],
    ways: dict[str, tuple[str, bool]],
) -> None:
    """A clone or an environment in such a folder: Ansible's async cuts that path in two. The play goes on meanwhile."""
    (directory / "a venv").symlink_to(sys.prefix)
    python = str(directory / "a venv" / "bin" / "python")
    told = {host: {key: value.replace("PYTHON", python) for key, value in each.items()} for host, each in hosts.items()}
    members = [Patient(name, directory / f"{name}.gone-on") for name in ways]
    plays = []
    for name, (host, delegated) in ways.items():
        to = {"delegate_to": "localhost"} if delegated else {}
        probe: dict[str, Any] = {
            "server": server.url, "connect_timeout": 60, "count": 3, "timeout": 200, "bucket": 1, "targets": [target(name)],
        }  # fmt: skip
        answer = {"content": "{{ answered.probe | to_json }}", "dest": str(directory / f"{name}.json"), "mode": "0600"}
        tasks = [
            {"cowboyai.rollout.nats_probe": probe, "async": 600, "poll": 0, "register": "job", **to},
            {"ansible.builtin.file": {"path": str(directory / f"{name}.gone-on"), "state": "touch", "mode": "0600"}, **to},
            {
                "cowboyai.rollout.probe_answer": {"jid": "{{ job.ansible_job_id }}"},
                "register": "answered", "until": "answered is finished", "retries": 3000, "delay": 0.2, **to,
            },
            {"ansible.builtin.copy": answer, **to},
        ]  # fmt: skip
        plays.append({"hosts": host, "tasks": tasks})
    with agents.in_background(server.port, *members):
        play(
            directory,
            plays,
            "-e",
            json.dumps({"ansible_async_dir": str(directory / "jobs")}),
            python=python,
            hosts=told,
        )
    for member in members:
        probed = json.loads((directory / f"{member.name}.json").read_text())
        row = probed["agents"][member.name]
        # What is unresolved came while this machine stood still.
        assert (member.heard, row["sent"], row["delivered"] + row["unresolved"], row["lost"]) == (3, 3, 3, 0)
        assert sum(bucket[2] for bucket in probed["buckets"]["agents"][member.name]) == row["delivered"]
