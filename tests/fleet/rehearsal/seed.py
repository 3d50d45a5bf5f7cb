# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host holds before it boots: environment files, NATS configuration, keys. A pure function of its place."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass

from rehearsal.agents import Agent

CONFIGS = "/opt/cim-dgx/configs"
SEED = "/var/lib/rollout-fleet/seed"
CIMADMIN = 1000
# The account that rollouts come in with; cimadmin may do everything and is for whoever looks after the fleet.
ROLLOUT = 1001
FIXED_TIME = 1_700_000_000  # the same seed gives the same bytes


@dataclass(frozen=True)
class Place:
    """One host of a fleet: its name, number from 1, address, and every host's address."""

    host: str
    number: int
    address: str
    peers: tuple[str, ...]


@dataclass(frozen=True)
class File:
    path: str
    data: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    link: str = ""


def environment(agent: Agent, address: str) -> str:
    """Environment file of one agent. The files are as uneven as files that people edited over a year."""
    pairs = [
        ("NATS_URL", f"nats://{address}:4222"),
        ("STREAM_NAME", "AGENT_MESSAGES"),
        ("LOG_LEVEL", "info"),
        ("SNAPSHOT_FREQUENCY", "100"),
        ("AGENT_NAME", agent.name),
        ("AGENT_ID", agent.agent_id),
        ("CAPABILITY_CLUSTER", agent.cluster),
        ("ENABLE_UNIFIED_SUBJECTS", "false"),
    ]
    if agent.index % 5 == 3:
        pairs.reverse()
    if agent.index % 5 == 0:
        pairs.insert(4, pairs.pop())
    lines = [f"{key}={value}" for key, value in pairs]
    if agent.index % 4 in (0, 1):
        lines.insert(0, f"# agent-runtime settings of {agent.name}")
        lines.insert(3, "")
    if agent.index % 6 == 2:
        lines.insert(5, "; raised after the incident of last spring")
        lines.insert(6, "MODEL_TIMEOUT_SECONDS=45")
    if agent.index % 8 in (2, 6):
        lines.append(f"OPENAI_API_KEY=sk-rehearsal-not-a-real-key-{agent.name}")
    if agent.index % 9 == 4:
        lines.append('AGENT_GREETING="hello = world, # not a comment"')
    if agent.index % 10 == 7:
        lines.append("#ENABLE_UNIFIED_SUBJECTS=true")
    ending = "" if agent.index % 11 == 8 else "\n"  # some files lack the last newline
    return "\n".join(lines) + ending


def is_enabled(agent: Agent, number: int) -> bool:
    """Two thirds of the instances are enabled, the others only started; which ones differs from host to host."""
    return (agent.index + number) % 3 != 0


def group_of(agent: Agent) -> int:
    return CIMADMIN if agent.index % 2 else 0


def nats_configuration(place: Place) -> str:
    lines = [
        f"server_name: {place.host}",
        "listen: 0.0.0.0:4222",
        "http: 0.0.0.0:8222",
        'jetstream { store_dir: "/var/lib/nats", max_mem: 64MB, max_file: 256MB }',
    ]
    if len(place.peers) > 1:
        routes = ", ".join(f'"nats-route://{address}:6222"' for address in place.peers if address != place.address)
        lines.append(f"cluster {{ name: cim, listen: 0.0.0.0:6222, no_advertise: true, routes: [{routes}] }}")
    return "\n".join(lines) + "\n"


def files(place: Place, agents: list[Agent], public_key: str, prefix: str) -> list[File]:
    """Everything a host gets before its first boot."""
    machine = hashlib.sha256(f"{prefix}/{place.host}".encode()).hexdigest()[:32]
    found = [
        File("/etc/machine-id", f"{machine}\n".encode(), 0o444),
        File("/etc/nats/nats.conf", nats_configuration(place).encode()),
        File("/home/cimadmin/.ssh/authorized_keys", f"{public_key}\n".encode(), 0o600, CIMADMIN, CIMADMIN),
        File("/home/rollout/.ssh/authorized_keys", f"restrict {public_key}\n".encode(), 0o600, ROLLOUT, ROLLOUT),
    ]
    rows = []
    for agent in agents:
        data = environment(agent, place.address).encode()
        name = f"agent-runtime-{agent.name}.env"
        found.append(File(f"{CONFIGS}/{name}", data, 0o640, 0, group_of(agent)))
        found.append(File(f"{SEED}/{name}", data, 0o600))
        rows.append({"agent": agent.name, "gid": group_of(agent), "enabled": is_enabled(agent, place.number)})
        if is_enabled(agent, place.number):
            unit = f"/etc/systemd/system/multi-user.target.wants/agent-runtime@{agent.name}.service"
            found.append(File(unit, b"", link="/etc/systemd/system/agent-runtime@.service"))
    seed = {"host": place.host, "hosts": len(place.peers), "agents": rows}
    found.append(File(f"{SEED}/seed.json", json.dumps(seed).encode(), 0o600))
    return found


def archive(entries: list[File]) -> bytes:
    """The files as a tar with owners and modes, for ``docker cp -``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, mode, owner in (
            ("home/cimadmin/.ssh", 0o700, CIMADMIN), ("home/rollout/.ssh", 0o700, ROLLOUT), (SEED.strip("/"), 0o700, 0),
        ):  # fmt: skip
            directory = tarfile.TarInfo(path)
            directory.type, directory.mode, directory.uid, directory.gid = tarfile.DIRTYPE, mode, owner, owner
            directory.mtime = FIXED_TIME
            tar.addfile(directory)
        for entry in entries:
            info = tarfile.TarInfo(entry.path.lstrip("/"))
            info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, FIXED_TIME
            if entry.link:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
            info.size = len(entry.data)
            tar.addfile(info, io.BytesIO(entry.data))
    return buffer.getvalue()
