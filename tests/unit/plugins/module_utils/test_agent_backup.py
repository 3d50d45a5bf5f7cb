# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import replace

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_backup, _atomic_write


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "backups" / "wave"


def backup(host, directory, *agents, rollout="wave", check=False):
    instances = [host.instance(agent, log="architecture DISABLED") for agent in agents]
    return _agent_backup.backup(host, instances, str(directory), rollout, "h1", check)


def one(result, agent="a"):
    return result["instances"][agent]


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_copies_bytes_and_says_how_to_go_back(host, directory):
    unit = host.add("a")
    os.chmod(unit.env_file, 0o640)
    result = backup(host, directory, "a")
    assert (one(result)["state"], result["changed"]) == ("backed_up", True)
    assert (directory / "a.env").read_text() == "FLAG=false\nOTHER=1\n"
    assert (mode(directory), mode(directory / "a.env"), mode(directory / "manifest.json")) == (0o700, 0o600, 0o600)
    manifest = json.loads((directory / "manifest.json").read_text())
    assert (manifest["rollout"], manifest["host"]) == ("wave", "h1")
    entry = manifest["agents"]["a"]
    assert (entry["unit"], entry["env_file"], entry["mode"], entry["active"]) == (
        unit.name,
        unit.env_file,
        "0640",
        True,
    )
    assert entry["proof"] == {"log": "architecture DISABLED", "subscriptions": ["agent.to.a.>"], "ready_within": 5.0}
    assert entry["sha256"] == one(result)["sha256"]
    assert result["manifest_sha256"] == _atomic_write.sha256((directory / "manifest.json").read_bytes())


def test_no_value_of_a_process_reaches_the_manifest(host, directory):
    host.add("a", text="API_KEY=s3cr3t\n")
    backup(host, directory, "a")
    assert "s3cr3t" not in (directory / "manifest.json").read_text()


def test_second_run_keeps_and_changes_nothing(host, directory):
    host.add("a")
    first = backup(host, directory, "a")
    host.us += 60_000_000
    second = backup(host, directory, "a")
    assert (one(second)["state"], second["changed"]) == ("kept", False)
    assert second["manifest_sha256"] == first["manifest_sha256"]


def test_a_changed_file_never_replaces_the_good_backup(host, directory):
    unit = host.add("a")
    backup(host, directory, "a")
    with open(unit.env_file, "w") as stream:
        stream.write("FLAG=true\n")
    result = backup(host, directory, "a")
    assert one(result)["state"] == "kept"
    assert "changed since" in one(result)["message"]
    assert (directory / "a.env").read_text().startswith("FLAG=false")


def test_agents_of_a_later_phase_are_added(host, directory):
    host.add("a")
    host.add("b")
    backup(host, directory, "a")
    before = (directory / "manifest.json").read_text()
    backup(host, directory, "b")
    manifest = json.loads((directory / "manifest.json").read_text())
    assert sorted(manifest["agents"]) == ["a", "b"]
    assert manifest["agents"]["a"] == json.loads(before)["agents"]["a"]


def test_interrupted_before_the_manifest_is_completed(host, directory):
    host.add("a")
    backup(host, directory, "a")
    (directory / "manifest.json").unlink()
    (directory / (_atomic_write.TEMP_PREFIX + "00-b.env")).write_text("half")
    result = backup(host, directory, "a")
    assert one(result)["state"] == "backed_up"
    assert sorted(os.listdir(directory)) == ["a.env", "manifest.json"]


def test_a_copy_made_by_hand_is_adopted_when_identical(host, directory):
    unit = host.add("a")
    directory.mkdir(parents=True, mode=0o755)
    shutil.copyfile(unit.env_file, directory / "a.env")
    result = backup(host, directory, "a")
    assert one(result)["state"] == "backed_up"
    assert "identical copy" in one(result)["message"]
    assert (mode(directory), mode(directory / "a.env")) == (0o700, 0o600)


def test_a_copy_made_by_hand_that_differs_is_left_alone(host, directory):
    host.add("a")
    directory.mkdir(parents=True)
    (directory / "a.env").write_text("other")
    result = backup(host, directory, "a")
    assert one(result)["reason"] == "backup_differs"
    assert (directory / "a.env").read_text() == "other"
    assert not (directory / "manifest.json").exists()
    assert result["manifest_path"] is None


@pytest.mark.parametrize(("damage", "reason"), [("unlink", "backup_missing"), ("write", "backup_altered")])
def test_damaged_backups_are_named_and_not_touched(host, directory, damage, reason):
    host.add("a")
    host.add("b")
    backup(host, directory, "a", "b")
    if damage == "unlink":
        (directory / "a.env").unlink()
    else:
        (directory / "a.env").write_text("altered")
    manifest = (directory / "manifest.json").read_bytes()
    result = backup(host, directory, "a", "b")
    assert one(result)["reason"] == reason
    assert one(result, "b")["state"] == "kept"
    assert (directory / "manifest.json").read_bytes() == manifest
    assert (directory / "a.env").exists() == (damage == "write")


def test_directory_of_another_rollout_is_refused(host, directory):
    host.add("a")
    host.add("b")
    backup(host, directory, "a")
    result = backup(host, directory, "b", rollout="other")
    assert one(result, "b")["reason"] == "backup_differs"
    assert "'wave'" in result["msg"]
    assert os.listdir(directory).count("b.env") == 0


def test_symbolic_link_as_directory_is_refused(host, directory, tmp_path):
    host.add("a")
    (tmp_path / "elsewhere").mkdir()
    directory.parent.mkdir()
    directory.symlink_to(tmp_path / "elsewhere")
    assert one(backup(host, directory, "a"))["reason"] == "backup_altered"
    assert os.listdir(tmp_path / "elsewhere") == []


def test_directory_that_everybody_can_replace_is_refused(host, directory):
    host.add("a")
    directory.parent.mkdir()
    directory.parent.chmod(0o777)
    assert one(backup(host, directory, "a"))["reason"] == "permission_denied"


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"schema": "x"}', '{"schema": "cowboyai.rollout/backup-manifest/1"}']
)
def test_broken_manifest_stops_everything(host, directory, text):
    host.add("a")
    backup(host, directory, "a")
    (directory / "manifest.json").write_text(text)
    result = backup(host, directory, "a")
    assert one(result)["reason"] == "backup_altered"
    assert (directory / "manifest.json").read_text() == text


def test_manifest_can_not_point_elsewhere(host, directory):
    host.add("a")
    backup(host, directory, "a")
    raw = json.loads((directory / "manifest.json").read_text())
    raw["agents"]["a"]["file"] = "../../etc/shadow"
    (directory / "manifest.json").write_text(json.dumps(raw))
    assert one(backup(host, directory, "a"))["reason"] == "backup_altered"


def test_check_mode_makes_nothing(host, directory):
    host.add("a")
    result = backup(host, directory, "a", check=True)
    assert (one(result)["state"], result["changed"]) == ("backed_up", True)
    assert not directory.exists()


def test_one_bad_instance_stops_no_other(host, directory):
    host.add("a")
    host.add("b")
    (host.directory / "a.env").unlink()
    result = backup(host, directory, "a", "b")
    assert (one(result)["reason"], one(result, "b")["state"]) == ("env_file_missing", "backed_up")
    assert list(json.loads((directory / "manifest.json").read_text())["agents"]) == ["b"]


def test_another_file_under_the_same_agent_is_refused(host, directory):
    host.add("a")
    backup(host, directory, "a")
    other = replace(host.instance("a"), env_file="/elsewhere/a.env")
    result = _agent_backup.backup(host, [other], str(directory), "wave", "h1")
    assert one(result)["reason"] == "backup_differs"


def test_files_of_the_same_name_do_not_overwrite_each_other(host, directory, tmp_path):
    host.add("a")
    host.add("b")
    (tmp_path / "a.env").write_text("FLAG=false\nOTHER=1\n")
    instances = [host.instance("a"), replace(host.instance("b"), env_file=str(tmp_path / "a.env"))]
    result = _agent_backup.backup(host, instances, str(directory), "wave", "h1")
    assert (one(result)["state"], one(result, "b")["reason"]) == ("backed_up", "backup_differs")


def test_says_whether_the_file_is_now_another_one(host, directory):
    unit = host.add("a")
    assert one(backup(host, directory, "a"))["differs"] is False
    assert one(backup(host, directory, "a"))["differs"] is False
    with open(unit.env_file, "a") as stream:
        stream.write("MORE=1\n")
    assert one(backup(host, directory, "a"))["differs"] is True
    os.unlink(unit.env_file)
    assert one(backup(host, directory, "a"))["differs"] is True
