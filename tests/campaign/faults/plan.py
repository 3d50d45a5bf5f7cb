# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of the campaign: wave 2 as it is shipped, with its own phases, checkpoints and triggers, in about a minute."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tests.rollout.scenario import plans
from tests.rollout.scenario.story import ROOT

ROLLOUT = "wave2"
PLAYBOOK = ROOT / "playbooks" / "wave2.yml"
PHASES = ("network-expert", "tdd-expert")
CONTROL = ("nix-expert",)
AGENTS = (*PHASES, *CONTROL)
BACKUPS = "/opt/cim-dgx/configs/backups/wave2"
#: An hour of the plan is a second of a run.
SCALE = 3600
#: For runs that are killed and given again: a checkpoint is not over before the next run has come to it.
UNHURRIED = 300
EVERY_H = 10
#: A percentile of one agent's latency needs so many answers.
SAMPLES = 100


def quick(hosts: int) -> dict[str, Any]:
    """Wave 2 with what it measures cut down to what a few hosts and a minute allow: short windows, few requests."""
    plan = plans.shipped("wave2")
    del plan["needs"]
    plan["preflight"]["quiet_for"] = "1s"
    plan["control"] = {"agents": list(CONTROL)}
    plan["baseline"] = {"window": "1h", "history": "30d"}
    for phase in plan["phases"]:
        phase.update(stagger="1h", verify_within="30d")
    plan["phases"][0]["soak"] = f"{EVERY_H}h"
    plan["verify"]["window"] = "1h"
    plan["watch"].update(every=f"{EVERY_H}h", probe_every="1h", sample="30m", requests=1)
    plan["sample"]["window"] = "1h"
    plan["probe"]["count"] = math.ceil(SAMPLES / hosts)
    number = len(plan["checkpoints"]["at"])
    plan["checkpoints"].update(at=[f"{EVERY_H * (1 + each)}h" for each in range(number)], also={})
    plan["checkpoints"]["look_again"] = {"times": 1, "every": "2h"}
    return plan


def playbook(folder: Path) -> Path:
    """The shipped playbook of wave 2, all its plays, with the checkpoints' names of the quick plan."""
    text = PLAYBOOK.read_text()
    names = iter(quick(len(AGENTS))["checkpoints"]["at"])
    for old in plans.shipped("wave2")["checkpoints"]["at"]:
        text = text.replace(f"T+{old}", f"T+<{next(names)}>")
    text = (
        text.replace("<", "")
        .replace(">", "")
        .replace("import_playbook: steps/", f"import_playbook: {PLAYBOOK.parent}/steps/")
    )
    path = folder / "wave2_quick.yml"
    path.write_text(text)
    return path
