# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probing agents over a real server: exact accounts of what came back, and a floor that means something."""

from __future__ import annotations

import itertools
import json
import pathlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe import run_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import parse_probe

from tests.module.nats import agents, peers, servers
from tests.module.nats.servers import Message
from tests.module.nats.test_streams import with_streams
from tests.module.nats.world import World


def target(agent: str, expected: int = 1, **more: Any) -> dict[str, Any]:
    return {"agent": agent, "subject": f"agent.to.{agent}.from.rollout.question", "expected": expected, **more}


def probe(
    url: str,
    *targets: dict[str, Any],
    world: World | None = None,
    send: bool = True,
    max_duration_s: float | None = None,
    keep_going: Callable[[], bool] = lambda: True,
    **params: Any,
) -> dict[str, Any]:
    """A probe in the time of a world: real messages, and no waiting."""
    params = {"count": 10, "timeout": 0.3, **params}
    auth = params.pop("auth", {})
    request = parse_probe({"targets": list(targets), **params}, send=send, max_duration_s=max_duration_s)
    world = world or World()
    return run_probe(
        parse_server({"server": url, "auth": auth}), request, world.clock, world.wall, keep_going, world.connect
    )


def test_three_instances_answer_three_times(server: servers.NatsServer) -> None:
    trio = [agents.Agent("p-trio") for _instance in range(3)]
    with agents.joined(server.port, *trio) as world:
        found = probe(server.url, target("p-trio", 3), world=world, count=100, timeout=2.0)
    row = found["agents"]["p-trio"]
    assert (found["reason"], found["message"], found["notes"]) == (None, None, [])
    assert (row["sent"], row["expected"], row["delivered"], row["delivered_pct"]) == (100, 300, 300, 100.0)
    assert (row["lost"], row["late"], row["duplicates"], row["errors"], row["full"]) == (0, 0, 0, 0, 100)
    assert (row["silent"], row["samples"]) == (False, 300)
    assert [round(row[name], 3) for name in ("p50_ms", "p99_ms", "p999_ms", "max_ms")] == [1.0] * 4
    assert sum(one.heard for one in trio) == 300


def test_the_floor_is_what_round_trips_of_our_own_take_by_the_clock_of_this_machine(server: servers.NatsServer) -> None:
    request = parse_probe({"targets": [target("p-none")]}, send=False)
    floor = run_probe(parse_server({"server": server.url, "connect_timeout": servers.HANGS_S}), request)["floor"]
    assert floor["n"] == 100
    assert 0 < floor["p50_ms"] <= floor["p99_ms"] <= floor["max_ms"]


def test_a_floor_of_a_slow_server_has_fewer_rounds(server: servers.NatsServer) -> None:
    """By a clock that goes on by 40 ms at each message: two of them are a round, and connecting may take 5 s."""
    floor = probe(server.url, target("p-none"), world=World(drift_s=0.04), send=False)["floor"]
    assert (floor["n"], round(floor["p50_ms"]), round(floor["max_ms"])) == (63, 80, 80)


def test_check_mode_asks_nobody(server: servers.NatsServer) -> None:
    agent = agents.Agent("p-check")
    with agents.joined(server.port, agent) as world:
        found = probe(server.url, target("p-check"), world=world, send=False)
        assert agent.wire.receive() == []
    assert (agent.heard, found["agents"], found["reason"]) == (0, {}, None)
    assert "check mode" in found["notes"][0] and found["floor"]["n"] == 100


def test_dropped_answers_are_lost(server: servers.NatsServer) -> None:
    with agents.joined(server.port, agents.Agent("p-drop"), agents.Agent("p-drop", drop_every=4)) as world:
        found = probe(server.url, target("p-drop", 2), world=world, count=20, over=1.0)
    row = found["agents"]["p-drop"]
    assert (row["expected"], row["delivered"], row["lost"], row["late"], row["full"]) == (40, 35, 5, 0, 15)
    assert row["delivered_pct"] == 87.5


def test_one_missing_instance_of_three(server: servers.NatsServer) -> None:
    with agents.joined(server.port, agents.Agent("p-two"), agents.Agent("p-two")) as world:
        row = probe(server.url, target("p-two", 3), world=world, count=5)["agents"]["p-two"]
    assert (row["delivered"], row["lost"], row["full"], row["silent"]) == (10, 5, 0, False)


def test_late_answers_are_late_and_not_lost(server: servers.NatsServer) -> None:
    with agents.joined(server.port, agents.Agent("p-slow", delay=0.5)) as world:
        row = probe(server.url, target("p-slow"), world=world, count=4, over=0.2, timeout=0.3)["agents"]["p-slow"]
    assert (row["delivered"], row["late"], row["lost"], row["silent"]) == (0, 4, 0, False)
    assert row["p50_ms"] == pytest.approx(500, abs=1)


def test_late_answers_do_not_delay_the_next_requests(server: servers.NatsServer) -> None:
    quick = agents.Agent("p-quick")
    with agents.joined(server.port, quick, agents.Agent("p-slower", delay=0.25)) as world:
        asked = [target("p-quick"), target("p-slower")]
        found = probe(server.url, *asked, world=world, count=20, over=1.0, timeout=1.0)
    assert found["send_lag_max_ms"] < 1
    assert found["agents"]["p-quick"]["max_ms"] == pytest.approx(1, abs=1)
    assert found["agents"]["p-slower"]["delivered"] == 20
    assert found["agents"]["p-slower"]["p50_ms"] == pytest.approx(250, abs=1)


def test_answers_too_many_are_duplicates(server: servers.NatsServer) -> None:
    with agents.joined(server.port, agents.Agent("p-twice", twice=True)) as world:
        found = probe(server.url, target("p-twice"), world=world)
    row = found["agents"]["p-twice"]
    assert "nobody knows who answered" in found["notes"][0] and "p-twice" in found["notes"][0]
    assert (row["delivered"], row["duplicates"], row["lost"], row["samples"]) == (10, 10, 0, 10)


def test_error_answers_are_delivered_and_counted(server: servers.NatsServer) -> None:
    agent = agents.Agent("p-error")
    agent.answer = {"status": "error", "message": "expected value at line 1"}
    with agents.joined(server.port, agent) as world:
        row = probe(server.url, target("p-error"), world=world)["agents"]["p-error"]
    assert (row["delivered"], row["errors"]) == (10, 10)
    assert row["error_examples"] == ["expected value at line 1"] * 5


def test_nobody_there_is_told_from_silence(server: servers.NatsServer) -> None:
    with agents.joined(server.port, agents.Mute("p-mute")) as world:
        found = probe(server.url, target("p-mute"), target("p-nobody"), world=world, count=50, timeout=0.2)
    mute, nobody = found["agents"]["p-mute"], found["agents"]["p-nobody"]
    expected = (50, 0, 50, True, 0)
    assert tuple(mute[name] for name in ("sent", "delivered", "lost", "silent", "no_responders")) == expected
    assert (nobody["lost"], nobody["silent"], nobody["no_responders"]) == (50, True, 50)
    # Waiting for each of the fifty would take 10 s.
    assert world.now < 3.0


def test_an_agent_that_falls_silent_on_the_way(server: servers.NatsServer) -> None:
    class Fading(agents.Agent):
        def hear(self, message: Message, now: float) -> list[bytes]:
            return super().hear(message, now) if self.heard < 5 else agents.Mute.hear(self, message, now)  # type: ignore[arg-type]

    agent = Fading("p-fade")
    with agents.joined(server.port, agent) as world:
        row = probe(server.url, target("p-fade"), world=world, count=30, timeout=0.2)["agents"]["p-fade"]
    assert (agent.heard, row["delivered"], row["lost"], row["silent"]) == (30, 5, 25, False)


def test_headers_and_payload_arrive_as_documented(server: servers.NatsServer) -> None:
    seen: list[tuple[dict[str, str], Any]] = []

    class Careful(agents.Agent):
        def hear(self, message: Message, now: float) -> list[bytes]:
            seen.append((message.headers, json.loads(message.payload)))
            return [b"not json"]

    asked = target("p-heads", payload={"task": "test"}, headers={"X-Extra": "1"})
    with agents.joined(server.port, Careful("p-heads")) as world:
        found = probe(server.url, asked, world=world, count=2, conversation_prefix="pre", sender="me")
    assert found["agents"]["p-heads"]["delivered"] == 2
    assert [headers["Conversation-Id"] for headers, _body in seen] == ["pre-p-heads-0", "pre-p-heads-1"]
    assert seen[0][0] == {"Sender": "me", "Recipient": "p-heads", "Conversation-Id": "pre-p-heads-0", "X-Extra": "1"}
    assert seen[0][1] == {"task": "test"}


def test_a_stream_that_answers_in_the_agents_stead(directory: pathlib.Path) -> None:
    with servers.running(directory, f'jetstream {{ store_dir: "{directory}" }}') as mine:
        with_streams(mine.url, {"name": "AGENT_MESSAGES", "subjects": ["agent.to.>"]})
        world = World()
        # JetStream answers when it has stored, which no PING waits for.
        world.hold(lambda: world.heard.total() == world.sent)
        found = probe(mine.url, target("p-stream"), world=world, count=5)
    row = found["agents"]["p-stream"]
    assert (row["delivered"], row["lost"], row["stream_acks"], row["silent"]) == (0, 5, 5, True)
    assert "JetStream" in found["notes"][0] and "p-stream" in found["notes"][0]


def test_a_server_that_is_away() -> None:
    found = probe(f"nats://user:hunter2@127.0.0.1:{servers.free_port()}", target("p-none"))
    assert (found["reason"], found["agents"], found["floor"], found["partial"]) == ("nats_unreachable", {}, None, False)
    assert "hunter2" not in json.dumps(found)


def test_a_connection_cut_on_the_way_blames_nobody(server: servers.NatsServer) -> None:
    relay = peers.Relay(server.port)
    with agents.joined(server.port, agents.Agent("p-cut"), agents.Agent("p-slow-cut", delay=30.0)) as world:
        world.at(1.0, relay.cut)
        asked = [target("p-cut"), target("p-slow-cut")]
        found = probe(f"nats://127.0.0.1:{relay.port}", *asked, world=world, count=50, over=4.0, timeout=5.0)
    assert (found["reason"], found["partial"]) == ("nats_unreachable", True)
    cut, slow = found["agents"]["p-cut"], found["agents"]["p-slow-cut"]
    assert (cut["sent"], cut["delivered"], cut["lost"]) == (13, 13, 0)
    # What was open when the connection broke is neither lost nor silence.
    assert (slow["expected"], slow["lost"], slow["silent"]) == (0, 0, False)
    assert slow["unresolved"] == slow["sent"] == 12


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
    assert found["reason"] == "nats_refused" and said in found["message"]


def test_another_inbox_prefix(directory: pathlib.Path) -> None:
    config = 'authorization { users: [{ user: u, password: pw, permissions: { subscribe: ["mine.>"] } }] }'
    with servers.running(directory, config) as mine:
        found = probe(mine.url, target("p"), count=1, auth={"user": "u", "password": "pw"}, inbox_prefix="mine")
    assert (found["reason"], found["agents"]["p"]["no_responders"]) == (None, 1)


def test_a_payload_too_large_is_named(directory: pathlib.Path) -> None:
    with servers.running(directory, "max_payload: 4KB") as mine:
        found = probe(mine.url, target("p-large", payload="x" * 5000))
    assert found["reason"] == "nats_unsupported" and "4096" in found["message"] and "p-large" in found["message"]


def test_time_runs_out(server: servers.NatsServer) -> None:
    with agents.joined(server.port, agents.Agent("p-time", delay=0.1)) as world:
        found = probe(server.url, target("p-time"), world=world, count=1000, timeout=1.0, max_duration_s=0.55)
    row = found["agents"]["p-time"]
    assert found["cut_short"] and "time was up" in found["notes"][0]
    assert row["sent"] == row["delivered"] == 6


def test_many_agents_paced(server: servers.NatsServer) -> None:
    many = [agents.Agent(f"p-many-{number}") for number in range(5)]
    with agents.joined(server.port, *many) as world:
        found = probe(server.url, *(target(one.name) for one in many), world=world, count=100, over=1.0, timeout=1.0)
    assert [row["delivered"] for row in found["agents"].values()] == [100] * 5
    assert 1.0 <= world.now < 1.2


class Serial(agents.Agent):
    """A worker that does one thing after the other, each for `service` of made-up time. `most`: had to do at once."""

    def __init__(self, name: str, service: float) -> None:
        super().__init__(name)
        self.service, self.most, self.times = service, 0, list[float]()
        self._queue: list[Message] = []

    def turn(self, world: World) -> int:
        messages = self.wire.receive()
        for message in messages:
            self.times.append(world.now)
            self._queue.append(message)
            self.most = max(self.most, len(self._queue))
            if len(self._queue) == 1:
                self._begin(world)
        return len(messages)

    def _begin(self, world: World) -> None:
        world.after(self.service, lambda: self._end(world))

    def _end(self, world: World) -> None:
        self.say(self._queue.pop(0), b"{}")
        if self._queue:
            self._begin(world)


@pytest.mark.parametrize("by_round", [False, True])
def test_one_after_the_other_a_serial_worker_never_has_a_queue(server: servers.NatsServer, by_round: bool) -> None:
    """However slow it is, as long as it answers in time; as in a rehearsal, whose waits are skipped."""
    workers = [Serial("p-serial", 0.9), Serial("p-serial", 0.2), Serial("p-brisk", 0.01)]
    with agents.joined(server.port, *workers) as world:
        asked = [target("p-serial", 2), target("p-brisk")]
        found = probe(server.url, *asked, world=world, count=20, timeout=1.0, by_round=by_round)
    assert [worker.most for worker in workers] == [1, 1, 1]
    assert [row["delivered"] for row in found["agents"].values()] == [40, 20]
    assert found["agents"]["p-serial"]["max_ms"] == pytest.approx(900, abs=1)


def test_a_worker_slower_than_the_time_for_an_answer_gets_no_burst(server: servers.NatsServer) -> None:
    """Its late answers show that it works: it is waited for as before."""
    worker = Serial("p-later", 1.5)
    with agents.joined(server.port, worker) as world:
        row = probe(server.url, target("p-later"), world=world, count=20, timeout=1.0)["agents"]["p-later"]
    assert worker.most <= 8
    assert (row["delivered"], row["late"] + row["lost"]) == (0, 20)


def test_a_worker_that_hangs_finds_a_queue_that_ends(server: servers.NatsServer) -> None:
    worker = Serial("p-hung", 1000.0)
    with agents.joined(server.port, worker) as world:
        row = probe(server.url, target("p-hung"), world=world, count=100, timeout=1.0)["agents"]["p-hung"]
    gaps = Counter(round(at) for at in worker.times)
    assert max(gaps.values()) <= 25 + 3
    assert (row["sent"], row["lost"]) == (100, 100)


def test_spread_over_a_window_the_pace_is_the_plan_s_whatever_the_worker_does(server: servers.NatsServer) -> None:
    worker = Serial("p-paced", 0.9)
    with agents.joined(server.port, worker) as world:
        probe(server.url, target("p-paced"), world=world, count=20, over=20.0, timeout=1.0)
    assert worker.most == 1
    assert {round(after - before, 2) for before, after in itertools.pairwise(worker.times)} == {1.0}


def test_what_was_not_sent_while_this_machine_stood_still_comes_in_no_burst(server: servers.NatsServer) -> None:
    worker = Serial("p-paused", 0.4)
    with agents.joined(server.port, worker) as world:
        world.at(5.45, lambda: world.leap(7.0))
        found = probe(server.url, target("p-paused"), world=world, count=20, over=10.0, timeout=1.0)
    assert worker.most == 1
    steps = [round(after - before, 2) for before, after in itertools.pairwise(worker.times)]
    assert sorted(steps)[:-1] == [0.5] * 18 and max(steps) > 7.0
    assert found["agents"]["p-paused"]["sent"] == 20
    assert found["send_lag_max_ms"] > 6000
