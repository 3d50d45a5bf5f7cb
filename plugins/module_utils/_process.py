# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running process really has: its environment and its connections, from /proc."""

from __future__ import annotations

import os
from typing import Dict, Iterable, Optional, Set, Tuple

_ESTABLISHED = "01"


def environ(pid: int, proc: str = "/proc") -> Optional[bytes]:
    """What memory the process shows as its environment; ``None`` when it is gone. PermissionError when not root."""
    try:
        with open("{0}/{1}/environ".format(proc, pid), "rb") as stream:
            return stream.read()
    except (FileNotFoundError, ProcessLookupError):
        return None


def owner(pid: int, proc: str = "/proc") -> Optional[int]:
    """The user id with which a process acts; ``None`` when it is gone."""
    try:
        with open("{0}/{1}/status".format(proc, pid), encoding="utf-8", errors="replace") as stream:
            found = [line.split() for line in stream if line.startswith("Uid:")]
        return int(found[0][2])
    except (OSError, IndexError, ValueError):
        return None


def usage(pid: int, proc: str = "/proc") -> Tuple[Optional[int], Optional[float]]:
    """``(resident bytes, CPU seconds)`` of a process; ``None`` for what can't be read."""
    try:
        with open("{0}/{1}/stat".format(proc, pid), encoding="utf-8", errors="replace") as stream:
            fields = stream.read().rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return int(fields[21]) * os.sysconf("SC_PAGE_SIZE"), cpu
    except (OSError, IndexError, ValueError):
        return None, None


def parse_tcp(text: str, remote_port: int) -> Set[int]:
    """Socket inodes of the established connections to ``remote_port`` in a ``/proc/net/tcp`` table."""
    found: Set[int] = set()
    wanted = "{0:04X}".format(remote_port)
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _ESTABLISHED or fields[2].rpartition(":")[2].upper() != wanted:
            continue
        if fields[9].isdigit():
            found.add(int(fields[9]))
    return found


def connections(remote_port: int, proc: str = "/proc", of: str = "self") -> Optional[Set[int]]:
    """Socket inodes of connections to ``remote_port`` in the network namespace of ``of``; ``None`` if unreadable.

    A table without its heading is none: the kernel writes it also where there is no connection.
    """
    found: Set[int] = set()
    read = False
    for table in ("tcp", "tcp6"):
        try:
            with open("{0}/{1}/net/{2}".format(proc, of, table), encoding="ascii", errors="replace") as stream:
                text = stream.read()
        except OSError:
            continue
        if not text.lstrip().startswith("sl "):
            return None
        found |= parse_tcp(text, remote_port)
        read = True
    return found if read else None


def sockets(pid: int, proc: str = "/proc") -> Optional[Set[int]]:
    """Inodes of the sockets a process has open; ``None`` when it is gone or not ours to look at."""
    found: Set[int] = set()
    base = "{0}/{1}/fd".format(proc, pid)
    try:
        names = os.listdir(base)
    except OSError:
        return None
    for name in names:
        try:
            target = os.readlink(base + "/" + name)
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1].isdigit():
            found.add(int(target[8:-1]))
    return found


def nats_connections(pids: Iterable[int], port: int, proc: str = "/proc") -> Dict[int, Optional[int]]:
    """Established connections of each process to ``port``; ``None`` where it can't be known."""
    tables: Dict[str, Optional[Set[int]]] = {}
    out: Dict[int, Optional[int]] = {}
    for pid in pids:
        try:
            namespace = os.readlink("{0}/{1}/ns/net".format(proc, pid))
        except OSError:
            out[pid] = None
            continue
        # Units mostly share the host's network, so one table serves them all.
        if namespace not in tables:
            tables[namespace] = connections(port, proc, str(pid))
        table, own = tables[namespace], sockets(pid, proc)
        out[pid] = None if table is None or own is None else len(table & own)
    return out
