# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From NATS into the queue of ansible-rulebook: nothing is acknowledged before it is there, nothing is lost in silence."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any, Protocol

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import NatsError
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_wire import tls_context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._client import SafeClient, require_nats
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._core import CoreMessages
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._settings import Settings
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._stream import StreamMessages

LOG = logging.getLogger("cowboyai.rollout.nats")
#: The same complaint is told again after so many seconds.
_TELL_AGAIN_S = 60.0
_RECONNECT_S = 0.5
_LOOK_S = 0.2


class SourceError(Exception):
    """The source can't go on: ansible-rulebook ends with this text, and whoever keeps it running starts it again."""


class Sink(Protocol):
    """What ansible-rulebook gives to a source, or an asyncio.Queue."""

    async def put(self, item: dict[str, Any], /) -> None: ...


class Feed:
    """One connection and what it is used for. `run` ends only with SourceError or when it is cancelled."""

    def __init__(self, queue: Sink, settings: Settings) -> None:
        try:
            require_nats()
        except NatsError as problem:
            raise SourceError(str(problem)) from None
        self._settings = settings
        self._client = SafeClient(settings)
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._lost_at: float | None = None
        self._last_error = ""
        self._refusal = False
        self._told: deque[tuple[str, float]] = deque(maxlen=32)
        self._messages = (
            StreamMessages(self._client, queue, settings)
            if settings.stream
            else CoreMessages(self._client, queue, settings)
        )

    async def run(self) -> None:
        try:
            await self._connect()
            work = asyncio.ensure_future(self._messages.run())
            try:
                await asyncio.wait({work, self._over}, return_when=asyncio.FIRST_COMPLETED)
                (self._over if self._over.done() else work).result()
            finally:
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await work
        except NatsError as problem:
            raise SourceError(f"NATS at {self._settings.label}: {problem}") from None
        finally:
            self._closing = True
            # A connection that is away must not hold up the end.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._client.close(), 2.0)

    async def _connect(self) -> None:
        settings, first = self._settings, self._settings.servers[0]
        scheme = "tls" if first.tls else "nats"
        options: dict[str, Any] = {"tls": tls_context(first)} if first.tls else {}
        begun = self._client.connect(
            servers=[f"{scheme}://{server.label}" for server in settings.servers],
            name="cowboyai.rollout event source",
            connect_timeout=first.connect_timeout,
            reconnect_time_wait=_RECONNECT_S,
            max_reconnect_attempts=-1,
            # A connection that died without a word is noticed after half a minute.
            ping_interval=10,
            max_outstanding_pings=2,
            tls_handshake_first=first.tls_first,
            error_cb=self._on_error,
            disconnected_cb=self._on_lost,
            reconnected_cb=self._on_back,
            closed_cb=self._on_closed,
            **options,
        )
        attempt, patience, looked = asyncio.ensure_future(begun), first.connect_timeout, time.monotonic()
        try:
            while not (await asyncio.wait({attempt}, timeout=_LOOK_S))[0]:
                # ansible-rulebook starts its rule engine meanwhile and lets nothing else run for seconds: that is no time spent.
                patience -= min(2 * _LOOK_S, time.monotonic() - looked)
                looked = time.monotonic()
                if patience < 0:
                    raise NatsError(
                        f"no connection within {first.connect_timeout:g} s: {self._last_error or 'no answer'};"
                        " check address, credentials and TLS of the source"
                    )
            attempt.result()
        finally:
            attempt.cancel()
        self._refusal = False
        LOG.info("connected to NATS at %s", settings.label)

    async def _on_error(self, problem: Exception) -> None:
        text = (str(problem) or type(problem).__name__)[:500]
        # A server that refuses a login says why and closes; the next attempt may find the connection reset, which says less.
        if not (isinstance(problem, OSError) and self._refusal):
            self._last_error = text
        self._refusal = self._refusal or not isinstance(problem, OSError)
        if "permissions violation for subscription" in text.lower():
            self._end(f"NATS at {self._settings.label} refuses a subscription ({text}); nothing would ever be heard")
            return
        now = time.monotonic()
        if all(text != told or now - at > _TELL_AGAIN_S for told, at in self._told):
            self._told.append((text, now))
            LOG.warning("NATS at %s: %s", self._settings.label, text)

    async def _on_lost(self) -> None:
        if self._lost_at is None and not self._closing:
            self._lost_at = time.time()
            LOG.warning("connection to NATS at %s is lost; trying again every %g s", self._settings.label, _RECONNECT_S)

    async def _on_back(self) -> None:
        lost_at, self._lost_at = self._lost_at, None
        self._refusal = False
        if lost_at is None:
            return
        seconds = max(0.0, time.time() - lost_at)
        LOG.warning(
            "connected to NATS at %s again after %.1f s; %s", self._settings.label, seconds, self._messages.after_gap
        )
        self._messages.gap(datetime.fromtimestamp(lost_at, UTC).isoformat(), round(seconds, 3))

    async def _on_closed(self) -> None:
        self._end(
            f"connection to NATS at {self._settings.label} is closed for good: {self._last_error or 'no reason given'}"
        )

    def _end(self, why: str) -> None:
        if not self._over.done() and not self._closing:
            self._over.set_exception(SourceError(why))
