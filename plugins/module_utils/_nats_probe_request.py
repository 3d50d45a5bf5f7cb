# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe is asked to do: its arguments, checked."""

from __future__ import annotations

import json
import math
import re
import secrets
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _bucket
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import OptionError
from ansible_collections.cowboyai.rollout.plugins.module_utils._subjects import SubjectError, check_subject

MAX_REQUESTS = 1_000_000
_COUNT = 100
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
    other.

    every_s > 0: instead one per target each every_s, until over_s is used up; what could not be sent in its time (this
    machine stood still) is left out, not made up for. bucket_s > 0: accounts by buckets of that length besides;
    by_round: by the number of the round instead, in which each target was asked once.
    """

    targets: Sequence[Target]
    requests_each: int
    over_s: float
    timeout_s: float
    sender: str
    conversation_prefix: str
    inbox_prefix: str
    send: bool = True  # False (check mode): connect and measure the floor, ask nobody
    max_duration_s: Optional[float] = None  # stop asking after this time
    every_s: float = 0.0
    bucket_s: float = 0.0
    by_round: bool = False

    @property
    def total(self) -> int:
        """Requests to send, to all targets together."""
        if self.every_s:
            # Rounded first: 0.3 / 0.1 is a little more than 3 in floats.
            return math.ceil(round(self.over_s * len(self.targets) / self.every_s, 6))
        return self.requests_each * len(self.targets)

    @property
    def interval_s(self) -> float:
        """Seconds from one request to the next; 0.0 for one after the other."""
        if self.every_s:
            return self.every_s / len(self.targets)
        return self.over_s / self.total


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
        "count": {"type": "int"},
        "every": {"type": "float"},
        "over": {"type": "float", "default": 0.0},
        "bucket": {"type": "float", "default": 0.0},
        "by_round": {"type": "bool", "default": False},
        "timeout": {"type": "float", "default": 2.0},
        "sender": {"type": "str", "default": "rollout"},
        "conversation_prefix": {"type": "str"},
        "inbox_prefix": {"type": "str", "default": "_INBOX"},
    }


def parse_probe(params: Mapping[str, Any], send: bool = True, max_duration_s: Optional[float] = None) -> ProbeRequest:
    """Check the probe's arguments. Raises OptionError naming the argument, what was seen and what is expected."""
    sender = params.get("sender") or "rollout"
    over = float(params.get("over") or 0.0)
    given = params.get("timeout")
    timeout = 2.0 if given is None else float(given)
    if not 0 <= over <= 86400:
        raise OptionError("over: %r s, expected 0 (one request after the other) up to 86400" % (over,))
    if not 0 < timeout <= 300:
        raise OptionError("timeout: %r s, expected more than 0 and at most 300" % (timeout,))
    count, every = _parse_pace(params, over)
    try:
        bucket = _bucket.checked(params.get("bucket"))
    except ValueError as problem:
        raise OptionError(str(problem)) from None
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
    by_round = bool(params.get("by_round"))
    if by_round and bucket:
        raise OptionError("by_round: not together with bucket (%g s): accounts are by rounds or by time" % bucket)
    request = ProbeRequest(
        targets, count, over, timeout, sender, prefix, inbox, send, max_duration_s,
        every_s=every, bucket_s=bucket, by_round=by_round,
    )  # fmt: skip
    if request.total > MAX_REQUESTS:
        raise OptionError(
            "%s: %d requests to %d targets, expected at most %d in all"
            % ("every" if every else "count", request.total, len(targets), MAX_REQUESTS)
        )
    return request


def _parse_pace(params: Mapping[str, Any], over: float) -> Tuple[int, float]:
    """Requests per target and seconds between them; one of the two is 0."""
    count, every = params.get("count"), params.get("every")
    if every is None:
        count = _COUNT if count is None else count
        if not isinstance(count, int) or count < 1:
            raise OptionError("count: %r, expected at least 1 request per target" % (count,))
        return count, 0.0
    if count is not None:
        raise OptionError("count: %r and every: %r s, expected one of them" % (count, every))
    if not 0 < every <= over:
        raise OptionError("every: %r s, expected more than 0 and at most over, which is %g s" % (every, over))
    return 0, float(every)


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
