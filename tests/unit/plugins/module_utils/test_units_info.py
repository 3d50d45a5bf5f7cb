# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _host_metrics,
    _instance,
    _journal,
    _journal_look,
    _module_edge,
    _systemd,
    _unit_journal,
    _units_info,
)

from tests.unit.plugins.module_utils.scripted_clock import ScriptedClock

UNIT = "run@a.service"
NONCE = "0123456789abcdef" * 2
BOOT = 1_800_000_000_000_000


class Ended(Exception):
    """Instead of exit_json and fail_json."""


class Module:
    def __init__(self, **params):
        self.params = params
        self.no_log_values = set()

    def fail_json(self, **result):
        raise Ended(result)

    exit_json = fail_json


@pytest.fixture
def journal(monkeypatch):
    """What the journal holds and says; systemd knows no unit."""
    state = {"records": [], "oldest": BOOT, "reading": {}, "bad_cursor": False}

    edge = ScriptedEdge()

    def read(matches, on_record, since=None, cursor=None, max_entries=0, **more):
        if cursor and state["bad_cursor"]:
            return _journal.Reading(cursor, 0, False, "journal_unreadable", "Failed to seek to cursor")
        for one in state["records"]:
            on_record(one)
        for text in edge.written:
            on_record(record(text, at=edge.now_us(), unit="ssh.service"))
        return _journal.Reading(**{"cursor": cursor, "entries": len(state["records"]), **state["reading"]})

    monkeypatch.setattr(_unit_journal, "Edge", lambda: edge)
    monkeypatch.setattr(_journal, "read", read)
    monkeypatch.setattr(_journal, "oldest", lambda namespace="": state["oldest"])
    monkeypatch.setattr(_journal, "end_cursor", lambda namespace="": "end=1")
    monkeypatch.setattr(_host_metrics, "booted_at", lambda proc="/proc": BOOT)
    monkeypatch.setattr(_systemd, "show", lambda units: _systemd.parse_show("", units, 0))
    return state


class ScriptedEdge(ScriptedClock, _journal_look.Edge):
    """A clock that stands, and a journal that takes every line."""

    def __init__(self):
        self.written = []
        self.us = BOOT + 1_000_000_000

    def write(self, place, text, level):
        self.written.append(text)

    def damage(self, start, namespace):
        return None

    def nonce(self):
        return NONCE


def record(text, at=BOOT + 1, unit=UNIT, manager=False, event=None):
    return _journal.Record(at, "c=1", unit, "inv", text, False, manager, event, "")


def collect(**more):
    return _units_info.collect([_instance.Instance("a", UNIT)], **more)


def test_lines_events_and_other_units_are_told_apart(journal):
    journal["records"] = [
        record("2026-01-23T23:58:11Z ERROR a: boom"),
        record("Started", manager=True, event="started"),
        record("something systemd said", manager=True),
        record("2026-01-23T23:58:11Z ERROR a: boom", unit="other.service"),
    ]
    one = collect(since=BOOT)["instances"]["a"]
    assert (one["log"]["lines"], one["log"]["errors"]) == (1, 1)
    assert [event["event"] for event in one["log"]["lifecycle"]] == ["started"]
    assert (one["load_state"], one["memory_bytes"], one["cpu_s"], one["accounting"]) == ("unknown", None, None, None)


def test_lines_before_the_instances_own_since_are_left_out(journal):
    journal["records"] = [record("2026-01-23T23:58:11Z ERROR a: old", at=BOOT + 1), record("x", at=BOOT + 5)]
    result = _units_info.collect([_instance.Instance("a", UNIT, since=BOOT + 5)], since=BOOT)
    assert (result["instances"]["a"]["log"]["errors"], result["instances"]["a"]["log"]["lines"]) == (0, 1)


@pytest.mark.parametrize(
    ("oldest", "since", "complete"),
    [
        (BOOT - 10, BOOT, True),
        (BOOT + 60_000_000, BOOT - 10, True),
        (BOOT + 500_000_000, BOOT + 400_000_000, False),
        (BOOT + 500_000_000, BOOT + 600_000_000, True),
    ],
)
def test_rotated_journal_is_no_whole_evidence(journal, oldest, since, complete):
    journal["oldest"] = oldest
    said = collect(since=since)["journal"]
    assert (said["complete"], said["reason"]) == (complete, None if complete else "journal_rotated")


def test_cursor_whose_entry_is_gone_is_noticed_by_its_time(journal):
    journal["oldest"] = BOOT + 500_000_000
    said = collect(cursor=f"s=1;t={BOOT + 400_000_000:x}")["journal"]
    assert said["reason"] == "journal_rotated"


def test_bad_cursors_fall_back_and_say_so(journal):
    assert collect(cursor="$(x)", since=BOOT)["journal"]["reason"] == "cursor_invalid"
    journal["bad_cursor"] = True
    assert collect(cursor="s=1", since=BOOT)["journal"]["reason"] == "cursor_invalid"
    assert collect(cursor="s=1")["journal"]["reason"] == "journal_unreadable"


def test_dropped_lines_of_our_units_only(journal):
    journal["reading"] = {"suppressed": {"other.service": 3}}
    assert collect(since=BOOT)["journal"]["complete"] is True
    journal["reading"] = {"suppressed": {UNIT: 3}}
    assert collect(since=BOOT)["journal"]["reason"] == "lines_suppressed"


def test_without_a_start_only_the_cursor_is_given(journal):
    journal["records"] = [record("never read")]
    result = collect()
    assert result["instances"]["a"]["log"]["lines"] == 0
    assert (result["journal"]["cursor"], result["journal"]["complete"]) == ("end=1 !" + NONCE + "!!0", True)


def test_a_quiet_window_still_says_where_to_go_on(journal):
    assert collect(since=BOOT)["journal"]["cursor"] == "end=1 !" + NONCE + "!!0"


def test_environment_masks_secrets_and_survives_bad_files(tmp_path):
    path = tmp_path / "e"
    path.write_bytes(b"FLAG=1\nAPI_KEY=s3cr3t\nURL=nats://u:s3cr3t@h\nBAD=\xff\n")
    seen = _units_info.environment_of(str(path), ["FLAG", "API_KEY", "URL", "BAD", "NONE"])
    assert "s3cr3t" not in str(seen)
    assert seen["masked"] == ["API_KEY", "URL"]
    assert (seen["keys"]["FLAG"], seen["keys"]["NONE"]) == ("1", None)
    assert "UTF-8" in seen["problem"]
    gone = _units_info.environment_of(str(tmp_path / "none"), ["FLAG"])
    assert (gone["exists"], gone["keys"]) == (False, {"FLAG": None})


@pytest.mark.parametrize(
    ("problem", "reason", "text"),
    [
        (_instance.InstanceError("disk_full", "full"), "disk_full", "full"),
        (_instance.ArgumentProblem("bad name"), "tool_error", "bad name"),
        (_systemd.SystemdError("no bus"), "tool_error", "no bus"),
        (ZeroDivisionError("oops"), "tool_error", "error of the collection itself"),
    ],
)
def test_every_failure_is_a_sentence_with_a_reason(problem, reason, text):
    with pytest.raises(Ended) as ended, _module_edge.typed_failures(Module()):
        raise problem
    result = ended.value.args[0]
    assert result["reason"] == reason
    assert text in result["msg"]
    assert "Traceback" not in result["msg"]


def test_secret_arguments_are_hidden_and_harmless_ones_are_not():
    module = Module(instances=[{"env": {"API_KEY": "s3cr3t", "FLAG": "true"}}, {"env": None}])
    _module_edge.hide_secret_values(module)
    assert module.no_log_values == {"s3cr3t"}


def test_a_sign_that_this_python_does_not_take_is_named():
    with pytest.raises(_instance.ArgumentProblem, match=r"the sign '\(a'"):
        collect(signs=["(a"])


def test_lines_are_counted_by_buckets_of_the_journals_time(journal):
    journal["records"] = [
        record("2026-01-23T23:58:11Z ERROR a: boom", at=BOOT + 1),
        record("2026-01-23T23:58:11Z INFO a: Metrics: inbox=7", at=BOOT + 60_000_000),
    ]
    log = collect(since=BOOT, bucket=60.0)["instances"]["a"]["log"]
    assert log["buckets"] == {"30000000": [1, 1, 0], "30000001": [1, 0, 0]}
    assert log["counter_points"] == [[30000001, "inv", 7]]


def test_a_bucket_of_no_length_is_refused(journal):
    with pytest.raises(_instance.ArgumentProblem, match="bucket"):
        collect(bucket=-1.0)
