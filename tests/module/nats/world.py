# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up time around real connections: it stands still while anything is on its way, and jumps when nothing is.

Servers, sockets and what passes through them are real. Only what the code under test takes for the time is not: a window of a
minute ends as soon as everything in it has happened, on a fast machine and on a slow one alike.
"""

from __future__ import annotations

import heapq
import itertools
import pathlib
import signal
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import Server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_parse import Event
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_wire import Connection, connect

from tests.module.nats.servers import HANGS_S, NatsServer

#: The made-up time begins at a full second, as buckets do.
EPOCH = 1_769_212_800.0


class Member(Protocol):
    """Somebody who acts on what it hears, such as an agent."""

    def turn(self, world: World) -> int:
        """Hear and answer all that the server has for it now; how many messages that was."""


class World:
    """`now` in seconds since the beginning. `sent` and `heard` (by subject) count messages on the connections under test."""

    def __init__(self, *members: Member, drift_s: float = 0.0) -> None:
        self.now = 0.0
        self.sent = 0
        self.heard: Counter[bytes] = Counter()
        self.members = list(members)
        #: What each read that brings something costs; without it, time stands still under load.
        self.drift_s = drift_s
        self.connections: list[Paced] = []
        self._frozen = False
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._holds: list[Callable[[], bool]] = []

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        return EPOCH + self.now

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Let this happen at a time since the beginning, while the code under test waits."""
        heapq.heappush(self._due, (seconds, next(self._order), action))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Let this happen so much later than now."""
        self.at(self.now + seconds, action)

    def leap(self, seconds: float) -> None:
        """As if this machine had stood still."""
        self.now += seconds

    def hold(self, until: Callable[[], bool]) -> None:
        """Time stands still whenever this is not true. It is asked while nothing else happens."""
        self._holds.append(until)

    def freeze(self, server: NatsServer) -> None:
        """The server stands still. Nothing can be proven by asking it, so time goes on."""
        server.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: _stopped(server.process.pid), "the server to stand still")
        self._frozen = True

    def thaw(self, server: NatsServer) -> None:
        server.process.send_signal(signal.SIGCONT)
        self._frozen = False

    def connect(self, server: Server, name: str, payloads: bool, _clock: Callable[[], float]) -> Connection:
        """The connection of `connect()`; the login itself takes real time."""
        paced = Paced(connect(server._replace(connect_timeout=HANGS_S), name, payloads), self)
        self.connections = [*(each for each in self.connections if not each.closed), paced]
        return paced

    def quiet(self, connection: Paced) -> bool:
        """Whether nothing is on its way to this connection, or to anybody who could answer. Never waits for time to pass."""
        if self._frozen:
            return True
        for each in self.connections:
            if each is not connection and not each.closed:
                each.prove()
        connection.prove(to_the_end=False)
        if self.members and not connection.stash:
            if sum(member.turn(self) for member in self.members):
                return False
            # What they said before is with the server now, and comes before its PONG.
            connection.prove(to_the_end=False)
        return not connection.stash and not self._held()

    def _held(self) -> bool:
        held = not all(each() for each in self._holds)
        if held:
            time.sleep(0.002)
        return held

    def go(self, end: float) -> bool:
        """Let time pass, at most to `end`, up to what happens next; False when it is `end` and nothing happened."""
        if self._due and self._due[0][0] <= end:
            at, _order, action = heapq.heappop(self._due)
            self.now = max(self.now, at)
            action()
            return True
        self.now = max(self.now, end)
        return False


class Paced(Connection):
    """A connection that is logged in, and whose waiting happens in made-up time."""

    def __init__(self, real: Connection, world: World) -> None:
        vars(self).update(vars(real))
        self._world, self._clock = world, world.clock
        self.stash: list[Event] = []
        self._pings: deque[bool] = deque()
        self._proofs_due = 0

    def send(self, data: bytes) -> None:
        super().send(data)
        self._world.sent += data.startswith((b"PUB ", b"HPUB "))

    def ping(self) -> None:
        super().ping()
        self._pings.append(True)

    def control(self, event: Event) -> None:
        if event[1] == b"PONG" and self._pings and not self._pings.popleft():
            # The world asked for it, which the code under test does not see.
            self._proofs_due -= 1
            self.received_bytes -= len(b"PONG\r\n")
            return
        super().control(event)

    def prove(self, to_the_end: bool = True) -> None:
        """Have in the stash all that the server has for us, and let it have handled all that we sent; or have something there."""
        self.send(b"PING\r\n")
        self._pings.append(False)
        self._proofs_due += 1
        deadline = time.monotonic() + HANGS_S
        while self._proofs_due and (to_the_end or not self.stash):
            self.stash += super().read(1.0)
            assert time.monotonic() < deadline, f"NATS server {self.label} does not answer"

    def read(self, timeout: float) -> list[Event]:
        world, before = self._world, self.received_bytes
        # A wait that is shorter than the time can tell would never end.
        end = world.now + timeout + (1e-9 if timeout else 0.0)
        began = time.monotonic()
        while True:
            events = [*self.stash, *super().read(0.0)]
            self.stash = []
            if events or self.received_bytes != before:
                world.heard.update(event[1] for event in events)
                world.now += world.drift_s
                return events
            assert time.monotonic() - began < HANGS_S, "what the test waits for does not happen"
            if world.quiet(self) and self.received_bytes == before:
                if world.now >= end:
                    return []
                if not world.go(end):
                    return []


def wait_until(reached: Callable[[], bool], what: str) -> None:
    """Wait for something outside of the made-up time; only what hangs takes long."""
    deadline = time.monotonic() + HANGS_S
    while not reached():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.005)


def _stopped(pid: int) -> bool:
    states = [path.read_text().rpartition(") ")[2][0] for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]
    return set(states) == {"T"}
