# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Getting in: every kind of credentials and of TLS on real servers, and peers that are no NATS servers."""

from __future__ import annotations

import json
import pathlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import NatsError, ProtocolError, Unreachable
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_wire import connect

from tests.module.nats import keys, peers, servers
from tests.module.nats.test_sample import in_thread, sample
from tests.module.nats.world import World

HOME = "127.0.0.1"


def enter(url: str, clock: Callable[[], float] = time.monotonic, **params: Any) -> str:
    """The name of the server after a full login."""
    server = parse_server({"server": url, "connect_timeout": servers.HANGS_S, **params})
    with connect(server, "test", clock=clock) as connection:
        return str(connection.info["server_name"])


def refusal(url: str, host: str = HOME, **params: Any) -> str:
    """Why we do not get in."""
    with pytest.raises(NatsError) as problem:
        enter(url, **params)
    assert isinstance(problem.value, (Unreachable, ProtocolError))
    text = str(problem.value)
    assert host in text and "secret" not in text
    return text


class Patience:
    """The clock of somebody who waits for a peer that has `said` all that it will, from when there is next to no time left.

    It ends after a few looks, however long they take.
    """

    def __init__(self, said: threading.Event) -> None:
        self._said, self._now = said, 0.0

    def __call__(self) -> float:
        if self._now == 0.0:
            self._now = servers.HANGS_S - 0.25
            return 0.0
        assert self._said.wait(servers.HANGS_S)
        self._now += 0.05
        return self._now


@pytest.mark.parametrize(
    "config, user, auth, wrong",
    [
        ("token: secret-token", "secret-token@", {"token": "secret-token"}, {"token": "wrong"}),
        (
            "user: u, password: secret-word",
            "u:secret-word@",
            {"user": "u", "password": "secret-word"},
            {"user": "u", "password": "wrong-secret"},
        ),
    ],
)
def test_token_and_password(
    directory: pathlib.Path, config: str, user: str, auth: dict[str, str], wrong: dict[str, str]
) -> None:
    with servers.running(directory, f"authorization {{ {config} }}") as mine:
        assert enter(mine.url, auth=auth) == "n1"
        assert enter(mine.url.replace("//", "//" + user)) == "n1"
        assert "credentials" in refusal(mine.url, auth=wrong)
        assert "none are given" in refusal(mine.url)


def test_nkey(directory: pathlib.Path) -> None:
    mine, stranger = keys.NKey("user"), keys.NKey("user")
    path = directory / "seed.nk"
    path.write_text(mine.seed + "\n")
    with servers.running(directory, f"authorization {{ users: [{{ nkey: {mine.public} }}] }}") as running:
        assert enter(running.url, auth={"nkey_seed": mine.seed}) == "n1"
        assert enter(running.url, auth={"nkey_seed_file": str(path)}) == "n1"
        assert "credentials" in refusal(running.url, auth={"nkey_seed": stranger.seed})


def test_nkey_where_no_signature_is_asked(server: servers.NatsServer) -> None:
    assert "nonce" in refusal(server.url, auth={"nkey_seed": keys.NKey("user").seed})


def test_creds(directory: pathlib.Path) -> None:
    operator, stranger = keys.Operator(), keys.Operator()
    paths = {name: directory / f"{name}.creds" for name in ("good", "foreign", "expired")}
    paths["good"].write_text(operator.creds(exp=int(time.time()) + 3600))
    paths["foreign"].write_text(stranger.creds())
    paths["expired"].write_text(operator.creds(exp=int(time.time()) - 3600))
    with servers.running(directory, operator.config) as running:
        assert enter(running.url, auth={"creds_file": str(paths["good"])}) == "n1"
        assert sample(running.url, 0.3, auth={"creds_file": str(paths["good"])})["lossless"]
        assert "credentials" in refusal(running.url, auth={"creds_file": str(paths["foreign"])})
        with pytest.raises(Unreachable, match="expired"):
            enter(running.url, auth={"creds_file": str(paths["expired"])})


def test_creds_that_expire_in_the_window_end_it(directory: pathlib.Path) -> None:
    operator = keys.Operator()
    path = directory / "short.creds"
    with servers.running(directory, operator.config) as running:
        # The login must come before they expire, on a machine of any speed.
        for lasts_s in (2, 4, 8, 16, 32, 64):
            path.write_text(operator.creds(exp=int(time.time()) + lasts_s))
            world = World()
            world.at(0.6, lambda world=world: world.hold(lambda: False))  # type: ignore[misc]
            found = sample(running.url, 20.0, world, auth={"creds_file": str(path)})
            if found["reason"] != "nats_unreachable":
                break
            assert "expired" in found["message"]
    assert found["reason"] == "sampler_lossy" and found["window_s"] == pytest.approx(0.5)


def tls_config(authority: keys.Authority, name: str = "server", more: str = "", **issue: Any) -> str:
    certificate, key = authority.issue(name, **issue)
    return f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{authority.path}" {more} }}'


def test_tls(directory: pathlib.Path) -> None:
    authority, stranger = keys.Authority(directory), keys.Authority(directory, "stranger")
    ca = {"ca_file": str(authority.path)}
    with servers.running(directory, tls_config(authority)) as mine:
        tls_url = mine.url.replace("nats:", "tls:")
        assert enter(mine.url, tls=ca) == enter(tls_url, tls=ca) == "n1"
        assert "not accepted" in refusal(tls_url, tls={"ca_file": str(stranger.path)})
        # The server asks for TLS, so we check it even though nobody mentioned TLS.
        assert "not accepted" in refusal(mine.url)
        assert enter(mine.url, tls={"verify": False}) == "n1"
        assert "not accepted" in refusal(f"tls://localhost:{mine.port}", "localhost", tls=ca)


def test_tls_with_credentials_sends_none_to_a_stranger(directory: pathlib.Path) -> None:
    """A plain server where TLS is wanted gets nothing at all."""
    received: list[bytes] = []

    def plain(sock: socket.socket) -> None:
        sock.sendall(b'INFO {"server_id":"x","auth_required":true}\r\n')
        received.append(sock.recv(1000))

    with peers.peer(plain) as port:
        assert "offers no TLS" in refusal(f"tls://u:secret@{HOME}:{port}")
    assert received == [b""]


def test_plain_text_slipped_in_before_tls_is_refused() -> None:
    def slip(sock: socket.socket) -> None:
        sock.sendall(b'INFO {"tls_required":true}\r\nMSG a 1 1\r\nx\r\n')
        sock.recv(1000)

    with peers.peer(slip) as port:
        assert "plain text" in refusal(f"tls://{HOME}:{port}")


@pytest.mark.parametrize("issue, said", [({"days": -1}, "expired"), ({"address": "127.0.0.2"}, "mismatch")])
def test_certificates_that_do_not_fit(directory: pathlib.Path, issue: dict[str, Any], said: str) -> None:
    authority = keys.Authority(directory)
    with servers.running(directory, tls_config(authority, **issue)) as mine:
        assert said in refusal(mine.url, tls={"ca_file": str(authority.path)})


def test_tls_first(directory: pathlib.Path) -> None:
    authority = keys.Authority(directory)
    ca = {"ca_file": str(authority.path)}
    with servers.running(directory, tls_config(authority, more=", handshake_first: true, timeout: 600")) as mine:
        assert enter(mine.url, tls={**ca, "first": True}) == "n1"
        # Both wait for the other to begin.
        nothing = threading.Event()
        nothing.set()
        assert "TLS first" in refusal(mine.url, tls=ca, clock=Patience(nothing))


def test_tls_first_where_it_is_not_spoken(server: servers.NatsServer) -> None:
    assert "TLS" in refusal(server.url, tls={"first": True})


def test_client_certificates(directory: pathlib.Path) -> None:
    authority, stranger = keys.Authority(directory), keys.Authority(directory, "stranger")
    mine_pem, mine_key = authority.issue("client")
    other_pem, other_key = stranger.issue("other")
    ca = {"ca_file": str(authority.path)}
    with servers.running(directory, tls_config(authority, more=", verify: true")) as mine:
        assert enter(mine.url, tls={**ca, "cert_file": str(mine_pem), "key_file": str(mine_key)}) == "n1"
        refused = refusal(mine.url, tls={**ca, "cert_file": str(other_pem), "key_file": str(other_key)})
        assert f"{other_pem} is given" in refused
        assert "none is given" in refusal(mine.url, tls=ca)


@pytest.mark.parametrize("broken", ["ca_file", "cert_file"])
def test_tls_files_that_cannot_be_used(directory: pathlib.Path, broken: str) -> None:
    authority = keys.Authority(directory)
    pem, key = authority.issue("client")
    files = {"ca_file": str(authority.path), "cert_file": str(pem), "key_file": str(key)}
    nonsense = directory / "nonsense"
    nonsense.write_text("not PEM")
    with servers.running(directory, tls_config(authority)) as mine:
        for path in (nonsense, directory / "none"):
            with pytest.raises(NatsError, match="TLS files cannot be used"):
                enter(mine.url, tls={**files, broken: str(path)})


def test_exact_counts_over_tls(directory: pathlib.Path) -> None:
    authority = keys.Authority(directory)
    with servers.running(directory, tls_config(authority)) as mine:

        def publish() -> None:
            raw = socket.create_connection((HOME, mine.port), servers.HANGS_S)
            raw.recv(65536)
            context = ssl.create_default_context(cafile=str(authority.path))
            with context.wrap_socket(raw, server_hostname=HOME) as sock:
                sock.sendall(b'CONNECT {"verbose":false}\r\n')
                batch = b"".join(servers.frame("cim.agent.x", b"x" * 1000) for _number in range(500))
                for _batch in range(20):
                    sock.sendall(batch)
                sock.sendall(b"PING\r\n")
                while b"PONG" not in sock.recv(65536):
                    pass

        world = World(drift_s=0.00005)
        in_thread(world, 0.5, publish)
        found = sample(mine.url, 3.0, world, tls={"ca_file": str(authority.path)}, monitor_url=mine.monitor)
    assert (found["lossless"], found["message"]) == (True, None)
    assert found["groups"]["unified"]["messages"] == 10_000


class Says:
    """A peer that says this, and then nothing more; or `hangs_up`."""

    def __init__(self, data: bytes, hangs_up: bool = False) -> None:
        self._data, self.hangs_up, self.said = data, hangs_up, threading.Event()

    def __call__(self, sock: socket.socket) -> None:
        sock.sendall(self._data)
        self.said.set()
        while not self.hangs_up and sock.recv(65536):
            pass


@pytest.mark.parametrize(
    "answer, expected",
    [
        (Says(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "does not greet as NATS"),
        (Says(b"HTTP/1.1 400 Bad Request\r\n\r\n", hangs_up=True), "does not greet as NATS"),
        (Says(b"INFO nonsense\r\n"), "not a JSON object"),
        (Says(b"INFO []\r\n"), "not a JSON object"),
        (Says(b"INFO {\xff\xfe}\r\n"), "not a JSON object"),
        (Says(b"", hangs_up=True), "closed the connection before its INFO"),
        (Says(b""), "no INFO within"),
        (Says(b"INFO {"), "no INFO within"),
        (Says(b"INFO {}\r\n"), "no PONG within"),
        (Says(b"INFO {}\r\n", hangs_up=True), "NATS server"),
        (Says(b"INFO {}\r\nGARBAGE\r\n"), "does not speak the NATS client protocol"),
        (Says(b"INFO {}\r\n-ERR 'Maximum Connections Exceeded'\r\n"), "Maximum Connections"),
    ],
)
def test_peers_that_are_no_nats_servers(answer: Says, expected: str) -> None:
    clock = time.monotonic if answer.hangs_up else Patience(answer.said)
    with peers.peer(answer) as port:
        assert expected in refusal(f"nats://{HOME}:{port}", clock=clock)


def test_secrets_stay_out_of_samples(directory: pathlib.Path) -> None:
    with servers.running(directory, "authorization { token: right }") as mine:
        found = sample(mine.url.replace("//", "//hunter2@"), 0.3)
    assert found["reason"] == "nats_unreachable"
    assert "hunter2" not in json.dumps(found)
