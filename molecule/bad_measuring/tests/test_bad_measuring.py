# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads hosts, ledger and evidence of every part of the bad_measuring story."""

from __future__ import annotations

from testinfra.host import Host

from tests.rollout.scenario import onhost
from tests.rollout.scenario.told import Told

testinfra_hosts = ["ansible://dgx"]

HOSTS = ("dgx-1", "dgx-2", "dgx-3")
FIRST = {f"network-expert@{host}" for host in HOSTS}
AGENTS = ("network-expert", "tdd-expert", "nix-expert", "qa-expert")
ENV_FILE = "/opt/cim-dgx/configs/agent-runtime-{}.env"
BOTH = FIRST | {f"tdd-expert@{host}" for host in HOSTS}


def told(part: str) -> Told:
    return Told("bad_measuring", part)


def test_a_host_away_in_the_soak_holds() -> None:
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


def test_servers_that_do_not_answer_hold_a_checkpoint() -> None:
    noise = told("noise")
    assert noise.status("noise.nats_frozen") != 0
    assert "DECISION HOLD wave2" in noise.output("noise.nats_frozen")
    held = [name for kind, name, decision in noise.gates("wave2") if (kind, decision) == ("checkpoint", "hold")]
    assert held and set(held) == {"T+24h"}
    verdict = noise.verdicts("wave2", "T+24h.earlier-1")["message_delivery"]
    assert verdict["verdict"] == "inconclusive"
    assert "nats_unreachable" in verdict["reasons"]


def test_noise_and_failures_of_ours_end_with_go_and_restart_nobody() -> None:
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


def test_the_noise_was_there_and_counted_for_no_error() -> None:
    noise = told("noise")
    assert noise.verdicts("wave2", "T+24h")["error_rate"]["value"] == 0
    assert "error budget untouched" not in (noise.evidence("wave2", "T+24h") / "errors.log").read_text()


def test_servers_that_are_down_for_everybody_are_no_fault_of_the_change() -> None:
    stopped = told("nats_stopped")
    assert stopped.status("nats_stopped") != 0
    assert [decision for _kind, _name, decision in stopped.gates("wave2") if decision == "rollback"] == []
    assert "DECISION HOLD wave2" in stopped.output("nats_stopped")
    look = stopped.look("nats_stopped")
    assert {name for name, seen in look.items() if seen.flag == "true"} == FIRST


def test_agents_that_nobody_asks_anything_are_no_pass() -> None:
    idle = told("idle")
    assert idle.status("idle") != 0
    assert idle.gates("wave2")[-1] == ("verify", "verify-network-expert", "hold")
    verdict = idle.verdicts("wave2", "verify-network-expert")["dual_publish_success"]
    assert (verdict["verdict"], list(verdict["reasons"])) == ("inconclusive", ["subject_idle"])
    assert {name for name, seen in idle.look("idle").items() if seen.flag == "true"} == FIRST


def test_hosts_end_as_the_last_part_left_them(host: Host) -> None:
    before, name = told("noise").look("noise.before"), host.backend.host
    paths = {agent: ENV_FILE.format(agent) for agent in AGENTS}
    now = onhost.files(host, list(paths.values()))
    same = {agent for agent, path in paths.items() if now[path].file == before[f"{agent}@{name}"].file}
    assert same == {"tdd-expert", "nix-expert", "qa-expert"}
