# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NATS client of the tests that knows when it has everything: by what arrived, not by how long nothing came."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.host.shared_fleet import HOSTS, SharedFleet
from tests.host.waiting import HANG_S

# Its folder is on the path since the import above.
import nats_client  # isort: skip

MARK = b"a mark of the tests"
Arrived = list[tuple[float, nats_client.Message]]


class Conversation:
    """Asks over the NATS server of one host, and hears what the whole cluster answers."""

    def __init__(self, fleet: SharedFleet, host: str) -> None:
        self.connections = {
            each: nats_client.Connection(f"nats://{address}:4222", "fleet-test", timeout=HANG_S)
            for each, address in fleet.addresses().items()
        }
        self.connection = self.connections[host]
        self.host = host
        self.inbox = f"_INBOX.fleet-test.{time.time_ns()}"
        self.asked = 0
        self.watch(f"{self.inbox}.>")

    def watch(self, subject: str) -> None:
        """Subscribe, and go on when every other server of the cluster knows of it: what is published there arrives here."""
        self.connection.subscribe(subject, subject)
        for other in self.connections:
            mark = subject.replace(">", f"mark.{time.time_ns()}.{other}")
            data = nats_client.encode_publish(mark, MARK)

            def arrived(data: bytes = data, other: str = other, mark: str = mark) -> bool:
                self.connections[other].send(data)
                return any(message.subject == mark for _at, message in self._receive(0.05))

            self._until(f"{self.host} gets what is published on {other} as {mark}", arrived)

    def ask(self, subject: str, payload: bytes, count: int = 1, headers: dict[str, str] | None = None) -> list[str]:
        """Send; the subjects that answers will come on."""
        replies = []
        for _ in range(count):
            self.asked += 1
            replies.append(f"{self.inbox}.{self.asked}")
            self.connection.send(nats_client.encode_publish(subject, payload, replies[-1], headers))
        return replies

    def reach(self, subject: str, instances: int = len(HOSTS)) -> None:
        """Until all instances answer: servers learn a little later of the subscriptions of agents that have just started."""

        def all_answer() -> bool:
            [reply] = self.ask(subject, b"{}")
            answers, end = 0, time.monotonic() + 1.0
            while answers < instances and time.monotonic() < end:
                answers += sum(message.subject == reply for _at, message in self._receive(0.2))
            return answers == instances

        self._until(f"{instances} answers on {subject}", all_answer)

    def everything(self, last_asked: str, instances: int = len(HOSTS)) -> Arrived:
        """What came for all that was asked before, with arrival times (monotonic seconds).

        One more question says when that is all: messages keep their order, so whoever answered it has answered the rest.
        """
        [last] = self.ask(last_asked, b"{}")
        found: Arrived = []

        def answered() -> bool:
            found.extend(self._receive(1.0))
            return sum(message.subject == last for _at, message in found) >= instances

        self._until(f"{instances} answers on {last_asked}", answered)
        return [(at, message) for at, message in found if message.subject != last and message.payload != MARK]

    def _until(self, what: str, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + HANG_S
        while not condition():
            assert time.monotonic() < end, f"{what}: not after {HANG_S:g} s"

    def _receive(self, at_most: float) -> Arrived:
        """What the next read brings; nothing when nothing comes for so long."""
        self.connection.socket.settimeout(at_most)
        try:
            return [(time.monotonic(), message) for message in self.connection.receive()]
        except nats_client.NatsError as error:
            if "timed out" not in str(error):
                raise
            return []
        finally:
            self.connection.socket.settimeout(HANG_S)

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()
