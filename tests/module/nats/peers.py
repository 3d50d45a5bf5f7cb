# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP relay to a server that a test can cut, and peers that are no NATS servers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from tests.module.nats.servers import HANGS_S


class Relay:
    """Forwards connections to a port until cut()."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._target), HANGS_S)
                far.settimeout(None)
                for each in (near, far):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    def say(self, data: bytes) -> None:
        """To all clients, as if the server said it."""
        for near in self._sockets[::2]:
            near.sendall(data)

    def cut(self) -> None:
        """Break all connections and take no new ones."""
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


@contextlib.contextmanager
def peer(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A listener whose first connection is handed to `answer`; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(HANGS_S)

        def serve() -> None:
            with contextlib.suppress(OSError):
                sock = listener.accept()[0]
                sock.settimeout(HANGS_S)
                with sock:
                    answer(sock)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(HANGS_S)
