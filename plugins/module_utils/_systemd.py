# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask and tell systemd about many units with one call each (systemd 245 and later)."""

from __future__ import annotations

import calendar
import math
import re
import time
from dataclasses import dataclass
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _command

_PROPERTIES = (
    "Id",
    "Names",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "MainPID",
    "InvocationID",
    "NRestarts",
    "ActiveEnterTimestamp",
    "ActiveEnterTimestampMonotonic",
    "ExecMainStartTimestamp",
    "ExecMainStartTimestampMonotonic",
    "MemoryCurrent",
    "MemoryMax",
    "CPUUsageNSec",
    "UnitFileState",
    "ExecMainCode",
    "ExecMainStatus",
    "TimeoutStopUSec",
    "TimeoutStartUSec",
    "ControlGroup",
    "StandardOutput",
    "StandardError",
    "SyslogLevel",
    "LogNamespace",
    "LogLevelMax",
    "LogFilterPatterns",
    "LogRateLimitIntervalUSec",
    "LogRateLimitBurst",
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(y|month|w|d|h|min|s|ms|us)\b")
_SECONDS = {
    "y": 31557600.0, "month": 2629800.0, "w": 604800.0, "d": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6,
}  # fmt: skip
#: What systemd gives a unit that says nothing, and what one is taken to have whose value can't be read.
DEFAULT_TIMEOUT_S = 90.0
#: How long a unit without a limit is waited for.
LONGEST_WAIT_S = 3600.0
_STAMP = re.compile(r"(?:[A-Za-z]{3} )?(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (?:UTC|GMT)\Z")
_UNSET = ("", "[not set]", "infinity", "n/a", "18446744073709551615")


class SystemdError(Exception):
    """systemd could not be asked or told; the text is systemctl's own, with what was attempted."""


@dataclass(frozen=True)
class Output:
    """Where a service's next process writes, as its definition says; ``None`` for what systemd did not say.

    ``level``: priority of its lines; ``level_max``: lines of a higher number are dropped; ``rate_interval_s`` and ``rate_burst``:
    how many lines pass in how many seconds.
    """

    stdout: Optional[str] = None
    stderr: Optional[str] = None
    namespace: str = ""
    level: Optional[int] = None
    level_max: Optional[int] = None
    filters: str = ""
    rate_interval_s: Optional[float] = None
    rate_burst: Optional[int] = None


@dataclass(frozen=True)
class Unit:
    """What systemd knows of one service. Times are microseconds since the epoch, sizes bytes, CPU seconds.

    ``name`` is the one that was asked for, ``identity`` systemd's own (``Id``): of two names of one unit it is the same, and it
    stands in the journal. ``names`` are all of them.
    """

    name: str
    load_state: str
    active_state: str
    sub_state: str
    result: str
    main_pid: Optional[int]
    invocation_id: Optional[str]
    restarts: Optional[int]
    active_since: Optional[int]
    started_at: Optional[int]
    memory_bytes: Optional[int]
    memory_limit_bytes: Optional[int]
    cpu_s: Optional[float]
    enabled: Optional[str]
    #: How long systemd waits for its end, and for its start; infinite where there is no limit.
    stop_timeout_s: float = DEFAULT_TIMEOUT_S
    start_timeout_s: float = DEFAULT_TIMEOUT_S
    control_group: Optional[str] = None
    identity: str = ""
    names: Tuple[str, ...] = ()
    output: Output = Output()

    @property
    def all_names(self) -> List[str]:
        """Every name by which something may speak of it."""
        return sorted({self.name, self.identity or self.name, *self.names})

    @property
    def exists(self) -> bool:
        """Whether systemd has a definition of it."""
        return self.load_state not in ("not-found", "error", "bad-setting", "unknown")

    @property
    def runs(self) -> bool:
        """Whether it has a living main process that systemd considers up or coming up."""
        return self.active_state in ("active", "activating", "reloading", "refreshing") and self.main_pid is not None


def _number(text: Optional[str]) -> Optional[int]:
    if text is None or text in _UNSET or not text.isdigit():
        return None
    return int(text)


def parse_span(text: Optional[str]) -> Optional[float]:
    """Seconds of a time span as ``systemctl show`` prints it (``1min 30s``, ``infinity``); ``None`` for anything else."""
    if text == "infinity":
        return math.inf
    parts = _SPAN.findall(text or "")
    if not parts or _SPAN.sub("", text or "").strip():
        return 0.0 if text == "0" else None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _timeout(text: Optional[str]) -> float:
    span = parse_span(text)
    return DEFAULT_TIMEOUT_S if span is None else span


def _output(block: Mapping[str, str]) -> Output:
    return Output(
        stdout=block.get("StandardOutput") or None,
        stderr=block.get("StandardError") or None,
        namespace=block.get("LogNamespace", ""),
        level=_number(block.get("SyslogLevel")),
        level_max=_number(block.get("LogLevelMax")),
        filters=block.get("LogFilterPatterns", ""),
        rate_interval_s=parse_span(block.get("LogRateLimitIntervalUSec")) or None,
        rate_burst=_number(block.get("LogRateLimitBurst")) or None,
    )


def one_unit_twice(units: Iterable[Unit]) -> Dict[str, List[str]]:
    """identity -> names asked for, of units that were asked for by several names."""
    asked: Dict[str, List[str]] = {}
    for unit in units:
        if unit.exists and unit.identity:
            asked.setdefault(unit.identity, []).append(unit.name)
    return {identity: names for identity, names in asked.items() if len(names) > 1}


def parse_stamp(text: str) -> Optional[int]:
    """Microseconds since the epoch of ``Fri 2026-11-20 11:04:10.123456 UTC``; ``None`` for anything else."""
    match = _STAMP.match(text)
    if not match:
        return None
    fields = [int(part) for part in match.groups()[:6]]
    micros = int((match.group(7) or "0").ljust(6, "0"))
    return calendar.timegm((fields[0], fields[1], fields[2], fields[3], fields[4], fields[5])) * 1000000 + micros


def _stamp(block: Mapping[str, str], name: str, boot_us: int, fine: bool) -> Optional[int]:
    monotonic = _number(block.get(name + "Monotonic"))
    if monotonic == 0:
        return None
    text = parse_stamp(block.get(name, ""))
    # Old systemctl prints whole seconds only; the monotonic stamp has the microseconds.
    if monotonic is not None and not (fine and text is not None):
        return boot_us + monotonic
    return text


def parse_show(text: str, units: Sequence[str], boot_us: int, fine: bool = True) -> Dict[str, Unit]:
    """``systemctl show`` output for ``units`` by the names asked for.

    ``boot_us`` is the wall clock's value when the monotonic clock was 0; ``fine`` says that stamps have microseconds.
    """
    blocks: List[Dict[str, str]] = []
    for part in text.split("\n\n"):
        block = {}
        for line in part.split("\n"):
            name, sign, value = line.partition("=")
            if sign:
                block[name] = value
        if block:
            blocks.append(block)
    # The order is that of the arguments; names are only needed when systemctl left a unit out.
    by_name = {name: block for block in blocks for name in [block.get("Id", "")] + block.get("Names", "").split()}
    out: Dict[str, Unit] = {}
    for position, unit in enumerate(units):
        block = blocks[position] if len(blocks) == len(units) else by_name.get(unit, {})
        pid = _number(block.get("MainPID"))
        cpu = _number(block.get("CPUUsageNSec"))
        out[unit] = Unit(
            name=unit,
            load_state=block.get("LoadState") or "unknown",
            active_state=block.get("ActiveState") or "unknown",
            sub_state=block.get("SubState") or "unknown",
            result=block.get("Result") or "unknown",
            main_pid=pid or None,
            invocation_id=block.get("InvocationID") or None,
            restarts=_number(block.get("NRestarts")),
            active_since=_stamp(block, "ActiveEnterTimestamp", boot_us, fine),
            started_at=_stamp(block, "ExecMainStartTimestamp", boot_us, fine),
            memory_bytes=_number(block.get("MemoryCurrent")),
            memory_limit_bytes=_number(block.get("MemoryMax")),
            cpu_s=None if cpu is None else cpu / 1e9,
            enabled=block.get("UnitFileState") or None,
            stop_timeout_s=_timeout(block.get("TimeoutStopUSec")),
            start_timeout_s=_timeout(block.get("TimeoutStartUSec")),
            control_group=block.get("ControlGroup") or None,
            identity=block.get("Id", ""),
            names=tuple(block.get("Names", "").split()),
            output=_output(block),
        )
    return out


def _boot_us() -> int:
    return int((time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)) * 1000000)


def show(units: Sequence[str], run: _command.Runner = _command.run) -> Dict[str, Unit]:
    """State of all ``units`` in one call. A missing unit is a result (``load_state`` not-found), not an error."""
    if not units:
        return {}
    argv = ["systemctl", "show", "--no-pager", "--property=" + ",".join(_PROPERTIES)]
    fine = True
    done = run(argv + ["--timestamp=us+utc", "--"] + list(units), 30.0)
    if done.status != 0 and not done.out:
        # Before systemd 249 there is no such option or value.
        fine = False
        done = run(argv + ["--"] + list(units), 30.0)
    if done.status != 0 and not done.out:
        raise SystemdError("asking systemd about {0} units failed: {1}".format(len(units), done.err.strip()))
    return parse_show(done.out, units, _boot_us(), fine)


def reset_failed(units: Sequence[str], run: _command.Runner = _command.run) -> None:
    """Forget failures and start limits. Units that systemd has not loaded have none, so errors mean nothing here."""
    if units:
        run(["systemctl", "reset-failed", "--"] + list(units), 30.0)


def restart(units: Sequence[str], timeout: float, run: _command.Runner = _command.run) -> str:
    """Restart all ``units`` in one call and give back what systemctl had to say (empty when all went well).

    One unit's failure says nothing about the others: look at each with :func:`show` afterwards. At the deadline only
    systemctl is ended, the jobs go on.
    """
    if not units:
        return ""
    done = run(["systemctl", "restart", "--no-ask-password", "--"] + list(units), timeout)
    return done.err.strip() if done.status != 0 else ""
