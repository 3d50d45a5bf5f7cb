# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way to a real NATS server that leaves out, holds back or adds what one side said. Each line of the protocol passes it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

PORT = 4222
CHUNK = 65536
CRLF = b"\r\n"
#: Operations that carry a payload, whose length ends their line.
CARRIERS = frozenset({b"MSG", b"HMSG", b"PUB", b"HPUB"})


@dataclass(frozen=True)
class Said:
    """One protocol line with its payload, without the line ends."""

    line: bytes
    payload: bytes | None = None

    @property
    def op(self) -> bytes:
        return self.line.split(b" ", 1)[0].strip().upper()

    @property
    def subject(self) -> bytes:
        return self.line.split()[1] if self.payload is not None else b""

    def wire(self) -> bytes:
        return self.line + CRLF + (b"" if self.payload is None else self.payload + CRLF)


Passed = Callable[[Said], list[Said]]


def passed(said: Said) -> list[Said]:
    return [said]


class Veil:
    """What passes from the server (`heard`) and to it (`told`): by default everything.

    `greets`: what a client hears at once in place of a server; None: the real server answers. `speaks`: False where
    nothing at all is said. `ends_after`: payloads until the connection is cut.
    """

    def __init__(
        self, heard: Passed = passed, told: Passed = passed, *, greets: bytes | None = None, speaks: bool = True,
        refuses: bool = False, ends_after: int | None = None,
    ) -> None:  # fmt: skip
        self.heard, self.told, self.greets, self.speaks, self.refuses = heard, told, greets, speaks, refuses
        self.ends_after = ends_after


class Veiled:
    """Port 4222 of a loopback address, with a veil before a host's server. Agents don't come this way."""

    def __init__(self, address: str, host: str) -> None:
        self.address, self.target = address, (host, PORT)
        self.veil = Veil()
        self.sockets: set[socket.socket] = set()
        self.listener = socket.create_server((address, PORT))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.hang_up()
        _end(self.listener)

    def hang_up(self) -> None:
        for each in list(self.sockets):
            _end(each)

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self.listener.accept()
            except OSError:
                return
            veil = self.veil
            if veil.refuses:
                near.close()
                continue
            self.sockets.add(near)
            threading.Thread(target=self._serve, args=(near, veil), daemon=True).start()

    def _serve(self, near: socket.socket, veil: Veil) -> None:
        with contextlib.suppress(OSError):
            if veil.greets is not None or not veil.speaks:
                if veil.greets:
                    near.sendall(veil.greets)
                while near.recv(CHUNK):
                    pass
                return
            far = socket.create_connection(self.target, 5)
            far.settimeout(None)
            self.sockets.add(far)
            other = threading.Thread(target=self._carry, args=(near, far, veil.told, None), daemon=True)
            other.start()
            self._carry(far, near, veil.heard, veil.ends_after)
        self.sockets.discard(near)
        _end(near)

    def _carry(self, source: socket.socket, target: socket.socket, change: Passed, ends_after: int | None) -> None:
        left = ends_after
        with contextlib.suppress(OSError, ValueError), source.makefile("rb") as stream:
            while line := stream.readline():
                said = _whole(line, stream.read)
                if left is not None and said.payload is not None:
                    left -= 1
                    if left < 0:
                        break
                for each in change(said):
                    target.sendall(each.wire())
        _end(source)
        _end(target)


def veiled(addresses: dict[str, str]) -> dict[str, Veiled]:
    """host -> a veil before its server, each at a loopback address that nobody else on this machine uses."""
    free = (f"127.0.{third}.{fourth}" for third in range(79, 128) for fourth in range(1, 255))
    ways: dict[str, Veiled] = {}
    for host, address in addresses.items():
        while host not in ways:
            with contextlib.suppress(OSError):
                ways[host] = Veiled(next(free), address)
    return ways


def _whole(line: bytes, read: Callable[[int], bytes]) -> Said:
    line = line.rstrip(CRLF)
    said = Said(line)
    if said.op not in CARRIERS:
        return said
    return Said(line, read(int(line.split()[-1]) + len(CRLF))[: -len(CRLF)])


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
