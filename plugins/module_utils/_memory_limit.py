# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory a service may use at most: the smallest limit along its control groups, and never more than its host has.

``MemoryHigh=`` is no such limit: the kernel slows a group down and takes its caches back there, which is an everyday
state of programs that read files, and ends nobody.
"""

from __future__ import annotations

import os
from typing import Iterator, Optional, Tuple

_ROOT = "/sys/fs/cgroup"
# The unified hierarchy (version 2), and the memory controller of the legacy one (version 1).
_FILES = (("", "memory.max"), ("memory", "memory.limit_in_bytes"))


def memory_limit(
    own: Optional[int], group: Optional[str], total: Optional[int], root: str = _ROOT
) -> Tuple[Optional[int], Optional[str]]:
    """(bytes, what limits it: ``unit``, the path of a control group, or ``host``); ``None`` when nothing is known.

    ``own`` is the unit's ``MemoryMax``, ``group`` its ``ControlGroup``, ``total`` the memory of the host.
    """
    known = [(own, "unit")] if own else []
    known += list(_along(group, root)) if group else []
    known += [(total, "host")] if total else []
    return min(known, key=lambda one: one[0]) if known else (None, None)


def without_caches(used: int, group: Optional[str], root: str = _ROOT) -> int:
    """Bytes of ``used`` (``MemoryCurrent``) that the kernel can't simply take back: without pages of files that nobody uses now.

    A program that no limit holds back may fill all of its host's memory with them and be well.
    """
    for tree, name in (("", "inactive_file"), ("memory", "total_inactive_file")) if group else ():
        path = os.path.join(root, tree, str(group).lstrip("/"), "memory.stat")
        try:
            with open(path, encoding="ascii", errors="replace") as stream:
                lines = [line.split() for line in stream]
        except OSError:
            continue
        for fields in lines:
            if len(fields) == 2 and fields[0] == name and fields[1].isdigit():
                return max(used - int(fields[1]), 0)
    return used


def _along(group: str, root: str) -> Iterator[Tuple[int, str]]:
    """The limits of a group and those above it. The topmost one of a container is that of the container."""
    parts = [part for part in group.split("/") if part]
    if ".." in parts:
        return
    for depth in range(len(parts), -1, -1):
        for tree, name in _FILES:
            limit = _read(os.path.join(root, tree, *parts[:depth], name))
            if limit:
                yield limit, "/" + "/".join(parts[:depth])


def _read(path: str) -> Optional[int]:
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            text = stream.read().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
