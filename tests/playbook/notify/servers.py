# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind the channels of the tests: web servers that answer, fail or hang, and a mail server."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Web:
    """A web server on loopback. `statuses`: what it answers, in turn; the last one stands. `got`: (when, path, JSON)."""

    statuses: list[int] = field(default_factory=lambda: [200])
    got: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    port: int = 0

    def titles(self) -> list[str]:
        return [str(body.get("title")) for _when, _path, body in self.got]


@contextmanager
def web(*statuses: int) -> Iterator[Web]:
    """A running web server."""
    state = Web(list(statuses) or [200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = state.statuses[min(len(state.got), len(state.statuses) - 1)]
            state.got.append((time.time(), self.path, body))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Tests read what was received, not a log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield listening.getsockname()[1]


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@dataclass
class Mail:
    """A mail server on loopback, and what it was handed."""

    port: int
    got: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    def text(self, index: int) -> str:
        """The body of a mail, tags and all."""
        body = self.got[index].get_body(("plain", "html"))
        return "" if body is None else str(body.get_content())


@contextmanager
def mail() -> Iterator[Mail]:
    """A running mail server."""
    state = Mail(closed_port())

    class Handler:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            state.got.append(message)
            state.recipients.append(list(envelope.rcpt_tos))
            return "250 OK"

    controller = Controller(Handler(), hostname="127.0.0.1", port=state.port)
    controller.start()
    try:
        yield state
    finally:
        controller.stop()
