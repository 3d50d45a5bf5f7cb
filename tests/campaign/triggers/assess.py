# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run shows: read from its ledger, evidence and looks at the hosts. Every expectation that fails is a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.campaign.plan_time import real, skips_of
from tests.campaign.triggers.act import Begun
from tests.campaign.triggers.cases import EVERYWHERE, TWO_LOOKS, Case, Neighbour
from tests.campaign.triggers.plan import (
    APPROVAL,
    CHECKPOINT_NAMES,
    CHECKPOINTS,
    HOSTS,
    ROLLOUT,
    SECOND,
    SOAK,
    STAGGER,
    WHOLE_SOAK_S,
)
from tests.rollout.scenario.told import Instance, Told, accounted

#: Times of a plan are rounded on their way to the ledger.
ROUNDING_S = 0.1
Records = list[dict[str, Any]]


@dataclass
class Row:
    """One run of the table; `problems` is empty when all went as it should.

    `noticed_at_look`, `decided_at_look`: which look or gate since the fault began. `rolled_back_after_s`: real seconds from
    the decision until everything is back and proven, told and not judged.
    """

    name: str
    trigger: str
    state: str
    fault: str
    within_looks: int = TWO_LOOKS
    noticed_at_look: int | None = None
    decided_at_look: int | None = None
    rolled_back_after_s: float | None = None
    causes: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def moment(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(record["at"])


def touched_by(state: str) -> frozenset[str]:
    """The instances that a rollout has changed by then."""
    if state == STAGGER:
        return frozenset(name for name in EVERYWHERE if name.endswith(f"@{HOSTS[0]}"))
    return EVERYWHERE | {f"{SECOND}@{host}" for host in HOSTS} if state == CHECKPOINTS else EVERYWHERE


def noticed(row: Row, records: Records, begun: int) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Fill in the row's looks; (the record that decides on the rollback, the record that it is done), or None.

    `begun`: the last record before the fault began.
    """
    later = [record for record in records if record["seq"] > begun]
    saw = next((record for record in later if row.trigger in _fired(record)), None)
    decided = next((each for each in later if each["data"].get("decision") == "rollback"), None)
    done = next(
        (each for each in later if decided and each["kind"] == "rollback.done" and each["seq"] > decided["seq"]), None
    )
    looks = [record["seq"] for record in later if record["kind"] == "look.taken" or _gate_of_its_own(record)]
    if saw:
        row.noticed_at_look = sum(look <= saw["seq"] for look in looks)
    if decided:
        row.decided_at_look = sum(look <= decided["seq"] for look in looks)
    return decided, done


def _gate_of_its_own(record: dict[str, Any]) -> bool:
    """A look that decides is followed by the record of its gate, which is no other look."""
    return record["kind"] == "gate.decided" and record["data"].get("gate") in ("verify", "checkpoint")


def _fired(record: dict[str, Any]) -> list[str]:
    if record["kind"] not in ("look.taken", "gate.decided"):
        return []
    return [*(record["data"].get("fired") or []), *(record["data"].get("causes") or [])]


def check_case(
    row: Row, case: Case, records: Records, begun: int
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What the ledger alone must show of a case."""
    decided, done = noticed(row, records, begun)
    say = row.problems.append
    if row.noticed_at_look is None:
        say(f"{case.trigger} never fired")
    elif row.noticed_at_look > case.within_looks:
        say(f"noticed at look {row.noticed_at_look}, wanted within {case.within_looks}")
    if decided is None:
        say("no rollback was decided")
        return None, None
    data, touched = decided["data"], touched_by(case.state)
    row.causes = [str(cause) for cause in data["causes"]]
    if case.trigger not in row.causes:
        say(f"the decision names {row.causes}, not {case.trigger}")
    if set(data["instances"]) != touched:
        say(f"the decision names the instances {sorted(data['instances'])}, {sorted(touched)} were touched")
    if not in_state(case, records, decided):
        say(f"decided at {data['name']}, not while {case.state}")
    if done is None:
        say("no rollback was done")
        return decided, None
    parts = accounted(done["data"]["accounting"])
    if set(parts["good"]) != touched:
        say(f"proven back: {sorted(parts['good'])}, touched: {sorted(touched)}")
    back = [each for each in records if each["kind"] in ("rollback.started", "rollback.done")]
    if [each["kind"] for each in back] != ["rollback.started", "rollback.done"]:
        say(f"more than one rollback: {[each['kind'] for each in back]}")
    on_the_way = {"batch.started", "batch.done", "soak.done", "decision.made", "gate.decided"}
    after = [each["kind"] for each in records if each["seq"] > decided["seq"] and each["kind"] in on_the_way]
    if after:
        say(f"went on after the decision: {after}")
    return decided, done


def in_state(case: Case, records: Records, decided: dict[str, Any]) -> bool:
    """Was the rollout still in the state in which the fault began, when it was decided?"""
    before = [record for record in records if record["seq"] < decided["seq"]]
    kinds = [record["kind"] for record in before]
    gates = {record["data"]["name"] for record in before if record["kind"] == "gate.decided"} | {
        decided["data"]["name"]
    }
    if case.state == STAGGER:
        return kinds.count("batch.started") == 1
    if case.state == SOAK:
        return "verify-first" in gates and "soak.done" not in kinds and kinds.count("batch.started") == 1
    if case.state == APPROVAL:
        return "approval.requested" in kinds and "approval.given" not in kinds and kinds.count("batch.started") == 1
    first, last = CHECKPOINT_NAMES
    return first in gates and last not in gates


def check_verdict(row: Row, case: Case, told: Told, gate: str) -> None:
    """The trigger's own verdict fails, and names exactly who it should."""
    verdict = told.verdicts(ROLLOUT, gate).get(case.trigger)
    if verdict is None or verdict["verdict"] != "fail":
        row.problems.append(f"the verdict of {case.trigger} is {verdict and verdict['verdict']}")
        return
    row.named = sorted(verdict["tripped"])
    if set(row.named) != case.names:
        row.problems.append(f"the verdict names {row.named}, expected {sorted(case.names)}")


def check_hosts(row: Row, case: Case, before: dict[str, Instance], after: dict[str, Instance]) -> None:
    """Files as they were, byte for byte; who was touched runs with the flag off, nobody else was touched at all."""
    touched = touched_by(case.state)
    for name, was in before.items():
        now = after[name]
        if now.file != was.file:
            row.problems.append(f"the environment file of {name} is not what it was")
        if name in touched:
            if (now.active, now.flag) != (True, "false"):
                row.problems.append(f"{name}: active {now.active}, flag {now.flag}")
        elif case.fault.words[0] != "reboot" and now.untouched != was.untouched:
            row.problems.append(f"{name} was touched")


def assess_case(case: Case, out: Path, begun: Begun) -> Row:
    row = Row(case.name, case.trigger, case.state, case.fault.said, case.within_looks)
    told = Told(ROLLOUT, out=out)
    decided, done = check_case(row, case, told.ledger(ROLLOUT), begun.seq)
    if decided and done:
        skips = skips_of(told.monitoring)
        row.rolled_back_after_s = (real(skips, done["at"]) - real(skips, decided["at"])).total_seconds()
    if decided:
        check_verdict(row, case, told, decided["data"]["name"])
        check_hosts(row, case, told.look("before"), told.look("after"))
        if told.outcome(ROLLOUT) != "ROLLED BACK" or told.status("run") == 0:
            row.problems.append(f"ended with {told.outcome(ROLLOUT)}, status {told.status('run')}")
    return row


def assess_neighbour(neighbour: Neighbour, out: Path, begun: Begun) -> Row:
    """Nothing is rolled back, nobody but the hand that did it restarted anything, and what happened was seen."""
    row = Row(neighbour.name, "", "soak", " and ".join(fault.said for fault in neighbour.faults) or "NATS cut off")
    told = Told(ROLLOUT, out=out)
    records = told.ledger(ROLLOUT)
    decided, done = noticed(row, records, begun.seq)
    if decided or done:
        row.causes = [str(cause) for cause in (decided or {"data": {"causes": []}})["data"]["causes"]]
        row.problems.append(f"rolled back: {decided and decided['data']['why']}")
    problem = soak_problem(records, WHOLE_SOAK_S)
    if problem:
        row.problems.append(problem)
    if not seen(neighbour, [record for record in records if record["seq"] > begun.seq]):
        row.problems.append("the run shows nothing of it: it proves nothing")
    for name, now in told.look("after").items():
        if name in EVERYWHERE and now.flag != "true":
            row.problems.append(f"{name} runs with the flag {now.flag}")
    outcome = told.outcome(ROLLOUT)
    row.named = [outcome]
    if outcome not in ("GO", "HOLD"):
        row.problems.append(f"ended with {outcome}")
    return row


def soak_problem(records: Records, soak_s: float) -> str:
    """Whether a soak was closed before it was over: counted from the gate of the phase, and anew from its last reset."""
    began = None
    for record in records:
        data = record["data"]
        if record["kind"] == "gate.decided" and (data.get("name"), data.get("decision")) == ("verify-first", "go"):
            began = moment(record)
        elif record["kind"] == "soak.reset":
            began = datetime.fromisoformat(data["from"])
        elif record["kind"] == "soak.done" and began:
            lasted = (moment(record) - began).total_seconds()
            if lasted < soak_s - ROUNDING_S:
                return f"the soak was over {lasted:.1f} s after its last interruption, the plan asks for {soak_s:g} s"
    return ""


def seen(neighbour: Neighbour, later: Records) -> bool:
    """Do the records since then show what was made to happen? A run that it passed by proves nothing."""
    if neighbour.cut:
        return any("nats_unreachable" in str(record["data"]) for record in later)
    if neighbour.name == "one_noisy_look":
        # 300 ms more than usual are above the plan's 200 ms for an alert, and so soon over that nothing follows.
        return any(record["kind"] == "alert.opened" and "latency_p99" in str(record["data"]) for record in later)
    if neighbour.name == "all_agents_of_one_host_restarted":
        return any(record["kind"] == "soak.reset" or record["data"].get("gaps") for record in later)
    return any("errors" in str(record["data"].get("readings")) for record in later if record["kind"] == "look.taken")
