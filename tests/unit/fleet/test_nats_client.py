# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rehearsal's small NATS client, fed byte by byte."""

from __future__ import annotations

from typing import Any

import nats_client
import pytest
from hypothesis import given
from hypothesis import strategies as st

STREAM = (
    b'INFO {"server_id":"A"}\r\nPING\r\nMSG a.b s1 6\r\nMSG \r\n\r\n'
    + b"HMSG a.c s2 _INBOX.1 33 35\r\nNATS/1.0\r\nSender: x\r\nSender:y\r\n\r\n{}\r\n"
    + b"PONG\r\nMSG a.d s1 _INBOX.2 0\r\n\r\n"
)


class Wire:
    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data


def connection() -> Any:
    made = nats_client.Connection.__new__(nats_client.Connection)
    made.pongs, made.pending, made.greeting, made.socket = 0, b"", {}, Wire()
    return made


@given(st.lists(st.integers(1, 20)))
def test_messages_are_whole_however_they_are_cut(cuts: list[int]) -> None:
    fed = connection()
    found: list[nats_client.Message] = []
    rest = STREAM
    for cut in cuts:
        found += fed.feed(rest[:cut])
        rest = rest[cut:]
    found += fed.feed(rest)
    assert [(m.subject, m.sid, m.reply, m.payload) for m in found] == [
        ("a.b", "s1", None, b"MSG \r\n"),
        ("a.c", "s2", "_INBOX.1", b"{}"),
        ("a.d", "s1", "_INBOX.2", b""),
    ]
    assert found[1].headers == {"Sender": "x"}
    assert fed.socket.sent == b"PONG\r\n" and fed.pongs == 1 and fed.greeting == {"server_id": "A"}


def test_refusal_of_the_server_is_an_error() -> None:
    with pytest.raises(nats_client.NatsError, match="Authorization Violation"):
        list(connection().feed(b"-ERR 'Authorization Violation'\r\n"))


def test_publish_counts_its_bytes() -> None:
    assert nats_client.encode_publish("a", b"xyz", "r") == b"PUB a r 3\r\nxyz\r\n"
    with_headers = nats_client.encode_publish("a", b"xyz", None, {"K": "v"})
    assert with_headers == b"HPUB a 18 21\r\nNATS/1.0\r\nK: v\r\n\r\nxyz\r\n"


@pytest.mark.parametrize(("url", "expected"), [("nats://h:1", ("h", 1)), ("nats://localhost", ("localhost", 4222))])
def test_url(url: str, expected: tuple[str, int]) -> None:
    assert nats_client.split_url(url) == expected


@pytest.mark.parametrize("url", ["", "localhost:4222", "http://h:1", "nats://", "nats://h:x"])
def test_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(nats_client.NatsError, match="expected nats://host:port"):
        nats_client.split_url(url)
