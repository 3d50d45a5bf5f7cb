# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents as nats-py clients, in a thread with its own event loop: independent of the code under test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

Setup = Callable[[Client], Awaitable[None]]


@contextlib.contextmanager
def in_background(url: str, setup: Setup) -> Iterator[None]:
    """Run `setup` on a connection of its own and keep the connection until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> Client:
        client = await nats.connect(url, allow_reconnect=False, connect_timeout=5)
        await setup(client)
        await client.flush()
        await client.flush()
        return client

    client = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(client.close(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


class Agent:
    """Answers requests, and publishes each response to the legacy and (flag on) the unified subject."""

    def __init__(
        self, name: str, flag: bool = True, drop_every: int = 0, delay: float = 0.0, twice: bool = False
    ) -> None:
        self.name, self.flag, self.drop_every, self.delay, self.twice = name, flag, drop_every, delay, twice
        self.answer = {"status": "ok"}
        self.published: dict[str, int] = {"legacy": 0, "unified": 0}
        self.heard = 0

    async def setup(self, client: Client) -> None:
        waiting: set[asyncio.Task[None]] = set()

        async def handle(message: Msg) -> None:
            self.heard += 1
            if self.drop_every and self.heard % self.drop_every == 0:
                return
            # A task per message: nats-py calls a subscription's handler one message at a time.
            task = asyncio.create_task(answer(message))
            waiting.add(task)
            task.add_done_callback(waiting.discard)

        async def answer(message: Msg) -> None:
            if self.delay:
                await asyncio.sleep(self.delay)
            for _time in range(2 if self.twice else 1):
                if message.reply:
                    await client.publish(message.reply, json.dumps(self.answer).encode())
            sender = (message.headers or {}).get("Sender", "nobody")
            headers = {
                "Sender": self.name,
                "Recipient": sender,
                "Conversation-Id": (message.headers or {}).get("Conversation-Id", "none"),
            }
            await client.publish(f"agent.to.{sender}.from.{self.name}.response", b"{}", headers=headers)
            self.published["legacy"] += 1
            if self.flag:
                await client.publish(f"cim.agent.infra.{self.name}.response", b"{}", headers=headers)
                self.published["unified"] += 1

        await client.subscribe(f"agent.to.{self.name}.>", cb=handle)


@contextlib.contextmanager
def agents(url: str, *members: Agent) -> Iterator[None]:
    """These agents, each on its own connection."""
    with contextlib.ExitStack() as stack:
        for member in members:
            stack.enter_context(in_background(url, member.setup))
        yield
