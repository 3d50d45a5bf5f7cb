# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acts cases and chains of kills on a lane, and assesses each strike right after it and at the end."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

from tests.campaign.faults import assess, plan
from tests.campaign.faults.assess import COMPLETED, HELD, ROLLED_BACK
from tests.campaign.faults.case import Case
from tests.campaign.faults.lane import Ended, Kill, Lane

#: How often the same command is given after the fault has ended, until it is through.
RUNS_AFTER = 4
UNREACHED = "its place never came"


@dataclasses.dataclass
class Row:
    """One strike. `case`: what kind; `name`: which one; `outcome`: how the rollout ended first; `then`: the runs after it."""

    case: str
    name: str
    outcome: str = ""
    then: list[str] = dataclasses.field(default_factory=list)
    seconds_to_safe: float | None = None
    seconds: float = 0.0
    why: str = ""
    problems: list[str] = dataclasses.field(default_factory=list)


def perform_case(lane: Lane, case: Case) -> Row:
    """A case from a clean fleet to the run that goes through."""
    row, began = Row(case.group, case.name), time.monotonic()
    try:
        lane.begin(slug(case.name))
        case.act(lane)
        first = lane.ended(lane.primary)
        row.outcome, contradictions = assess.outcome(lane.story.out, first.status)
        row.problems += [*lane.problems, *contradictions]
        if row.outcome not in case.ends:
            row.problems.append(f"it ended {row.outcome}, expected {' or '.join(sorted(case.ends))}")
        row.why = assess.told_why(lane.story.out)[:300]
        row.problems += _now(lane, case, "struck")
        case.mend(lane)
        row.then, more = _until_through(lane, row.outcome)
        row.problems += more
        lane.finish()
        row.problems += _now(lane, case, "after", whole=True)
        row.seconds_to_safe = assess.seconds_to_safe(lane.story.out, lane.struck_at)
        if row.seconds_to_safe is None:
            row.problems.append("a step was never closed")
    except Exception as error:  # a case that could not be acted is broken, whatever the reason
        row.problems.append(f"could not be carried out: {type(error).__name__}: {error}")
        _tidy(lane, case)
    row.problems = list(dict.fromkeys(row.problems))
    row.seconds = round(time.monotonic() - began, 1)
    return row


def perform_chain(lane: Lane, name: str, kills: Sequence[Kill]) -> list[Row]:
    """One rollout whose runs are killed at these places, one after the other, and that then goes through.

    A place that a run didn't come to (what it would have done was done before) is given back as `UNREACHED`.
    """
    rows: list[Row] = []
    began = time.monotonic()
    through: Ended | None = None
    try:
        lane.begin(slug(name))
        for position, kill in enumerate(kills):
            row = Row(kill.case, str(kill.place))
            rows.append(row)
            if through:
                row.problems.append(UNREACHED)
                continue
            label = f"kill{position:02d}"
            ended = lane.run(label, kill.place, kill.number)
            row.seconds = round(ended.ended_at - ended.began_at, 1)
            if ended.struck_at is None:
                row.problems.append(UNREACHED)
                through = ended
                continue
            if ended.status == 0 and kill.place.task != "the end":
                row.problems.append("it went on to its end after the signal")
            lane.story.look(label)
            row.problems += assess.broken(lane.story.out, lane.stops(), {}, look=label, whole=False)
        final = through or lane.run("last")
        outcome, contradictions = assess.outcome(lane.story.out, final.status)
        then, more = _until_through(lane, outcome) if outcome != COMPLETED else ([], [])
        lane.finish()
        closing = [*contradictions, *more, *assess.broken(lane.story.out, lane.stops(), {}, look="after", whole=True)]
        for row, run in zip(rows, lane.runs, strict=False):
            if UNREACHED not in row.problems:
                row.outcome, row.then = outcome, then
                row.seconds_to_safe = assess.seconds_to_safe(lane.story.out, run.struck_at or run.ended_at)
                row.problems += closing
    except Exception as error:  # a chain that could not be acted is broken, whatever the reason
        rows = rows or [Row(kills[0].case, str(kills[0].place))]
        for row in rows:
            # None of the chain was held against what it should leave.
            row.problems.append(f"could not be carried out: {type(error).__name__}: {str(error)[:300]}")
    for row in rows:
        row.problems = list(dict.fromkeys(row.problems))
    if rows:
        rows[-1].seconds = round(time.monotonic() - began - sum(row.seconds for row in rows[:-1]), 1)
    return rows


def _until_through(lane: Lane, outcome: str) -> tuple[list[str], list[str]]:
    """The same command until the rollout completes: (how each run ended, what is wrong with that)."""
    then: list[str] = []
    problems: list[str] = []
    for attempt in range(RUNS_AFTER):
        ended = lane.run(f"next{attempt}", extra=_extra(lane, outcome))
        outcome, contradictions = assess.outcome(lane.story.out, ended.status)
        then.append(outcome)
        problems += contradictions
        if outcome == COMPLETED:
            return then, problems
    return then, [
        *problems,
        f"{RUNS_AFTER} runs after it did not bring it to its end: {assess.told_why(lane.story.out)}",
    ]


def _extra(lane: Lane, outcome: str) -> dict[str, Any]:
    """What an operator adds to the command, as the output of the run before told them."""
    if outcome == ROLLED_BACK:
        return {"rollout_new_attempt": True}
    records = lane.story.records(plan.ROLLOUT)
    extra: dict[str, Any] = {}
    missed = [
        record["data"]["name"]
        for record in records
        if record["kind"] == "checkpoint.missed" and record["attempt"] == records[-1]["attempt"]
    ]
    if missed:
        extra["rollout_accept_missed"] = missed
    if "rollout_accept_gaps" in assess.told_why(lane.story.out):
        extra["rollout_accept_gaps"] = True
    if outcome == HELD and "rollout_new_attempt" in (lane.story.out / f"{lane.runs[-1].label}.log").read_text(
        errors="replace"
    ):
        extra = {"rollout_new_attempt": True}
    return extra


def _now(lane: Lane, case: Case, look: str, whole: bool = False) -> list[str]:
    lane.story.look(look)
    more = {f"{agent}@{host}": number for agent, number in case.own_stops.items() for host in lane.hosts}
    problems = assess.broken(lane.story.out, lane.stops(), more, look=look, whole=whole, reverted=not whole)
    # A file that somebody else has in hand is theirs until they give it back.
    return [
        each for each in problems if whole or not any(each.startswith(f"{name}: its file") for name in case.foreign)
    ]


def _tidy(lane: Lane, case: Case) -> None:
    """After a case that could not be acted: whatever of its fault is there, ends, so that the next one can begin."""
    try:
        case.mend(lane)
    except Exception as error:  # it may never have begun
        lane.story.say(f"nothing to mend: {error}")


def slug(name: str) -> str:
    """The name of a case's folder."""
    return "-".join("".join(char if char.isalnum() else " " for char in name.lower()).split())[:80]
