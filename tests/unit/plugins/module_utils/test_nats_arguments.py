# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of sampler and probe: what is refused, in words that name the argument."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import OptionError
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import (
    parse_probe,
    probe_argument_spec,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_sample import parse_sample

SERVER = parse_server({"server": "nats://127.0.0.1:1"})
TARGET = {"agent": "a", "subject": "s.a", "expected": 3}
SAMPLE = {"patterns": {"old": ["a.>"], "new": ["b.>"]}, "window": 5, "agents": [{"agent": "a", "agent_id": "1"}]}


@pytest.mark.parametrize(
    "change, said",
    [
        ({"window": 0}, "window"),
        ({"window": -1}, "window"),
        ({"window": None}, "window"),
        ({"settle": -1}, "settle"),
        ({"patterns": {}}, "patterns"),
        ({"patterns": {"old": []}}, "old"),
        ({"patterns": {"old": "a.>"}}, "old"),
        ({"patterns": {"old": ["a..b"]}}, "a..b"),
        ({"patterns": {"old": [">.x"]}}, ">.x"),
        ({"patterns": {"old": ["a b"]}}, "a b"),
        ({"agents": [{"agent": "a", "agent_id": "1"}, {"agent": "b", "agent_id": "1"}]}, "stands for both"),
        ({"match": {"legacy": "old", "unified": "nope"}}, "nope"),
        ({"match": {"legacy": "old", "unified": "old"}}, "same group"),
        ({"match": {"legacy": "old", "unified": "new"}, "agents": []}, "needs agents"),
        ({"match": {"legacy": "old", "unified": "new", "publications": ["x..y"]}}, "x..y"),
        ({"match": {"legacy": "old", "unified": "new", "awaited": ["nobody"]}}, "awaited: nobody: not among agents"),
        ({"monitor_url": "nats://h:8222"}, "monitor_url"),
        ({"probe": {"targets": [TARGET], "over": 4, "timeout": 2}}, "do not fit into the window"),
        ({"probe": {"targets": []}}, "probe: targets"),
        ({"probe": {"targets": [TARGET], "every": 1, "over": 5, "timeout": 2}}, "do not fit into the window"),
        ({"probe": {"targets": [TARGET], "bucket": 0.01}}, "probe: bucket"),
        ({"probe": {"targets": [TARGET], "bucket": 60, "by_round": True}}, "probe: by_round"),
        ({"ends_with_probe": True}, "ends_with_probe: there is no probe"),
        ({"ends_with_probe": True, "probe": None}, "ends_with_probe: there is no probe"),
    ],
)
def test_sampler(change: dict[str, object], said: str) -> None:
    parse_sample(SAMPLE, SERVER)
    with pytest.raises(OptionError, match=said.replace(".", r"\.")):
        parse_sample({**SAMPLE, **change}, SERVER)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"targets": []}, "targets"),
        ({"targets": [TARGET, TARGET]}, "more than once"),
        ({"targets": [{**TARGET, "expected": 0}]}, "at least 1"),
        ({"targets": [{**TARGET, "expected": True}]}, "at least 1"),
        ({"targets": [{**TARGET, "subject": "s.*"}]}, "wildcards"),
        ({"targets": [{**TARGET, "subject": "s. x"}]}, "blank"),
        ({"targets": [{**TARGET, "agent": ""}]}, "agent"),
        ({"targets": [{**TARGET, "headers": {"Sender": "x"}}]}, "header"),
        ({"targets": [{**TARGET, "headers": {"A": "x\r\nB: y"}}]}, "one line"),
        ({"targets": [{**TARGET, "headers": {"A:B": "x"}}]}, "header"),
        ({"sender": "a\nb"}, "sender"),
        ({"conversation_prefix": " x"}, "conversation_prefix"),
        ({"inbox_prefix": "_INBOX.>"}, "inbox_prefix"),
        ({"count": 0}, "count"),
        ({"count": 10**9}, "count"),
        ({"over": -1}, "over"),
        ({"every": 1, "over": 10, "count": 5}, "one of them"),
        ({"every": 1}, "every: 1 s, expected more than 0 and at most over, which is 0 s"),
        ({"every": 11, "over": 10}, "every"),
        ({"every": 0, "over": 10}, "every"),
        ({"every": 0.001, "over": 86400}, "every: 86400000 requests"),
        ({"bucket": -1}, "bucket"),
        ({"bucket": 0.01}, "bucket"),
        ({"bucket": 60, "by_round": True}, r"by_round: not together with bucket \(60 s\)"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_probe(change: dict[str, object], said: str) -> None:
    parse_probe({"targets": [TARGET]})
    with pytest.raises(OptionError, match=said):
        parse_probe({"targets": [TARGET], **change})


@pytest.mark.parametrize(
    "every, over, targets, total",
    [(10, 300, 31, 930), (0.1, 0.3, 1, 3), (10, 25, 2, 5), (5, 5, 3, 3), (0.25, 6, 2, 48)],
)
def test_a_pace_uses_up_its_time(every: float, over: float, targets: int, total: int) -> None:
    rows = [{**TARGET, "agent": f"a{number}"} for number in range(targets)]
    request = parse_probe({"targets": rows, "every": every, "over": over})
    assert request.total == total
    # The last request is sent before the time is up, another one would not be.
    assert (total - 1) * request.interval_s < over <= total * request.interval_s + 1e-9


def test_a_hundred_requests_by_default() -> None:
    request = parse_probe({"targets": [TARGET], "count": None, "every": None})
    assert (request.total, request.interval_s, request.bucket_s) == (100, 0.0, 0.0)


@pytest.mark.parametrize(
    ("given", "ends"), [({}, False), ({"ends_with_probe": False}, False), ({"ends_with_probe": True}, True)]
)
def test_a_window_ends_with_its_probe_where_it_is_asked_to(given: dict[str, object], ends: bool) -> None:
    request = parse_sample({**SAMPLE, **given, "probe": {"targets": [TARGET]}}, SERVER)
    # At the latest when its time is up.
    assert (request.ends_with_probe, request.window_s) == (ends, 5.0)


@pytest.mark.parametrize(
    ("given", "by_round", "bucket_s"),
    [
        ({}, False, 0.0), ({"by_round": False, "bucket": 60}, False, 60.0), ({"by_round": None}, False, 0.0),
        ({"by_round": True}, True, 0.0), ({"by_round": True, "bucket": 0}, True, 0.0), ({"by_round": True, "count": 8}, True, 0.0),
    ],
)  # fmt: skip
def test_accounts_are_by_rounds_or_by_time(given: dict[str, object], by_round: bool, bucket_s: float) -> None:
    request = parse_probe({"targets": [TARGET], **given})
    assert (request.by_round, request.bucket_s) == (by_round, bucket_s)


def test_modules_take_what_is_parsed() -> None:
    """A name that the module's own list of arguments lacks would never get here."""
    assert probe_argument_spec()["by_round"] == {"type": "bool", "default": False}


def test_payloads() -> None:
    def payload(value: object) -> bytes:
        return parse_probe({"targets": [{**TARGET, "payload": value}]}).targets[0].payload

    assert payload({"task": "test"}) == b'{"task":"test"}'
    assert payload("as it is é") == "as it is é".encode()
    assert payload(None) == b"{}"
    assert payload("") == b""


def test_each_run_has_its_own_conversation_ids() -> None:
    prefixes = {parse_probe({"targets": [TARGET]}).conversation_prefix for _run in range(5)}
    assert len(prefixes) == 5


def test_the_sampler_knows_the_probes_ids_and_asks_nobody_in_check_mode() -> None:
    request = parse_sample({**SAMPLE, "probe": {"targets": [TARGET]}}, SERVER, check_mode=True)
    assert request.probe is not None and not request.probe.send
    assert request.own_prefix == request.probe.conversation_prefix
