# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tests keep rollouts: a folder, or the JetStream of a real server with a folder as working copy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nats
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger, Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import Store, open_store

from tests.module.nats.servers import NatsServer

START = datetime(2026, 1, 23, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def jetstream(directory: Path) -> str:
    """Of a server's configuration: streams are kept in this directory."""
    return f'jetstream {{ store_dir: "{directory}", max_file_store: 1G }}'


@dataclass
class Place:
    """A store as the variables of a play name it, and this controller's working folder."""

    folder: Path
    server: NatsServer | None
    variables: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.server is not None:
            self.variables = {"rollout_store": self.server.url, **self.variables}

    def store(self) -> Store:
        return open_store(self.variables, self.folder)

    def elsewhere(self, name: str) -> Place:
        """The same store from another controller: with an empty folder, or the same one where the folder is the store."""
        folder = self.folder if self.server is None else self.folder.with_name(name)
        return Place(folder, self.server, self.variables)

    def context(self, run: str = "run-1", rollout: str = "feature", **given: Any) -> Context:
        variables = {"rollout": rollout, "rollout_monitoring_dir": str(self.folder), **self.variables, **given}
        return Context(variables, needs_plan=False, run=run)


class Patience:
    """The time of those who wait for a server: it passes only by their pauses, which take none. `meanwhile` is called at each."""

    def __init__(self) -> None:
        self.waited_s = 0.0
        self.meanwhile: Callable[[], None] = lambda: None

    def clock(self) -> float:
        return self.waited_s

    def sleep(self, seconds: float) -> None:
        self.waited_s += seconds
        self.meanwhile()


def write(ledger: Ledger, kind: str = "note", seconds: float = 0.0, **data: Any) -> Record:
    return ledger.append(rollout="feature", attempt=1, run="run-1", by="me@here", kind=kind, data=data, now=at(seconds))


def begin(context: Context) -> None:
    data = {"hosts": ["host-1"], "agents": ["a"], "plan": {}, "time_scale": 1.0}
    context.record("rollout.started", data, at(0), attempt=1)


def directly(server: NatsServer, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """Ask the server by a connection that is not the one under test."""

    async def done() -> Any:
        client = await nats.connect(server.url)
        try:
            return await work(client.jetstream())
        finally:
            await client.close()

    return asyncio.run(done())
