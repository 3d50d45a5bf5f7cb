# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A probe that goes on for a while: exact accounts by buckets, in time, and nobody blamed for a server that is away."""

from __future__ import annotations

import pathlib
from datetime import datetime
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch, _nats_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_sample import parse_sample, run_sample

from tests.module.nats import agents, servers, test_probe
from tests.module.nats.awake import awake
from tests.module.nats.servers import Message
from tests.module.nats.test_probe import target
from tests.module.nats.world import EPOCH, World

ASKED, ANSWERS, LATE, ERRORS = 1, 2, 3, 4


def probe(url: str, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A probe by buckets of a second."""
    pace = {} if "every" in more else {"count": 10}
    return test_probe.probe(url, *targets, **{"count": None, **pace, "bucket": 1.0, **more})


def add_up(found: dict[str, Any]) -> None:
    """Every bucket's figures together are the agent's, and a sketch holds an entry per answer."""
    for agent, row in found["agents"].items():
        rows = found["buckets"]["agents"][agent]
        sums = [sum(one[column] for one in rows) for column in (ASKED, ANSWERS, LATE, ERRORS)]
        assert sums == [row["expected"], row["delivered"] + row["late"], row["late"], row["errors"]], agent
        assert [_latency_sketch.count(one[5]) for one in rows] == [one[ANSWERS] for one in rows], agent
        assert [one[0] for one in rows] == sorted({one[0] for one in rows}), agent


def since_start(stamp: str) -> float:
    """Seconds since the world began."""
    return datetime.fromisoformat(stamp).timestamp() - EPOCH


def rows_of(found: dict[str, Any], agent: str) -> list[list[Any]]:
    return [[row[0] - EPOCH, *row[1:]] for row in found["buckets"]["agents"][agent]]


def test_buckets_add_up_to_the_totals(server: servers.NatsServer) -> None:
    wrong = agents.Agent("b-error")
    wrong.answer = {"status": "error", "message": "boom"}
    members = [
        agents.Agent("b-pair"),
        agents.Agent("b-pair", drop_every=3),
        agents.Agent("b-slow", delay=0.4),
        agents.Agent("b-twice", twice=True),
        wrong,
    ]
    asked = [target("b-pair", 2), target("b-slow"), target("b-twice"), target("b-error"), target("b-nobody")]
    with agents.joined(server.port, *members) as world:
        found = probe(server.url, *asked, world=world, every=0.1, over=2.0)
    assert (found["reason"], found["partial"], found["broke_at"]) == (None, False, None)
    assert ["b-twice" in note for note in found["notes"]] == [True]
    add_up(found)
    rows = found["agents"]
    assert [row["sent"] for row in rows.values()] == [20] * 5
    assert (rows["b-pair"]["delivered"], rows["b-pair"]["lost"]) == (34, 6)
    assert (rows["b-slow"]["late"], rows["b-slow"]["lost"], rows["b-error"]["errors"]) == (20, 0, 20)
    assert (rows["b-twice"]["duplicates"], rows["b-nobody"]["lost"]) == (20, 20)
    middle = _latency_sketch.quantile(
        _latency_sketch.merge(one[5] for one in found["buckets"]["agents"]["b-slow"]), 0.5
    )
    assert middle == pytest.approx(rows["b-slow"]["p50_ms"] / 1000.0, rel=0.0101)
    assert [row[:2] for row in rows_of(found, "b-pair")] == [[0, 20], [1, 20]]
    # The last request to b-slow, its time, and as long again for what may still come.
    assert since_start(found["ended_at"]) == pytest.approx(1.92 + 0.3 + 0.3, abs=0.01)


def test_an_agent_that_is_dead_for_two_seconds_of_six(server: servers.NatsServer) -> None:
    swallowed: list[float] = []

    class Hanging(agents.Agent):
        def hear(self, message: Message, now: float) -> list[bytes]:
            if 2.0 <= now < 4.0:
                swallowed.append(now)
                return []
            return super().hear(message, now)

    with agents.joined(server.port, Hanging("b-hangs"), agents.Agent("b-well")) as world:
        found = probe(server.url, target("b-hangs"), target("b-well"), world=world, every=0.25, over=6.0)
    add_up(found)
    rows = rows_of(found, "b-hangs")
    assert [one[0] for one in rows if one[ANSWERS] < one[ASKED]] == [2, 3]
    assert sum(one[ASKED] - one[ANSWERS] for one in rows) == len(swallowed) == 8
    assert all(one[ANSWERS] == one[ASKED] for one in rows_of(found, "b-well"))
    assert [one[ASKED] for one in rows] == [4] * 6


def test_a_server_that_is_killed_leaves_the_buckets_before(directory: pathlib.Path) -> None:
    with servers.running(directory) as mine, agents.joined(mine.port, agents.Agent("b-cut")) as world:
        world.at(2.05, mine.stop)
        found = probe(mine.url, target("b-cut"), target("b-mute"), world=world, every=0.2, over=60.0)
    assert (found["reason"], found["partial"]) == ("nats_unreachable", True)
    add_up(found)
    assert since_start(found["broke_at"]) == since_start(found["ended_at"]) == pytest.approx(2.05, abs=0.001)
    # The last that came was an answer to the request of second 2.0.
    assert since_start(found["alive_until"]) == pytest.approx(2.001, abs=0.001)
    row, rows = found["agents"]["b-cut"], rows_of(found, "b-cut")
    assert (row["lost"], row["delivered"]) == (0, 11)
    assert [one[:2] for one in rows] == [[0, 5], [1, 5], [2, 1]]


def test_silence_of_the_server_is_no_silence_of_the_agents(directory: pathlib.Path) -> None:
    with servers.running(directory) as mine, agents.joined(mine.port, agents.Agent("b-still")) as world:
        world.at(1.05, lambda: world.freeze(mine))
        found = probe(mine.url, target("b-still"), world=world, every=0.1, over=60.0)
        world.thaw(mine)
    add_up(found)
    row = found["agents"]["b-still"]
    assert (found["reason"], row["lost"], row["late"]) == ("nats_unreachable", 0, 0)
    assert "no PONG within 5 s" in found["message"]
    assert row["delivered"] == 11 and row["unresolved"] == row["sent"] - 11 > 5
    assert since_start(found["alive_until"]) == pytest.approx(1.0, abs=0.002)
    # A request that went unanswered for its 0.3 s was followed by a PING.
    assert since_start(found["broke_at"]) == pytest.approx(1.1 + 0.3 + 5.0, abs=0.1)


def test_a_server_that_pauses_makes_answers_late_and_loses_none(directory: pathlib.Path) -> None:
    with servers.running(directory) as mine, agents.joined(mine.port, agents.Agent("b-pause")) as world:
        world.at(0.65, lambda: world.freeze(mine))
        world.at(1.45, lambda: world.thaw(mine))
        found = probe(mine.url, target("b-pause"), world=world, every=0.1, over=2.0)
    add_up(found)
    row = found["agents"]["b-pause"]
    assert (found["reason"], row["lost"], row["expected"]) == (None, 0, 20)
    # Those of 0.7 to 1.1 s.
    assert row["late"] == 5


def test_each_target_is_asked_once_in_its_time(server: servers.NatsServer) -> None:
    many = [agents.Agent(f"b-turn-{number}") for number in range(4)]
    with agents.joined(server.port, *many) as world:
        found = probe(server.url, *(target(one.name) for one in many), world=world, every=0.5, over=1.8)
    # 15 times 0.125 s is the last moment before 1.8 s are used up.
    assert [one.heard for one in many] == [4, 4, 4, 3]
    assert [row["delivered"] for row in found["agents"].values()] == [4, 4, 4, 3]
    assert 1.75 < world.now < 2.0


def test_it_ends_in_time_whatever_the_agents_do(server: servers.NatsServer) -> None:
    with agents.joined(server.port, agents.Mute("b-mute")) as world:
        found = probe(server.url, target("b-mute", 3), world=world, every=0.2, over=1.0, timeout=0.5)
    assert (found["agents"]["b-mute"]["lost"], found["agents"]["b-mute"]["silent"]) == (15, True)
    # What comes late is waited for as long again.
    assert world.now == pytest.approx(0.8 + 0.5 + 0.5, abs=0.01)


def test_what_was_due_while_the_machine_stood_still_is_left_out(server: servers.NatsServer) -> None:
    agent = agents.Agent("b-left")
    with agents.joined(server.port, agent) as world:
        world.at(0.75, lambda: world.leap(1.5))
        found = probe(server.url, target("b-left"), world=world, every=0.1, over=3.0)
    add_up(found)
    row = found["agents"]["b-left"]
    assert agent.heard == row["sent"] == 8 + 8
    assert (row["lost"], row["late"], row["delivered"]) == (0, 0, row["sent"] - row["unresolved"])
    assert f"{30 - row['sent']} requests were not sent" in found["notes"][-1]


def test_answers_that_came_while_the_machine_stood_still_are_not_blamed(server: servers.NatsServer) -> None:
    quick, slow = agents.Agent("b-away"), agents.Agent("b-away-slow", delay=0.2)
    with agents.joined(server.port, quick, slow) as world:
        world.at(0.95, lambda: world.leap(0.9))
        found = probe(server.url, target("b-away"), target("b-away-slow"), world=world, every=0.2, over=2.0)
    add_up(found)
    row = found["agents"]["b-away-slow"]
    assert (row["late"], row["lost"], row["sent"]) == (0, 0, 10)
    assert row["unresolved"] == 1 and row["max_ms"] == pytest.approx(200, abs=1)
    unresolved = sum(one["unresolved"] for one in found["agents"].values())
    assert f"{unresolved} requests do not count" in found["notes"][0]


def test_a_long_probe_forgets_what_is_long_ago(server: servers.NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_nats_probe, "_REMEMBERED_S", 0.2)
    remembered: list[int] = []
    forget = _nats_probe._Run._forget

    def watched(run: Any, now: float) -> None:
        forget(run, now)
        remembered.append(len(run._asked))

    monkeypatch.setattr(_nats_probe._Run, "_forget", watched)
    with agents.joined(server.port, agents.Agent("b-long", drop_every=2)) as world:
        found = probe(server.url, target("b-long"), world=world, every=0.01, over=1.5, timeout=0.1)
    add_up(found)
    assert (found["agents"]["b-long"]["delivered"], found["agents"]["b-long"]["lost"]) == (75, 75)
    assert 20 <= max(remembered) < 25


def test_the_sampler_passes_on_the_buckets_of_its_probe(server: servers.NatsServer) -> None:
    """The probe works in a process of its own, in real time; the window ends when all of its requests are answered."""
    asked = {"targets": [target("b-sampled")], "count": 10, "timeout": 60, "bucket": 0.5}
    params = {"patterns": {"all": ["agent.to.b-sampled.>"]}, "window": 100, "probe": asked}

    def take() -> dict[str, Any]:
        agent, world = agents.Agent("b-sampled"), World()
        # In the window, which begins after half a second.
        world.at(1.0, lambda: world.hold(lambda: agent.published["legacy"] == 10))
        with agents.in_background(server.port, agent):
            request = parse_sample(params, parse_server({"server": server.url}))
            found = run_sample(request, world.clock, world.wall, world.connect)
        assert (found["lossless"], found["total"]) == (True, 10)
        return dict(found["probe"])

    found = awake(take)
    assert found["buckets"]["bucket_s"] == 0.5
    add_up(found)
    assert found["agents"]["b-sampled"]["delivered"] == 10


def test_without_buckets_there_are_none(server: servers.NatsServer) -> None:
    with agents.joined(server.port, agents.Agent("b-plain")) as world:
        assert probe(server.url, target("b-plain"), world=world, count=3, bucket=0.0)["buckets"] is None


def test_a_server_that_was_never_there() -> None:
    found = probe(f"nats://127.0.0.1:{servers.free_port()}", target("b-none"), every=1, over=5)
    assert (found["reason"], found["buckets"]) == ("nats_unreachable", {"bucket_s": 1.0, "agents": {}})
    assert (found["broke_at"], found["alive_until"], found["partial"]) == (None, None, False)
