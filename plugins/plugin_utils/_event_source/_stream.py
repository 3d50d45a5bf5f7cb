# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of a JetStream stream: one at a time, acknowledged when it is on the queue and not before.

The consumer is a pull consumer that lets one message be under way. So a full queue leaves the messages in the stream,
their order holds, and a source that dies leaves at most one message to be delivered again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import NatsError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._event import Incoming, Refused, event_from
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._settings import Settings

LOG = logging.getLogger("cowboyai.rollout.nats")
_FETCH_S = 5.0
_LOOK_AT_CONSUMER_S = 30.0
#: How many messages are remembered as put, to know them when a lost acknowledgement brings them back.
_REMEMBERED = 4096
_NO_STREAM = 10059


class StreamMessages:
    """A durable consumer and the loop that empties it into the queue."""

    after_gap = "the stream has kept what was published meanwhile"

    def __init__(self, client: Any, queue: Any, settings: Settings) -> None:
        self._client, self._queue, self._settings = client, queue, settings
        self._put: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)
        self._looked = 0.0
        self._beat_s = settings.ack_wait / 3

    def gap(self, since: str, seconds: float) -> None:
        """Nothing is lost, but the consumer may be: look before the next message."""
        self._looked = 0.0

    async def run(self) -> None:
        import nats.errors

        stream, durable = self._settings.stream, self._settings.durable
        context = self._client.jetstream(timeout=self._settings.servers[0].connect_timeout)
        # ansible-rulebook starts its rule engine meanwhile and lets nothing else run for seconds: an answer may come too late.
        for again in (True, True, False):
            try:
                await self._consumer(context)
                break
            except TimeoutError:
                if not again:
                    raise NatsError("JetStream does not answer in time") from None
        pull = await context.pull_subscribe_bind(durable, stream)
        LOG.info("consuming stream %s as %s: %s", stream, durable, ", ".join(self._settings.subjects))
        self._looked = time.monotonic()
        while True:
            began = time.monotonic()
            try:
                messages = await pull.fetch(1, timeout=_FETCH_S)
            except (TimeoutError, nats.errors.Error):
                # Nothing came in time. Sooner than that, or from time to time, ask whether there is still a consumer.
                early = time.monotonic() - began < _FETCH_S * 0.9
                if early or time.monotonic() - self._looked > _LOOK_AT_CONSUMER_S:
                    await self._look(context)
                if early:
                    await asyncio.sleep(1.0)
                continue
            for message in messages:
                await self._one(message)

    async def _one(self, message: Any) -> None:
        import nats.errors

        meta = message.metadata
        sequence = meta.sequence.stream
        # With its time: a stream that was made anew counts from one again.
        identity = (sequence, meta.timestamp.timestamp())
        if identity in self._put:
            LOG.warning("message %d came again, was put before: acknowledged once more and not put again", sequence)
        else:
            incoming = Incoming(
                subject=message.subject,
                data=message.data,
                headers=message.headers or {},
                at=meta.timestamp.isoformat(),
                stream=meta.stream,
                sequence=sequence,
                deliveries=meta.num_delivered,
            )
            try:
                event = event_from(incoming, self._settings.limits)
            except Refused as why:
                LOG.warning("refused message %d on %.200r: %s", sequence, message.subject, why)
                await message.term()
                return
            await self._put_in_time(message, event)
            self._put.append(identity)
        try:
            await message.ack_sync(timeout=self._settings.servers[0].connect_timeout)
        except (TimeoutError, nats.errors.Error):
            LOG.warning(
                "the acknowledgement of message %d was not confirmed; it may come again, and is known then", sequence
            )

    async def _put_in_time(self, message: Any, event: dict[str, Any]) -> None:
        """Put it, however long that takes; until then the server is told that somebody is at it."""
        import nats.errors

        put = asyncio.ensure_future(self._queue.put(event))
        try:
            while not (await asyncio.wait({put}, timeout=self._beat_s))[0]:
                LOG.info("message %d waits for the rules", event["nats"]["sequence"])
                # Without a connection it comes again later, and is known then.
                with contextlib.suppress(nats.errors.Error):
                    await message.in_progress()
            put.result()
        finally:
            put.cancel()

    async def _look(self, context: Any) -> None:
        """Whether the consumer is still there; without one, nothing would ever come."""
        import nats.errors
        import nats.js.errors

        try:
            await context.consumer_info(self._settings.stream, self._settings.durable)
            self._looked = time.monotonic()
        except nats.js.errors.NotFoundError:
            raise NatsError(
                f"consumer {self._settings.durable} of stream {self._settings.stream} is gone; a new start makes another,"
                f" which begins with {self._settings.deliver} messages"
            ) from None
        except (TimeoutError, nats.errors.Error) as problem:
            LOG.info("JetStream does not answer (%s)", type(problem).__name__)

    async def _consumer(self, context: Any) -> None:
        """Make the consumer, or see that the one that is there does what is expected of it. Raises TimeoutError too."""
        import nats.errors
        import nats.js.errors
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        settings = self._settings
        subjects = list(settings.subjects)
        try:
            there = (await context.consumer_info(settings.stream, settings.durable)).config
        except nats.js.errors.NotFoundError as problem:
            if problem.err_code == _NO_STREAM:
                raise NatsError(
                    f"there is no stream {settings.stream}; make it, with subjects {', '.join(subjects)}"
                ) from None
            there = None
        except TimeoutError:
            raise
        except nats.errors.Error as problem:
            raise NatsError(
                f"JetStream does not answer ({type(problem).__name__}); is it on, and may this account use it?"
            ) from None
        if there is not None:
            seen = {
                "pull consumer": there.deliver_subject is None,
                "ack_policy": _text(there.ack_policy),
                "max_ack_pending": there.max_ack_pending,
                "subjects": sorted(there.filter_subjects or ([there.filter_subject] if there.filter_subject else [])),
            }
            expected = {
                "pull consumer": True,
                "ack_policy": "explicit",
                "max_ack_pending": 1,
                "subjects": sorted(subjects),
            }
            wrong = [f"{what} {seen[what]}, expected {expected[what]}" for what in seen if seen[what] != expected[what]]
            if wrong:
                raise NatsError(
                    f"consumer {settings.durable} of stream {settings.stream} is another one: {'; '.join(wrong)}."
                    " Name another 'durable', or remove this consumer"
                )
            self._beat_s = min(self._beat_s, (there.ack_wait or settings.ack_wait) / 3)
            return
        try:
            await context.add_consumer(
                settings.stream,
                ConsumerConfig(
                    durable_name=settings.durable,
                    deliver_policy=DeliverPolicy.NEW if settings.deliver == "new" else DeliverPolicy.ALL,
                    ack_policy=AckPolicy.EXPLICIT,
                    ack_wait=settings.ack_wait,
                    max_ack_pending=1,
                    filter_subject=subjects[0] if len(subjects) == 1 else None,
                    filter_subjects=subjects if len(subjects) > 1 else None,
                ),
            )
        except TimeoutError:
            raise
        except nats.errors.Error as problem:
            raise NatsError(
                f"the consumer {settings.durable} of stream {settings.stream} can't be made: {problem}"
            ) from None


def _text(value: Any) -> str:
    return str(getattr(value, "value", value))
