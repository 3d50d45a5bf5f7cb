# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace a file so that at every moment either the old or the new one is there, whole, with the same rights."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from typing import Dict, Iterable, Optional

from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError

_ACL = "system.posix_acl_access"
TEMP_PREFIX = ".rollout-new-"
_MAX_SIZE = 16 * 1024 * 1024


@dataclass(frozen=True)
class Rights:
    """Owner, group and permission bits of a file."""

    uid: int
    gid: int
    mode: int


@dataclass(frozen=True)
class RegularFile:
    """A regular file's bytes and rights, read through one descriptor so that they belong together."""

    path: str
    data: bytes
    rights: Rights
    mtime_us: int
    #: When the file became what it is here: an old time that somebody gives a copy doesn't count (ctime).
    changed_us: int
    #: How many names it has (hard links).
    links: int = 1

    @property
    def sha256(self) -> str:
        """Hash of the bytes, hex."""
        return sha256(self.data)


def sha256(data: bytes) -> str:
    """Hash of bytes, hex."""
    return hashlib.sha256(data).hexdigest()


def read_regular(path: str, what: str = "environment file", prefix: str = "env_file") -> RegularFile:
    """Read a regular file; raises :class:`InstanceError` ``<prefix>_missing|_not_regular|_unreadable``."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise InstanceError(prefix + "_missing", "{0} {1} doesn't exist".format(what, path)) from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise InstanceError(
                prefix + "_not_regular",
                "{0} {1} is a symbolic link; expected a regular file (replacing it would leave its target "
                "unchanged)".format(what, path),
            ) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise InstanceError(
                "permission_denied", "{0} {1} may not be read; run with become: true".format(what, path)
            ) from None
        if error.errno == errno.ENXIO:
            raise InstanceError(
                prefix + "_not_regular", "{0} {1} is a socket or device; expected a regular file".format(what, path)
            ) from None
        raise InstanceError(
            prefix + "_unreadable", "{0} {1} can't be read: {2}".format(what, path, error.strerror)
        ) from None
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise InstanceError(
                prefix + "_not_regular",
                "{0} {1} is {2}; expected a regular file".format(what, path, _kind(info.st_mode)),
            )
        if info.st_size > _MAX_SIZE:
            raise InstanceError(
                prefix + "_unreadable",
                "{0} {1} has {2} bytes; expected at most {3}".format(what, path, info.st_size, _MAX_SIZE),
            )
        with os.fdopen(os.dup(fd), "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise InstanceError(
            prefix + "_unreadable", "{0} {1} can't be read: {2}".format(what, path, error.strerror)
        ) from None
    finally:
        os.close(fd)
    rights = Rights(info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode))
    return RegularFile(path, data, rights, info.st_mtime_ns // 1000, info.st_ctime_ns // 1000, info.st_nlink)


def _kind(mode: int) -> str:
    """What stands in a file's place."""
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISCHR, "a device"))
    return next((name for test, name in kinds if test(mode)), "no file")


def _write_failure(path: str, error: OSError) -> InstanceError:
    why = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InstanceError(
            "disk_full", "writing {0} failed: {1}. The file is unchanged; free space and run again".format(path, why)
        )
    if error.errno == errno.EROFS:
        return InstanceError(
            "write_failed",
            "writing {0} failed: its file system is read-only. The file is unchanged; mount it read-write (findmnt -T {0} "
            "shows it) and run again".format(path),
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return InstanceError(
            "write_failed",
            "writing {0} failed: {1}. The file is unchanged; see who has so many files open on this host, or raise the limit, "
            "and run again".format(path, why),
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return InstanceError(
            "permission_denied",
            "writing {0} failed: {1}. The file is unchanged; run with become: true, and look for an immutable flag "
            "(lsattr)".format(path, why),
        )
    return InstanceError("write_failed", "writing {0} failed: {1}. The file is unchanged".format(path, why))


def _attributes(path: str) -> Dict[str, bytes]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        # No such file yet, or a file system without attributes.
        if error.errno in (errno.ENOENT, errno.ENOTSUP):
            return {}
        raise
    out = {}
    for name in names:
        try:
            out[name] = os.getxattr(path, name, follow_symlinks=False)
        except OSError as error:
            # One that is gone meanwhile; one that can't be read would be lost.
            if error.errno != errno.ENODATA:
                raise
    return out


def _set_attributes(fd: int, attributes: Dict[str, bytes]) -> None:
    if _ACL not in attributes:
        # The folder may have a default ACL, which the new file inherits; the old one didn't have it.
        try:
            os.removexattr(fd, _ACL)
        except OSError as error:
            if error.errno not in (errno.ENODATA, errno.ENOTSUP):
                raise
    for name, value in attributes.items():
        try:
            if os.getxattr(fd, name) == value:
                continue
        except OSError:
            pass
        # An ACL or SELinux label that can't be kept would change who may read the file: better not to write at all.
        os.setxattr(fd, name, value)


def replace(path: str, data: bytes, rights: Rights) -> None:
    """Put ``data`` at ``path`` with ``rights`` and the extended attributes (ACL, SELinux label) of what is there now.

    The temporary file lies in the same directory; file and directory are synced. Raises :class:`InstanceError`
    ``disk_full|permission_denied|write_failed``, with the old file intact and no temporary file left.
    """
    directory, name = os.path.split(path)
    temp: Optional[str] = None
    try:
        attributes = _attributes(path)
        temp = os.path.join(directory, "{0}{1}-{2}".format(TEMP_PREFIX, os.urandom(6).hex(), name))
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            info = os.fstat(fd)
            if (info.st_uid, info.st_gid) != (rights.uid, rights.gid):
                os.fchown(fd, rights.uid, rights.gid)
            _set_attributes(fd, attributes)
            os.fchmod(fd, rights.mode)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temp, path)
        temp = None
        sync_directory(directory)
    except OSError as error:
        raise _write_failure(path, error) from None
    finally:
        if temp is not None:
            try:
                os.unlink(temp)
            except OSError:
                pass


def sync_directory(directory: str) -> None:
    """Make a rename in ``directory`` survive a power cut."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove_leftovers(directory: str) -> None:
    """Remove temporary files that a killed run left in ``directory``, as far as they can be. Only call under the host's lock."""
    try:
        names = os.listdir(directory)
    except OSError:
        # Whoever writes there next says what is wrong with it.
        return
    for name in names:
        if name.startswith(TEMP_PREFIX):
            try:
                os.unlink(os.path.join(directory, name))
            except OSError:
                pass


def remove_leftovers_beside(paths: Iterable[str]) -> None:
    """The same, in the folders of these files."""
    for directory in sorted({os.path.dirname(path) for path in paths}):
        remove_leftovers(directory)
