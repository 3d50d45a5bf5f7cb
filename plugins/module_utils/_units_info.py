# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything worth knowing about the agents of a host and the host itself, in a handful of system calls."""

from __future__ import annotations

import grp
import math
import os
import pwd
import re
import time
from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _agent_log,
    _bucket,
    _env_file,
    _host,
    _host_metrics,
    _instant,
    _journal,
    _memory_limit,
    _process,
    _provable,
    _replaceable,
    _secrets,
    _systemd,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import ArgumentProblem, Instance, InstanceError

# A journal that starts this soon after the boot has lost nothing of it.
_BOOT_SLACK_US = 120 * 1000000


def owner_name(uid: int) -> str:
    """The user's name, or the number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """The group's name, or the number when it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def environment_of(path: str, keys: Sequence[str]) -> Dict[str, Any]:
    """What an environment file gives for ``keys``, with its rights; secrets masked. Never fails for a bad file."""
    out: Dict[str, Any] = {
        "path": path,
        "exists": os.path.lexists(path),
        "regular": False,
        "sha256": None,
        "owner": None,
        "group": None,
        "mode": None,
        "keys": dict.fromkeys(keys),
        "masked": [],
        "problem": None,
    }
    try:
        found = _replaceable.read(path)
        _replaceable.refuse_locked(path)
    except InstanceError as problem:
        out["problem"] = problem.message
        return out
    values = _env_file.effective(found.data)
    for key in keys:
        value = values.get(key)
        if value is None:
            continue
        shown = _secrets.mask_value(key, value)
        out["keys"][key] = shown.encode("utf-8", "backslashreplace").decode("utf-8")
        if shown != value:
            out["masked"].append(key)
    out.update(
        regular=True,
        sha256=found.sha256,
        owner=owner_name(found.rights.uid),
        group=group_name(found.rights.gid),
        mode="{0:04o}".format(found.rights.mode),
        problem=_env_file.load_problem(found.data),
    )
    return out


class _Collector:
    """Sorts journal records by instance."""

    def __init__(self, instances: Sequence[Instance], signs: Sequence[str] = (), bucket_s: float = 0.0) -> None:
        self.tallies = {instance.unit: _agent_log.Tally(signs, bucket_s, instance.log_lines) for instance in instances}
        self.lifecycles: Dict[str, List[Dict[str, Any]]] = {instance.unit: [] for instance in instances}
        self.begins = {instance.unit: instance.since for instance in instances if instance.since is not None}

    def __call__(self, record: _journal.Record) -> None:
        tally = self.tallies.get(record.unit)
        if tally is None or record.at < self.begins.get(record.unit, record.at):
            return
        if not record.by_manager:
            tally.add(record.text, record.damaged, record.at, record.invocation_id, record.priority)
        elif record.event:
            self.lifecycles[record.unit].append(
                {
                    "at": _instant.iso(record.at),
                    "event": record.event,
                    "detail": record.detail,
                    "invocation_id": record.invocation_id or None,
                }
            )


def _lost(start: Optional[int], booted: Optional[int], oldest: Optional[int]) -> bool:
    """Whether entries between ``start`` and the oldest one may be gone."""
    if start is None or oldest is None or oldest <= start:
        return False
    # A journal that begins with this boot is whole for this boot; the reboot itself shows in booted_at.
    return booted is None or oldest > booted + _BOOT_SLACK_US


def _read_journal(
    instances: Sequence[Instance],
    collector: _Collector,
    since: Optional[int],
    cursor: Optional[str],
    max_entries: int,
    now: int,
) -> Dict[str, Any]:
    problem = None
    if cursor is not None and not _journal.is_cursor(cursor):
        problem, cursor = "the cursor {0!r} is none of this journal's".format(cursor[:100]), None
    if cursor is None and since is None:
        # Nothing to measure from: only say where the next read goes on.
        reading = _journal.Reading(cursor=_journal.end_cursor())
        start = None
    else:
        start = _journal.cursor_time(cursor) if cursor else since
        end = _journal.end_cursor() if cursor is None else None
        matches = _journal.unit_matches([instance.unit for instance in instances])
        reading = _journal.read(matches, collector, since=since, cursor=cursor, max_entries=max_entries)
        if reading.reason == "journal_unreadable" and cursor is not None and since is not None and not reading.entries:
            problem = "{0}; read from 'since' instead".format(reading.message)
            reading = _journal.read(matches, collector, since=since, max_entries=max_entries)
            start = since
        reading.cursor = reading.cursor or end
        if reading.complete and _lost(start, _host_metrics.booted_at(), _journal.oldest()):
            reading.complete, reading.reason = False, "journal_rotated"
            reading.message = "the journal begins after {0}, earlier lines are gone".format(_instant.iso(start))
        own = {name: count for name, count in reading.suppressed.items() if name in collector.tallies}
        if reading.complete and own:
            reading.complete, reading.reason = False, "lines_suppressed"
            reading.message = "journald dropped lines of {0} (rate limit)".format(", ".join(sorted(own)))
    if problem and reading.complete:
        reading.complete, reading.reason, reading.message = False, "cursor_invalid", problem
    return {
        "cursor": reading.cursor,
        "since": _instant.iso(start if start is not None else now),
        "complete": reading.complete,
        "reason": reading.reason,
        "message": reading.message,
        "entries": reading.entries,
    }


def _checked(signs: Sequence[str]) -> Sequence[str]:
    """The patterns, if this host's Python takes them: it may be older than the controller's."""
    for pattern in signs:
        try:
            re.compile(pattern)
        except re.error as problem:
            raise ArgumentProblem(
                "the sign {0!r} is no regular expression for this host's Python: {1}".format(pattern, problem)
            ) from None
    return signs


def _bucket_length(seconds: float) -> float:
    try:
        return _bucket.checked(seconds)
    except ValueError as problem:
        raise ArgumentProblem(str(problem)) from None


def collect(
    instances: Sequence[Instance],
    since: Optional[int] = None,
    cursor: Optional[str] = None,
    nats_port: int = 4222,
    disk_paths: Sequence[str] = (),
    environment_keys: Sequence[str] = (),
    controller_time: Optional[float] = None,
    max_entries: int = 200000,
    kinds: int = 20,
    signs: Sequence[str] = (),
    bucket: float = 0.0,
) -> Dict[str, Any]:
    """The result of ``agent_units_info``. Raises :class:`_systemd.SystemdError` when systemd itself doesn't answer."""
    # First, so that the controller's clock is compared before anything here took time.
    host = _host_metrics.collect(disk_paths, nats_port, controller_time)
    now = int(time.time() * 1000000)
    collector = _Collector(instances, _checked(signs), _bucket_length(bucket))
    # Units before the journal: an event between the two is then in the next window, never in none.
    units = _systemd.show([instance.unit for instance in instances])
    journal = _read_journal(instances, collector, since, cursor, max_entries, now)
    connected = _process.nats_connections([unit.main_pid for unit in units.values() if unit.main_pid], nats_port)
    asked = [instance for instance in instances if instance.env_file and instance.env]
    provable = _provable.check(_host.Host(), asked, units) if asked else {}
    out: Dict[str, Any] = {}
    for instance in instances:
        unit = units[instance.unit]
        log = collector.tallies[instance.unit].as_dict(kinds)
        log["lifecycle"] = collector.lifecycles[instance.unit]
        memory, cpu, accounting = unit.memory_bytes, unit.cpu_s, "unit"
        if unit.main_pid and (memory is None or cpu is None):
            # Hosts without these cgroup controllers still know what the main process uses.
            memory, cpu = _process.usage(unit.main_pid)
            accounting = "process"
        total = (host["memory"] or {}).get("total_bytes")
        limit, limited_by = _memory_limit.memory_limit(unit.memory_limit_bytes, unit.control_group, total)
        if memory is not None and accounting == "unit" and limited_by == "host":
            memory = _memory_limit.without_caches(memory, unit.control_group)
        environment = None
        if instance.env_file is not None and environment_keys:
            environment = environment_of(instance.env_file, environment_keys)
        out[instance.agent] = {
            "unit": unit.name,
            "load_state": unit.load_state,
            "active_state": unit.active_state,
            "sub_state": unit.sub_state,
            "result": unit.result,
            "main_pid": unit.main_pid,
            "invocation_id": unit.invocation_id,
            "restarts": unit.restarts,
            "active_since": _instant.iso(unit.active_since),
            "started_at": _instant.iso(unit.started_at),
            "memory_bytes": memory,
            "memory_limit_bytes": limit,
            "memory_limit_of": limited_by,
            "cpu_s": cpu,
            "accounting": None if memory is None and cpu is None else accounting,
            "nats_connections": connected.get(unit.main_pid) if unit.main_pid else None,
            "enabled": unit.enabled,
            "stop_timeout_s": None if math.isinf(unit.stop_timeout_s) else unit.stop_timeout_s,
            "log": log,
            "environment": environment,
            **({"provable": provable[instance.agent]} if instance.agent in provable else {}),
        }
    return {"instances": out, "host": host, "journal": journal}
