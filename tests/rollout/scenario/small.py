# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 2 in small: two phases of one agent, two checkpoints, the plan's own times. Run by rollout.yml beside this file.

Latency is left out: what a busy machine makes slow is no subject of a story about something else.
"""

from __future__ import annotations

from typing import Any

from tests.rollout.scenario import plans
from tests.rollout.scenario.latency import without_latency

ROLLOUT, PLAYBOOK = "small", "tests/rollout/scenario/rollout.yml"
FIRST, SECOND = "network-expert", "tdd-expert"
CONTROL = ("nix-expert", "qa-expert")
HOSTS = ("dgx-1", "dgx-2", "dgx-3")
CHECKPOINTS = ("T+1h", "T+2h")
#: What a rehearsal is told.
SKIPPING = {"rollout_skip_waits": True, "rollout_looks_per_wait": 1}
#: The plays of rollout.yml, as boundaries name them.
SOAK, DEPLOY_FIRST, CHECKPOINT = "Soak of phase first", "Deploy phase first", "Checkpoint T+1h"


def small(**sections: Any) -> dict[str, Any]:
    """The plan; `sections` take the place of its own."""
    plan = plans.shipped("wave2")
    del plan["needs"]
    plan.update(rollout=ROLLOUT, title="Wave 2 in small", backup=f"/opt/cim-dgx/configs/backups/{ROLLOUT}")
    plan["preflight"]["quiet_for"] = "1s"
    plan["phases"] = [
        {"name": "first", "agents": [FIRST], "serial": [1, 2], "stagger": "30s", "verify_within": "10m", "soak": "2h"},
        {"name": "second", "agents": [SECOND], "serial": 3, "stagger": "0s", "verify_within": "10m"},
    ]
    at = [name.removeprefix("T+") for name in CHECKPOINTS]
    plan["checkpoints"] = {"after": "second", "at": at, "look_again": {"times": 1, "every": "5m"}}
    return {**without_latency(plan), **sections}
