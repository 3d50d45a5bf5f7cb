# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sampling a real server: exact counts, and every way in which a count must not be believed."""

from __future__ import annotations

import json
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _nats_sample as sampling
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_wire import Connection
from ansible_collections.cowboyai.rollout.plugins.module_utils._tally import Tally
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.module.nats import agents, peers, servers

GROUPS = {"legacy": ["cim-agent.>", "agent.to.>", "agent.to.x.>"], "unified": ["cim.agent.>"]}


def request(url: str, window: float = 1.0, **params: Any) -> sampling.SampleRequest:
    more: dict[str, Any] = {key: params.pop(key) for key in ("auth", "tls", "connect_timeout") if key in params}
    return sampling.parse_sample(
        {"patterns": GROUPS, "window": window, "settle": 0.1, **params}, parse_server({"server": url, **more})
    )


def sample(url: str, window: float = 1.0, **params: Any) -> dict[str, Any]:
    return sampling.run_sample(request(url, window, **params))


def later(seconds: float, action: Any) -> threading.Thread:
    def run() -> None:
        time.sleep(seconds)
        action()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_exact_counts_under_load_beside_an_independent_client(server: servers.NatsServer) -> None:
    independent: dict[str, int] = {"agent": 0, "cim": 0}

    async def count(client: Client) -> None:
        async def handle(message: Msg) -> None:
            independent[message.subject.split(".")[0]] += 1

        for pattern in ("agent.to.>", "cim.agent.>"):
            await client.subscribe(pattern, cb=handle)

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

    with agents.in_background(server.url, count):
        later(0.5, publish)
        found = sample(
            server.url, 5.0, monitor_url=server.monitor, agents=[{"agent": "net", "agent_id": "1"}, {"agent": "x"}]
        )
        deadline = time.monotonic() + 10.0
        while sum(independent.values()) < 20_000 and time.monotonic() < deadline:
            time.sleep(0.05)
    assert (found["lossless"], found["reason"], found["message"]) == (True, None, None)
    assert found["groups"]["legacy"]["messages"] == independent["agent"] == 15_000
    assert found["groups"]["unified"]["messages"] == independent["cim"] == 5_000
    assert found["total"] == 20_000 and found["groups"]["unified"]["pct"] == 25.0
    assert found["groups"]["legacy"]["bytes"] == 5_000 * (0 + 27 + 200)
    assert found["groups"]["legacy"]["unique_subjects"] == 75
    assert found["groups"]["legacy"]["rate_per_s"] == pytest.approx(3000, rel=0.02)
    assert found["agents"] == {"net": {"legacy": 0, "unified": 5000}, "x": {"legacy": 15_000, "unified": 0}}
    assert found["server_count"] == {"out_msgs": 20_000, "counted": 20_000}
    assert found["dropped_patterns"] == {"legacy": {"agent.to.x.>": "agent.to.>"}}
    assert found["window_s"] == pytest.approx(5.0, abs=0.2)


def test_traffic_that_goes_on_past_the_end(server: servers.NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the window cuts through the stream; what the server sent before it must still be counted."""
    done = threading.Event()
    published: list[int] = []

    def publish() -> None:
        publisher = servers.Publisher(server.port)
        batch = servers.frame("past.end", b"x" * 100) * 50
        number = 0
        while not done.is_set():
            publisher.send(batch)
            number += 50
            time.sleep(0.002)
        published.append(number)
        publisher.close()

    real = Connection.unsubscribe

    def unsubscribe(self: Connection, sids: Any) -> None:
        time.sleep(0.2)  # so that messages lie unread in the socket when the window ends
        real(self, sids)

    monkeypatch.setattr(Connection, "unsubscribe", unsubscribe)
    thread = later(0.0, publish)
    try:
        found = sample(server.url, 1.0, patterns={"all": ["past.>"]}, monitor_url=server.monitor)
    finally:
        done.set()
        thread.join(10.0)
    assert (found["lossless"], found["message"]) == (True, None)
    assert 0 < found["total"] < found["server_count"]["out_msgs"] < published[0]


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
    relay = peers.Relay(server.port)
    later(0.6, relay.cut)
    began = time.monotonic()
    found = sample(f"nats://127.0.0.1:{relay.port}", 20.0)
    assert time.monotonic() - began < 5.0
    assert (found["reason"], found["lossless"], found["partial"]) == ("sampler_lossy", False, True)
    assert found["window_s"] < 2.0


def test_a_server_that_dies_in_the_window(directory: pathlib.Path) -> None:
    with servers.running(directory) as mine:
        later(0.6, mine.stop)
        assert sample(mine.url, 20.0)["reason"] == "sampler_lossy"


def test_a_server_that_stands_still(directory: pathlib.Path) -> None:
    with servers.running(directory) as mine:
        later(0.5, lambda: mine.process.send_signal(signal.SIGSTOP))
        found = sample(mine.url, 20.0)
        assert found["reason"] == "sampler_lossy" and "PONG" in found["message"]
    # Noticed on the way, not only when the window is over.
    assert found["window_s"] < 10


SCRIPT = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from tests.module.nats.test_sample import sample
print("begin", flush=True)
print(json.dumps(sample(sys.argv[2], float(sys.argv[3]))))
"""


def frozen_sampler(url: str, window: float, before: float, pause: float, meanwhile: Any) -> dict[str, Any]:
    """Sample in a process of its own that is stopped for a while."""
    paths = json.dumps([str(pathlib.Path.cwd()), str(pathlib.Path.cwd() / "collections")])
    with subprocess.Popen([sys.executable, "-c", SCRIPT, paths, url, str(window)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"begin\n"
        time.sleep(before)
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        meanwhile()
        time.sleep(max(0.0, pause - (time.monotonic() - began)))
        process.send_signal(signal.SIGCONT)
        return dict(json.loads(process.stdout.read()))


def test_a_sampler_that_stood_still_is_late(server: servers.NatsServer) -> None:
    found = frozen_sampler(server.url, 3.0, 0.6, 1.6, lambda: None)
    assert (found["reason"], found["lossless"]) == ("sampler_late", False)
    assert "stood still" in found["message"]


def test_a_window_that_ends_late_is_late(server: servers.NatsServer) -> None:
    found = frozen_sampler(server.url, 1.0, 0.6, 2.5, lambda: None)
    assert found["reason"] == "sampler_late"


def test_an_end_that_comes_late_is_late(server: servers.NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Connection.unsubscribe

    def late(self: Connection, sids: Any) -> None:
        time.sleep(1.2)
        real(self, sids)

    monkeypatch.setattr(Connection, "unsubscribe", late)
    found = sample(server.url, 0.5)
    assert found["reason"] == "sampler_late" and "late" in found["message"]


def test_a_sampler_that_the_server_cuts_off_is_lossy(directory: pathlib.Path) -> None:
    with servers.running(directory, "max_pending: 4MB\nwrite_deadline: 500ms") as mine:

        def flood() -> None:
            publisher = servers.Publisher(mine.port)
            for _number in range(1500):
                publisher.publish("agent.to.x", b"x" * 30_000)
            publisher.flush()

        # In a window of 60 s standing still for up to 3 s is not yet late, so it is the cut that shows.
        found = frozen_sampler(mine.url, 60.0, 0.6, 0.9, flood)
    assert (found["reason"], found["lossless"]) == ("sampler_lossy", False)


def test_a_sampler_too_slow_leaves_before_publishers_suffer(
    directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Tally.take

    def slow(self: Tally, events: Any, at: float) -> None:
        if events:
            time.sleep(0.02)
        real(self, events, at)

    monkeypatch.setattr(Tally, "take", slow)
    monkeypatch.setattr(sampling, "MAX_LAG_S", 30.0)
    took: list[float] = []
    with servers.running(directory) as mine:

        def flood() -> None:
            publisher = servers.Publisher(mine.port)
            began = time.monotonic()
            for _number in range(1000):
                publisher.publish("agent.to.x", b"x" * 60_000)
            publisher.flush()
            took.append(time.monotonic() - began)

        thread = later(0.5, flood)
        found = sample(mine.url, 30.0)
        thread.join(20.0)
        assert "Slow Consumer" not in mine.log.read_text()
    assert found["reason"] == "sampler_lossy" and "MiB behind" in found["message"]
    # We manage 12 MB/s at best; had the 60 MB waited for us, they would have taken 5 s and more.
    assert found["window_s"] < 20 and took and took[0] < 4.5


def test_a_forbidden_subscription_is_named(directory: pathlib.Path) -> None:
    config = (
        'authorization { users: [{ user: u, password: pw, permissions: { subscribe: ["cim-agent.>", "_INBOX.>"] } }] }'
    )
    with servers.running(directory, config) as mine:
        found = sample(mine.url, 1.0, auth={"user": "u", "password": "pw"})
    assert (found["reason"], found["lossless"]) == ("tool_error", False)
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

        def publish() -> None:
            for node in nodes:
                publisher = servers.Publisher(node.port)
                for number in range(2000):
                    publisher.publish(f"agent.to.x.{number}")
                publisher.flush()

        # A machine that is busy may take a second to connect and as long to publish: neither end of the window is near.
        later(2.0, publish)
        found = sample(nodes[1].url, 7.0, monitor_url=nodes[1].monitor, settle=0.5)
    assert found["lossless"] and found["groups"]["legacy"]["messages"] == 6000
    assert (found["cluster"], found["server_name"]) == ("rehearsal", "n2")


def test_dual_publishing_of_three_instances_with_the_probe_inside(server: servers.NatsServer) -> None:
    good = [agents.Agent("net") for _instance in range(3)]
    half = agents.Agent("half", flag=False)
    with agents.agents(server.url, *good, half):
        found = sample(
            server.url,
            2.5,
            monitor_url=server.monitor,
            agents=[{"agent": "net", "agent_id": "1"}, {"agent": "half"}, {"agent": "idle"}],
            match={"legacy": "legacy", "unified": "unified"},
            probe={
                "targets": [
                    {"agent": "net", "subject": "agent.to.net.from.rollout.question", "expected": 3},
                    {"agent": "half", "subject": "agent.to.half.from.rollout.question", "expected": 1},
                ],
                "count": 40,
                "over": 1.5,
                "timeout": 0.5,
            },
        )
    assert (found["lossless"], found["message"]) == (True, None)
    net, half_row, idle = (found["dual"]["agents"][name] for name in ("net", "half", "idle"))
    assert (net["legacy"], net["unified"], net["matched"], net["success_pct"]) == (120, 120, 120, 100.0)
    assert net["conversations"] == 40 and 0 <= net["gap_p50_ms"] < 50
    assert (half_row["legacy"], half_row["success_pct"]) == (40, 0.0)
    assert idle["success_pct"] is None
    assert found["own_ids"]["net"] == {"sent": 40, "seen": 40, "pct": 100.0}
    assert found["own_ids"]["idle"]["pct"] is None
    assert found["probe"]["reason"] is None
    assert found["probe"]["agents"]["net"]["delivered"] == 120
    assert found["probe"]["agents"]["half"]["delivered_pct"] == 100.0
    # 40 requests to each, 120 + 40 legacy responses, 120 unified ones.
    assert (found["groups"]["legacy"]["messages"], found["groups"]["unified"]["messages"]) == (240, 120)


def test_without_a_window_there_is_no_probe() -> None:
    url = f"nats://127.0.0.1:{servers.free_port()}"
    found = sample(url, 1.0, probe={"targets": [{"agent": "a", "subject": "s"}], "count": 1, "timeout": 0.1})
    assert (found["reason"], found["probe"]) == ("nats_unreachable", None)
