# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that answers what it likes: it can lie about itself, and about nothing else; nobody runs what it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.playbook.hostile.hosts import ROOT, Hosts, Run
from tests.unit.plugins.plugin_utils.recorded import looks

LOOK = """
- hosts: dgx
  gather_facts: false
  tasks:
    - cowboyai.rollout.agent_units_info:
        instances: [{agent: network-expert, unit: agent-runtime@network-expert.service}]
        since: "2026-01-23T23:12:10+00:00"
      register: seen
      # As in the roles: an answer that is refused fails the task, and the next play shows what Ansible kept of it.
      ignore_errors: true
- hosts: dgx
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "HOSTS={{ groups['all'] | sort | join(' ') }} FACTS={{ ansible_facts | length }} SEEN={{ seen }}"
"""
# What Ansible acts on, whatever module says it.
TAKE_OVER = {
    "add_host": {"host_name": "evil", "groups": ["dgx"], "host_vars": {"ansible_connection": "local"}},
    "ansible_facts": {"rollout_monitoring_dir": "/tmp/elsewhere", "rollout_check_problems": ["x"]},
    "ansible_stats": {"data": {"rollout": "evil"}, "per_host": False, "aggregate": False},
    "results": [{"item": "dgx-2", "instances": {}}],
    "skipped": True,
    "_ansible_notify": ["anything"],
}


def sound(host: str = "dgx-1") -> dict[str, Any]:
    """A whole answer about the agent that is asked for."""
    look = looks(host)[-1]
    return {
        "changed": False,
        "instances": {"network-expert": look["instances"]["network-expert"]},
        "host": look["host"],
        "journal": look["journal"],
    }


SHAPES: list[tuple[dict[str, Any], str]] = [
    ({"instances": []}, "instances: seen [] (list), expected a mapping"),
    ({"instances": {"network-expert": "fine"}}, "expected a mapping"),
    ({"instances": {"../../etc/passwd": {}}}, "expected the name of an agent"),
    ({"instances": {"network-expert@dgx-2": {}}}, "expected the name of an agent"),
    ({"instances": {**sound()["instances"], "tdd-expert": sound()["instances"]["network-expert"]}}, "asked for"),
    ({"host": {**sound()["host"], "load": [float("nan")]}}, "host.load[0]: seen nan, expected a number"),
    ({"host": {**sound()["host"], "now": "9999-12-31T00:00:00+00:00"}}, "expected a time"),
    ({"host": None}, "host: seen None"),
    ({"journal": {"complete": "yes"}}, "journal.complete: seen 'yes' (str), expected true or false"),
    ({"extra": 10**400}, "a huge number"),
]
RAW: list[bytes] = [
    b"", b"\x00\x01\x02", b"[1, 2]", b"null", b"{" * 100_000, b"[" * 100_000, b'{"a": ' * 50_000 + b"1" + b"}" * 50_000,
    b'{"instances": {"network-expert": ' + b"[" * 900 + b"]" * 900 + b'}, "host": {}, "journal": {}}',
    json.dumps({**sound(), "x": "y" * 5_000_000}).encode(),
]  # fmt: skip
RAW_NAMES = ["nothing", "bytes", "list", "null", "braces", "brackets", "deep", "deep-inside", "5-megabytes"]


def templates() -> dict[str, Any]:
    """An answer full of what Jinja and terminals would act on."""
    answer = sound()
    answer["instances"]["network-expert"]["log"]["kinds"] = [
        {
            "kind": "k", "level": "ERROR", "count": 1, "first_at": answer["host"]["now"], "last_at": answer["host"]["now"],
            "recurring": False,
            "example": "{{ lookup('pipe', 'echo pwn' ~ 'ed') }} {% for _ in [1] %}loop{% endfor %} \x1b]0;title\x07\x9b31m\u202e",
        }
    ]  # fmt: skip
    answer["msg"] = "{{ 6 * 7 }}\x1b[2J"
    return answer


@dataclass
class Looked:
    """One run over many hosts; `seen` is what the second play says of each."""

    run: Run
    seen: dict[str, str]


def looked(folder: Path, answers: dict[str, Any], *more: str) -> Looked:
    look = folder / "look.yml"
    look.write_text(LOOK)
    run = Hosts(folder, answers).play(look, *more)
    told = re.findall(r"^ok: \[(\S+)\] => (\{\s+\"msg\": .*?^\})", run.text, re.MULTILINE | re.DOTALL)
    return Looked(run, {host: json.loads(said)["msg"] for host, said in told})


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Looked:
    """A run that tells everything about hosts which say more than they were asked."""
    answers = {"dgx-1": {**sound(), **TAKE_OVER}, "dgx-2": sound(), "dgx-3": templates()}
    return looked(tmp_path_factory.mktemp("loud"), answers, "-vvv")


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Looked:
    """A run over hosts whose answers are none, with one among them that is sound."""
    shapes = {f"shape-{number}": {**sound(), **change} for number, (change, _said) in enumerate(SHAPES)}
    raw = {f"raw-{name}": each for name, each in zip(RAW_NAMES, RAW, strict=True)}
    return looked(tmp_path_factory.mktemp("wild"), {**shapes, **raw, "sound": sound()})


def test_what_ansible_would_act_upon_is_not_a_hosts_to_say(loud: Looked) -> None:
    assert loud.run.status == 0, loud.run.text
    told = [re.match(r"HOSTS=(.*?) FACTS=(\d+)", said) for said in loud.seen.values()]
    assert {each.groups() for each in told if each} == {("dgx-1 dgx-2 dgx-3", "0")}
    assert "elsewhere" not in loud.run.text
    assert "network-expert" in loud.seen["dgx-1"].partition("SEEN=")[2]


def test_nothing_of_a_host_is_a_template_and_no_terminal_obeys_it(loud: Looked) -> None:
    output = loud.run.output
    assert b"pwned" not in output
    assert b"{{ lookup(" in output
    assert b"{% for _" in output
    assert "lookup(" in loud.seen["dgx-3"]
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae", output)


@pytest.mark.parametrize(("number", "said"), [(number, said) for number, (_change, said) in enumerate(SHAPES)])
def test_an_answer_of_another_shape_is_no_answer(wild: Looked, number: int, said: str) -> None:
    seen = wild.seen[f"shape-{number}"]
    assert "what came back is no answer of cowboyai.rollout.agent_units_info" in seen
    assert said in seen.replace("\n", " ")
    assert "Traceback" not in wild.run.text


@pytest.mark.parametrize("name", RAW_NAMES)
def test_whatever_comes_back_the_run_goes_on_with_the_other_hosts(wild: Looked, name: str) -> None:
    # The second play reaches the sound host, whatever became of the others.
    assert "'changed': False" in wild.seen["sound"] and "'failed': False" in wild.seen["sound"]
    seen = wild.seen[f"raw-{name}"]
    # The large one is an answer of the right shape, with more in it.
    assert ("'failed': True" in seen) == (name != "5-megabytes")
    assert len(seen) < 100_000
    assert len(wild.run.output) < 1_000_000


def test_preflight_holds_for_a_host_that_lies_about_others(tmp_path: Path) -> None:
    lie = {"changed": False, "results": [{"item": host, **sound()} for host in ("dgx-1", "dgx-2", "dgx-3")]}
    run = Hosts(tmp_path, {"dgx-1": lie, "dgx-2": b"garbage", "dgx-3": {**sound(), "host": 7}}).play(
        ROOT / "playbooks" / "preflight.yml", "-e", json.dumps({"rollout": "wave1", "rollout_nats_url": "nats://127.0.0.1:9"})
    )  # fmt: skip
    assert run.status != 0
    assert "DECISION HOLD" in run.text
    for host in ("dgx-1", "dgx-2", "dgx-3"):
        assert f"{host}: SSH and sudo: seen tool_error" in run.text
    assert "Traceback" not in run.text
