# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_change, _atomic_write
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError

ON = {"FLAG": "true"}


def change(host, *agents, **more):
    return _agent_change.change(host, [host.instance(agent, ON) for agent in agents], **more)


def test_changes_restarts_once_and_proves(host):
    for agent in ("a", "b", "c"):
        host.add(agent)
    result = change(host, "a", "b", "c")
    assert [r["state"] for r in result["instances"].values()] == ["proven"] * 3
    assert host.restart_calls == [["run@a.service", "run@b.service", "run@c.service"]]
    assert host.calls.index("reset-failed") < host.calls.index("restart")
    one = result["instances"]["a"]
    assert (one["changed"], one["restarted"], one["keys"], one["reason"]) == (True, True, ["FLAG"], None)
    assert one["proof"]["environ"] is True
    assert one["proof"]["log"] is True
    assert one["proof"]["subscriptions"] == {"agent.to.a.>": True}
    assert one["before"]["invocation_id"] != one["after"]["invocation_id"]
    assert one["before"]["sha256"] != one["after"]["sha256"]
    assert "failed" not in result
    assert (host.directory / "a.env").read_text() == "FLAG=true\nOTHER=1\n"
    assert sorted(os.listdir(host.directory)) == ["a.env", "b.env", "c.env"]


def test_second_run_changes_nothing(host):
    host.add("a")
    change(host, "a")
    before = host.instance("a")
    result = change(host, "a")
    assert (result["changed"], result["instances"]["a"]["state"]) == (False, "proven")
    assert "not restarted" in result["instances"]["a"]["message"]
    assert len(host.restart_calls) == 1
    assert host.instance("a") == before


def test_killed_between_write_and_restart_is_made_good_by_one_restart(host):
    host.add("a")
    host.add("b")
    change(host, "b")
    (host.directory / "a.env").write_text("FLAG=true\nOTHER=1\n")
    result = change(host, "a", "b")
    assert host.restart_calls[1:] == [["run@a.service"]]
    assert [r["state"] for r in result["instances"].values()] == ["proven", "proven"]
    assert result["instances"]["a"]["keys"] == []


def test_killed_right_after_the_restart_is_proven_without_another(host):
    unit = host.add("a", behaviour="slow")
    (host.directory / "a.env").write_text("FLAG=true\n")
    host.start(unit)
    result = change(host, "a")
    assert result["instances"]["a"]["state"] == "proven"
    assert host.restart_calls == []


def test_stopped_between_stop_and_start_is_started(host):
    host.add("a", text="FLAG=true\n", start=False)
    result = change(host, "a")
    assert (result["instances"]["a"]["state"], result["instances"]["a"]["restarted"]) == ("proven", True)


def test_inactive_with_the_old_value_is_left_alone(host):
    host.add("a", start=False)
    host.add("b")
    result = change(host, "a", "b")
    assert result["instances"]["a"]["reason"] == "unit_inactive"
    assert (host.directory / "a.env").read_text().startswith("FLAG=false")
    assert result["instances"]["b"]["state"] == "proven"
    assert result["failed"] is True
    assert "1 of 2 instances failed: a: " in result["msg"]
    assert "(unit_inactive)" in result["msg"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("silent", "not_ready_in_time"),
        ("no_log", "log_line_missing"),
        ("no_subscription", "subscription_missing"),
        ("error", "error_in_log"),
        ("panic", "error_in_log"),
        ("crash", "restart_failed"),
        ("loop", "restart_failed"),
        ("no_restart", "restart_failed"),
        ("other_value", "environ_mismatch"),
    ],
)
def test_each_way_to_fail_is_named_and_stops_no_other(host, behaviour, reason):
    host.add("bad", behaviour=behaviour)
    host.add("good")
    result = change(host, "bad", "good", settle=1.0)
    bad, good = result["instances"]["bad"], result["instances"]["good"]
    assert (bad["state"], bad["reason"]) == ("failed", reason)
    assert good["state"] == "proven"
    assert bad["changed"] is True
    assert "s3cr3t" not in str(result)
    assert len(host.restart_calls) == 1


def test_two_names_of_one_unit_are_refused_before_anything_is_written(host):
    for agent in ("a", "b"):
        host.add(agent).identity = "run@a.service"
    host.add("c").identity = "run@c.service"
    result = change(host, "a", "b", "c")["instances"]
    assert [(result[agent]["state"], result[agent]["reason"], result[agent]["changed"]) for agent in "abc"] == [
        ("failed", "same_unit", False), ("failed", "same_unit", False), ("proven", None, True),
    ]  # fmt: skip
    assert host.restart_calls == [["run@c.service"]]


def test_a_process_that_writes_to_a_namespace_is_proven_by_its_lines_there(host):
    host.add("a").namespace = "agents"
    host.add("b")
    result = change(host, "a", "b")["instances"]
    assert {one["state"] for one in result.values()} == {"proven"}
    assert "journal *" in host.calls


def test_a_process_that_dies_at_once_is_not_waited_for(host):
    host.add("a", behaviour="dies_at_once")
    begun = host.us
    assert change(host, "a")["instances"]["a"]["reason"] == "restart_failed"
    assert host.us - begun < 2_000_000


def test_slow_but_in_time(host):
    host.add("a", behaviour="slow")
    result = change(host, "a")
    assert result["instances"]["a"]["state"] == "proven"
    assert 2.9 < result["instances"]["a"]["proof"]["waited_s"] < 4


def test_each_instance_has_its_own_deadline(host):
    host.add("a", behaviour="silent")
    host.add("b", behaviour="slow")
    begun = host.us
    instances = [host.instance("a", ON, ready_within=1), host.instance("b", ON, ready_within=10)]
    result = _agent_change.change(host, instances)
    assert [r["state"] for r in result["instances"].values()] == ["failed", "proven"]
    assert host.us - begun < 5_000_000


@pytest.mark.parametrize("behaviour", ["crash", "loop", "late_error"])
def test_settling_catches_what_dies_or_errs_shortly_after(host, behaviour):
    host.add("a", behaviour=behaviour)
    host.us += 1
    assert change(host, "a", settle=2.0)["instances"]["a"]["state"] == "failed"


def test_log_of_an_old_process_rotated_away_leaves_the_environment_as_proof(host):
    host.add("a")
    change(host, "a")
    host.us += 86_400_000_000
    host.records.clear()
    one = change(host, "a")["instances"]["a"]
    assert (one["state"], one["proof"]["log"], one["proof"]["subscriptions"]) == ("proven", None, {})
    assert "journal_rotated" in one["message"]


def test_old_process_is_looked_up_in_the_window_of_its_start_only(host):
    unit = host.add("a")
    change(host, "a")
    host.us += 86_400_000_000
    host.say(unit, "ERROR", "long after the change")
    host.us += 1_000_000
    one = change(host, "a")["instances"]["a"]
    assert (one["state"], one["proof"]["errors"], one["proof"]["log"]) == ("proven", 0, True)


def test_old_process_that_never_showed_the_proof_fails(host):
    host.add("a", text="FLAG=true\n", behaviour="good")
    instance = host.instance("a", ON, log="something else")
    one = _agent_change.change(host, [instance])["instances"]["a"]
    assert (one["state"], one["reason"]) == ("failed", "log_line_missing")


def test_check_mode_writes_and_restarts_nothing(host):
    host.add("a")
    host.add("b", text="FLAG=true\n")
    result = change(host, "a", "b", check=True)
    assert [r["state"] for r in result["instances"].values()] == ["would_change", "unchanged"]
    assert result["changed"] is True
    assert "-FLAG=false\n+FLAG=true\n" in result["diff"][0]["prepared"]
    assert len(result["diff"]) == 1
    assert host.restart_calls == []
    assert (host.directory / "a.env").read_text().startswith("FLAG=false")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"load": "not-found"}, "unit_not_found"), ({"load": "masked"}, "unit_masked")],
)
def test_units_that_can_not_run(host, fields, reason):
    host.add("a", start=False, **fields)
    assert change(host, "a")["instances"]["a"]["reason"] == reason


def test_files_that_can_not_be_changed(host):
    for agent in ("gone", "link", "open", "junk"):
        host.add(agent)
    (host.directory / "gone.env").unlink()
    (host.directory / "real").write_text("FLAG=false\n")
    (host.directory / "link.env").unlink()
    (host.directory / "link.env").symlink_to(host.directory / "real")
    (host.directory / "open.env").write_text('X="1\n')
    (host.directory / "junk.env").write_bytes(b"FLAG=false\nX=\xff\n")
    result = change(host, "gone", "link", "open", "junk")
    assert [r["reason"] for r in result["instances"].values()] == [
        "env_file_missing",
        "env_file_not_regular",
        "env_file_unreadable",
        "env_file_unreadable",
    ]
    assert host.restart_calls == []
    assert (host.directory / "real").read_text() == "FLAG=false\n"


def test_full_disk_is_one_instances_problem(host, monkeypatch):
    host.add("a")
    host.add("b")
    real = _atomic_write.replace

    def replace(path, data, rights):
        if path.endswith("/a.env"):
            raise InstanceError("disk_full", "full")
        real(path, data, rights)

    monkeypatch.setattr(_atomic_write, "replace", replace)
    result = change(host, "a", "b")
    assert [r["reason"] for r in result["instances"].values()] == ["disk_full", None]
    assert host.restart_calls == [["run@b.service"]]


def test_secret_values_are_not_shown(host):
    host.add("a", text="API_KEY=old-s3cr3t\nFLAG=true\n")
    result = _agent_change.change(host, [host.instance("a", {"API_KEY": "new-s3cr3t", "FLAG": "true"})])
    assert result["instances"]["a"]["state"] == "proven"
    assert "s3cr3t" not in str(result)


def test_polling_is_cheap(host):
    host.add("a", behaviour="slow")
    change(host, "a")
    assert host.calls.count("show") <= 8


def backed_up_change(host, agent, sha256):
    return _agent_change.change(host, [replace(host.instance(agent, ON), backup_sha256=sha256)])["instances"][agent]


def test_a_file_that_others_changed_after_the_backup_is_left_alone(host):
    unit = host.add("a")
    path = host.directory / "a.env"
    backup = _atomic_write.sha256(path.read_bytes())
    path.write_text("FLAG=false\nOTHER=2\n")
    result = backed_up_change(host, "a", backup)
    assert (result["state"], result["reason"], result["changed"]) == ("failed", "backup_stale", False)
    assert unit.env_file in result["message"]
    assert "take a new backup: " in result["message"]
    assert path.read_text() == "FLAG=false\nOTHER=2\n"
    assert host.restart_calls == []


def test_the_file_as_backed_up_is_changed_and_a_killed_change_goes_on(host):
    host.add("a")
    backup = _atomic_write.sha256((host.directory / "a.env").read_bytes())
    assert backed_up_change(host, "a", backup)["state"] == "proven"
    again = backed_up_change(host, "a", backup)
    assert (again["state"], again["restarted"]) == ("proven", False)
