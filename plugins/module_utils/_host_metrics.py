# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load, memory, disks and clock of the host, from /proc and statvfs."""

from __future__ import annotations

import math
import os
import re
import time
from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.cowboyai.rollout.plugins.module_utils import _instant, _process

_BOOT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def parse_memory(text: str) -> Optional[Dict[str, Any]]:
    """``{total_bytes, available_bytes, used_pct}`` of a ``/proc/meminfo``, or ``None``."""
    values = {}
    for line in text.splitlines():
        fields = line.replace(":", " ").split()
        if len(fields) >= 2 and fields[1].isdigit():
            values[fields[0]] = int(fields[1]) * 1024
    total, available = values.get("MemTotal"), values.get("MemAvailable")
    if available is None and all(name in values for name in ("MemFree", "Buffers", "Cached")):
        # Kernels before 3.14, and what some containers put in its place. One that was cut off tells less, which is no answer.
        available = sum(values.get(name, 0) for name in ("MemFree", "Buffers", "Cached", "SReclaimable"))
    if not total or available is None:
        return None
    return {
        "total_bytes": total,
        "available_bytes": available,
        "used_pct": round(100.0 * (total - available) / total, 3),
    }


def parse_load(text: str) -> List[float]:
    """The three load averages of a ``/proc/loadavg``; empty when they can't be read."""
    try:
        loads = [float(part) for part in text.split()[:3]]
    except ValueError:
        return []
    # A line that was cut may end in the middle of a number.
    return loads if len(text.split()) >= 5 and all(math.isfinite(load) for load in loads) else []


def disk(path: str) -> Optional[Dict[str, Any]]:
    """``{total_bytes, available_bytes, used_pct}`` of the file system of ``path`` as ``df`` counts.

    ``None`` when there is no such path, or the file system has no size.
    """
    try:
        info = os.statvfs(path)
    except OSError:
        return None
    if not info.f_blocks:
        # What has no size, such as /proc, is not full.
        return None
    used = info.f_blocks - info.f_bfree
    usable = used + info.f_bavail
    return {
        "total_bytes": info.f_blocks * info.f_frsize,
        "available_bytes": info.f_bavail * info.f_frsize,
        "used_pct": round(100.0 * used / usable, 3) if usable else 100.0,
    }


def boot_id(proc: str = "/proc") -> Optional[str]:
    """Names this boot: another one after each reboot. ``None`` for what is no UUID: that would be a reboot that never was."""
    name = _read(proc + "/sys/kernel/random/boot_id").strip()
    return name if _BOOT.match(name) else None


def booted_at(proc: str = "/proc") -> Optional[int]:
    """When this system's first process started (in a container: the container), microseconds since the epoch."""
    fields = _read(proc + "/1/stat").rpartition(")")[2].split()
    uptime = _read(proc + "/uptime").split()
    try:
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return int((time.time() - float(uptime[0]) + started) * 1000000)
    except (IndexError, ValueError):
        return None


def collect(
    disk_paths: Sequence[str], nats_port: int, controller_time: Optional[float], proc: str = "/proc"
) -> Dict[str, Any]:
    """The ``host`` part of ``agent_units_info``. What can't be read is ``None``, never 0."""
    now = time.time()
    connections = _process.connections(nats_port, proc)
    return {
        "hostname": os.uname().nodename,
        "now": _instant.iso(int(now * 1000000)),
        "clock_offset_s": None if controller_time is None else round(now - controller_time, 6),
        "boot_id": boot_id(proc),
        "booted_at": _instant.iso(booted_at(proc)),
        "load": parse_load(_read(proc + "/loadavg")),
        "cpus": os.cpu_count(),
        "memory": parse_memory(_read(proc + "/meminfo")),
        "disks": {path: disk(path) for path in disk_paths},
        "nats_connections": None if connections is None else len(connections),
    }
