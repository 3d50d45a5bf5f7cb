# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rollouts over several processes, and what comes out of them: build/bench/judge.json and judge.md."""

from __future__ import annotations

import json
import multiprocessing
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import load_plan

from tests.bench.judge import rank_rule, result, speed
from tests.bench.judge.course import Judge, unfold
from tests.bench.judge.faults import FAULTS, OUTAGE, shares
from tests.bench.judge.result import Judged

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

ROOT = Path(__file__).resolve().parents[3]
PLAN = ROOT / "playbooks/plans/wave2.yml"
FOLDER = ROOT / "build/bench"

_judge: list[Judge] = []


def plan() -> Plan:
    return load_plan(str(PLAN))


def one(task: tuple[int, int, int]) -> Judged:
    """Judge one rollout: (index of the fault, seed, number)."""
    index, seed, number = task
    if not _judge:
        _judge.append(Judge(plan()))
    fault = FAULTS[index]
    history = unfold(_judge[0].plan, fault, seed, number)
    return Judged(_judge[0].follow(history, fault, number), rank_rule.follow(history))


def tasks(rollouts: int, seed: int, only: str = "") -> list[tuple[int, int, int]]:
    """Every rollout once, faults taking turns so that the processes have even work."""
    found = [
        (number / count, index, number)
        for index, (fault, count) in enumerate(shares(rollouts))
        for number in range(count)
        if only in fault.label
    ]
    return [(index, seed, number) for _turn, index, number in sorted(found)]


def judge_all(work: list[tuple[int, int, int]], jobs: int) -> list[Judged]:
    if jobs == 1:
        return [one(task) for task in work]
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        return pool.map(one, work, chunksize=8)


def bench(rollouts: int, seed: int, jobs: int, *, only: str = "", show: bool = False) -> int:
    """Run it all, write the files, print the table; 1 when a bar is missed."""
    began = time.monotonic()
    judged = judge_all(tasks(rollouts, seed, only), jobs)
    took = time.monotonic() - began
    if show:
        for each in judged:
            wrong = _wrong(each)
            if wrong:
                print(wrong)
    if only:
        for row in result.rows(judged):
            print(json.dumps(row))
        print(f"{len(judged)} rollouts in {took:.0f} s; bars are judged only when every fault is there")
        return 0
    document: dict[str, Any] = {
        "schema": result.SCHEMA,
        "seed": seed,
        "rollouts_total": len(judged),
        "plan_digest": plan().digest,
        "looks_judged": sum(each.ours.judged for each in judged),
        "took_s": round(took, 1),
        "rows": result.rows(judged),
        "classes": result.classes(judged, {trigger.name: trigger.metric for trigger in plan().rollback.when}),
        "speed": speed.measure(),
    }
    document["bars"] = result.bars(judged, document["speed"])
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "judge.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    text = result.table(document)
    (FOLDER / "judge.md").write_text(text, encoding="utf-8")
    print(text)
    print(
        f"{document['looks_judged']} looks and gates judged in {took:.0f} s; written to build/bench/judge.json and judge.md"
    )
    return 0 if all(bar["met"] for bar in document["bars"]) else 1


def _wrong(each: Judged) -> str:
    """What is to be looked at, in a line; empty for a rollout that went as it should."""
    course = each.ours
    fault = next(fault for fault in FAULTS if (fault.name, fault.size) == (course.fault, course.size))
    stopped = course.stopped_at is not None
    blind = course.fault == OUTAGE and set(course.blind) != {"hold"}
    if not blind and not course.too_early and stopped == fault.harmful:
        return ""
    return (
        f"{fault.label} #{course.number}: onset {course.onset and round(course.onset)}, stopped {course.stopped_at},"
        f" held {course.held}, blind {course.blind}: {course.why or course.held_why}"
    )
