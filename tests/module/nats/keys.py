# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NKeys, JWTs and certificates made for one test run."""

from __future__ import annotations

import base64
import binascii
import datetime
import ipaddress
import json
import pathlib
import time
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

KINDS = {"user": 20, "account": 0, "operator": 14}


class NKey:
    """A fresh key pair of one kind."""

    def __init__(self, kind: str) -> None:
        self._key = Ed25519PrivateKey.generate()
        number = KINDS[kind] << 3
        private = self._key.private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        )
        public = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.seed = _encode(bytes([18 << 3 | number >> 5, (number & 0x1F) << 3]) + private)
        self.public = _encode(bytes([number]) + public)

    def jwt(self, subject: str, name: str, nats: dict[str, Any], **claims: Any) -> str:
        """A JWT about `subject`, signed by this key, as nsc writes them."""
        body = {"jti": name, "iat": int(time.time()), "iss": self.public, "name": name, "sub": subject, **claims}
        body["nats"] = {"version": 2, **nats}
        parts = [_json({"typ": "JWT", "alg": "ed25519-nkey"}), _json(body)]
        return ".".join([*parts, _base64(self._key.sign(".".join(parts).encode()))])


def _encode(raw: bytes) -> str:
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _json(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


class Operator:
    """Operator, one account with JetStream, and creds for its users; `config` makes a server trust them."""

    def __init__(self) -> None:
        operator, self._account, system = NKey("operator"), NKey("account"), NKey("account")
        unlimited = ("subs", "data", "payload", "imports", "exports", "conn", "leaf")
        limits = {**dict.fromkeys(unlimited, -1), "wildcards": True}
        stored = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
        accounts = {
            self._account.public: operator.jwt(
                self._account.public, "A", {"type": "account", "limits": {**limits, **stored}}
            ),
            system.public: operator.jwt(system.public, "SYS", {"type": "account", "limits": limits}),
        }
        preload = "\n".join(f"{public}: {jwt}" for public, jwt in accounts.items())
        trusted = operator.jwt(operator.public, "O", {"type": "operator"})
        # A server in operator mode has JetStream only beside a system account.
        self.config = f"operator: {trusted}\nsystem_account: {system.public}\nresolver: MEMORY\nresolver_preload {{\n{preload}\n}}\n"

    def creds(self, of: NKey | None = None, **claims: Any) -> str:
        """The text of a creds file for a new user, of our account or of another one."""
        user = NKey("user")
        jwt = (of or self._account).jwt(
            user.public, "u", {"type": "user", "subs": -1, "data": -1, "payload": -1}, **claims
        )
        return (
            f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
        )


class Authority:
    """A CA that writes PEM files into a directory."""

    def __init__(self, directory: pathlib.Path, name: str = "ca") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = _builder(self._name, self._name, self._key, 1).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.path = directory / f"{name}.pem"
        self.path.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, address: str = "127.0.0.1", days: int = 1) -> tuple[pathlib.Path, pathlib.Path]:
        """Certificate and key for an address; negative days: expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        certificate = _builder(subject, self._name, key, days).add_extension(names, critical=False)
        paths = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        paths[0].write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=10))
        .not_valid_after(now + datetime.timedelta(days=days))
    )
