# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sampling a real server: exact counts, and every way in which a count must not be believed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import nats
import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _nats_sample as sampling
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_wire import Connection
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.module.nats import agents, peers, servers
from tests.module.nats.awake import awake
from tests.module.nats.world import World, wait_until

GROUPS = {"legacy": ["cim-agent.>", "agent.to.>", "agent.to.x.>"], "unified": ["cim.agent.>"]}
SETTLE_S = 0.1


def sample(url: str, window: float = 1.0, world: World | None = None, **params: Any) -> dict[str, Any]:
    """A sample in the time of a world: real messages, and no waiting. The window begins after SETTLE_S."""
    world = world or World()
    login: dict[str, Any] = {key: params.pop(key) for key in ("auth", "tls", "connect_timeout") if key in params}
    request = sampling.parse_sample(
        {"patterns": GROUPS, "window": window, "settle": SETTLE_S, **params}, parse_server({"server": url, **login})
    )
    return sampling.run_sample(request, world.clock, world.wall, world.connect)


def in_thread(world: World, at: float, work: Any) -> threading.Thread:
    """Work that begins in the window, which does not end before it."""
    thread = threading.Thread(target=work, daemon=True)

    def begin() -> None:
        thread.start()
        world.hold(lambda: not thread.is_alive())

    world.at(at, begin)
    return thread


@contextlib.contextmanager
def counting(url: str, *patterns: str) -> Iterator[dict[str, int]]:
    """A client of the library nats-py that counts messages by the first word of their subjects."""
    loop, counted = asyncio.new_event_loop(), dict[str, int]()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def handle(message: Msg) -> None:
        word = message.subject.split(".")[0]
        counted[word] = counted.get(word, 0) + 1

    async def begin() -> Client:
        client = await nats.connect(url, allow_reconnect=False, connect_timeout=servers.HANGS_S)
        for pattern in patterns:
            await client.subscribe(pattern, cb=handle)
        await client.flush(servers.HANGS_S)
        return client

    client = asyncio.run_coroutine_threadsafe(begin(), loop).result(servers.HANGS_S)
    try:
        yield counted
    finally:
        asyncio.run_coroutine_threadsafe(client.close(), loop).result(servers.HANGS_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_exact_counts_under_load_beside_an_independent_client(server: servers.NatsServer) -> None:
    def publish() -> None:
        publisher = servers.Publisher(server.port)
        # Payloads that look like protocol, and empty ones.
        wild = [b"", b"MSG agent.to.x 1 5\r\nhello\r\n", b"\r\n" * 100, b"x" * 1024]
        for number in range(20_000):
            payload = wild[number % 4]
            if number % 4 == 3:
                publisher.publish(f"cim.agent.s{number % 100}", payload, Sender="net", Conversation_Id=str(number))
            else:
                publisher.publish(f"agent.to.x.s{number % 100}", payload)
        publisher.flush()
        publisher.close()

    # Reading goes on for at most a second, also where each message comes alone, so that PINGs go out meanwhile.
    world = World(drift_s=0.00005)
    in_thread(world, 0.5, publish)
    with counting(server.url, "agent.to.>", "cim.agent.>") as independent:
        found = sample(
            server.url,
            5.0,
            world,
            monitor_url=server.monitor,
            agents=[{"agent": "net", "agent_id": "1"}, {"agent": "x"}],
        )
        wait_until(lambda: sum(independent.values()) >= 20_000, "the other client to have counted")
    assert (found["lossless"], found["reason"], found["message"]) == (True, None, None)
    assert found["groups"]["legacy"]["messages"] == independent["agent"] == 15_000
    assert found["groups"]["unified"]["messages"] == independent["cim"] == 5_000
    assert found["total"] == 20_000 and found["groups"]["unified"]["pct"] == 25.0
    assert found["groups"]["legacy"]["bytes"] == 5_000 * (0 + 27 + 200)
    assert found["groups"]["legacy"]["unique_subjects"] == 75
    assert found["groups"]["legacy"]["rate_per_s"] == pytest.approx(3000, rel=0.001)
    assert found["agents"] == {"net": {"legacy": 0, "unified": 5000}, "x": {"legacy": 15_000, "unified": 0}}
    assert found["server_count"] == {"out_msgs": 20_000, "counted": 20_000}
    assert found["dropped_patterns"] == {"legacy": {"agent.to.x.>": "agent.to.>"}}
    assert found["window_s"] == pytest.approx(5.0, abs=0.001)


def test_traffic_that_goes_on_past_the_end(server: servers.NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the window cuts through the stream; what the server sent before it must still be counted."""
    over = threading.Event()
    published: list[int] = [0]

    def publish() -> None:
        publisher = servers.Publisher(server.port)
        batch = servers.frame("past.end", b"x" * 100) * 50
        while not over.is_set():
            publisher.send(batch)
            publisher.flush()
            published[0] += 50
        publisher.close()

    real, before = Connection.unsubscribe, []

    def unsubscribe(self: Connection, sids: Any) -> None:
        # So that messages lie unread in the socket when the window ends.
        before.append(published[0])
        wait_until(lambda: published[0] >= before[0] + 1000, "more messages")
        real(self, sids)

    monkeypatch.setattr(Connection, "unsubscribe", unsubscribe)
    # A thousand reads are the window.
    world = World(drift_s=0.001)
    publisher = threading.Thread(target=publish, daemon=True)
    world.at(0.05, publisher.start)
    world.at(0.06, lambda: world.hold(over.is_set))
    try:
        found = sample(server.url, 1.0, world, patterns={"all": ["past.>"]}, monitor_url=server.monitor)
        wait_until(lambda: published[0] > found["server_count"]["out_msgs"], "messages after the end")
    finally:
        over.set()
        publisher.join()
    assert (found["lossless"], found["message"]) == (True, None)
    # Those that came unread are in it, those of the time in which the subscription settled are not in the window.
    assert before[0] + 1000 <= found["server_count"]["out_msgs"] < published[0]
    assert 0 < found["total"] < found["server_count"]["out_msgs"]


def test_silence_is_counted_as_silence(server: servers.NatsServer) -> None:
    found = sample(server.url, 0.3, patterns={"none": ["nobody.publishes.here"]}, monitor_url=server.monitor)
    assert found["lossless"] and found["total"] == 0
    assert found["groups"]["none"]["pct"] is None


def test_a_server_that_is_away() -> None:
    found = sample(f"nats://user:hunter2@127.0.0.1:{servers.free_port()}", 0.3)
    assert (found["reason"], found["lossless"], found["groups"], found["total"]) == (
        "nats_unreachable",
        False,
        {},
        None,
    )
    assert "127.0.0.1:" in found["message"] and "refused" in found["message"].lower()
    assert "hunter2" not in json.dumps(found)


def test_a_connection_cut_in_the_window_is_lossy_and_not_mended(server: servers.NatsServer) -> None:
    relay, world = peers.Relay(server.port), World()
    world.at(0.6, relay.cut)
    found = sample(f"nats://127.0.0.1:{relay.port}", 20.0, world)
    assert (found["reason"], found["lossless"], found["partial"]) == ("sampler_lossy", False, True)
    assert found["window_s"] == pytest.approx(0.6 - SETTLE_S)


def test_a_server_that_dies_in_the_window(directory: pathlib.Path) -> None:
    with servers.running(directory) as mine:
        world = World()
        world.at(0.6, mine.stop)
        assert sample(mine.url, 20.0, world)["reason"] == "sampler_lossy"


def test_a_server_that_stands_still(directory: pathlib.Path) -> None:
    with servers.running(directory) as mine:
        world = World()
        world.at(0.5, lambda: world.freeze(mine))
        found = sample(mine.url, 20.0, world)
        assert found["reason"] == "sampler_lossy" and "PONG" in found["message"]
    # Noticed on the way, not only when the window is over: 2 s without a PONG to the next PING.
    assert found["window_s"] == pytest.approx(0.5 - SETTLE_S + 2.0, abs=0.5)


def test_a_sampler_that_stood_still_is_late(server: servers.NatsServer) -> None:
    world = World()
    world.at(0.6, lambda: world.leap(1.6))
    found = sample(server.url, 3.0, world)
    assert (found["reason"], found["lossless"]) == ("sampler_late", False)
    assert "stood still" in found["message"]


@pytest.mark.parametrize(
    ("window", "stood", "reason"), [(3.0, 0.9, None), (60.0, 2.9, None), (60.0, 3.1, "sampler_late")]
)
def test_how_long_a_sampler_may_stand_still(
    server: servers.NatsServer, window: float, stood: float, reason: str | None
) -> None:
    """A second, in long windows 5 %."""
    world = World()
    world.at(0.6, lambda: world.leap(stood))
    assert sample(server.url, window, world)["reason"] == reason


def test_a_window_that_ends_late_is_late(server: servers.NatsServer) -> None:
    """Standing still in two halves is no less than in one."""
    world = World()
    world.at(SETTLE_S + 0.5, lambda: world.leap(0.45))
    world.at(SETTLE_S + 0.96, lambda: world.leap(0.9))
    assert sample(server.url, 1.0, world)["reason"] is None
    world = World()
    world.at(SETTLE_S + 0.99, lambda: world.leap(2.5))
    assert sample(server.url, 1.0, world)["reason"] == "sampler_late"


def test_an_end_that_comes_late_is_late(server: servers.NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    real, world = Connection.unsubscribe, World()

    def late(self: Connection, sids: Any) -> None:
        world.leap(1.2)
        real(self, sids)

    monkeypatch.setattr(Connection, "unsubscribe", late)
    found = sample(server.url, 0.5, world)
    assert found["reason"] == "sampler_late" and "the window ended 1.2 s late" in found["message"]


def test_a_sampler_that_the_server_cuts_off_is_lossy(directory: pathlib.Path) -> None:
    with servers.running(directory, "max_pending: 4MB\nwrite_deadline: 500ms") as mine:

        def flood() -> None:
            """While nobody reads."""
            publisher = servers.Publisher(mine.port)
            wait_until(lambda: flooded(publisher), "the server to cut off who does not read")

        def flooded(publisher: servers.Publisher) -> bool:
            for _number in range(100):
                publisher.publish("agent.to.x", b"x" * 30_000)
            publisher.flush()
            return "Slow Consumer" in mine.log.read_text()

        world = World()
        world.at(0.6, flood)
        found = sample(mine.url, 60.0, world)
    assert (found["reason"], found["lossless"]) == ("sampler_lossy", False)
    assert "closed the connection" in found["message"] or "connection broke" in found["message"]


def test_a_sampler_too_slow_leaves_before_publishers_suffer(directory: pathlib.Path) -> None:
    """A server makes publishers wait when 48 MiB are pending for somebody; we leave with more than 24 MiB behind us."""
    with servers.running(directory, 'write_deadline: "120s"') as mine:
        publisher = servers.Publisher(mine.port)

        def flood(count: int) -> None:
            for _number in range(count):
                publisher.publish("agent.to.x", b"x" * 60_000)
            publisher.flush()
            # So much time that a PING is due, whose PONG comes behind them.
            world.leap(0.3)

        world = World()
        # 38 MB while nobody reads.
        world.at(0.5, lambda: flood(640))
        found = sample(mine.url, 30.0, world)
        flood(640)
        assert "Slow Consumer" not in mine.log.read_text()
    assert found["reason"] == "sampler_lossy" and "MiB behind" in found["message"]
    assert 24 * 17 < found["total"] <= 640


def test_a_sampler_that_catches_up_stays(directory: pathlib.Path) -> None:
    with servers.running(directory, 'write_deadline: "120s"') as mine:
        publisher = servers.Publisher(mine.port)

        def flood() -> None:
            for _number in range(340):
                publisher.publish("agent.to.x", b"x" * 60_000)
            publisher.flush()
            world.leap(0.3)

        world = World()
        world.at(0.5, flood)
        found = sample(mine.url, 30.0, world)
    assert (found["lossless"], found["total"]) == (True, 340)


def test_a_forbidden_subscription_is_named(directory: pathlib.Path) -> None:
    config = (
        'authorization { users: [{ user: u, password: pw, permissions: { subscribe: ["cim-agent.>", "_INBOX.>"] } }] }'
    )
    with servers.running(directory, config) as mine:
        found = sample(mine.url, 1.0, auth={"user": "u", "password": "pw"})
    assert (found["reason"], found["lossless"]) == ("nats_refused", False)
    assert 'Subscription to "agent.to.>"' in found["message"]


def test_a_monitoring_port_that_cannot_witness(server: servers.NatsServer, directory: pathlib.Path) -> None:
    closed = sample(server.url, 0.3, monitor_url=f"http://127.0.0.1:{servers.free_port()}")
    assert (closed["reason"], closed["lossless"]) == ("tool_error", False) and "second witness" in closed["message"]
    with servers.running(directory, name="other") as other:
        foreign = sample(server.url, 0.3, monitor_url=other.monitor)
    assert foreign["reason"] == "tool_error" and "another server" in foreign["message"]


@pytest.mark.parametrize("difference, reason", [(0, None), (1, "sampler_lossy"), (-1, "sampler_lossy")])
def test_a_server_that_counts_otherwise(server: servers.NatsServer, difference: int, reason: str | None) -> None:
    """A monitoring port that passes on the server's answer with a changed out_msgs."""

    def answer(sock: socket.socket) -> None:
        line = sock.recv(65536).split(b"\r\n")[0]
        with socket.create_connection(("127.0.0.1", server.monitor_port), 5.0) as real:
            real.sendall(line.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n\r\n")
            data = b""
            while chunk := real.recv(65536):
                data += chunk
        body = json.loads(data.partition(b"\r\n\r\n")[2])
        body["connections"][0]["out_msgs"] += difference
        sock.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(body).encode())

    with peers.peer(answer) as port:
        assert sample(server.url, 0.3, monitor_url=f"http://127.0.0.1:{port}")["reason"] == reason


def test_a_cluster_is_counted_from_any_of_its_servers(directory: pathlib.Path) -> None:
    with servers.cluster(directory) as nodes:
        publishers = [servers.Publisher(node.port) for node in nodes]
        world = World()

        def greet() -> None:
            """While it settles: until messages of each server arrive, the last one included."""
            last = [0] * len(nodes)

            def arrive() -> bool:
                heard = [b"agent.to.hello.%d.%d" % pair in world.heard for pair in enumerate(last)]
                for number, publisher in enumerate(publishers):
                    if not any(subject.startswith(b"agent.to.hello.%d." % number) for subject in world.heard):
                        last[number] += 1
                        publisher.publish(f"agent.to.hello.{number}.{last[number]}")
                        publisher.flush()
                return all(heard)

            world.hold(arrive)

        def publish() -> None:
            for publisher in publishers:
                for number in range(2000):
                    publisher.publish(f"agent.to.x.{number}")
                publisher.flush()
            # Routes between servers bring them when they do.
            world.hold(lambda: sum(count for subject, count in world.heard.items() if b".x." in subject) >= 6000)

        world.at(0.1, greet)
        world.at(2.0, publish)
        found = sample(nodes[1].url, 7.0, world, monitor_url=nodes[1].monitor, settle=1.0)
    assert found["lossless"] and found["groups"]["legacy"]["messages"] == 6000
    assert (found["cluster"], found["server_name"]) == ("rehearsal", "n2")


def test_dual_publishing_of_three_instances_with_the_probe_inside(server: servers.NatsServer) -> None:
    """The probe works in a process of its own, in real time; the window ends when all of its requests are answered."""
    seen: list[dict[str, Any]] = []

    def take() -> dict[str, Any]:
        good = [agents.Agent("net") for _instance in range(3)]
        half = agents.Agent("half", flag=False)
        world = World()
        world.at(1.0, lambda: world.hold(lambda: sum(one.published["legacy"] for one in (*good, half)) == 40 * 4))
        targets = [
            {"agent": "net", "subject": "agent.to.net.from.rollout.question", "expected": 3},
            {"agent": "half", "subject": "agent.to.half.from.rollout.question", "expected": 1},
        ]
        with agents.in_background(server.port, *good, half):
            found = sample(
                server.url,
                100.0,
                world,
                monitor_url=server.monitor,
                agents=[{"agent": "net", "agent_id": "1"}, {"agent": "half"}, {"agent": "idle"}],
                match={"legacy": "legacy", "unified": "unified"},
                probe={"targets": targets, "count": 40, "timeout": 60},
            )
        seen.append(found)
        return dict(found["probe"])

    asked = awake(take)
    found = seen[-1]
    assert (found["lossless"], found["message"]) == (True, None)
    net, half_row, idle = (found["dual"]["agents"][name] for name in ("net", "half", "idle"))
    assert (net["legacy"], net["unified"], net["matched"], net["success_pct"]) == (120, 120, 120, 100.0)
    assert net["conversations"] == 40 and net["gap_p50_ms"] == 0
    assert (half_row["legacy"], half_row["success_pct"]) == (40, 0.0)
    assert idle["success_pct"] is None
    assert found["own_ids"]["net"] == {"sent": 40, "seen": 40, "pct": 100.0}
    assert found["own_ids"]["idle"]["pct"] is None
    assert asked["reason"] is None
    assert asked["agents"]["net"]["delivered"] == 120
    assert asked["agents"]["half"]["delivered_pct"] == 100.0
    # 40 requests to each, 120 + 40 legacy responses, 120 unified ones.
    assert (found["groups"]["legacy"]["messages"], found["groups"]["unified"]["messages"]) == (240, 120)


def test_the_gap_between_the_two_halves_is_what_it_takes_by_the_clock(server: servers.NatsServer) -> None:
    publisher, world = servers.Publisher(server.port), World()
    half: dict[str, Any] = {"Sender": "net", "Conversation_Id": "c-1"}
    world.at(1.0, lambda: publisher.publish("agent.to.x.from.net.response", **half))
    world.at(1.0, publisher.flush)
    world.at(1.03, lambda: publisher.publish("cim.agent.infra.net.response", **half))
    world.at(1.03, publisher.flush)
    match = {"legacy": "legacy", "unified": "unified"}
    found = sample(server.url, 5.0, world, agents=[{"agent": "net"}], match=match)
    row = found["dual"]["agents"]["net"]
    assert (row["matched"], row["gap_p50_ms"]) == (1, pytest.approx(30, abs=0.1))


class SlowPublisher(agents.Agent):
    """Publishes the second half of each response only once the window has ended."""

    def __init__(self, name: str, ended: threading.Event) -> None:
        super().__init__(name, flag=False)
        self.ended = ended

    def say(self, message: servers.Message, answer: bytes) -> None:
        super().say(message, answer)
        assert self.ended.wait(60)
        headers = {"Sender": self.name, "Conversation_Id": message.headers["Conversation-Id"]}
        self.wire.publish(f"cim.agent.infra.{self.name}.response", b"{}", **headers)


@pytest.mark.parametrize(
    ("halves", "awaited", "timeout", "within"),
    [(2, None, 60.0, 300), (1, None, 2.0, 300), (2, ["slow"], 60.0, 300), (1, [], 60.0, 60)],
    ids=["late", "never", "late and awaited", "never, and nobody waits"],
)
def test_a_window_that_ends_with_its_probe_waits_for_the_second_half(
    server: servers.NatsServer,
    monkeypatch: pytest.MonkeyPatch,
    halves: int,
    awaited: list[str] | None,
    timeout: float,
    within: float,
) -> None:
    ended, end_at = threading.Event(), sampling.Tally.end_at

    def noted(tally: sampling.Tally, end: float) -> None:
        end_at(tally, end)
        ended.set()

    monkeypatch.setattr(sampling.Tally, "end_at", noted)
    monkeypatch.setattr(sampling, "_AFTER_PROBE_S", 0.0)
    # One that never comes is waited for as long as an answer may take.
    agent = SlowPublisher("slow", ended) if halves == 2 else agents.Agent("slow", flag=False)
    request = sampling.parse_sample(
        {
            "patterns": GROUPS,
            "window": 300.0,
            "settle": SETTLE_S,
            "agents": [{"agent": "slow"}],
            "match": {
                "legacy": "legacy",
                "unified": "unified",
                "publications": ["agent.to.*.from.*.response", "cim.agent.>"],
                "awaited": awaited,
            },
            "ends_with_probe": True,
            "probe": {
                "targets": [{"agent": "slow", "subject": "agent.to.slow.from.rollout.question"}],
                "count": 1,
                "timeout": timeout,
            },
        },
        parse_server({"server": server.url}),
    )
    with agents.in_background(server.port, agent):
        found = sampling.run_sample(request)
    assert found["lossless"], found
    assert found["window_s"] < within
    row = found["dual"]["agents"]["slow"]
    assert (row["legacy"], row["matched"]) == (1, halves - 1)


def test_without_a_window_there_is_no_probe() -> None:
    url = f"nats://127.0.0.1:{servers.free_port()}"
    found = sample(url, 1.0, probe={"targets": [{"agent": "a", "subject": "s"}], "count": 1, "timeout": 0.1})
    assert (found["reason"], found["probe"]) == ("nats_unreachable", None)
