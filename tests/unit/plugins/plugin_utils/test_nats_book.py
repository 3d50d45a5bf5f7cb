# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NATS lines: what they take from a result, and the typed reason of one that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._nats import DAMAGED
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._nats_book import NatsBook, line_of

from tests.unit.plugins.plugin_utils.measured import BUCKET_S, HOST, line

BEGIN, END = "2026-01-23T12:00:00.000000+00:00", "2026-01-23T12:05:00.000000+00:00"
ROWS = [[29486880, 18, 17, 1, 0, [[300, 17]]]]


def of(result: Any, kind: str = "light") -> dict[str, Any]:
    return line_of(kind, "nats", [HOST, "dgx-2"], HOST, result, BEGIN, END)


def probe(**more: Any) -> dict[str, Any]:
    times = {"started_at": "2026-01-23T12:00:01.000000+00:00", "ended_at": "2026-01-23T12:04:59.000000+00:00"}
    return {
        **times,
        "reason": None,
        "message": "",
        "buckets": {"bucket_s": 60.0, "agents": {"nix-expert": ROWS}},
        **more,
    }


def sample(**more: Any) -> dict[str, Any]:
    dual = {"agents": {"nix-expert": {"legacy": 40, "unified": 39, "matched": 38}}}
    agents = {"nix-expert": {"legacy": 80, "unified": 41}, "qa-expert": {"legacy": 3}}
    times = {"started_at": "2026-01-23T12:04:00.000000+00:00", "ended_at": "2026-01-23T12:04:30.000000+00:00"}
    return {**times, "lossless": True, "reason": None, "agents": agents, "dual": dual, "probe": None, **more}


def test_a_probe_has_its_buckets_and_its_own_times() -> None:
    line = of({"probe": probe()}, "low_rate")
    assert line == {
        "at": END, "group": "nats", "hosts": [HOST, "dgx-2"], "measured_at": HOST, "from": probe()["started_at"],
        "to": probe()["ended_at"], "kind": "low_rate", "reason": None, "message": "", "bucket_s": 60.0,
        "agents": {"nix-expert": ROWS}, "sample": None,
    }  # fmt: skip


def test_a_sample_has_its_counts_and_carries_its_probe() -> None:
    line = of({"sample": sample(probe=probe())})
    assert line["sample"] == {
        "nix-expert": {"legacy": 80, "unified": 41, "published": 40, "matched": 38},
        "qa-expert": {"legacy": 3, "unified": 0, "published": 0, "matched": 0},
    }
    assert line["agents"] == {"nix-expert": ROWS}
    assert (line["from"], line["to"]) == (sample()["started_at"], sample()["ended_at"])


def test_without_buckets_a_probe_adds_none() -> None:
    assert (of({"probe": probe(buckets=None)})["agents"], of({"sample": sample()})["bucket_s"]) == ({}, None)


def test_a_sample_that_lost_something_is_none_and_its_probe_still_counts() -> None:
    lossy = of({"sample": sample(lossless=False, reason="sampler_lossy", message="3 missing", probe=probe())})
    assert (lossy["sample"], lossy["reason"], lossy["message"]) == (None, "sampler_lossy", "3 missing")
    assert lossy["agents"] == {"nix-expert": ROWS}


def test_what_was_counted_until_a_connection_broke_is_kept_and_the_rest_of_the_window_is_missing() -> None:
    broken = of({"probe": probe(reason="nats_unreachable", message="reset")}, "low_rate")
    assert (broken["reason"], broken["message"], broken["agents"]) == (
        "nats_unreachable",
        "reset",
        {"nix-expert": ROWS},
    )
    assert (broken["from"], broken["to"]) == (probe()["started_at"], END)


@pytest.mark.parametrize(
    ("result", "reason", "message"),
    [
        (None, "tool_error", "no result was registered for this host"),
        ({"unreachable": True, "msg": "timed out"}, "host_unreachable", "timed out"),
        ({"failed": True, "msg": "no such option"}, "tool_error", "no such option"),
        ({"skipped": True}, "tool_error", "the task was skipped"),
        ({"changed": False}, "tool_error", "the answer holds no measurement"),
        ({"sample": None, "probe": None}, "tool_error", "the answer holds no measurement"),
    ],
)
def test_a_result_that_measured_nothing_has_its_typed_reason(result: Any, reason: str, message: str) -> None:
    line = of(result)
    assert (line["reason"], line["message"], line["agents"], line["sample"]) == (reason, message, {}, None)
    assert (line["from"], line["to"]) == (BEGIN, END)


def test_lines_come_back_in_order_and_a_torn_one_is_written_over(tmp_path: Path) -> None:
    book = NatsBook(tmp_path / "1")
    assert (book.read(), book.folded(BUCKET_S).groups) == ([], {})
    book.append(of({"probe": probe()}))
    with book.path.open("ab") as out:
        out.write(b'{"at": "2026')
    assert book.read() == [of({"probe": probe()})]
    book.append(of(None))
    assert book.read() == [of({"probe": probe()}), of(None)]
    assert (book.path.name, book.path.stat().st_mode & 0o777) == ("nats.jsonl", 0o640)


def test_a_damaged_line_is_a_gap_until_the_next_one(tmp_path: Path) -> None:
    book = NatsBook(tmp_path)
    for number in (1, 2, 3):
        book.append(line(60.0 * number, 60.0 * number + 60))
    first, second, third = book.path.read_bytes().splitlines(keepends=True)
    book.path.write_bytes(first + second[:40] + b"\n" + third)
    assert len(book.read()) == 2
    ((group, begin, end, reason, message, _host, _counted),) = book.folded(BUCKET_S).gaps
    assert (group, end - begin, reason, message) == ("nats", 60_000_000, "tool_error", DAMAGED)


def test_a_window_in_which_nobody_has_a_conversation_id_counts_for_nobody() -> None:
    """Headers were lost on the way; an agent that has none while others do is another thing."""
    nobody = {"a": {"legacy": 0, "matched": 0, "without_id": {"legacy": 7}}, "b": {"legacy": 0, "matched": 0}}
    some = {**nobody, "b": {"legacy": 3, "matched": 3}}
    lines = [of({"sample": sample(agents={}, dual={"agents": agents})}) for agents in (nobody, some)]
    assert [{name: row["published"] for name, row in line["sample"].items()} for line in lines] == [
        {"a": 0, "b": 0},
        {"a": 7, "b": 3},
    ]
