# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line written to the journal the way agents' lines get there, so that reading it back proves that theirs would be read."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from typing import List, Optional

IDENTIFIER = "cowboyai.rollout"
#: The priority of what a service writes, where nobody set another one.
LEVEL = 6
_TIMEOUT_S = 5.0
_NOBODY = 65534
_NAMESPACE = re.compile(r"[A-Za-z0-9:_.\\-]{1,200}\Z")


@dataclass(frozen=True, order=True)
class Place:
    """Where lines end up: the namespace of the journal ('' is the default one), and whose user id it files them under."""

    namespace: str = ""
    owner: int = 0

    def __str__(self) -> str:
        of = "namespace {0}".format(self.namespace) if self.namespace else "the default namespace"
        return "{0}, for user id {1}".format(of, self.owner)


def is_namespace(name: str) -> bool:
    """Whether ``name`` can be a namespace of the journal; '' is the default one."""
    return name == "" or (bool(_NAMESPACE.match(name)) and ".." not in name)


def text_of(nonce: str, place: Place) -> str:
    """The line. Nobody can know it before it is written, since ``nonce`` is a new random number for each look."""
    return "can this journal be read? {0} {1}/{2}".format(nonce, place.namespace, place.owner)


def socket_path(namespace: str) -> str:
    """Where journald takes the standard output of services."""
    return "/run/systemd/journal{0}/stdout".format("." + namespace if namespace else "")


def _stream(text: str, level: int) -> bytes:
    """What a service's standard output begins with (identifier, unit, priority, and what is done beside), and one line."""
    header: List[str] = [IDENTIFIER, "", str(level), "0", "0", "0", "0"]
    return "".join(part + "\n" for part in [*header, text]).encode("utf-8")


def _send(path: str, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        # A journald that is stuck takes no connection any more once its queue is full.
        stream.settimeout(_TIMEOUT_S)
        stream.connect(path)
        stream.sendall(data)


def write(place: Place, text: str, level: int = LEVEL) -> Optional[str]:
    """Write one line of ``level`` as the place's owner; what went wrong, if anything did.

    Another user's line is written by a child that becomes that user first and has no other rights.
    """
    data, path = _stream(text, level), socket_path(place.namespace)
    if place.owner == os.geteuid():
        try:
            _send(path, data)
        except OSError as problem:
            return "{0}: {1}".format(path, problem)
        return None
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(place.owner)
            _send(path, data)
            status = 0
        finally:
            os._exit(status)
    _pid, status = os.waitpid(child, 0)
    return None if status == 0 else "{0}: no line could be written as user id {1}".format(path, place.owner)
