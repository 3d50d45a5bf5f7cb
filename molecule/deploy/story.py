# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One phase is deployed: first in check mode, then for real at the loudest, then once more with the same command."""

from __future__ import annotations

from tests.rollout.scenario import plans
from tests.rollout.scenario.story import FLAG, Story

PHASE = ["network-expert", "cim-expert"]
#: Secrets that stand in the files of all hosts, right before and after the key that changes, so that a diff's context
#: could show them, and in a value that preflight tells as accepted drift. The verifier looks for them everywhere.
BEFORE = "ANTHROPIC_API_KEY=sk-ant-planted-5f0c9d3e7a"
AFTER = "DB_PASSWORD=planted-hunter2"
DRIFTED = "STREAM_NAME=nats://store:planted-in-url@stream.invalid"
PLANTED = ["sk-ant-planted-5f0c9d3e7a", "planted-hunter2", "planted-in-url"]


def main() -> None:
    story = Story("deploy")
    for host in story.hosts:
        for agent in PHASE:
            path = story.env_file.format(agent=agent)
            near = f"/^{FLAG}=/i {BEFORE}\n/^{FLAG}=/a {AFTER}\n/^STREAM_NAME=/c {DRIFTED}\n"
            story.on(host, f"sed -f - {path} > /run/new && cat /run/new > {path}", near.encode())
    story.note("planted", PLANTED)
    plan = plans.shipped("wave2")
    plan.update(
        rollout="solo",
        title="One phase of two agents",
        phases=[{"name": "pair", "agents": PHASE, "serial": 1, "stagger": "30s", "verify_within": "10m"}],
        control={"agents": ["nix-expert"]},
        backup="/opt/cim-dgx/configs/backups/solo",
    )
    del plan["needs"]
    plan["checkpoints"]["after"] = "pair"
    named = {"rollout_plan": str(plans.write(story.out, plan)), "rollout": "solo", "rollout_skip_waits": True}

    def run(label: str, *flags: str) -> None:
        story.run(label, "molecule/deploy/steps.yml", extra=named, flags=flags)
        story.look(label)

    story.look("before")
    run("checked", "--check", "--diff")
    story.note("monitoring_after_check", story.monitoring.exists())
    run("deployed", "-vvv", "--diff")
    run("again", "-v")


if __name__ == "__main__":
    main()
