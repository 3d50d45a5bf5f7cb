# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 1, then wave 2 with three power cuts on the controller, then wave 3 as if this had been production."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import yaml

from tests.rollout.scenario.story import FLAG, Story

#: 26 hours in about two minutes.
TIME_SCALE = 900
SIX_HOURS_S = 6 * 3600 / TIME_SCALE


def tdd_deployed_for(story: Story) -> float:
    """Seconds since the last batch of the last phase was proven; negative while it isn't."""
    for record in story.records("wave2"):
        data = record["data"]
        if record["kind"] == "batch.done" and data["phase"] == "tdd-expert" and data["phase_complete"]:
            return (datetime.now(UTC) - datetime.fromisoformat(record["at"])).total_seconds()
    return -1.0


def second_host_is_written(story: Story) -> bool:
    """The module of the second batch has written the file; its restart and its proof are still to come."""
    begun = [record["data"]["hosts"][0] for record in story.records("wave2") if record["kind"] == "batch.started"]
    path = story.env_file.format(agent="network-expert")
    return len(begun) == 2 and story.on(begun[1], f"grep -c ^{FLAG}=true {path}", check=False).strip() == "1"


def main() -> None:
    story = Story("wave2")
    scaled = {"rollout_time_scale": TIME_SCALE}

    def wave2(label: str, kill_at: Callable[[], bool] | None = None, after_s: float = 0.0) -> None:
        with story.running(label, "playbooks/wave2.yml", extra=scaled, limit="dgx") as process:
            if kill_at:
                story.wait_for(f"the moment of {label}", kill_at, process)
                time.sleep(after_s)
                story.note(label, {"running": process.poll() is None, "last": story.kinds("wave2")[-1]})
                story.kill(process)
        story.look(label)

    story.look("before")
    story.run("wave1", "playbooks/wave1.yml", extra=scaled, limit="dgx")
    wave2("killed_in_deploy", lambda: second_host_is_written(story))
    wave2(
        "killed_in_soak",
        lambda: story.passed("wave2", "verify-network-expert"),
        after_s=2.0,
    )
    # T+6h is measured for two and a half seconds from its moment on.
    wave2("killed_in_checkpoint", lambda: tdd_deployed_for(story) > SIX_HOURS_S, after_s=1.5)
    wave2("wave2")
    wave2("once_more")

    production = story.out / "production"
    (production / "group_vars").mkdir(parents=True)
    (production / "hosts.yml").write_text(yaml.safe_dump({"dgx": {}}))
    (production / "group_vars" / "dgx.yml").write_text("---\nrollout_rehearsal: false\n")
    story.inventory = ["inventories/rehearsal", str(production)]
    story.run("wave3_production", "playbooks/preflight.yml", extra={"rollout": "wave3"})
    story.look("wave3_production")


if __name__ == "__main__":
    main()
