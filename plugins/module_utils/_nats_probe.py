# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request/reply round trips to agents: who answers, how often, how fast. And the floor: what this machine costs by
itself."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import deque
from datetime import datetime, timezone
from typing import Any, Callable, Deque, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.cowboyai.rollout.plugins.module_utils._latency import summary
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import (
    NatsError,
    OptionError,
    SlowConsumer,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import Server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_parse import Event, parse_headers, publish_frame
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_wire import Connection, connect
from ansible_collections.cowboyai.rollout.plugins.module_utils._subjects import SubjectError, check_subject

MAX_REQUESTS = 1_000_000
FLOOR_ROUNDS = 100
NO_RESPONDERS = 503
MAX_EXAMPLES = 5
# One after the other, an agent that stays silent this often in a row is no longer waited for before the next request
# goes out.
_PATIENCE = 3
# Answers beyond the expected ones are looked for this long after the last expected one.
_LINGER_S = 0.1
_MAX_LATE_WAIT_S = 2.0
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_OUR_HEADERS = ("sender", "recipient", "conversation-id")


class Target(NamedTuple):
    """One agent to ask; `expected` answers per request (one per instance that hears it)."""

    agent: str
    subject: bytes
    payload: bytes
    headers: Dict[str, str]
    expected: int


class ProbeRequest(NamedTuple):
    """`requests_each` per target. over_s > 0: spread evenly over that time, agents taking turns; 0: one after the
    other."""

    targets: Sequence[Target]
    requests_each: int
    over_s: float
    timeout_s: float
    sender: str
    conversation_prefix: str
    inbox_prefix: str
    send: bool = True  # False (check mode): connect and measure the floor, ask nobody
    max_duration_s: Optional[float] = None  # stop asking after this time


def probe_argument_spec() -> Dict[str, Dict[str, Any]]:
    """The argument spec of the options in the doc fragment `cowboyai.rollout.nats.probe`."""
    return {
        "targets": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "agent": {"type": "str", "required": True},
                "subject": {"type": "str", "required": True},
                "payload": {"type": "raw"},
                "headers": {"type": "dict"},
                "expected": {"type": "int", "default": 1},
            },
        },
        "count": {"type": "int", "default": 100},
        "over": {"type": "float", "default": 0.0},
        "timeout": {"type": "float", "default": 2.0},
        "sender": {"type": "str", "default": "rollout"},
        "conversation_prefix": {"type": "str"},
        "inbox_prefix": {"type": "str", "default": "_INBOX"},
    }


def parse_probe(params: Mapping[str, Any], send: bool = True, max_duration_s: Optional[float] = None) -> ProbeRequest:
    """Check the probe's arguments. Raises OptionError naming the argument, what was seen and what is expected."""
    sender = params.get("sender") or "rollout"
    count = params.get("count", 100)
    over = float(params.get("over") or 0.0)
    given = params.get("timeout")
    timeout = 2.0 if given is None else float(given)
    if not isinstance(count, int) or count < 1:
        raise OptionError("count: %r, expected at least 1 request per target" % (count,))
    if not 0 <= over <= 86400:
        raise OptionError("over: %r s, expected 0 (one request after the other) up to 86400" % (over,))
    if not 0 < timeout <= 300:
        raise OptionError("timeout: %r s, expected more than 0 and at most 300" % (timeout,))
    prefix = params.get("conversation_prefix") or "rollout-%s" % secrets.token_hex(4)
    inbox = params.get("inbox_prefix") or "_INBOX"
    try:
        check_subject(inbox)
    except SubjectError as problem:
        raise OptionError("inbox_prefix: %s" % problem) from None
    for name, value in (("sender", sender), ("conversation_prefix", prefix)):
        _check_header(name, value)
    rows = params.get("targets") or []
    if not rows:
        raise OptionError("targets: empty, expected at least one {agent, subject}")
    targets = [_parse_target(row) for row in rows]
    names = [target.agent for target in targets]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise OptionError(
            "targets: %s listed more than once, so its answers could not be told apart" % ", ".join(twice)
        )
    if count * len(targets) > MAX_REQUESTS:
        raise OptionError(
            "count: %d requests for %d targets, expected at most %d in all" % (count, len(targets), MAX_REQUESTS)
        )
    return ProbeRequest(targets, count, over, timeout, sender, prefix, inbox, send, max_duration_s)


def _parse_target(row: Mapping[str, Any]) -> Target:
    agent = row.get("agent")
    if not isinstance(agent, str) or not agent:
        raise OptionError("targets: agent %r, expected a name" % (agent,))
    _check_header("targets: agent", agent)
    try:
        subject = check_subject(row.get("subject") or "")
    except SubjectError as problem:
        raise OptionError("targets: %s: %s" % (agent, problem)) from None
    expected = row.get("expected")
    expected = 1 if expected is None else expected
    if not isinstance(expected, int) or isinstance(expected, bool) or expected < 1:
        raise OptionError("targets: %s: expected %r answers per request, must be at least 1" % (agent, expected))
    payload = row.get("payload")
    if payload is None:
        payload = {}
    raw = payload.encode() if isinstance(payload, str) else json.dumps(payload, separators=(",", ":")).encode()
    headers = {}
    for name, value in (row.get("headers") or {}).items():
        if not isinstance(name, str) or not _HEADER_NAME.match(name) or name.lower() in _OUR_HEADERS:
            raise OptionError(
                "targets: %s: header %r, expected a plain header name other than Sender, Recipient and Conversation-Id"
                % (agent, name)
            )
        _check_header("targets: %s: header %s" % (agent, name), str(value))
        headers[name] = str(value)
    return Target(agent, subject.encode(), raw, headers, expected)


def _check_header(what: str, value: str) -> None:
    if "\r" in value or "\n" in value or value != value.strip():
        raise OptionError("%s: %r, expected one line without blanks at its ends (it becomes a header)" % (what, value))


class _Count:
    """What came back from one agent."""

    def __init__(self) -> None:
        self.sent = self.resolved = self.delivered = self.late = self.duplicates = 0
        self.errors = self.full = self.no_responders = self.stream_acks = 0
        self.unanswered_in_a_row = 0
        self.latencies: List[float] = []
        self.error_examples: List[str] = []


class _Asked:
    __slots__ = ("answers", "in_time", "open", "sent_at", "target")

    def __init__(self, target: int, sent_at: float) -> None:
        self.target = target
        self.sent_at = sent_at
        self.answers = 0
        self.in_time = 0
        self.open = True


class _Run:
    """The state of one probe over a connection; requests are numbered 0.. in the order of sending, agents taking
    turns."""

    def __init__(
        self, request: ProbeRequest, connection: Connection, clock: Callable[[], float], keep_going: Callable[[], bool]
    ) -> None:
        self.request = request
        self.counts = [_Count() for _target in request.targets]
        self.send_lag_s = 0.0
        self.cut_short = False
        self._connection = connection
        self._clock = clock
        self._keep_going = keep_going
        self._inbox = ("%s.%s." % (request.inbox_prefix, secrets.token_hex(8))).encode()
        self._asked: List[_Asked] = []
        self._expiry: Deque[_Asked] = deque()
        self._open = 0

    def run(self) -> None:
        """Send everything and collect answers until each request is complete or out of time, and late ones a little
        longer."""
        request, clock, connection = self.request, self._clock, self._connection
        connection.subscribe(self._inbox + b"*")
        connection.fence(request.timeout_s + 5.0)
        total = request.requests_each * len(request.targets)
        interval = request.over_s / total
        start = clock()
        stop_at = None if request.max_duration_s is None else start + request.max_duration_s
        while True:
            now = clock()
            self._expire(now)
            if len(self._asked) < total and ((stop_at is not None and now > stop_at) or not self._keep_going()):
                self.cut_short = True
                total = len(self._asked)
            number = len(self._asked)
            if number < total and self._is_due(number, start, interval, now):
                self._send(number, start + number * interval)
                continue
            if number == total and not self._open:
                break
            wait = 1.0
            if self._expiry:
                wait = min(wait, self._expiry[0].sent_at + request.timeout_s - now)
            if number < total and interval:
                wait = min(wait, start + number * interval - now)
            self._receive(max(0.0, wait))
        self._linger()

    def _is_due(self, number: int, start: float, interval: float, now: float) -> bool:
        if interval:
            return now >= start + number * interval
        if not number:
            return True
        last = self._asked[-1]
        return not last.open or self.counts[last.target].unanswered_in_a_row >= _PATIENCE

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
        asked = _Asked(index, self._clock())
        if request.over_s:
            self.send_lag_s = max(self.send_lag_s, asked.sent_at - due)
        self._connection.send(frame)
        self._asked.append(asked)
        self._expiry.append(asked)
        self._open += 1
        self.counts[index].sent += 1

    def _expire(self, now: float) -> None:
        while self._expiry and (not self._expiry[0].open or self._expiry[0].sent_at + self.request.timeout_s <= now):
            asked = self._expiry.popleft()
            if asked.open:
                if not asked.answers:
                    self.counts[asked.target].unanswered_in_a_row += 1
                self._close(asked)

    def _close(self, asked: _Asked) -> None:
        asked.open = False
        self._open -= 1
        self.counts[asked.target].resolved += 1

    def _receive(self, wait: float) -> None:
        events = self._connection.read(wait)
        now = self._clock()
        for event in events:
            self._answer(event, now)

    def _linger(self) -> None:
        missing = any(
            count.delivered + count.late < count.sent * target.expected and not count.no_responders
            for count, target in zip(self.counts, self.request.targets)
        )
        until = self._clock() + (min(self.request.timeout_s, _MAX_LATE_WAIT_S) if missing else _LINGER_S)
        while self._clock() < until:
            self._receive(max(0.0, until - self._clock()))

    def _answer(self, event: Event, now: float) -> None:
        token = event[1][len(self._inbox) :]
        if not token.isdigit() or len(token) > 9 or int(token) >= len(self._asked):
            return  # not an answer to anything of ours
        asked = self._asked[int(token)]
        count = self.counts[asked.target]
        if event[3] is not None and parse_headers(event[3]).status == NO_RESPONDERS:
            count.no_responders += 1
            if asked.open:
                self._close(asked)
            return
        said = _said(event[4] or b"")
        if said is not None and "stream" in said and "seq" in said and "status" not in said:
            # A JetStream stream over the request subject acknowledges in the agents' stead; that is no answer of
            # theirs.
            count.stream_acks += 1
            return
        asked.answers += 1
        count.unanswered_in_a_row = 0
        expected = self.request.targets[asked.target].expected
        if asked.answers > expected:
            count.duplicates += 1
            return
        if said is not None and said.get("status") == "error":
            count.errors += 1
            if len(count.error_examples) < MAX_EXAMPLES:
                count.error_examples.append(str(said.get("message"))[:200])
        latency = now - asked.sent_at
        count.latencies.append(latency)
        if latency <= self.request.timeout_s:
            count.delivered += 1
            asked.in_time += 1
            if asked.in_time == expected:
                count.full += 1
        else:
            count.late += 1
        if asked.answers == expected and asked.open:
            self._close(asked)

    def agents(self, partial: bool) -> Dict[str, Dict[str, Any]]:
        """The result per agent. When partial, requests that were still open when the connection broke are nobody's
        fault:
        they count as `unresolved`, and neither they nor their answers so far as expected or lost."""
        rows = {}
        in_open = [0] * len(self.counts)
        for asked in self._asked:
            if asked.open:
                in_open[asked.target] += asked.in_time
        for index, (count, target) in enumerate(zip(self.counts, self.request.targets)):
            requests = count.resolved if partial else count.sent
            expected = requests * target.expected
            delivered = count.delivered - in_open[index]
            row: Dict[str, Any] = {
                "sent": count.sent,
                "expected": expected,
                "delivered": delivered,
                "lost": max(0, expected - delivered - count.late),
                "late": count.late,
                "duplicates": count.duplicates,
                "errors": count.errors,
                "error_examples": count.error_examples,
                "delivered_pct": 100.0 * delivered / expected if expected else None,
                "full": count.full,
                "silent": bool(requests) and not count.delivered and not count.late,
                "no_responders": count.no_responders,
                "stream_acks": count.stream_acks,
                "unresolved": count.sent - count.resolved if partial else 0,
            }
            row.update(summary(count.latencies))
            row["samples"] = row.pop("n")
            rows[target.agent] = row
        return rows


def _said(payload: bytes) -> Optional[Dict[str, Any]]:
    if payload.lstrip()[:1] != b"{" or len(payload) > 1 << 20:
        return None
    try:
        said = json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def measure_floor(server: Server, connection: Connection, inbox_prefix: str, clock: Callable[[], float]) -> List[float]:
    """Latencies in seconds of round trips to an echo responder of our own, on a second connection to the same server.

    One thread plays both sides in turn, so that no scheduling of ours is in it: what remains is the price of two trips
    through the server. Real answers cannot be faster than about this.
    """
    ours, theirs = (("%s.%s" % (inbox_prefix, secrets.token_hex(8))).encode() for _side in "ab")
    latencies = []
    with connect(server, "cowboyai.rollout echo") as echo:
        echo.subscribe(theirs)
        echo.fence(server.connect_timeout)
        sid = connection.subscribe(ours)
        connection.fence(server.connect_timeout)
        for _round in range(FLOOR_ROUNDS):
            sent = clock()
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
) -> Dict[str, Any]:
    """Probe; never raises for what NATS or the agents do. The shape is documented in the module nats_probe."""
    result: Dict[str, Any] = {
        "server": server.label,
        "server_id": None,
        "server_name": None,
        "cluster": None,
        "started_at": timestamp(wall()),
        "ended_at": None,
        "reason": None,
        "message": None,
        "partial": False,
        "cut_short": False,
        "notes": [],
        "floor": None,
        "agents": {},
        "conversation_prefix": request.conversation_prefix,
        "send_lag_max_ms": None,
    }
    run: Optional[_Run] = None
    try:
        with connect(server, "cowboyai.rollout nats_probe", clock=clock) as connection:
            for key in ("server_id", "server_name", "cluster"):
                result[key] = connection.info.get(key)
            _check_abilities(connection, request)
            floor = summary(measure_floor(server, connection, request.inbox_prefix, clock))
            result["floor"] = {key: floor[key] for key in ("p50_ms", "p99_ms", "max_ms", "n")}
            if request.send:
                run = _Run(request, connection, clock, keep_going)
                run.run()
            else:
                result["notes"].append("check mode: connected and measured the floor, asked no agent")
    except NatsError as problem:
        # The probe subscribes to its own inbox only; being cut off there as too slow is a failure of ours.
        result["reason"] = "tool_error" if isinstance(problem, SlowConsumer) else problem.reason
        result["message"] = str(problem)
        result["partial"] = run is not None
    result["ended_at"] = timestamp(wall())
    if run is not None:
        result["agents"] = run.agents(result["partial"])
        result["cut_short"] = run.cut_short
        result["send_lag_max_ms"] = round(run.send_lag_s * 1000.0, 3) if request.over_s else None
        result["notes"].extend(_notes(run, request))
    return result


def _check_abilities(connection: Connection, request: ProbeRequest) -> None:
    if not connection.info.get("headers"):
        raise NatsError(
            "NATS server %s: has no message headers (older than 2.2), the probe needs them" % connection.label
        )
    limit = connection.info.get("max_payload")
    for target in request.targets:
        if isinstance(limit, int) and len(target.payload) + 1024 > limit:
            raise NatsError(
                "NATS server %s: takes messages up to %d bytes, the payload for %s has %d"
                % (connection.label, limit, target.agent, len(target.payload))
            )


def _notes(run: _Run, request: ProbeRequest) -> List[str]:
    acked = [target.agent for count, target in zip(run.counts, request.targets) if count.stream_acks]
    notes = []
    if acked:
        notes.append(
            "a JetStream stream answered requests in the stead of %s (not counted as answers); set no_ack on the "
            "stream, or ask on a subject that it does not hold" % ", ".join(acked)
        )
    if run.cut_short:
        notes.append("stopped asking before all requests were sent: time was up")
    return notes


def timestamp(epoch: float) -> str:
    """Epoch seconds as UTC ISO 8601 with offset and microseconds."""
    return datetime.fromtimestamp(epoch, timezone.utc).isoformat(timespec="microseconds")
