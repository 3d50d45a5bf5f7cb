# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which records people are told about."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._due import messages_due
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, Story, records


def told(story: Story, after: int = 0) -> list[tuple[str, str, str]]:
    return [(due.event, due.what, due.kind) for due in messages_due(story.records, after)]


def alert(story: Story, kind: str, severity: str, **more: Any) -> Story:
    data = {
        "id": "e",
        "name": "e",
        "metric": "errors",
        "severity": severity,
        "text": "t",
        "instances": [],
        "value": 1.0,
    }
    return story.add(f"alert.{kind}", **data, **more)


def test_a_good_rollout_from_the_first_batch_to_the_decision() -> None:
    story = Story().both_phases()
    story.gate("checkpoint", "T+1h", "go").gate("checkpoint", "T+6h", "go").add(
        "decision.made", decision="go", why="well"
    )
    assert told(story) == [
        ("deployment", "begun", "info"), ("deployment", "done", "success"),
        ("deployment", "begun", "info"), ("deployment", "done", "success"),
        ("checkpoint", "decided", "success"), ("checkpoint", "decided", "success"),
        ("report", "decided", "success"),
    ]  # fmt: skip


def test_a_phase_begins_once_also_when_a_later_run_goes_on_with_it() -> None:
    story = Story().prepared().batch("network-expert", "dgx-1").another_run().batch("network-expert", "dgx-2")
    assert told(story) == [("deployment", "begun", "info")]
    story.attempt = 2
    story.started().batch("network-expert", "dgx-1")
    assert told(story) == [("deployment", "begun", "info")] * 2


def test_a_rollback_is_told_when_it_begins_and_when_it_is_done() -> None:
    story = Story().both_phases().gate("look", "look-1", "rollback").rolled_back(ALL_INSTANCES)
    assert told(story)[-3:] == [
        ("rollback", "begun", "failure"), ("rollback", "done", "warning"), ("report", "rolled_back", "warning"),
    ]  # fmt: skip
    short = Story().both_phases().rolled_back(ALL_INSTANCES, ALL_INSTANCES[1:])
    assert told(short)[-2:] == [("rollback", "done", "failure"), ("report", "rolled_back", "failure")]


@pytest.mark.parametrize("gate", ["verify", "look", "decision"])
def test_a_hold_that_stops_is_reported_and_one_that_looks_again_is_not(gate: str) -> None:
    story = Story().prepared()
    assert told(story.gate(gate, "x", "hold", stops=False)) == []
    assert told(story.gate(gate, "x", "hold")) == [("report", "stopped", "warning")]
    assert told(story.gate(gate, "x", "no_go"))[1:] == [("report", "stopped", "failure")]


def test_three_looks_of_a_checkpoint_that_hold_are_told_once_and_the_one_that_stops_again() -> None:
    story = Story().both_phases()
    before = len(story.records)
    for stops in (False, False, False, True):
        story.gate("checkpoint", "T+1h", "hold", stops=stops)
    assert told(story, before) == [
        ("checkpoint", "decided", "warning"), ("checkpoint", "decided", "warning"), ("report", "stopped", "warning"),
    ]  # fmt: skip
    story.another_run().gate("checkpoint", "T+1h", "hold", stops=False).gate("checkpoint", "T+1h", "go")
    assert [kind for _e, _w, kind in told(story, before)][3:] == ["warning", "success"]


def test_alerts_by_their_severity() -> None:
    story = alert(Story().started(), "opened", "warning")
    alert(story, "updated", "warning", was="warning")
    alert(story, "updated", "critical", was="warning")
    alert(story, "updated", "critical", was="critical")
    alert(story, "resent", "critical")
    alert(story, "updated", "warning", was="critical")
    alert(story, "resent", "warning")
    alert(story, "closed", "critical")
    assert told(story) == [
        ("warning", "opened", "warning"), ("incident", "raised", "failure"), ("incident", "resent", "failure"),
        ("warning", "resent", "warning"), ("warning", "closed", "success"),
    ]  # fmt: skip
    assert told(alert(Story().started(), "closed", "critical", with_rollout=True)) == []
    assert told(alert(Story().started(), "opened", "critical")) == [("incident", "opened", "failure")]


def test_approvals_and_missed_checkpoints() -> None:
    story = Story().started().add("approval.requested", approval="a", until="u", otherwise="hold")
    story.add("approval.given", approval="a", decision="no_go")
    story.add("approval.expired", approval="a", decision="hold")
    story.add("checkpoint.missed", name="T+1h", planned_at="p", late_s=1.0)
    assert told(story) == [
        ("approval", "requested", "warning"),
        ("approval", "given", "failure"),
        ("approval", "expired", "warning"),
        ("checkpoint", "missed", "warning"),
    ]


def test_what_was_told_and_what_failed_to_be_is_nothing_to_tell() -> None:
    story = Story().started().add("notification.sent", channel="a", of=1).add("notification.failed", channel="a", of=1)
    assert told(story) == []


@given(st.sampled_from(["wave1", "wave2"]), st.lists(st.integers(0, 200), max_size=6))
def test_wherever_a_run_was_cut_off_everything_is_told_once(rollout: str, cuts: list[int]) -> None:
    recorded = records(rollout)
    whole = [due.id for due in messages_due(recorded, 0)]
    assert len(set(whole)) == len(whole) > 0
    seen: list[str] = []
    cursor = 0
    for length in [*sorted(min(cut, len(recorded)) for cut in cuts), len(recorded)]:
        seen += [due.id for due in messages_due(recorded[:length], cursor)]
        cursor = recorded[length - 1].seq if length else 0
    assert seen == whole
