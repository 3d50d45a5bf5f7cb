# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_log
from hypothesis import given
from hypothesis import strategies as st

REFERENCE = """\
2026-01-23T23:12:10.067668Z  INFO agent_service: Starting agent service v0.9.2...
2026-01-23T23:12:10.067683Z  INFO agent_service: Connecting to NATS at nats://10.0.20.1:4222
2026-01-23T23:12:10.069674Z  INFO agent_service: Connected to NATS
2026-01-23T23:12:10.071326Z  INFO agent_service: Unified subject architecture ENABLED - dual publishing
2026-01-23T23:12:10.071333Z  INFO agent_service: Subscribed to: agent.to.network-expert.> (agent-specific inbox)
2026-01-23T23:12:10.071336Z  INFO agent_service: Subscribed to: agent.broadcast.> (broadcast)
2026-01-23T23:12:10.071339Z  INFO agent_service: Subscribed to: agent.*.*.01936f88-d2a9-7000-8000-000000000008.command.>
2026-01-23T23:12:10.071340Z  INFO agent_service: Agent 'network-expert' v0.9.2 is ready for conversations
2026-01-23T23:58:10.953679Z DEBUG async_nats: received PONG
2026-01-23T23:58:11.000000Z ERROR agent_service: Error handling inbox command: expected value at line 1 column 1
""".splitlines()


def tally(*lines, step=0):
    result = _agent_log.Tally()
    for number, line in enumerate(lines):
        result.add(line, False, 1_000_000 + number * step, "inv")
    return result


def test_reference_lines():
    parsed = [_agent_log.parse(line) for line in REFERENCE]
    assert [line.level for line in parsed] == ["INFO"] * 8 + ["DEBUG", "ERROR"]
    assert {line.target for line in parsed} == {"agent_service", "async_nats"}
    assert parsed[0].message == "Starting agent service v0.9.2..."
    assert [_agent_log.subscription(line) for line in parsed if _agent_log.subscription(line)] == [
        "agent.to.network-expert.>",
        "agent.broadcast.>",
        "agent.*.*.01936f88-d2a9-7000-8000-000000000008.command.>",
    ]
    counted = tally(*REFERENCE)
    assert (counted.lines, counted.errors, counted.warnings, counted.unparsed) == (10, 1, 0, 0)


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-23T23:12:10.067668Z  INFO agent_service: error error ERROR panicked at nothing",
        "2026-01-23T23:12:10.067668Z  WARN agent_service: ERROR budget low",
        "-- No entries --",
        "Error without a colon is text",
        "some text ERROR agent_service: x",
        "",
    ],
)
def test_no_errors_where_there_are_none(line):
    assert tally(line).errors == 0


@pytest.mark.parametrize(
    "line",
    [
        "\x1b[2m2026-01-23T23:58:11.000000Z\x1b[0m \x1b[31mERROR\x1b[0m \x1b[2magent_service\x1b[0m: boom",
        "   2026-01-23T23:58:11Z ERROR agent_service::inbox: boom",
        "2026-01-23T23:58:11+01:00 ERROR boom without a target",
        "ERROR agent_service: boom without a time",
        "thread 'main' panicked at src/main.rs:10:5:",
        "thread 'tokio-runtime-worker' (4711) panicked at src/main.rs:10:5:",
    ],
)
def test_errors_in_other_shapes(line):
    assert tally(line).errors == 1


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        ('{"timestamp":"2026-01-23T23:12:10Z","level":"ERROR","message":"boom"}', "ERROR", "boom"),
        ('{"level":"ERROR","fields":{"message":"boom"},"target":"agent"}', "ERROR", "boom"),
        ('{"severity":"critical","msg":"boom"}', "ERROR", "boom"),
        ('{"level":"info","message":"ERROR boom"}', "INFO", "ERROR boom"),
        ("[ERROR] boom", "ERROR", "boom"),
        ("[error]: boom", "ERROR", "boom"),
        ("[2026-01-23T23:12:10Z ERROR agent] boom", "ERROR", "boom"),
        ("[2026-01-23 23:12:10,123] [WARNING] slow", "WARN", "slow"),
        ("2026-01-23 23:12:10 ERROR agent: x", "ERROR", "x"),
        ("2026-01-23 23:12:10.5 +0000 - FATAL - x", "ERROR", "x"),
        ("23:12:10 [main] ERROR x", "ERROR", "x"),
        ("2026/01/23 23:12:10 error: x", "ERROR", "x"),
        ("ERROR: x", "ERROR", "x"),
        ("CRITICAL: x", "ERROR", "x"),
        ("WARNING: x", "WARN", "x"),
        ('time="2026-01-23T23:12:10Z" level=error msg="boom"', "ERROR", "boom"),
        ("fatal runtime error: stack overflow", "ERROR", "fatal runtime error: stack overflow"),
        ("2026-01-23 23:12:10 INFO agent: no ERROR in sight", "INFO", "no ERROR in sight"),
        ("[INFO] [ERROR] count is 0", "INFO", "[ERROR] count is 0"),
        ("[worker] error budget is fine", None, "[worker] error budget is fine"),
        ("2026-01-23 23:12:10 errors: 0", None, "2026-01-23 23:12:10 errors: 0"),
        ('{"level":"LOUD","message":"x"}', None, '{"level":"LOUD","message":"x"}'),
        ("Error budget: 5", None, "Error budget: 5"),
    ],
)
def test_the_level_is_read_in_other_shapes(line, level, message):
    parsed = _agent_log.parse(line)
    assert (parsed.level, parsed.message) == (level, message)
    assert tally(line).unparsed == (level is None)
    assert tally(line).errors == (level == "ERROR")


@pytest.mark.parametrize("line", ["panicked at src/main.rs:1:2: boom", "PANIC: boom", '{"level":"panic"}'])
def test_panics_in_other_shapes(line):
    assert tally(line).panics == 1


@pytest.mark.parametrize("piece", ["[a]", "a= ", 'a="x" ', " ", "[", "2026-01-23 ", '{"a":', "12:00:00 "])
def test_a_long_line_is_read_in_time(piece):
    _agent_log.parse(piece * (48000 // len(piece)))


def test_a_panic_is_one_error_kind():
    counted = tally("thread 'main' panicked at src/a.rs:1:2:", "thread 'main' panicked at src/a.rs:7:9:")
    assert (counted.panics, counted.errors) == (2, 2)
    [kind] = counted.as_dict(5)["kinds"]
    assert kind["count"] == 2


def test_kinds_gather_what_differs_only_in_detail():
    form = "2026-01-23T23:58:11.000000Z ERROR a: job {0} of '{1}' failed after {2}ms at 0x{3} (id {4})"
    uuid = "01936f88-d2a9-7000-8000-00000000000{0}"
    lines = [form.format(n, "x" * n, n * 3, "ab" + str(n), uuid.format(n)) for n in range(1, 5)]
    [kind] = tally(*lines, step=600_000).as_dict(9)["kinds"]
    assert kind["kind"] == "a: job <n> of <text> failed after <n>ms at <hex> (id <uuid>)"
    assert (kind["count"], kind["recurring"]) == (4, True)
    assert kind["example"].startswith("job 1 of 'x'")


def test_a_burst_is_one_off_and_a_spread_is_recurring():
    line = "2026-01-23T23:58:11.000000Z ERROR a: boom"
    assert tally(line).as_dict(1)["kinds"][0]["recurring"] is False
    assert tally(line, line, step=999_999).as_dict(1)["kinds"][0]["recurring"] is False
    assert tally(line, line, step=1_000_000).as_dict(1)["kinds"][0]["recurring"] is True


def test_kinds_are_bounded_and_errors_come_first():
    word = "abcdefghij"
    lines = [
        "2026-01-23T23:58:11.000000Z  WARN a: " + word[n % 10] + word[n // 10 % 10] + word[n // 100] for n in range(700)
    ]
    counted = tally(*lines, "2026-01-23T23:58:11.000000Z ERROR a: boom")
    assert len(counted.kinds) <= _agent_log.MAX_KINDS + 1
    assert sum(kind.count for kind in counted.kinds.values()) == 701
    assert tally("2026-01-23T23:58:11Z WARN a: w", "2026-01-23T23:58:11Z ERROR a: e").as_dict(1)["kinds"][0][
        "level"
    ] == ("ERROR")


def test_examples_hold_no_secrets():
    [kind] = tally("2026-01-23T23:58:11Z ERROR a: refused token=s3cr3t for nats://u:s3cr3t@h").as_dict(1)["kinds"]
    assert "s3cr3t" not in kind["example"]
    assert "s3cr3t" not in kind["kind"]


def test_counters_of_any_name_by_invocation():
    counted = tally(
        "2026-01-23T23:12:10Z  INFO agent_service: Metrics: inbox=100, broadcast=0, agent-ref=5",
        "2026-01-23T23:12:11Z  INFO agent_service: Metrics: inbox=200, new.thing=1.5",
        "2026-01-23T23:12:12Z  INFO agent_service: Final metrics - inbox: 250, broadcast: 2",
        "2026-01-23T23:12:12Z  INFO agent_service: Metrics: none today",
    ).counters["inv"]
    assert counted["first"] == {"inbox": 100, "broadcast": 0, "agent-ref": 5}
    assert counted["last"] == {"inbox": 250, "broadcast": 2}
    assert counted["final"] is True


@pytest.mark.parametrize(
    ("text", "damaged", "priority", "expected"),
    [
        ("could not publish answer 0: timeout", False, 3, (1, 0, 0, 0)),
        ("could not write the snapshot", False, 2, (1, 0, 0, 0)),
        ("could not wr\ufffd", True, 3, (1, 0, 0, 0)),
        (None, True, 0, (1, 0, 0, 0)),
        ("the queue is full", False, 4, (0, 1, 0, 1)),
        ("the queue \ufffd", True, 4, (0, 0, 1, 1)),
        (None, True, 4, (0, 0, 1, 1)),
        ("hello", False, 5, (0, 1, 0, 0)),
        ("hello", False, None, (0, 1, 0, 0)),
        ("2026-01-23T23:12:10Z  INFO a: 3 errors so far", False, 3, (0, 0, 0, 0)),
        ("2026-01-23T23:12:10Z  ERROR a: boom", False, 6, (1, 0, 0, 0)),
    ],
)
def test_the_journals_priority_counts_where_a_record_has_no_level(text, damaged, priority, expected):
    result = _agent_log.Tally(["publish"])
    result.add(text, damaged, 0, "i", priority)
    assert (result.errors, result.unparsed, result.unreadable, result.unread_severe) == expected


def test_an_error_by_priority_is_an_error_in_all_ways():
    result = _agent_log.Tally(["publish"], 60.0)
    result.add("could not publish answer 7: timeout", False, 0, "i", 3)
    shown = result.as_dict(5)
    assert [(kind["kind"], kind["level"]) for kind in shown["kinds"]] == [
        ("could not publish answer <n>: timeout", "ERROR")
    ]
    assert shown["signs"]["publish"]["count"] == 1
    assert shown["buckets"] == {"0": [1, 1, 0]}


def test_unreadable_and_unparsed_are_counted_apart():
    result = _agent_log.Tally()
    result.add(None, True, 1, "i")
    result.add("\ufffd\ufffd", True, 2, "i")
    result.add("plain text", False, 3, "i")
    result.add("2026-01-23T23:58:11Z ERROR a: bad byte \ufffd", True, 4, "i")
    assert (result.lines, result.unreadable, result.unparsed, result.errors) == (4, 2, 1, 1)


@given(st.text(max_size=200))
def test_junk_never_raises_and_is_counted_once(text):
    counted = tally(text)
    shown = counted.as_dict(3)
    assert shown["lines"] == 1
    assert shown["errors"] + shown["warnings"] + shown["unparsed"] <= 1


def test_buckets_and_counter_points():
    counted = _agent_log.Tally(bucket_s=60.0)
    lines = (
        (59_999_999, "one", "2026-01-23T23:12:10Z  INFO a: ready"),
        (60_000_000, "one", "2026-01-23T23:12:10Z  INFO a: Metrics: inbox=100, agent-ref=5"),
        (61_000_000, "one", "2026-01-23T23:12:11Z  WARN a: slow"),
        (62_000_000, "one", "2026-01-23T23:12:11Z ERROR a: boom"),
        (70_000_000, "one", "2026-01-23T23:12:12Z  INFO a: Final metrics - inbox: 250"),
        (80_000_000, "two", "2026-01-23T23:12:13Z  INFO a: Metrics: inbox=1"),
        (179_000_000, "two", "thread 'main' panicked at a.rs"),
        (300_000_000, "two", "2026-01-23T23:12:13Z  INFO a: Metrics: inbox=200"),
    )
    for at, invocation, text in lines:
        counted.add(text, False, at, invocation)
    counted.add(None, True, 300_000_001, "two")
    shown = counted.as_dict(3)
    assert shown["buckets"] == {"0": [1, 0, 0], "1": [5, 1, 1], "2": [1, 1, 0], "5": [2, 0, 0]}
    assert shown["counter_points"] == [[1, "one", 255], [1, "two", 1], [5, "two", 200]]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**15),
            st.sampled_from(["ERROR a: x", "WARN a: x", "INFO a: x", "panicked at x", "plain", None]),
        )
    ),
    st.floats(0.1, 86400.0),
)
def test_buckets_add_up_to_the_totals(lines, bucket_s):
    counted = _agent_log.Tally(bucket_s=bucket_s)
    for at, text in lines:
        counted.add(text, False, at, "i")
    shown = counted.as_dict(1)
    sums = [sum(row[column] for row in shown["buckets"].values()) for column in range(3)]
    assert sums == [shown["lines"], shown["errors"], shown["warnings"]]


def test_without_buckets_there_are_none():
    shown = tally("2026-01-23T23:12:10Z  INFO a: Metrics: inbox=100").as_dict(1)
    assert "buckets" not in shown and "counter_points" not in shown


def test_signs_are_found_in_every_error_line_not_only_in_the_example_of_its_kind():
    counted = _agent_log.Tally(signs=("(?i)corrupt", "checksum", "never"))
    for number in range(4):
        counted.add("2026-01-23T23:58:11Z ERROR a: failed: 'x'", False, number, "i")
        counted.add("2026-01-23T23:58:11Z ERROR a: failed: 'state Corrupt' token=s3cr3t", False, number, "i")
    counted.add("2026-01-23T23:58:11Z INFO a: nothing is corrupt", False, 9, "i")
    counted.add("thread 'main' panicked at a.rs: checksum", False, 9, "i")
    signs = counted.as_dict(5)["signs"]
    assert {pattern: found["count"] for pattern, found in signs.items()} == {
        "(?i)corrupt": 4,
        "checksum": 1,
        "never": 0,
    }
    assert signs["(?i)corrupt"]["examples"] == ["failed: 'state Corrupt' token=********"] * 3
    assert "signs" not in tally("2026-01-23T23:58:11Z ERROR a: corrupt").as_dict(5)
