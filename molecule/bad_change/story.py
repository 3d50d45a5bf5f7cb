# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 2's own playbook with wave 2's plan, once per fault: what the change breaks, and then what breaks the measuring.

The plan differs from the shipped one in what a fault's run can't wait for: it needs no wave 1 and no five quiet minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.integration.scenario import plans
from tests.integration.scenario.story import Story

#: Hours of the plan in seconds.
TIME_SCALE = 3600
#: What the agents may use in the part that fills it; a leak takes hours to be sure of (make triggers ARGS=leak).
ROOM = "64MB"
FAULTS = {
    "crash_after": "crash_after=5",
    "errors": "errors=5%",
    "drop": "drop=20%",
    "late": "late=150ms",
    "legacy_only": "legacy_only",
    "full": "fill=56MB",
}


class Wave2(Story):
    def __init__(self) -> None:
        super().__init__("bad_change")
        self.everything = self.monitoring
        plan = plans.shipped("wave2")
        del plan["needs"]
        plan["preflight"]["quiet_for"] = "1s"
        plan["checkpoints"]["look_again"] = {"times": 1, "every": "1m"}
        plans.write(self.out / "plans", plan)
        idle = plans.shipped("wave2")
        del idle["needs"], idle["probe"]
        idle["preflight"]["quiet_for"] = "1s"
        idle["checkpoints"]["look_again"] = {"times": 1, "every": "1m"}
        idle["checkpoints"]["also"] = {}
        unprobed = {
            "message_delivery",
            "latency_p50",
            "latency_p99",
            "conversation_ids",
            "messages_lost",
            "silence",
            "latency_shift",
        }
        idle["verify"]["criteria"] = self._without(idle["verify"]["criteria"], unprobed)
        idle["criteria"] = {kind: self._without(rows, unprobed) for kind, rows in idle["criteria"].items()}
        idle["alerts"] = self._without(idle["alerts"], unprobed)
        idle["rollback"]["when"] = self._without(idle["rollback"]["when"], unprobed)
        plans.write(self.out / "plans_idle", idle)

    @staticmethod
    def _without(rows: list[dict[str, Any]], metrics: set[str]) -> list[dict[str, Any]]:
        return [row for row in rows if row["metric"] not in metrics]

    def start(self, part: str) -> None:
        """A monitoring folder of its own, and what the hosts are before."""
        self.monitoring = self.everything / part
        self.look(f"{part}.before")

    def wave2(
        self,
        label: str,
        folder: str = "plans",
        during: tuple[str, Callable[[], bool], Callable[[], None]] | None = None,
    ) -> None:
        """Run the wave; `during`: what to wait for in it, when that is so, and what then happens to the hosts."""
        extra = {"rollout_plans_dir": str(self.out / folder), "rollout_time_scale": TIME_SCALE}
        with self.running(label, "playbooks/wave2.yml", extra=extra) as process:
            if during:
                what, condition, act = during
                self.wait_for(what, condition, process)
                act()
        self.look(label)

    def fault(self, part: str, agent: str, spec: str) -> None:
        self.start(part)
        if part == "full":
            for host in self.hosts:
                self.tool("trouble", "--host", host, "limit", agent, ROOM)
        self.tool("fault", agent, spec)
        self.wave2(part)
        self.tool("fault", "clear")
        if part == "full":
            for host in self.hosts:
                self.tool("trouble", "--host", host, "clear")

    def nats(self, command: str) -> None:
        for host in self.hosts:
            self.on(host, command)


def measuring_fails(story: Wave2) -> None:
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


def nats_stops(story: Wave2) -> None:
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


def idle(story: Wave2) -> None:
    """Nobody asks the agents anything, and the plan has no probe."""
    story.start("idle")
    story.tool("traffic", "stop")
    story.wave2("idle", folder="plans_idle")


def main() -> None:
    story = Wave2()
    for part, spec in FAULTS.items():
        story.fault(part, "network-expert", spec)
    story.fault("second_phase", "tdd-expert", "errors=5%")
    measuring_fails(story)
    nats_stops(story)
    idle(story)


if __name__ == "__main__":
    main()
