# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an environment file can be replaced without doing something else than that, seen before anything is done.

A new file takes the place of the old one in its folder. Another name of the old one (a hard link) would go on naming the
old content, a mount point can't be replaced at all, and a file system or file that is locked is found out only after the
host has armed its way back. Each is refused by name.
"""

from __future__ import annotations

import fcntl
import os
import struct
from typing import Iterable, Iterator, Optional

from ansible_collections.cowboyai.rollout.plugins.module_utils import _atomic_write
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError

_GET_FLAGS = 0x80006601 | struct.calcsize("l") << 16
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20
_MOUNTS = "/proc/self/mountinfo"


def read(path: str) -> _atomic_write.RegularFile:
    """An environment file that has this one name; :class:`InstanceError` ``env_file_*`` otherwise."""
    found = _atomic_write.read_regular(path)
    if found.links > 1:
        raise InstanceError(
            "env_file_not_regular",
            "environment file {0} has {1} names (hard links); expected one: replacing it would leave the others with the old "
            "content. Find them with: find / -xdev -samefile {0}; and give the agent a file of its own (cp it, then mv the "
            "copy over it)".format(path, found.links),
        )
    if _is_mounted(path):
        raise InstanceError(
            "env_file_not_regular",
            "environment file {0} is a mount point (findmnt {0}); expected a file in its folder: it can't be replaced. Mount "
            "the folder instead, or change the file where it comes from".format(path),
        )
    return found


def refuse_locked(path: str) -> None:
    """:class:`InstanceError` ``write_failed`` where the file or its folder can't be written by anybody."""
    folder = os.path.dirname(path)
    try:
        read_only = bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        read_only = False
    if read_only:
        raise InstanceError(
            "write_failed",
            "{0} is on a file system that is mounted read-only (findmnt -T {0}); expected one that can be written. Nothing was "
            "touched: mount it read-write".format(path),
        )
    for place in (path, folder):
        flag = _flag(place)
        if flag:
            raise InstanceError(
                "write_failed",
                "{0} is {1} (lsattr -d {0}), so {2} can't be replaced. Nothing was touched: take the attribute away with "
                "chattr -{3} {0}".format(place, flag, path, "i" if flag == "immutable" else "a"),
            )


def _flag(path: str) -> Optional[str]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        answer = fcntl.ioctl(fd, _GET_FLAGS, b"\0" * struct.calcsize("l"))
    except OSError:
        # File systems without such attributes.
        return None
    finally:
        os.close(fd)
    flags = struct.unpack("l", answer)[0]
    return "immutable" if flags & _IMMUTABLE else "append-only" if flags & _APPEND_ONLY else None


def _is_mounted(path: str) -> bool:
    folder, name = os.path.split(path)
    try:
        with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as stream:
            return os.path.join(os.path.realpath(folder), name) in mount_points(stream)
    except OSError:
        return False


def mount_points(lines: Iterable[str]) -> Iterator[str]:
    """Where something is mounted, of the lines of a ``mountinfo``."""
    for line in lines:
        fields = line.split(" ")
        if len(fields) > 4:
            yield _plain(fields[4])


def _plain(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
