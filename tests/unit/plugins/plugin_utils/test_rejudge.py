# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded evidence judged again: the same plan says the same, another one says what would differ."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _gating, _triggers
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._rejudge import Again, lines, rejudge

from tests.unit.plugins.plugin_utils.recorded import Story, evidence, plan


def recorded(
    document: dict[str, Any], story: Story, used: Any, kind: str = "checkpoint", **asked: Any
) -> tuple[dict[str, Any], Record]:
    """(summary, record) as a gate leaves them after judging the document."""
    document["gate"] = {"kind": kind, "name": document["gate"]["name"], **asked}
    history = _triggers.history(story.records, story.attempt)
    judged = _gating.judge_gate(used, kind, document["gate"]["name"], document, history, **asked)
    if kind == "look":
        story.add("look.taken", **_triggers.names(judged.verdicts)).add("alert.opened", id="x")
    story.gate(kind, document["gate"]["name"], judged.decision.decision)
    return {"criteria": [verdict.to_dict() for verdict in judged.verdicts]}, story.records[-1]


def again(used: Any = None, **asked: Any) -> Again:
    document, story = evidence(), Story().both_phases()
    summary, gate = recorded(document, story, plan(), **asked)
    story.add("decision.made", decision="go", why="later records say nothing about this gate")
    return rejudge(used or plan(), document, summary, story.records, gate)


def test_the_same_plan_says_the_same() -> None:
    seen = again(last_attempt=False, causes_before=["latency_p99"])
    assert (seen.differs, seen.decision_now) == (False, "go")
    assert "0 of" in lines(seen)[-2]


def test_a_stricter_plan_shows_what_would_differ() -> None:
    strict = plan(
        criteria={"primary": [{"metric": "unified_traffic", "above": "90%"}, {"metric": "errors", "equals": 0}]}
    )
    seen = again(strict)
    assert (seen.differs, seen.decision_then, seen.decision_now) == (True, "go", "rollback")
    rows = {(row.name, row.wanted): (row.then, row.now) for row in seen.rows if row.kind == "primary"}
    assert rows["unified_traffic", "above 90%"] == ("-", "fail")
    assert rows["unified_traffic", "above 5%"] == ("pass", "-")
    assert lines(seen)[-1].startswith("decision then GO, now ROLLBACK")
    assert sum(line.startswith("*") for line in lines(seen)) == sum(row.differs for row in seen.rows)


def test_a_look_is_judged_by_what_was_known_before_it() -> None:
    """A trigger that needs two looks in a row fired for the second time: its own record must not count as a third."""
    used = plan(rollback={"when": [{"name": "errors", "metric": "errors", "above": 0, "consecutive": 2}]})
    document, story = evidence(), Story().both_phases()
    for item in document["instances"].values():
        item.update(errors=3, kinds=[])
    recorded({**document, "gate": {"kind": "look", "name": "look"}}, story, used, kind="look")
    first = story.records[-1]
    assert first.data["decision"] == "hold"
    summary, second = recorded(document, story, used, kind="look")
    assert second.data["decision"] == "rollback"
    assert rejudge(used, document, summary, story.records, second).differs is False
    assert rejudge(used, document, summary, story.records, first).decision_now == "hold"
