# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A blocking NATS connection on a plain socket: greeting, TLS, login, reading events, fences.

It never reconnects: whoever measures must know that messages may have passed unseen, so a broken connection is an
error.
"""

from __future__ import annotations

import json
import os
import select
import socket
import ssl
import time
from typing import Any, Callable, Dict, Iterable, List, Optional, Union

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_auth import Credentials, connect_fields
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import (
    NatsError,
    ProtocolError,
    Refused,
    SlowConsumer,
    Unreachable,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import Server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_parse import MAX_CONTROL_BYTES, Event, Parser

READ_BYTES = 256 * 1024
SEND_TIMEOUT_S = 10.0


class PlainStream:
    """Timed reads and writes on a connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        sock.setblocking(False)
        self._poll = select.poll()
        self._poll.register(sock.fileno(), select.POLLIN)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._socket.fileno()

    def read(self, timeout: float) -> Optional[bytes]:
        """Bytes as soon as there are any; None when none came within `timeout` seconds; b"" at the end of the
        stream."""
        try:
            return self._socket.recv(READ_BYTES)
        except BlockingIOError:
            pass
        # poll rounds down to milliseconds otherwise, and would spin for the last one
        if not self._poll.poll(max(0, int(timeout * 1000.0 + 0.999))):
            return None
        try:
            return self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return None

    def write(self, data: bytes) -> None:
        """Send all of `data`; socket.timeout after SEND_TIMEOUT_S without progress."""
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                if not select.select([], [self._socket], [], SEND_TIMEOUT_S)[1]:
                    raise socket.timeout("the server took no bytes for %d s" % SEND_TIMEOUT_S) from None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class TlsStream:
    """TLS over a PlainStream. Decrypting from memory after one large read is what keeps the speed of a plain socket."""

    def __init__(self, plain: PlainStream, context: ssl.SSLContext, host: str) -> None:
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def handshake(self, deadline: float, clock: Callable[[], float]) -> None:
        """Shake hands; raises ssl.SSLError, or Unreachable at the deadline or the end of the stream."""
        while True:
            try:
                self._tls.do_handshake()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError:
                self._flush()  # the alert tells the server why we leave
                raise
            data = self._plain.read(max(0.0, deadline - clock()))
            if data is None:
                raise Unreachable("no answer in the TLS handshake in time")
            if not data:
                raise Unreachable("the server closed the connection in the TLS handshake")
            self._incoming.write(data)

    def fileno(self) -> int:
        """The descriptor to wait on; every read empties the TLS layer, so nothing readable hides behind it."""
        return self._plain.fileno()

    def read(self, timeout: float) -> Optional[bytes]:
        """As PlainStream.read; None also when only part of a TLS record came."""
        data = self._plain.read(timeout)
        if not data:
            return data
        self._incoming.write(data)
        pieces: List[bytes] = []
        while True:
            try:
                piece = self._tls.read(READ_BYTES)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                piece = b""
            if not piece:
                self._flush()
                return b"".join(pieces)
            pieces.append(piece)
        self._flush()
        return b"".join(pieces) or None

    def write(self, data: bytes) -> None:
        """As PlainStream.write."""
        self._tls.write(data)
        self._flush()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._plain.write(data)

    def close(self) -> None:
        """Close the socket; no goodbye, the server needs none."""
        self._plain.close()


Stream = Union[PlainStream, TlsStream]


class Connection:
    """A logged-in connection. Made by connect(); closes itself as a context manager."""

    def __init__(
        self, stream: Stream, label: str, info: Dict[str, Any], parser: Parser, clock: Callable[[], float]
    ) -> None:
        self.label = label
        self.info = info
        self.received_bytes = 0
        self._stream = stream
        self._parser = parser
        self._clock = clock
        self._next_sid = 0
        self._pongs_due = 0
        self.closed = False

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; may be called again."""
        self.closed = True
        self._stream.close()

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._stream.fileno()

    def send(self, data: bytes) -> None:
        """Send frames; raises Unreachable when the connection is broken."""
        try:
            self._stream.write(data)
        except (OSError, ssl.SSLError) as problem:
            raise self._last_words() or Unreachable(
                "NATS server %s: connection broke while sending (%s)" % (self.label, _why(problem))
            ) from None

    def _last_words(self) -> Optional[NatsError]:
        """What the server said before it left, such as that it takes no more connections."""
        try:
            events = self._parser.feed(self._stream.read(0.0) or b"")
        except (OSError, ssl.SSLError, ProtocolError):
            return None
        said = [event[4] or b"" for event in events if event[0] is None and event[1] == b"-ERR"]
        return _server_error(said[0], self.label) if said else None

    def read(self, timeout: float) -> List[Event]:
        """Messages within `timeout` seconds (perhaps none). Answers PING, follows INFO and PONG.

        Raises Unreachable at the end of the stream or for an error that ends the connection, SlowConsumer when the
        server says so, Refused for a subscription or publication that permissions forbid, ProtocolError for garbage.
        """
        try:
            data = self._stream.read(timeout)
        except (OSError, ssl.SSLError) as problem:
            raise Unreachable("NATS server %s: connection broke (%s)" % (self.label, _why(problem))) from None
        if data is None:
            return []
        if not data:
            raise Unreachable("NATS server %s: closed the connection" % self.label)
        self.received_bytes += len(data)
        try:
            events = self._parser.feed(data)
        except ProtocolError as problem:
            raise ProtocolError("NATS server %s: %s" % (self.label, problem)) from None
        if not any(event[0] is None for event in events):
            return events
        first: Optional[NatsError] = None
        for event in events:
            if event[0] is None:
                try:
                    self.control(event)
                except NatsError as refusal:
                    # What follows in the same bytes, such as a PONG, came all the same.
                    first = first or refusal
        if first is not None:
            raise first
        return [event for event in events if event[0] is not None]

    def control(self, event: Event) -> None:
        """Act on a control line (see read)."""
        verb, rest = event[1], event[4] or b""
        if verb == b"PING":
            self.send(b"PONG\r\n")
        elif verb == b"PONG":
            self._pongs_due = max(0, self._pongs_due - 1)
        elif verb == b"INFO":
            self.info.update(_info(rest, self.label))
            if self.info.get("ldm"):
                # Agents leave it one after the other, and so shall we: what is seen from here on is the server's, not theirs.
                raise Unreachable(
                    "NATS server %s: says that it is about to shut down (lame duck mode); measure once it is back, or on another "
                    "server" % self.label
                )
        elif verb == b"-ERR":
            raise _server_error(rest, self.label)

    @property
    def ping_is_out(self) -> bool:
        """True while the PONG of an earlier ping() is missing."""
        return self._pongs_due > 0

    def ping(self) -> None:
        """Send a PING. Its PONG comes behind all messages that the server has queued for us, so its delay is our
        lag."""
        self.send(b"PING\r\n")
        self._pongs_due += 1

    def subscribe(self, pattern: bytes) -> bytes:
        """Subscribe; returns the sid under which its messages come."""
        self._next_sid += 1
        sid = b"%d" % self._next_sid
        self.send(b"SUB %b %b\r\n" % (pattern, sid))
        return sid

    def unsubscribe(self, sids: Iterable[bytes]) -> None:
        """End subscriptions; messages that the server handled before still come, up to the next fence."""
        self.send(b"".join(b"UNSUB %b\r\n" % sid for sid in sids))

    def fence(self, timeout: float) -> List[Event]:
        """PING and wait for its PONG: the server has handled all we sent before. Returns the messages that came
        meanwhile.

        Raises Unreachable when the PONG does not come in `timeout` seconds.
        """
        self.ping()
        deadline = self._clock() + timeout
        seen: List[Event] = []
        while self._pongs_due:
            left = deadline - self._clock()
            if left <= 0:
                raise Unreachable("NATS server %s: no PONG within %g s" % (self.label, timeout))
            seen.extend(self.read(left))
        return seen


# How run_sample() and run_probe() connect; a caller with a time of its own gives another way.
Connect = Callable[[Server, str, bool, Callable[[], float]], Connection]


def connect(
    server: Server, name: str, payloads: bool = True, clock: Callable[[], float] = time.monotonic
) -> Connection:
    """Connect, upgrade to TLS where wanted, log in, and wait until the server has accepted us.

    `name` shows up in the server's connection list. Raises NatsError (mostly Unreachable) within
    server.connect_timeout.
    """
    credentials = server.credentials()
    deadline = clock() + server.connect_timeout
    try:
        sock = socket.create_connection((server.host, server.port), timeout=server.connect_timeout)
    except OSError as problem:
        raise Unreachable(
            "NATS server %s: cannot connect (%s); check that it runs and can be reached from this machine"
            % (server.label, _why(problem))
        ) from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain = PlainStream(sock)
    try:
        return _login(server, credentials, plain, name, payloads, deadline, clock)
    except ssl.SSLError as problem:
        plain.close()
        raise Unreachable("NATS server %s: %s" % (server.label, _tls_refusal(problem, server))) from None
    except OSError as problem:
        plain.close()
        raise Unreachable(
            "NATS server %s: connection broke during login (%s)" % (server.label, _why(problem))
        ) from None
    except NatsError as problem:
        plain.close()
        if server.label in str(problem):
            raise
        raise type(problem)("NATS server %s: %s" % (server.label, problem)) from None
    except BaseException:
        plain.close()
        raise


def _login(
    server: Server,
    credentials: Credentials,
    plain: PlainStream,
    name: str,
    payloads: bool,
    deadline: float,
    clock: Callable[[], float],
) -> Connection:
    stream: Stream = plain
    if server.tls_first:
        stream = _upgrade(server, plain, deadline, clock)
    info, rest = _greeting(server, stream, deadline, clock)
    if not server.tls_first and (server.tls or info.get("tls_required")):
        if not (info.get("tls_required") or info.get("tls_available")):
            raise Unreachable(
                "NATS server %s: offers no TLS, but TLS is asked for; nothing was sent to it. Use nats:// without tls "
                "options if that is right, or enable tls on the server" % server.label
            )
        if rest:
            # Somebody between us and the server could have put it there, to be taken as sent under TLS.
            raise ProtocolError("NATS server %s: sent plain text after INFO where TLS must begin" % server.label)
        stream = _upgrade(server, plain, deadline, clock)
    if info.get("auth_required") and credentials == Credentials() and not info.get("tls_verify"):
        raise Unreachable("NATS server %s: asks for credentials and none are given; set auth" % server.label)
    hello: Dict[str, Any] = {
        "verbose": False,
        "pedantic": False,
        "lang": "python3",
        "version": "0.1.0",
        "protocol": 1,
        "name": name,
        # A server without headers hangs up on who asks for what needs them.
        "headers": info.get("headers") is True,
        "no_responders": info.get("headers") is True,
        "echo": True,
        "tls_required": stream is not plain,
    }
    hello.update(connect_fields(credentials, info.get("nonce"), time.time()))
    parser = Parser(payloads)
    connection = Connection(stream, server.label, info, parser, clock)
    try:
        connection.send(b"CONNECT " + json.dumps(hello).encode() + b"\r\n")
        for event in parser.feed(rest):
            connection.control(event)
        connection.fence(max(0.0, deadline - clock()))
    except Unreachable as problem:
        if info.get("tls_verify"):
            # With TLS 1.3 a server refuses a client certificate only after the handshake, often by hanging up.
            raise Unreachable(
                "%s; this server wants a client certificate that it trusts, %s is given"
                % (problem, server.cert_file or "none")
            ) from None
        raise
    return connection


def tls_context(server: Server) -> ssl.SSLContext:
    """What TLS to this server needs. Raises NatsError when one of its files cannot be used."""
    try:
        context = ssl.create_default_context(cafile=server.ca_file)
        if not server.tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if server.cert_file:
            context.load_cert_chain(server.cert_file, server.key_file)
    except OSError as problem:  # ssl.SSLError is one
        raise NatsError(
            "TLS files cannot be used (%s): ca_file %s, cert_file %s, key_file %s; check that they exist, are PEM and "
            "belong together" % (_why(problem), server.ca_file, server.cert_file, server.key_file)
        ) from None
    return context


def _upgrade(server: Server, plain: PlainStream, deadline: float, clock: Callable[[], float]) -> TlsStream:
    context = tls_context(server)
    stream = TlsStream(plain, context, server.host)
    try:
        stream.handshake(deadline, clock)
    except Unreachable as problem:
        hint = "; is the server set up for TLS first?" if server.tls_first else ""
        raise Unreachable("NATS server %s: %s%s" % (server.label, problem, hint)) from None
    return stream


def _greeting(
    server: Server, stream: Stream, deadline: float, clock: Callable[[], float]
) -> "tuple[Dict[str, Any], bytes]":
    """The server's INFO, and what came after it."""
    data = b""
    while b"\r\n" not in data:
        left = deadline - clock()
        chunk = stream.read(left) if left > 0 else None
        if chunk is None:
            if left > 0 and isinstance(stream, TlsStream):
                continue
            hint = "" if server.tls_first else "; is it a NATS client port, and does it want TLS first (tls.first)?"
            raise Unreachable(
                "NATS server %s: connected, but no INFO within %g s%s" % (server.label, server.connect_timeout, hint)
            )
        if not chunk:
            raise Unreachable("NATS server %s: closed the connection before its INFO" % server.label)
        data += chunk
        if not b"INFO ".startswith(data[:5].upper()) or len(data) > MAX_CONTROL_BYTES:
            raise ProtocolError(
                "NATS server %s: does not greet as NATS does: seen %r, expected INFO" % (server.label, data[:60])
            )
    line, _end, rest = data.partition(b"\r\n")
    return _info(line[5:], server.label), rest


def _info(text: bytes, label: str) -> Dict[str, Any]:
    try:
        info = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        raise ProtocolError("NATS server %s: its INFO is not a JSON object: %r" % (label, text[:60]))
    return info


def _server_error(rest: bytes, label: str) -> NatsError:
    text = rest.decode("utf-8", "replace").strip("'")[:300]
    lower = text.lower()
    if lower.startswith("permissions violation"):
        return Refused("NATS server %s: %s; give the user of this module that permission" % (label, text))
    if "slow consumer" in lower:
        return SlowConsumer("NATS server %s: says that we read too slowly (%s)" % (label, text))
    if "authorization" in lower or "authentication" in lower:
        return Unreachable("NATS server %s: does not accept our credentials (%s); check auth" % (label, text))
    return Unreachable("NATS server %s: reports an error: %s" % (label, text))


def _tls_refusal(problem: ssl.SSLError, server: Server) -> str:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return "its certificate is not accepted (%s); expected one for %s, signed by %s" % (
            problem.verify_message,
            server.host,
            server.ca_file or "a CA of this machine",
        )
    return "TLS failed (%s)" % _why(problem)


def _why(problem: BaseException) -> str:
    if isinstance(problem, ssl.SSLError):
        return (problem.reason or str(problem)).replace("_", " ").lower()
    if isinstance(problem, socket.timeout):
        return "timed out"
    if isinstance(problem, OSError) and problem.errno and not isinstance(problem, socket.gaierror):
        return os.strerror(problem.errno)
    return str(problem) or type(problem).__name__
