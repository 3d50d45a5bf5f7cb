# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where and how to connect: the options that all NATS modules share, checked and turned into one value."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional
from urllib.parse import unquote, urlsplit

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_auth import (
    Credentials,
    read_creds,
    read_seed,
    user_seed_key,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import OptionError

DEFAULT_PORT = 4222


def connection_argument_spec() -> Dict[str, Dict[str, Any]]:
    """The argument spec of the options in the doc fragment `cowboyai.rollout.nats`."""
    return {
        "server": {"type": "str", "required": True},
        "auth": {
            "type": "dict",
            "default": {},
            "options": {
                "token": {"type": "str", "no_log": True},
                "user": {"type": "str"},
                "password": {"type": "str", "no_log": True},
                "nkey_seed": {"type": "str", "no_log": True},
                "nkey_seed_file": {"type": "path", "no_log": False},
                "creds_file": {"type": "path", "no_log": False},
            },
        },
        "tls": {
            "type": "dict",
            "default": {},
            "options": {
                "ca_file": {"type": "path"},
                "cert_file": {"type": "path"},
                "key_file": {"type": "path", "no_log": False},
                "verify": {"type": "bool", "default": True},
                "first": {"type": "bool", "default": False},
            },
        },
        "connect_timeout": {"type": "float", "default": 5.0},
    }


class Server(NamedTuple):
    """A checked server address with everything needed to connect. `label` (host:port) is its only name in messages."""

    host: str
    port: int
    tls: bool
    tls_first: bool
    tls_verify: bool
    ca_file: Optional[str]
    cert_file: Optional[str]
    key_file: Optional[str]
    url_credentials: Credentials
    auth: Mapping[str, Any]
    connect_timeout: float

    @property
    def label(self) -> str:
        """host:port, without credentials."""
        return "%s:%d" % ("[%s]" % self.host if ":" in self.host else self.host, self.port)

    def credentials(self) -> Credentials:
        """The credentials, reading the file that holds them. Raises NatsError when it cannot be used."""
        auth = self.auth
        if auth.get("creds_file"):
            return read_creds(auth["creds_file"])
        if auth.get("nkey_seed_file"):
            return read_seed(auth["nkey_seed_file"])
        if auth.get("nkey_seed"):
            return Credentials(nkey_seed=auth["nkey_seed"].strip())
        if auth.get("token"):
            return Credentials(token=auth["token"])
        if auth.get("user"):
            return Credentials(user=auth["user"], password=auth.get("password") or "")
        return self.url_credentials


def url_secrets(url: Any) -> List[str]:
    """Every part of a server URL that may be a secret, in all spellings; works on broken URLs too, to keep them out
    of logs."""
    if not isinstance(url, str) or "@" not in url:
        return []
    userinfo = url.split("://", 1)[-1].rpartition("@")[0]
    user, colon, password = userinfo.partition(":")
    # Without a colon the user part is a token.
    found = (password if colon else user, userinfo)
    return sorted({text for part in found for text in (part, unquote(part)) if text})


def parse_server(params: Mapping[str, Any]) -> Server:
    """Check the shared options. Raises OptionError; no message shows credentials."""
    auth = {key: value for key, value in (params.get("auth") or {}).items() if value}
    tls = params.get("tls") or {}
    host, port, scheme, from_url = _split_url(params.get("server"))
    kinds = [kind for kind in ("token", "user", "nkey_seed", "nkey_seed_file", "creds_file") if auth.get(kind)]
    if len(kinds) > 1:
        raise OptionError("auth: only one kind of credentials can be used, seen %s" % " and ".join(kinds))
    if auth.get("password") and not auth.get("user"):
        raise OptionError("auth: password is given without user")
    if auth.get("nkey_seed"):
        user_seed_key(auth["nkey_seed"])
    if bool(tls.get("cert_file")) != bool(tls.get("key_file")):
        raise OptionError("tls: cert_file and key_file belong together, only one of them is given")
    timeout = params.get("connect_timeout", 5.0)
    if not isinstance(timeout, (int, float)) or not 0 < timeout <= 300:
        raise OptionError("connect_timeout: %r s, expected more than 0 and at most 300" % (timeout,))
    return Server(
        host=host,
        port=port,
        tls=scheme == "tls" or bool(tls.get("ca_file") or tls.get("cert_file") or tls.get("first")),
        tls_first=bool(tls.get("first")),
        tls_verify=tls.get("verify") is not False,
        ca_file=tls.get("ca_file"),
        cert_file=tls.get("cert_file"),
        key_file=tls.get("key_file"),
        url_credentials=from_url,
        auth=auth,
        connect_timeout=float(timeout),
    )


def _split_url(url: Any) -> "tuple[str, int, str, Credentials]":
    if not isinstance(url, str) or not url.strip():
        raise OptionError("server: expected a URL such as nats://nats.example.org:4222")
    text = url.strip()
    if "," in text.rpartition("@")[2]:
        raise OptionError(
            "server: expected one server, seen a list; evidence must come from a server that is known by name"
        )
    try:
        parts = urlsplit(text if "://" in text else "nats://" + text)
        host, port = parts.hostname, parts.port
    except ValueError:
        # The parser's own message would repeat the URL with its credentials.
        raise OptionError(
            "server: not a URL (host or port cannot be read), expected nats://host:4222 or tls://host:4222"
        ) from None
    if parts.scheme not in ("nats", "tls"):
        raise OptionError("server: scheme %r, expected nats:// or tls:// (websocket is not supported)" % parts.scheme)
    if not host or any(letter.isspace() for letter in host):
        raise OptionError("server: no host in the URL, expected nats://host:4222")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise OptionError("server: seen more than host and port, expected nats://host:4222")
    if parts.username is None:
        found = Credentials()
    elif parts.password is None:
        found = Credentials(token=unquote(parts.username))
    else:
        found = Credentials(user=unquote(parts.username), password=unquote(parts.password))
    return host, port or DEFAULT_PORT, parts.scheme, found
