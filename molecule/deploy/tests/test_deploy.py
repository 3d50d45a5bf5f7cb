# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads hosts, outputs and the monitoring folder of the deploy story: one key changed, once, and no secret came out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.rollout.scenario import onhost
from tests.rollout.scenario.told import Told, accounted, with_flag

testinfra_hosts = ["ansible://dgx"]

TOLD = Told("deploy")
FLAG = "ENABLE_UNIFIED_SUBJECTS"
PHASE, CONTROL = ("network-expert", "cim-expert"), ("nix-expert",)
HOSTS = ("dgx-1", "dgx-2")
CHANGED = [f"{agent}@{host}" for host in HOSTS for agent in PHASE]
ENV_FILE = "/opt/cim-dgx/configs/agent-runtime-{}.env"
BACKUP = "/opt/cim-dgx/configs/backups/solo"


def deployment(label: str) -> str:
    """What a run said from the begin of its deployment on."""
    before, title, told = TOLD.output(label).partition("Deploy phase pair")
    assert before and title, "the run did not come that far"
    return told


def changed_lines(label: str) -> list[str]:
    """The lines of all diffs of the deployment that say what goes and what comes."""
    return [line for line in deployment(label).splitlines() if re.match(r"^[-+](?![-+])", line)]


@pytest.mark.parametrize("label", ["checked", "deployed", "again"])
def test_it_ends_well(label: str) -> None:
    assert TOLD.status(label) == 0


def test_check_mode_changes_nothing_anywhere() -> None:
    before, after = TOLD.look("before"), TOLD.look("checked")
    assert len(before) == 6
    assert {name: each.untouched for name, each in after.items()} == {n: e.untouched for n, e in before.items()}
    assert TOLD.note("monitoring_after_check") is False


@pytest.mark.parametrize("label", ["checked", "deployed"])
def test_the_diff_shows_exactly_the_announced_key_of_each_instance(label: str) -> None:
    lines = changed_lines(label)
    assert sorted(lines) == sorted([f"-{FLAG}=false"] * 4 + [f"+{FLAG}=true"] * 4)
    told = deployment(label)
    for agent in PHASE:
        path = ENV_FILE.format(agent)
        assert len(re.findall(rf"^--- .*{re.escape(path)}", told, re.MULTILINE)) == 2, path


def test_the_run_counts_every_instance() -> None:
    batches = TOLD.of_kind("solo", "batch.done")
    assert [batch["hosts"] for batch in batches] == [["dgx-1"], ["dgx-2"]]
    good = [name for batch in batches for name in accounted(batch["accounting"])["good"]]
    assert sorted(good) == sorted(CHANGED)
    assert [batch["phase_complete"] for batch in batches] == [False, True]


def test_only_the_key_changed_and_the_new_process_runs_with_it() -> None:
    before, after = TOLD.look("before"), TOLD.look("deployed")
    for name, was in before.items():
        now = after[name]
        if name in CHANGED:
            assert now.bytes == with_flag(was.bytes, FLAG, "true"), name
            assert (now.owner, now.mode) == (was.owner, was.mode), name
            assert (now.active, now.flag, now.restarts) == (True, "true", 0), name
            assert now.invocation != was.invocation, name
        else:
            assert now.untouched == was.untouched, name


def test_the_files_of_this_test_are_as_uneven_as_it_needs() -> None:
    """Otherwise the test above would prove little."""
    before = TOLD.look("before")
    contents = [before[f"{agent}@dgx-1"].bytes for agent in PHASE]
    assert any(not content.endswith(b"\n") for content in contents)
    assert any(f"\n#{FLAG}=true".encode() in content for content in contents)
    assert any(b"\n; " in content for content in contents)
    assert any(content.index(b"AGENT_ID") < content.index(b"NATS_URL") for content in contents)
    assert len({before[name].owner for name in CHANGED}) > 1


def test_the_ledger_holds_what_hosts_prove() -> None:
    after = TOLD.look("deployed")
    for batch in TOLD.of_kind("solo", "batch.done"):
        for name, proven in batch["proven"].items():
            seen = after[name]
            assert (proven["invocation_id"], proven["main_pid"], proven["sha256"]) == (
                seen.invocation,
                seen.pid,
                seen.sha256,
            )


def test_a_second_run_changes_nothing_by_its_own_count() -> None:
    recap = re.findall(r"changed=(\d+)", TOLD.output("again"))
    assert recap and set(recap) == {"0"}


def test_a_second_run_touches_nothing() -> None:
    once, twice = TOLD.look("deployed"), TOLD.look("again")
    assert {name: each.untouched for name, each in twice.items()} == {n: e.untouched for n, e in once.items()}


def written() -> list[Path]:
    """Everything that the runs printed or wrote: outputs, ledger, evidence, looks, reports."""
    return [*TOLD.out.glob("*.log"), *(path for path in TOLD.monitoring.rglob("*") if path.is_file())]


def test_no_secret_comes_out_at_the_loudest() -> None:
    secrets = [*TOLD.note("planted"), "sk-rehearsal-not-a-real-key"]
    paths = written()
    kinds = {path.name for path in paths}
    assert {"deployed.log", "solo.jsonl", "evidence.json", "decision.md", "dgx-1.jsonl"} <= kinds
    leaks = [(path.name, secret) for path in paths for secret in secrets if secret in path.read_text(errors="replace")]
    assert leaks == []


def test_the_outputs_that_are_searched_are_the_loud_ones() -> None:
    assert '"module_args"' in TOLD.output("deployed") and "Accepted by the plan" in TOLD.output("deployed")
    before = TOLD.look("before")
    for secret in TOLD.note("planted"):
        assert all(secret.encode() in before[name].bytes for name in CHANGED)


def test_hosts_end_with_the_change_and_a_backup_that_only_root_reads(host: Host) -> None:
    before = TOLD.look("before")
    name = host.backend.host
    env = {agent: ENV_FILE.format(agent) for agent in (*PHASE, *CONTROL)}
    now = onhost.files(host, list(env.values()))
    for agent in PHASE:
        was = before[f"{agent}@{name}"]
        assert now[env[agent]].file == (with_flag(was.bytes, FLAG, "true"), was.owner, was.mode)
    for agent in CONTROL:
        assert now[env[agent]].file == before[f"{agent}@{name}"].file
    manifest = json.loads(onhost.files(host, [f"{BACKUP}/manifest.json"])[f"{BACKUP}/manifest.json"].bytes)
    assert sorted(manifest["agents"]) == sorted(PHASE)
    for agent, entry in manifest["agents"].items():
        path = f"{BACKUP}/{entry['file']}"
        copy, was = onhost.files(host, [path])[path], before[f"{agent}@{name}"]
        assert copy.bytes == was.bytes
        assert (entry["sha256"], int(entry["mode"], 8), entry["uid"], entry["gid"]) == (
            was.sha256,
            int(was.mode, 8),
            *was.owner,
        )
        assert (copy.owner, copy.mode) == ((0, 0), "0o600")
