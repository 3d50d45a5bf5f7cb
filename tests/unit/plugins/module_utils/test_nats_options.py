# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options and credentials: what is refused, and that no message shows a secret."""

from __future__ import annotations

import base64
import binascii
import builtins
import json
import pathlib

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _nats_auth as auth
from ansible_collections.cowboyai.rollout.plugins.module_utils import _nats_options as options
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import NatsError, OptionError, Unreachable


def seed(kind: int = 20, key: bytes = bytes(range(32)), prefix: int = 18) -> str:
    """A seed as the nk tool would encode it."""
    raw = bytes([prefix << 3 | kind << 3 >> 5, (kind << 3 & 0x1F) << 3]) + key
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


def test_a_user_seed_gives_its_key() -> None:
    assert seed().startswith("SU") and len(seed()) == 58
    assert auth.user_seed_key(f" {seed()}\n") == bytes(range(32))


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "0 bytes"),
        ("not base32 !", "not base32"),
        ("SUAM", "2 bytes"),
        (seed()[:-1] + ("A" if seed()[-1] != "A" else "B"), "checksum"),
        (seed()[:20] + ("A" if seed()[20] != "A" else "B") + seed()[21:], "checksum"),
        (seed().lower(), "not base32"),
        (seed(kind=0), "kind account"),
        (seed(prefix=20), "public key"),
    ],
)
def test_broken_seeds_are_refused_without_being_shown(text: str, said: str) -> None:
    with pytest.raises(OptionError) as problem:
        auth.user_seed_key(text)
    assert said in str(problem.value)
    assert len(text) < 5 or text[:12] not in str(problem.value)


def creds(jwt: str = "a.b.c") -> str:
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n************************* IMPORTANT\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed()}\n------END USER NKEY SEED------\n"
    )


def test_creds_files() -> None:
    found = auth.parse_creds(creds(), "f")
    assert (found.jwt, found.nkey_seed) == ("a.b.c", seed())
    assert auth.parse_creds(creds().replace("\n", "\r\n"), "f") == found
    for part in ("NATS USER JWT", "USER NKEY SEED"):
        with pytest.raises(NatsError, match=part):
            auth.parse_creds(creds().replace(part, "X"), "f")


def test_files_that_cannot_be_used(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NatsError, match="cannot be read"):
        auth.read_creds(str(tmp_path / "none"))
    broken = tmp_path / "broken"
    broken.write_text("SUABC")
    with pytest.raises(NatsError, match=str(broken)):
        auth.read_seed(str(broken))
    good = tmp_path / "good"
    good.write_text(f"# mine\n\n{seed()}\n")
    assert auth.read_seed(str(good)).nkey_seed == seed()


def test_connect_fields() -> None:
    assert auth.connect_fields(auth.Credentials(), None, 0.0) == {}
    assert auth.connect_fields(auth.Credentials(token="t"), None, 0.0) == {"auth_token": "t"}
    assert auth.connect_fields(auth.Credentials(user="u", password="p"), None, 0.0) == {"user": "u", "pass": "p"}
    with pytest.raises(Unreachable, match="nonce"):
        auth.connect_fields(auth.Credentials(nkey_seed=seed()), None, 0.0)


def test_an_expired_jwt_is_named() -> None:
    body = base64.urlsafe_b64encode(json.dumps({"exp": 100}).encode()).decode().rstrip("=")
    mine = auth.Credentials(jwt=f"h.{body}.s", nkey_seed=seed())
    with pytest.raises(Unreachable, match="expired 20 s ago"):
        auth.connect_fields(mine, "nonce", 120.0)
    assert auth.connect_fields(mine, "nonce", 99.0)["jwt"] == mine.jwt
    assert "sig" in auth.connect_fields(mine._replace(jwt="nonsense"), "nonce", 120.0)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(NatsError, match="cryptography"):
        auth.connect_fields(auth.Credentials(nkey_seed=seed()), "nonce", 0.0)


def test_credentials_do_not_show_themselves() -> None:
    assert "hunter2" not in repr(auth.Credentials(user="u", password="hunter2"))


@pytest.mark.parametrize(
    "url, host, port",
    [
        ("nats://10.0.0.1:4333", "10.0.0.1", 4333),
        ("nats://somewhere", "somewhere", 4222),
        ("somewhere:1", "somewhere", 1),
        ("tls://[::1]:4222/", "::1", 4222),
    ],
)
def test_servers(url: str, host: str, port: int) -> None:
    server = options.parse_server({"server": url})
    assert (server.host, server.port) == (host, port)
    assert server.tls == url.startswith("tls")
    assert server.label == ("[%s]:%d" if ":" in host else "%s:%d") % (host, port)


def test_credentials_in_the_url() -> None:
    assert options.parse_server({"server": "nats://u:p%40ss@h"}).credentials() == auth.Credentials(
        user="u", password="p@ss"
    )
    assert options.parse_server({"server": "nats://tok@h"}).credentials() == auth.Credentials(token="tok")
    given = options.parse_server({"server": "nats://u:p@h", "auth": {"token": "t", "user": None}})
    assert given.credentials() == auth.Credentials(token="t")
    assert set(options.url_secrets("nats://u:p%40ss@h:1")) == {"p@ss", "p%40ss", "u:p@ss", "u:p%40ss"}
    assert options.url_secrets("nats://tok@h") == ["tok"]
    assert options.url_secrets("nats://h") == options.url_secrets(None) == []


@pytest.mark.parametrize(
    "params",
    [
        {"server": ""},
        {"server": None},
        {"server": "http://u:hunter2@h"},
        {"server": "nats://u:hunter2@h:port"},
        {"server": "nats://u:hunter2@h:99999"},
        {"server": "nats://u:hunter2@:4222"},
        {"server": "nats://u:hunter2@h/path"},
        {"server": "nats://u:hunter2@a:1,b:2"},
        {"server": "nats://u:hunter2@[::1"},
        {"server": "nats://h", "auth": {"token": "hunter2", "user": "u"}},
        {"server": "nats://h", "auth": {"password": "hunter2"}},
        {"server": "nats://h", "auth": {"nkey_seed": "hunter2"}},
        {"server": "nats://h", "tls": {"cert_file": "/x"}},
        {"server": "nats://h", "connect_timeout": 0},
    ],
)
def test_bad_options_are_refused_without_showing_secrets(params: dict[str, object]) -> None:
    with pytest.raises(OptionError) as problem:
        options.parse_server(params)
    assert "hunter2" not in str(problem.value)


def test_tls_is_wanted_when_its_options_are_given() -> None:
    assert not options.parse_server({"server": "nats://h", "tls": {"verify": True}}).tls
    assert options.parse_server({"server": "nats://h", "tls": {"ca_file": "/ca"}}).tls
    assert options.parse_server({"server": "nats://h", "tls": {"first": True}}).tls
