# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process a run is, and whether the process of another run is provably gone."""

from __future__ import annotations

import multiprocessing
import os
import socket
from pathlib import Path
from typing import Any

# The inode of the first PID namespace, that of the machine itself; it is a constant of the kernel.
_MACHINE_NAMESPACE = "pid:[4026531836]"


def mark(pid: int | None = None) -> dict[str, Any]:
    """Names a process beyond its number: machine, boot, PID namespace and start. By default the run of ansible-playbook."""
    if pid is None:
        # A worker whose run was killed has another parent by now, which lives on: ask for the one that began it.
        began = multiprocessing.parent_process()
        pid = (began.pid if began is not None else None) or os.getppid()
    return {
        "host": socket.gethostname(),
        "machine": _text("/etc/machine-id"),
        "boot": _text("/proc/sys/kernel/random/boot_id"),
        "namespace": _namespace(),
        "pid": pid,
        "started": _started(pid),
    }


def is_gone(other: dict[str, Any]) -> bool | None:
    """Whether that process has ended; None where this can't be told from here (another machine or container)."""
    here = mark()
    if other.get("host") != here["host"] or other.get("machine") != here["machine"] or not other.get("pid"):
        return None
    if not here["boot"] or not here["namespace"] or not other.get("boot") or not other.get("started"):
        return None
    if other["boot"] != here["boot"]:
        # The same machine was started anew. A container's name and machine id may belong to several at once.
        return True if other.get("namespace") == here["namespace"] == _MACHINE_NAMESPACE and here["machine"] else None
    if other.get("namespace") != here["namespace"]:
        return None
    pid = int(other["pid"])
    return None if _is_hidden(pid) else _started(pid) != other["started"]


def _is_hidden(pid: int) -> bool:
    """Whether there is such a process, and /proc does not show it to this user (hidepid, ProtectProc)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return False


def is_orphaned(own: dict[str, Any]) -> bool:
    """Whether the run that this worker belongs to, by its mark, has ended. Workers outlive a run that is killed."""
    return bool(own["boot"]) and (not own["started"] or _started(int(own["pid"])) != own["started"])


def _started(pid: int) -> str:
    """The start of a process in ticks since the boot; empty for one that is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
