# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench measures what the product does: its documents are the product's, its shortcuts change no verdict, its rank
rule has the holes that are known of it, and a small run of it meets the bars that so few rollouts can show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject, assemble
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._gating import judge_gate
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series import _columns, build
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import Columns

from tests.bench.judge import rank_rule, result
from tests.bench.judge.account import Account, moment
from tests.bench.judge.bending import Fault
from tests.bench.judge.course import Course, unfold
from tests.bench.judge.faults import FAULTS, NONE, OUTAGE, shares
from tests.bench.judge.history import OWN_ERROR, SHARED_ERROR, History
from tests.bench.judge.result import Judged
from tests.bench.judge.run import judge_all, plan, tasks
from tests.bench.judge.series import SeriesOf
from tests.bench.judge.timetable import STAGGER


@pytest.fixture(scope="module")
def wave() -> Plan:
    return plan()


def fault(label: str) -> Fault:
    return next(each for each in FAULTS if each.label == label)


# ---------------------------------------------------------------- documents


def _looks(history: History, host: str, at: list[int]) -> list[dict[str, Any]]:
    """What a host's module would have answered at these minutes, in the form in which looks are kept."""
    column, fleet, looks, since = history.fleet.hosts.index(host), history.fleet, [], 0
    for minute in at:
        instances = {}
        for row, agent in enumerate(fleet.agents):
            changed = history.times.changed(agent, host)
            # The module reads an instance's log from the proof of its change on.
            first = since if changed is None or minute < changed else max(since, int(np.ceil(changed)))
            part = slice(first, minute)
            errors = int(history.errors[row, column, part].sum())
            shared = int(history.shared_errors[row, column, part].sum())
            warnings = int(history.warnings[row, column, part].sum())
            counted = int(history.messages[row, column, :minute].sum()) // 100 * 100
            process = 2 if changed is not None and changed <= minute else 1
            kinds = [
                (*OWN_ERROR, "ERROR", errors),
                (*SHARED_ERROR, "ERROR", shared),
                ("slow request", "slow request: 1200 ms", "WARN", warnings),
            ]
            instances[agent] = {
                "active_state": "active",
                "invocation_id": f"{agent}-{host}-{process}",
                "memory_bytes": int(history.memory[row, column, minute]),
                "memory_limit_bytes": int(fleet.limit_mib * 1048576),
                "cpu_s": float(history.cpu[row, column, :minute].sum()),
                "nats_connections": 2,
                "log": {
                    "errors": errors + shared,
                    "warnings": warnings,
                    "panics": 0,
                    "lines": 20,
                    "unparsed": 0,
                    "unreadable": 0,
                    "lifecycle": [],
                    "counters": {f"{agent}-{host}-{process}": {"last": {"inbox": counted}, "first": {}, "final": False}},
                    "kinds": [
                        {"kind": kind, "example": example, "level": level, "count": count,
                         "first_at": iso(moment(since)), "last_at": iso(moment(minute)), "recurring": count > 1}
                        for kind, example, level, count in kinds
                        if count
                    ],
                },
            }  # fmt: skip
        gauges = {"load": [history.load[column, minute]] * 3, "memory": {}, "disks": {}, "nats_connections": 10}
        looks.append(
            {
                "host_name": host,
                "at": iso(moment(minute)),
                "received_at": iso(moment(minute)),
                "journal": {"cursor": "c", "since": iso(moment(since)), "complete": True, "reason": None},
                "host": {"now": iso(moment(minute)), "boot_id": f"boot-{host}", **gauges},
                "instances": instances,
            }
        )
        since = minute
    return looks


def test_a_document_says_what_the_product_would_have_put_together(wave: Plan) -> None:
    """The same history once through the product's own assembling of looks, once as the bench writes it down."""
    history = unfold(wave, fault("errors 10 % for 10 min"), 3, 0)
    account = Account(history, wave)
    account.measure_baseline()
    times = [gate for gate in history.times.gates if gate.at <= int(history.world.onset or 0) + 40]
    document: dict[str, Any] = {}
    looked = history.times.baseline
    for gate in times:
        since = looked if gate.kind == "look" else gate.at - gate.window
        document = account.document(gate.kind, gate.name, gate.at, since)
        looked = gate.at
    host = history.fleet.hosts[0]
    looks = _looks(history, host, [history.times.baseline, *(gate.at for gate in times)])
    names = [agent for agent in history.fleet.agents if f"{agent}@{host}" in document["instances"]]
    subjects = []
    for agent in names:
        item = document["instances"][f"{agent}@{host}"]
        changed = history.times.changed(agent, host)
        since_moment = moment(history.times.baseline if changed is None else changed)
        subjects.append(Subject(agent, host, item["role"], since_moment, item["proven_invocation"], touched=True))
    theirs = assemble(
        head={"gate": {"kind": "look", "name": "look"}},
        subjects=subjects,
        units={host: {"host": looks[-1]["host"], "journal": looks[-1]["journal"], "instances": {}}},
        looks={host: looks},
        nats=[],
        corruption=[],
        now=moment(times[-1].at),
    )
    assert any(document["instances"][f"{agent}@{host}"]["errors"] for agent in names), "no fault, nothing to compare"
    for agent in names:
        ours, item = document["instances"][f"{agent}@{host}"], theirs["instances"][f"{agent}@{host}"]
        assert set(item) <= set(ours) | {"start"}, "the product's documents have keys that ours lack"
        for key in (
            "agent", "host", "role", "since", "at", "active", "same_process", "uptime", "unexpected_restarts", "memory_bytes",
            "memory_limit_bytes", "nats_connections", "same_process_from", "gaps", "reason",
        ):  # fmt: skip
            if key == "uptime":
                # A moment within a minute is a fraction here and microseconds there.
                assert ours[key] == pytest.approx(item[key], abs=1e-3), agent
            elif key == "same_process_from":
                assert ours[key]["memory_bytes"] == item[key]["memory_bytes"], agent
                assert ours[key]["at"] == item[key]["at"], agent
            else:
                assert ours[key] == item[key], (agent, key)
        for key in ("errors", "warnings"):
            assert ours["tick"][key] == item["tick"][key], (agent, key)
            assert ours[key] == item[key], (agent, key)
        assert {kind["kind"]: kind["count"] for kind in item["kinds"]} == {
            kind["kind"]: kind["count"] for kind in ours["kinds"]
        }


def test_a_series_has_the_form_of_the_products_own(wave: Plan) -> None:
    history = unfold(wave, NONE, 3, 1)
    account = Account(history, wave, whole_documents=True)
    account.measure_baseline()
    gate = history.times.gates[3]
    ours = account.document("look", "look", gate.at, gate.at - 5)["series"]
    host, agent = history.fleet.hosts[0], history.fleet.test[0]
    subject = Subject(agent, host, "test", moment(history.times.phases[0].proven[host]), f"{agent}-{host}-2")
    line = {
        "at": iso(moment(3)), "group": "nats", "hosts": [host], "measured_at": host, "from": iso(moment(2)),
        "to": iso(moment(3)), "kind": "gate", "reason": None, "message": "", "bucket_s": 60.0, "sample": None,
        "agents": {agent: [[int(moment(2).timestamp()) // 60, 18, 18, 0, 0, [[600, 18]]]]},
    }  # fmt: skip
    theirs = build({host: _looks(history, host, [5, gate.at])}, [line], [subject], 60.0, moment(0), moment(gate.at))
    assert set(theirs) == set(ours)
    assert set(theirs["instances"][f"{agent}@{host}"]) == set(ours["instances"][f"{agent}@{host}"])
    assert set(theirs["agents"][agent]) == set(ours["agents"][agent])
    assert set(theirs["hosts"][host]) == set(ours["hosts"][host])
    mine, product = ours["instances"][f"{agent}@{host}"], theirs["instances"][f"{agent}@{host}"]
    assert mine["changed"] == product["changed"]
    # The product's axis has a bucket for the minute that has just begun, where the last look's gauges lie.
    assert (theirs["buckets"], product["memory"][-1][1]) == (ours["buckets"] + 1, mine["memory"][-1][1])
    for section in ("asked", "answered", "latency"):
        assert all(isinstance(index, int) for index, _value in ours["agents"][agent][section])


@pytest.mark.parametrize(
    "label",
    [
        "leak full in 3 days, 512 MiB",
        pytest.param("latency +25 %", marks=pytest.mark.long),
        pytest.param("measurer_outage SSH to one host", marks=pytest.mark.long),
    ],
)
def test_columns_cut_from_the_whole_history_change_no_verdict(wave: Plan, label: str) -> None:
    """What makes the bench fast: the columns of a look are the beginning of those of the history."""
    history = unfold(wave, fault(label), 5, 0)
    short, long = Account(history, wave), Account(history, wave, whole_documents=True)
    for account in (short, long):
        account.measure_baseline()
    looked = history.times.baseline
    compared = 0
    for place, gate in enumerate(history.times.gates):
        since = looked if gate.kind == "look" else gate.at - gate.window
        looked = gate.at
        documents = [account.document(gate.kind, gate.name, gate.at, since) for account in (short, long)]
        if place % 45 == 7 or gate.kind == "checkpoint":
            first, second = (judge_gate(wave, gate.kind, gate.name, document, []) for document in documents)
            assert [v.to_dict() for v in first.verdicts] == [v.to_dict() for v in second.verdicts], gate
            compared += 1
    assert compared >= 8


def test_latencies_of_the_cut_columns_are_those_of_the_sketches(wave: Plan) -> None:
    history = unfold(wave, fault("measurer_outage NATS"), 5, 0)
    at = history.times.gates[40].at
    seen = dict.fromkeys(history.fleet.hosts, at)
    short, long = (SeriesOf(history, moment(0), whole).until(at, seen) for whole in (False, True))
    for agent in history.fleet.agents:
        for what in (Columns.log_p50, Columns.log_slowest):
            ours, theirs = (what(_columns.columns_of(document), agent) for document in (short, long))
            assert np.isfinite(theirs).any() and np.array_equal(ours, theirs, equal_nan=True), (agent, what)


def test_arrays_of_points_are_judged_like_lists(wave: Plan) -> None:
    from tests.bench.judge.speed import enlarge

    history = unfold(wave, fault("leak full in 3 days, 8 GiB"), 5, 1)
    account = Account(history, wave, whole_documents=True)
    account.measure_baseline()
    for gate in history.times.gates:
        document = account.document(gate.kind, gate.name, gate.at, gate.at - max(gate.window, 5))
        if gate.name == "T+1h":
            account.remember(document)
        if gate.name == "T+6h":
            break
    verdicts = []
    for arrays in (False, True):
        copied = {**document, "series": dict(document["series"]), "nats": [_with_parts(g) for g in document["nats"]]}
        copied["baseline"], copied["previous"] = (
            {**earlier, "nats": [_with_parts(group) for group in earlier["nats"]]}
            for earlier in (document["baseline"], document["previous"])
        )
        enlarge(copied, 8, len(history.fleet.hosts), arrays)
        _columns._known.clear()
        verdicts.append([v.to_dict() for v in judge_gate(wave, "checkpoint", "T+6h", copied, []).verdicts])
    assert verdicts[0] == verdicts[1]
    assert any(v["metric"] == "memory_lasts" and v["verdict"] == "fail" for v in verdicts[0])


def _with_parts(group: dict[str, Any]) -> dict[str, Any]:
    import copy

    return copy.deepcopy(group)


def test_the_same_seed_is_the_same_rollout(wave: Plan) -> None:
    first, again, other = (unfold(wave, NONE, seed, 0) for seed in (1, 1, 2))
    assert np.array_equal(first.latencies, again.latencies, equal_nan=True)
    assert np.array_equal(first.memory, again.memory)
    assert first.fleet != other.fleet


def test_sketches_are_the_products_own(wave: Plan) -> None:
    from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch

    from tests.bench.judge.series import _binned

    values = np.array([[0.01, 0.0101, np.nan, 2.5, 1e-9, 0.01], [np.nan] * 6])
    expected: list[list[int]] = []
    for value in (0.01, 0.0101, 2.5, 1e-9, 0.01):
        _latency_sketch.add(expected, value)
    assert _binned(values) == [expected, []]


# ---------------------------------------------------------------- the rank rule's holes


def _requests(rng: np.random.Generator, minutes: int, dead: int) -> np.ndarray[Any, Any]:
    """Requests answered per minute, of an agent that is dead for some of them."""
    values = rng.normal(100.0, 10.0, minutes)
    values[rng.permutation(minutes)[:dead]] = 0.0
    return values


def test_the_rank_rule_misses_up_to_nine_dead_minutes_of_sixty() -> None:
    """Where every minute has the same number of answers, always; where minutes are noisy, it sees a few in a hundred."""
    rng = np.random.default_rng(11)
    steady = np.full(60, 18.0)
    for dead in range(1, 10):
        assert rank_rule.classify(np.where(np.arange(60) < dead, 0.0, steady), steady) == rank_rule.PASSES, dead
        noisy = [rank_rule.classify(_requests(rng, 60, dead), _requests(rng, 60, 0)) for _turn in range(60)]
        assert noisy.count(rank_rule.LOW) <= 6, dead
    # An hour in which most is gone it does see.
    assert all(
        rank_rule.classify(_requests(rng, 60, 45), _requests(rng, 60, 0)) == rank_rule.LOW for _turn in range(30)
    )


def test_the_rank_rule_misses_half_an_hour_without_an_answer_where_control_is_quiet() -> None:
    """A quiet control is idle in most of its minutes itself: the ranks can't tell which zeros are an outage."""
    rng = np.random.default_rng(12)
    for dead in (30, 33, 37):
        for _turn in range(60):
            test, control = rng.poisson(0.4, 60).astype(float), rng.poisson(0.4, 60).astype(float)
            test[rng.permutation(60)[:dead]] = 0.0
            assert rank_rule.classify(test, control) == rank_rule.PASSES, dead


@pytest.mark.parametrize(("samples", "least", "most"), [(2, 19.0, 29.0), (3, 2.0, 6.5), (5, 0.0, 0.8)])
def test_the_rank_rule_cries_wolf_over_few_samples(samples: int, least: float, most: float) -> None:
    """Both sides are drawn from the same distribution."""
    rng = np.random.default_rng(13)
    rounds = 2000
    alarms = sum(
        rank_rule.classify(rng.normal(100, 10, samples), rng.normal(100, 10, samples)) != rank_rule.PASSES
        for _turn in range(rounds)
    )
    assert least <= 100.0 * alarms / rounds <= most


def test_a_rank_rule_without_a_single_measurement_scores_a_hundred() -> None:
    nothing = np.full(60, np.nan)
    classes = {name: rank_rule.classify(nothing, nothing) for name in ("latency", "errors")}
    assert set(classes.values()) == {rank_rule.ERRS} and rank_rule.score(classes) == 100.0
    assert rank_rule.score({"a": rank_rule.HIGH, "b": rank_rule.PASSES, "c": rank_rule.ERRS}) == 50.0


# ---------------------------------------------------------------- results


def test_the_upper_bound_is_clopper_and_pearsons() -> None:
    # Nothing in 600: the rule of three says 0.5 %.
    assert 100.0 * result.upper_bound(0, 600) == pytest.approx(0.498, abs=0.001)
    assert result.upper_bound(3, 3) == 1.0


def test_every_bar_that_was_not_measured_is_missed() -> None:
    bars = result.bars([], {})
    assert bars and not any(bar["met"] for bar in bars)


def test_a_full_run_has_the_rollouts_that_are_asked_for() -> None:
    counts = shares(sum(each.weight for each in FAULTS))
    assert sum(count for _fault, count in counts) >= 2000
    assert {each.name: count for each, count in counts}["none"] >= 600
    assert {each.name for each in FAULTS} >= {
        "dead", "errors", "leak", "latency", "message_loss", "dual_publishing", "one_host_bad", "control_bad_too",
        "sampler_gaps", OUTAGE,
    }  # fmt: skip


def test_the_staggers_of_a_phase_are_probed_and_looked_at(wave: Plan) -> None:
    """An instance that hangs while the next phase is deployed, and only then, is found by their looks alone."""
    history = unfold(wave, NONE, 3, 0)
    times, slots = history.times, history.slots
    phase = times.phases[1]
    first, last = int(min(phase.proven.values())) - 1, int(phase.deployed)
    asked = times.asked(slots)
    assert asked[first : last + 1].sum() == times.requests_of_a_stagger * (len(history.fleet.hosts) - 1) > 0
    looks = [gate.at for gate in times.gates if gate.name == STAGGER and first < gate.at <= last + 1]
    assert len(looks) >= len(phase.staggers) - 1
    for begin, end in phase.staggers:
        slot = np.ceil(begin * slots)
        assert asked.reshape(-1)[int(slot)] and any(slot < at * slots and end <= at < end + 1 for at in looks)
    account = Account(history, wave)
    account.measure_baseline()
    [group] = account.document("look", STAGGER, looks[0], looks[0] - 2)["nats"]
    assert group["sample"] is None and 0 < group["probe"]["agents"][history.fleet.test[0]]["sent"] <= 2 * slots


#: Rollouts of a run: of each of these the first few. What they show must hold of every single one.
SMALL = {
    "none": 1,
    "dead 2 min, one instance": 1,
    "message_loss one message": 1,
    "measurer_outage NATS": 1,
}
LONG = {
    "none": 4,
    "dead 2 min, one agent": 3,
    "dead 2 min, one instance": 3,
    "dead 30 min, one agent": 2,
    "latency +50 %": 2,
    "leak full in 3 days, 8 GiB": 2,
    "message_loss one message": 3,
    "message_loss 0.1 %": 3,
    "measurer_outage NATS": 1,
    "measurer_outage SSH": 1,
}


@pytest.mark.parametrize("rollouts", [SMALL, pytest.param(LONG, marks=pytest.mark.long)], ids=["small", "long"])
def test_a_small_run_meets_the_bars(rollouts: dict[str, int]) -> None:
    work = [task for task in tasks(4000, 1) if task[2] < rollouts.get(FAULTS[task[0]].label, 0)]
    assert len(work) == sum(rollouts.values())
    for each in judge_all(work, 1):
        course = each.ours
        told = (course.fault, course.size, course.number, course.why, course.blind)
        harmful = fault(f"{course.fault} {course.size}".strip()).harmful
        assert (course.stopped_at is not None) == harmful, told
        assert not course.too_early, told
        if course.fault == OUTAGE:
            assert set(course.blind) == {"hold"}, told


def test_precision_and_recall_are_of_each_kind() -> None:
    def judged(fault_: str, size: str, onset: float | None, stopped: int | None, *causes: str) -> Judged:
        course = Course(fault_, size, 0, onset, 900, stopped, causes=list(causes))
        return Judged(course, rank_rule.RankCourse(None, 0))

    found = [
        judged("dead", "2 min, one agent", 100.0, 102, "message_loss"),
        judged("dead", "2 min, one agent", 100.0, None),
        judged("errors", "1 % for 10 min", 100.0, 90, "much_slower"),  # before its fault: a false one, of latency
        judged("latency", "+25 %", 100.0, 130, "slower"),
        judged("none", "", None, 500, "latency_p99"),
        judged("none", "", None, None),
        judged("one_host_bad", "hangs 20 min", 100.0, 130, "message_loss"),
    ]
    rows = {
        row["class"]: row
        for row in result.classes(found, {"message_loss": "messages_lost", "much_slower": "latency_p50"})
    }
    assert (rows["answers"]["recall_pct"], rows["answers"]["precision_pct"]) == (50.0, 50.0)
    assert (rows["latency"]["recall_pct"], rows["latency"]["rollbacks"], rows["latency"]["precision_pct"]) == (
        100.0,
        3,
        33.33,
    )
    assert (rows["errors"]["rollouts"], rows["errors"]["recall_pct"], rows["errors"]["precision_pct"]) == (
        0,
        None,
        None,
    )
    assert (rows["all"]["rollouts"], rows["all"]["rollbacks"], rows["all"]["without_cause"]) == (3, 5, 3)


def test_every_fault_and_every_rule_that_rolls_back_is_of_a_kind(wave: Plan) -> None:
    faults = {name for kind, _metrics in result.CLASSES.values() for name in kind}
    assert faults == {each.name for each in FAULTS if each.harmful}
    metrics = {name for _kind, names in result.CLASSES.values() for name in names}
    others = {
        "unexpected_restarts",
        "nats_disconnected",
        "hosts_rebooted",
        "disk_used",
        "agent_uptime",
        "instances_proven",
        "instances_active",
    }
    rules = [*wave.rollback.when, *wave.criteria.primary, *wave.verify.criteria]
    assert {rule.metric for rule in rules} <= metrics | others
