# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way to NATS that can be cut: connections of the measurer go through it, those of the agents don't."""

from __future__ import annotations

import contextlib
import select
import socket
import threading

CHUNK = 65536


PORT = 4222


class Gateway:
    """Forwards port 4222 of a loopback address to a host's, until it is cut; then nobody is let in, and who was in is out.

    The port must be that of the agents: hosts count their agents' connections to the port of the measurer's URL.
    """

    def __init__(self, address: str, host: str) -> None:
        self.address = address
        self.target = (host, PORT)
        self.open = True
        self.was_cut = False
        self.publications_left: int | None = None
        self.pairs: set[tuple[socket.socket, socket.socket]] = set()
        self.guard = threading.Lock()
        self.listener = socket.create_server((address, PORT))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        with self.guard:
            self.open, self.was_cut = False, True
            for pair in self.pairs:
                _end(*pair)

    def cut_after(self, publications: int) -> None:
        """Cut it as soon as so many messages more have been published through it."""
        self.publications_left = publications

    def mend(self) -> None:
        self.open = True

    def close(self) -> None:
        self.cut()
        _end(self.listener)

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.target, 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self.guard:
                if not self.open:
                    _end(near, far)
                    continue
                self.pairs.add((near, far))
            threading.Thread(target=self._forward, args=(near, far), daemon=True).start()

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):  # a closed socket has no number
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for end in ready:
                    data = end.recv(CHUNK)
                    if not data:
                        raise OSError("ended")
                    (far if end is near else near).sendall(data)
                    if end is near:
                        self._count(data)
        with self.guard:
            self.pairs.discard((near, far))
            _end(near, far)

    def _count(self, data: bytes) -> None:
        if self.publications_left is not None:
            self.publications_left -= data.count(b"PUB ")
            if self.publications_left <= 0:
                self.publications_left = None
                self.cut()


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
