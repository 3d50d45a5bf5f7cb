# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before anything is changed it is known whether a change, and the way back from it, could be proven on a host."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _command, _provable, _unit_config
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import SystemdError
from ansible_collections.cowboyai.rollout.plugins.module_utils._unit_config import UnitConfig

OLD = "architecture DISABLED"


@pytest.fixture
def look(host, tmp_path):
    """What is said of agent `a`, whose FLAG is to change."""
    unit = host.add("a")

    def ask(keys=("FLAG",), config=None, program="agent", children=(), **proof):
        proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
        for pid, name in ((unit.pid, program), *children):
            (proc / str(pid)).mkdir(parents=True, exist_ok=True)
            if not (proc / str(pid) / "exe").is_symlink():
                os.symlink(f"/usr/bin/{name}", proc / str(pid) / "exe")
        group = cgroups / "run@a"
        group.mkdir(parents=True, exist_ok=True)
        (group / "cgroup.procs").write_text(
            "".join(f"{pid}\n" for pid in (unit.pid, *(child[0] for child in children)))
        )
        host.config[unit.name] = replace(config or UnitConfig((unit.env_file,)), control_group="/run@a")
        instance = host.instance("a", dict.fromkeys(keys, ""), **{"log": OLD, **proof})
        units = host.show([unit.name])
        return _provable.check(host, [instance], units, str(proc), str(cgroups))["a"]

    ask.unit, ask.host = unit, host
    return ask


def problem(found):
    (text,) = found["problems"]
    return text


def test_a_process_that_shows_the_old_values_and_the_undo_proof(look):
    assert look() == {"problems": [], "undo": {"state": "proven", "reason": None, "message": ""}}
    assert look.host.restart_calls == []


def test_a_key_that_is_new_needs_no_old_value(look):
    assert look(keys=("ADDED",))["problems"] == []


@pytest.mark.parametrize(
    ("proof", "reason"),
    [({"log": "architecture OFF"}, "log_line_missing"), ({"subscriptions": ["agent.none.>"]}, "subscription_missing")],
)
def test_an_undo_proof_that_the_old_state_does_not_show(look, proof, reason):
    found = look(**proof)
    assert (found["problems"], found["undo"]["state"], found["undo"]["reason"]) == ([], "failed", reason)
    assert next(iter(proof.values()))[0 if "subscriptions" in proof else slice(None)] in found["undo"]["message"]


def test_an_undo_proof_whose_lines_are_gone_from_the_journal_is_unknown(look):
    look.host.records.clear()
    assert look()["undo"]["state"] == "unknown"


def test_errors_of_the_old_state_are_another_matter(look):
    look.host.say(look.unit, "ERROR", "boom", -3_599_000_000)
    assert look()["undo"]["state"] == "proven"


@pytest.mark.parametrize("raw", [b" " * 80, b"FLAG=false\0"])
def test_an_environment_that_can_not_be_read(look, raw):
    look.unit.environ = raw
    found = look(
        config=UnitConfig((look.unit.env_file,), (), ("/usr/bin/env -i TOKEN=s3cr3t-value-of-mine /opt/agent",))
    )
    assert "INVOCATION_ID" in problem(found)
    assert "/usr/bin/env -i" in problem(found)
    assert "s3cr3t" not in problem(found)
    assert found["undo"]["state"] == "unknown"


def test_a_file_that_the_unit_does_not_read(look):
    found = look(config=UnitConfig(("/etc/default/agent",)))
    assert "does not read" in problem(found)
    assert "/etc/default/agent" in problem(found)


def test_a_file_that_the_unit_reads_under_another_name(look, tmp_path):
    os.symlink(look.unit.env_file, tmp_path / "link.env")
    assert look(config=UnitConfig((str(tmp_path / "link.env"),)))["problems"] == []


def test_a_later_file_that_sets_the_key_again(look, tmp_path):
    (tmp_path / "late.env").write_text("FLAG=false\n")
    (tmp_path / "other.env").write_text("MORE=1\n")
    later, other = str(tmp_path / "late.env"), str(tmp_path / "other.env")
    mine = look.unit.env_file
    assert f"FLAG is set again by {later}" in problem(look(config=UnitConfig((mine, other, later))))
    assert look(config=UnitConfig((later, mine, other, "/no/such/file")))["problems"] == []


def test_a_variable_that_the_unit_takes_away(look):
    look.unit.environ.pop("FLAG")
    found = look(config=UnitConfig((look.unit.env_file,), ("OTHER", "FLAG=false")))
    assert problem(found) == "run@a.service takes FLAG away (UnsetEnvironment=)"


@pytest.mark.parametrize(
    "command", ["/usr/bin/env FLAG=false /opt/agent", "/bin/sh -c 'export FLAG=false; exec /opt/agent'"]
)
def test_a_command_that_sets_it_itself(look, command):
    assert "the ExecStart= of run@a.service sets FLAG" in problem(
        look(config=UnitConfig((look.unit.env_file,), (), (command,)))
    )


def test_a_command_that_only_names_it(look):
    config = UnitConfig((look.unit.env_file,), (), ("/opt/agent --NOFLAG=1 --show FLAG",))
    assert look(config=config)["problems"] == []


def test_a_value_that_comes_from_somewhere_else(look):
    look.unit.environ["FLAG"] = "true"
    look.unit.started = 5_000_000_000_000_000
    assert "something between the file and the program" in problem(look())


def test_a_file_that_was_edited_after_the_process_began(look):
    look.unit.environ["FLAG"] = "true"
    look.unit.started = 1
    assert "was changed at" in problem(look())
    assert "its FLAG" in problem(look())


def test_a_process_that_has_nothing_of_the_file(look):
    look.unit.environ = {"INVOCATION_ID": look.unit.invocation, "HOME": "/"}
    assert "has none of the values" in problem(look(keys=("ADDED",)))


@pytest.mark.parametrize("program", ["sudo", "docker", "conmon", "ssh"])
def test_a_wrapper_that_starts_the_agent_with_an_environment_of_its_own(look, program):
    config = UnitConfig((look.unit.env_file,), (), (f"/usr/bin/{program} run agent",))
    text = problem(look(program=program, config=config))
    assert f"the main process of run@a.service is {program} (ExecStart=/usr/bin/{program} run agent)" in text


def test_a_wrapper_whose_agent_has_the_values_after_all(look, monkeypatch):
    real = look.host.environ
    monkeypatch.setattr(look.host, "environ", lambda pid, one: real(look.unit.pid if pid == 4711 else pid, one))
    assert look(program="sudo", children=[(4711, "agent")])["problems"] == []


def test_a_wrapper_whose_agent_has_other_values(look, monkeypatch):
    real = look.host.environ
    monkeypatch.setattr(look.host, "environ", lambda pid, one: None if pid == 4711 else real(pid, one))
    assert "environment of its own" in problem(look(program="sudo", children=[(4711, "agent")]))


def test_units_that_do_not_run_are_another_finding(look):
    look.unit.active, look.unit.pid = "inactive", None
    unit = look.host.show([look.unit.name])
    found = _provable.check(look.host, [look.host.instance("a", {"FLAG": ""})], unit)["a"]
    assert (found["problems"], found["undo"]["state"]) == ([], "unknown")


def test_an_active_unit_without_a_main_process(look):
    look.unit.pid = None
    unit = look.host.show([look.unit.name])
    assert "no main process" in problem(_provable.check(look.host, [look.host.instance("a", {"FLAG": ""})], unit)["a"])


SHOWN = """\
Id=run@a.service
EnvironmentFiles=/etc/a b.env (ignore_errors=no)
EnvironmentFiles=/opt/c.env (ignore_errors=yes)
UnsetEnvironment=ONE "TWO=x y"
ExecStart={ path=/usr/bin/env ; argv[]=/usr/bin/env A=1 /opt/agent ; ignore_errors=no ; start_time=[n/a] }
ControlGroup=/system.slice/run@a.service

Id=run@b.service
ControlGroup=
"""


def test_what_systemctl_says_of_a_unit():
    found = _unit_config.show(
        ["run@a.service", "run@b.service"], lambda _argv, _timeout: _command.Outcome(0, SHOWN, "")
    )
    assert found["run@a.service"] == UnitConfig(
        ("/etc/a b.env", "/opt/c.env"),
        ("ONE", "TWO=x y"),
        ("/usr/bin/env A=1 /opt/agent",),
        "/system.slice/run@a.service",
    )
    assert found["run@b.service"] == UnitConfig()


def test_a_pattern_of_files_is_what_fits_it(tmp_path):
    for name in ("b.env", "a.env", "c.txt"):
        (tmp_path / name).write_text("")
    found = _unit_config.parse(f"EnvironmentFiles={tmp_path}/*.env (ignore_errors=no)")
    assert found.files == (f"{tmp_path}/a.env", f"{tmp_path}/b.env")


def test_a_systemd_that_does_not_answer():
    with pytest.raises(SystemdError, match="gave 0 answers: no bus"):
        _unit_config.show(["run@a.service"], lambda _argv, _timeout: _command.Outcome(1, "", "no bus"))
