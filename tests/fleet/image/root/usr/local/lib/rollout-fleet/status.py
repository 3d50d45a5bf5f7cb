# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print a JSON line about this host: agents by state, flag and faults, NATS, load."""

from __future__ import annotations

import json
import os
import sys

from host_units import FAULTS, monitor, routed, seed, show, unit_of


def main() -> int:
    agents = [row["agent"] for row in seed()["agents"]]
    states = show([unit_of(agent) for agent in agents], "ActiveState", "MainPID", "NRestarts")
    flagged = 0
    for row in states.values():
        try:
            with open(f"/proc/{row.get('MainPID', '0')}/environ", "rb") as stream:
                flagged += b"ENABLE_UNIFIED_SUBJECTS=true" in stream.read().split(b"\0")
        except OSError:
            continue
    faults = {}
    for name in sorted(os.listdir(FAULTS)):
        with open(f"{FAULTS}/{name}", encoding="utf-8", errors="replace") as stream:
            faults[name] = stream.read().split()
    server = monitor("/varz")
    print(
        json.dumps(
            {
                "agents": len(agents),
                "active": sum(row.get("ActiveState") == "active" for row in states.values()),
                "not_active": {u: r.get("ActiveState") for u, r in states.items() if r.get("ActiveState") != "active"},
                "restarts": sum(int(row.get("NRestarts") or 0) for row in states.values()),
                "flag_on": flagged,
                "faults": faults,
                "nats": {key: server.get(key) for key in ("version", "connections")} | {"routes": routed()},
                "load": os.getloadavg()[0],
            }
        )
    )
    return 0


sys.exit(main())
