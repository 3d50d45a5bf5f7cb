# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in agent: one process, one socket, one loop; its log lines are those of the real agent."""

from __future__ import annotations

import json
import os
import select
import signal
import time

from agent_log import Log, stamp
from commands import AGENT_REF, BROADCAST, INBOX, WORDS, CommandError, Identity, answer, check_json, refusal
from faults import MEMORY_LIMIT_BYTES, FaultError, FaultFile, Faults, Share
from nats_client import Connection, Message, NatsError

TYPE_CHECKING = False  # typing.TYPE_CHECKING without the import, which would double the start-up time
if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "0.9.2"
FAULT_DIRECTORY = "/opt/cim-dgx/faults"
ACTING_DIRECTORY = "/run/rollout-fleet/acting"
# Says that the fault file is new. Ignored by default, so that it can't end an agent that is just starting.
LOOK_SIGNAL = signal.SIGURG
METRICS_EVERY = 100
PING_EVERY_S = 60.0
RECONNECT_FIRST_S = 0.25
RECONNECT_MOST_S = 4.0
FAULT_TICK_S = 1.0
CORRUPT_EVERY_S = 10.0
INJECTED = "model provider answered with status 503"
CORRUPTED = "Snapshot 4711 is invalid: checksum mismatch, 18 events are lost"


class ConfigurationError(ValueError):
    """A setting that the agent can't run without; the text names it."""


class Stop(Exception):
    """SIGTERM or SIGINT came in."""


class Closed(Exception):
    """A fault says that this agent stays without its connection."""


class Service:
    """One agent from its environment to its last log line. ``run`` returns the exit status."""

    def __init__(
        self,
        environment: Mapping[str, str],
        fault_directory: str = FAULT_DIRECTORY,
        acting_directory: str = ACTING_DIRECTORY,
    ) -> None:
        missing = [key for key in ("AGENT_NAME", "AGENT_ID", "CAPABILITY_CLUSTER") if not environment.get(key)]
        if missing:
            raise ConfigurationError(f"{missing[0]} must be set")
        name = environment["AGENT_NAME"]
        self.identity = Identity(name, environment["AGENT_ID"], environment["CAPABILITY_CLUSTER"])
        self.url = environment.get("NATS_URL", "nats://localhost:4222")
        self.unified = environment.get("ENABLE_UNIFIED_SUBJECTS", "false").strip().lower() in ("true", "1")
        self.log = Log(environment.get("LOG_LEVEL", "info"))
        self.counts = {INBOX: 0, BROADCAST: 0, AGENT_REF: 0}
        self.fault_file = FaultFile(f"{fault_directory}/{name}")
        self.acting_file = f"{acting_directory}/{name}"
        self.faults = Faults()
        self.coming: tuple[float, Faults] | None = None  # read, and when it begins to act
        self.ticking = True  # until the fault file was read for the first time
        self.woken, self.wake = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(self.wake, False)
        self.errors, self.drops = Share(), Share()
        self.waiting: list[tuple[float, bytes]] = []  # late answers, in order of their due time
        self.held: list[bytes] = []  # memory that a fault takes
        self.held_bytes = 0
        self.crash_at: float | None = None
        self.next_sign = 0.0
        self.next_tick = 0.0
        self.conversation = 0

    def run(self) -> int:
        self.log.info(f"Starting agent service v{VERSION}...")
        self.log.info(f"Connecting to NATS at {self.url}")
        try:
            connection = Connection(self.url, self.identity.agent)
        except NatsError as error:
            self.log.error(f"Failed to connect to NATS at {self.url}: {error}")
            return 1
        self.log.info("Connected to NATS")
        if self.unified:
            self.log.info("Unified subject architecture ENABLED - dual publishing to old and new patterns")
        else:
            self.log.info("Unified subject architecture DISABLED - using legacy inbox pattern only")
        self._subscribe(connection, announce=True)
        self.log.info(f"Agent '{self.identity.agent}' v{VERSION} is ready for conversations")
        try:
            while True:
                try:
                    self._serve(connection)
                except NatsError as error:
                    connection.close()
                    self.log.error(f"Lost connection to NATS at {self.url}: {error}")
                    connection = self._reconnect()
                except Closed:
                    connection.close()
                    self.waiting.clear()
                    self.log.warn(f"Connection to NATS at {self.url} is closed")
                    while self.faults.nats_closed:
                        time.sleep(max(0.0, self.next_tick - time.monotonic()))
                        self._tick(time.monotonic())
                    connection = self._reconnect()
        except Stop:
            connection.close()
            self.log.info(f"Final metrics - {self._metrics(': ')}")
            return 0

    def _subscribe(self, connection: Connection, announce: bool) -> None:
        for kind, subject, words in self.identity.subscriptions():
            connection.subscribe(subject, kind)
            if announce:
                self.log.info(f"Subscribed to: {subject} ({words})")

    def _reconnect(self) -> Connection:
        """Try until the server is back; each pause is twice the one before, up to four seconds."""
        pause = RECONNECT_FIRST_S
        while True:
            time.sleep(pause)
            try:
                connection = Connection(self.url, self.identity.agent)
                self._subscribe(connection, announce=False)
            except NatsError as error:
                pause = min(2 * pause, RECONNECT_MOST_S)
                self.log.warn(f"Reconnecting to NATS at {self.url} failed: {error}; next attempt in {pause:g}s")
                continue
            self.log.info(f"Reconnected to NATS at {self.url}")
            return connection

    def _serve(self, connection: Connection) -> None:
        """Handle messages and due times until the connection breaks (NatsError) or a signal comes (Stop)."""
        poller = select.poll()
        poller.register(connection.socket, select.POLLIN)
        poller.register(self.woken, select.POLLIN)
        next_ping = time.monotonic() + PING_EVERY_S
        asked = connection.pongs
        while True:
            now = time.monotonic()
            if now >= next_ping:
                if asked > connection.pongs:
                    raise NatsError("no answer to PING")
                asked = connection.pongs + 1
                connection.ping()
                next_ping = now + PING_EVERY_S
            if self.ticking and now >= self.next_tick:
                self._tick(now)
                if self.faults.nats_closed:
                    raise Closed
            while self.waiting and self.waiting[0][0] <= now:
                connection.send(self.waiting.pop(0)[1])
            due = min(next_ping, self.next_tick if self.ticking else next_ping)
            if self.waiting:
                due = min(due, self.waiting[0][0])
            ready = [descriptor for descriptor, _what in poller.poll(max(0.0, due - time.monotonic()) * 1000 + 1)]
            if self.woken in ready:
                os.read(self.woken, 4096)
                self.ticking, self.next_tick = True, 0.0
            if connection.socket.fileno() in ready:
                pongs = connection.pongs
                for message in connection.receive():
                    self._handle(connection, message)
                if connection.pongs > pongs:
                    self.log.debug("received PONG", "async_nats")

    def _tick(self, now: float) -> None:
        """Once a second, as long as a fault may act: look at the fault file and let timed faults act."""
        if self.crash_at is not None and now >= self.crash_at:
            self._crash()
        self.next_tick = now + FAULT_TICK_S
        try:
            changed = self.fault_file.changed()
        except FaultError as error:
            self.log.warn(f"Ignoring {error}", "rehearsal")
            return
        if changed is not None:
            self._adopt(changed, now)
        if self.coming and now >= self.coming[0]:
            self._begin(self.coming[1], now)
        due = [moment for moment in (self.crash_at, self.coming and self.coming[0]) if moment is not None]
        self.next_tick = min([self.next_tick, *due])
        self._act(now)

    def _adopt(self, found: Faults, now: float) -> None:
        """What acted so far ends; what was found begins after its own delay, if it may act in this agent at all."""
        self.faults, self.coming, self.crash_at = found.without(), None, None
        self.held, self.held_bytes = [], 0
        acts = self.unified or found.always
        # The agents of a whole fleet must not wake up each second for nothing: those without the flag wait to be told.
        self.ticking = acts
        if not acts:
            self._tell(acts=False)
        elif found.after:
            self.coming = (now + found.after, found)
        else:
            self._begin(found, now)

    def _begin(self, faults: Faults, now: float) -> None:
        self.faults, self.coming = faults, None
        self.crash_at = None if faults.crash_after is None else now + faults.crash_after
        self.next_sign = now
        if faults.fill:
            self._hold(faults.fill)
        self._tell(acts=True)

    def _act(self, now: float) -> None:
        """What happens by itself, without a message coming in."""
        if self.faults.leak:
            self._hold(int(self.faults.leak * FAULT_TICK_S))
        if self.faults.noise:
            self.log.info("0 errors in the last interval, error budget untouched")
        if self.faults.corrupt and now >= self.next_sign:
            self.next_sign = now + CORRUPT_EVERY_S
            self.log.error(CORRUPTED)

    def _hold(self, size: int) -> None:
        size = min(size, MEMORY_LIMIT_BYTES - self.held_bytes)
        if size > 0:
            self.held.append(b"\x01" * size)  # written, so that the pages really count as used
            self.held_bytes += size

    def _tell(self, acts: bool) -> None:
        """Say which fault file is in force from now on, for whoever put it there and waits."""
        row = {"token": self.fault_file.token, "pid": os.getpid(), "acts": acts, "at": stamp(time.time_ns())}
        temporary = f"{self.acting_file}.new"
        try:
            with open(temporary, "w", encoding="utf-8") as stream:
                stream.write(json.dumps(row))
            os.replace(temporary, self.acting_file)
        except OSError as error:
            self.log.debug(f"Nobody can see that {row} acts: {error}", "rehearsal")

    def _crash(self) -> None:
        """End as a Rust program that panics does: a message on standard error, status 101, no final metrics."""
        text = (
            "thread 'tokio-runtime-worker' panicked at src/agent_service.rs:412:9:\n"
            "called `Option::unwrap()` on a `None` value\n"
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n"
        )
        os.write(2, text.encode())
        os._exit(101)

    def _handle(self, connection: Connection, message: Message) -> None:
        kind = message.sid
        self.counts[kind] += 1
        faults = self.faults
        if not self.drops.hit(faults.drop):
            try:
                check_json(message.payload)
                if self.errors.hit(faults.errors):
                    raise CommandError(INJECTED)
                out = answer(
                    self.identity, kind, message, self._conversation(message), self.unified and not faults.legacy_only
                )
            except CommandError as error:
                self.log.error(f"Error handling {WORDS[kind]}: {error}")
                out = refusal(message, str(error))
            if faults.delay:
                self._later(time.monotonic() + faults.delay, out)
            elif out:
                connection.send(out)
        if kind == INBOX and self.counts[INBOX] % METRICS_EVERY == 0:
            self.log.info(f"Metrics: {self._metrics('=')}")

    def _later(self, due: float, out: bytes) -> None:
        if not out:
            return
        self.waiting.append((due, out))
        if len(self.waiting) > 1 and self.waiting[-2][0] > due:  # only when the fault has just become shorter
            self.waiting.sort(key=lambda entry: entry[0])

    def _conversation(self, message: Message) -> str:
        found = message.headers.get("Conversation-Id")
        if found:
            return found
        self.conversation += 1
        return f"{self.identity.agent}-{os.urandom(6).hex()}-{self.conversation}"

    def _metrics(self, sign: str) -> str:
        return ", ".join(f"{kind}{sign}{count}" for kind, count in self.counts.items())


def main() -> int:
    """Run the agent that the environment describes; status 0 after a clean stop, 1 when it could not start."""

    def stop(_number: int, _frame: object) -> None:
        raise Stop

    try:
        service = Service(os.environ)
    except ConfigurationError as error:
        Log(os.environ.get("LOG_LEVEL", "info")).error(f"Configuration error: {error}")
        return 1
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(LOOK_SIGNAL, lambda _number, _frame: os.write(service.wake, b"!"))
    try:
        return service.run()
    except Stop:  # a signal before the agent was ready
        return 0
