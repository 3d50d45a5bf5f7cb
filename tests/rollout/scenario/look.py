# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a host (python3 -, as root): what the hosts themselves say of some instances, without the collection's code.

Standard input: {"instances": {agent: {"unit": ..., "env_file": ...}}, "keys": [...]}. Standard output: the same keys
with bytes, owner, mode and identity of each environment file, systemd's view of each unit, and the environment that
its main process really runs with.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys

PROPERTIES = ("ActiveState", "SubState", "Result", "MainPID", "InvocationID", "NRestarts", "UnitFileState")


def file_of(path: str) -> dict[str, object] | None:
    try:
        status = os.lstat(path)
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError:
        return None
    return {
        "bytes": base64.b64encode(data).decode(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "owner": [status.st_uid, status.st_gid],
        "mode": oct(status.st_mode & 0o7777),
        "inode": status.st_ino,
        "mtime_ns": status.st_mtime_ns,
    }


def unit_of(name: str) -> dict[str, str]:
    words = ["systemctl", "show", name, *(f"--property={each}" for each in PROPERTIES)]
    lines = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def environment_of(pid: str, keys: list[str]) -> dict[str, str | None] | None:
    try:
        with open(f"/proc/{int(pid)}/environ", "rb") as stream:
            pairs = dict(item.split(b"=", 1) for item in stream.read().split(b"\0") if b"=" in item)
    except (OSError, ValueError):
        return None
    return {key: pairs[key.encode()].decode() if key.encode() in pairs else None for key in keys}


def main() -> None:
    asked = json.load(sys.stdin)
    found = {}
    for agent, where in asked["instances"].items():
        unit = unit_of(where["unit"])
        found[agent] = {
            "file": file_of(where["env_file"]),
            "unit": unit,
            "environment": environment_of(unit.get("MainPID", "0"), asked["keys"]),
        }
    print(json.dumps(found))


main()
