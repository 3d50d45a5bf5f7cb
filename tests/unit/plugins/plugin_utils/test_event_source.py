# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages as events, and the arguments of the event source: pure, without a server."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._event import (
    Incoming,
    Limits,
    Refused,
    event_from,
    plain_text,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._settings import (
    ArgumentError,
    settings_from,
)
from hypothesis import given
from hypothesis import strategies as st

OPEN = Limits(max_payload=1000, max_depth=4, accept={})
STRICT = Limits(max_payload=1000, max_depth=4, accept={"rollout": re.compile("[a-z]+")}, plain=("reason",))
SERVERS = "nats://u:secret-word@nats.example.org"


def event(data: bytes, limits: Limits = OPEN, subject: str = "a.b", **more: Any) -> dict[str, Any]:
    return event_from(Incoming(subject, data, {"H": "v"}, "2026-01-23T23:12:10+00:00", **more), limits)


@pytest.mark.parametrize(
    "data, payload, encoding",
    [
        (b'{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}, "json"),
        (b"7", 7, "json"),
        (b"no JSON {{ 7*7 }}", "no JSON {{ 7*7 }}", "text"),
        (b"", "", "text"),
        (b"\xff\x00", "/wA=", "base64"),
        (b"[" * 5 + b"]" * 5, "[[[[[]]]]]", "text"),
        (b"[" * 4 + b"]" * 4, [[[[]]]], "json"),
        (b"[NaN]", "[NaN]", "text"),
        (b"[1e999]", "[1e999]", "text"),
        (b"[9223372036854775808]", "[9223372036854775808]", "text"),
        (b"[-9223372036854775808]", [-9223372036854775808], "json"),
        (b'["\\ud800"]', '["\\ud800"]', "text"),
        (b'{"\\udfff": 1}', '{"\\udfff": 1}', "text"),
        (b"x" * 1001, None, "omitted"),
    ],
)
def test_payload_of_any_bytes(data: bytes, payload: Any, encoding: str) -> None:
    made = event(data)
    assert (made["payload"], made["encoding"], made["nats"]["size"]) == (payload, encoding, len(data))


def test_json_that_would_exhaust_a_recursive_reader() -> None:
    made = event(b"[" * 500_000, Limits(max_payload=10**6, max_depth=16, accept={}))
    assert made["encoding"] == "text"


@given(st.binary(max_size=200), st.text(max_size=20))
def test_every_event_can_be_written_as_json_and_yaml(data: bytes, subject: str) -> None:
    subject = subject.encode("utf-8", "backslashreplace").decode()
    made = event(data, subject=subject)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert yaml.safe_load(yaml.safe_dump(made)) == made


def test_a_message_of_a_stream_says_whether_it_was_delivered_before() -> None:
    first = event(b"1", stream="S", sequence=7)["nats"]
    again = event(b"1", stream="S", sequence=7, deliveries=2)["nats"]
    assert (first["sequence"], first["deliveries"], first["redelivered"]) == (7, 1, False)
    assert (again["sequence"], again["deliveries"], again["redelivered"]) == (7, 2, True)


def test_what_is_accepted_is_all_there_is() -> None:
    made = event(b'{"rollout": "spring", "reason": "slow {{ 7*7 }}\\n", "meta": {"hosts": "all"}, "x": 1}', STRICT)
    assert made["payload"] == {"rollout": "spring", "reason": "slow ?? 7*7 ???"}
    assert set(made) == {"nats", "encoding", "payload"}
    assert "headers" not in made["nats"]
    assert event(b'{"rollout": "spring"}', STRICT)["payload"] == {"rollout": "spring", "reason": ""}
    assert event(b'{"rollout": "spring", "reason": {"a": 1}}', STRICT)["payload"]["reason"] == '?"a": 1?'


@pytest.mark.parametrize(
    "data, why",
    [
        (b'{"rollout": "Spring secret-word"}', "field 'rollout' does not match '[a-z]+'"),
        (b'{"rollout": "spring\\n"}', "does not match"),
        (b'{"rollout": ["spring"]}', "field 'rollout' is list, expected a string"),
        (b'{"other": "secret-word"}', "field 'rollout' is missing"),
        (b'["secret-word"]', "payload is list, expected a JSON object"),
        (b"secret-word", "payload is text"),
        (b"\xff", "payload is base64"),
        (b"1" * 1001, "payload is omitted"),
    ],
)
def test_what_is_not_accepted_says_why_without_the_payload(data: bytes, why: str) -> None:
    with pytest.raises(Refused) as refused:
        event(data, STRICT)
    assert why in str(refused.value) and "secret-word" not in str(refused.value)


@pytest.mark.parametrize("subject", ["a.{{x}}", "a.{%x%}", "a.é", "a.\\xff", "a.'"])
def test_a_subject_that_could_be_more_than_a_name(subject: str) -> None:
    with pytest.raises(Refused, match="subject"):
        event(b'{"rollout": "spring"}', STRICT, subject)
    assert event(b"1", OPEN, subject)["nats"]["subject"] == subject


@given(st.text(max_size=400) | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_plain_text_is_no_template_and_one_line(value: Any) -> None:
    made = plain_text(value)
    assert len(made) <= 300 and not re.search(r"[{}\x00-\x1f\x7f\u2028\u202e]", made)
    made.encode("utf-8")


@pytest.mark.parametrize(
    "args, why",
    [
        ({}, "servers: expected a URL"),
        ({"servers": []}, "servers: expected a URL"),
        ({"servers": [SERVERS, 7]}, "servers: expected a URL"),
        ({"servers": "http://u:secret-word@h"}, "server: scheme 'http'"),
        ({"servers": [SERVERS, "nats://u:other-secret-word@h"]}, "different credentials"),
        ({"servers": ["tls://a", "nats://b"]}, "some are tls"),
        ({"auth": {"token": "secret-word", "user": "u"}}, "only one kind"),
        ({"auth": {"passwort": "secret-word"}}, "auth: unknown passwort"),
        ({"auth": "secret-word"}, "auth: expected a mapping"),
        ({"auth": {"nkey_seed": "secret-word"}}, "NKey seed: not base32"),
        ({"auth": {"creds_file": "/nonexistent/creds"}}, "/nonexistent/creds cannot be read"),
        ({"tls": {"cert_file": "/x"}}, "cert_file and key_file belong together"),
        ({"connect_timeout": 0}, "connect_timeout: 0 s"),
        ({"subjects": None}, "subjects: None, expected a list"),
        ({"subjects": ["a..b"]}, "empty token"),
        ({"subjects": [7]}, "non-empty string"),
        ({"subjects": ["a.>", "b", "a.*.c"]}, "'a.>' and 'a.*.c' meet"),
        ({"subject": "a"}, "unknown argument 'subject'; there are: accept,"),
        ({"stream": "S"}, "durable: missing"),
        ({"stream": "S.x", "durable": "d"}, "stream: 'S.x', expected a name"),
        ({"durable": "d"}, "durable: belongs to a stream"),
        ({"ack_wait": 3}, "ack_wait: belongs to a stream"),
        ({"stream": "S", "durable": "d", "buffer": 3}, "buffer: is for core NATS"),
        ({"stream": "S", "durable": "d", "deliver": "last"}, "deliver: 'last', expected new or all"),
        ({"stream": "S", "durable": "d", "ack_wait": True}, "ack_wait: True, expected a number from 1 to 3600"),
        ({"buffer": 1.5}, "buffer: 1.5, expected a whole number"),
        ({"max_depth": "16"}, "max_depth: '16', expected a whole number"),
        ({"accept": ["rollout"]}, "accept: expected a mapping"),
        ({"accept": {"rollout": "["}}, "accept: rollout: '[' is no regular expression"),
        ({"accept": {"rollout": 3}}, "accept: 'rollout': 3, expected"),
        ({"plain": ["reason"]}, "plain: belongs to 'accept'"),
        ({"accept": {"a": "x"}, "plain": ["a"]}, "plain: a is in 'accept' too"),
        ({"accept": {"a": "x"}, "plain": "reason"}, "plain: 'reason', expected a list"),
    ],
)
def test_an_argument_that_cannot_work_is_refused(args: dict[str, Any], why: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        settings_from({"servers": SERVERS, "subjects": ["a"], **args} if args else args)
    assert why in str(refused.value)
    assert "secret-word" not in str(refused.value)


def test_arguments_that_work(tmp_path: Path) -> None:
    made = settings_from({"servers": SERVERS, "subjects": "a.>", "auth": {}, "tls": None, "queue_group": ""})
    assert made.subjects == ("a.>",) and made.stream is None and made.label == "nats.example.org:4222"
    assert made.credentials().password == "secret-word"
    assert "secret-word" not in made.label
