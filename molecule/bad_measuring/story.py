# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 2 once per way in which not the agents but the measuring fails: noise, a host away, NATS frozen, down, or asked nothing."""

from __future__ import annotations

from typing import Any

from tests.rollout.scenario import plans
from tests.rollout.scenario.wave2 import TIME_SCALE, Wave2, shortened

#: What only a probe can measure.
UNPROBED = {
    "message_delivery",
    "latency_p50",
    "latency_p99",
    "conversation_ids",
    "messages_lost",
    "silence",
    "latency_shift",
}


class BadMeasuring(Wave2):
    def nats(self, command: str) -> None:
        for host in self.hosts:
            self.on(host, command)


def measuring_fails(story: BadMeasuring) -> None:
    """Noise in the log, a host away in the soak, and frozen servers at the last checkpoint: it ends with GO all the same."""
    story.start("noise")
    story.tool("fault", "network-expert", "noise")
    story.wave2(
        "noise.host_away",
        during=(
            "the hosts know that the first phase is good",
            lambda: "guard.confirmed" in story.kinds("wave2"),
            lambda: story.cut_ssh("dgx-2"),
        ),
    )
    story.mend_ssh("dgx-2")
    story.wave2(
        "noise.nats_frozen",
        during=("T+12h", lambda: story.passed("wave2", "T+12h"), lambda: story.nats("pkill -STOP -x nats-server")),
    )
    story.nats("pkill -CONT -x nats-server")
    story.wave2("noise.mended")
    story.tool("fault", "clear")
    story.run("noise.undo", "playbooks/rollback.yml", extra={"rollout": "wave2", "rollout_time_scale": TIME_SCALE})


def nats_stops(story: BadMeasuring) -> None:
    """Every server goes down during the soak. All agents lose their connection and say so, control as well."""
    story.start("nats_stopped")
    story.wave2(
        "nats_stopped",
        during=(
            "the first phase is verified",
            lambda: story.passed("wave2", "verify-network-expert"),
            lambda: story.nats("systemctl stop nats-server"),
        ),
    )
    story.nats("systemctl start nats-server")
    story.run(
        "nats_stopped.undo", "playbooks/rollback.yml", extra={"rollout": "wave2", "rollout_time_scale": TIME_SCALE}
    )


def without_probe() -> dict[str, Any]:
    """The plan without its probe, and without the rows that need one."""

    def left(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["metric"] not in UNPROBED]

    plan = shortened()
    del plan["probe"]
    plan["checkpoints"]["also"] = {}
    plan["verify"]["criteria"] = left(plan["verify"]["criteria"])
    plan["criteria"] = {kind: left(rows) for kind, rows in plan["criteria"].items()}
    plan["alerts"] = left(plan["alerts"])
    plan["rollback"]["when"] = left(plan["rollback"]["when"])
    return plan


def idle(story: BadMeasuring) -> None:
    """Nobody asks the agents anything, and the plan has no probe."""
    plans.write(story.out / "plans_idle", without_probe())
    story.start("idle")
    story.tool("traffic", "stop")
    story.wave2("idle", folder="plans_idle")


def main() -> None:
    story = BadMeasuring("bad_measuring")
    measuring_fails(story)
    nats_stops(story)
    idle(story)


if __name__ == "__main__":
    main()
