# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start what isn't enabled, wait until this host is ready, and print a JSON line about it: ready.py SECONDS."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from host_units import connected, monitor, routed, seed, show, systemctl, unit_of

HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"


def wait(within: float) -> dict[str, Any]:
    """The host's key, its agents and how many of them are active; ``missing`` names what was not ready in time."""
    facts = seed()
    agents = [row["agent"] for row in facts["agents"]]
    deadline = time.monotonic() + within
    missing = ["systemd"]
    while systemctl("is-active", "dbus.socket").strip() != "active" and time.monotonic() < deadline:
        time.sleep(0.05)
    # One call for all: it returns once nats-server, which the agents come after, is up.
    systemctl("start", "ssh.service", "nats-server.service", *[unit_of(agent) for agent in agents])
    while time.monotonic() < deadline:
        here = connected()
        missing = [f"agent {agent}" for agent in agents if agent not in here]
        if routed() < facts["hosts"] - 1:
            missing.append("NATS routes")
        if not monitor("/jsz").get("meta_cluster", {}).get("leader") and facts["hosts"] > 1:
            missing.append("JetStream leader")
        if systemctl("is-active", "ssh.service").strip() != "active":
            missing.append("sshd")
        if not missing:
            break
        time.sleep(0.1)
    try:
        with open(HOST_KEY, encoding="utf-8") as stream:
            key = " ".join(stream.read().split()[:2])
    except OSError:
        key = ""
    states = show([unit_of(agent) for agent in agents], "ActiveState")
    active = sum(row.get("ActiveState") == "active" for row in states.values())
    return {"host_key": key, "agents": len(agents), "active": active, "missing": missing}


if __name__ == "__main__":
    print(json.dumps(wait(float(sys.argv[1]))))
