# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting per group, subject and agent."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _tally as tally
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import ProtocolError
from ansible_collections.cowboyai.rollout.plugins.module_utils._subjects import AgentIndex, arrange_group, matches

AGENTS = AgentIndex([("net", "id-1"), ("tdd", "id-2")])


class Server:
    """Delivers as a NATS server does: once per matching subscription."""

    def __init__(self, groups: dict[str, list[str]], agents: AgentIndex = AGENTS, **options: object) -> None:
        subscriptions = [one for group, patterns in groups.items() for one in arrange_group(group, patterns)[0]]
        self.lanes = {b"%d" % number: one for number, one in enumerate(subscriptions, 1)}
        self.tally = tally.Tally(self.lanes, agents, **options)  # type: ignore[arg-type]
        self.tally.begin(200.0, 100.0)

    def publish(self, subject: str, size: int = 10, at: float = 110.0, **headers: str) -> None:
        raw = subject.encode()
        block = None
        if headers:
            lines = "".join("{}: {}\r\n".format(name.replace("_", "-"), value) for name, value in headers.items())
            block = b"NATS/1.0\r\n" + lines.encode() + b"\r\n"
        events = [(sid, raw, None, block, None, size) for sid, one in self.lanes.items() if matches(one.pattern, raw)]
        self.tally.take(events, at)


def test_overlapping_patterns_of_a_group_count_once_and_groups_count_each() -> None:
    server = Server({"old": ["a.*.x", "a.b.*", "a.b.x"], "new": ["a.>"]})
    server.publish("a.b.x")
    server.publish("a.b.x")
    server.publish("a.b.y")
    server.publish("a.c.x", size=5)
    groups = server.tally.groups(2.0)
    assert (groups["old"]["messages"], groups["old"]["bytes"], groups["old"]["unique_subjects"]) == (4, 35, 3)
    assert groups["old"]["rate_per_s"] == 2.0
    assert groups["old"]["pct"] == groups["new"]["pct"] == 50.0
    assert groups["old"]["subjects"][0] == {"subject": "a.b.x", "messages": 2}
    # The server delivered two more than counted: one message on two subscriptions each.
    assert server.tally.delivered == 10


def test_no_traffic_has_no_split() -> None:
    groups = Server({"old": ["a.>"], "new": ["b.>"]}).tally.groups(2.0)
    assert groups["old"]["pct"] is None and groups["old"]["messages"] == 0


def test_messages_before_the_window_do_not_count() -> None:
    server = Server({"old": ["a.>"]})
    server.publish("a.net")
    server.tally.begin(200.0, 100.0)
    server.publish("a.net")
    assert server.tally.groups(1.0)["old"]["messages"] == 1
    assert server.tally.agents()["net"] == {"old": 1}
    assert server.tally.delivered == 2


def test_agents_by_subject_and_by_sender_but_once() -> None:
    server = Server({"old": ["agent.>"], "new": ["cim.>"]})
    server.publish("agent.to.net.from.tdd.question", Sender="tdd")
    server.publish("cim.agent.something", Sender="id-1")
    server.publish("cim.agent.something", Sender="stranger")
    server.publish("cim.agent.something")
    assert server.tally.agents() == {"net": {"old": 1, "new": 1}, "tdd": {"old": 1, "new": 0}}


def test_beyond_the_cap_everything_is_still_counted() -> None:
    server = Server({"old": ["a.>"]}, max_subjects=2)
    for number in range(5):
        server.publish(f"a.net.{number}", Sender="tdd")
    row = server.tally.groups(1.0)["old"]
    assert (row["messages"], row["bytes"], row["unique_subjects"], row["subjects_capped"]) == (5, 50, 2, True)
    assert server.tally.agents() == {"net": {"old": 5}, "tdd": {"old": 5}}


def test_dual_publications_by_sender_and_by_subject() -> None:
    server = Server({"old": ["agent.to.>"], "new": ["cim.>"]}, match=tally.Match("old", "new"))
    server.publish("agent.to.user.from.net.response", Sender="net", Conversation_Id="c1")
    server.publish("cim.agent.whatever", Sender="id-1", Conversation_Id="c1")
    server.publish("agent.to.user.from.tdd.response", Conversation_Id="c2")
    server.publish("agent.to.user.from.tdd.response")
    server.publish("agent.to.net.from.user.question", Sender="user", Conversation_Id="c1")
    assert server.tally.dual is not None
    rows = server.tally.dual.result()["agents"]
    assert (rows["net"]["legacy"], rows["net"]["success_pct"]) == (1, 100.0)
    assert (rows["tdd"]["legacy"], rows["tdd"]["success_pct"], rows["tdd"]["without_id"]["legacy"]) == (1, 0.0, 1)


def test_a_window_that_ends_early_judges_no_later_publication() -> None:
    server = Server({"old": ["agent.to.>"], "new": ["cim.>"]}, match=tally.Match("old", "new"))
    server.publish("agent.to.user.from.net.response", at=119.0, Sender="net", Conversation_Id="c1")
    server.tally.end_at(120.0)
    server.publish("cim.agent.whatever", at=120.1, Sender="id-1", Conversation_Id="c1")
    server.publish("agent.to.user.from.net.response", at=120.1, Sender="net", Conversation_Id="c2")
    assert server.tally.dual is not None
    row = server.tally.dual.result()["agents"]["net"]
    assert (row["legacy"], row["matched"], row["edge"]) == (1, 1, 1)
    # Nothing is matched without a pair of groups, and an early end changes nothing.
    Server({"old": ["a.>"]}).tally.end_at(120.0)


def test_only_the_named_subjects_are_publications() -> None:
    only = tally.Match("old", "new", [b"agent.to.*.from.*.response", b"cim.>"])
    server = Server({"old": ["agent.to.>"], "new": ["cim.>"]}, match=only)
    server.publish("agent.to.tdd.from.net.question", Sender="net", Conversation_Id="q")
    assert server.tally.dual is not None
    assert server.tally.dual.result()["agents"]["net"]["legacy"] == 0


def test_own_conversation_ids() -> None:
    server = Server({"old": ["agent.to.>"]}, own_prefix="p-")
    for number in range(4):
        server.publish("agent.to.net.from.rollout.question", Sender="rollout", Conversation_Id=f"p-net-{number}")
    for number in (0, 1, 1):
        server.publish("agent.to.rollout.from.net.response", Sender="net", Conversation_Id=f"p-net-{number}")
    server.publish("agent.to.rollout.from.net.response", Sender="net", Conversation_Id="other")
    assert server.tally.own_ids() == {
        "net": {"sent": 4, "seen": 2, "pct": 50.0},
        "tdd": {"sent": 0, "seen": 0, "pct": None},
    }
    assert server.tally.own_ids({"net": 8})["net"] == {"sent": 8, "seen": 2, "pct": 25.0}  # type: ignore[index]
    assert Server({"old": ["a"]}).tally.own_ids() is None


def test_subjects_of_any_bytes_can_be_shown() -> None:
    server = Server({"old": [">"]})
    server.tally.take([(b"1", b"a.\xff\x0b", None, None, None, 1)], 110.0)
    assert server.tally.groups(1.0)["old"]["subjects"] == [{"subject": "a.\\xff\x0b", "messages": 1}]


def test_a_message_for_nobody_is_an_error() -> None:
    with pytest.raises(ProtocolError):
        Server({"old": ["a"]}).tally.take([(b"77", b"a", None, None, None, 1)], 110.0)
