# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in agent answers and publishes."""

from __future__ import annotations

import commands
import pytest
from nats_client import Message

IDENTITY = commands.Identity("sage", "01936f11-4ea2-7000-8000-000000000001", "orchestration")
ANSWER = b'{"status":"ok"}'


@pytest.mark.parametrize("payload", [b"{}", b"[1]", b'"text"', b"0", b"null", b' {"a": 1}\n'])
def test_any_json_is_accepted(payload: bytes) -> None:
    commands.check_json(payload)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"hello", "expected value at line 1 column 1"),
        (b"\xff\xfe", "expected value at line 1 column 1"),
        (b"NaN", "expected value at line 1 column 1"),
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b"{} {}", "trailing characters at line 1 column 4"),
        (b'{"a":\n x}', "expected value at line 2 column 2"),
    ],
)
def test_what_is_no_json_is_refused_in_the_words_of_serde(payload: bytes, words: str) -> None:
    with pytest.raises(commands.CommandError, match=f"^{words}$"):
        commands.check_json(payload)


def sent(message: Message, kind: str, unified: bool) -> list[str]:
    out = commands.answer(IDENTITY, kind, message, "talk-1", unified)
    return [line.split()[1].decode() for line in out.split(b"\r\n") if line.startswith((b"PUB ", b"HPUB "))]


def question(reply: str | None = "_INBOX.1") -> Message:
    return Message("agent.to.sage.from.tester.question", "inbox", reply, {}, b"{}")


LEGACY = "agent.to.tester.from.sage.response"
UNIFIED = "cim.agent.orchestration.sage.01936f11-4ea2-7000-8000-000000000001.response"


def test_question_is_answered_and_published() -> None:
    assert sent(question(), commands.INBOX, unified=False) == ["_INBOX.1", LEGACY]
    assert sent(question(), commands.INBOX, unified=True) == ["_INBOX.1", LEGACY, UNIFIED]
    assert sent(question(None), commands.INBOX, unified=True) == [LEGACY, UNIFIED]


def test_publications_carry_the_three_headers() -> None:
    out = commands.answer(IDENTITY, commands.INBOX, question(None), "talk-1", True)
    assert out.count(b"Sender: sage\r\nRecipient: tester\r\nConversation-Id: talk-1\r\n") == 2


def test_other_messages_in_the_inbox_are_only_answered() -> None:
    response = Message("agent.to.sage.from.tester.response", "inbox", None, {}, b"{}")
    assert sent(response, commands.INBOX, unified=True) == []
    note = Message("agent.to.sage.note", "inbox", "_INBOX.1", {}, b"{}")
    assert sent(note, commands.INBOX, unified=True) == ["_INBOX.1"]


def test_agent_ref_command_takes_its_sender_from_the_header() -> None:
    subject = "agent.orchestration.sage.01936f11-4ea2-7000-8000-000000000001.command.review"
    message = Message(subject, "agent-ref", "_INBOX.1", {"Sender": "tester"}, b"{}")
    assert sent(message, commands.AGENT_REF, unified=True) == ["_INBOX.1", LEGACY, UNIFIED]
    nameless = Message(subject, "agent-ref", None, {}, b"{}")
    assert sent(nameless, commands.AGENT_REF, unified=False) == ["agent.to.unknown.from.sage.response"]


def test_refusal_is_json_and_needs_a_reply_subject() -> None:
    assert commands.refusal(question(None), "no") == b""
    assert commands.refusal(question(), 'a "b"').endswith(b'{"status": "error", "message": "a \\"b\\""}\r\n')
