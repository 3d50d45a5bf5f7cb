# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurer's subscription hears nothing, or not all; agents and servers are well."""

from __future__ import annotations

import itertools

from tests.campaign.instruments.case import Case
from tests.campaign.instruments.veil import CRLF, Passed, Said, Veil

SOURCE = "sample"
MESSAGES = frozenset({b"MSG", b"HMSG"})


def published(said: Said) -> bool:
    """What was published to others; not an answer to the measurer itself."""
    return said.op in MESSAGES and not said.subject.startswith(b"_INBOX")


def without(kept: int, of: int) -> Passed:
    """Of `of` publications, only `kept` are heard."""
    counter = itertools.count()

    def change(said: Said) -> list[Said]:
        return [] if published(said) and next(counter) % of >= kept else [said]

    return change


def answering_subscriptions(error: bytes) -> Passed:
    """The server says so when it gets ready, and gives nothing."""

    def change(said: Said) -> list[Said]:
        if published(said):
            return []
        return [Said(b"-ERR '" + error + b"'"), said] if said.op == b"PONG" else [said]

    return change


def unanswered(said: Said) -> list[Said]:
    return [] if said.op == b"PONG" else [said]


def headless(said: Said) -> list[Said]:
    return [Said(said.line.replace(b'"headers":true', b'"headers":false'))] if said.op == b"INFO" else [said]


def emptied(said: Said) -> list[Said]:
    """Subjects without what was said."""
    if not published(said) or said.op == b"HMSG":
        return [] if published(said) else [said]
    return [Said(said.line.rsplit(b" ", 1)[0] + b" 0", b"")]


def twice(said: Said) -> list[Said]:
    return [said, said] if published(said) else [said]


def veiled(name: str, veil: type[Veil] | object, quick: bool = False) -> Case:
    return Case(SOURCE, name, veil=veil, quick=quick)  # type: ignore[arg-type]


CASES = [
    veiled("nobody is let in", lambda: Veil(refuses=True)),
    veiled("the server says nothing", lambda: Veil(speaks=False)),
    veiled("something else answers", lambda: Veil(greets=b"HTTP/1.1 400 Bad Request" + CRLF)),
    veiled("the login is refused", lambda: Veil(greets=b'INFO {"auth_required":true}' + CRLF + b"-ERR 'Authorization Violation'" + CRLF)),
    veiled("subscriptions are not permitted", lambda: Veil(answering_subscriptions(b'Permissions Violation for Subscription to "cim.agent.>"'))),
    veiled("no publication is heard", lambda: Veil(without(0, 1)), quick=True),
    veiled("every second publication is heard", lambda: Veil(without(1, 2))),
    veiled("the connection ends in the window", lambda: Veil(ends_after=20)),
    veiled("the consumer is too slow", lambda: Veil(answering_subscriptions(b"Slow Consumer Detected"))),
    veiled("pings are not answered", lambda: Veil(unanswered)),
    veiled("messages come without what they said", lambda: Veil(emptied)),
]  # fmt: skip
