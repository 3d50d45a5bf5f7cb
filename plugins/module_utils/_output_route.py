# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a running process's standard output and error really go: asked of the process and of the kernel, not of its unit."""

from __future__ import annotations

import os
import re
import socket
import struct
from dataclasses import dataclass, replace
from typing import Callable, Dict, Iterable, List, Optional, Tuple

JOURNAL, ELSEWHERE, CUT_OFF, UNKNOWN = "journal", "elsewhere", "cut_off", "unknown"
CLOSED = "nowhere: it is closed"
_STREAMS = {1: "standard output", 2: "standard error"}
_SOCKET = re.compile(r"socket:\[(\d+)\]\Z")
_JOURNALD = re.compile(r"/run/systemd/journal(?:\.([^/]+))?/stdout\Z")

_SOCK_DIAG, _DIAG_BY_FAMILY, _DONE, _ERROR = 4, 20, 3, 2
_REQUEST_DUMP = 0x301
_SHOW_NAME, _SHOW_PEER = 0x1, 0x4
_NAME, _PEER = 0, 2
_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Route:
    """``kind`` of where a stream goes; ``what``: the namespace of the journal, or what else for people."""

    kind: str
    what: str
    stream: str
    pid: int = 0


@dataclass(frozen=True)
class UnixSocket:
    """``peer``: inode of the other end, ``None`` when there is none any more; ``name``: the path it is bound to."""

    peer: Optional[int]
    name: str


def parse_sockets(data: bytes, found: Dict[int, UnixSocket]) -> bool:
    """Take the kernel's answer about Unix sockets into ``found`` by inode; True when it was the last part.

    Raises OSError for an answer that is an error or is cut.
    """
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if kind == _DONE:
            return True
        if kind == _ERROR or length < 32 or length > len(data):
            raise OSError("the kernel gave no list of Unix sockets")
        _family, _type, _state, _pad, inode = struct.unpack_from("=BBBBI", data, 16)
        peer, name, at = None, "", 32
        while at + 4 <= length:
            size, attribute = struct.unpack_from("=HH", data, at)
            if size < 4:
                break
            value = data[at + 4 : min(at + size, length)]
            if attribute == _PEER and len(value) >= 4:
                peer = struct.unpack_from("=I", value)[0] or None
            elif attribute == _NAME:
                name = value.rstrip(b"\0").decode("utf-8", "replace")
            at += (size + 3) & ~3
        found[inode] = UnixSocket(peer, name)
        data = data[(length + 3) & ~3 :]
    return False


def unix_sockets() -> Optional[Dict[int, UnixSocket]]:
    """The Unix sockets of this network namespace by inode; ``None`` where the kernel doesn't tell."""
    body = struct.pack(
        "=BBHIIIII", socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, _SHOW_NAME | _SHOW_PEER, 0xFFFFFFFF, 0xFFFFFFFF
    )
    found: Dict[int, UnixSocket] = {}
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as link:
            link.settimeout(_TIMEOUT_S)
            link.sendall(struct.pack("=IHHII", 16 + len(body), _DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + body)
            while not parse_sockets(link.recv(262144), found):
                pass
    except (OSError, struct.error):
        return None
    return found


def route(target: str, stream: str, sockets: Optional[Dict[int, UnixSocket]]) -> Route:
    """Where a descriptor that links to ``target`` goes."""
    match = _SOCKET.match(target)
    if target.startswith("pipe:["):
        return Route(UNKNOWN, "it is a pipe to another process", stream)
    if not match:
        return Route(ELSEWHERE, target, stream)
    if sockets is None:
        return Route(UNKNOWN, "the kernel doesn't say who holds the other end", stream)
    own = sockets.get(int(match.group(1)))
    if own is None:
        return Route(UNKNOWN, "it is a socket that the kernel doesn't list", stream)
    other = sockets.get(own.peer) if own.peer is not None else None
    if other is None:
        return Route(CUT_OFF, "nobody holds the other end of its socket any more", stream)
    journald = _JOURNALD.match(other.name)
    if not journald:
        return Route(ELSEWHERE, "a socket of {0}".format(other.name or "another process"), stream)
    return Route(JOURNAL, journald.group(1) or "", stream)


def routes(
    pids: Iterable[int],
    list_sockets: Callable[[], Optional[Dict[int, UnixSocket]]] = unix_sockets,
    proc: str = "/proc",
) -> Dict[int, List[Route]]:
    """Where the standard output and error of each process go."""
    targets: Dict[Tuple[int, int], str] = {}
    other: Dict[Tuple[int, int], Tuple[str, str]] = {}
    wanted = [(pid, number) for pid in pids for number in _STREAMS]
    for pid, number in wanted:
        try:
            targets[pid, number] = os.readlink("{0}/{1}/fd/{2}".format(proc, pid, number))
        except FileNotFoundError:
            lives = os.path.isdir("{0}/{1}".format(proc, pid))
            other[pid, number] = (ELSEWHERE, CLOSED) if lives else (UNKNOWN, "the process has ended")
        except OSError as problem:
            other[pid, number] = UNKNOWN, "its descriptor can't be read: {0}".format(problem.strerror)
    sockets = list_sockets() if targets else None
    out: Dict[int, List[Route]] = {}
    for pid, number in wanted:
        stream = _STREAMS[number]
        if (pid, number) in other:
            kind, what = other[pid, number]
            found = Route(kind, what, stream)
        else:
            found = route(targets[pid, number], stream, sockets)
        out.setdefault(pid, []).append(replace(found, pid=pid))
    return out
