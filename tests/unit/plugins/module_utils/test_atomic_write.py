# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import struct
from contextlib import ExitStack

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _atomic_write, _host_lock
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError

from tests.unit.plugins.paused_time import PausedTime


@pytest.fixture
def env_file(tmp_path):
    path = tmp_path / "a.env"
    path.write_bytes(b"A=1\n")
    path.chmod(0o640)
    return path


def rights_of(path):
    return _atomic_write.read_regular(str(path)).rights


def test_replaces_with_the_same_rights(env_file):
    before = rights_of(env_file)
    _atomic_write.replace(str(env_file), b"A=2\n", before)
    assert env_file.read_bytes() == b"A=2\n"
    assert rights_of(env_file) == before
    assert before.mode == 0o640
    assert os.listdir(env_file.parent) == ["a.env"]


def test_a_default_acl_of_the_folder_gives_nobody_rights_that_the_old_file_did_not_give(env_file):
    entries = ((0x01, 7, -1), (0x02, 7, 1234), (0x04, 0, -1), (0x10, 7, -1), (0x20, 0, -1))
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(env_file.parent, "system.posix_acl_default", acl)
    except OSError as error:
        assert error.errno == errno.ENOTSUP
        pytest.fail("the file system of the test's folder knows no ACLs: run with --basetemp on one that does")
    before = rights_of(env_file)
    _atomic_write.replace(str(env_file), b"A=2\n", before)
    assert "system.posix_acl_access" not in os.listxattr(env_file)
    assert rights_of(env_file) == before


def test_keeps_extended_attributes(env_file):
    try:
        os.setxattr(env_file, "user.note", b"keep")
    except OSError as error:  # a file system without them has nothing to keep
        assert error.errno == errno.ENOTSUP
        return
    _atomic_write.replace(str(env_file), b"A=2\n", rights_of(env_file))
    assert os.getxattr(env_file, "user.note") == b"keep"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EPERM, "permission_denied"),
        (errno.EIO, "write_failed"),
    ],
)
@pytest.mark.parametrize("call", ["write", "fsync", "fchmod", "replace"])
def test_failure_leaves_the_old_file_and_nothing_else(env_file, monkeypatch, number, reason, call):
    rights = rights_of(env_file)

    def broken(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, broken)
    with pytest.raises(InstanceError) as caught:
        _atomic_write.replace(str(env_file), b"A=2\n", rights)
    monkeypatch.undo()
    assert caught.value.reason == reason
    assert "unchanged" in caught.value.message
    assert env_file.read_bytes() == b"A=1\n"
    assert os.listdir(env_file.parent) == ["a.env"]


def test_what_is_not_a_regular_file(tmp_path, env_file):
    (tmp_path / "link").symlink_to(env_file)
    (tmp_path / "dir").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "dir", "pipe"):
        with pytest.raises(InstanceError) as caught:
            _atomic_write.read_regular(str(tmp_path / name))
        assert caught.value.reason == "env_file_not_regular"
    with pytest.raises(InstanceError) as caught:
        _atomic_write.read_regular(str(tmp_path / "none"))
    assert caught.value.reason == "env_file_missing"


def test_leftovers_of_a_killed_run_are_removed(tmp_path):
    (tmp_path / (_atomic_write.TEMP_PREFIX + "0a-x.env")).write_bytes(b"")
    (tmp_path / "x.env").write_bytes(b"")
    _atomic_write.remove_leftovers(str(tmp_path))
    assert os.listdir(tmp_path) == ["x.env"]


def test_second_run_waits_for_the_first(tmp_path, monkeypatch):
    path, order, first = str(tmp_path / "lock"), [], ExitStack()

    def end_the_first(_seconds):
        if not order:
            order.append("first")
            first.close()

    monkeypatch.setattr(_host_lock, "time", PausedTime(end_the_first))
    first.enter_context(_host_lock.host_lock(path))
    with _host_lock.host_lock(path, wait=5):
        order.append("second")
    assert order == ["first", "second"]


def test_waiting_is_bounded_and_typed(tmp_path, monkeypatch):
    path, time = str(tmp_path / "lock"), PausedTime()
    monkeypatch.setattr(_host_lock, "time", time)
    with _host_lock.host_lock(path), pytest.raises(InstanceError) as caught, _host_lock.host_lock(path, wait=60):
        pass
    assert caught.value.reason == "host_busy"
    assert 60 <= time.passed < 61


def test_lock_is_no_way_to_touch_other_files(tmp_path):
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "lock").symlink_to(tmp_path / "target")
    with pytest.raises(InstanceError), _host_lock.host_lock(str(tmp_path / "lock")):
        pass
