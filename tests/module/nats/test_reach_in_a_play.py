# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of preflight that find out who hears whom, as Ansible runs them: from one machine, and from several."""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

import pytest
import yaml

from tests.module.nats import servers
from tests.module.nats.test_modules import ROOT, SECRET, play
from tests.module.nats.test_reach import ASK, SUBJECTS, groups

TASKS = ROOT / "roles" / "preflight" / "tasks" / "main.yml"


def reach_tasks() -> list[dict[str, Any]]:
    tasks = [task for task in yaml.safe_load(TASKS.read_text()) if "cowboyai.rollout.nats_reach" in task]
    assert len(tasks) == 3
    return tasks


def order(*places: str) -> dict[str, Any]:
    """What the step gives to the play; each of `places` names the hosts that are measured from one machine."""
    names = sorted("".join(places))
    each = {"names": names, "subjects": SUBJECTS, "token": "token", "apart": len(places) > 1}
    return {"due": True, "reach": {hosts[0]: {**each, "hosts": list(hosts)} for hosts in places}}


@pytest.mark.parametrize(
    ("places", "options"),
    [(("abc",), ()), (("abc",), ("--check",)), (("ab", "c"), ())],
    ids=["one machine", "check mode", "two machines"],
)
def test_all_servers_are_asked_and_no_secret_is_printed(
    directory: pathlib.Path, places: tuple[str, ...], options: tuple[str, ...]
) -> None:
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    with (
        servers.running(directory, f"authorization {{ user: u, password: {SECRET} }}", name="one") as one,
        servers.running(directory, name="two") as two,
    ):
        login = {"rollout_nats_url": one.url, "rollout_nats_auth": {"user": "u", "password": SECRET}}
        in_url = {"rollout_nats_url": one.url.replace("//", f"//u:{SECRET}@")}
        hosts: dict[str, Any] = {"a": login, "b": {"rollout_nats_url": two.url}, "c": in_url}
        registered = "{{ hostvars | dict2items | selectattr('value.preflight_reach.reach', 'defined') "
        registered += "| map(attribute='value.preflight_reach') | list | to_json }}"
        told = {"content": registered, "dest": str(directory / "told.json"), "mode": "0600"}
        keep = {
            "ansible.builtin.copy": told, "run_once": True, "no_log": True, "delegate_to": "localhost", "check_mode": False,
        }  # fmt: skip
        variables = json.dumps({"preflight_order": order(*places), "ansible_async_dir": str(directory / "jobs")})
        printed = play(
            directory,
            [{"hosts": "all", "tasks": [*reach_tasks(), keep]}],
            *("-vvv", "-e", variables, *options),
            hosts={name: {**local, **own} for name, own in hosts.items()},
        )
    rows: dict[str, Any] = {}
    for result in json.loads((directory / "told.json").read_text()):
        rows.update(result["reach"]["servers"])
    assert {name: row["answered"].get(ASK) for name, row in rows.items()} == {
        "a": ["a", "c"],
        "b": ["b"],
        "c": ["a", "c"],
    }
    assert groups({"servers": dict(sorted(rows.items()))}) == [("ac", "ac", 2), ("b", "b", 1)]
    assert SECRET not in printed
