# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a host, sent over ssh: puts agents to a known state, or only looks. Reads one JSON argument, prints one JSON line.

Independent of the collection on purpose: it judges the collection's runs and the peers' alike.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

CONFIGS = "/opt/cim-dgx/configs"
SEED = "/var/lib/rollout-fleet/seed"
KEY = "ENABLE_UNIFIED_SUBJECTS"
WORDS = {"true": "Unified subject architecture ENABLED", "false": "Unified subject architecture DISABLED"}
READY_WITHIN = 20.0


def unit_of(agent: str) -> str:
    return f"agent-runtime@{agent}.service"


def path_of(agent: str) -> str:
    return f"{CONFIGS}/agent-runtime-{agent}.env"


def wanted_text(agent: str, flag: str) -> str:
    with open(f"{SEED}/agent-runtime-{agent}.env", encoding="utf-8") as stream:
        return re.sub(rf"(?m)^{KEY}=.*$", f"{KEY}={flag}", stream.read())


def groups() -> dict[str, int]:
    with open(f"{SEED}/seed.json", encoding="utf-8") as stream:
        return {row["agent"]: row["gid"] for row in json.load(stream)["agents"]}


def put(agents: list[str], flag: str) -> None:
    owners = groups()
    for agent in agents:
        with open(path_of(agent), "w", encoding="utf-8") as stream:
            os.fchown(stream.fileno(), 0, owners[agent])
            os.fchmod(stream.fileno(), 0o640)
            stream.write(wanted_text(agent, flag))
    units = [unit_of(agent) for agent in agents]
    # Runs follow each other quickly: systemd's start limit must not end them.
    subprocess.run(["systemctl", "reset-failed", *units], check=False, capture_output=True)
    subprocess.run(["systemctl", "restart", *units], check=True)


def show(agents: list[str]) -> dict[str, dict[str, str]]:
    command = ["systemctl", "show", "--property=Id,ActiveState,MainPID,InvocationID", *map(unit_of, agents)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return {block["Id"]: block for block in blocks}


def environ(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/environ", encoding="utf-8") as stream:
            pairs = dict(pair.split("=", 1) for pair in stream.read().split("\0") if "=" in pair)
    except OSError:
        return ""
    return pairs.get(KEY, "")


def lines_of(invocation: str) -> list[str]:
    command = ["journalctl", "--quiet", "--no-pager", "--output=cat", f"_SYSTEMD_INVOCATION_ID={invocation}"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.splitlines()


def look(agents: list[str], flag: str) -> dict[str, dict[str, object]]:
    units, owners, seen = show(agents), groups(), {}
    for agent in agents:
        unit = units[unit_of(agent)]
        status = os.stat(path_of(agent))
        with open(path_of(agent), encoding="utf-8") as stream:
            # A last newline that was missing may be there now: a tool may end a file's last line.
            same = stream.read().splitlines() == wanted_text(agent, flag).splitlines()
        said = lines_of(unit["InvocationID"]) if unit["InvocationID"] else []
        seen[agent] = {
            "active": unit["ActiveState"],
            "pid": int(unit["MainPID"]),
            "file": same,
            "rights": (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (0, owners[agent], 0o640),
            "environ": environ(unit["MainPID"]),
            "log": next((value for value, words in WORDS.items() if any(words in line for line in said)), ""),
            "subscriptions": sum("Subscribed to: " in line for line in said),
            "errors": sum(" ERROR " in line for line in said),
        }
    return seen


def main() -> int:
    order = json.loads(sys.argv[1])
    agents, flag = order["agents"], order["flag"]
    if order["set"]:
        put(agents, flag)
    seen = look(agents, flag)
    until = time.monotonic() + READY_WITHIN
    while order["set"] and time.monotonic() < until and any(row["subscriptions"] != 3 for row in seen.values()):
        time.sleep(0.1)
        seen = look(agents, flag)
    print(json.dumps(seen))
    return 0


sys.exit(main())
