# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of the campaign: wave 2 as it is shipped, with its own phases, checkpoints, times and triggers."""

from __future__ import annotations

import math
from typing import Any

from tests.rollout.scenario import plans
from tests.rollout.scenario.latency import without_latency

ROLLOUT = "wave2"
PLAYBOOK = "playbooks/wave2.yml"
PHASES = ("network-expert", "tdd-expert")
CONTROL = ("nix-expert",)
AGENTS = (*PHASES, *CONTROL)
BACKUPS = "/opt/cim-dgx/configs/backups/wave2"
#: What each run is told.
SKIPPING = {"rollout_skip_waits": True, "rollout_looks_per_wait": 1}
#: A share of one agent's answers needs so many.
SAMPLES = 100


def quick(hosts: int) -> dict[str, Any]:
    """Wave 2 without what it measures for its own sake: no latency, and no more requests than counts need."""
    plan = without_latency(plans.shipped("wave2"))
    del plan["needs"]
    plan["preflight"]["quiet_for"] = "1s"
    plan["control"] = {"agents": list(CONTROL)}
    for phase in plan["phases"]:
        # Kills, and the runs that follow them, take real time.
        phase["verify_within"] = "1h"
    plan["watch"]["requests"] = 1
    plan["probe"]["count"] = math.ceil(SAMPLES / hosts)
    plan["checkpoints"]["look_again"] = {"times": 1, "every": "5m"}
    return plan
