# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to JetStream for code that waits for its answer: made when it is needed, again when it broke."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_auth import connect_fields
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import NatsError, OptionError
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import Server, parse_server
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._interface import StoreError

try:
    import nats
    import nats.errors
    import nats.js.errors
except ImportError:
    nats = None

__all__ = ["TRANSFER_S", "Link", "link_to", "nats"]
T = TypeVar("T")
# A server that is started anew, or a cluster that chooses a leader, is back within this time.
PATIENCE_S = 30.0
PAUSE_S = 0.5
# A content of a few hundred megabytes over a slow line, but not for ever; anything else is small.
TRANSFER_S = 120.0
LONGEST_S = 20.0
HOLD = (
    "Nothing goes on unrecorded, and nothing was changed since the last record: see that the server is reachable from here, and start "
    "the same command again. To roll back without it: playbooks/rollback.yml with -e rollout_store=file://, from the working copy."
)


class Link:
    """Calls on one server. Messages name it as host:port; they hold no credential. `sleep` passes the time of `clock`."""

    def __init__(
        self,
        server: Server,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.server = server
        self._patience_s, self._clock, self._sleep = patience_s, clock, sleep
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Any = None
        self._longest_s = LONGEST_S

    def call(self, what: str, work: Callable[[Any], Awaitable[T]], longest_s: float = LONGEST_S) -> T:
        """The result of `work(jetstream)`, which may be begun several times. Raises StoreError when patience ends."""
        self._longest_s = longest_s
        until = self._clock() + self._patience_s
        while True:
            kept = self._client is not None
            try:
                return self._once(work)
            except (nats.js.errors.APIError, nats.js.errors.NoStreamResponseError) as problem:
                # JetStream itself is not there (yet): 503, or nobody who answers.
                if isinstance(problem, nats.js.errors.APIError) and getattr(problem, "code", None) not in (None, 503):
                    raise
                seen = f"JetStream does not answer ({_text(problem)})"
            except (TimeoutError, OSError, EOFError, nats.errors.Error) as problem:
                seen = _text(problem)
                if _is_final(problem):
                    raise StoreError(f"could not {what}: {self.server.label} answered: {seen}. {HOLD}") from None
            except (NatsError, OptionError) as problem:
                raise StoreError(f"could not {what}: {problem}. {HOLD}") from None
            self.close()
            if kept:
                # A connection of before tells late that it is broken; the server itself has not been asked yet.
                until = self._clock() + self._patience_s
            elif self._clock() >= until:
                raise StoreError(
                    f"could not {what}: no answer from the store at {self.server.label} within {self._patience_s:g} s: {seen}. {HOLD}"
                ) from None
            self._sleep(PAUSE_S)

    def _once(self, work: Callable[[Any], Awaitable[T]]) -> T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        loop = self._loop

        async def done() -> T:
            if self._client is None:
                self._client = await asyncio.wait_for(self._connected(), 2 * self.server.connect_timeout)
            else:
                # The library learns of a broken connection only while it is waited for.
                await asyncio.wait_for(self._client.flush(2), 2.0)
            return await asyncio.wait_for(
                work(self._client.jetstream(timeout=self.server.connect_timeout)), self._longest_s
            )

        return loop.run_until_complete(done())

    async def _connected(self) -> Any:
        client = nats.NATS()
        server, credentials = self.server, self.server.credentials()

        async def quiet(_problem: Exception) -> None:
            """Every call reports its own error; the library would write a traceback."""

        options: dict[str, Any] = {
            "servers": f"nats://{server.label}",
            "name": "cowboyai.rollout store",
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0,
            "connect_timeout": server.connect_timeout,
            "error_cb": quiet,
        }
        if server.tls:
            options.update(tls=_tls(server), tls_hostname=server.host, tls_handshake_first=server.tls_first)
        if credentials.token is not None:
            options["token"] = credentials.token
        elif credentials.user is not None:
            options.update(user=credentials.user, password=credentials.password or "")
        elif credentials.nkey_seed is not None:
            fields = connect_fields(credentials, "nonce", time.time())
            options["signature_cb"] = lambda nonce: _signature(credentials, nonce)
            if "jwt" in fields:
                options["user_jwt_cb"] = lambda: bytearray(str(fields["jwt"]).encode())
            else:
                # The library signs by a package that is not needed otherwise; what it would learn from it is this one name.
                client._public_nkey = fields["nkey"]
        await client.connect(**options)
        return client

    def close(self) -> None:
        """Let go of the connection; the next call makes a new one."""
        loop, client, self._loop, self._client = self._loop, self._client, None, None
        if loop is None:
            return
        try:
            if client is not None and not client.is_closed:
                loop.run_until_complete(asyncio.wait_for(client.close(), 2.0))
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        except (TimeoutError, OSError, nats.errors.Error):
            # It is being thrown away.
            pass
        finally:
            loop.close()


def link_to(url: str, auth: Mapping[str, Any], tls: Mapping[str, Any]) -> Link:
    """Checks what was given. Raises StoreError, without showing credentials."""
    if nats is None:
        raise StoreError(
            "rollout_store is on NATS, which needs the Python package nats-py on the controller, beside ansible-core: "
            "pip install nats-py (it stands in requirements.txt)."
        )
    if not isinstance(auth, Mapping) or not isinstance(tls, Mapping):
        raise StoreError(
            "rollout_store_auth and rollout_store_tls: expected mappings as those of rollout_nats_auth and rollout_nats_tls."
        )
    try:
        return Link(parse_server({"server": url, "auth": dict(auth), "tls": dict(tls)}))
    except OptionError as problem:
        raise StoreError(f"rollout_store with rollout_store_auth and rollout_store_tls: {problem}.") from None


def _tls(server: Server) -> ssl.SSLContext:
    for path in (server.ca_file, server.cert_file, server.key_file):
        if path and not Path(path).is_file():
            raise OptionError(f"rollout_store_tls: {path}: no such file")
    context = ssl.create_default_context(cafile=server.ca_file)
    if not server.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if server.cert_file:
        context.load_cert_chain(server.cert_file, server.key_file)
    return context


def _signature(credentials: Any, nonce: str) -> bytes:
    signature = str(connect_fields(credentials, nonce, time.time())["sig"])
    # The library sends it as it is.
    return base64.b64encode(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)))


def _is_final(problem: BaseException) -> bool:
    """What waiting does not mend: credentials, permissions and certificates."""
    if isinstance(problem, ssl.SSLError):
        return True
    text = str(problem).lower()
    return "authorization" in text or "authentication" in text or "permissions violation" in text


def _text(problem: BaseException) -> str:
    return " ".join(str(problem).split()) or type(problem).__name__
