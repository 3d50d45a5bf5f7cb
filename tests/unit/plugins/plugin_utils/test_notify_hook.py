# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a step: what is due is in the outbox once, by channel; nothing here stops or delays anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import write_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify import _hook, _outbox
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._outbox import Outbox

from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, HOSTS, Story, at

LEVELS = {"1": ["ops"], "2": ["pager"], "3": ["incident", "ops"]}
URLS = {"ops": "json://host/ops", "pager": "json://host/pager", "incident": "json://host/incident"}


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, list[str]]]:
    """The channels that senders were started with; none is started for real."""
    seen: list[dict[str, list[str]]] = []
    monkeypatch.setattr(_hook, "start_sender", lambda outbox, store, rollout, channels: seen.append(channels))
    return seen


ALL_OF_THEM = "all"


def context(tmp_path: Path, story: Story, urls: Any = ALL_OF_THEM, notify: bool = True, **more: Any) -> Context:
    """A context of the story's run, with a plan in its ledger."""
    variables: dict[str, Any] = {
        "rollout": "wave2", "rollout_monitoring_dir": str(tmp_path), "ansible_play_hosts_all": HOSTS,
        "rollout_notify_channels": URLS if urls == ALL_OF_THEM else urls,
        **more,
    }  # fmt: skip
    made = Context(variables, needs_plan=False, run=story.run)
    assert made.state.attempt == 0
    for told in story.records:
        data = told.data
        if told.kind == "rollout.started" and notify:
            data = {**data, "plan": {"notify": {"levels": LEVELS}}}
        made.record(told.kind, data, told.moment, attempt=told.attempt)
    return made


def waiting(made: Context) -> list[tuple[str, list[str]]]:
    return [
        (message.id, [delivery.channel for delivery in message.deliveries])
        for message in Outbox.of(made.monitoring, "wave2").messages()
    ]


def test_news_go_into_the_outbox_once_and_a_sender_is_started(
    tmp_path: Path, started: list[dict[str, list[str]]]
) -> None:
    story = Story().prepared().batch("network-expert", "dgx-1")
    made = context(tmp_path, story)
    assert _hook.tell(made, at(99)).lines == []
    assert waiting(made) == [("00000005-deployment", ["ops"])]
    _hook.tell(made, at(99))
    assert len(waiting(made)) == 1
    assert started[0] == {name: [url] for name, url in URLS.items()}


def test_a_plan_without_the_section_tells_nobody(tmp_path: Path, started: list[dict[str, list[str]]]) -> None:
    made = context(tmp_path, Story().both_phases(), notify=False)
    assert _hook.tell(made, at(99)).lines == []
    assert not (tmp_path / "notifications").exists()
    assert started == []


def test_one_thing_is_told_once_in_a_channel(tmp_path: Path) -> None:
    """The end of a rollback is a rollback and a report; ops is on both levels."""
    made = context(tmp_path, Story().both_phases().rolled_back(ALL_INSTANCES))
    _hook.tell(made, at(99))
    assert waiting(made)[-2:] == [
        ("00000020-rollback", ["incident", "ops"]),
        ("00000021-rollback", ["incident", "ops"]),
    ]


def test_a_shadow_rollout_wakes_up_nobody(tmp_path: Path) -> None:
    story = Story().started(shadow=True).add("rollback.started", instances=ALL_INSTANCES, why="bad")
    made = context(tmp_path, story)
    _hook.tell(made, at(99))
    assert waiting(made) == [("00000002-rollback", ["ops"])]
    assert Outbox.of(tmp_path, "wave2").messages()[0].title == "[SHADOW] 🚨 wave2 rollback begins"


def test_without_a_cursor_a_run_tells_its_own_news_and_no_old_ones(tmp_path: Path) -> None:
    story = Story().both_phases()
    story.another_run().gate("checkpoint", "T+1h", "go")
    made = context(tmp_path, story)
    for record in made.records:
        assert record.run == made.run
    old = [replace_run(record, "run-1") if record.seq <= 19 else record for record in made.records]
    made.__dict__["records"] = old
    _hook.tell(made, at(99))
    assert [name for name, _channels in waiting(made)] == ["00000021-checkpoint"]


def replace_run(record: Any, run: str) -> Any:
    from dataclasses import replace

    return replace(record, run=run)


def test_channels_without_url_are_told_and_recorded_once_an_attempt(tmp_path: Path) -> None:
    made = context(tmp_path, Story().both_phases(), urls={"ops": URLS["ops"]})
    first = _hook.tell(made, at(99)).lines
    assert ["pager" in first[0], "incident" in first[1], len(first)] == [True, True, 2]
    assert "ROLLOUT_NOTIFY_PAGER" in first[0]
    assert _hook.tell(made, at(100)).lines == []
    told = [record.data for record in made.records if record.kind == "notification.failed"]
    assert [(data["channel"], data["event"], data["tries"]) for data in told] == [
        ("pager", "start", 0),
        ("incident", "start", 0),
    ]


def test_a_run_without_urls_leaves_messages_for_one_that_has_them(
    tmp_path: Path, started: list[dict[str, list[str]]]
) -> None:
    """A rollback by hand, from a shell without the vault, of a rollout that a scheduler runs."""
    story = Story().both_phases().add("notification.sent", channel="ops", of=1, event="deployment")
    made = context(tmp_path, story.rolled_back(ALL_INSTANCES), urls=None)
    told = _hook.tell(made, at(99), leaving_s=5.0)
    assert waiting(made)[-1] == ("00000022-rollback", ["ops"])
    assert started == []
    assert any("unsent to ops" in line for line in told.lines)


class LockedVault(Mapping[str, Any]):
    """Play variables of which one can't be read."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known

    def __getitem__(self, name: str) -> Any:
        if name in ("rollout_notify_channels", "rollout_notify_templates"):
            raise RuntimeError("Attempting to decrypt but no vault secrets found: json://secret")
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def test_a_vault_that_is_locked_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLOUT_NOTIFY_OPS", URLS["ops"])
    made = context(tmp_path, Story().prepared().batch("network-expert", "dgx-1"))
    made.variables = LockedVault(dict(made.variables))
    lines = _hook.tell(made, at(99)).lines
    assert waiting(made) == [("00000005-deployment", ["ops"])]
    assert not any("secret" in line for line in lines)


def test_the_summary_is_that_of_the_gate_or_of_the_newest_checkpoint(tmp_path: Path) -> None:
    story = Story().both_phases()
    for name in ("T+1h", "T+6h"):
        story.gate("checkpoint", name, "go", evidence=f"checkpoints/wave2/{name}/evidence.json")
    made = context(tmp_path, story.add("decision.made", decision="go", why="well"))
    for name, value in (("T+1h", 1.0), ("T+6h", 6.0)):
        seen = {
            "name": "error_rate",
            "metric": "error_rate",
            "kind": "primary",
            "verdict": "pass",
            "text": "x",
            "unit": "percent",
        }
        write_json(tmp_path / "checkpoints" / "wave2" / name / "summary.json", {"criteria": [{**seen, "value": value}]})
    _hook.tell(made, at(99))
    bodies = {message.id: message.body for message in Outbox.of(tmp_path, "wave2").messages()}
    assert "Error rate: 1%" in bodies["00000020-checkpoint"]
    assert "Error rate: 6%" in bodies["00000021-checkpoint"]
    assert "error_rate x: 6%" in bodies["00000022-report"]


def test_a_phase_that_stops_is_reported_with_its_own_criteria(tmp_path: Path) -> None:
    story = Story().both_phases().gate("checkpoint", "T+1h", "go", evidence="checkpoints/wave2/T+1h/evidence.json")
    story.gate("verify", "verify-x", "hold", evidence="checkpoints/wave2/verify-x/evidence.json")
    made = context(tmp_path, story)
    for name, value in (("T+1h", 1.0), ("verify-x", 7.0)):
        seen = {
            "name": "errors",
            "metric": "errors",
            "kind": "primary",
            "verdict": "fail",
            "text": "x",
            "unit": "count",
        }
        write_json(tmp_path / "checkpoints" / "wave2" / name / "summary.json", {"criteria": [{**seen, "value": value}]})
    _hook.tell(made, at(99))
    assert "errors x: 7" in Outbox.of(tmp_path, "wave2").messages()[-1].body


def test_no_url_is_in_what_is_written(tmp_path: Path) -> None:
    made = context(tmp_path, Story().both_phases().rolled_back(ALL_INSTANCES))
    _hook.tell(made, at(99))
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"json://" not in path.read_bytes()


def test_an_outbox_that_somebody_holds_on_to_costs_a_moment_and_no_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_outbox, "FILLING_PATIENCE_S", 0.0)
    made = context(tmp_path, Story().prepared().batch("network-expert", "dgx-1"))
    with Outbox.of(tmp_path, "wave2").filling() as held:
        assert held
        _hook.tell(made, at(99))
        assert waiting(made) == []
    _hook.tell(made, at(99))
    assert len(waiting(made)) == 1


def test_with_nothing_new_a_step_tells_nobody_and_writes_nothing(tmp_path: Path) -> None:
    made = context(tmp_path, Story().both_phases())
    _hook.tell(made, at(99))
    for path in Outbox.of(tmp_path, "wave2").waiting.glob("*.json"):
        path.unlink()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    _hook.tell(made, at(99))
    assert waiting(made) == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_ledger_with_odd_settings_is_told_as_none(tmp_path: Path) -> None:
    made = context(tmp_path, Story().both_phases(), notify=False)
    made.state.start["plan"] = json.loads('{"notify": null}')
    assert _hook.settings_in(made) is None
