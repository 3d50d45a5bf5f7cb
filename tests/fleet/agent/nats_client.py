# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few words of the NATS protocol that the rehearsal needs, on one plain socket and without threads.

nats-py would cost ten times the start-up time and memory, for each of 93 agents.
"""

from __future__ import annotations

import json
import socket

TYPE_CHECKING = False  # typing.TYPE_CHECKING without the import, which would double the start-up time
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

RECEIVE_BYTES = 65536


class NatsError(OSError):
    """The server could not be reached, refused us or went away; the text says which."""


class Message:
    """One message: subject, reply subject or None, headers by name as sent, payload."""

    __slots__ = ("headers", "payload", "reply", "sid", "subject")

    def __init__(self, subject: str, sid: str, reply: str | None, headers: dict[str, str], payload: bytes) -> None:
        self.subject = subject
        self.sid = sid
        self.reply = reply
        self.headers = headers
        self.payload = payload


def parse_headers(block: bytes) -> dict[str, str]:
    """Header block of an HMSG (``NATS/1.0`` line first) as a dict; the first value of a repeated name wins."""
    found: dict[str, str] = {}
    for entry in block.decode("utf-8", "replace").split("\r\n")[1:]:
        name, separator, value = entry.partition(":")
        if separator:
            found.setdefault(name.strip(), value.strip())
    return found


def encode_publish(
    subject: str, payload: bytes, reply: str | None = None, headers: dict[str, str] | None = None
) -> bytes:
    """Bytes of one PUB or, with headers, HPUB."""
    target = f"{subject} {reply}" if reply else subject
    if headers is None:
        return b"PUB %s %d\r\n%s\r\n" % (target.encode(), len(payload), payload)
    block = ("NATS/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode()
    total = len(block) + len(payload)
    return b"HPUB %s %d %d\r\n%s%s\r\n" % (target.encode(), len(block), total, block, payload)


def split_url(url: str) -> tuple[str, int]:
    """Host and port of ``nats://host[:port]``. Raises NatsError for anything else."""
    scheme, separator, rest = url.partition("://")
    host, _colon, port = rest.rstrip("/").rpartition(":") if ":" in rest else (rest.rstrip("/"), "", "4222")
    if not separator or scheme != "nats" or not host or not port.isdigit():
        raise NatsError(f"NATS_URL {url!r}: expected nats://host:port")
    return host, int(port)


class Connection:
    """One connection. ``feed`` turns what arrived into messages; writing never blocks for long (small messages)."""

    def __init__(self, url: str, name: str, timeout: float = 5.0) -> None:
        host, port = split_url(url)
        self.pongs = 0
        self.pending = b""
        self.greeting: dict[str, Any] = {}
        try:
            self.socket = socket.create_connection((host, port), timeout)
        except OSError as error:
            raise NatsError(f"{error.strerror or error}") from None
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._greet(name)
        except OSError:
            self.socket.close()
            raise

    def _greet(self, name: str) -> None:
        options = {"verbose": False, "pedantic": False, "lang": "rust", "version": "0.9.2", "name": name}
        options.update({"protocol": 1, "headers": True, "no_responders": True})
        self.socket.sendall(b"CONNECT %s\r\nPING\r\n" % json.dumps(options).encode())
        while not self.pongs:  # the server's PONG says that it took the CONNECT
            for _message in self.receive():
                pass

    def subscribe(self, subject: str, sid: str) -> None:
        self.send(b"SUB %s %s\r\n" % (subject.encode(), sid.encode()))

    def ping(self) -> None:
        self.send(b"PING\r\n")

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise NatsError(f"{error.strerror or error}") from None

    def receive(self) -> Iterator[Message]:
        """Read once from the socket and yield every whole message. Raises NatsError when the server is gone."""
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except OSError as error:
            raise NatsError(f"{error.strerror or error}") from None
        if not data:
            raise NatsError("connection closed by the server")
        return self.feed(data)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the whole messages in ``data`` and what was left over before; answers the server's PING."""
        buffer = self.pending + data
        at = 0
        self.pending = b""
        while True:
            end = buffer.find(b"\r\n", at)
            if end < 0:
                break
            head = buffer[at:end]
            verb = head[:4].upper()
            if verb in (b"MSG ", b"HMSG"):
                parts = head.decode().split()
                size = int(parts[-1])
                if len(buffer) < end + 4 + size:
                    break
                body = buffer[end + 2 : end + 2 + size]
                at = end + 4 + size
                yield self._message(parts, body)
                continue
            at = end + 2
            if verb == b"PING":
                self.send(b"PONG\r\n")
            elif verb == b"PONG":
                self.pongs += 1
            elif verb == b"INFO":
                self.greeting = json.loads(head[5:])
            elif verb == b"-ERR":
                raise NatsError(f"server refused: {head[5:].decode('utf-8', 'replace')}")
        self.pending = buffer[at:]

    @staticmethod
    def _message(parts: list[str], body: bytes) -> Message:
        if parts[0].upper() == "MSG":
            return Message(parts[1], parts[2], parts[3] if len(parts) == 5 else None, {}, body)
        split = int(parts[-2])
        headers = parse_headers(body[:split])
        return Message(parts[1], parts[2], parts[3] if len(parts) == 6 else None, headers, body[split:])

    def close(self) -> None:
        self.socket.close()
