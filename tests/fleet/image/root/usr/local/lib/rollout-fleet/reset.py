# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put this host back to its seeded state: files, faults, units, agents; then wait until it is ready: reset.py SECONDS.

Prints a JSON line about what it changed, with what ready.py says of the host.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys

import ready
from host_units import CONFIGS, FAULTS, SEED, end_troubles, seed, show, systemctl, tell, unit_of

FLAG = "ENABLE_UNIFIED_SUBJECTS"


def read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def restore_file(agent: str, gid: int) -> bool:
    """Write the seeded environment file if bytes, owner or mode differ; True when they did."""
    path = f"{CONFIGS}/agent-runtime-{agent}.env"
    wanted = read(f"{SEED}/agent-runtime-{agent}.env") or b""
    try:
        status = os.lstat(path)
        same = os.path.isfile(path) and not os.path.islink(path) and read(path) == wanted
        if same and (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (0, gid, 0o640):
            return False
    except OSError:
        pass
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    temporary = f"{path}.reset"
    with open(temporary, "wb") as stream:
        os.fchown(stream.fileno(), 0, gid)
        os.fchmod(stream.fileno(), 0o640)
        stream.write(wanted)
    os.replace(temporary, path)
    return True


def remove_strangers(agents: set[str]) -> int:
    """Remove what rollouts and tests left: guards, backups, faults, other files among the configurations, unit overrides."""
    count = 0
    seeded = {f"agent-runtime-{agent}.env" for agent in agents}
    # A guard that is armed must not put back what is being reset.
    systemctl("stop", "cowboyai-rollout-*.timer", "cowboyai-rollout-*.service")
    places = glob.glob(f"{CONFIGS}/backups/*") + glob.glob(f"{FAULTS}/*")
    places += [path for path in glob.glob(f"{CONFIGS}/*") + glob.glob(f"{CONFIGS}/.[!.]*")
               if os.path.basename(path) not in seeded | {"backups"}]  # fmt: skip
    places += glob.glob("/var/lib/cowboyai-rollout")
    places += glob.glob("/etc/systemd/system/cowboyai-rollout-*") + glob.glob(
        "/etc/systemd/system/multi-user.target.wants/cowboyai-rollout-*"
    )
    overrides = glob.glob("/etc/systemd/system/agent-runtime@*.service*") + glob.glob(
        "/run/systemd/system/agent-runtime@*.service*"
    )
    overrides = [path for path in overrides if not path.endswith("/agent-runtime@.service")]
    for path in places + overrides:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
        count += 1
    if overrides:
        systemctl("daemon-reload")
    return count


def restore_enablement(rows: list[dict[str, object]]) -> int:
    wants = "/etc/systemd/system/multi-user.target.wants"
    changed = 0
    for row in rows:
        path = f"{wants}/{unit_of(str(row['agent']))}"
        if row["enabled"] and not os.path.islink(path):
            os.symlink("/etc/systemd/system/agent-runtime@.service", path)
            changed += 1
        elif not row["enabled"] and os.path.islink(path):
            os.unlink(path)
            changed += 1
    if changed:
        systemctl("daemon-reload")
    return changed


def runs_old_value(pid: str) -> bool:
    """Whether the process was started with the flag on."""
    environment = (read(f"/proc/{pid}/environ") or b"").split(b"\0")
    return f"{FLAG}=true".encode() in environment


def runs_something_else(pid: str) -> bool:
    """Whether the unit's process is not the agent, as one that a unit override started."""
    return b"/agent-runtime\0" not in (read(f"/proc/{pid}/cmdline") or b"") + b"\0"


def main(within: float) -> int:
    facts = seed()
    rows = facts["agents"]
    agents = [row["agent"] for row in rows]
    files = [row["agent"] for row in rows if restore_file(row["agent"], row["gid"])]
    removed = end_troubles() + remove_strangers(set(agents))
    restore_enablement(rows)
    # Faults that act whatever the flag are in agents that may not be restarted below.
    tell(agents)
    strangers = [
        line.split()[0]
        for line in systemctl("list-units", "--all", "--plain", "--no-legend", "agent-runtime@*").splitlines()
        if line.split() and line.split()[0] not in {unit_of(agent) for agent in agents}
    ]
    if strangers:
        systemctl("stop", *strangers)
    systemctl("reset-failed")
    systemctl("start", "nats-server.service", "ssh.service")
    states = show([unit_of(agent) for agent in agents], "ActiveState", "MainPID")
    restart = []
    for agent in agents:
        row = states.get(unit_of(agent), {})
        pid = row.get("MainPID", "0")
        if agent in files or row.get("ActiveState") != "active" or runs_old_value(pid) or runs_something_else(pid):
            restart.append(agent)
    if restart:
        subprocess.run(["systemctl", "restart", *[unit_of(agent) for agent in restart]], check=False)
    print(json.dumps({"files": files, "removed": removed, "restarted": restart, **ready.wait(within)}))
    return 0


sys.exit(main(float(sys.argv[1])))
