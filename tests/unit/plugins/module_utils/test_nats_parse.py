# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parser must give the same messages however the bytes are cut, and must name garbage instead of hanging on it."""

from __future__ import annotations

import time

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _nats_parse as parse
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import ProtocolError
from hypothesis import given, settings
from hypothesis import strategies as st

TOKENS = st.binary(min_size=1, max_size=12).filter(lambda raw: not set(raw) & set(b" \t\r\n"))
WILD = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.sampled_from([b"MSG a 1 5\r\n", b"HMSG a 1 2 3\r\n", b"\r\n", b"\r", b"\n", b"PING\r\n", b"-ERR 'x'\r\n"])
    ).map(b"".join),
)
CONTROL = st.sampled_from(
    [(b"PING", b""), (b"PONG", b""), (b"+OK", b""), (b"-ERR", b"'Slow Consumer'"), (b"INFO", b"{}")]
)


@st.composite
def frames(draw: st.DrawFn) -> tuple[bytes, parse.Event]:
    if draw(st.integers(0, 3)) == 0:
        verb, rest = draw(CONTROL)
        return verb + (b" " + rest if rest else b"") + b"\r\n", (None, verb, None, None, rest, 0)
    subject, sid = draw(TOKENS), b"%d" % draw(st.integers(1, 999))
    reply = draw(st.one_of(st.none(), TOKENS))
    payload = draw(WILD)
    header = b"NATS/1.0\r\n" + draw(WILD) + b"\r\n\r\n" if draw(st.booleans()) else None
    target = subject + b" " + sid + (b" " + reply if reply else b"")
    size = len(payload) + len(header or b"")
    if header is None:
        raw = b"MSG %b %d\r\n%b\r\n" % (target, size, payload)
    else:
        raw = b"HMSG %b %d %d\r\n%b%b\r\n" % (target, len(header), size, header, payload)
    return raw, (sid, subject, reply, header, payload, size)


@settings(max_examples=150, deadline=None)
@given(st.lists(frames(), max_size=20), st.data())
def test_any_cutting_gives_the_same_messages(stream: list[tuple[bytes, parse.Event]], data: st.DataObject) -> None:
    raw = b"".join(frame for frame, _event in stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=15)))
    whole, counting = parse.Parser(), parse.Parser(payloads=False)
    seen, counted = [], []
    for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        seen += whole.feed(raw[start:stop])
        counted += counting.feed(raw[start:stop])
    expected = [event for _frame, event in stream]
    assert seen == expected
    assert [event[:4] + event[5:] for event in counted] == [event[:4] + event[5:] for event in expected]
    assert all(event[4] is None for event in counted if event[0] is not None)
    assert whole.pending == b""


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(WILD, st.binary(max_size=40)), max_size=8))
def test_garbage_is_a_typed_error_or_waits_for_more(chunks: list[bytes]) -> None:
    parser = parse.Parser()
    try:
        for chunk in chunks:
            parser.feed(chunk)
    except ProtocolError:
        with pytest.raises(ProtocolError):
            parser.feed(b"PING\r\n")


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\x15\x03\x01\x00\x02",
        b"MSG a 1\r\n",
        b"MSG a 1 b c 5\r\n",
        b"MSG a 1 -5\r\n",
        b"MSG a 1 1_0\r\n",
        b"MSG a 1 99999999999\r\n",
        b"MSG a 1 %d\r\n" % (parse.MAX_MESSAGE_BYTES + 1),
        b"HMSG a 1 9 5\r\n",
        b"HMSG a 1 x 5\r\n",
        b"HMSG a 1 5\r\n",
        b"MSG a 1 2\r\nabcd\r\n",
        b"MSG a 1 2\r\nabXXPING\r\n",
        b"M" * (parse.MAX_CONTROL_BYTES + 1),
    ],
)
def test_named_garbage(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse.Parser().feed(raw)


def test_a_large_message_in_small_chunks_is_not_copied_over_and_over() -> None:
    size = 16 * 1024 * 1024
    chunk = b"x" * 4096
    parser = parse.Parser()
    parser.feed(b"MSG a 1 %d\r\n" % size)
    began = time.process_time()
    for _part in range(size // len(chunk)):
        assert parser.feed(chunk) == []
    events = parser.feed(b"\r\n")
    # Joining per chunk would copy 32 GiB here.
    assert time.process_time() - began < 2.0
    assert events[0][5] == size and len(events[0][4] or b"") == size


def test_headers_are_read_leniently() -> None:
    block = b"NATS/1.0 503\r\nSender: a\r\nconversation-id:c:1 \r\nbroken\r\nSENDER: b\r\n\r\n"
    headers = parse.parse_headers(block)
    assert headers.status == 503
    assert headers.fields == {b"sender": b"a", b"conversation-id": b"c:1"}
    assert parse.parse_headers(b"NATS/1.0\r\n\r\n") == (None, {})
    assert parse.parse_headers(b"NATS/1.0 " + b"9" * 5000 + b"\r\n").status is None


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_headers_of_any_bytes(block: bytes) -> None:
    fields = parse.parse_headers(block).fields
    assert all(isinstance(name, bytes) for name in fields)


@settings(deadline=None)
@given(st.binary(max_size=50), st.dictionaries(st.sampled_from(["Sender", "X-Y"]), st.text("abc", max_size=5)))
def test_what_is_published_has_the_sizes_it_says(payload: bytes, headers: dict[str, str]) -> None:
    frame = parse.publish_frame(b"s", payload, b"r", headers)
    # The server's HMSG differs from the client's HPUB in the sid only.
    line, _end, rest = frame.partition(b"\r\n")
    verb, subject, reply, *sizes = line.split(b" ")
    message = b" ".join([b"HMSG" if verb == b"HPUB" else b"MSG", subject, b"1", reply, *sizes]) + b"\r\n" + rest
    (event,) = parse.Parser().feed(message)
    assert event[1] == b"s" and event[2] == b"r" and event[4] == payload
    if headers:
        assert {k.lower().encode(): v.encode() for k, v in headers.items()} == parse.parse_headers(
            event[3] or b""
        ).fields
