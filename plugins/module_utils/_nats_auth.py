# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials for NATS: token, user and password, NKey seed, and creds files (JWT and seed).

Signing needs Ed25519, which Python's standard library lacks; `cryptography` is imported only when a seed is used.
No error text here holds any part of a credential.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Dict, NamedTuple, Optional

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import NatsError, OptionError, Unreachable

_SEED_PREFIX = 18 << 3
_USER_PREFIX = 20 << 3
_KINDS = {
    0 << 3: "account",
    20 << 3: "user",
    13 << 3: "server",
    2 << 3: "cluster",
    14 << 3: "operator",
    23 << 3: "curve",
}
_SEED_BYTES = 36
_BLOCK = r"-----BEGIN %s-----\s*(\S+)\s*-----+END %s-----"
_JWT_BLOCK = re.compile(_BLOCK % ("NATS USER JWT", "NATS USER JWT"))
_SEED_BLOCK = re.compile(_BLOCK % ("USER NKEY SEED", "USER NKEY SEED"))
_MAX_FILE_BYTES = 1024 * 1024


class Credentials(NamedTuple):
    """At most one kind is set: token; user and password; nkey_seed; or jwt together with nkey_seed."""

    token: Optional[str] = None
    user: Optional[str] = None
    password: Optional[str] = None
    nkey_seed: Optional[str] = None
    jwt: Optional[str] = None

    def secrets(self) -> "list[str]":
        """Every value that must never be shown."""
        return [value for value in (self.token, self.password, self.nkey_seed, self.jwt) if value]

    def __repr__(self) -> str:
        return "Credentials(...)"


def user_seed_key(seed: str) -> bytes:
    """The 32 bytes of the private key in a user seed (`SU...`). Raises OptionError for anything else, without showing
    it."""
    text = seed.strip()
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise OptionError("NKey seed: not base32 (expected 58 characters A-Z2-7 that start with SU)") from None
    if len(raw) != _SEED_BYTES:
        raise OptionError(
            "NKey seed: holds %d bytes, expected %d (58 characters that start with SU)" % (len(raw), _SEED_BYTES)
        )
    if binascii.crc_hqx(raw[:-2], 0) != int.from_bytes(raw[-2:], "little"):
        raise OptionError("NKey seed: checksum does not fit, so a character is wrong or missing; copy it again")
    if raw[0] & 0xF8 != _SEED_PREFIX:
        raise OptionError("NKey seed: this is a public key or another NKey, expected a seed that starts with SU")
    kind = (raw[0] & 0x07) << 5 | (raw[1] & 0xF8) >> 3
    if kind != _USER_PREFIX:
        raise OptionError(
            "NKey seed: belongs to kind %s, expected a user seed that starts with SU" % _KINDS.get(kind, "unknown")
        )
    return raw[2:-2]


def user_public_key(key: bytes) -> str:
    """The public NKey (`U...`) of 32 bytes of Ed25519 public key."""
    raw = bytes([_USER_PREFIX]) + key
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


def parse_creds(text: str, path: str) -> Credentials:
    """JWT and seed of a creds file's text. Raises NatsError naming the file and the missing part."""
    found = []
    for pattern, part in ((_JWT_BLOCK, "NATS USER JWT"), (_SEED_BLOCK, "USER NKEY SEED")):
        block = pattern.search(text)
        if not block:
            raise NatsError(
                "creds file %s: no block %r; expected a file as `nsc generate creds` writes it" % (path, part)
            )
        found.append(block.group(1))
    return Credentials(jwt=found[0], nkey_seed=_checked_seed(found[1], path))


def read_creds(path: str) -> Credentials:
    """Credentials from a creds file. Raises NatsError when it cannot be read or is not one."""
    return parse_creds(_read(path, "creds file"), path)


def read_seed(path: str) -> Credentials:
    """Credentials from a file that holds a user seed (and perhaps comments or a creds file's BEGIN and END lines)."""
    text = _read(path, "NKey seed file")
    block = _SEED_BLOCK.search(text)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    seed = block.group(1) if block else (lines[0] if lines else "")
    return Credentials(nkey_seed=_checked_seed(seed, path))


def _checked_seed(seed: str, path: str) -> str:
    try:
        user_seed_key(seed)
    except OptionError as problem:
        raise NatsError("%s: %s" % (path, problem)) from None
    return seed


def _read(path: str, what: str) -> str:
    try:
        with open(path, "rb") as handle:
            content = handle.read(_MAX_FILE_BYTES)
    except OSError as problem:
        raise NatsError(
            "%s %s cannot be read: %s; check the path and who runs the module" % (what, path, problem.strerror)
        ) from None
    return content.decode("utf-8", "replace")


def connect_fields(credentials: Credentials, nonce: Optional[str], now: float) -> Dict[str, Any]:
    """The fields of CONNECT that prove who we are.

    `nonce` comes from the server's INFO, `now` is the time in epoch seconds (an expired JWT is named before the server
    refuses it without saying why). Raises Unreachable or NatsError.
    """
    if credentials.token is not None:
        return {"auth_token": credentials.token}
    if credentials.user is not None:
        return {"user": credentials.user, "pass": credentials.password or ""}
    if credentials.nkey_seed is None:
        return {}
    if not nonce:
        raise Unreachable(
            "the server asks for no signature (its INFO has no nonce), so it is not set up for NKeys or JWTs"
        )
    private = user_seed_key(credentials.nkey_seed)
    public, signature = _sign(private, nonce.encode())
    fields: Dict[str, Any] = {"sig": base64.urlsafe_b64encode(signature).decode().rstrip("=")}
    if credentials.jwt is not None:
        expires = _jwt_expiry(credentials.jwt)
        if expires is not None and expires <= now:
            raise Unreachable("the JWT of the creds file expired %d s ago; issue a new one" % (now - expires))
        fields["jwt"] = credentials.jwt
    else:
        fields["nkey"] = user_public_key(public)
    return fields


def _jwt_expiry(jwt: str) -> Optional[float]:
    try:
        body = jwt.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        expires = claims.get("exp") or None
        return None if expires is None else float(expires)
    except (IndexError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None  # the server is the judge of a JWT; this is only for a clearer message


def _sign(private: bytes, message: bytes) -> "tuple[bytes, bytes]":
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise NatsError(
            "NKey and creds authentication sign with Ed25519, which needs the Python library 'cryptography' on the "
            "machine that runs the module; install it there (python3-cryptography), or use a "
            "token, a user or a client certificate"
        ) from None
    key = Ed25519PrivateKey.from_private_bytes(private)
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return public, key.sign(message)
