# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probing agents over a real server: exact accounts of what came back, and a floor that means something."""

from __future__ import annotations

import json
import pathlib
import threading
import time
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe import run_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import parse_probe
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.module.nats import agents, peers, servers


def target(agent: str, expected: int = 1, **more: Any) -> dict[str, Any]:
    return {"agent": agent, "subject": f"agent.to.{agent}.from.rollout.question", "expected": expected, **more}


def probe(url: str, *targets: dict[str, Any], send: bool = True, **params: Any) -> dict[str, Any]:
    params = {"count": 10, "timeout": 0.3, **params}
    auth = params.pop("auth", {})
    request = parse_probe({"targets": list(targets), **params}, send=send)
    return run_probe(parse_server({"server": url, "auth": auth}), request)


def test_three_instances_answer_three_times(server: servers.NatsServer) -> None:
    trio = [agents.Agent("p-trio") for _instance in range(3)]
    with agents.agents(server.url, *trio):
        found = probe(server.url, target("p-trio", 3), count=100, timeout=2.0)
    row = found["agents"]["p-trio"]
    assert (found["reason"], found["message"], found["notes"]) == (None, None, [])
    assert (row["sent"], row["expected"], row["delivered"], row["delivered_pct"]) == (100, 300, 300, 100.0)
    assert (row["lost"], row["late"], row["duplicates"], row["errors"], row["full"]) == (0, 0, 0, 0, 100)
    assert (row["silent"], row["samples"]) == (False, 300)
    assert 0 < row["p50_ms"] <= row["p99_ms"] <= row["p999_ms"] <= row["max_ms"] < 2000
    assert sum(one.heard for one in trio) == 300


def test_the_floor_is_that_of_a_plain_socket(server: servers.NatsServer) -> None:
    floor = probe(server.url, target("p-none"), send=False)["floor"]
    assert floor["n"] == 100
    # 0.1 to 0.3 ms on a quiet machine; the bound leaves room for a busy one.
    assert 0.01 < floor["p50_ms"] < 3.0


def test_check_mode_asks_nobody(server: servers.NatsServer) -> None:
    agent = agents.Agent("p-check")
    with agents.agents(server.url, agent):
        found = probe(server.url, target("p-check"), send=False)
    assert (agent.heard, found["agents"], found["reason"]) == (0, {}, None)
    assert "check mode" in found["notes"][0] and found["floor"]["n"] == 100


def test_dropped_answers_are_lost(server: servers.NatsServer) -> None:
    with agents.agents(server.url, agents.Agent("p-drop"), agents.Agent("p-drop", drop_every=4)):
        found = probe(server.url, target("p-drop", 2), count=20, over=1.0)
    row = found["agents"]["p-drop"]
    assert (row["expected"], row["delivered"], row["lost"], row["late"], row["full"]) == (40, 35, 5, 0, 15)
    assert row["delivered_pct"] == 87.5


def test_one_missing_instance_of_three(server: servers.NatsServer) -> None:
    with agents.agents(server.url, agents.Agent("p-two"), agents.Agent("p-two")):
        row = probe(server.url, target("p-two", 3), count=5)["agents"]["p-two"]
    assert (row["delivered"], row["lost"], row["full"], row["silent"]) == (10, 5, 0, False)


def test_late_answers_are_late_and_not_lost(server: servers.NatsServer) -> None:
    with agents.agents(server.url, agents.Agent("p-slow", delay=0.5)):
        row = probe(server.url, target("p-slow"), count=4, over=0.2, timeout=0.3)["agents"]["p-slow"]
    assert (row["delivered"], row["late"], row["lost"], row["silent"]) == (0, 4, 0, False)
    assert row["p50_ms"] > 490


def test_late_answers_do_not_delay_the_next_requests(server: servers.NatsServer) -> None:
    quick = agents.Agent("p-quick")
    with agents.agents(server.url, quick, agents.Agent("p-slower", delay=0.25)):
        found = probe(server.url, target("p-quick"), target("p-slower"), count=20, over=1.0, timeout=1.0)
    assert found["send_lag_max_ms"] < 100
    assert found["agents"]["p-quick"]["p50_ms"] < 100
    assert found["agents"]["p-slower"]["delivered"] == 20 and found["agents"]["p-slower"]["p50_ms"] > 240


def test_answers_too_many_are_duplicates(server: servers.NatsServer) -> None:
    with agents.agents(server.url, agents.Agent("p-twice", twice=True)):
        row = probe(server.url, target("p-twice"))["agents"]["p-twice"]
    assert (row["delivered"], row["duplicates"], row["lost"], row["samples"]) == (10, 10, 0, 10)


def test_error_answers_are_delivered_and_counted(server: servers.NatsServer) -> None:
    agent = agents.Agent("p-error")
    agent.answer = {"status": "error", "message": "expected value at line 1"}
    with agents.agents(server.url, agent):
        row = probe(server.url, target("p-error"))["agents"]["p-error"]
    assert (row["delivered"], row["errors"]) == (10, 10)
    assert row["error_examples"] == ["expected value at line 1"] * 5


def test_nobody_there_is_told_from_silence(server: servers.NatsServer) -> None:
    async def listen(client: Client) -> None:
        await client.subscribe("agent.to.p-mute.>")

    with agents.in_background(server.url, listen):
        began = time.monotonic()
        found = probe(server.url, target("p-mute"), target("p-nobody"), count=50, timeout=0.2)
    mute, nobody = found["agents"]["p-mute"], found["agents"]["p-nobody"]
    assert (mute["sent"], mute["delivered"], mute["lost"], mute["silent"], mute["no_responders"]) == (
        50,
        0,
        50,
        True,
        0,
    )
    assert (nobody["lost"], nobody["silent"], nobody["no_responders"]) == (50, True, 50)
    # Waiting for each of the fifty would take 10 s.
    assert time.monotonic() - began < 3.0


def test_an_agent_that_falls_silent_on_the_way(server: servers.NatsServer) -> None:
    heard: list[bytes] = []

    async def setup(client: Client) -> None:
        async def handle(message: Msg) -> None:
            heard.append(message.data)
            if len(heard) <= 5:
                await client.publish(message.reply, b"{}")

        await client.subscribe("agent.to.p-fade.>", cb=handle)

    with agents.in_background(server.url, setup):
        row = probe(server.url, target("p-fade"), count=30, timeout=0.2)["agents"]["p-fade"]
    assert (len(heard), row["delivered"], row["lost"], row["silent"]) == (30, 5, 25, False)


def test_headers_and_payload_arrive_as_documented(server: servers.NatsServer) -> None:
    seen: list[tuple[dict[str, str], Any]] = []

    async def setup(client: Client) -> None:
        async def handle(message: Msg) -> None:
            seen.append((dict(message.headers or {}), json.loads(message.data)))
            await message.respond(b"not json")

        await client.subscribe("agent.to.p-heads.>", cb=handle)

    asked = target("p-heads", payload={"task": "test"}, headers={"X-Extra": "1"})
    with agents.in_background(server.url, setup):
        found = probe(server.url, asked, count=2, conversation_prefix="pre", sender="me")
    assert found["agents"]["p-heads"]["delivered"] == 2
    assert [headers["Conversation-Id"] for headers, _body in seen] == ["pre-p-heads-0", "pre-p-heads-1"]
    assert seen[0][0] == {"Sender": "me", "Recipient": "p-heads", "Conversation-Id": "pre-p-heads-0", "X-Extra": "1"}
    assert seen[0][1] == {"task": "test"}


def test_a_stream_that_answers_in_the_agents_stead(directory: pathlib.Path) -> None:
    async def setup(client: Client) -> None:
        await client.jetstream().add_stream(name="AGENT_MESSAGES", subjects=["agent.to.>"])

    with (
        servers.running(directory, f'jetstream {{ store_dir: "{directory}" }}') as mine,
        agents.in_background(mine.url, setup),
    ):
        found = probe(mine.url, target("p-stream"), count=5)
    row = found["agents"]["p-stream"]
    assert (row["delivered"], row["lost"], row["stream_acks"], row["silent"]) == (0, 5, 5, True)
    assert "JetStream" in found["notes"][0] and "p-stream" in found["notes"][0]


def test_a_server_that_is_away() -> None:
    found = probe(f"nats://user:hunter2@127.0.0.1:{servers.free_port()}", target("p-none"))
    assert (found["reason"], found["agents"], found["floor"], found["partial"]) == ("nats_unreachable", {}, None, False)
    assert "hunter2" not in json.dumps(found)


def test_a_connection_cut_on_the_way_blames_nobody(server: servers.NatsServer) -> None:
    relay = peers.Relay(server.port)
    with agents.agents(server.url, agents.Agent("p-cut"), agents.Agent("p-slow-cut", delay=30.0)):
        threading.Timer(1.0, relay.cut).start()
        found = probe(
            f"nats://127.0.0.1:{relay.port}", target("p-cut"), target("p-slow-cut"), count=50, over=4.0, timeout=5.0
        )
    assert (found["reason"], found["partial"]) == ("nats_unreachable", True)
    cut, slow = found["agents"]["p-cut"], found["agents"]["p-slow-cut"]
    assert 0 < cut["sent"] < 50 and cut["lost"] == 0 and cut["delivered"] >= cut["sent"] - 1
    # What was open when the connection broke is neither lost nor silence.
    assert (slow["expected"], slow["lost"], slow["silent"]) == (0, 0, False)
    assert slow["unresolved"] == slow["sent"] > 0


@pytest.mark.parametrize(
    "permissions, said",
    [
        ('publish: ["_INBOX.>"], subscribe: ["_INBOX.>"]', 'Publish to "agent.to.p-forbidden'),
        ('publish: [">"], subscribe: ["x"]', 'Subscription to "_INBOX.'),
    ],
)
def test_forbidden_subjects_are_named(directory: pathlib.Path, permissions: str, said: str) -> None:
    config = f"authorization {{ users: [{{ user: u, password: pw, permissions: {{ {permissions} }} }}] }}"
    with servers.running(directory, config) as mine:
        found = probe(mine.url, target("p-forbidden"), auth={"user": "u", "password": "pw"})
    assert found["reason"] == "tool_error" and said in found["message"]


def test_another_inbox_prefix(directory: pathlib.Path) -> None:
    config = 'authorization { users: [{ user: u, password: pw, permissions: { subscribe: ["mine.>"] } }] }'
    with servers.running(directory, config) as mine:
        found = probe(mine.url, target("p"), count=1, auth={"user": "u", "password": "pw"}, inbox_prefix="mine")
    assert (found["reason"], found["agents"]["p"]["no_responders"]) == (None, 1)


def test_a_payload_too_large_is_named(directory: pathlib.Path) -> None:
    with servers.running(directory, "max_payload: 4KB") as mine:
        found = probe(mine.url, target("p-large", payload="x" * 5000))
    assert found["reason"] == "tool_error" and "4096" in found["message"] and "p-large" in found["message"]


def test_time_runs_out(server: servers.NatsServer) -> None:
    with agents.agents(server.url, agents.Agent("p-time", delay=0.1)):
        request = parse_probe({"targets": [target("p-time")], "count": 1000, "timeout": 1.0}, max_duration_s=0.5)
        found = run_probe(parse_server({"server": server.url}), request)
    row = found["agents"]["p-time"]
    assert found["cut_short"] and "time was up" in found["notes"][0]
    assert 0 < row["sent"] == row["delivered"] < 10


def test_many_agents_paced(server: servers.NatsServer) -> None:
    many = [agents.Agent(f"p-many-{number}") for number in range(5)]
    with agents.agents(server.url, *many):
        began = time.monotonic()
        found = probe(server.url, *(target(one.name) for one in many), count=100, over=1.0, timeout=1.0)
        took = time.monotonic() - began
    assert [row["delivered"] for row in found["agents"].values()] == [100] * 5
    assert 1.0 <= took < 2.0
