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
from typing import Any, Dict, Optional, Sequence

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _bucket,
    _env_file,
    _host,
    _host_metrics,
    _instant,
    _log_sample,
    _memory_limit,
    _process,
    _provable,
    _replaceable,
    _secrets,
    _systemd,
    _unit_journal,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import ArgumentProblem, Instance, InstanceError


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
    sample_lines: int = 0,
) -> Dict[str, Any]:
    """The result of ``agent_units_info``. Raises :class:`_systemd.SystemdError` when systemd itself doesn't answer."""
    # First, so that the controller's clock is compared before anything here took time.
    host = _host_metrics.collect(disk_paths, nats_port, controller_time)
    signs, bucket_s = _checked(signs), _bucket_length(bucket)
    # Units before the journal: an event between the two is then in the next window, never in none.
    units = _systemd.show([instance.unit for instance in instances])
    reading = _unit_journal.read(instances, units, signs, bucket_s, since, cursor, max_entries)
    connected = _process.nats_connections([unit.main_pid for unit in units.values() if unit.main_pid], nats_port)
    asked = [instance for instance in instances if instance.env_file and instance.env]
    provable = _provable.check(_host.Host(), asked, units) if asked else {}
    out: Dict[str, Any] = {}
    for instance in instances:
        unit = units[instance.unit]
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
            "identity": unit.identity or None,
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
            "log": reading.log(unit, kinds),
            "environment": environment,
            **({"provable": provable[instance.agent]} if instance.agent in provable else {}),
        }
        if sample_lines:
            out[instance.agent]["log_sample"] = _log_sample.take(unit, instance.log_lines, sample_lines)
    return {"instances": out, "host": host, "journal": reading.journal()}
