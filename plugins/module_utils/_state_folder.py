# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollout keeps on a host across calls and reboots: one folder for root only, each file whole or absent."""

from __future__ import annotations

import json
import os
import stat
from typing import Any, Dict, List, Optional

from ansible_collections.cowboyai.rollout.plugins.module_utils import _atomic_write, _instance
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError

ROOT = "/var/lib/cowboyai-rollout"
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


class StateFolder:
    """The folder of one rollout below ``root``. Only write under the host's lock."""

    def __init__(self, rollout: str, root: str = ROOT) -> None:
        self.rollout = _instance.check_agent(rollout, "rollout")
        self.root = root
        self.path = os.path.join(root, self.rollout)

    def file(self, name: str) -> str:
        """Path of a file in it."""
        return os.path.join(self.path, name)

    def read(self, name: str) -> Optional[Dict[str, Any]]:
        """A file's content; ``None`` when it isn't there. :class:`InstanceError` ``state_altered`` when it is no JSON object."""
        try:
            found = _atomic_write.read_regular(self.file(name), "state file", "state")
        except InstanceError as problem:
            if problem.reason == "state_missing":
                return None
            raise
        try:
            content = json.loads(found.data.decode("utf-8"))
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise InstanceError(
                "state_altered",
                "{0} holds no JSON object; something else than this collection wrote it. Nothing was touched: look at "
                "what the agents run with, then move it away".format(found.path),
            )
        return content

    def write(self, name: str, content: Dict[str, Any]) -> None:
        """Put a file there, whole and on the disk."""
        make(self.root)
        make(self.path)
        data = (json.dumps(content, indent=2, sort_keys=True) + "\n").encode("utf-8")
        put(self.file(name), data)

    def remove(self, name: str) -> bool:
        """Take a file away; whether it was there."""
        try:
            os.unlink(self.file(name))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise InstanceError(
                "write_failed", "{0} can't be removed: {1}".format(self.file(name), error.strerror)
            ) from None
        _atomic_write.sync_directory(self.path)
        return True


def rollouts(root: str = ROOT) -> List[str]:
    """Names of the rollouts that have a folder. What else lies there (lost+found, a folder moved aside) is nobody's."""
    try:
        return sorted(n for n in os.listdir(root) if _is_rollout(n) and os.path.isdir(os.path.join(root, n)))
    except OSError:
        return []


def _is_rollout(name: str) -> bool:
    try:
        _instance.check_agent(name, "rollout")
    except _instance.ArgumentProblem:
        return False
    return True


def put(path: str, data: bytes) -> None:
    """Write a file of root's own."""
    _atomic_write.replace(path, data, _atomic_write.Rights(os.geteuid(), os.getegid(), _FILE_MODE))


def make(path: str) -> None:
    """Make a folder that only this user may enter; :class:`InstanceError` when what is there can't be trusted."""
    try:
        try:
            os.mkdir(path, _FOLDER_MODE)
            _atomic_write.sync_directory(os.path.dirname(path))
        except FileExistsError:
            pass
        info = os.lstat(path)
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid():
            raise InstanceError(
                "state_altered",
                "{0} is no directory of user id {1}; move it away and run again".format(path, os.geteuid()),
            )
        if stat.S_IMODE(info.st_mode) != _FOLDER_MODE:
            os.chmod(path, _FOLDER_MODE)
    except OSError as error:
        reason = "permission_denied" if isinstance(error, PermissionError) else "write_failed"
        raise InstanceError(
            reason, "the state folder {0} can't be made: {1}; run with become: true".format(path, error.strerror)
        ) from None
