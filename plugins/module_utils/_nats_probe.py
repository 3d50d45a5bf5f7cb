# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request/reply round trips to agents: who answers, how often, how fast. And the floor: what this machine costs by
itself."""

from __future__ import annotations

import json
import secrets
import time
from collections import deque
from datetime import datetime, timezone
from typing import Any, Callable, Deque, Dict, List, Optional

from ansible_collections.cowboyai.rollout.plugins.module_utils import _bucket
from ansible_collections.cowboyai.rollout.plugins.module_utils._latency import summary
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_abilities import abilities, lacks_for_requests
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import (
    NatsError,
    SlowConsumer,
    Unreachable,
    Unsupported,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import Server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_parse import Event, parse_headers, publish_frame
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import ProbeRequest
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_streams import capturing
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_wire import Connect, Connection, connect
from ansible_collections.cowboyai.rollout.plugins.module_utils._probe_account import Account, Asked

FLOOR_ROUNDS = 100
NO_RESPONDERS = 503
# One after the other, an agent that stays silent this often in a row is no longer waited for before the next request
# goes out.
_PATIENCE = 3
# Such an agent has at most so many requests open: one that only hung must not find an endless queue when it goes on.
_MOST_OPEN = 25
# Answers beyond the expected ones are looked for this long after the last expected one.
_LINGER_S = 0.1
_MAX_LATE_WAIT_S = 2.0
# A server that does not answer a PING for this long is as good as away.
_PONG_WITHIN_S = 5.0
# Answers are told apart by the request for this long, so that a probe of a day needs no more memory than one of this.
_REMEMBERED_S = 600.0
# Requests that are this late are not made up for: a machine that stood still must not wake up with a burst.
_LATE_SEND_S = 1.0
# A machine that stands still longer than this does not know when answers came.
_STOOD_STILL_S = 0.5


class _Run:
    """The state of one probe over a connection; requests are numbered 0.. by their places in the schedule, agents
    taking turns.

    A request is `open` until its answers are there or its time is up. Then it is in `doubt`, until a PONG proves that
    the server was there to the end of that time: silence of the server is no silence of the agents.
    """

    def __init__(
        self,
        request: ProbeRequest,
        connection: Connection,
        clock: Callable[[], float],
        wall: Callable[[], float],
        keep_going: Callable[[], bool],
    ) -> None:
        self.request = request
        self.accounts = [Account(target.expected, request.timeout_s) for target in request.targets]
        self.send_lag_s = 0.0
        self.left_out = 0
        self.void = 0
        self.cut_short = False
        self.alive_until = wall()
        self._connection = connection
        self._clock = clock
        self._wall = wall
        self._keep_going = keep_going
        self._inbox = ("%s.%s." % (request.inbox_prefix, secrets.token_hex(8))).encode()
        self._asked: Dict[int, Asked] = {}
        self._last: Optional[Asked] = None
        self._order: Deque[int] = deque()
        self._expiry: Deque[Asked] = deque()
        self._open = 0
        self._open_by_target = [0] * len(request.targets)
        self._doubt: Deque[Asked] = deque()
        self._pinged_at: Optional[float] = None
        self._awake_at = clock()

    def run(self) -> None:
        """Send everything and collect answers until each request is complete or out of time, and late ones a little
        longer. Raises NatsError when the connection breaks or the server falls silent."""
        request, clock, connection = self.request, self._clock, self._connection
        connection.subscribe(self._inbox + b"*")
        connection.fence(request.timeout_s + 5.0)
        total, interval = request.total, request.interval_s
        start = self._awake_at = clock()
        stop_at = None if request.max_duration_s is None else start + request.max_duration_s
        number = 0
        while True:
            now = clock()
            self._expire(now)
            self._resolve(now)
            self._forget(now)
            if number < total and ((stop_at is not None and now > stop_at) or not self._keep_going()):
                self.cut_short = True
                total = number
            if request.every_s and number < total:
                number = self._skip(number, total, start, now)
            elif interval and number < total:
                start = self._not_made_up_for(number, start, interval, now)
            if number < total and self._is_due(number, start, interval, now):
                self._send(number, start + number * interval)
                number += 1
                continue
            if number == total and not self._open and not self._doubt:
                break
            wait = 1.0
            if self._expiry:
                wait = min(wait, self._expiry[0].sent_at + request.timeout_s - now)
            if number < total and interval:
                wait = min(wait, start + number * interval - now)
            self._receive(max(0.0, wait))
        self._linger()

    def _skip(self, number: int, total: int, start: float, now: float) -> int:
        """The number to go on with, behind those whose time has passed."""
        request, going = self.request, number
        if now >= start + request.over_s:
            going = total
        elif now - (start + number * request.interval_s) > max(request.every_s, _LATE_SEND_S):
            going = min(total, int((now - start) / request.interval_s))
        self.left_out += going - number
        return going

    def _not_made_up_for(self, number: int, start: float, interval: float, now: float) -> float:
        """When the schedule began, later by what this machine stood still: the pace stays, and no burst makes up for it."""
        late = now - (start + number * interval)
        if late <= _LATE_SEND_S:
            return start
        self.send_lag_s = max(self.send_lag_s, late)
        return start + late

    def _is_due(self, number: int, start: float, interval: float, now: float) -> bool:
        if interval:
            return now >= start + number * interval
        last = self._last
        if last is not None and last.open and self.accounts[last.target].unanswered_in_a_row < _PATIENCE:
            return False
        return self._open_by_target[number % len(self.request.targets)] < _MOST_OPEN

    def _send(self, number: int, due: float) -> None:
        request = self.request
        index = number % len(request.targets)
        target = request.targets[index]
        headers = dict(target.headers)
        headers["Sender"] = request.sender
        headers["Recipient"] = target.agent
        headers["Conversation-Id"] = "%s-%s-%d" % (
            request.conversation_prefix,
            target.agent,
            number // len(request.targets),
        )
        frame = publish_frame(target.subject, target.payload, self._inbox + b"%d" % number, headers)
        bucket = _bucket.index_of(self._wall(), request.bucket_s) if request.bucket_s else None
        if request.by_round:
            bucket = number // len(request.targets)
        asked = Asked(index, self._clock(), bucket)
        if request.interval_s:
            self.send_lag_s = max(self.send_lag_s, asked.sent_at - due)
        self._connection.send(frame)
        self._asked[number] = self._last = asked
        self._order.append(number)
        self._expiry.append(asked)
        self._open += 1
        self._open_by_target[index] += 1
        self.accounts[index].sent += 1

    def _expire(self, now: float) -> None:
        while self._expiry and (not self._expiry[0].open or self._expiry[0].sent_at + self.request.timeout_s <= now):
            asked = self._expiry.popleft()
            if asked.open:
                if not asked.answers:
                    self.accounts[asked.target].unanswered_in_a_row += 1
                self._close(asked)
                self._doubt.append(asked)

    def _close(self, asked: Asked) -> None:
        asked.open = False
        self._open -= 1
        self._open_by_target[asked.target] -= 1

    def _resolve(self, now: float) -> None:
        """Settle what was in doubt, as far as a PONG proves it, and ask for the next one."""
        connection, doubt = self._connection, self._doubt
        if self._pinged_at is not None and connection.ping_is_out and now - self._pinged_at > _PONG_WITHIN_S:
            self._receive(0.0)  # had we ourselves stood still, it would lie there
            if connection.ping_is_out:
                raise Unreachable(
                    "NATS server %s: no PONG within %g s; it stands still, or the network in between does"
                    % (connection.label, _PONG_WITHIN_S)
                )
        if self._pinged_at is not None and not connection.ping_is_out:
            while doubt and doubt[0].sent_at + self.request.timeout_s <= self._pinged_at:
                asked = doubt.popleft()
                if not asked.settled and not asked.void:
                    self.accounts[asked.target].settle(asked)
            self._pinged_at = None
        if doubt and self._pinged_at is None:
            connection.ping()
            self._pinged_at = now

    def _forget(self, now: float) -> None:
        kept_s = max(_REMEMBERED_S, 2 * self.request.timeout_s)
        while self._order and self._asked[self._order[0]].sent_at + kept_s < now:
            del self._asked[self._order.popleft()]

    def _receive(self, wait: float) -> None:
        before, began = self._connection.received_bytes, self._clock()
        events = self._connection.read(wait)
        now = self._clock()
        if max(began - self._awake_at, now - began - wait) > _STOOD_STILL_S:
            self._void()
        self._awake_at = now
        if self._connection.received_bytes != before:
            self.alive_until = self._wall()
        for event in events:
            self._answer(event, now)

    def _void(self) -> None:
        """What is not settled yet was asked before this machine stood still."""
        for asked in list(self._expiry) + list(self._doubt):
            if not asked.settled and not asked.void:
                asked.void = True
                self.void += 1
                if asked.open:
                    self._close(asked)

    def _linger(self) -> None:
        owed = any(account.is_owed for account in self.accounts)
        until = self._clock() + (min(self.request.timeout_s, _MAX_LATE_WAIT_S) if owed else _LINGER_S)
        while self._clock() < until:
            self._receive(max(0.0, until - self._clock()))

    def _answer(self, event: Event, now: float) -> None:
        token = event[1][len(self._inbox) :]
        asked = self._asked.get(int(token)) if token.isdigit() and len(token) < 10 else None
        if asked is None or asked.void:
            return  # not an answer to anything of ours, far too late, or at a time that nobody knows
        account = self.accounts[asked.target]
        if event[3] is not None and parse_headers(event[3]).status == NO_RESPONDERS:
            account.no_responders += 1
            self._settle(asked)
            return
        said = _said(event[4] or b"")
        if said is not None and "stream" in said and "seq" in said and "status" not in said:
            # A JetStream stream over the request subject acknowledges in the agents' stead; that is no answer of
            # theirs.
            account.stream_acks += 1
            return
        is_error = said is not None and said.get("status") == "error"
        told = said.get("message") if said else None
        # Anything but text is not worth spelling out, and may be nested as deep as it can be read.
        message = told if isinstance(told, str) else "(no text)"
        account.answer(asked, now - asked.sent_at, message if is_error else None)
        if asked.answers == account.expected:
            self._settle(asked)

    def _settle(self, asked: Asked) -> None:
        if asked.open:
            self._close(asked)
        if not asked.settled:
            self.accounts[asked.target].settle(asked)

    def agents(self) -> Dict[str, Dict[str, Any]]:
        """The result per agent."""
        return {target.agent: account.row() for account, target in zip(self.accounts, self.request.targets)}

    def buckets(self) -> Dict[str, List[List[Any]]]:
        """The same by buckets, per agent."""
        return {target.agent: account.buckets() for account, target in zip(self.accounts, self.request.targets)}


def _said(payload: bytes) -> Optional[Dict[str, Any]]:
    if payload.lstrip()[:1] != b"{" or len(payload) > 1 << 20:
        return None
    try:
        said = json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def measure_floor(
    server: Server,
    connection: Connection,
    inbox_prefix: str,
    clock: Callable[[], float],
    connect: Connect = connect,
) -> List[float]:
    """Latencies in seconds of round trips to an echo responder of our own, on a second connection to the same server.

    One thread plays both sides in turn, so that no scheduling of ours is in it: what remains is the price of two trips
    through the server. Real answers cannot be faster than about this. Fewer than FLOOR_ROUNDS of a server so slow that
    they would take longer than connecting may.
    """
    ours, theirs = (("%s.%s" % (inbox_prefix, secrets.token_hex(8))).encode() for _side in "ab")
    latencies: List[float] = []
    with connect(server, "cowboyai.rollout echo", True, clock) as echo:
        echo.subscribe(theirs)
        echo.fence(server.connect_timeout)
        sid = connection.subscribe(ours)
        connection.fence(server.connect_timeout)
        until = clock() + server.connect_timeout
        for _round in range(FLOOR_ROUNDS):
            sent = clock()
            if latencies and sent > until:
                break  # a server this slow shows it in fewer rounds
            connection.send(publish_frame(theirs, b"{}", ours))
            echo.send(publish_frame(_one(echo, sent + server.connect_timeout, clock)[2] or ours, b"{}"))
            _one(connection, sent + server.connect_timeout, clock)
            latencies.append(clock() - sent)
        connection.unsubscribe([sid])
    return latencies


def _one(connection: Connection, deadline: float, clock: Callable[[], float]) -> Event:
    while True:
        left = deadline - clock()
        if left <= 0:
            raise NatsError(
                "NATS server %s: our own echo got no message through; is the inbox subject allowed?" % connection.label
            )
        events = connection.read(left)
        if events:
            return events[0]


def run_probe(
    server: Server,
    request: ProbeRequest,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    keep_going: Callable[[], bool] = lambda: True,
    connect: Connect = connect,
) -> Dict[str, Any]:
    """Probe; never raises for what NATS or the agents do. The shape is documented in the module nats_probe."""
    result: Dict[str, Any] = {
        "server": server.label,
        "server_id": None,
        "server_name": None,
        "cluster": None,
        "abilities": None,
        "lacks": [],
        "started_at": timestamp(wall()),
        "ended_at": None,
        "broke_at": None,
        "alive_until": None,
        "reason": None,
        "message": None,
        "partial": False,
        "cut_short": False,
        "notes": [],
        "floor": None,
        "agents": {},
        "buckets": {"bucket_s": request.bucket_s, "agents": {}} if request.bucket_s or request.by_round else None,
        "conversation_prefix": request.conversation_prefix,
        "send_lag_max_ms": None,
        "streams": [],
        "streams_unknown": None,
    }
    run: Optional[_Run] = None
    try:
        with connect(server, "cowboyai.rollout nats_probe", True, clock) as connection:
            for key in ("server_id", "server_name", "cluster"):
                result[key] = connection.info.get(key)
            result["abilities"] = abilities(connection.info)
            payloads = [(target.agent, target.payload) for target in request.targets]
            result["lacks"] = lacks_for_requests(result["abilities"], payloads)
            if request.send and result["lacks"]:
                raise Unsupported("NATS server %s: has no %s" % (connection.label, "; and no ".join(result["lacks"])))
            floor = summary(measure_floor(server, connection, request.inbox_prefix, clock, connect))
            result["floor"] = {key: floor[key] for key in ("p50_ms", "p99_ms", "max_ms", "n")}
            if request.send:
                run = _Run(request, connection, clock, wall, keep_going)
                run.run()
            else:
                result["notes"].append("check mode: connected and measured the floor, asked no agent")
                result["streams"], result["streams_unknown"] = capturing(
                    connection,
                    [target.subject.decode() for target in request.targets],
                    request.inbox_prefix,
                    server.connect_timeout,
                    clock,
                )
    except NatsError as problem:
        # The probe subscribes to its own inbox only; being cut off there as too slow is a failure of ours.
        result["reason"] = "tool_error" if isinstance(problem, SlowConsumer) else problem.reason
        result["message"] = str(problem)
        result["partial"] = run is not None
        result["broke_at"] = timestamp(wall()) if run is not None else None
    result["ended_at"] = timestamp(wall())
    if run is not None:
        result["agents"] = run.agents()
        if result["buckets"]:
            result["buckets"]["agents"] = run.buckets()
        result["alive_until"] = timestamp(run.alive_until)
        result["cut_short"] = run.cut_short
        result["send_lag_max_ms"] = round(run.send_lag_s * 1000.0, 3) if request.interval_s else None
        result["notes"].extend(_notes(run, request))
    return result


def _notes(run: _Run, request: ProbeRequest) -> List[str]:
    acked = [target.agent for account, target in zip(run.accounts, request.targets) if account.stream_acks]
    notes = []
    if acked:
        notes.append(
            "a JetStream stream answered requests in the stead of %s (not counted as answers); set no_ack on the "
            "stream, or ask on a subject that it does not hold" % ", ".join(acked)
        )
    crowded = [target.agent for account, target in zip(run.accounts, request.targets) if account.duplicates]
    if crowded:
        notes.append(
            "more answers than expected came for %s: others than the expected instances answer too, or some twice, so "
            "nobody knows who answered, and a dead instance may be among those counted as delivered"
            % ", ".join(crowded)
        )
    if run.cut_short:
        notes.append("stopped asking before all requests were sent: time was up")
    if run.void:
        notes.append(
            "%d requests do not count, because this machine stood still or was overloaded when their answers were due"
            % run.void
        )
    if run.left_out:
        notes.append(
            "%d requests were not sent, because this machine stood still or was overloaded when they were due"
            % run.left_out
        )
    return notes


def timestamp(epoch: float) -> str:
    """Epoch seconds as UTC ISO 8601 with offset and microseconds."""
    return datetime.fromtimestamp(epoch, timezone.utc).isoformat(timespec="microseconds")
