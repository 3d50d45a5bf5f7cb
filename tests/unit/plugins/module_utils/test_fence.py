# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
import threading

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _agent_backup,
    _agent_change,
    _agent_restore,
    _fence,
    _host_lock,
    _state_folder,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._fence import Fence
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import ArgumentProblem, InstanceError

from tests.unit.plugins.paused_time import HANGS_S


@pytest.fixture
def root(tmp_path):
    return str(tmp_path / "state")


def admit(root, token, step="deploy", rollout="spring", **more):
    _fence.admit(Fence(rollout, step, token), root=root, **more)


def refused(root, token, **more):
    with pytest.raises(InstanceError) as caught:
        admit(root, token, **more)
    assert caught.value.reason == "fenced"
    return caught.value.message


def test_a_token_may_rise_and_repeat_but_not_fall(root):
    admit(root, 7)
    admit(root, 7)
    admit(root, 9, step="rollback")
    message = refused(root, 7)
    assert "token 7" in message
    assert "with 9 (rollback)" in message
    admit(root, 9, step="rollback")


def test_rollouts_do_not_fence_each_other(root):
    admit(root, 9)
    admit(root, 3, rollout="autumn")


def test_whoever_takes_over_keeps_every_step_so_far_out_and_lets_the_next_in(root):
    admit(root, 7)
    admit(root, None, step="a person's rollback")
    assert "a person's rollback" in refused(root, 7)
    admit(root, None, step="a person's rollback")
    admit(root, 8)
    admit(root, 8)


def test_check_mode_refuses_but_keeps_nothing(root):
    admit(root, 7, check=True)
    assert not os.path.exists(root)
    admit(root, 7)
    refused(root, 6, check=True)
    admit(root, 8, check=True)
    admit(root, 7)


def test_only_root_may_look_into_it(root):
    admit(root, 7)
    path = os.path.join(root, "spring")
    assert [stat.S_IMODE(os.stat(each).st_mode) for each in (root, path)] == [0o700, 0o700]
    assert stat.S_IMODE(os.stat(os.path.join(path, "fence.json")).st_mode) == 0o600
    os.chmod(path, 0o755)
    admit(root, 8)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700


@pytest.mark.parametrize("rollout", ["../etc", "a/b", "", ".hidden", "x" * 200])
def test_a_rollout_is_no_path(root, rollout):
    with pytest.raises(ArgumentProblem):
        admit(root, 7, rollout=rollout)


def test_what_is_no_fence_file_is_refused_and_a_rollback_goes_on(root):
    admit(root, 7)
    with open(os.path.join(root, "spring", "fence.json"), "w") as stream:
        stream.write("[1, 2")
    with pytest.raises(InstanceError) as caught:
        admit(root, 8)
    assert caught.value.reason == "state_altered"
    admit(root, 8, step="rollback", must_keep=False)


def test_a_link_in_the_folders_place_is_not_followed(root, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.mkdir(root)
    os.symlink(elsewhere, os.path.join(root, "spring"))
    with pytest.raises(InstanceError) as caught:
        admit(root, 7)
    assert caught.value.reason == "state_altered"
    assert os.listdir(elsewhere) == []


def test_a_token_is_a_number_from_one():
    with pytest.raises(ArgumentProblem):
        _fence.fence_from({"rollout": "spring", "step": "deploy", "token": 0})
    assert _fence.fence_from({}) is None
    assert _fence.fence_from({"rollout": "spring", "step": "deploy", "token": None}) == Fence("spring", "deploy", None)


def test_a_late_change_that_waited_for_a_rollback_changes_nothing(host, root, tmp_path):
    """The controller of the change is gone, its module hangs at the host's lock, and the rollback holds it."""
    unit = host.add("a")
    directory, lock = str(tmp_path / "backup"), str(tmp_path / "lock")
    on, off = host.instance("a", {"FLAG": "true"}), host.instance("a", log="architecture DISABLED")
    _agent_backup.backup(host, [off], directory, "spring", "h1")
    admit(root, 5)
    _agent_change.change(host, [on])
    waits, caught = threading.Event(), []

    def late():
        waits.set()
        try:
            with _host_lock.host_lock(lock, HANGS_S):
                admit(root, 5)
                _agent_change.change(host, [on])
        except InstanceError as problem:
            caught.append(problem.reason)

    with _host_lock.host_lock(lock, HANGS_S):
        module = threading.Thread(target=late)
        module.start()
        assert waits.wait(HANGS_S)
        admit(root, 6, step="rollback")
        assert _agent_restore.restore(host, directory)["instances"]["a"]["state"] == "restored"
    module.join(HANGS_S)
    assert caught == ["fenced"]
    with open(unit.env_file) as stream:
        assert stream.read() == "FLAG=false\nOTHER=1\n"
    assert unit.environ["FLAG"] == "false"


def test_a_folder_that_is_not_there_has_no_rollouts(root):
    assert _state_folder.rollouts(root) == []
    admit(root, 1)
    assert _state_folder.rollouts(root) == ["spring"]
