# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 2 once per way in which not the agents but the measuring fails: noise, a host away, NATS frozen, down, or asked nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.campaign.bad.parts import FIRST, SECOND, TEST, Parts, shortened
from tests.campaign.triggers import campaign
from tests.rollout.scenario import boundaries, plans
from tests.rollout.scenario.told import Told

NAME = "bad-measuring"
BOTH = FIRST | SECOND
SOAK, LAST = (boundaries.look(play) for play in (f"Soak of phase {TEST[0]}", "Checkpoint T+24h"))
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
Tell = Callable[[str], Told]


def nats(story: Parts, command: str) -> None:
    for host in story.hosts:
        story.on(host, command)


def measuring_fails(story: Parts) -> None:
    """Noise in the log, a host away in the soak, and frozen servers at the last checkpoint: it ends with GO all the same."""
    story.start("noise")
    story.tool("fault", "network-expert", "noise")
    with story.running_wave2("noise.host_away", [SOAK]) as run:
        run.comes_to(SOAK)
        story.cut_ssh("dgx-2")
        run.goes_on()
    story.mend_ssh("dgx-2")
    with story.running_wave2("noise.nats_frozen", [LAST]) as run:
        run.comes_to(LAST)
        nats(story, "pkill -STOP -x nats-server")
        run.goes_on()
    nats(story, "pkill -CONT -x nats-server")
    story.wave2("noise.mended")
    story.tool("fault", "clear")
    story.undo("noise.undo")


def nats_stops(story: Parts) -> None:
    """Every server goes down during the soak. All agents lose their connection and say so, control as well."""
    story.start("nats_stopped")
    with story.running_wave2("nats_stopped", [SOAK]) as run:
        run.comes_to(SOAK)
        nats(story, "systemctl stop nats-server")
        run.goes_on()
    nats(story, "systemctl start nats-server")
    story.undo("nats_stopped.undo")


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


def idle(story: Parts) -> None:
    """Nobody asks the agents anything, and the plan has no probe."""
    plans.write(story.out / "plans_idle", without_probe())
    story.start("idle")
    story.tool("traffic", "stop")
    story.wave2("idle", folder="plans_idle")


@pytest.fixture(scope="module")
def told() -> Iterator[Tell]:
    with campaign.fleets([NAME]):
        story = Parts(NAME, NAME)
        for part in (measuring_fails, nats_stops, idle):
            part(story)
        yield story.told


def test_a_host_away_in_the_soak_holds(told: Tell) -> None:
    noise = told("noise")
    assert noise.status("noise.host_away") != 0
    assert "DECISION HOLD wave2" in noise.output("noise.host_away")
    look = noise.look("noise.host_away")
    assert {name for name, seen in look.items() if seen.flag == "true"} == FIRST
    # The next run begins the soak anew as well when it comes late enough: nobody looked.
    ledger = noise.ledger("wave2")
    own = [record for record in ledger if record["run"] == ledger[0]["run"]]
    resets = [record["data"] for record in own if record["kind"] == "soak.reset"]
    assert resets and all("dgx-2 host_unreachable" in reset["why"] for reset in resets)


def test_servers_that_do_not_answer_hold_a_checkpoint(told: Tell) -> None:
    noise = told("noise")
    assert noise.status("noise.nats_frozen") != 0
    assert "DECISION HOLD wave2" in noise.output("noise.nats_frozen")
    held = [name for kind, name, decision in noise.gates("wave2") if (kind, decision) == ("checkpoint", "hold")]
    assert held and set(held) == {"T+24h"}
    verdict = noise.verdicts("wave2", "T+24h.earlier-1")["message_delivery"]
    assert verdict["verdict"] == "inconclusive"
    assert "nats_unreachable" in verdict["reasons"]


def test_noise_and_failures_of_ours_end_with_go_and_restart_nobody(told: Tell) -> None:
    noise = told("noise")
    assert noise.status("noise.mended") == 0
    assert "DECISION GO wave2" in noise.output("noise.mended")
    kinds = [record["kind"] for record in noise.ledger("wave2")]
    # The one rollback is the story's own, after the decision.
    assert kinds.index("decision.made") < kinds.index("rollback.started") and kinds.count("rollback.started") == 1
    first, last = noise.look("noise.host_away"), noise.look("noise.mended")
    assert {name: last[name].invocation for name in FIRST} == {name: first[name].invocation for name in FIRST}
    second = noise.look("noise.nats_frozen")
    assert {name: last[name].invocation for name in BOTH} == {name: second[name].invocation for name in BOTH}
    assert {name: (last[name].active, last[name].flag, last[name].restarts) for name in BOTH} == dict.fromkeys(
        BOTH, (True, "true", 0)
    )


def test_the_noise_was_there_and_counted_for_no_error(told: Tell) -> None:
    noise = told("noise")
    assert noise.verdicts("wave2", "T+24h")["error_rate"]["value"] == 0
    assert "error budget untouched" not in (noise.evidence("wave2", "T+24h") / "errors.log").read_text()


def test_servers_that_are_down_for_everybody_are_no_fault_of_the_change(told: Tell) -> None:
    stopped = told("nats_stopped")
    assert stopped.status("nats_stopped") != 0
    assert [decision for _kind, _name, decision in stopped.gates("wave2") if decision == "rollback"] == []
    assert "DECISION HOLD wave2" in stopped.output("nats_stopped")
    look = stopped.look("nats_stopped")
    assert {name for name, seen in look.items() if seen.flag == "true"} == FIRST


def test_agents_that_nobody_asks_anything_are_no_pass(told: Tell) -> None:
    idle = told("idle")
    assert idle.status("idle") != 0
    assert idle.gates("wave2")[-1] == ("verify", "verify-network-expert", "hold")
    verdict = idle.verdicts("wave2", "verify-network-expert")["dual_publish_success"]
    assert (verdict["verdict"], list(verdict["reasons"])) == ("inconclusive", ["subject_idle"])
    assert {name for name, seen in idle.look("idle").items() if seen.flag == "true"} == FIRST


def test_a_rollback_by_hand_brings_back_what_went_well(told: Tell) -> None:
    noise = told("noise")
    assert noise.status("noise.undo") == 0
    before, now = noise.look("noise.before"), told("nats_stopped").look("nats_stopped.before")
    assert {name: seen.file for name, seen in now.items()} == {name: seen.file for name, seen in before.items()}
    assert {name for name, seen in told("idle").look("idle").items() if seen.file != before[name].file} == FIRST
