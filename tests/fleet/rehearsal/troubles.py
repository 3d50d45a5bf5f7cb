# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong on purpose: faults of agents, and troubles of hosts. Each says when it began, by the host's clock."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

from rehearsal import hosts
from rehearsal.clone import FLEET_SOURCE, Fleet, FleetError
from rehearsal.engine import docker

ACTS_WITHIN_S = 60.0
EVERYONE = "*"
#: Troubles and what they take after their name.
TROUBLES = {
    "reboot": (),
    "limit": ("AGENT", "SIZE"),
    "memory": ("SIZE",),
    "disk": ("PERCENT",),
    "agents": (),
    "nats": (),
    "clear": (),
}
UNITS = {"": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
#: A rehearsal shares its machine: what a trouble takes of it stays below this.
MOST_MEMORY_BYTES = 4 * 1024**3


@dataclass(frozen=True)
class Begun:
    """A fault in one agent: does it act there (it may wait for the flag), and since when."""

    agent: str
    host: str
    acts: bool
    at: datetime


def parse_stamp(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def put_fault(fleet: Fleet, agent: str, specs: list[str], where: list[str], now: bool) -> list[Begun]:
    """Put the faults (none: take them away) for an agent (or EVERYONE) on these hosts; with `now` wait until they count.

    Raises FleetError for a fault that doesn't exist, and with `now` for an agent that didn't take it up in time.
    """
    found = hosts.on_hosts(fleet, where, "fault.py", agent, str(ACTS_WITHIN_S if now else 0.0), *checked(specs))
    rows = [(name, host, row) for host, answer in found.items() for name, row in answer["agents"].items()]
    silent = [f"{name} on {host}" for name, host, row in rows if row is None]
    if now and silent:
        raise FleetError(
            f"fault: {', '.join(silent)} did not take it up within {ACTS_WITHIN_S:g}s; is the agent running?"
            " (fleet status)"
        )
    return [Begun(name, host, row["acts"], parse_stamp(row["at"])) for name, host, row in rows if row]


def checked(specs: list[str]) -> list[str]:
    """The specs, checked by the agent's own parser. Raises FleetError."""
    sys.path.insert(0, str(FLEET_SOURCE / "agent"))  # where the stand-in keeps its modules
    import faults

    try:
        faults.parse("\n".join(specs))
    except faults.FaultError as error:
        raise FleetError(f"fault: {error}") from None
    return specs


def make_trouble(fleet: Fleet, what: str, values: list[str], where: list[str]) -> dict[str, tuple[datetime, str]]:
    """Make trouble on hosts: when it began there, and what was done. Raises FleetError."""
    wanted = TROUBLES.get(what)
    if wanted is None or len(wanted) != len(values):
        known = ", ".join(" ".join((name, *takes)) for name, takes in TROUBLES.items())
        raise FleetError(f"trouble {' '.join([what, *values])}: expected one of {known}")
    if what == "reboot":
        return {host: _reboot(fleet, host) for host in where}
    translated = [_translated(kind, value) for kind, value in zip(wanted, values, strict=True)]
    found = hosts.on_hosts(fleet, where, "trouble.py", what, *translated)
    return {host: (parse_stamp(row["at"]), str(row["done"])) for host, row in found.items()}


def _reboot(fleet: Fleet, host: str) -> tuple[datetime, str]:
    began = datetime.now(UTC)
    docker("restart", "--time", "15", fleet.container(host))
    return began, "rebooted"


def _translated(kind: str, value: str) -> str:
    if kind == "SIZE":
        match = re.fullmatch(r"(\d+)(KB|MB|GB|)", value)
        if not match or not 0 < int(match[1]) * UNITS[match[2]] <= MOST_MEMORY_BYTES:
            raise FleetError(f"{value}: expected a size such as 64MB, at most {MOST_MEMORY_BYTES // UNITS['GB']}GB")
        return str(int(match[1]) * UNITS[match[2]])
    if kind == "PERCENT":
        match = re.fullmatch(r"(\d{1,2}(\.\d+)?)%", value)
        if not match:
            raise FleetError(f"{value}: expected a percentage below 100% such as 97%")
        return match[1]
    return value
