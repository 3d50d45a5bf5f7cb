# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic source: one process that asks the agents of a fleet at a set rate, and stops by itself.

source.py DIRECTORY RATE SECONDS: DIRECTORY holds fleet.json (agents and hosts) and gets traffic.json; RATE is
messages per second over the whole fleet.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "agent")]

from nats_client import Connection, NatsError, encode_publish  # noqa: E402
from schedule import BUSY_WEIGHT, Target, rotation  # noqa: E402

SENDER = "rehearsal"
REPORT_EVERY_S = 2.0
RETRY_EVERY_S = 1.0
MOST_BEHIND_S = 1.0
LAST_ANSWERS_WITHIN_S = 30.0
COMMAND_TYPES = ("analyze", "review", "explain")


class Server:
    """One NATS server of the fleet and our connection to it, which comes back by itself."""

    def __init__(self, url: str, inbox: str) -> None:
        self.url = url
        self.inbox = inbox  # one of its own: the cluster would deliver an answer to a shared one once per server
        self.connection: Connection | None = None
        self.retry_at = 0.0

    def connect(self, now: float) -> bool:
        """Connect when it is time to; True when the connection is new."""
        if self.connection is not None or now < self.retry_at:
            return False
        self.retry_at = now + RETRY_EVERY_S
        try:
            connection = Connection(self.url, "rehearsal-traffic", timeout=1.0)
            connection.subscribe(f"{self.inbox}.>", "answers")
        except NatsError as error:
            say(f"{self.url}: {error}")
            return False
        self.connection = connection
        return True

    def lose(self, error: NatsError) -> None:
        say(f"{self.url}: lost: {error}")
        if self.connection is not None:
            self.connection.close()
        self.connection = None
        self.retry_at = time.monotonic() + RETRY_EVERY_S


def say(message: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {message}", flush=True)


class Source:
    """Paces the messages and counts what is answered."""

    def __init__(self, directory: Path, rate: float, seconds: float) -> None:
        self.directory = directory
        self.rate = rate
        self.fleet = json.loads((directory / "fleet.json").read_text())
        self.ends = time.monotonic() + seconds
        self.until = time.time() + seconds
        self.run_id = os.urandom(4).hex()
        self.servers = [
            Server(f"nats://{address}:4222", f"_INBOX.rehearsal.{self.run_id}.{index}")
            for index, address in enumerate(self.fleet["hosts"].values())
        ]
        self.targets = [
            Target(row["agent"], row["cluster"], row["agent_id"], BUSY_WEIGHT if row["busy"] else 1, index)
            for index, row in enumerate(self.fleet["agents"])
        ]
        self.counts = {"sent": 0, "sent_unified": 0, "not_sent": 0, "answers": 0, "errors": 0}
        self.stopped = False

    def message(self, target: Target, number: int) -> tuple[str, bytes, dict[str, str]]:
        """One question on the legacy inbox or, every fifth time, one command on the unified subject."""
        headers = {"Sender": SENDER, "Recipient": target.agent, "Conversation-Id": f"{self.run_id}-{number}"}
        payload = b'{"task":"test","context":"rehearsal","number":%d}' % number
        subject = f"agent.to.{target.agent}.from.{SENDER}.question"
        if target.next_is_unified():
            kind = COMMAND_TYPES[number % len(COMMAND_TYPES)]
            subject = f"agent.{target.cluster}.{target.agent}.{target.agent_id}.command.{kind}"
            self.counts["sent_unified"] += 1
        return subject, payload, headers

    def run(self) -> None:
        poller = select.poll()
        by_descriptor: dict[int, Server] = {}
        order = rotation(self.targets)
        interval = 1.0 / self.rate
        due = report_at = time.monotonic()
        number = 0
        while not self.stopped and (now := time.monotonic()) < self.ends:
            for server in self.servers:
                if server.connect(now) and server.connection is not None:
                    by_descriptor[server.connection.socket.fileno()] = server
                    poller.register(server.connection.socket, select.POLLIN)
            if now >= report_at:
                report_at = now + REPORT_EVERY_S
                if not self.report():
                    say("the fleet is gone: stop")
                    return
            if now - due > MOST_BEHIND_S:
                due = now  # after a pause of the machine: go on at the set rate, never catch up with a burst
            while due <= now:
                due += interval
                number += 1
                self.send(number, next(order), poller, by_descriptor)
            for descriptor, _event in poller.poll(max(0.0, min(due, report_at) - time.monotonic()) * 1000):
                self.listen(by_descriptor[descriptor], descriptor, poller, by_descriptor)
        self.wait_for_the_last(poller, by_descriptor)

    def wait_for_the_last(self, poller: Any, by_descriptor: dict[int, Server]) -> None:
        """What was asked right before the end is answered after it; whoever stops us does not want to wait for that."""
        end = time.monotonic() + LAST_ANSWERS_WITHIN_S
        while not self.stopped and self.counts["answers"] < self.counts["sent"] * len(self.servers) and by_descriptor:
            left = end - time.monotonic()
            if left <= 0:
                return
            for descriptor, _event in poller.poll(left * 1000):
                self.listen(by_descriptor[descriptor], descriptor, poller, by_descriptor)

    def send(self, number: int, target: Target, poller: Any, by_descriptor: dict[int, Server]) -> None:
        """Send over the next server in turn; when that one is away, over the one after it."""
        subject, payload, headers = self.message(target, number)
        for offset in range(len(self.servers)):
            server = self.servers[(number + offset) % len(self.servers)]
            if server.connection is None:
                continue
            descriptor = server.connection.socket.fileno()
            try:
                server.connection.send(encode_publish(subject, payload, f"{server.inbox}.{number}", headers))
            except NatsError as error:
                self.drop(server, descriptor, error, poller, by_descriptor)
                continue
            self.counts["sent"] += 1
            return
        self.counts["not_sent"] += 1

    def listen(self, server: Server, descriptor: int, poller: Any, by_descriptor: dict[int, Server]) -> None:
        if server.connection is None:
            return
        try:
            for message in server.connection.receive():
                if not message.payload and message.headers == {}:
                    continue  # "no responders": the server's word, not an agent's
                self.counts["answers"] += 1
                if b'"error"' in message.payload:
                    self.counts["errors"] += 1
        except NatsError as error:
            self.drop(server, descriptor, error, poller, by_descriptor)

    @staticmethod
    def drop(server: Server, descriptor: int, error: NatsError, poller: Any, by_descriptor: dict[int, Server]) -> None:
        poller.unregister(descriptor)
        by_descriptor.pop(descriptor, None)
        server.lose(error)

    def report(self) -> bool:
        """Write traffic.json; False when the fleet's directory is gone or describes another fleet."""
        try:
            if json.loads((self.directory / "fleet.json").read_text())["made"] != self.fleet["made"]:
                return False
            content = {
                "pid": os.getpid(),
                "rate_per_s": self.rate,
                "until": self.until,
                "hosts": len(self.servers),
                "servers_connected": sum(server.connection is not None for server in self.servers),
                **self.counts,
            }
            temporary = self.directory / "traffic.json.new"
            temporary.write_text(json.dumps(content) + "\n")
            os.replace(temporary, self.directory / "traffic.json")
        except (OSError, ValueError, KeyError):
            return False
        return True


def main(directory: str, rate: str, seconds: str) -> int:
    source = Source(Path(directory), float(rate), float(seconds))

    def stop(_number: int, _frame: object) -> None:
        source.stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    say(f"start: {rate} messages/s to {len(source.targets)} agents on {len(source.servers)} hosts for {seconds}s")
    source.run()
    source.report()
    say(f"end: {source.counts}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
