# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import os
import shlex
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from functools import partial

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _agent_backup,
    _agent_change,
    _agent_restore,
    _fence,
    _guard,
    _guard_end,
    _guard_file,
    _guard_record,
    _guard_timer,
    _revert,
    _state_folder,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._command import Outcome
from ansible_collections.cowboyai.rollout.plugins.module_utils._guard import Arming
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import ArgumentProblem, InstanceError

from tests.unit.plugins.paused_time import HANGS_S, PausedTime

WITHIN_S, OVERDUE_S = 900.0, 901.0
OLD, NEW = "FLAG=false\nOTHER=1\n", "FLAG=true\nOTHER=1\n"


class FakeSystemd:
    """Takes systemd-run and systemctl; `timers`: unit -> seconds."""

    def __init__(self):
        self.timers = {}
        self.calls = []
        self.refuses = ""

    def __call__(self, argv, timeout):
        self.calls.append(argv)
        if argv[0] == "systemctl":
            self.timers.pop(argv[2].rpartition(".")[0], None)
            return Outcome(0, "", "")
        if self.refuses:
            return Outcome(1, "", self.refuses)
        unit = next(word for word in argv if word.startswith("--unit=")).partition("=")[2]
        after = next(word for word in argv if word.startswith("--on-active=")).partition("=")[2]
        self.timers[unit] = float(after.rstrip("s"))
        return Outcome(0, "", "")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The time of this host, in which nothing passes by itself."""
    made = PausedTime()
    monkeypatch.setattr(_guard_record, "time", made)
    monkeypatch.setattr(_guard, "time", made)
    return made


@pytest.fixture
def systemd():
    return FakeSystemd()


@pytest.fixture
def place(tmp_path, systemd):
    units = tmp_path / "units"
    units.mkdir()
    return _guard_record.Place(str(tmp_path / "state"), str(units), str(tmp_path / "lock"), systemd)


@pytest.fixture
def directory(tmp_path):
    return str(tmp_path / "backup")


@pytest.fixture
def changed(host, place, directory):
    """Two agents backed up and changed under a guard."""
    for agent in ("a", "b"):
        host.add(agent)
    off = [host.instance(agent, log="architecture DISABLED") for agent in ("a", "b")]
    _agent_backup.backup(host, off, directory, "spring", "h1")
    _fence.admit(_fence.Fence("spring", "deploy", 5), root=place.root)
    assert change(host, place, directory)["instances"]["a"]["state"] == "proven"
    host.restart_calls.clear()
    return host


def change(host, place, directory, known=(), within=WITHIN_S):
    arm = partial(_guard.arm, place, Arming("spring", directory, within, known))
    return _agent_change.change(host, [host.instance(agent, {"FLAG": "true"}) for agent in ("a", "b")], arm=arm)


def text(host, agent):
    with open(host.directory / f"{agent}.env") as stream:
        return stream.read()


def test_a_change_arms_before_the_first_write(host, place, directory, systemd):
    host.add("a")
    host.add("b")
    off = [host.instance(agent, log="architecture DISABLED") for agent in ("a", "b")]
    _agent_backup.backup(host, off, directory, "spring", "h1")
    systemd.refuses = "Failed to connect to bus"
    result = change(host, place, directory)
    assert [one["reason"] for one in result["instances"].values()] == ["guard_failed", "guard_failed"]
    assert "Failed to connect to bus" in result["instances"]["a"]["message"]
    assert (text(host, "a"), host.restart_calls) == (OLD, [])
    assert _guard_record.status(place, "spring")["state"] == "none"
    systemd.refuses = ""
    change(host, place, directory)
    status = _guard_record.status(place, "spring")
    assert (status["state"], status["agents"]) == ("armed", ["a", "b"])
    assert list(systemd.timers.values()) == [900.0]


def test_the_timer_is_exact_and_its_program_for_root_only(changed, place, systemd):
    [started] = [argv for argv in systemd.calls if argv[0] == "systemd-run"]
    assert "--timer-property=AccuracySec=100ms" in started
    assert started[-6:] == [sys.executable, "-I", f"{place.root}/revert.pyz", "fire", place.root, "spring"]
    assert stat.S_IMODE(os.stat(f"{place.root}/revert.pyz").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(place.root).st_mode) == 0o700
    with open(f"{place.units}/{_guard_timer.BOOT_UNIT}") as stream:
        [command] = [line.partition("=")[2] for line in stream if line.startswith("ExecStart=")]
    # The path of either may hold a space.
    assert shlex.split(command) == [sys.executable, "-I", f"{place.root}/revert.pyz", "boot", place.root]
    assert os.path.islink(f"{place.units}/multi-user.target.wants/{_guard_timer.BOOT_UNIT}")


def test_without_a_whole_backup_nothing_is_changed(changed, place, directory):
    host = changed
    _agent_restore.restore(host, directory)
    with open(f"{directory}/b.env", "a") as stream:
        stream.write("X=1\n")
    result = change(host, place, directory)
    assert {one["reason"] for one in result["instances"].values()} == {"backup_altered"}
    assert text(host, "a") == OLD
    result = _agent_change.change(
        host, [host.instance("a", {"FLAG": "true"})], arm=partial(_guard.arm, place, Arming("spring", "/no/such", 9.0))
    )
    assert result["instances"]["a"]["reason"] == "backup_missing"


def test_a_guard_that_fires_puts_back_and_says_why(changed, place, capsys, clock):
    os.chmod(changed.directory / "a.env", 0o600)
    clock.sleep(OVERDUE_S)
    assert _revert.fire(place, "spring", changed) == 0
    assert [text(changed, agent) for agent in ("a", "b")] == [OLD, OLD]
    assert changed.units["run@a.service"].environ["FLAG"] == "false"
    status = _guard_record.status(place, "spring")
    assert (status["state"], status["reverted"]["complete"]) == ("reverted", True)
    assert "not confirmed within 900 s" in status["reverted"]["why"]
    assert {one["state"] for one in status["reverted"]["instances"].values()} == {"restored"}
    assert "not confirmed within 900 s" in capsys.readouterr().out
    assert os.listdir(place.units) == ["multi-user.target.wants"]
    assert _revert.fire(place, "spring", changed) == 0
    assert len(changed.restart_calls) == 1


def test_a_guard_ends_when_all_is_back_though_not_proven(changed, place, capsys, clock):
    """Else it would be tried again each minute for ever, and change nothing."""
    changed.units["run@a.service"].behaviour = "no_log"
    clock.sleep(OVERDUE_S)
    assert _revert.fire(place, "spring", changed) == 0
    status = _guard_record.status(place, "spring")
    assert (status["state"], status["reverted"]["complete"]) == ("reverted", False)
    assert {agent: one["state"] for agent, one in status["reverted"]["instances"].items()} == {
        "a": "unproven",
        "b": "restored",
    }
    assert "restored, not proven" in capsys.readouterr().out
    assert text(changed, "a") == OLD


def test_a_guard_goes_on_while_something_is_not_back(changed, place, clock):
    changed.units["run@a.service"].behaviour = "no_restart"
    clock.sleep(OVERDUE_S)
    assert _revert.fire(place, "spring", changed) == 1
    assert _guard_record.status(place, "spring")["state"] == "armed"


def test_after_it_has_fired_a_late_module_is_kept_out_and_the_next_step_is_not(changed, place, clock):
    clock.sleep(OVERDUE_S)
    _revert.fire(place, "spring", changed)
    with pytest.raises(InstanceError) as caught:
        _fence.admit(_fence.Fence("spring", "deploy", 5), root=place.root)
    assert caught.value.reason == "fenced"
    assert "the host's own revert" in caught.value.message
    _fence.admit(_fence.Fence("spring", "rollback", 6), root=place.root)


def test_a_reverted_host_is_not_changed_before_the_rollout_knows(changed, place, directory, clock):
    clock.sleep(OVERDUE_S)
    _revert.fire(place, "spring", changed)
    changed.restart_calls.clear()
    result = change(changed, place, directory)
    assert {one["reason"] for one in result["instances"].values()} == {"host_reverted"}
    assert (text(changed, "a"), changed.restart_calls) == (OLD, [])
    known = _guard_record.status(place, "spring")["reverted"]["id"]
    assert change(changed, place, directory, (known,))["instances"]["a"]["state"] == "proven"
    assert _guard_record.status(place, "spring")["state"] == "armed"


def test_confirmed_it_never_fires(changed, place, systemd):
    assert _guard_end.confirm(place, "spring") is True
    assert systemd.timers == {}
    assert os.listdir(place.units) == ["multi-user.target.wants"]
    assert _revert.fire(place, "spring", changed) == 0
    assert text(changed, "a") == NEW
    assert _guard_end.confirm(place, "spring") is False
    assert _guard_record.status(place, "spring")["state"] == "none"


def test_renewed_it_waits_anew_with_one_timer(changed, place, systemd, clock):
    before = dict(systemd.timers)
    clock.sleep(OVERDUE_S)
    assert _guard.renew(place, "spring", 60.0) is True
    assert list(systemd.timers.values()) == [60.0]
    assert systemd.timers.keys() != before.keys()
    # The one before, were it still there, would look again, and end with the guard.
    assert _revert.fire(place, "spring", changed) == 1
    assert text(changed, "a") == NEW
    assert _guard.renew(place, "autumn", 60.0) is False


def test_armed_again_it_keeps_whom_it_had(changed, place, directory, systemd):
    host = changed
    _guard.arm(place, Arming("spring", directory, 60.0), ["a"])
    assert _guard_record.status(place, "spring")["agents"] == ["a", "b"]
    assert len(systemd.timers) == 1
    assert text(host, "b") == NEW


def test_a_rollback_releases_what_is_back(changed, place, directory, systemd, clock):
    _guard_end.release(place, "spring", ["a"])
    assert _guard_record.status(place, "spring")["agents"] == ["b"]
    assert len(systemd.timers) == 1
    clock.sleep(OVERDUE_S)
    _revert.fire(place, "spring", changed)
    assert [text(changed, agent) for agent in ("a", "b")] == [NEW, OLD]
    _guard_end.release(place, "spring", ["a", "b"])
    assert systemd.timers != {}


def test_a_rollback_and_a_guard_at_the_same_moment_are_one(changed, place, directory, clock):
    """Whoever gets the host's lock second finds nothing left to do."""
    clock.sleep(OVERDUE_S)
    _revert.fire(place, "spring", changed)
    changed.restart_calls.clear()
    result = _agent_restore.restore(changed, directory)
    assert {one["state"] for one in result["instances"].values()} == {"restored"}
    assert (result["changed"], changed.restart_calls) == (False, [])


def test_what_could_not_be_put_back_is_tried_again(changed, place, directory, clock):
    os.rename(f"{directory}/b.env", f"{directory}/gone")
    clock.sleep(OVERDUE_S)
    assert _revert.fire(place, "spring", changed) == 1
    status = _guard_record.status(place, "spring")
    assert (status["state"], status["reverted"]["complete"]) == ("armed", False)
    assert status["reverted"]["instances"]["b"]["reason"] == "backup_missing"
    assert [text(changed, agent) for agent in ("a", "b")] == [OLD, NEW]
    os.rename(f"{directory}/gone", f"{directory}/b.env")
    assert _revert.fire(place, "spring", changed) == 0
    assert text(changed, "b") == OLD


def test_a_reboot_starts_the_timer_again_for_the_rest(changed, place, systemd, monkeypatch, clock):
    systemd.timers.clear()
    clock.sleep(100)
    monkeypatch.setattr(_guard_record._host_metrics, "boot_id", lambda: "another boot")
    assert _revert.boot(place, "/x/revert.pyz") == 0
    [remaining] = systemd.timers.values()
    assert remaining == WITHIN_S - 100
    assert "/x/revert.pyz" in systemd.calls[-1]
    assert _revert.fire(place, "spring", changed) == 1
    assert text(changed, "a") == NEW


def test_a_timer_that_takes_long_to_start_after_a_reboot_is_not_early(changed, place, systemd, monkeypatch, clock):
    monkeypatch.setattr(_guard_record._host_metrics, "boot_id", lambda: "another boot")
    due = []

    def slow(argv, timeout):
        done = systemd(argv, timeout)
        if argv[0] == "systemd-run":
            # Systemd counts from here on; the answer takes some time.
            due.append(clock.monotonic() + list(systemd.timers.values())[-1])
            clock.sleep(0.8)
        return done

    _revert.boot(replace(place, run=slow), "/x/revert.pyz")
    clock.sleep(due[0] - clock.monotonic())
    assert _revert.fire(place, "spring", changed) == 0
    assert text(changed, "a") == OLD


def test_a_boot_that_could_not_start_the_timer_tries_again(changed, place, systemd):
    with open(os.path.join(place.units, _guard_timer.BOOT_UNIT)) as stream:
        unit = stream.read()
    assert "Restart=on-failure\n" in unit and "StartLimitIntervalSec=0\n" in unit and "Type=oneshot" not in unit
    systemd.refuses = "Failed to connect to bus"
    assert _revert.boot(place, "/x/revert.pyz") == 1
    systemd.refuses = ""
    assert _revert.boot(place, "/x/revert.pyz") == 0
    # Once more, as when it had been started before: the unit of that name is stopped first.
    assert _revert.boot(place, "/x/revert.pyz") == 0
    assert systemd.calls[-2][:2] == ["systemctl", "stop"]
    assert len(systemd.timers) == 1


def test_foreign_folders_among_the_state_are_nobodys(changed, place, systemd):
    for name in ("lost+found", "a spring (old)", "spring~"):
        os.mkdir(os.path.join(place.root, name))
    systemd.timers.clear()
    assert _revert.boot(place, "/x/revert.pyz") == 0
    assert len(systemd.timers) == 1
    _guard_end.release(place, "spring", ["a", "b"])
    assert _guard_record.status(place, "spring")["state"] == "none"


@pytest.mark.parametrize("token", [None, "abc", True, 1.5])
def test_an_unusable_token_does_not_stop_the_way_back(changed, place, token, clock):
    _state_folder.put(place.folder("spring").file("fence.json"), json.dumps({"token": token}).encode())
    with pytest.raises(InstanceError, match="expected a number"):
        _fence.admit(_fence.Fence("spring", "deploy", 9), root=place.root)
    _fence.admit(_fence.Fence("spring", "rollback", 9), root=place.root, must_keep=False)
    clock.sleep(OVERDUE_S)
    assert _revert.fire(place, "spring", changed) == 0
    assert text(changed, "a") == OLD


def test_words_of_the_boot_service_are_quoted(place):
    _guard_timer.enable_at_boot("/x", ["/opt/my python/bin/python3", "-I", '/a"b%c'], place.units)
    with open(os.path.join(place.units, _guard_timer.BOOT_UNIT)) as stream:
        assert 'ExecStart="/opt/my python/bin/python3" -I "/a\\"b%%c"\n' in stream.read()


def test_what_a_killed_module_left_beside_the_files_goes_with_the_next_change_or_restore(changed, place, directory):
    left = changed.directory / ".rollout-new-0123456789ab-a.env"
    other = changed.directory / ".rollout-mine.env"
    other.write_text("nobody's")
    for act in (
        lambda: _agent_change.change(changed, [changed.instance("a", {"FLAG": "true"})]),
        lambda: _agent_restore.restore(changed, directory),
    ):
        left.write_text("SECRET=1\n")
        act()
        assert not left.exists()
        assert other.exists()
    left.write_text("SECRET=1\n")
    _agent_restore.restore(changed, directory, check=True)
    assert left.exists()


def test_what_somebody_writes_while_the_host_arms_is_not_lost(host, place, directory):
    for agent in ("a", "b"):
        host.add(agent)
    off = [host.instance(agent, log="architecture DISABLED") for agent in ("a", "b")]
    _agent_backup.backup(host, off, directory, "spring", "h1")

    def arm(agents):
        with open(host.directory / "a.env", "a") as stream:
            stream.write("HAND=1\n")

    wanted = [host.instance(agent, {"FLAG": "true"}) for agent in ("a", "b")]
    result = _agent_change.change(host, wanted, arm=arm)["instances"]
    assert (result["a"]["state"], result["a"]["reason"], result["b"]["state"]) == ("failed", "backup_stale", "proven")
    assert text(host, "a") == OLD + "HAND=1\n"
    assert host.restart_calls == [["run@b.service"]]


def test_a_time_that_passed_while_it_was_off_fires_at_once(changed, place, systemd, monkeypatch):
    path = place.folder("spring").file("guard.json")
    with open(path) as stream:
        guard = json.load(stream)
    guard["deadline"] = "2026-01-01T00:00:00.000000+00:00"
    with open(path, "w") as stream:
        json.dump(guard, stream)
    monkeypatch.setattr(_guard_record._host_metrics, "boot_id", lambda: "another boot")
    _revert.boot(place, "/x/revert.pyz")
    assert list(systemd.timers.values())[-1] < 0.1
    assert _revert.fire(place, "spring", changed) == 0
    assert text(changed, "a") == OLD


def test_the_program_runs_by_itself(place, tmp_path, changed):
    """Isolated, without site packages, from a folder that knows nothing of the collection."""
    mark = tmp_path / "mark"

    def run(*words):
        argv = [sys.executable, "-I", "-S", f"{place.root}/revert.pyz", *words]
        return subprocess.run(argv, cwd="/", env={}, capture_output=True, text=True, timeout=HANGS_S, check=False)

    assert run("rehearse", str(mark)).returncode == 0
    assert float(mark.read_text()) > 0
    done = run("fire", place.root, "../x")
    assert (done.returncode, done.stderr) == (1, "")
    assert "'../x' is no name" in done.stdout


def test_the_program_has_all_that_a_restore_needs():
    found = [os.path.basename(name) for name in zipfile.ZipFile(io.BytesIO(_guard_file.archive(_revert))).namelist()]
    for name in ("_agent_restore", "_agent_change", "_proof", "_journal", "_systemd", "_fence", "_host_lock"):
        assert f"{name}.py" in found
    assert "_module_edge.py" not in found
    assert _guard_file.archive(_revert) == _guard_file.archive(_revert)


def test_a_rehearsal_fires_a_timer_and_leaves_nothing(place, systemd, clock):
    due = []

    def run(argv, timeout):
        done = systemd(argv, timeout)
        if argv[0] == "systemd-run":
            due.extend(systemd.timers.values())
            program = argv[argv.index("--") + 1 :]
            subprocess.run(program, timeout=HANGS_S, check=True)
            # The program has its own time, that of the machine.
            with open(program[-1], "w") as stream:
                stream.write(f"{clock.monotonic() + 1.75}\n")
        return done

    assert _guard.rehearse(replace(place, run=run)) == pytest.approx(1.75 - due[0])
    assert not os.path.exists(place.root)
    assert os.listdir(place.units) == []


def test_a_rehearsal_says_what_is_wrong(place, systemd, clock):
    with pytest.raises(InstanceError) as caught:
        _guard.rehearse(place)
    assert (caught.value.reason, os.path.exists(place.root)) == ("guard_failed", False)
    assert 5 <= clock.passed < 6
    systemd.refuses = "no systemd here"
    with pytest.raises(InstanceError, match="no systemd here"):
        _guard.rehearse(place)
    with pytest.raises(InstanceError, match="can't be written"):
        _guard.rehearse(_guard_record.Place(place.root, "/no/such", place.lock, systemd))


@pytest.mark.parametrize("within", [0, -1, 1e9, "900", True, None])
def test_a_time_that_no_guard_waits_is_refused(within):
    with pytest.raises(ArgumentProblem):
        _guard.arming_from({"rollout": "spring", "directory": "/b", "within": within})


def test_a_state_that_cannot_be_used_is_told_and_no_failure(place):
    os.makedirs(f"{place.root}/spring")
    with open(f"{place.root}/spring/guard.json", "w") as stream:
        stream.write('{"id": "x"}')
    assert _guard_record.seen(place, "spring")["state"] == "unknown"
