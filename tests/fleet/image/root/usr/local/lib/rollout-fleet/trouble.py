# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make trouble on this host that no agent makes: trouble.py WHAT [VALUE...]. Prints {"at", "done"}.

limit AGENT BYTES   the memory limit of a running unit, without restarting it
memory BYTES        memory of the machine, taken by files in a tmpfs
disk PERCENT        a small disk at /opt/cim-dgx/spool, filled so far
agents              restart every agent of the host, as somebody does by hand
nats                restart the NATS server
clear               the end of limit, memory and disk

`at` is when it began, ISO 8601 in UTC; agents and nats answer once systemd has done it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from host_units import SPOOL, TAKEN_MEMORY, end_troubles, seed, unit_of

DISK_BYTES = 16 * 1024**2
BLOCK = 1024**2


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def fill(path: str, size: int) -> None:
    with open(path, "wb") as stream:
        while size > 0:
            stream.write(b"\0" * min(size, BLOCK))
            size -= BLOCK


def limit(agent: str, size: str) -> str:
    run("systemctl", "set-property", "--runtime", unit_of(agent), f"MemoryMax={int(size)}")
    return f"{unit_of(agent)} has a memory limit of {int(size)} bytes"


def memory(size: str) -> str:
    os.makedirs(TAKEN_MEMORY, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={int(size) + BLOCK}", "rehearsal", TAKEN_MEMORY)
    fill(f"{TAKEN_MEMORY}/taken", int(size))
    return f"{int(size)} bytes of memory are taken"


def disk(percent: str) -> str:
    os.makedirs(SPOOL, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "rehearsal", SPOOL)
    fill(f"{SPOOL}/filled", int(DISK_BYTES * float(percent) / 100))
    return f"{SPOOL} is filled to {float(percent):g} percent"


def agents() -> str:
    units = [unit_of(str(row["agent"])) for row in seed()["agents"]]
    run("systemctl", "restart", *units)
    return f"{len(units)} agents restarted"


def nats() -> str:
    run("systemctl", "restart", "nats-server.service")
    return "nats-server restarted"


def clear() -> str:
    return f"{end_troubles()} things undone"


def main(what: str, values: list[str]) -> int:
    began = time.time_ns()
    done = {"limit": limit, "memory": memory, "disk": disk, "agents": agents, "nats": nats, "clear": clear}[what](
        *values
    )
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began // 10**9)) + f".{began % 10**9 // 1000:06d}Z"
    print(json.dumps({"at": stamp, "done": done}))
    return 0


sys.exit(main(sys.argv[1], sys.argv[2:]))
