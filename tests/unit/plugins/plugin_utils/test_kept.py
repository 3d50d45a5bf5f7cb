# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger names must still be in the files of looks and NATS measurements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _gathering, _kept
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import totals

from tests.unit.plugins.plugin_utils.recorded import at, looks

HOST, AGENT = "dgx-1", "network-expert"
LATER = 10**6


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Looks and NATS lines longer than a block, and the record of a gate that names their ends."""
    made = Context({"rollout": "feature", "rollout_monitoring_dir": str(tmp_path)}, needs_plan=False, run="r")
    made.record("rollout.started", {"hosts": [HOST]}, at(0), attempt=1)
    for _round in range(3):
        for look in looks():
            made.looks.append(HOST, look)
    for number in range(2000):
        made.nats_book.append({"at": "x", "from": "x", "number": number})
    return named(made)


def named(context: Context, lost: dict[str, str] | None = None) -> Context:
    kept = _kept.kept(context.looks.folder, lost or {})
    context.record("look.taken", {"label": "x", "fired": [], "gaps": {}, "kept": kept}, at(LATER))
    return context


def cut_at_line(data: bytes) -> bytes:
    return data[: data.rfind(b"\n", 0, len(data) - 1) + 1]


def without_first(data: bytes) -> bytes:
    return data[data.find(b"\n") + 1 :]


WAYS: dict[str, Callable[[bytes], bytes | None]] = {
    "deleted": lambda data: None,
    "emptied": lambda data: b"",
    "zeroed": lambda data: bytes(len(data)),
    "cut in the middle": lambda data: data[: len(data) // 2],
    "its last line is gone": cut_at_line,
    "its first line is gone": without_first,
    "its end is torn off": lambda data: data[:-3],
    "its end is zeroed": lambda data: data[:-200] + bytes(200),
    "other lines of its length": lambda data: data.replace(b"1", b"2"),
}


def harm(path: Path, way: Callable[[bytes], bytes | None]) -> None:
    after = way(path.read_bytes())
    path.unlink() if after is None else path.write_bytes(after)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_lost_looks_are_a_gap_until_a_person_accepts_it(context: Context, way: Callable[[bytes], bytes | None]) -> None:
    harm(context.looks.folder / f"{HOST}.jsonl", way)
    assert _gathering.note_lost(context, {}, at(LATER)) == {}
    for seen in (context.looks.folded(HOST, 60.0), context.looks.read(HOST)):
        gaps = [gap for gap in totals(seen, AGENT, None)["gaps"] if "ledger record 2 names" in gap["message"]]
        assert [gap["reason"] for gap in gaps] == ["tool_error"]
    named(context)
    assert _gathering.note_lost(context, {}, at(LATER)) == {}, "it is told once, and stays in the looks"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_without_its_book_no_group_is_measured_until_a_person_accepts_it(
    context: Context, way: Callable[[bytes], bytes | None]
) -> None:
    harm(context.looks.folder / "nats.jsonl", way)
    group: dict[str, Any] = {"name": "nats", "reason": None, "sample": {}, "probe": {}}
    for _gate in range(2):
        lost = _gathering.note_lost(context, {}, at(LATER))
        _gathering.without_book([group], lost)
        assert (group["reason"], group["sample"], group["probe"]) == ("tool_error", None, None)
        assert "nats.jsonl" in group["message"] and "rollout_accept_gaps" in group["message"]
        context.nats_book.append({"at": "x"})
        named(context, lost)
    context.record("gaps.accepted", {}, at(LATER + 1))
    assert _gathering.note_lost(context, {}, at(LATER + 2)) == {}


def test_lines_that_came_since_and_one_that_a_kill_tore_lose_nothing(context: Context) -> None:
    for name in (f"{HOST}.jsonl", "nats.jsonl"):
        with (context.looks.folder / name).open("ab") as stream:
            stream.write(b'{"at":"x"}\n{"at":')
    assert _gathering.note_lost(context, {}, at(LATER)) == {}
    assert "names" not in str(totals(context.looks.folded(HOST, 60.0), AGENT, None)["gaps"])
    assert _kept.compared(context.looks.folder, context.records, 2, None) == {}, "another attempt has files of its own"


def test_ledgers_of_earlier_versions_name_nothing(context: Context) -> None:
    records = [record for record in context.records if "kept" not in record.data]
    assert _kept.compared(context.looks.folder / "elsewhere", records, 1, None) == {}
