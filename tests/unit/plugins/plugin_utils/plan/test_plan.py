# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan, PlanError, load_plan, plan_from_dict

SMALL = """
rollout: small
hosts: all
change:
  env: {FLAG: "on"}
  proof: {log: Flag on}
  undo_proof: {log: Flag off}
backup: /var/backups/small
phases:
  - {name: one, agents: [nix-expert]}
checkpoints: {after: one, at: [1h]}
criteria:
  primary:
    - {metric: agent_uptime, at_least: 99%}
"""

Read = Callable[[str], Plan]


@pytest.fixture
def small(read: Read) -> Plan:
    return read(SMALL)


def test_defaults_are_the_safe_ones(small: Plan) -> None:
    assert small.needs is None and small.sample is None and small.probe is None
    assert small.drift.accept == []
    assert (small.preflight.disk_free, small.preflight.clock_offset, small.preflight.quiet_for) == (1 << 30, 2.0, 300.0)
    assert (small.baseline.window, small.baseline.history) == (300.0, 86400.0)
    phase = small.phase("one")
    assert (phase.serial, phase.stagger, phase.verify_within, phase.soak) == (1, 30.0, 600.0, None)
    assert [criterion.text for criterion in small.verify.criteria] == ["instances_proven equals 100%"]
    assert small.watch.every == 300.0
    assert (small.checkpoints.look_again.times, small.checkpoints.look_again.every) == (3, 300.0)
    assert (small.rollback.scope, small.rollback.within) == ("rollout", 600.0)
    assert small.rollback.on == ["trigger", "failed_phase", "failed_checkpoint"]
    assert small.change.proof.ready_within == 30.0


def test_missing_data_holds_unless_the_plan_says_fail(read: Read) -> None:
    plan = read(SMALL.replace("at_least: 99%}", "at_least: 99%, missing: {agent_silent: fail}}"))
    criterion = plan.criteria.primary[0]
    assert criterion.on_missing("agent_silent") == "fail"
    assert criterion.on_missing("host_unreachable") == "hold"
    assert criterion.on_missing("a reason nobody thought of") == "hold"


def test_a_criterion_takes_its_defaults_from_the_metric(read: Read, wave2_text: str) -> None:
    plan = read(wave2_text.replace("over: checkpoint}", "}").replace("over: rollout}", "}"))
    found = {criterion.metric: criterion for criterion in [*plan.criteria.primary, *plan.criteria.secondary]}
    assert found["latency_p99"].over == "checkpoint" and found["latency_p99"].min_samples == 100
    assert found["error_rate"].over == "rollout" and found["error_rate"].min_samples == 1
    assert found["cpu_overhead"].against == "control"


@pytest.mark.parametrize(
    ("written", "comparison", "threshold", "unit", "relative"),
    [
        ("metric: agent_uptime, above: 99.9%", "above", 99.9, "percent", False),
        ("metric: latency_p50, below: 100ms", "below", 0.1, "duration", False),
        ("metric: latency_p50, below: 20%, against: baseline", "below", 20.0, "percent", True),
        ("metric: latency_p50, at_most: -5%, against: baseline", "at_most", -5.0, "percent", True),
        ("metric: latency_shift, at_most: 150%", "at_most", 150.0, "percent", False),
        ("metric: errors, equals: 0", "equals", 0.0, "count", False),
        ("metric: system_load, below: 1.5", "below", 1.5, "number", False),
        ("metric: errors, at_most: 10", "at_most", 10.0, "count", False),
    ],
)
def test_thresholds_are_numbers_in_their_unit(
    read: Read, wave2_text: str, written: str, comparison: str, threshold: float, unit: str, relative: bool
) -> None:
    plan = read(wave2_text.replace("metric: error_rate, above: 1%, severity", f"{written}, severity"))
    criterion = plan.alerts[0]
    assert (criterion.comparison, criterion.threshold, criterion.unit, criterion.relative) == (
        comparison,
        threshold,
        unit,
        relative,
    )


def test_ignore_under_is_in_the_unit_of_the_difference(read: Read, wave2_text: str) -> None:
    triggers = {trigger.name: trigger for trigger in read(wave2_text).rollback.when}
    assert triggers["slower_than_baseline"].ignore_under == 0.002
    assert triggers["error_burst"].consecutive == 2


def test_a_criterion_says_itself_for_people(read: Read, wave2_text: str) -> None:
    plan = read(wave2_text)
    assert plan.rollback.when[6].text == "latency_shift above 20% against control"
    assert plan.criteria.secondary[4].text == "system_load below 1"


def test_the_proof_after_undo_takes_over_what_it_does_not_say(read: Read, wave2_text: str, small: Plan) -> None:
    change = read(wave2_text).change
    proof = change.proof_after_undo()
    assert proof.log == "Unified subject architecture DISABLED"
    assert proof.subscriptions == change.proof.subscriptions
    assert proof.ready_within == 30.0
    assert small.change.proof_after_undo().subscriptions == []


def test_checkpoints_by_name_in_any_spelling(read: Read, wave2_text: str) -> None:
    plan = read(wave2_text)
    assert plan.checkpoint_names() == ["T+1h", "T+6h", "T+12h", "T+24h"]
    day = plan.checkpoint("T+1d")
    assert (day.name, day.offset_s, day.index, day.last) == ("T+24h", 86400.0, 3, True)
    assert [criterion.metric for criterion in plan.checkpoint("T+60m").criteria] == ["errors"]
    with pytest.raises(KeyError, match=r"wave2 has no checkpoint T\+2h; its checkpoints are T\+1h, T\+6h"):
        plan.checkpoint("T+2h")


def test_phases_by_name(read: Read, wave2_text: str) -> None:
    plan = read(wave2_text)
    assert plan.phase("network-expert").soak == 7200.0
    assert plan.agents() == ["network-expert", "tdd-expert"]
    with pytest.raises(KeyError, match="its phases are network-expert, tdd-expert"):
        plan.phase("three")


def test_the_needed_rollout(read: Read, wave2_text: str) -> None:
    needs = read(wave2_text).needs
    assert needs is not None and needs.not_before is not None and needs.not_after is not None
    assert (needs.rollout, needs.decision, needs.test_data) == ("wave1", "go", None)
    assert (needs.not_before.offset_s, needs.not_before.event) == (21600.0, "deployed")
    assert (needs.not_after.offset_s, needs.not_after.event) == (86400.0, "decided")


@pytest.mark.parametrize("serial", [1, 3, '"25%"', "100%", '[1, "50%", 2]'])
def test_serial_is_what_ansible_takes(read: Read, serial: object) -> None:
    plan = read(SMALL.replace("[nix-expert]}", f"[nix-expert], serial: {serial}}}"))
    assert plan.phase("one").serial in (1, 3, "25%", "100%", [1, "50%", 2])


def test_a_plan_written_out_is_the_same_plan(read: Read, wave2_text: str) -> None:
    plan = read(wave2_text)
    again = plan_from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again.to_dict() == plan.to_dict()
    assert again.digest == plan.digest
    assert plan.to_dict()["phases"][0]["soak"] == "2h"


def test_the_digest_follows_the_meaning_and_not_the_spelling(read: Read, wave2_text: str) -> None:
    digest = read(wave2_text).digest
    assert read("# a comment\n" + wave2_text.replace("soak: 2h", "soak: 120m")).digest == digest
    assert read(wave2_text.replace("soak: 2h", "soak: 121m")).digest != digest
    assert read(wave2_text.replace("below: 0.1%", "below: 0.2%")).digest != digest


def test_path_and_raw_data_are_kept(read: Read) -> None:
    plan = read(SMALL)
    assert plan.path.endswith("plan.yml")
    assert plan.raw["checkpoints"] == {"after": "one", "at": ["1h"]}


def test_a_plan_does_not_change_afterwards(small: Plan) -> None:
    with pytest.raises(Exception, match="frozen"):
        small.rollout = "other"


def test_no_hosts_is_a_problem_of_the_pattern(tmp_path: object, wave2_text: str, root: object) -> None:
    with pytest.raises(PlanError, match=r"hosts: seen dgx, expected a pattern that matches hosts"):
        load_plan(f"{root}/playbooks/plans/wave2.yml", hosts=[])


def test_a_missing_plan_is_a_problem_of_its_path() -> None:
    with pytest.raises(PlanError, match=r"^/nowhere/wave9\.yml: seen No such file"):
        load_plan("/nowhere/wave9.yml")


@pytest.mark.parametrize("text", ["[]", "wave2", "5", "null", "- rollout: x"])
def test_a_file_that_is_no_mapping(read: Read, text: str) -> None:
    with pytest.raises(PlanError, match="expected a mapping that starts with rollout"):
        read(text)
