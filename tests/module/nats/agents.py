# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents on plain sockets, independent of the code under test: as members of a world, or in the background of other processes."""

from __future__ import annotations

import contextlib
import json
import select
import threading
from collections.abc import Iterator

from tests.module.nats.servers import CONNECT, Message, Publisher
from tests.module.nats.world import World

#: What an answer takes in made-up time.
TRIP_S = 0.001


class Agent:
    """Answers requests, and publishes each response to the legacy and (flag on) the unified subject.

    `drop_every`: answers not every so manieth request. `delay`: of its answers, in made-up time.
    """

    def __init__(
        self, name: str, flag: bool = True, drop_every: int = 0, delay: float = TRIP_S, twice: bool = False
    ) -> None:
        self.name, self.flag, self.drop_every, self.delay, self.twice = name, flag, drop_every, delay, twice
        self.answer: object = {"status": "ok"}
        self.published: dict[str, int] = {"legacy": 0, "unified": 0}
        self.heard = 0
        self._wire: Publisher | None = None

    @property
    def wire(self) -> Publisher:
        assert self._wire is not None, f"{self.name} is not connected"
        return self._wire

    def join(self, port: int, connect: str = CONNECT) -> None:
        self._wire = Publisher(port, connect)
        self.wire.send(f"SUB agent.to.{self.name}.> 1\r\n".encode())
        self.wire.flush()

    def leave(self) -> None:
        self.wire.close()

    def turn(self, world: World) -> int:
        """Hear what there is; answers are on their way for `delay`."""
        messages = self.wire.receive()
        for message in messages:
            for answer in self.hear(message, world.now):
                world.after(self.delay, lambda message=message, answer=answer: self.say(message, answer))  # type: ignore[misc]
        return len(messages)

    def hear(self, message: Message, now: float) -> list[bytes]:
        """What to answer to a request, once for each time that it is answered."""
        self.heard += 1
        if self.drop_every and self.heard % self.drop_every == 0:
            return []
        return [json.dumps(self.answer).encode()] * (2 if self.twice else 1)

    def say(self, message: Message, answer: bytes) -> None:
        if message.reply:
            self.wire.publish(message.reply, answer)
        sender = message.headers.get("Sender", "nobody")
        headers = {
            "Sender": self.name,
            "Recipient": sender,
            "Conversation_Id": message.headers.get("Conversation-Id", "none"),
        }
        self.wire.publish(f"agent.to.{sender}.from.{self.name}.response", b"{}", **headers)
        self.published["legacy"] += 1
        if self.flag:
            self.wire.publish(f"cim.agent.infra.{self.name}.response", b"{}", **headers)
            self.published["unified"] += 1


class Mute(Agent):
    """Is there, and never answers."""

    def hear(self, message: Message, now: float) -> list[bytes]:
        self.heard += 1
        return []


@contextlib.contextmanager
def joined(port: int, *members: Agent) -> Iterator[World]:
    """These agents, each on its own connection, and the world in which they answer."""
    with contextlib.ExitStack() as stack:
        for member in members:
            member.join(port)
            stack.callback(member.leave)
        yield World(*members)


@contextlib.contextmanager
def in_background(port: int, *members: Agent) -> Iterator[None]:
    """These agents for code that waits in real time; each answers at once."""
    over = threading.Event()

    def attend(member: Agent) -> None:
        while not over.is_set():
            if select.select([member.wire.sock], [], [], 0.05)[0]:
                for message in member.wire.receive():
                    for answer in member.hear(message, 0.0):
                        member.say(message, answer)

    threads = [threading.Thread(target=attend, args=(member,), daemon=True) for member in members]
    for member, thread in zip(members, threads, strict=True):
        member.join(port)
        thread.start()
    try:
        yield
    finally:
        over.set()
        for member, thread in zip(members, threads, strict=True):
            thread.join()
            member.leave()
