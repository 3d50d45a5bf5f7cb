# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nats-py's client with the house's logins, and safe against what strangers publish.

Three things that nats-py 2.16 does not do by itself (tests/module/eda runs each against a server):
- it sends credentials in the clear when TLS was asked for and the server does not insist on it;
- bytes that are no UTF-8 in a subject, and headers that can't be read, end its reading for good without an error;
- a published header "Status" makes it take a message of a stream for an answer of JetStream, and drop it unacknowledged.
"""

from __future__ import annotations

import json
import time
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_auth import connect_fields
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import NatsError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._settings import Settings

try:
    from nats.aio.client import Client
    from nats.errors import Error

    MISSING = ""
except ImportError:
    # Only ansible-rulebook needs it; importing this file without must work, and `require_nats` says what to do.
    Client = Error = object
    MISSING = "the event source needs the Python package nats-py (>= 2.9, < 3) where ansible-rulebook runs: pip install nats-py"

_STREAM_REPLY = b"$JS.ACK."
_OVERRIDDEN = ("_connect_command", "_process_msg", "_process_headers")


def require_nats() -> None:
    """Raises NatsError when nats-py is missing, or is so different that the safeguards here would not be called."""
    if MISSING:
        raise NatsError(MISSING)
    lost = [name for name in _OVERRIDDEN if not hasattr(Client, name)]
    if lost:
        raise NatsError(f"this nats-py has no {', '.join(lost)}; install one that was tested: nats-py 2.16")


class SafeClient(Client):
    """Logs in as the settings say, in TLS or not at all, and reads whatever bytes come."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self.unreadable_headers = 0

    def _connect_command(self) -> bytes:
        server = self._settings.servers[0]
        if server.tls and not (self._server_info.get("tls_required") or server.tls_first):
            raise Error("the server does not offer TLS, which is asked for; nothing was sent to it")
        verb, _space, fields = super()._connect_command().partition(b" ")
        options = json.loads(fields)
        try:
            options.update(connect_fields(self._settings.credentials(), self._server_info.get("nonce"), time.time()))
        except NatsError as problem:
            raise Error(str(problem)) from None
        return verb + b" " + json.dumps(options, sort_keys=True).encode() + b"\r\n"

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: Any) -> None:
        if headers and not await self._readable(headers, reply):
            self.unreadable_headers += 1
            headers = None
        await super()._process_msg(sid, _utf8(subject), _utf8(reply), data, headers)

    async def _readable(self, headers: bytes, reply: bytes) -> bool:
        try:
            found = await self._process_headers(headers)
        except (ValueError, IndexError, KeyError):
            return False
        return not (reply.startswith(_STREAM_REPLY) and found and "Status" in found)


def _utf8(raw: bytes) -> bytes:
    return bytes(raw).decode("utf-8", "backslashreplace").encode()
