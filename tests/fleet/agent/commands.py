# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in agent publishes for a message: a pure function of identity, flag, faults and message."""

from __future__ import annotations

import json

from nats_client import Message, encode_publish

INBOX, BROADCAST, AGENT_REF = "inbox", "broadcast", "agent-ref"
WORDS = {INBOX: "inbox command", BROADCAST: "broadcast", AGENT_REF: "agent-ref command"}


class CommandError(ValueError):
    """A payload that is not JSON, in the words of the real agent's parser (serde_json)."""


class Identity:
    """Who the agent is: its name, id and capability cluster."""

    __slots__ = ("agent", "agent_id", "cluster")

    def __init__(self, agent: str, agent_id: str, cluster: str) -> None:
        self.agent = agent
        self.agent_id = agent_id
        self.cluster = cluster

    def subscriptions(self) -> tuple[tuple[str, str, str], ...]:
        """Kind, subject, and the words of the log line for each of the three subscriptions."""
        return (
            (INBOX, f"agent.to.{self.agent}.>", "agent-specific inbox"),
            (BROADCAST, "agent.broadcast.>", "broadcast"),
            (AGENT_REF, f"agent.*.*.{self.agent_id}.command.>", "agent-ref commands"),
        )


def _refuse_constant(name: str) -> None:
    raise json.JSONDecodeError("Expecting value", name, 0)


def check_json(payload: bytes) -> None:
    """Accept any JSON value. Raises CommandError worded like serde_json, with line and column."""
    try:
        json.loads(payload.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise CommandError("expected value at line 1 column 1") from None
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc.rstrip()):
            column = 0 if not error.doc.strip() else error.colno - 1
            raise CommandError(f"EOF while parsing a value at line {error.lineno} column {column}") from None
        words = "trailing characters" if error.msg == "Extra data" else "expected value"
        raise CommandError(f"{words} at line {error.lineno} column {error.colno}") from None


def sender_of(kind: str, message: Message) -> str | None:
    """Who gets the response: of a question in the inbox, and of every agent-ref command; None: nobody does."""
    if kind == AGENT_REF:
        return message.headers.get("Sender") or "unknown"
    parts = message.subject.split(".")
    if kind == INBOX and len(parts) == 6 and parts[3] == "from" and parts[5] == "question":
        return parts[4]
    return None


def answer(identity: Identity, kind: str, message: Message, conversation: str, unified: bool) -> bytes:
    """Bytes to send for a command that was understood: the reply, and the response published once or twice."""
    out = encode_publish(message.reply, b'{"status":"ok"}') if message.reply else b""
    sender = sender_of(kind, message)
    if sender is None:
        return out
    headers = {"Sender": identity.agent, "Recipient": sender, "Conversation-Id": conversation}
    payload = b'{"status":"ok","agent":"%s","conversation":"%s"}' % (identity.agent.encode(), conversation.encode())
    out += encode_publish(f"agent.to.{sender}.from.{identity.agent}.response", payload, None, headers)
    if unified:
        subject = f"cim.agent.{identity.cluster}.{identity.agent}.{identity.agent_id}.response"
        out += encode_publish(subject, payload, None, headers)
    return out


def refusal(message: Message, text: str) -> bytes:
    """Bytes of the error reply; empty when nobody asked for a reply."""
    if not message.reply:
        return b""
    return encode_publish(message.reply, json.dumps({"status": "error", "message": text}).encode())
