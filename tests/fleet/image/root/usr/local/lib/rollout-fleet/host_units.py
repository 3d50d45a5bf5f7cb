# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about this rehearsal host that the scripts beside this one share."""

from __future__ import annotations

import contextlib
import glob
import http.client
import json
import os
import shutil
import signal
import subprocess
from typing import Any

SEED = "/var/lib/rollout-fleet/seed"
CONFIGS = "/opt/cim-dgx/configs"
FAULTS = "/opt/cim-dgx/faults"
SPOOL = "/opt/cim-dgx/spool"
TAKEN_MEMORY = "/run/rollout-fleet/memory"
LIMITS = "/run/systemd/system.control"
SUBSCRIPTIONS = 3


def seed() -> dict[str, Any]:
    with open(f"{SEED}/seed.json", encoding="utf-8") as stream:
        return json.load(stream)


def unit_of(agent: str) -> str:
    return f"agent-runtime@{agent}.service"


def systemctl(*arguments: str) -> str:
    """Standard output of systemctl; its exit status says nothing we need (is-active of many units)."""
    done = subprocess.run(["systemctl", *arguments], stdout=subprocess.PIPE, check=False)
    return done.stdout.decode(errors="replace")


def show(units: list[str], *properties: str) -> dict[str, dict[str, str]]:
    """The named properties of each unit."""
    found: dict[str, dict[str, str]] = {}
    for block in systemctl("show", "--property", ",".join(["Id", *properties]), *units).split("\n\n"):
        pairs = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in pairs:
            found[pairs["Id"]] = pairs
    return found


def monitor(path: str) -> dict[str, Any]:
    """A page of the NATS server's monitoring port; {} when it doesn't answer."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", 8222, timeout=2)
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return {}


def connected() -> set[str]:
    """Names of the agents that are connected to this host's NATS with all their subscriptions."""
    rows = monitor("/connz?limit=2048").get("connections", [])
    return {row.get("name", "") for row in rows if row.get("subscriptions", 0) >= SUBSCRIPTIONS}


def routed() -> int:
    """How many other servers of the cluster this one has routes to."""
    return len({row.get("remote_id") for row in monitor("/routez").get("routes", [])})


def tell(agents: list[str]) -> None:
    """Make agents look at their fault files at once. Not through systemctl kill, which says so in their journals."""
    for row in show([unit_of(agent) for agent in agents], "MainPID").values():
        with contextlib.suppress(OSError):
            # An agent that is only starting ignores it, and reads the file when it is ready.
            if int(row.get("MainPID") or 0):
                os.kill(int(row["MainPID"]), signal.SIGURG)


def end_troubles() -> int:
    """Take away what trouble.py left that doesn't end by itself: how many things there were."""
    count = 0
    for path in (SPOOL, TAKEN_MEMORY):
        while os.path.ismount(path):
            subprocess.run(["umount", "--lazy", path], check=True)
            count += 1
    limits = glob.glob(f"{LIMITS}/agent-runtime@*.service.d")
    for path in limits:
        shutil.rmtree(path)
    if limits:
        systemctl("daemon-reload")
    return count + len(limits)
