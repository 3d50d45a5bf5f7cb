# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step works on, found from a play's variables; and the start, resumption and refusal of an attempt."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _action, _context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import (
    Context,
    StepError,
    find_plan,
    matching_hosts,
    safe_name,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._start import (
    ensure_started,
    foresee_start,
    refuse_to_begin_anew,
)

from tests.unit.plugins.plugin_utils.recorded import HOSTS, PLANS, at

AGENTS = PLANS.parents[1] / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, Any]:
    """A play's variables on three hosts of the group dgx and one besides."""
    of_host = {"rollout_agents_file": str(AGENTS), "rollout_nats_url": "nats://10.0.0.1:4333"}
    return {
        "rollout": "wave2",
        "rollout_monitoring_dir": str(tmp_path / "monitoring"),
        "playbook_dir": str(PLANS.parent),
        "groups": {"all": [*HOSTS, "other"], "dgx": HOSTS, "ungrouped": ["other"]},
        "ansible_play_hosts_all": HOSTS,
        "ansible_play_batch": HOSTS[:1],
        "hostvars": {host: dict(of_host) for host in [*HOSTS, "other"]},
    }


# ---------------------------------------------------------------- which plan


@pytest.mark.parametrize(
    "given",
    [
        {"rollout": "wave2"},
        {"rollout": "", "phase": "tdd-expert"},
        {"rollout": None, "phase": "tdd-expert"},
        {"rollout": "", "rollout_plan": str(PLANS / "wave2.yml"), "phase": ""},
        {"rollout": "wave2", "rollout_plan": "", "rollout_plans_dir": ""},
        {"playbook_dir": str(PLANS.parent / "steps")},
        {"playbook_dir": "/nowhere"},
    ],
)
def test_a_plan_is_found(variables: dict[str, Any], given: dict[str, Any]) -> None:
    context = Context({**variables, **given})
    assert (context.rollout, context.sure_plan.rollout, context.hosts) == ("wave2", "wave2", HOSTS)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rollout": ""}, r"which rollout\? no rollout and no phase given. Say -e rollout=<name>"),
        ({"rollout": "", "phase": "nobody"}, r"plans with a phase 'nobody': none"),
        ({"rollout": "wave9"}, r"rollout 'wave9': no plan wave9.yml in .*plans.* -e rollout_plan=<path>"),
        ({"rollout_plan": "/nowhere/x.yml"}, r"plan '/nowhere/x.yml' \(rollout_plan\): no such file"),
        ({"rollout_plan": str(PLANS / "wave1.yml")}, r"rollout 'wave2' was asked for, but the plan .* is of rollout 'wave1'"),
    ],
)  # fmt: skip
def test_no_plan_or_another_one_is_refused_with_what_to_say(
    variables: dict[str, Any], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(StepError, match=said):
        assert Context({**variables, **given}).rollout


def test_what_works_without_a_plan_needs_only_a_name(variables: dict[str, Any], tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text("rollout: [")
    for given in ({"rollout": "gone"}, {"rollout": "gone", "rollout_plan": str(broken)}):
        context = Context({**variables, **given}, needs_plan=False)
        assert (context.rollout, context.plan, context.state.outcome) == ("gone", None, "NOT STARTED")


# ---------------------------------------------------------------- hosts, scale, who and which run


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("dgx", HOSTS), ("all", [*HOSTS, "other"]), ("dgx:!dgx-2", ["dgx-1", "dgx-3"]), ("dgx-1,other", ["dgx-1", "other"]),
        ("dgx[0:1]", ["dgx-1", "dgx-2"]), ("nobody", []), ("~dgx-[13]", ["dgx-1", "dgx-3"]),
    ],
)  # fmt: skip
def test_hosts_of_a_pattern_whatever_limit_leaves(variables: dict[str, Any], pattern: str, hosts: list[str]) -> None:
    assert matching_hosts(variables["groups"], pattern) == hosts


@pytest.mark.parametrize("scale", [0, 0.5, -1, "fast", "nan", "inf", 1e7, [], "1,5"])
def test_the_old_word_with_a_value_that_it_never_had_is_refused(variables: dict[str, Any], scale: Any) -> None:
    with pytest.raises(StepError, match=r"rollout_time_scale: seen .* say -e rollout_skip_waits=true for a rehearsal"):
        assert Context({**variables, "rollout_time_scale": scale}).skips_waits


@pytest.mark.parametrize(
    ("given", "skips"),
    [
        ({}, False),
        ({"rollout_skip_waits": True}, True),
        ({"rollout_skip_waits": "true"}, True),
        ({"rollout_skip_waits": "false"}, False),
        ({"rollout_skip_waits": ""}, False),
        # The word of earlier versions: real time, and a rehearsal.
        ({"rollout_time_scale": ""}, False),
        ({"rollout_time_scale": 1}, False),
        ({"rollout_time_scale": "1.0"}, False),
        ({"rollout_time_scale": 900}, True),
        ({"rollout_time_scale": "900"}, True),
        ({"rollout_time_scale": 1e6}, True),
    ],
)
def test_a_run_says_whether_it_skips_its_waits(variables: dict[str, Any], given: dict[str, Any], skips: bool) -> None:
    asked = Context({**variables, **given})
    assert (asked.skips_waits, asked.rehearsal) == (skips, skips)
    assert asked.looks_per_wait == (_context.LOOKS_PER_WAIT if skips else None)
    # What a minute of real time holds is hours of the plan where waits are skipped.
    assert asked.counted_s == (_context.SKIPPED_BUCKET if skips else _context.BUCKET)


@pytest.mark.parametrize(
    ("given", "warned"),
    [({}, 0), ({"rollout_skip_waits": True}, 0), ({"rollout_time_scale": 1}, 0), ({"rollout_time_scale": 900}, 1)],
)
def test_the_old_word_means_skipping_with_a_warning(
    variables: dict[str, Any], given: dict[str, Any], warned: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(_action.display, "warning", told.append)
    _action.RolloutAction._warn_of_old_words(Context({**variables, **given}))
    assert len(told) == warned
    assert all(
        "rollout_time_scale is no longer a number" in line and "rollout_skip_waits=true" in line for line in told
    )


@pytest.mark.parametrize(("looks", "seen"), [(1, 1), ("7", 7), (1000, 1000), ("", 2)])
def test_how_many_looks_a_skipped_wait_gets(variables: dict[str, Any], looks: Any, seen: int) -> None:
    given = {"rollout_skip_waits": True, "rollout_looks_per_wait": looks}
    assert Context({**variables, **given}).looks_per_wait == seen
    assert Context({**variables, "rollout_looks_per_wait": looks}).looks_per_wait is None


@pytest.mark.parametrize("looks", [0, -1, 1001, "many", "1.5", 1.5, [], "inf"])
def test_a_number_of_looks_that_is_none_is_refused(variables: dict[str, Any], looks: Any) -> None:
    given = {"rollout_skip_waits": True, "rollout_looks_per_wait": looks}
    with pytest.raises(StepError, match=r"rollout_looks_per_wait: seen .*, expected a whole number from 1 to 1000"):
        assert Context({**variables, **given}).looks_per_wait


@pytest.mark.parametrize(
    ("given", "rehearsal"),
    [
        ({}, False),
        ({"rollout_skip_waits": True}, True),
        ({"flag": True}, True),
        ({"flag": "yes"}, True),
        ({"flag": False}, False),
    ],
)
def test_skipped_waits_or_an_inventory_that_says_so_are_a_rehearsal(
    variables: dict[str, Any], given: dict[str, Any], rehearsal: bool
) -> None:
    variables["hostvars"]["dgx-3"]["rollout_rehearsal"] = given.pop("flag", "")
    assert Context({**variables, **given}).rehearsal is rehearsal


def test_all_workers_of_a_run_have_its_id_and_another_run_another() -> None:
    child = "import sys; sys.path[:0] = sys.argv[1:]; from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import run_id; print(run_id())"
    paths = [path for path in sys.path if path]
    ids = [subprocess.check_output([sys.executable, "-c", child, *paths], text=True).strip() for _run in range(2)]
    assert ids[0] == ids[1]
    assert ids[0] != _context.run_id()
    assert len(ids[0]) == 12


def test_who_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "jane")
    host = os.uname().nodename
    assert _context.operator({"awx_user_name": "joe"}) == f"joe@{host}"
    assert _context.operator({"awx_user_name": ""}) == f"jane@{host}"


def test_hosts_without_a_catalogue_are_told(variables: dict[str, Any]) -> None:
    variables["hostvars"] = {host: {} for host in HOSTS}
    with pytest.raises(StepError, match="no host has the variable rollout_agents_file"):
        assert Context(variables).catalogue


# ---------------------------------------------------------------- the start of an attempt


def context(variables: dict[str, Any], run: str = "run-1", **given: Any) -> Context:
    return Context({**variables, **given}, run=run)


def touch(of: Context) -> None:
    of.record(
        "batch.started", {"phase": "network-expert", "hosts": ["dgx-1"], "instances": ["network-expert@dgx-1"]}, at(1)
    )


def test_a_start_is_recorded_once_a_run_and_other_runs_resume(variables: dict[str, Any]) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    ensure_started(context(variables), at(1))
    assert [record.kind for record in first.ledger.read()] == ["rollout.started"]
    ensure_started(context(variables, "run-2"), at(2))
    ensure_started(context(variables, "run-2"), at(3))
    records = first.ledger.read()
    assert [(record.kind, record.run) for record in records] == [("rollout.started", "run-1"), ("run.resumed", "run-2")]
    assert records[0].data["hosts"] == HOSTS
    assert "secret" not in str(records[0].data)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rollout_skip_waits": True}, r"began at .* without skipping its waits; this run goes on skipping its waits. Go on with -e rollout_skip_waits=false"),
        ({"flag": True}, r"for production, this run is a rehearsal"),
    ],
)  # fmt: skip
def test_a_rollout_does_not_begin_to_skip_or_change_its_kind_on_the_way(
    variables: dict[str, Any], given: dict[str, Any], said: str
) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    touch(first)
    variables["hostvars"]["dgx-1"]["rollout_rehearsal"] = given.pop("flag", "")
    with pytest.raises(StepError, match=said):
        ensure_started(context(variables, "run-2", **given), at(1))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (HOSTS[:2], r"began at .* on dgx-1, dgx-2, dgx-3; now the inventory lacks dgx-3\. .*playbooks/rollback.yml -e rollout=wave2"),
        ([*HOSTS, "dgx-9"], r"now it has dgx-9 besides"),
        (["dgx-9", *HOSTS[1:]], r"now the inventory lacks dgx-1 and it has dgx-9 besides"),
    ],
)  # fmt: skip
def test_hosts_do_not_change_under_a_rollout_that_has_changed_hosts(
    variables: dict[str, Any], now: list[str], said: str
) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    touch(first)
    before = len(first.ledger.read())
    variables["groups"] = {"all": [*now, "other"], "dgx": now}
    variables["hostvars"] |= dict.fromkeys(now, variables["hostvars"]["other"])
    with pytest.raises(StepError, match=said):
        ensure_started(context(variables, "run-2"), at(2))
    assert len(first.ledger.read()) == before
    variables["groups"] = {"all": HOSTS, "dgx": HOSTS[::-1]}
    ensure_started(context(variables, "run-2"), at(3))


def test_with_nothing_touched_other_hosts_are_another_attempt(variables: dict[str, Any]) -> None:
    ensure_started(context(variables), at(0))
    variables["groups"] = {"all": HOSTS, "dgx": HOSTS[:2]}
    second = context(variables, "run-2")
    ensure_started(second, at(1))
    assert (second.state.attempt, second.state.start["hosts"]) == (2, HOSTS[:2])


def test_a_step_that_only_looks_lifts_no_hold_of_a_rollout_that_has_changed_hosts(variables: dict[str, Any]) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    first.record("gate.decided", {"gate": "preflight", "name": "preflight", "decision": "hold", "why": "w"}, at(1))
    ensure_started(context(variables, "run-2"), at(2), only_looks=True)
    assert first.ledger.read()[-1].kind == "run.resumed"
    touch(first)
    ensure_started(context(variables, "run-3"), at(3), only_looks=True)
    assert first.ledger.read()[-1].kind != "run.resumed"
    ensure_started(context(variables, "run-3"), at(4))
    assert first.ledger.read()[-1].kind == "run.resumed"


@pytest.mark.parametrize("flag", ["", "true"], ids=["rehearsed waiting", "rehearsed skipping"])
def test_what_began_skipping_goes_on_skipping(variables: dict[str, Any], flag: str) -> None:
    """Also where the inventory says that all is a rehearsal."""
    variables["hostvars"]["dgx-1"]["rollout_rehearsal"] = flag
    first = context(variables, rollout_skip_waits=True)
    ensure_started(first, at(0))
    touch(first)
    assert (first.state.skips_waits, first.state.rehearsal, first.state.pace) == (True, True, "waits skipped")
    with pytest.raises(
        StepError,
        match=r"began at .* skipping its waits; this run goes on without skipping its waits. Go on with -e rollout_skip_waits=true",
    ):
        ensure_started(context(variables, "run-2"), at(1))
    for word in ({"rollout_skip_waits": "yes"}, {"rollout_time_scale": 60}):
        ensure_started(context(variables, "run-3", **word), at(2))
    assert first.ledger.read()[-1].kind == "run.resumed"


@pytest.mark.parametrize("given", [{}, {"rollout_skip_waits": True}, {"rollout_time_scale": 900}], ids=str)
def test_what_an_earlier_version_began_with_scaled_time_is_only_rolled_back(
    variables: dict[str, Any], given: dict[str, Any]
) -> None:
    first = context(variables)
    digest = first.sure_plan.digest
    start = {"hosts": HOSTS, "plan_digest": digest, "time_scale": 900.0, "rehearsal": True}
    first.record("rollout.started", start, at(0), attempt=1)
    touch(first)
    before = len(first.ledger.read())
    with pytest.raises(
        StepError,
        match=r"began at .* with rollout_time_scale=900 by an earlier version.*playbooks/rollback.yml -e rollout=wave2",
    ):
        ensure_started(context(variables, "run-2", **given), at(1))
    assert len(first.ledger.read()) == before


def test_with_nothing_touched_another_pace_is_another_attempt(variables: dict[str, Any]) -> None:
    """Of this version as of an earlier one."""
    first = context(variables)
    digest = first.sure_plan.digest
    start = {"hosts": HOSTS, "plan_digest": digest, "time_scale": 900.0, "rehearsal": True}
    first.record("rollout.started", start, at(0), attempt=1)
    second = context(variables, "run-2", rollout_skip_waits=True)
    ensure_started(second, at(1))
    assert (second.state.attempt, second.state.time_scale, second.state.skips_waits) == (2, 1.0, True)
    third = context(variables, "run-3")
    ensure_started(third, at(2))
    assert (third.state.attempt, third.state.skips_waits, third.state.rehearsal) == (3, False, False)


def test_production_is_refused_in_a_store_whose_clock_a_rehearsal_has_moved(variables: dict[str, Any]) -> None:
    rehearsed = context({**variables, "rollout": "wave1"}, rollout_skip_waits=True)
    assert rehearsed.clock.skip_to(rehearsed.clock.now() + timedelta(hours=6)) > 0
    with pytest.raises(
        StepError,
        match=r"a rehearsal has skipped 6h of waiting in .*rollout_monitoring_dir \(or rollout_store\) of its own",
    ):
        ensure_started(context(variables, "run-2"), at(1))
    assert context(variables).ledger.read() == []
    # A rehearsal that waits, which the inventory says, may come after one that skipped.
    variables["hostvars"]["dgx-1"]["rollout_rehearsal"] = True
    ensure_started(context(variables, "run-3"), at(2))
    variables["hostvars"]["dgx-1"]["rollout_rehearsal"] = ""
    ensure_started(context(variables, "run-4", rollout_skip_waits=True), at(3))


def test_a_plan_does_not_change_under_hosts_that_were_changed(variables: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "wave2.yml"
    path.write_text((PLANS / "wave2.yml").read_text().replace("count: 100", "count: 101"))
    first = context(variables)
    ensure_started(first, at(0))
    touch(first)
    other = context(variables, "run-3", rollout_plan=str(path))
    with pytest.raises(StepError, match="A plan does not change under a rollout that has changed hosts") as refused:
        ensure_started(other, at(2))
    accepted = str(refused.value).rpartition("rollout_accept_plan=")[2]
    ensure_started(context(variables, "run-3", rollout_plan=str(path), rollout_accept_plan=accepted), at(3))


def test_a_new_attempt_is_refused_while_something_is_changed(variables: dict[str, Any]) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    touch(first)
    again = {"rollout_new_attempt": "true"}
    resumed = context(variables, "run-2", **again)
    ensure_started(resumed, at(2))
    assert resumed.state.attempt == 1  # the command that asked for a new attempt goes on with it when it is run again
    first = context(variables)
    first.record(
        "batch.started", {"phase": "network-expert", "hosts": ["dgx-2"], "instances": ["network-expert@dgx-2"]}, at(3)
    )
    one = ["network-expert@dgx-1"]
    done = {"why": "w", "expected": one, "restored": {one[0]: {}}, "accounting": {"text": "1 of 1"}}
    first.record("rollback.done", done, at(4))
    with pytest.raises(StepError, match="network-expert@dgx-2"):
        ensure_started(context(variables, "run-3", **again), at(5))


def roll_back(of: Context) -> None:
    """All that this rollout has touched."""
    one = of.state.touched()
    done = {
        "why": "w",
        "expected": one,
        "restored": {name: {} for name in one},
        "accounting": {"text": "1 of 1"},
        "complete": True,
    }
    of.record("rollback.done", done, at(4))


WORKFLOW = {
    "awx_job_id": 8,
    "awx_workflow_job_id": 5,
    "awx_job_template_name": "Rollout wave2",
    "rollout_new_attempt": "true",
}


@pytest.mark.parametrize("begun_by", ["another job", "this run"])
def test_a_run_that_has_worked_at_an_attempt_begins_none_after_it(variables: dict[str, Any], begun_by: str) -> None:
    again = {"rollout_new_attempt": "true"}
    ensure_started(context(variables, "job-1" if begun_by == "another job" else "job-2", **again), at(0))
    wave = context(variables, "job-2", **again)
    ensure_started(wave, at(1))
    touch(wave)
    roll_back(wave)
    for _step in range(2):
        late = context(variables, "job-2", **again)
        refuse_to_begin_anew(late)
        ensure_started(late, at(5))
        assert (late.state.attempt, late.state.outcome) == (1, "ROLLED BACK")
    # Another command that asks for one gets it.
    ensure_started(context(variables, "job-3", **again), at(6))
    assert context(variables).state.attempt == 2


def test_jobs_of_one_workflow_begin_one_attempt(variables: dict[str, Any]) -> None:
    ensure_started(context(variables, "job-1", **WORKFLOW), at(0))
    touch(context(variables, "job-1"))
    roll_back(context(variables, "job-1"))
    later = context(variables, "job-2", **{**WORKFLOW, "awx_job_id": 9})
    ensure_started(later, at(5))
    assert later.state.attempt == 1
    ensure_started(context(variables, "job-3", **{**WORKFLOW, "awx_workflow_job_id": 6}), at(6))
    assert context(variables).state.attempt == 2


def test_a_lease_that_was_taken_is_no_part_in_the_attempt_before(variables: dict[str, Any]) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    touch(first)
    roll_back(first)
    again = {"rollout_new_attempt": "true"}
    taken = context(variables, "run-2", **again)
    taken.record("lease.taken", {"from": {"run": "run-1"}, "why": "its process has ended"}, at(5))
    ensure_started(context(variables, "run-2", **again), at(6))
    assert context(variables).state.attempt == 2


def test_a_run_that_worked_at_an_earlier_attempt_says_so_when_it_goes_on_with_this_one(
    variables: dict[str, Any],
) -> None:
    """Launches that don't wait share their run's name over attempts."""
    first = context(variables)
    ensure_started(first, at(0))
    touch(first)
    roll_back(first)
    ensure_started(context(variables, "run-2", rollout_new_attempt="true"), at(5))
    ensure_started(context(variables), at(6))
    assert [(record.kind, record.run) for record in first.ledger.read()][-1] == ("run.resumed", "run-1")


def test_only_preflight_begins_anew(variables: dict[str, Any]) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    refuse_to_begin_anew(context(variables, "run-2", rollout_new_attempt="true"))  # it goes on
    touch(first)
    roll_back(first)
    refuse_to_begin_anew(context(variables, "run-2"))
    with pytest.raises(
        StepError, match=r"ended with ROLLED BACK, and a new one begins with preflight.*preflight\.yml -e rollout=wave2"
    ):
        refuse_to_begin_anew(context(variables, "run-2", rollout_new_attempt="true"))


def test_after_a_go_a_new_attempt_waits_for_the_rollback(variables: dict[str, Any]) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    touch(first)
    first.record("decision.made", {"decision": "go", "why": "good"}, at(2))
    with pytest.raises(StepError, match=r"ended with GO, and its change is in place on network-expert@dgx-1"):
        ensure_started(context(variables, "run-2", rollout_new_attempt="true"), at(3))


def test_check_mode_foresees_a_new_attempt_and_writes_nothing(variables: dict[str, Any]) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    open_one = context(variables, "run-2", rollout_new_attempt=True)
    foresee_start(open_one)
    assert open_one.state.attempt == 1  # it would go on
    first.record("decision.made", {"decision": "go", "why": "good"}, at(1))
    asked_for_none, second = context(variables, "run-2"), context(variables, "run-2", rollout_new_attempt=True)
    for each in (asked_for_none, second):
        foresee_start(each)
    assert (asked_for_none.state.outcome, second.state.attempt, second.state.finished) == ("GO", 0, False)
    assert len(first.ledger.read()) == 2


def test_check_mode_refuses_a_new_attempt_as_the_run_itself_would(variables: dict[str, Any]) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    touch(first)
    first.record("decision.made", {"decision": "go", "why": "good"}, at(2))
    with pytest.raises(StepError, match="roll it back first"):
        foresee_start(context(variables, "run-2", rollout_new_attempt="true"))


def test_a_new_attempt_keeps_the_evidence_of_the_one_before(variables: dict[str, Any]) -> None:
    first = context(variables)
    ensure_started(first, at(0))
    first.record("decision.made", {"decision": "go", "why": "good"}, at(1))
    folder = first.monitoring / "checkpoints" / "wave2" / "T+1h"
    folder.mkdir(parents=True)
    second = context(variables, "run-2", rollout_new_attempt=True)
    ensure_started(second, at(2))
    assert (second.state.attempt, second.state.outcome) == (2, "IN PROGRESS")
    assert (folder.parents[1] / "wave2.attempt-1" / "T+1h").is_dir()
    assert not folder.exists()
    ensure_started(context(variables, "run-2", rollout_new_attempt=True), at(3))
    assert len(second.ledger.read()) == 3


@pytest.mark.parametrize("name", ["../x", "a/b", "-rf", ".hidden", "a..b", "a\nb", "", "a b", "a\0b", "/etc/x"])
def test_a_name_that_would_lead_out_of_its_folder_is_refused(name: str) -> None:
    with pytest.raises(StepError, match="becomes part of paths"):
        safe_name(name, "host")


@pytest.mark.parametrize("name", ["wave2", "dgx-1", "dgx-1.example.org", "10.0.0.1", "[fe80::1]", "fe80::1", "user@h"])
def test_a_name_of_a_host_or_rollout_passes(name: str) -> None:
    assert safe_name(name, "host") == name


def test_a_rollout_that_tries_a_path_finds_no_plan_and_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "secret.yml").write_text("rollout: x\n")
    variables = {
        "rollout": "../secret",
        "rollout_plans_dir": str(tmp_path / "plans"),
        "rollout_monitoring_dir": str(tmp_path),
    }
    with pytest.raises(StepError, match="becomes part of paths"):
        find_plan(variables)
    with pytest.raises(StepError, match="becomes part of paths"):
        assert Context(variables, needs_plan=False).ledger
