# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup directory of a rollout on a host: byte copies, and a manifest of what they are and how to go back."""

from __future__ import annotations

import errno
import json
import os
import stat
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from ansible_collections.cowboyai.rollout.plugins.module_utils import _atomic_write, _instance
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError, Proof

SCHEMA = "cowboyai.rollout/backup-manifest/1"
FILE_NAME = "manifest.json"
COPY_MODE = 0o600
DIRECTORY_MODE = 0o700


@dataclass(frozen=True)
class Entry:
    """One agent's backup. ``process_keys`` are the names (not values) of the variables its process ran with."""

    agent: str
    unit: str
    env_file: str
    file: str
    sha256: str
    size_bytes: int
    owner: str
    uid: int
    group: str
    gid: int
    mode: int
    mtime: str
    backed_up_at: str
    active: bool
    process_keys: Optional[List[str]]
    drifted_keys: List[str]
    proof: Proof

    def as_dict(self) -> Dict[str, Any]:
        """For the manifest file."""
        return {
            "unit": self.unit,
            "env_file": self.env_file,
            "file": self.file,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "owner": self.owner,
            "uid": self.uid,
            "group": self.group,
            "gid": self.gid,
            "mode": "{0:04o}".format(self.mode),
            "mtime": self.mtime,
            "backed_up_at": self.backed_up_at,
            "active": self.active,
            "process_keys": self.process_keys,
            "drifted_keys": self.drifted_keys,
            "proof": self.proof.as_dict(),
        }


@dataclass
class Manifest:
    """All backups of one rollout on one host."""

    rollout: str
    host: str
    created_at: str
    agents: Dict[str, Entry] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The file's bytes; the same content gives the same bytes."""
        body = {
            "schema": SCHEMA,
            "rollout": self.rollout,
            "host": self.host,
            "created_at": self.created_at,
            "agents": {agent: self.agents[agent].as_dict() for agent in sorted(self.agents)},
        }
        return (json.dumps(body, indent=2, sort_keys=True) + "\n").encode("utf-8")


def _entry(agent: str, raw: Dict[str, Any]) -> Entry:
    _instance.check_agent(agent)
    name = raw["file"]
    if not isinstance(name, str) or os.path.basename(name) != name or name in ("", ".", "..", FILE_NAME):
        raise ValueError("agent {0} has the backup file name {1!r}".format(agent, name))
    digest = raw["sha256"]
    if not isinstance(digest, str) or len(digest) != 64:
        raise ValueError("agent {0} has no sha256".format(agent))
    keys = raw.get("process_keys")
    return Entry(
        agent=agent,
        unit=_instance.check_unit(raw["unit"], agent),
        env_file=_instance.check_path(raw["env_file"], "env_file of agent {0}".format(agent)),
        file=name,
        sha256=digest,
        size_bytes=int(raw["size_bytes"]),
        owner=str(raw["owner"]),
        uid=int(raw["uid"]),
        group=str(raw["group"]),
        gid=int(raw["gid"]),
        mode=int(str(raw["mode"]), 8) & 0o7777,
        mtime=str(raw["mtime"]),
        backed_up_at=str(raw["backed_up_at"]),
        active=bool(raw["active"]),
        process_keys=None if keys is None else [str(key) for key in keys],
        drifted_keys=[str(key) for key in raw.get("drifted_keys") or []],
        proof=_instance.proof_from(raw.get("proof"), agent),
    )


def check_directory(directory: str) -> bool:
    """Whether the backup directory exists; raises :class:`InstanceError` when it can't be trusted."""
    try:
        info = os.lstat(directory)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InstanceError(
            "permission_denied", "the backup directory {0} can't be looked at: {1}".format(directory, error.strerror)
        ) from None
    if stat.S_ISLNK(info.st_mode) or not stat.S_ISDIR(info.st_mode):
        raise InstanceError(
            "backup_altered",
            "the backup directory {0} is {1}; expected a directory of its own".format(
                directory, "a symbolic link" if stat.S_ISLNK(info.st_mode) else "no directory"
            ),
        )
    if info.st_uid != os.geteuid():
        raise InstanceError(
            "permission_denied",
            "the backup directory {0} belongs to user id {1}; expected {2} (run with become: true, or correct the "
            "owner)".format(directory, info.st_uid, os.geteuid()),
        )
    return True


def _check_parents(directory: str) -> None:
    parent = os.path.dirname(directory)
    while True:
        try:
            info = os.stat(parent)
        except FileNotFoundError:
            parent = os.path.dirname(parent)
            continue
        if not stat.S_ISDIR(info.st_mode):
            raise InstanceError("write_failed", "{0}, above the backup directory, is no directory".format(parent))
        if info.st_mode & stat.S_IWOTH and not info.st_mode & stat.S_ISVTX:
            raise InstanceError(
                "permission_denied",
                "everybody may write in {0}, above the backup directory {1}, and so replace the backup; take that "
                "right away (chmod o-w)".format(parent, directory),
            )
        if parent == "/":
            return
        parent = os.path.dirname(parent)


def make_directory(directory: str) -> bool:
    """Create the backup directory, or tighten its mode to 0700; whether anything was done."""
    _check_parents(directory)
    try:
        if check_directory(directory):
            if stat.S_IMODE(os.lstat(directory).st_mode) == DIRECTORY_MODE:
                return False
            os.chmod(directory, DIRECTORY_MODE)
            return True
        os.makedirs(os.path.dirname(directory), mode=0o755, exist_ok=True)
        os.mkdir(directory, DIRECTORY_MODE)
        os.chmod(directory, DIRECTORY_MODE)
        _atomic_write.sync_directory(os.path.dirname(directory))
    except OSError as error:
        reason = {errno.ENOSPC: "disk_full", errno.EDQUOT: "disk_full", errno.EACCES: "permission_denied"}.get(
            error.errno or 0, "write_failed"
        )
        raise InstanceError(
            reason, "the backup directory {0} can't be made: {1}".format(directory, error.strerror)
        ) from None
    return True


def load(directory: str) -> Optional[Manifest]:
    """The manifest, ``None`` when there is none; :class:`InstanceError` ``backup_altered`` when it can't be trusted."""
    path = os.path.join(directory, FILE_NAME)
    try:
        found = _atomic_write.read_regular(path, "manifest", "backup")
    except InstanceError as problem:
        if problem.reason == "backup_missing":
            return None
        reason = problem.reason if problem.reason == "permission_denied" else "backup_altered"
        raise InstanceError(reason, problem.message) from None
    try:
        raw = json.loads(found.data.decode("utf-8"))
        if raw["schema"] != SCHEMA:
            raise ValueError("its schema is {0!r}, expected {1!r}".format(raw["schema"], SCHEMA))
        agents = {agent: _entry(agent, entry) for agent, entry in raw["agents"].items()}
        return Manifest(str(raw["rollout"]), str(raw["host"]), str(raw["created_at"]), agents)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InstanceError(
            "backup_altered",
            "the manifest {0} can't be used: {1}. Nothing was touched; mend it from a copy or move the directory "
            "away".format(path, error),
        ) from None


def read_copy(directory: str, entry: Entry) -> _atomic_write.RegularFile:
    """The backup copy, its hash checked; :class:`InstanceError` ``backup_missing|backup_altered`` otherwise."""
    path = os.path.join(directory, entry.file)
    try:
        found = _atomic_write.read_regular(path, "backup copy", "backup")
    except InstanceError as problem:
        if problem.reason in ("backup_missing", "permission_denied"):
            raise
        raise InstanceError("backup_altered", problem.message) from None
    if found.sha256 != entry.sha256:
        raise InstanceError(
            "backup_altered",
            "the backup copy {0} has sha256 {1}, the manifest says {2}; it was changed after the backup and is not "
            "used".format(path, found.sha256, entry.sha256),
        )
    return found
