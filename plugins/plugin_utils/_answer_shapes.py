# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules answer, as far as anything here reads it: a host that answers something else has not answered. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import is_agent_name
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._foreign import ForeignError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._shape import (
    Shape,
    amount,
    bucket,
    by_name,
    count,
    fields,
    flag,
    listed,
    maybe,
    number,
    row,
    text,
    time,
)

_text = maybe(text)
_count = maybe(count)
_amount = maybe(amount)
_time = maybe(time)


def _of_agents(shape: Shape) -> Shape:
    return by_name(shape, is_agent_name, "the name of an agent")


def _is_index(key: str) -> bool:
    return len(key) <= 13 and key.removeprefix("-").isascii() and key.removeprefix("-").isdigit()


_KIND = fields(
    {"kind": text, "level": text, "count": count, "first_at": time, "last_at": time, "recurring": flag, "example": text}
)
_EVENT = fields({"at": time, "event": text}, {"detail": _text, "invocation_id": _text})
_COUNTER = fields({"last": by_name(amount)}, {"first": maybe(by_name(amount)), "first_at": _time, "last_at": _time})
_LOG = fields(
    {
        **dict.fromkeys(("lines", "errors", "warnings", "panics", "unparsed", "unreadable"), count),
        "kinds": listed(_KIND),
        "lifecycle": listed(_EVENT),
        "counters": by_name(_COUNTER),
    },
    {
        "unread_severe": count,
        "continued": count,
        "unread": listed(fields({"count": count, "example": text})),
        "harmless": by_name(fields({"count": count, "examples": listed(text)})),
        "gap": maybe(fields({"reason": text, "message": text})),
        "namespace": _text,
        "buckets": by_name(row(count, count, count), _is_index, "the index of a bucket"),
        "counter_points": listed(row(bucket, text, amount)),
        "signs": by_name(fields({"count": count, "examples": listed(text)})),
        "first_at": _time,
        "last_at": _time,
    },
)
_ENVIRONMENT = fields(
    {"path": text, "exists": flag},
    {"regular": flag, "keys": maybe(by_name(_text)), "masked": listed(text), "problem": _text, "mode": _text, "owner": _text, "group": _text, "sha256": _text},
)  # fmt: skip
_LOG_SAMPLE = fields(
    {"lines": count, "unread": count, "shapes": by_name(count), "examples": listed(text)},
    {"unread_severe": count, "continued": count, "harmless": by_name(count), "other_shapes": by_name(count)},
)
_UNIT = fields(
    {"unit": text, "load_state": text, "active_state": text, "sub_state": text, "log": _LOG},
    {
        **dict.fromkeys(("result", "invocation_id", "enabled", "accounting", "identity", "memory_limit_of"), _text),
        **dict.fromkeys(("main_pid", "restarts", "memory_bytes", "memory_limit_bytes", "nats_connections"), _count),
        "active_since": _time,
        "started_at": _time,
        "cpu_s": _amount,
        "stop_timeout_s": _amount,
        "environment": maybe(_ENVIRONMENT),
        "log_sample": maybe(_LOG_SAMPLE),
        "provable": fields(
            {"problems": listed(text), "undo": fields({"state": text}, {"reason": _text, "message": _text})}
        ),
    },
)
_HOST = fields(
    {
        "now": time,
        "load": listed(amount),
        "memory": maybe(fields({"used_pct": amount})),
        "disks": by_name(maybe(fields({"used_pct": amount, "available_bytes": count}))),
    },
    {"clock_offset_s": maybe(number), "boot_id": _text, "booted_at": _time, "hostname": _text, "cpus": _count, "nats_connections": _count},
)  # fmt: skip
_JOURNAL = fields(
    {"complete": flag},
    {
        **dict.fromkeys(("cursor", "reason", "message"), _text),
        "since": _time,
        "entries": _count,
        "proven_at": _time,
        "namespaces": listed(text),
    },
)
_PROCESS = fields({}, {"sha256": _text, "invocation_id": _text, "main_pid": _count, "started_at": _time})
_ACTED_ON = fields(
    {"state": text},
    {
        **dict.fromkeys(("reason", "message", "path", "sha256"), _text),
        **dict.fromkeys(("changed", "restarted", "differs"), maybe(flag)),
        "before": maybe(_PROCESS),
        "after": maybe(_PROCESS),
    },
)
_RUNNING = fields({"sha256": _text, "invocation_id": _text, "main_pid": _count, "started_at": time})


def _changed(value: Any, where: str) -> None:
    _ACTED_ON(value, where)
    if value["state"] == "proven":
        fields({"after": _RUNNING, "restarted": flag})(value, where)
    elif value["state"] in ("unchanged", "would_change"):
        fields({"before": _PROCESS, "restarted": flag})(value, where)


def _backed_up(value: Any, where: str) -> None:
    _ACTED_ON(value, where)
    if value["state"] in ("backed_up", "kept", "would_back_up"):
        fields({"sha256": text})(value, where)


_ABLE = fields(
    {},
    {
        "version": _text,
        **dict.fromkeys(("proto", "max_payload"), _count),
        **dict.fromkeys(("headers", "auth_required", "tls_required", "jetstream", "lame_duck"), flag),
    },
)
_ANSWERS = fields(
    {"delivered": count, "expected": count},
    {
        **dict.fromkeys(
            ("sent", "late", "lost", "duplicates", "errors", "full", "no_responders", "stream_acks", "unresolved", "samples"), _count
        ),
        **dict.fromkeys(("delivered_pct", "p50_ms", "p99_ms", "p999_ms", "max_ms"), _amount),
        "error_examples": listed(text),
        "silent": flag,
    },
)  # fmt: skip
_ROWS = listed(row(bucket, count, count, count, count, listed(row(count, count))))
_PROBE = fields(
    {},
    {
        **dict.fromkeys(("server", "server_id", "server_name", "cluster", "reason", "message", "conversation_prefix"), _text),
        **dict.fromkeys(("started_at", "ended_at", "broke_at", "alive_until"), _time),
        **dict.fromkeys(("partial", "cut_short"), maybe(flag)),
        "notes": listed(text),
        "abilities": maybe(_ABLE),
        "lacks": listed(text),
        "floor": maybe(fields({}, dict.fromkeys(("p50_ms", "p99_ms", "max_ms", "n"), _amount))),
        "send_lag_max_ms": _amount,
        "buckets": maybe(fields({"agents": _of_agents(_ROWS)}, {"bucket_s": amount})),
        "agents": maybe(_of_agents(_ANSWERS)),
    },
)  # fmt: skip
_EAR = fields(
    {"answered": by_name(listed(text)), "at_once": by_name(count), "refused": by_name(text)},
    dict.fromkeys(("reason", "message", "server_name", "server_id", "cluster"), _text),
)
_GROUP = fields(
    {"messages": count, "rate_per_s": amount, "pct": _amount, "unique_subjects": count},
    {"bytes": _count, "subjects": listed(fields({"subject": text, "messages": count}))},
)
_PAIR = fields(
    {"legacy": count, "matched": count},
    {"unified": _count, "success_pct": _amount, "without_id": maybe(by_name(_count)), "gap_p50_ms": _amount, "gap_p99_ms": _amount},
)  # fmt: skip
_SAMPLE = fields(
    {"lossless": flag, "groups": by_name(_GROUP)},
    {
        **dict.fromkeys(("server", "server_id", "server_name", "cluster", "reason", "message"), _text),
        **dict.fromkeys(("started_at", "ended_at"), _time),
        **dict.fromkeys(("window_s", "lag_max_ms"), _amount),
        "total": _count,
        "abilities": maybe(_ABLE),
        "lacks": listed(text),
        "partial": maybe(flag),
        "agents": maybe(_of_agents(by_name(_count))),
        "dual": maybe(fields({"agents": _of_agents(_PAIR)})),
        "probe": maybe(_PROBE),
    },
)

#: module -> what its answer must hold.
_REVERTED = fields(
    {"id": text, "at": time, "why": text, "complete": flag, "instances": _of_agents(fields({}))},
)
_GUARD = fields(
    {"state": text},
    {"deadline": _time, "agents": listed(text), "message": _text, "reverted": maybe(_REVERTED)},
)

ANSWERS: dict[str, dict[str, Shape]] = {
    "agent_units_info": {"instances": _of_agents(_UNIT), "host": _HOST, "journal": _JOURNAL},
    "agent_change": {"instances": _of_agents(_changed)},
    "agent_backup": {"instances": _of_agents(_backed_up), "manifest_path": _text, "manifest_sha256": _text},
    "agent_restore": {"instances": _of_agents(_ACTED_ON)},
    "agent_guard": {"guard": _GUARD, "late_s": _amount},
    "nats_probe": {"probe": _PROBE},
    "nats_sample": {"sample": _SAMPLE},
    "nats_reach": {"reach": fields({"servers": by_name(_EAR)})},
}

# What a module answers only where it was asked for it.
ALSO: dict[str, dict[str, Shape]] = {
    "agent_units_info": {"guard": _GUARD},
    "agent_change": {"guard": _GUARD},
    "agent_restore": {"guard": _GUARD},
}


def check(module: str, answer: dict[str, Any], asked: frozenset[str] | None = None, partly: bool = False) -> None:
    """ForeignError where the answer of a module is none. `asked`: agents that it was asked about; it may name no other.

    `partly`: a task that ended without an answer; what it has must fit all the same.
    """
    for name, shape in ANSWERS[module].items():
        if name in answer:
            shape(answer[name], name)
        elif not partly:
            raise ForeignError(name, "nothing", "a value")
    fields({}, ALSO.get(module, {}))(answer, "answer")
    for agent in answer.get("instances") or {}:
        if asked is not None and agent not in asked:
            raise ForeignError(
                f"instances.{agent}", "an answer about it", "answers about the agents that were asked for"
            )
