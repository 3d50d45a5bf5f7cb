# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real nats-servers joined in the ways that sites join them: leaf nodes, gateways, accounts, permissions."""

from __future__ import annotations

import contextlib
import json
import pathlib
import time
import urllib.request
from collections.abc import Callable, Iterator

from tests.module.nats.servers import HANGS_S, NatsServer, free_port


def monitored(server: NatsServer, page: str) -> dict:
    """What a monitoring page says."""
    with urllib.request.urlopen(f"{server.monitor}/{page}", timeout=HANGS_S) as answer:
        return dict(json.loads(answer.read()))


def wait_until(reached: Callable[[], bool], what: str) -> None:
    """Only what hangs takes long."""
    deadline = time.monotonic() + HANGS_S
    while not reached():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


class Site:
    """Servers by name, started one after the other and all ended together."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.servers: dict[str, NatsServer] = {}

    def add(self, name: str, config: str = "") -> NatsServer:
        self.servers[name] = NatsServer(self.folder, config, name)
        return self.servers[name]

    def hub(self, name: str = "hub", config: str = "") -> int:
        """A server that takes leaf nodes; gives the port for them."""
        port = free_port()
        self.add(name, f'leafnodes {{ listen: "127.0.0.1:{port}" }}\n{config}')
        return port

    def leaf(self, name: str, of: int, config: str = "", remote: str = "", listens: int = 0) -> NatsServer:
        """A leaf node of the server with that port, once it is joined.

        `remote`: what else stands in its remote; `listens`: the port on which it takes leaf nodes itself.
        """
        takes = f'listen: "127.0.0.1:{listens}",' if listens else ""
        link = f'leafnodes {{ {takes} remotes: [ {{ url: "nats-leaf://127.0.0.1:{of}" {remote} }} ] }}\n'
        server = self.add(name, link + config)
        wait_until(lambda: bool(monitored(server, "leafz").get("leafs")), f"{name} to be joined")
        return server

    def urls(self, *names: str) -> dict[str, str]:
        return {name: self.servers[name].url for name in names}

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()


@contextlib.contextmanager
def site(folder: pathlib.Path) -> Iterator[Site]:
    """A site for the duration of a with block."""
    made = Site(folder)
    try:
        yield made
    finally:
        made.stop()
