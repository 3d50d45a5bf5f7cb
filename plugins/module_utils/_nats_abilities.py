# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a NATS server can do, as its INFO says, and what a measurement would need besides. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

# Headers of a request need room beside the payload.
HEADER_ROOM_BYTES = 1024
_FLAGS = ("headers", "auth_required", "tls_required", "jetstream")
NO_HEADERS = "message headers (it has no_header_support, or is older than 2.2)"


def abilities(info: Mapping[str, Any]) -> Dict[str, Any]:
    """`version`, `proto`, `max_payload` in bytes, and true or false for `headers`, `auth_required`, `tls_required`,
    `jetstream` and `lame_duck`. What INFO says in another type than the protocol has is None."""
    version, known = info.get("version"), {}  # type: Tuple[Any, Dict[str, Any]]
    known["version"] = version[:64] if isinstance(version, str) else None
    for name in ("proto", "max_payload"):
        value = info.get(name)
        known[name] = value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
    for name in _FLAGS:
        known[name] = info.get(name) is True
    known["lame_duck"] = info.get("ldm") is True
    return known


def lacks_for_requests(able: Mapping[str, Any], payloads: Sequence[Tuple[str, bytes]]) -> List[str]:
    """What a probe needs and this server has not, as clauses after `the server has no ...`. `payloads`: agent and payload."""
    lacks = []
    if not able["headers"]:
        lacks.append(
            "%s: a request would carry no Conversation-Id, Sender and Recipient, and nobody would be told that no agent "
            "subscribes" % NO_HEADERS
        )
    limit = able["max_payload"]
    for agent, payload in payloads:
        if limit is not None and len(payload) + HEADER_ROOM_BYTES > limit:
            lacks.append(
                "room for the payload for %s: it takes messages of up to %d bytes, the payload has %d and its headers "
                "need up to %d" % (agent, limit, len(payload), HEADER_ROOM_BYTES)
            )
    return lacks


def lacks_for_pairs(able: Mapping[str, Any]) -> List[str]:
    """What matching dual publications needs and this server has not."""
    return [] if able["headers"] else ["%s: publications carry no conversation id to be matched by" % NO_HEADERS]
