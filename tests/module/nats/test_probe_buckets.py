# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A probe that goes on for a while: exact accounts by buckets, in time, and nobody blamed for a server that is away."""

from __future__ import annotations

import os
import pathlib
import signal
import threading
import time
from datetime import datetime
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch, _nats_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import parse_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_sample import parse_sample, run_sample
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.module.nats import agents, servers

ASKED, ANSWERS, LATE, ERRORS = 1, 2, 3, 4


def target(agent: str, expected: int = 1) -> dict[str, Any]:
    return {"agent": agent, "subject": f"agent.to.{agent}.from.rollout.question", "expected": expected}


def probe(url: str, *targets: dict[str, Any], **params: Any) -> dict[str, Any]:
    keep_going = params.pop("keep_going", lambda: True)
    request = parse_probe({"targets": list(targets), "timeout": 0.3, "bucket": 1.0, **params})
    return _nats_probe.run_probe(parse_server({"server": url}), request, keep_going=keep_going)


def add_up(found: dict[str, Any]) -> None:
    """Every bucket's figures together are the agent's, and a sketch holds an entry per answer."""
    for agent, row in found["agents"].items():
        rows = found["buckets"]["agents"][agent]
        sums = [sum(one[column] for one in rows) for column in (ASKED, ANSWERS, LATE, ERRORS)]
        assert sums == [row["expected"], row["delivered"] + row["late"], row["late"], row["errors"]], agent
        assert [_latency_sketch.count(one[5]) for one in rows] == [one[ANSWERS] for one in rows], agent
        assert [one[0] for one in rows] == sorted({one[0] for one in rows}), agent


def epoch(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


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
    with agents.agents(server.url, *members):
        found = probe(server.url, *asked, every=0.1, over=2.0)
    assert (found["reason"], found["partial"], found["broke_at"], found["notes"]) == (None, False, None, [])
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
    first = epoch(found["started_at"])
    assert all(first - 1.0 < one[0] <= epoch(found["ended_at"]) for one in found["buckets"]["agents"]["b-pair"])


def test_an_agent_that_is_dead_for_two_seconds_of_six(server: servers.NatsServer) -> None:
    begin = int(time.time()) + 2
    # A request that crosses the edge of a bucket on its way still finds the agent alive.
    dead_from, dead_to = begin + 0.1, begin + 1.9
    swallowed: list[float] = []

    async def setup(client: Client) -> None:
        async def handle(message: Msg) -> None:
            if dead_from <= time.time() < dead_to:
                swallowed.append(time.time())
            else:
                await client.publish(message.reply, b"{}")

        await client.subscribe("agent.to.b-hangs.>", cb=handle)

    with agents.in_background(server.url, setup), agents.agents(server.url, agents.Agent("b-well")):
        found = probe(server.url, target("b-hangs"), target("b-well"), every=0.25, over=6.0)
    add_up(found)
    rows = found["buckets"]["agents"]["b-hangs"]
    assert [one[0] for one in rows if one[ANSWERS] < one[ASKED]] == [begin, begin + 1]
    assert sum(one[ASKED] - one[ANSWERS] for one in rows) == len(swallowed) >= 6
    assert all(one[ANSWERS] == one[ASKED] for one in found["buckets"]["agents"]["b-well"])
    assert [one[ASKED] for one in rows[1:-1]] == [4] * len(rows[1:-1])


def test_a_server_that_is_killed_leaves_the_buckets_before(directory: pathlib.Path) -> None:
    killed: list[float] = []

    def kill() -> None:
        killed.append(time.time())
        mine.stop()

    with servers.running(directory) as mine, agents.agents(mine.url, agents.Agent("b-cut")):
        timer = threading.Timer(2.0, kill)
        timer.start()
        found = probe(mine.url, target("b-cut"), target("b-mute"), every=0.2, over=60.0)
        timer.join()
    assert (found["reason"], found["partial"]) == ("nats_unreachable", True)
    add_up(found)
    assert 0 <= epoch(found["broke_at"]) - killed[0] < 1.0
    assert epoch(found["alive_until"]) <= killed[0] + 0.1
    assert time.time() - epoch(found["ended_at"]) < 5.0
    row, rows = found["agents"]["b-cut"], found["buckets"]["agents"]["b-cut"]
    assert row["lost"] == 0 and row["delivered"] >= 8
    assert len(rows) >= 2 and all(one[0] <= killed[0] for one in rows)


def test_silence_of_the_server_is_no_silence_of_the_agents(
    directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_nats_probe, "_PONG_WITHIN_S", 1.0)
    stopped: list[float] = []

    def stop() -> None:
        stopped.append(time.time())
        os.kill(mine.process.pid, signal.SIGSTOP)

    with servers.running(directory) as mine, agents.agents(mine.url, agents.Agent("b-still")):
        timer = threading.Timer(1.0, stop)
        timer.start()
        found = probe(mine.url, target("b-still"), every=0.1, over=60.0)
        timer.join()
        os.kill(mine.process.pid, signal.SIGCONT)
    add_up(found)
    row = found["agents"]["b-still"]
    assert (found["reason"], row["lost"], row["late"]) == ("nats_unreachable", 0, 0)
    assert "no PONG within 1 s" in found["message"]
    assert row["delivered"] > 5 and row["unresolved"] > 5
    assert epoch(found["alive_until"]) <= stopped[0] + 0.1 < epoch(found["broke_at"]) <= stopped[0] + 3.5


def test_a_server_that_pauses_makes_answers_late_and_loses_none(directory: pathlib.Path) -> None:
    with servers.running(directory) as mine, agents.agents(mine.url, agents.Agent("b-pause")):
        pause = threading.Timer(0.6, os.kill, (mine.process.pid, signal.SIGSTOP))
        go_on = threading.Timer(1.4, os.kill, (mine.process.pid, signal.SIGCONT))
        pause.start()
        go_on.start()
        found = probe(mine.url, target("b-pause"), every=0.1, over=2.0)
    add_up(found)
    row = found["agents"]["b-pause"]
    assert (found["reason"], row["lost"], row["expected"]) == (None, 0, 20)
    assert row["late"] > 2


def test_each_target_is_asked_once_in_its_time(server: servers.NatsServer) -> None:
    many = [agents.Agent(f"b-turn-{number}") for number in range(4)]
    with agents.agents(server.url, *many):
        began = time.monotonic()
        found = probe(server.url, *(target(one.name) for one in many), every=0.5, over=1.8)
        took = time.monotonic() - began
    # 15 times 0.125 s is the last moment before 1.8 s are used up.
    assert [one.heard for one in many] == [4, 4, 4, 3]
    assert [row["delivered"] for row in found["agents"].values()] == [4, 4, 4, 3]
    assert 1.75 < took < 3.0


def test_it_ends_in_time_whatever_the_agents_do(server: servers.NatsServer) -> None:
    async def listen(client: Client) -> None:
        await client.subscribe("agent.to.b-mute.>")

    with agents.in_background(server.url, listen):
        began = time.monotonic()
        found = probe(server.url, target("b-mute", 3), every=0.2, over=1.0, timeout=0.5)
        took = time.monotonic() - began
    assert (found["agents"]["b-mute"]["lost"], found["agents"]["b-mute"]["silent"]) == (15, True)
    # What comes late is waited for as long again.
    assert 1.3 < took < 1.0 + 0.5 + 0.5 + 0.5


def test_what_was_due_while_the_machine_stood_still_is_left_out(server: servers.NatsServer) -> None:
    began = time.monotonic()
    slept: list[bool] = []

    def stand_still() -> bool:
        if time.monotonic() - began > 0.7 and not slept:
            slept.append(True)
            time.sleep(1.5)
        return True

    agent = agents.Agent("b-left")
    with agents.agents(server.url, agent):
        began = time.monotonic()
        found = probe(server.url, target("b-left"), every=0.1, over=3.0, keep_going=stand_still)
    add_up(found)
    row = found["agents"]["b-left"]
    assert agent.heard == row["sent"] and 12 <= row["sent"] <= 18
    assert (row["lost"], row["late"], row["delivered"]) == (0, 0, row["sent"] - row["unresolved"])
    assert f"{30 - row['sent']} requests were not sent" in found["notes"][-1]


def test_answers_that_came_while_the_machine_stood_still_are_not_blamed(server: servers.NatsServer) -> None:
    slept: list[bool] = []
    quick, slow = agents.Agent("b-away"), agents.Agent("b-away-slow", delay=0.2)

    def stand_still() -> bool:
        if quick.heard == 5 and not slept:
            slept.append(True)
            time.sleep(0.9)
        return True

    with agents.agents(server.url, quick, slow):
        found = probe(server.url, target("b-away"), target("b-away-slow"), every=0.2, over=2.0, keep_going=stand_still)
    add_up(found)
    row = found["agents"]["b-away-slow"]
    assert (row["late"], row["lost"], row["sent"]) == (0, 0, 10)
    assert 1 <= row["unresolved"] <= 3 and row["max_ms"] < 500
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
    with agents.agents(server.url, agents.Agent("b-long", drop_every=2)):
        found = probe(server.url, target("b-long"), every=0.01, over=1.5, timeout=0.1)
    add_up(found)
    assert (found["agents"]["b-long"]["delivered"], found["agents"]["b-long"]["lost"]) == (75, 75)
    assert max(remembered) < 60


def test_the_sampler_passes_on_the_buckets_of_its_probe(server: servers.NatsServer) -> None:
    asked = {"targets": [target("b-sampled")], "every": 0.1, "over": 1.0, "timeout": 0.3, "bucket": 0.5}
    with agents.agents(server.url, agents.Agent("b-sampled")):
        params = {"patterns": {"all": ["agent.to.b-sampled.>"]}, "window": 1.5, "probe": asked}
        found = run_sample(parse_sample(params, parse_server({"server": server.url})))
    assert found["lossless"] and found["probe"]["buckets"]["bucket_s"] == 0.5
    add_up(found["probe"])
    assert found["probe"]["agents"]["b-sampled"]["delivered"] == 10


def test_without_buckets_there_are_none(server: servers.NatsServer) -> None:
    with agents.agents(server.url, agents.Agent("b-plain")):
        assert probe(server.url, target("b-plain"), count=3, bucket=0.0)["buckets"] is None


def test_a_server_that_was_never_there() -> None:
    found = probe(f"nats://127.0.0.1:{servers.free_port()}", target("b-none"), every=1, over=5)
    assert (found["reason"], found["buckets"]) == ("nats_unreachable", {"bucket_s": 1.0, "agents": {}})
    assert (found["broke_at"], found["alive_until"], found["partial"]) == (None, None, False)
