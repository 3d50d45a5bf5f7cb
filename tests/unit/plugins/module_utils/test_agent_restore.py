# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_backup, _agent_change, _agent_restore
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError


@pytest.fixture
def directory(tmp_path):
    return str(tmp_path / "backups")


def backup(host, directory, *agents):
    instances = [host.instance(agent, log="architecture DISABLED") for agent in agents]
    result = _agent_backup.backup(host, instances, directory, "wave", "h1")
    assert "failed" not in result


def read(path):
    with open(path) as stream:
        return stream.read()


def change(host, *agents, env=None):
    instances = [host.instance(agent, env or {"FLAG": "true"}) for agent in agents]
    result = _agent_change.change(host, instances)
    host.restart_calls.clear()
    return result


def restore(host, directory, **more):
    return _agent_restore.restore(host, directory, **more)


def test_puts_back_bytes_owner_mode_and_proves(host, directory):
    unit = host.add("a")
    host.add("b")
    os.chmod(unit.env_file, 0o640)
    backup(host, directory, "a", "b")
    change(host, "a", "b")
    os.chmod(unit.env_file, 0o644)
    result = restore(host, directory)
    assert [r["state"] for r in result["instances"].values()] == ["restored", "restored"]
    assert host.restart_calls == [["run@a.service", "run@b.service"]]
    assert read(unit.env_file) == "FLAG=false\nOTHER=1\n"
    assert stat.S_IMODE(os.stat(unit.env_file).st_mode) == 0o640
    assert result["instances"]["a"]["proof"]["log"] is True
    assert result["instances"]["a"]["keys"] == ["FLAG"]


def test_second_run_does_nothing(host, directory):
    host.add("a")
    backup(host, directory, "a")
    change(host, "a")
    restore(host, directory)
    host.restart_calls.clear()
    result = restore(host, directory)
    assert (result["changed"], result["instances"]["a"]["state"], host.restart_calls) == (False, "restored", [])


def test_untouched_agents_are_not_restarted(host, directory):
    host.add("a")
    host.add("b")
    backup(host, directory, "a", "b")
    change(host, "a")
    restore(host, directory)
    assert host.restart_calls == [["run@a.service"]]


def test_mode_alone_is_put_back_without_a_restart(host, directory):
    unit = host.add("a")
    os.chmod(unit.env_file, 0o640)
    backup(host, directory, "a")
    os.chmod(unit.env_file, 0o604)
    result = restore(host, directory)
    assert (result["changed"], result["instances"]["a"]["restarted"]) == (True, False)
    assert stat.S_IMODE(os.stat(unit.env_file).st_mode) == 0o640


def test_killed_between_write_and_restart(host, directory):
    unit = host.add("a")
    backup(host, directory, "a")
    change(host, "a")
    with open(unit.env_file, "w") as stream:
        stream.write("FLAG=false\nOTHER=1\n")
    assert restore(host, directory)["instances"]["a"]["restarted"] is True


def test_killed_between_write_and_restart_with_an_added_key(host, directory):
    unit = host.add("a")
    backup(host, directory, "a")
    change(host, "a", env={"FLAG": "true", "ADDED": "1"})
    assert unit.environ["ADDED"] == "1"
    with open(unit.env_file, "w") as stream:
        stream.write("FLAG=false\nOTHER=1\n")
    unit.environ["FLAG"] = "false"
    unit.started = 1  # before the file was written
    result = restore(host, directory)
    assert (result["instances"]["a"]["state"], result["instances"]["a"]["restarted"]) == ("restored", True)
    assert "ADDED" not in unit.environ


def test_a_key_that_somebody_added_to_the_file_before_the_backup_is_no_reason_to_restart_again(host, directory):
    unit = host.add("a")
    with open(unit.env_file, "a") as stream:
        stream.write("BYHAND=1\n")
    backup(host, directory, "a")
    change(host, "a")
    assert unit.environ["BYHAND"] == "1"
    host.restart_calls.clear()
    for asked in ("once", "again", "and again"):
        assert restore(host, directory)["instances"]["a"]["state"] == "restored", asked
    assert len(host.restart_calls) == 1


def test_a_key_from_elsewhere_is_no_reason_to_restart_again(host, directory, monkeypatch):
    unit = host.add("a")
    backup(host, directory, "a")
    start = host.start
    monkeypatch.setattr(host, "start", lambda one: (start(one), one.environ.update(DROPIN="1"))[0])
    change(host, "a")
    assert unit.environ["DROPIN"] == "1"
    host.restart_calls.clear()
    for asked in ("once", "again", "and again"):
        assert restore(host, directory)["instances"]["a"]["state"] == "restored", asked
    assert len(host.restart_calls) == 1


def test_goes_on_past_broken_instances_and_names_them(host, directory):
    for agent in ("a", "b", "c", "d"):
        host.add(agent)
    backup(host, directory, "a", "b", "c", "d")
    change(host, "a", "b", "c", "d")
    os.unlink(directory + "/a.env")
    with open(directory + "/b.env", "w") as stream:
        stream.write("FLAG=false\nOTHER=evil\n")
    host.units["run@c.service"].behaviour = "no_restart"
    result = restore(host, directory)
    assert {agent: r["reason"] for agent, r in result["instances"].items()} == {
        "a": "backup_missing",
        "b": "backup_altered",
        "c": "restart_failed",
        "d": None,
    }
    assert result["instances"]["d"]["state"] == "restored"
    assert read(host.units["run@b.service"].env_file) == "FLAG=true\nOTHER=1\n"
    assert "3 of 4 instances failed" in result["msg"]


def test_deleted_file_comes_back(host, directory):
    unit = host.add("a")
    backup(host, directory, "a")
    os.unlink(unit.env_file)
    assert restore(host, directory)["instances"]["a"]["state"] == "restored"
    assert read(unit.env_file) == "FLAG=false\nOTHER=1\n"


def test_crashed_agent_is_started_again(host, directory):
    unit = host.add("a")
    backup(host, directory, "a")
    change(host, "a")
    unit.active, unit.pid = "failed", None
    result = restore(host, directory)
    assert result["instances"]["a"]["state"] == "restored"
    assert unit.active == "active"


def test_an_error_of_a_process_that_is_back_for_a_while_undoes_nothing(host, directory):
    unit = host.add("a")
    backup(host, directory, "a")
    change(host, "a")
    restore(host, directory)
    host.restart_calls.clear()
    host.say(unit, "ERROR", "Lost connection to NATS", 0)
    result = restore(host, directory)["instances"]["a"]
    assert (result["state"], result["changed"], result["proof"]["errors"]) == ("restored", False, 1)
    assert host.restart_calls == []


def test_agent_that_did_not_run_at_the_backup_only_gets_its_file(host, directory):
    unit = host.add("a", start=False)
    backup(host, directory, "a")
    with open(unit.env_file, "w") as stream:
        stream.write("FLAG=true\n")
    result = restore(host, directory)
    assert (result["instances"]["a"]["state"], result["instances"]["a"]["restarted"]) == ("restored", False)
    assert "not running at the backup" in result["instances"]["a"]["message"]
    assert unit.active == "inactive"
    assert read(unit.env_file).startswith("FLAG=false")


def test_value_that_differed_at_the_backup_already_causes_no_restart(host, directory):
    unit = host.add("a")
    unit.environ["OTHER"] = "from another file"
    backup(host, directory, "a")
    assert restore(host, directory)["instances"]["a"]["restarted"] is False
    change(host, "a")
    unit.environ["OTHER"] = "from another file"
    result = restore(host, directory)
    assert (result["instances"]["a"]["state"], result["instances"]["a"]["restarted"]) == ("restored", True)


def test_chosen_and_unknown_agents(host, directory):
    host.add("a")
    host.add("b")
    backup(host, directory, "a", "b")
    change(host, "a", "b")
    result = restore(host, directory, agents=["b", "zzz"])
    assert {agent: (r["state"], r["reason"]) for agent, r in result["instances"].items()} == {
        "b": ("restored", None),
        "zzz": ("failed", "backup_missing"),
    }
    assert read(host.units["run@a.service"].env_file).startswith("FLAG=true")


def test_check_mode(host, directory):
    unit = host.add("a")
    host.add("b")
    backup(host, directory, "a", "b")
    change(host, "a")
    result = restore(host, directory, check=True)
    assert [r["state"] for r in result["instances"].values()] == ["would_restore", "unchanged"]
    assert "+FLAG=false" in result["diff"][0]["prepared"]
    assert read(unit.env_file).startswith("FLAG=true")
    assert host.restart_calls == []


def test_unit_that_is_gone_still_gets_its_file(host, directory):
    unit = host.add("a")
    backup(host, directory, "a")
    change(host, "a")
    unit.load, unit.active, unit.pid = "not-found", "inactive", None
    result = restore(host, directory)
    assert (result["instances"]["a"]["reason"], result["instances"]["a"]["restarted"]) == ("unit_not_found", False)
    assert read(unit.env_file).startswith("FLAG=false")


def test_proof_of_the_manifest_counts(host, directory):
    unit = host.add("a")
    backup(host, directory, "a")
    change(host, "a")
    unit.behaviour = "no_log"
    result = restore(host, directory, ready_within=1.0)
    one = result["instances"]["a"]
    assert (one["state"], one["reason"]) == ("unproven", "log_line_missing")
    assert one["message"].startswith("restored, not proven: ")
    assert result["failed"]
    assert read(unit.env_file).startswith("FLAG=false")


@pytest.mark.parametrize(
    ("behaviour", "state", "reason"),
    [
        ("no_log", "unproven", "log_line_missing"),
        ("no_subscription", "unproven", "subscription_missing"),
        ("silent", "unproven", "not_ready_in_time"),
        ("error", "unproven", "error_in_log"),
        ("crash", "failed", "restart_failed"),
        ("no_restart", "failed", "restart_failed"),
    ],
)
def test_what_is_back_without_its_proof_is_told_apart_from_what_is_not_back(host, directory, behaviour, state, reason):
    unit = host.add("a")
    backup(host, directory, "a")
    change(host, "a")
    unit.behaviour = behaviour
    one = restore(host, directory, settle=1.0)["instances"]["a"]
    assert (one["state"], one["reason"]) == (state, reason)
    accepted = restore(host, directory, settle=1.0, accepted=["a"])["instances"]["a"]
    # The error of a process that is back for a while undoes nothing, so it is proven by now.
    assert accepted["state"] == ("restored" if state == "unproven" else "failed")


def test_a_process_that_still_has_a_new_value_is_never_taken_for_back(host, directory, monkeypatch):
    host.add("a")
    backup(host, directory, "a")
    start = host.start
    change(host, "a")
    monkeypatch.setattr(host, "start", lambda one: (start(one), one.environ.update(FLAG="true"))[0])
    one = restore(host, directory, accepted=["a"])["instances"]["a"]
    assert (one["state"], one["reason"]) == ("failed", "environ_mismatch")


def test_a_corrected_proof_counts_instead_of_the_backups(host, directory):
    host.add("a")
    wrong = [host.instance("a", log="architecture OFF")]
    _agent_backup.backup(host, wrong, directory, "wave", "h1")
    change(host, "a")
    assert restore(host, directory)["instances"]["a"]["state"] == "unproven"
    host.restart_calls.clear()
    right = host.instance("a", log="architecture DISABLED").proof
    assert restore(host, directory, proofs={"a": right, "other": right})["instances"]["a"]["state"] == "restored"
    assert host.restart_calls == []


def test_no_backup_at_all(host, directory):
    with pytest.raises(InstanceError) as caught:
        restore(host, directory)
    assert caught.value.reason == "backup_missing"
    assert restore(host, directory, agents=["a"])["instances"]["a"]["reason"] == "backup_missing"
