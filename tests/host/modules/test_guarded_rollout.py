# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout whose hosts wait for its confirmation: given by verify, and what happens when nobody gave it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.host.modules.conftest import FLEET, RehearsalHost
from tests.rollout.scenario import plans
from tests.rollout.scenario.story import ROOT, Story

AGENT, PHASE = "tdd-expert", "only"
INSTANCE = f"{AGENT}@dgx-1"
STATE = "/var/lib/cowboyai-rollout"
# The guard's deadline is moved into the past and its own service started, instead of waiting for it.
FIRE = """
cd {state}/{rollout}
sed -i 's/"deadline_monotonic": [0-9.]*/"deadline_monotonic": 1.0/' guard.json
systemctl start "cowboyai-rollout-guard-{rollout}-*.service" 2>/dev/null
unit=$(systemctl list-timers --all --no-legend 'cowboyai-rollout-guard-*' | grep -o 'cowboyai[^ ]*service')
systemctl start "$unit"
for i in $(seq 100); do test -e guard.json || exit 0; sleep 0.1; done
exit 1
"""


def plan_of(rollout: str) -> dict[str, Any]:
    plan = plans.shipped("wave1")
    plan.update(rollout=rollout, title="Guarded", backup=f"/opt/cim-dgx/configs/backups/{rollout}")
    plan["phases"] = [{"name": PHASE, "agents": [AGENT], "serial": 1, "stagger": "0s", "verify_within": "10m"}]
    plan["verify"] = {"window": "1m", "criteria": [{"metric": "instances_proven", "equals": "100%"}]}
    plan["preflight"]["quiet_for"] = "0s"
    plan["checkpoints"] = {"after": PHASE, "at": ["1h"]}
    plan["criteria"] = {"primary": [{"metric": "agent_uptime", "above": "99.9%", "over": "rollout"}]}
    plan["rollback"]["when"] = []
    # Hosts alone are measured: what NATS says is another test's subject.
    for section in ("sample", "probe", "control", "alerts", "watch"):
        plan.pop(section, None)
    plan["corruption_signs"] = []
    return plan


class Guarded:
    """One rollout, deployed step by step and not yet verified."""

    def __init__(self, rollout: str) -> None:
        self.rollout = rollout
        self.story = Story(rollout, fleet=FLEET, out=ROOT / "build" / "guarded" / rollout)
        path = plans.write(self.story.out, plan_of(rollout))
        self.extra = {"rollout_plan": str(path), "rollout_time_scale": 60}
        for step in ("preflight", "baseline", "backup", "deploy"):
            assert self.run(step) == 0, self.output(step)

    def run(self, step: str, **more: Any) -> int:
        phase = {"phase": PHASE} if step in ("deploy", "verify") else {}
        return self.story.run(step, f"playbooks/{step}.yml", extra={**self.extra, **phase, **more}, limit="dgx-1")

    def output(self, step: str) -> str:
        return (self.story.out / f"{step}.log").read_text()[-3000:]

    def last(self, kind: str) -> dict[str, Any]:
        return [dict(r["data"]) for r in self.story.records(self.rollout) if r["kind"] == kind][-1]

    def state(self) -> list[str]:
        return self.story.on("dgx-1", f"ls {STATE}/{self.rollout}").split()

    def flag(self) -> str:
        return self.story.on(
            "dgx-1", f"grep -c ENABLE_UNIFIED_SUBJECTS=true /opt/cim-dgx/configs/agent-runtime-{AGENT}.env || true"
        ).strip()


def test_verify_confirms_and_the_ledger_says_whom(host: RehearsalHost) -> None:
    rollout = Guarded("guarded-good")
    assert rollout.last("batch.started")["confirm_within_s"] == 180.0
    assert rollout.state() == ["fence.json", "guard.json"]
    assert rollout.run("verify") == 0, rollout.output("verify")
    assert rollout.last("guard.confirmed")["hosts"] == ["dgx-1"]
    assert rollout.state() == ["fence.json"]
    assert rollout.flag() == "1"
    assert rollout.run("verify") == 0
    assert rollout.story.kinds(rollout.rollout).count("guard.confirmed") == 1
    assert rollout.run("rollback", rollout=rollout.rollout) == 0, rollout.output("rollback")
    assert rollout.flag() == "0"


@pytest.mark.parametrize("step", ["verify", "deploy"])
def test_a_host_that_went_back_is_seen_recorded_and_not_changed_again(host: RehearsalHost, step: str) -> None:
    rollout = Guarded(f"guarded-{step}")
    if step == "deploy":
        # As if the run had died before the batch was counted: the change itself is then the first contact.
        _forget_the_count(rollout)
    rollout.story.on("dgx-1", FIRE.format(state=STATE, rollout=rollout.rollout))
    assert rollout.flag() == "0"
    assert rollout.run(step) != 0
    reverted = rollout.last("host.reverted")
    assert (reverted["host"], list(reverted["instances"])) == ("dgx-1", [INSTANCE])
    assert "not confirmed within 180 s" in reverted["why"]
    decided = rollout.last("gate.decided")
    assert (decided["gate"], decided["decision"]) == ("guard", "rollback")
    assert rollout.last("rollback.done")["complete"] is True
    assert "DECISION ROLLED BACK" in rollout.output(step)
    assert rollout.flag() == "0"
    assert rollout.run(step) != 0
    assert rollout.story.kinds(rollout.rollout).count("host.reverted") == 1


def _forget_the_count(rollout: Guarded) -> None:
    path = rollout.story.monitoring / "ledger" / f"{rollout.rollout}.jsonl"
    kept, _counted, _rest = path.read_text().partition('"kind":"batch.done"')
    path.write_text(kept[: kept.rindex("\n") + 1])
