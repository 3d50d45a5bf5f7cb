# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 1, then wave 2 with three power cuts on the controller, then wave 3 as if this had been production; on all agents."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.campaign.faults.case import SOAK, counted
from tests.campaign.triggers import campaign
from tests.rollout.scenario import boundaries, plans
from tests.rollout.scenario.boundaries import Boundary
from tests.rollout.scenario.evidence import EACH, LAST, LATER
from tests.rollout.scenario.latency import without_latency
from tests.rollout.scenario.story import ROOT, Story
from tests.rollout.scenario.told import Told, accounted, with_flag

NAME = "waves"
FLAG = "ENABLE_UNIFIED_SUBJECTS"
HOSTS = ("dgx-1", "dgx-2", "dgx-3")
WAVE1, WAVE2 = ("nats-expert",), ("network-expert", "tdd-expert")
#: So many looks per wait that a trend of memory, which needs twelve, is known at the end.
SKIPPING = {"rollout_skip_waits": True, "rollout_looks_per_wait": 3}
#: Where wave 2 is killed: a batch is changed and not counted, in the soak, in the measuring of a checkpoint.
KILLED = {
    "killed_in_deploy": counted(WAVE2[0], HOSTS[1]),
    "killed_in_soak": SOAK,
    "killed_in_checkpoint": Boundary(
        "Checkpoint T+6h", "cowboyai.rollout.measure : Look at units, the agents' own log lines, and hosts", 4
    ),
}
CHECKPOINTS = {"wave1": ("T+1h", "T+3h", "T+6h"), "wave2": ("T+1h", "T+6h", "T+12h", "T+24h")}


TOLD = Told(NAME, out=ROOT / "build" / NAME)


def restarts(story: Story) -> dict[str, int]:
    """How often each unit of the waves was started since the host was made, from its journal."""
    found = {}
    for host in story.hosts:
        for agent in (*WAVE1, *WAVE2):
            ask = f"journalctl -u {story.unit.format(agent=agent)} -o cat --grep '^Started ' | wc -l"
            found[f"{agent}@{host}"] = int(story.on(host, ask))
    return found


def act(story: Story) -> None:
    for name in ("wave1", "wave2", "wave3"):
        plans.write(story.out / "plans", without_latency(plans.shipped(name)))
    skipping = {"rollout_plans_dir": str(story.out / "plans"), **SKIPPING}

    def wave(label: str, number: int, at: list[Boundary]) -> None:
        playbook = f"playbooks/wave{number}.yml"
        with boundaries.running(story, label, playbook, at, signal.SIGKILL, extra=skipping, limit="dgx"):
            pass
        story.look(label)

    story.note("started_before", restarts(story))
    story.look("before")
    wave("wave1", 1, [])
    for label, place in KILLED.items():
        wave(label, 2, [place])
        story.note(label, {"last": story.kinds("wave2")[-1]})
    wave("wave2", 2, [])
    wave("once_more", 2, [])
    story.note("started_after", restarts(story))

    production = story.out / "production"
    (production / "group_vars").mkdir(parents=True)
    (production / "hosts.yml").write_text(yaml.safe_dump({"dgx": {}}))
    (production / "group_vars" / "dgx.yml").write_text("---\nrollout_rehearsal: false\n")
    story.inventory = ["inventories/rehearsal", str(production)]
    story.run("wave3_production", "playbooks/preflight.yml", extra={"rollout": "wave3"}, deadline_s=boundaries.WITHIN_S)
    story.look("wave3_production")


@pytest.fixture(scope="module", autouse=True)
def story() -> Iterator[Story]:
    with campaign.fleets([NAME], agents="all"):
        told = Story(NAME, fleet=NAME, out=TOLD.out)
        act(told)
        yield told


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
    assert {gate["decision"] for gate in gates(wave)} == {"go"}
    assert TOLD.of_kind(wave, "checkpoint.missed") == []


@pytest.mark.parametrize(("checkpoint", "wanted"), [("T+1h", EACH), ("T+6h", LATER), ("T+12h", LATER), ("T+24h", LAST)])
def test_a_checkpoint_has_its_evidence(checkpoint: str, wanted: set[str]) -> None:
    folder = TOLD.evidence("wave2", checkpoint)
    found = {path.name for path in folder.iterdir()}
    assert found - {"evidence.json"} == wanted
    assert all(path.stat().st_size for path in folder.iterdir())
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["rehearsal"], summary["skips_waits"]) == (True, True)
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
    assert verdicts["unified_traffic"]["value"] > 5
    assert verdicts["dual_publish_success"]["samples"] > 100
    assert verdicts["agent_uptime"]["samples"] == 6


@pytest.mark.parametrize("label", KILLED)
def test_the_run_was_killed_where_it_should_be(label: str) -> None:
    assert TOLD.status(label) == -signal.SIGKILL
    assert [each.place for each in boundaries.met(TOLD.out, label) if each.struck] == [KILLED[label]]


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


def test_a_production_rollout_does_not_begin_in_the_store_of_a_rehearsal() -> None:
    assert TOLD.status("wave3_production") != 0
    said = " ".join(TOLD.output("wave3_production").split())
    assert "so its clock is ahead" in said and "rollout_monitoring_dir" in said
    assert not (TOLD.monitoring / "ledger" / "wave3.jsonl").exists()
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


def test_hosts_run_with_the_announced_key_and_nothing_else() -> None:
    before, now = TOLD.look("before"), TOLD.look("once_more")
    assert len(before) == 93
    changed = names((*WAVE1, *WAVE2))
    for name, was in before.items():
        wanted = with_flag(was.bytes, FLAG, "true") if name in changed else was.bytes
        assert now[name].file == (wanted, was.owner, was.mode), name
        assert now[name].active, name


def test_the_journal_knows_one_restart_of_each_changed_agent() -> None:
    before, after = TOLD.note("started_before"), TOLD.note("started_after")
    assert after == {name: number + 1 for name, number in before.items()}
