# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of core NATS: they come once, so what can't be kept is counted and told, in the log and as an event."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import UTC, datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._event import Incoming, Refused, event_from
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._settings import Settings

LOG = logging.getLogger("cowboyai.rollout.nats")


class CoreMessages:
    """Subscriptions, and a bounded buffer between them and the queue."""

    after_gap = "what was published meanwhile is lost"

    def __init__(self, client: Any, queue: Any, settings: Settings) -> None:
        self._client, self._queue, self._settings = client, queue, settings
        self._waiting: deque[Any] = deque()
        self._gaps: list[dict[str, Any]] = []
        self._dropped = 0
        self._wake = asyncio.Event()

    def gap(self, since: str, seconds: float) -> None:
        """The connection was away: how much was published meanwhile nobody can know."""
        self._gaps.append({"kind": "gap", "reason": "disconnected", "since": since, "seconds": seconds, "lost": None})
        self._wake.set()

    async def run(self) -> None:
        for subject in self._settings.subjects:
            await self._client.subscribe(subject, queue=self._settings.queue_group, cb=self._on_message)
        await self._client.flush()
        LOG.info("subscribed to %s", ", ".join(self._settings.subjects))
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._tell_gaps()
            while self._waiting:
                event = self._event(self._waiting.popleft())
                if event is not None:
                    await self._queue.put(event)
                await self._tell_gaps()

    async def _on_message(self, message: Any) -> None:
        if len(self._waiting) < self._settings.buffer:
            self._waiting.append((message, _now()))
        else:
            if self._dropped == 0:
                LOG.warning("the buffer of %d messages is full: core messages are dropped", self._settings.buffer)
            self._dropped += 1
        self._wake.set()

    async def _tell_gaps(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            LOG.warning("%d core messages were dropped while rules were busy; a stream would have kept them", dropped)
            self._gaps.append({"kind": "gap", "reason": "buffer_full", "since": None, "seconds": None, "lost": dropped})
        while self._gaps:
            await self._queue.put({"nats": self._gaps.pop(0)})

    def _event(self, waiting: tuple[Any, str]) -> dict[str, Any] | None:
        message, at = waiting
        incoming = Incoming(message.subject, message.data, message.headers or {}, at)
        try:
            return event_from(incoming, self._settings.limits)
        except Refused as why:
            LOG.warning("refused a message on %.200r: %s", message.subject, why)
            return None


def _now() -> str:
    return datetime.now(UTC).isoformat()
