# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurer's questions don't arrive, or their answers don't, whoever is asked; agents are well."""

from __future__ import annotations

import itertools

from tests.campaign.instruments.case import Case
from tests.campaign.instruments.veil import Passed, Said, Veil

SOURCE = "probe"
QUESTIONS = frozenset({b"PUB", b"HPUB"})


def answer(said: Said) -> bool:
    return said.op in (b"MSG", b"HMSG") and said.subject.startswith(b"_INBOX")


def question(said: Said) -> bool:
    return said.op in QUESTIONS


def unanswered(kept: int, of: int) -> Passed:
    counter = itertools.count()

    def change(said: Said) -> list[Said]:
        return [] if answer(said) and next(counter) % of >= kept else [said]

    return change


def unasked(said: Said) -> list[Said]:
    return [] if question(said) else [said]


def twice(said: Said) -> list[Said]:
    return [said, said] if answer(said) else [said]


def emptied(said: Said) -> list[Said]:
    if not answer(said):
        return [said]
    words = said.line.split(b" ")
    return [Said(b"MSG " + b" ".join(words[1:3]) + b" 0", b"")]


def nobody(said: Said) -> list[Said]:
    """The server's own word that nobody listens."""
    if not answer(said):
        return [said]
    words, status = said.line.split(b" "), b"NATS/1.0 503\r\n\r\n"
    return [Said(b"HMSG " + b" ".join(words[1:3]) + b" %d %d" % (len(status), len(status)), status)]


def unpermitted(said: Said) -> list[Said]:
    if answer(said):
        return []
    return [Said(b"-ERR 'Permissions Violation for Publish to \"agent.to.x\"'"), said] if said.op == b"PONG" else [said]


def tiny(said: Said) -> list[Said]:
    """The server takes messages of one byte at most."""
    if said.op != b"INFO":
        return [said]
    before, _, after = said.line.partition(b'"max_payload":')
    return [Said(before + b'"max_payload":1' + after.lstrip(b"0123456789"))]


def headless(said: Said) -> list[Said]:
    return [Said(said.line.replace(b'"headers":true', b'"headers":false'))] if said.op == b"INFO" else [said]


CASES = [
    Case(SOURCE, "no answer arrives", veil=lambda: Veil(unanswered(0, 1)), quick=True),
    Case(SOURCE, "every second answer arrives", veil=lambda: Veil(unanswered(1, 2))),
    Case(SOURCE, "no question arrives", veil=lambda: Veil(told=unasked)),
    Case(SOURCE, "every answer arrives twice", veil=lambda: Veil(twice)),
    Case(SOURCE, "answers say nothing", veil=lambda: Veil(emptied)),
    Case(SOURCE, "the server says that nobody listens", veil=lambda: Veil(nobody)),
    Case(SOURCE, "questions are not permitted", veil=lambda: Veil(unpermitted)),
    Case(SOURCE, "the server takes no such messages", veil=lambda: Veil(tiny)),
    Case(SOURCE, "the server knows no headers", veil=lambda: Veil(headless)),
    Case(SOURCE, "the connection ends among the questions", veil=lambda: Veil(ends_after=60)),
]
