# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incremental reader of what a NATS server sends, and the frames a client sends.

The parser finds the end of a control line, then skips or takes the payload by its announced length: payloads may
contain
anything, also text that looks like protocol. It costs about a microsecond per message, so a sampler keeps up.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import ProtocolError

# The longest INFO of a big cluster (it lists every node) stays far below this.
MAX_CONTROL_BYTES = 1024 * 1024
# No server can be configured to take larger messages; a larger announced size means that we have lost the thread.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

# (sid, subject, reply, header block, payload, size of headers and payload). A control line is (None, verb, None,
# None, rest, 0).
Event = Tuple[Optional[bytes], bytes, Optional[bytes], Optional[bytes], Optional[bytes], int]

_FIRST_BYTES = b"MHP+-Imhpi"


class Parser:
    """Feed it chunks as they come off the socket; it returns complete events in order.

    With payloads=False the payload of each event is None (only counted). Raises ProtocolError on anything that is not
    NATS and stays unusable afterwards, because there is no way to find the next message with certainty.
    """

    def __init__(self, payloads: bool = True) -> None:
        self._payloads = payloads
        self._chunks: List[bytes] = []
        self._held = 0
        self._needed = 0
        self._broken = False

    def feed(self, data: bytes) -> List[Event]:
        """Events completed by these bytes."""
        if self._broken:
            raise ProtocolError("the stream broke before this point")
        if self._held:
            self._chunks.append(data)
            self._held += len(data)
            # Joining on every chunk would copy a large message once per chunk; wait until it can be complete.
            if self._held < self._needed:
                return []
            data = b"".join(self._chunks)
            self._chunks, self._held = [], 0
        events: List[Event] = []
        try:
            rest = self._parse(data, events)
        except ProtocolError:
            self._broken = True
            raise
        if rest < len(data):
            self._chunks = [data[rest:]]
            self._held = len(data) - rest
        return events

    @property
    def pending(self) -> bytes:
        """Bytes received but not yet part of a complete event."""
        return b"".join(self._chunks)

    def _parse(self, data: bytes, events: List[Event]) -> int:
        """Append complete events; return where the first incomplete one starts."""
        position, length = 0, len(data)
        find, append, payloads = data.find, events.append, self._payloads
        self._needed = 0
        while position < length:
            end = find(b"\r\n", position)
            if end < 0:
                if data[position] not in _FIRST_BYTES or length - position > MAX_CONTROL_BYTES:
                    raise _garbage(data[position : position + 80])
                break
            parts = data[position:end].split(b" ")
            verb = parts[0]
            if verb == b"MSG":
                count = len(parts)
                if count == 4:
                    reply = None
                elif count == 5:
                    reply = parts[3]
                else:
                    raise _garbage(data[position:end])
                size = parts[-1]
                header_size = 0
            elif verb == b"HMSG":
                count = len(parts)
                if count == 5:
                    reply = None
                elif count == 6:
                    reply = parts[3]
                else:
                    raise _garbage(data[position:end])
                size = parts[-1]
                if not parts[-2].isdigit() or len(parts[-2]) > 9:
                    raise _garbage(data[position:end])
                header_size = int(parts[-2])
            else:
                append(_control(data[position:end]))
                position = end + 2
                continue
            if not size.isdigit() or len(size) > 9:
                raise _garbage(data[position:end])
            total = int(size)
            start = end + 2
            stop = start + total
            if total > MAX_MESSAGE_BYTES or header_size > total:
                raise _garbage(data[position:end])
            if stop + 2 > length:
                self._needed = stop + 2 - position
                break
            if data[stop : stop + 2] != b"\r\n":
                raise ProtocolError(
                    "message on %r is not followed by a line end after %d bytes" % (parts[1][:80], total)
                )
            body = start + header_size
            append(
                (
                    parts[2],
                    parts[1],
                    reply,
                    data[start:body] if header_size else None,
                    data[body:stop] if payloads else None,
                    total,
                )
            )
            position = stop + 2
        return position


def _control(line: bytes) -> Event:
    verb, _blank, rest = line.partition(b" ")
    verb = verb.upper()
    if verb not in (b"PING", b"PONG", b"+OK", b"-ERR", b"INFO"):
        raise _garbage(line)
    return (None, verb, None, None, rest.strip(), 0)


def _garbage(line: bytes) -> ProtocolError:
    return ProtocolError(
        "the peer does not speak the NATS client protocol: seen %r, expected INFO, MSG, HMSG, PING, PONG, +OK or -ERR"
        % line[:80]
    )


class Headers(NamedTuple):
    """A parsed header block: `status` is the number of the status line (503: no responders) or None; names in lower
    case."""

    status: Optional[int]
    fields: Dict[bytes, bytes]


def parse_headers(block: bytes) -> Headers:
    """Read a header block leniently: the first value of a name counts, lines without a colon are passed over."""
    lines = block.split(b"\r\n")
    status: Optional[int] = None
    words = lines[0].split()
    if len(words) > 1 and words[1].isdigit() and len(words[1]) <= 3:
        status = int(words[1])
    fields: Dict[bytes, bytes] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return Headers(status, fields)


def publish_frame(
    subject: bytes, payload: bytes, reply: Optional[bytes] = None, headers: Optional[Dict[str, str]] = None
) -> bytes:
    """The bytes of one publication; header values must hold no CR or LF (checked where the arguments come in)."""
    target = subject + b" " + reply if reply else subject
    if not headers:
        return b"PUB %b %d\r\n%b\r\n" % (target, len(payload), payload)
    block = (
        b"NATS/1.0\r\n"
        + b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in headers.items())
        + b"\r\n"
    )
    return b"HPUB %b %d %d\r\n%b%b\r\n" % (target, len(block), len(block) + len(payload), block, payload)
