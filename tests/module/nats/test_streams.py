# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams that capture requests, as a real server lists them."""

from __future__ import annotations

import asyncio
import pathlib
from typing import Any

import nats
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe import run_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import parse_probe

from tests.module.nats import servers


def probed(url: str) -> dict[str, Any]:
    """What preflight asks: check mode, two agents."""
    targets = [{"agent": name, "subject": f"agent.to.{name}.question"} for name in ("a", "b")]
    request = parse_probe({"targets": targets, "sender": "rollout", "inbox_prefix": "_INBOX"}, send=False)
    return dict(run_probe(parse_server({"server": url, "connect_timeout": servers.HANGS_S}), request))


def with_streams(url: str, *streams: dict[str, Any]) -> None:
    async def make() -> None:
        client = await nats.connect(url)
        for stream in streams:
            await client.jetstream().add_stream(**stream)
        await client.close()

    asyncio.run(make())


def test_streams_over_requests_are_found_and_others_are_not(directory: pathlib.Path) -> None:
    with servers.running(directory, f'jetstream {{ store_dir: "{directory}/js" }}') as server:
        with_streams(
            server.url,
            {"name": "AGENTS", "subjects": ["agent.to.a.>"]},
            {"name": "QUIET", "subjects": ["agent.to.b.>"], "no_ack": True},
            {"name": "OTHER", "subjects": ["metrics.>"]},
        )
        found = probed(server.url)
        assert (found["reason"], found["streams_unknown"]) == (None, None)
        assert found["streams"] == [
            {"stream": "AGENTS", "subject": "agent.to.a.question", "captures": ["agent.to.a.>"], "no_ack": False},
            {"stream": "QUIET", "subject": "agent.to.b.question", "captures": ["agent.to.b.>"], "no_ack": True},
        ]


def test_hundreds_of_streams_are_read_page_by_page(directory: pathlib.Path) -> None:
    with servers.running(directory, f'jetstream {{ store_dir: "{directory}/js" }}') as server:
        streams = [
            {"name": f"S{n}", "subjects": [f"agent.to.{'a.question' if n == 299 else f'x{n}'}"], "storage": "memory"}
            for n in range(300)
        ]
        with_streams(server.url, *streams)
        assert [each["stream"] for each in probed(server.url)["streams"]] == ["S299"]


def test_without_jetstream_there_is_no_stream(server: servers.NatsServer) -> None:
    found = probed(server.url)
    assert (found["reason"], found["streams"], found["streams_unknown"]) == (None, [], None)


def test_who_may_not_list_streams_is_told(directory: pathlib.Path) -> None:
    allowed = 'permissions: { publish: { deny: "$JS.API.>" } }'
    config = f'jetstream {{ store_dir: "{directory}/js" }}\nno_auth_user: u\n'
    config += f"accounts {{ A {{ jetstream: enabled, users: [{{ user: u, password: p, {allowed} }}] }} }}"
    with servers.running(directory, config) as server:
        found = probed(server.url)
        assert found["streams"] == []
        assert "$JS.API.STREAM.LIST" in found["streams_unknown"]
