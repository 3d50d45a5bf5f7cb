# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout as metrics: values in base units, every state told, bounded labels, and a text that can be read back."""

from __future__ import annotations

import math
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._exposition import METRICS, PREFIX, exposition, number
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._exposition_file import publish, replace_whole
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import fold
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, HOUR, Story, at, records
from tests.unit.plugins.plugin_utils.test_situation import PLANNED, alert, reading

SAMPLE = re.compile(r"(\w+)\{(.*)\} (\S+)\Z")
LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|\Z)')
UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def read_back(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Series -> value, by the rules of the format alone. A line or a duplicate that breaks them fails."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    typed: dict[str, str] = {}
    assert not text or text.endswith("\n")
    for line in text.split("\n")[:-1]:
        if line.startswith("# TYPE "):
            _hash, _type, name, kind = line.split(" ")
            assert name not in typed, f"{name} stands in two places"
            typed[name] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.match(line)
            assert match and match.group(1) in typed, line
            inside, labels, place = match.group(2), {}, 0
            while place < len(inside):
                pair = LABEL.match(inside, place)
                assert pair, line
                labels[pair.group(1)] = re.sub(r"\\.", lambda each: UNESCAPED[each.group()], pair.group(2))
                place = pair.end()
            key = (match.group(1).removeprefix(PREFIX), frozenset(labels.items()))
            assert key not in found, line
            found[key] = float(match.group(3))
    return found


def samples(story: Story, summary: Any = None) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    story.records[0].data.update({**PLANNED, **story.records[0].data})
    return read_back(exposition(story.state(), story.records, summary))


def one(story: Story, asked: str, /, summary: Any = None, **labels: str) -> float | None:
    """The value of the series with these labels; None when it isn't there."""
    wanted = {"rollout": "wave2", **labels}
    for (metric, found), value in samples(story, summary).items():
        if metric == asked and wanted.items() <= dict(found).items():
            return value
    return None


def current(story: Story, metric: str, label: str, **labels: str) -> list[str]:
    """The states that are 1; every other one must be there as 0."""
    found = {
        dict(key)[label]: value
        for (name, key), value in samples(story).items()
        if name == metric and labels.items() <= dict(key).items()
    }
    assert set(found.values()) <= {0.0, 1.0} and len(found) > 1
    return [state for state, value in found.items() if value]


STANDS = {
    "begun": (Story().started(), "in_progress", "preflight"),
    "soaking": (Story().prepared().verified("network-expert"), "in_progress", "soak"),
    "held": (Story().both_phases().gate("checkpoint", "T+1h", "hold"), "hold", "checkpoint"),
    "no go": (Story().both_phases().gate("checkpoint", "T+1h", "no_go"), "no_go", "checkpoint"),
    "due": (Story().both_phases().gate("checkpoint", "T+1h", "rollback"), "rollback_due", "checkpoint"),
    "back": (Story().both_phases().rolled_back(ALL_INSTANCES), "rolled_back", "done"),
    "incomplete": (Story().both_phases().rolled_back(ALL_INSTANCES, ALL_INSTANCES[:2]), "rollback_incomplete", "rollback"),
    "in part": (Story().both_phases().rolled_back(ALL_INSTANCES[:2]), "partly_rolled_back", "rollback"),
    "go": (Story().both_phases().add("decision.made", decision="go", why="x"), "go", "done"),
    "shadow": (Story().prepared().gate("checkpoint", "T+1h", "rollback"), "false_rollback", "done"),
}  # fmt: skip
STANDS["shadow"][0].records[0].data["shadow"] = True


@pytest.mark.parametrize("name", list(STANDS))
def test_exactly_one_state_is_current(name: str) -> None:
    story, outcome, step = STANDS[name]
    assert current(story, "outcome", "outcome") == [outcome]
    assert current(story, "step", "step") == [step]


def test_nothing_started_has_no_metrics() -> None:
    assert exposition(Story().state(), []) == ""


def test_phases_and_checkpoints_of_the_plan_are_told_before_they_begin() -> None:
    story = Story().prepared().verified("network-expert")
    assert current(story, "phase", "state", phase="network-expert") == ["soaking"]
    assert current(story, "phase", "state", phase="tdd-expert") == ["pending"]
    assert current(story, "checkpoint", "state", checkpoint="T+24h") == ["open"]
    assert one(story, "soak_seconds", phase="network-expert") == 2 * HOUR
    assert one(story, "checkpoint_due_timestamp_seconds", checkpoint="T+1h") is None
    soak_from = story.state().phase("network-expert").soak_from
    assert soak_from
    assert one(story, "step_due_timestamp_seconds", step="soak") == soak_from.timestamp() + 2 * HOUR


def test_checkpoints_have_their_times_and_decisions() -> None:
    story = (
        Story()
        .both_phases()
        .gate("checkpoint", "T+1h", "go")
        .add("checkpoint.missed", name="T+6h", planned_at="x", late_s=1.0)
    )
    assert current(story, "checkpoint", "state", checkpoint="T+1h") == ["go"]
    assert current(story, "checkpoint", "state", checkpoint="T+6h") == ["missed"]
    assert one(story, "checkpoint_taken_timestamp_seconds", checkpoint="T+6h") == at(story.now).timestamp()
    assert current(story, "decision", "decision") == ["go"]
    assert one(story, "gates_total", decision="go") == 3


def test_readings_are_in_base_units_with_their_thresholds() -> None:
    rows = [
        reading("rate", text="below 0.1%", value=0.05),
        reading("p99", text="below 200ms", value=0.0123, unit="duration"),
        reading("leak", "trigger", "above 24MiB", value=5e6, unit="size", verdict="fail"),
        reading("blind", value=None, verdict="inconclusive"),
    ]
    story = Story().both_phases().add("look.taken", label="x", gaps={}, readings=rows)
    assert one(story, "criterion_value", name="rate", unit="ratio") == pytest.approx(0.0005)
    assert one(story, "criterion_threshold", name="rate", unit="ratio") == pytest.approx(0.001)
    assert one(story, "criterion_value", name="p99", unit="seconds") == 0.0123
    assert one(story, "criterion_threshold", name="p99", unit="seconds") == 0.2
    assert one(story, "criterion_threshold", name="leak", unit="bytes") == 24 * 2**20
    assert current(story, "criterion_verdict", "verdict", name="leak") == ["fail"]
    # What was not measured has no value, and says so.
    assert one(story, "criterion_value", name="blind") is None
    assert current(story, "criterion_verdict", "verdict", name="blind") == ["inconclusive"]


def test_two_alerts_of_one_metric_are_two_series() -> None:
    rows = [reading("error_rate", "alert", "above 1%"), reading("error_rate", "alert", "above 0.1%", verdict="fail")]
    story = Story().both_phases().add("look.taken", label="x", gaps={}, readings=[*rows, rows[0]])
    assert current(story, "criterion_verdict", "verdict", rule="above 0.1%") == ["fail"]
    assert current(story, "criterion_verdict", "verdict", rule="above 1%") == ["pass"]


def test_the_newest_accounting_is_counted() -> None:
    text = "expected 6 = 3 good + 1 bad (a@h) + 2 unreachable (b@h, 9 bad@h) + 0 skipped"
    story = Story().both_phases().add("look.taken", label="x", gaps={}, accounting=text)
    assert [one(story, "instances", state=state) for state in ("good", "bad", "unreachable", "skipped")] == [3, 1, 2, 0]
    assert (one(story, "instances_expected"), one(story, "instances_changed")) == (6, 6)


def test_alerts_looks_and_gaps_are_counted() -> None:
    story = alert(Story().both_phases(), "opened", "load")
    alert(alert(story, "opened", "crash", "critical"), "closed", "load")
    story.add("look.taken", label="x", gaps={"a@h": "host_unreachable"}).add("look.taken", label="x", gaps={})
    assert [one(story, "alerts_open", severity=each) for each in ("critical", "warning")] == [1, 0]
    assert [one(story, "alerts_total", severity=each) for each in ("critical", "warning")] == [1, 1]
    assert (one(story, "looks_total"), one(story, "gaps_total")) == (2, 1)
    assert one(story, "last_look_timestamp_seconds") == at(story.now).timestamp()


@pytest.mark.parametrize(
    ("story", "needed"),
    [
        (Story().both_phases(), 0),
        (Story().both_phases().gate("checkpoint", "T+1h", "hold"), 1),
        (Story().both_phases().rolled_back(ALL_INSTANCES), 0),
        (Story().both_phases().rolled_back(ALL_INSTANCES[:2]), 1),
        (
            Story()
            .prepared()
            .add("approval.requested", approval="network-expert", until=iso(at(99)), otherwise="hold"),
            1,
        ),
        (STANDS["shadow"][0], 0),
    ],
)
def test_whether_a_person_is_needed(story: Story, needed: int) -> None:
    assert one(story, "needs_person") == needed


def test_an_earlier_attempt_does_not_count() -> None:
    story = alert(Story().both_phases(), "opened", "load")
    story.attempt = 2
    story.started()
    assert (one(story, "attempt"), one(story, "alerts_total", severity="warning"), one(story, "instances_changed")) == (
        2,
        0,
        0,
    )


@pytest.mark.parametrize("rollout", ["wave1", "wave2"])
def test_every_moment_of_a_recorded_rehearsal_can_be_read(rollout: str) -> None:
    kept = records(rollout)
    for count in range(1, len(kept) + 1):
        found = read_back(exposition(fold(rollout, kept[:count]), kept[:count]))
        assert {name for name, _labels in found} <= set(METRICS)


@settings(max_examples=50)
@given(st.text(), st.text(), st.floats(allow_nan=True, allow_infinity=True))
def test_hostile_names_and_values_come_back_as_they_were(name: str, text: str, value: float) -> None:
    story = Story().started(title=text)
    story.add(
        "look.taken", label="x", gaps={}, readings=[reading(name or "x", "trigger", text, value=value, unit="number")]
    )
    back = {metric: dict(labels) for metric, labels in samples(story)}
    seen = back["criterion_verdict"]

    def held(told: str) -> str:
        return told.encode("utf-8", "replace").decode()

    assert (seen["name"], seen["rule"], back["info"]["title"]) == (held(name or "x"), held(text), held(text))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (3.0, "3"),
        (-2.5, "-2.5"),
        (1e300, "1e+300"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_numbers_as_the_format_writes_them(value: float, text: str) -> None:
    assert number(value) == text


# ---------------------------------------------------------------- the file


def context(tmp_path: Path, **more: Any) -> Context:
    return Context({"rollout": "wave2", "rollout_monitoring_dir": str(tmp_path), **more}, needs_plan=False)


def test_a_record_of_this_run_is_published_for_everybody_to_read(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    made = context(tmp_path / "m", rollout_textfile_dir=str(shared))
    told: list[str] = []
    assert publish(made, told.append) == []
    made.record("rollout.started", Story().started().records[0].data, at(0), attempt=1)
    paths = publish(made, told.append)
    assert paths == [tmp_path / "m" / "metrics" / "wave2.prom", shared / "cowboyai_rollout_wave2.prom"]
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert 'cowboyai_rollout_attempt{rollout="wave2"} 1\n' in path.read_text()
    assert told == []


def test_who_only_looks_publishes_nothing(tmp_path: Path) -> None:
    context(tmp_path).record("rollout.started", Story().started().records[0].data, at(0), attempt=1)
    other = context(tmp_path)
    other.run = "another"
    assert other.state.attempt == 1
    assert publish(other, print) == []


def test_a_fault_is_a_warning(tmp_path: Path) -> None:
    made = context(tmp_path)
    made.record("rollout.started", Story().started().records[0].data, at(0), attempt=1)
    (tmp_path / "metrics").write_text("in the way")
    told: list[str] = []
    assert publish(made, told.append) == []
    assert len(told) == 1 and "The rollout goes on" in told[0]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.prom"
    replace_whole(path, "before\n")

    def fails(*_words: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fails)
    with pytest.raises(OSError, match="disk full"):
        replace_whole(path, "after\n")
    assert [each.name for each in tmp_path.iterdir()] == ["x.prom"]
    assert path.read_text() == "before\n"
