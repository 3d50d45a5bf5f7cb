# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads hosts, ledgers and evidence after wave 1, wave 2 (killed three times) and a refused wave 3."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from testinfra.host import Host

from tests.rollout.scenario import onhost
from tests.rollout.scenario.told import Told, accounted, with_flag

testinfra_hosts = ["ansible://dgx"]

TOLD = Told("wave2")
FLAG = "ENABLE_UNIFIED_SUBJECTS"
HOSTS = ("dgx-1", "dgx-2", "dgx-3")
WAVE1, WAVE2 = ("nats-expert",), ("network-expert", "tdd-expert")
UNCHANGED = ("graph-expert", "git-expert", "location-expert", "nix-expert", "qa-expert")
ENV_FILE = "/opt/cim-dgx/configs/agent-runtime-{}.env"
KILLED = ("killed_in_deploy", "killed_in_soak", "killed_in_checkpoint")
CHECKPOINTS = {"wave1": ("T+1h", "T+3h", "T+6h"), "wave2": ("T+1h", "T+6h", "T+12h", "T+24h")}
EACH = {
    "summary.json",
    "agent_status.json",
    "errors.log",
    "nats_sampling.json",
    "nats_sampling.txt",
    "system_metrics.json",
    "series.json",
    "trends.json",
    "trends.txt",
}
LATER = EACH | {"analysis.txt", "comparison.json"}
LAST = LATER | {"final_analysis.md", "aggregate_metrics.json"}


def names(agents: tuple[str, ...]) -> set[str]:
    return {f"{agent}@{host}" for agent in agents for host in HOSTS}


def gates(rollout: str) -> list[dict[str, Any]]:
    return TOLD.of_kind(rollout, "gate.decided")


@pytest.mark.parametrize("wave", ["wave1", "wave2"])
def test_a_wave_ends_with_go(wave: str) -> None:
    assert TOLD.status(wave) == 0
    assert TOLD.outcome(wave) == "GO"
    assert [data["decision"] for data in TOLD.of_kind(wave, "decision.made")] == ["go"]
    assert f"DECISION GO {wave}" in TOLD.output(wave)


@pytest.mark.parametrize("wave", ["wave1", "wave2"])
def test_every_checkpoint_was_taken_once_and_passed(wave: str) -> None:
    taken = [gate["name"] for gate in gates(wave) if gate["gate"] == "checkpoint" and gate["decision"] != "hold"]
    assert taken == list(CHECKPOINTS[wave])
    # On a machine that lags there are few looks in so short a rehearsal: then, and only then, a gate looks again.
    assert {gate["decision"] for gate in gates(wave)} <= {"go", "hold"}
    held = [gate["why"] for gate in gates(wave) if gate["decision"] == "hold"]
    assert all("could not be measured" in why and "too_few_samples" in why for why in held), held
    assert TOLD.of_kind(wave, "checkpoint.missed") == []


@pytest.mark.parametrize(("checkpoint", "wanted"), [("T+1h", EACH), ("T+6h", LATER), ("T+12h", LATER), ("T+24h", LAST)])
def test_a_checkpoint_has_its_evidence(checkpoint: str, wanted: set[str]) -> None:
    folder = TOLD.evidence("wave2", checkpoint)
    found = {path.name for path in folder.iterdir()}
    assert found - {"evidence.json"} == wanted
    assert all(path.stat().st_size for path in folder.iterdir())
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["rehearsal"], summary["time_scale"]) == (True, 900.0)
    assert set(accounted(summary["accounting"])["good"]) == names(WAVE2)
    assert {v["verdict"] for v in summary["criteria"] if v["kind"] == "primary"} == {"pass"}
    triggers = {v["name"]: v["verdict"] for v in summary["criteria"] if v["kind"] == "trigger"}
    # A trend takes its time.
    young = {"memory_leak"} if triggers["memory_leak"] == "inconclusive" and checkpoint != "T+24h" else set()
    assert {verdict for name, verdict in triggers.items() if name not in young} == {"pass"}


@pytest.mark.parametrize("wave", ["wave1", "wave2"])
def test_no_evidence_was_lost_or_altered_on_the_way(wave: str) -> None:
    """Every file that the ledger names is there with its hash; a gate that was begun and killed left nothing half done."""
    checked = 0
    records = [*TOLD.of_kind(wave, "baseline.taken"), *gates(wave)]
    for position, record in enumerate(records):
        folder = (TOLD.monitoring / record["evidence"]).parent
        same = [place for place, each in enumerate(records) if each["evidence"] == record["evidence"]]
        if position != same[-1]:
            # A gate that held and looked again has kept its first look under another name.
            folder = folder.with_name(f"{folder.name}.earlier-{same.index(position) + 1}")
        for name, wanted in record["files"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == wanted, f"{folder.name}/{name}"
            checked += 1
    assert checked > 30
    # A write that was cut off would leave its hidden temporary file; the lock of the keys is hidden too, and stays.
    hidden = {str(path.relative_to(TOLD.monitoring)) for path in TOLD.monitoring.rglob(".*") if path.is_file()}
    assert hidden == {"keys/.lock"}


def test_the_probe_and_the_sample_saw_the_agents() -> None:
    verdicts = TOLD.verdicts("wave2", "T+24h")
    assert verdicts["message_delivery"]["value"] == 100
    assert verdicts["latency_p99"]["samples"] >= 100
    assert verdicts["unified_traffic"]["value"] > 5
    assert verdicts["dual_publish_success"]["samples"] > 100
    assert verdicts["agent_uptime"]["samples"] == 6


@pytest.mark.parametrize("label", KILLED)
def test_the_run_was_killed_where_it_should_be(label: str) -> None:
    assert TOLD.status(label) == -9
    assert TOLD.note(label)["running"] is True


def test_it_was_killed_between_a_batch_and_its_count() -> None:
    assert TOLD.note("killed_in_deploy")["last"] == "batch.started"


def test_each_further_run_says_that_it_goes_on() -> None:
    assert len(TOLD.of_kind("wave2", "run.resumed")) == len(KILLED)
    runs = list(dict.fromkeys(record["run"] for record in TOLD.ledger("wave2")))
    assert len(runs) == len(KILLED) + 1


def test_the_soak_lasted_without_a_break() -> None:
    records = TOLD.ledger("wave2")
    assert [record for record in records if record["kind"] == "soak.reset"] == []
    done = [record["seq"] for record in records if record["kind"] == "soak.done"]
    second = [r["seq"] for r in records if r["kind"] == "batch.started" and r["data"]["phase"] == "tdd-expert"]
    assert len(done) == 1 and done[0] < second[0]


def test_batches_follow_the_plan_and_everything_is_proven() -> None:
    proven: dict[str, Any] = {}
    for batch in TOLD.of_kind("wave2", "batch.done"):
        assert len(batch["hosts"]) == 1
        accounted(batch["accounting"])
        proven |= batch["proven"]
    assert set(proven) == names(WAVE2)
    last = TOLD.look("wave2")
    assert {name: each["invocation_id"] for name, each in proven.items()} == {n: last[n].invocation for n in proven}


def test_nobody_was_restarted_twice() -> None:
    """Not by a run that came after a kill, and not by a module that outlived its run."""
    killed, last = TOLD.look("killed_in_soak"), TOLD.look("wave2")
    for name in names(("network-expert",)):
        assert last[name].untouched == killed[name].untouched, name
    for name in names((*WAVE1, *WAVE2)):
        assert (last[name].active, last[name].flag, last[name].restarts) == (True, "true", 0), name


def test_a_further_run_changes_nothing_and_says_go() -> None:
    assert TOLD.status("once_more") == 0
    assert {n: e.untouched for n, e in TOLD.look("once_more").items()} == {
        n: e.untouched for n, e in TOLD.look("wave2").items()
    }
    steps = [record["kind"] for record in TOLD.ledger("wave2") if not record["kind"].startswith("alert.")]
    assert steps[-1] == "decision.made"


def test_scaled_decisions_are_refused_for_production() -> None:
    assert TOLD.status("wave3_production") != 0
    problems = TOLD.of_kind("wave3", "preflight.failed")[0]["problems"]
    said = [problem for problem in problems if "wave2" in problem]
    assert len(said) == 1
    assert "rehearsal (time scale 900)" in said[0] and "run wave2 in real time" in said[0]
    assert "DECISION HOLD wave3" in TOLD.output("wave3_production")
    assert TOLD.of_kind("wave3", "rollout.started")[0]["rehearsal"] is False
    assert {n: e.untouched for n, e in TOLD.look("wave3_production").items()} == {
        n: e.untouched for n, e in TOLD.look("once_more").items()
    }


def test_reports_are_there() -> None:
    folder = TOLD.monitoring / "reports" / "wave2"
    assert {path.name for path in folder.iterdir()} == {
        "deployment.md",
        "decision.md",
        "final_analysis.md",
        "retrospective.md",
        "report.html",
    }
    assert "never counts for production" in (folder / "decision.md").read_text()


def test_hosts_run_with_the_announced_key_and_nothing_else(host: Host) -> None:
    before, name = TOLD.look("before"), host.backend.host
    paths = {agent: ENV_FILE.format(agent) for agent in (*WAVE1, *WAVE2, *UNCHANGED)}
    now = onhost.files(host, list(paths.values()))
    for agent, path in paths.items():
        was = before[f"{agent}@{name}"]
        wanted = was.bytes if agent in UNCHANGED else with_flag(was.bytes, FLAG, "true")
        assert now[path].file == (wanted, was.owner, was.mode), path
    units = [f"agent-runtime@{agent}.service" for agent in paths]
    assert set(onhost.active(host, units).values()) == {"active"}


def test_the_journal_knows_one_restart_of_each_changed_agent(host: Host) -> None:
    """Two processes since the host was made: the old one and the new one."""
    with host.sudo():
        for agent in (*WAVE1, *WAVE2):
            unit = f"agent-runtime@{agent}.service"
            seen = host.check_output(f"journalctl -u {unit} -o cat --grep '^Started ' | wc -l")
            assert int(seen) == 2, unit
