# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a fault file for an agent, or take it away, and tell the agent: fault.py AGENT|'*' WAIT_SECONDS [FAULT...].

Prints {"agents": {agent: {"acts", "at"} | null}}: whether the fault acts in the agent (it may wait for the flag), and
since when by the agent's own clock (ISO 8601, UTC); null for an agent that did not say so in time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from host_units import FAULTS, seed, show, tell, unit_of

ACTING = "/run/rollout-fleet/acting"


GONE = "0:0"


def put(agent: str, lines: list[str]) -> str:
    """Replace the agent's fault file (no lines: remove it); the token by which the agent will know what it read."""
    path = f"{FAULTS}/{agent}"
    if not lines:
        if os.path.exists(path):
            os.unlink(path)
        return GONE
    temporary = f"{FAULTS}/.{agent}"
    with open(temporary, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    os.replace(temporary, path)
    status = os.stat(path)
    return f"{status.st_ino}:{status.st_mtime_ns}"


def said(agent: str, pid: str, token: str) -> dict[str, Any] | None:
    """What the agent says of this very file; of no file at all only the process that runs now can say anything."""
    try:
        with open(f"{ACTING}/{agent}", encoding="utf-8") as stream:
            row = json.load(stream)
    except (OSError, ValueError):
        return None
    return row if row.get("token") == token and (token != GONE or str(row.get("pid")) == pid) else None


def main(name: str, within: float, lines: list[str]) -> int:
    known = [str(row["agent"]) for row in seed()["agents"]]
    agents = known if name == "*" else [name]
    tokens = {agent: put(agent, lines) for agent in agents}
    tell(agents)
    found: dict[str, dict[str, Any] | None] = dict.fromkeys(agents)
    deadline = time.monotonic() + within
    while True:
        left = [agent for agent, row in found.items() if row is None]
        states = show([unit_of(agent) for agent in left], "MainPID") if left else {}
        for agent in left:
            found[agent] = said(agent, states.get(unit_of(agent), {}).get("MainPID", "0"), tokens[agent])
        if all(found.values()) or time.monotonic() >= deadline:
            break
        time.sleep(0.05)
    rows = {agent: row and {key: row[key] for key in ("acts", "at")} for agent, row in found.items()}
    print(json.dumps({"agents": rows}))
    return 0


sys.exit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
