# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a service that do its work: where the main one only wraps them, those behind it too."""

from __future__ import annotations

import os
from typing import List, Optional

# Programs that start another one and stay. What they write themselves says nothing about where it writes.
_WRAPPERS = frozenset(
    (
        "ash",
        "bash",
        "busybox",
        "chpst",
        "dash",
        "doas",
        "dumb-init",
        "env",
        "flock",
        "ionice",
        "ksh",
        "nice",
        "nohup",
        "numactl",
    )
    + ("runuser", "script", "setpriv", "setsid", "sh", "stdbuf", "strace", "su", "sudo", "taskset", "timeout", "tini")
    + ("unbuffer", "unshare", "zsh")
)
_TREES = ("", "systemd", "unified")
_MAX_PROCESSES = 200


def is_wrapper(pid: int, proc: str = "/proc") -> bool:
    """Whether a process runs a program that is known to wrap others."""
    names = []
    try:
        names.append(os.path.basename(os.readlink("{0}/{1}/exe".format(proc, pid))))
    except OSError:
        pass
    try:
        with open("{0}/{1}/comm".format(proc, pid), encoding="utf-8", errors="replace") as stream:
            names.append(stream.read().strip())
    except OSError:
        pass
    return any(name in _WRAPPERS for name in names)


def working(
    main_pid: Optional[int], group: Optional[str], proc: str = "/proc", root: str = "/sys/fs/cgroup"
) -> List[int]:
    """The main process of a service, and where that one is a wrapper all others too; ``group`` is its control group."""
    if not main_pid:
        return []
    if not group or ".." in group.split("/") or not is_wrapper(main_pid, proc):
        return [main_pid]
    for tree in _TREES:
        try:
            with open(os.path.join(root, tree, group.lstrip("/"), "cgroup.procs"), encoding="ascii") as stream:
                found = [int(line) for line in stream if line.strip().isdigit()]
        except (OSError, ValueError):
            continue
        return sorted({main_pid, *found})[:_MAX_PROCESSES]
    return [main_pid]
