# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that can't do all that a measurement needs: what it gives is taken, and what is missing is said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.module.nats import agents, servers
from tests.module.nats.test_probe import probe, target
from tests.module.nats.test_sample import sample
from tests.module.nats.world import World

CONNECT = '{"verbose":false,"headers":false}'


@pytest.fixture(scope="module")
def without_headers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.NatsServer]:
    with servers.running(tmp_path_factory.mktemp("nohdr"), "no_header_support: true") as running:
        yield running


def test_messages_without_headers_are_sampled_all_the_same(without_headers: servers.NatsServer) -> None:
    publisher, world = servers.Publisher(without_headers.port, CONNECT), World()

    def publish() -> None:
        publisher.publish("agent.to.x.from.y.question")
        publisher.publish("cim.agent.y.response")
        publisher.flush()

    world.at(0.5, publish)
    match = {"legacy": "legacy", "unified": "unified"}
    found = sample(
        without_headers.url, 1.0, world, agents=[{"agent": "x"}, {"agent": "y"}], match=match, own_prefix="probe"
    )
    publisher.close()
    assert (found["lossless"], found["reason"], found["total"]) == (True, None, 2)
    assert found["agents"]["y"] == {"legacy": 1, "unified": 1}
    # No pair is known to be none.
    assert (found["dual"], found["own_ids"]) == (None, None)
    assert "conversation id" in found["lacks"][0]
    assert (found["abilities"]["headers"], found["abilities"]["max_payload"]) == (False, 1024 * 1024)


def test_a_probe_says_that_headers_are_missing(without_headers: servers.NatsServer) -> None:
    found = probe(without_headers.url, target("p-any"))
    assert (found["reason"], found["agents"]) == ("nats_unsupported", {})
    assert "message headers" in found["message"] and "Conversation-Id" in found["message"]


def test_check_mode_connects_and_lists_what_is_missing(without_headers: servers.NatsServer) -> None:
    found = probe(without_headers.url, target("p-any", payload="x" * (1024 * 1024)), send=False)
    assert (found["reason"], found["floor"]["n"]) == (None, 100)
    assert ["message headers" in found["lacks"][0], "p-any" in found["lacks"][1]] == [True, True]


def test_a_server_that_has_all_lacks_nothing(server: servers.NatsServer) -> None:
    with agents.joined(server.port, agents.Agent("p-able")) as world:
        found = probe(server.url, target("p-able"), world=world)
    assert (found["lacks"], found["reason"]) == ([], None)
    able = found["abilities"]
    assert (able["headers"], able["auth_required"], able["tls_required"], able["jetstream"], able["lame_duck"]) == (
        True,
        False,
        False,
        False,
        False,
    )
