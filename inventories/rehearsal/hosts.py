#!/usr/bin/env python3
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the rehearsal fleet that ROLLOUT_FLEET names (default: demo), as tests/fleet/fleet recorded them.

A fleet that isn't up is not an empty inventory: with no hosts a play does nothing and ends well. Its hosts are
listed under an address that can't exist, so that a run counts them as unreachable and fails.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build" / "fleet"


def not_up(name: str) -> dict[str, dict[str, object]]:
    address = f"rehearsal-fleet-{name}-is-not-up.invalid"
    hosts = {f"dgx-{number}": {"ansible_host": address} for number in (1, 2, 3)}
    return {"hosts": hosts, "vars": {"ansible_user": "cimadmin"}}


def main() -> int:
    name = os.environ.get("ROLLOUT_FLEET") or "demo"
    try:
        if not re.fullmatch(r"[a-z0-9-]+", name):
            raise ValueError(name)
        group = json.loads((BUILD / name / "inventory" / "hosts.json").read_text(encoding="utf-8"))["dgx"]
    except (OSError, ValueError, KeyError):
        name = re.sub(r"[^a-z0-9-]", "-", name)
        print(f"The rehearsal fleet {name!r} is not up; run: tests/fleet/fleet up --name {name}", file=sys.stderr)
        group = not_up(name)
    # Rollouts come in with the account that may do as little as possible (extensions/sudoers); verifiers that look
    # around as root name another.
    user = os.environ.get("ROLLOUT_FLEET_USER") or "rollout"
    came_in = {"ansible_user": user, "ansible_python_interpreter": "/usr/bin/python3"}
    inventory = {
        "dgx": {"hosts": list(group["hosts"]), "vars": {**group["vars"], **came_in}},
        "_meta": {"hostvars": group["hosts"]},
    }
    print(json.dumps(inventory if "--host" not in sys.argv else {}))
    return 0


sys.exit(main())
