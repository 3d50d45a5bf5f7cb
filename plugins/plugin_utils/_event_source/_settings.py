# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of the event source, checked: every refusal says which argument, what was seen, what is expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_auth import Credentials
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import NatsError
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import Server, parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._subjects import SubjectError, check_pattern, overlap
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._event import Limits

ARGUMENTS = (
    "accept",
    "ack_wait",
    "auth",
    "buffer",
    "connect_timeout",
    "deliver",
    "durable",
    "max_depth",
    "max_payload",
    "plain",
    "queue_group",
    "servers",
    "stream",
    "subjects",
    "tls",
)
_AUTH = ("token", "user", "password", "nkey_seed", "nkey_seed_file", "creds_file")
_TLS = ("ca_file", "cert_file", "key_file", "verify", "first")
_CORE_ONLY = ("buffer", "queue_group")
_STREAM_ONLY = ("ack_wait", "deliver", "durable")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ArgumentError(ValueError):
    """An argument that can't be used. No text here shows credentials."""


@dataclass(frozen=True)
class Settings:
    """Arguments that can work together. Without `stream` messages come from core NATS."""

    servers: tuple[Server, ...]
    subjects: tuple[str, ...]
    limits: Limits
    stream: str | None
    durable: str | None
    deliver: str
    ack_wait: float
    queue_group: str
    buffer: int

    def credentials(self) -> Credentials:
        """Read anew for each connection, so that a renewed file is used. Raises NatsError."""
        return self.servers[0].credentials()

    @property
    def label(self) -> str:
        """The servers without anything secret."""
        return ", ".join(server.label for server in self.servers)


def settings_from(args: Mapping[str, Any]) -> Settings:
    """Check the arguments of `main`. Raises ArgumentError."""
    unknown = sorted(set(args) - set(ARGUMENTS))
    if unknown:
        raise ArgumentError(f"unknown argument {', '.join(map(repr, unknown))}; there are: {', '.join(ARGUMENTS)}")
    given = {name: value for name, value in args.items() if value is not None and value != ""}
    stream = _name(given, "stream")
    for name in _STREAM_ONLY if stream is None else _CORE_ONLY:
        if name in given:
            why = (
                "belongs to a stream, and 'stream' is not given"
                if stream is None
                else "is for core NATS, not for a stream"
            )
            raise ArgumentError(f"{name}: {why}")
    durable = _name(given, "durable")
    if stream is not None and durable is None:
        raise ArgumentError(
            "durable: missing; with 'stream' it names the consumer that remembers what was acknowledged, for instance durable: rulebook"
        )
    accept = _accept(given.get("accept", {}))
    deliver = given.get("deliver", "new")
    if deliver not in ("new", "all"):
        raise ArgumentError(f"deliver: {deliver!r}, expected new or all")
    return Settings(
        servers=_servers(given),
        subjects=_subjects(given.get("subjects")),
        limits=Limits(
            max_payload=int(_number(given, "max_payload", 65536, 1, 8 * 1024 * 1024, whole=True)),
            max_depth=int(_number(given, "max_depth", 16, 1, 100, whole=True)),
            accept=accept,
            plain=_plain(given.get("plain", []), accept),
        ),
        stream=stream,
        durable=durable,
        deliver=deliver,
        ack_wait=_number(given, "ack_wait", 30, 1, 3600),
        queue_group=_name(given, "queue_group") or "",
        buffer=int(_number(given, "buffer", 1000, 1, 1_000_000, whole=True)),
    )


def _name(given: Mapping[str, Any], argument: str) -> str | None:
    value = given.get(argument)
    if value is not None and not (isinstance(value, str) and _NAME.fullmatch(value)):
        raise ArgumentError(f"{argument}: {value!r}, expected a name of letters, digits, _ and -, at most 64")
    return value


def _number(
    given: Mapping[str, Any], argument: str, default: float, least: float, most: float, whole: bool = False
) -> float:
    value = given.get(argument, default)
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
    if not good or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise ArgumentError(f"{argument}: {value!r}, expected {kind} from {least} to {most}")
    return float(value)


def _subjects(value: Any) -> tuple[str, ...]:
    subjects = [value] if isinstance(value, str) else value
    if not isinstance(subjects, list) or not subjects:
        raise ArgumentError(f"subjects: {value!r}, expected a list of subjects such as [rollout.alert]")
    for number, subject in enumerate(subjects):
        try:
            check_pattern(subject)
        except SubjectError as problem:
            raise ArgumentError(f"subjects: {problem}") from None
        for other in subjects[:number]:
            if overlap(subject.encode(), other.encode()):
                raise ArgumentError(f"subjects: {other!r} and {subject!r} meet: a message would be an event twice")
    return tuple(subjects)


def _accept(value: Any) -> dict[str, re.Pattern[str]]:
    if not isinstance(value, dict):
        raise ArgumentError(f"accept: expected a mapping of fields to regular expressions, seen {type(value).__name__}")
    patterns = {}
    for field, pattern in value.items():
        if not isinstance(field, str) or not isinstance(pattern, str) or not pattern:
            raise ArgumentError(f"accept: {field!r}: {pattern!r}, expected a field's name and a regular expression")
        try:
            patterns[field] = re.compile(pattern)
        except re.error as problem:
            raise ArgumentError(f"accept: {field}: {pattern!r} is no regular expression: {problem}") from None
    return patterns


def _plain(value: Any, accept: Mapping[str, Any]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(field, str) and field for field in value):
        raise ArgumentError(f"plain: {value!r}, expected a list of fields such as [reason]")
    if value and not accept:
        raise ArgumentError("plain: belongs to 'accept', which is not given")
    both = sorted(set(value) & set(accept))
    if both:
        raise ArgumentError(f"plain: {', '.join(both)} is in 'accept' too")
    return tuple(value)


def _servers(given: Mapping[str, Any]) -> tuple[Server, ...]:
    value = given.get("servers")
    urls = [value] if isinstance(value, str) else value
    # A URL may hold a password: what was seen is not shown.
    if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
        raise ArgumentError("servers: expected a URL or a list of URLs such as [nats://nats.example.org:4222]")
    auth, tls = _mapping(given, "auth", _AUTH), _mapping(given, "tls", _TLS)
    try:
        servers = tuple(
            parse_server(
                {"server": url, "auth": auth, "tls": tls, "connect_timeout": given.get("connect_timeout", 5.0)}
            )
            for url in urls
        )
        # Once now, so that a missing file is told at the start.
        servers[0].credentials()
    except (ValueError, NatsError) as problem:
        raise ArgumentError(str(problem)) from None
    if not auth and len({server.url_credentials for server in servers}) > 1:
        raise ArgumentError("servers: the URLs hold different credentials; give one kind for all of them in 'auth'")
    if len({server.tls for server in servers}) > 1:
        raise ArgumentError("servers: some are tls:// and some are not; all must be")
    return servers


def _mapping(given: Mapping[str, Any], argument: str, known: tuple[str, ...]) -> dict[str, Any]:
    value = given.get(argument, {})
    if not isinstance(value, dict):
        raise ArgumentError(f"{argument}: expected a mapping with {', '.join(known)}")
    unknown = sorted(str(name) for name in set(value) - set(known))
    if unknown:
        raise ArgumentError(f"{argument}: unknown {', '.join(unknown)}; there are: {', '.join(known)}")
    return value
