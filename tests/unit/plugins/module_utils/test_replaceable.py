# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An environment file that can't be replaced as one file is refused by name, by everybody who would replace it."""

from __future__ import annotations

import os
import socket
from types import SimpleNamespace

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _agent_backup,
    _agent_change,
    _agent_restore,
    _atomic_write,
    _replaceable,
    _units_info,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError

ON = {"FLAG": "true"}


def hard_link(path, monkeypatch):
    os.link(path, path.with_suffix(".other"))


def bind_mount(path, monkeypatch):
    mounts = path.with_suffix(".mounts")
    mounts.write_text(f"36 35 98:0 /x /elsewhere rw - ext4 /dev/a rw\n37 35 98:0 /y {path} rw - ext4 /dev/a rw\n")
    monkeypatch.setattr(_replaceable, "_MOUNTS", str(mounts))


def read_only(path, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_flag=os.ST_RDONLY))


def immutable(path, monkeypatch):
    monkeypatch.setattr(_replaceable, "_flag", lambda place: "immutable" if place == str(path) else None)


def locked_folder(path, monkeypatch):
    monkeypatch.setattr(_replaceable, "_flag", lambda place: "append-only" if place == str(path.parent) else None)


OBSTACLES = [
    (hard_link, "env_file_not_regular", "has 2 names (hard links)"),
    (bind_mount, "env_file_not_regular", "is a mount point"),
    (read_only, "write_failed", "mounted read-only"),
    (immutable, "write_failed", "is immutable"),
    (locked_folder, "write_failed", "is append-only"),
]


@pytest.mark.parametrize(("make", "reason", "text"), OBSTACLES)
def test_nobody_replaces_it(host, tmp_path, monkeypatch, make, reason, text):
    host.add("a")
    path = host.directory / "a.env"
    directory = str(tmp_path / "b")
    _agent_backup.backup(host, [host.instance("a")], directory, "wave", "h1")
    make(path, monkeypatch)
    armed = []
    changed = _agent_change.change(host, [host.instance("a", ON)], arm=armed.append)["instances"]["a"]
    backed_up = _agent_backup.backup(host, [host.instance("a")], str(tmp_path / "c"), "wave", "h1")["instances"]["a"]
    for one in (changed, backed_up):
        assert (one["state"], one["reason"], one["changed"]) == ("failed", reason, False)
        assert text in one["message"]
        assert str(path) in one["message"]
    assert armed == []
    seen = _units_info.environment_of(str(path), ["FLAG"])
    assert (seen["exists"], seen["regular"]) == (True, False)
    assert text in seen["problem"]
    assert path.read_text() == "FLAG=false\nOTHER=1\n"
    assert host.restart_calls == []


@pytest.mark.parametrize(("make", "reason", "text"), OBSTACLES[:2])
def test_a_restore_separates_nothing(host, tmp_path, monkeypatch, make, reason, text):
    host.add("a")
    path = host.directory / "a.env"
    directory = str(tmp_path / "b")
    _agent_backup.backup(host, [host.instance("a", log="architecture DISABLED")], directory, "wave", "h1")
    _agent_change.change(host, [host.instance("a", ON)])
    make(path, monkeypatch)
    one = _agent_restore.restore(host, directory)["instances"]["a"]
    assert (one["state"], one["reason"]) == ("failed", reason)
    assert text in one["message"]
    assert path.read_text() == "FLAG=true\nOTHER=1\n"


def test_a_backup_of_a_file_that_was_linked_meanwhile_is_no_good_one(host, tmp_path):
    host.add("a")
    directory = str(tmp_path / "b")
    _agent_backup.backup(host, [host.instance("a")], directory, "wave", "h1")
    hard_link(host.directory / "a.env", None)
    one = _agent_backup.backup(host, [host.instance("a")], directory, "wave", "h1")["instances"]["a"]
    assert one["differs"]
    assert "hard links" in one["message"]


def named_pipe(path):
    os.mkfifo(path)


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (os.mkdir, "is a directory"),
        (named_pipe, "is a named pipe"),
        (unix_socket, "is a socket or device"),
        (lambda path: os.symlink("/etc/hosts", path), "is a symbolic link"),
    ],
)
def test_what_is_no_file_is_named(tmp_path, make, text):
    make(tmp_path / "x")
    with pytest.raises(InstanceError) as caught:
        _replaceable.read(str(tmp_path / "x"))
    assert caught.value.reason == "env_file_not_regular"
    assert text in caught.value.message


def test_mount_points_with_blanks():
    assert list(_replaceable.mount_points(["1 2 8:1 / /a\\040b\\134c rw - ext4 x rw\n", "cut\n"])) == ["/a b\\c"]


def test_an_attribute_that_can_not_be_read_is_not_lost(tmp_path, monkeypatch):
    path = tmp_path / "e"
    path.write_text("old")

    def refuse(*_arguments, **_more):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "listxattr", lambda *_arguments, **_more: ["security.selinux"])
    monkeypatch.setattr(os, "getxattr", refuse)
    with pytest.raises(InstanceError) as caught:
        _atomic_write.replace(str(path), b"new", _atomic_write.Rights(os.geteuid(), os.getegid(), 0o600))
    assert caught.value.reason == "permission_denied"
    assert path.read_text() == "old"
