# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence on disk: whole or not at all, never overwritten, and written also when there is little to write."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _evidence_files as files
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _rules
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import judge

from tests.unit.plugins.plugin_utils.recorded import evidence, evidence_of_now, plan

DECISION = {"decision": "hold", "why": "because", "instances": [], "causes": []}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def written(folder: Path, document: dict[str, Any]) -> dict[str, str]:
    verdicts = [verdict.to_dict() for verdict in judge(_rules.for_checkpoint(plan(), "T+1h"), document)]
    return files.write_gate(folder, document, verdicts, DECISION, {"text": "expected 6 = 6 good"})


def test_a_file_is_written_with_its_mode_and_its_hash_is_told(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    assert files.write_text(path, "ä\n") == hashlib.sha256("ä\n".encode()).hexdigest()
    assert (path.read_text(encoding="utf-8"), mode(path), mode(path.parent)) == ("ä\n", 0o640, 0o750)


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def fail(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"):
        files.write_text(path, "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_what_agents_log_can_be_written_whatever_its_bytes(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"line": "\udcff"})
    assert files.read_json(tmp_path / "a.json") is not None
    assert files.read_json(tmp_path / "none.json") is None


def test_an_earlier_look_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints" / "T+1h"
    for number in (1, 2, 3):
        assert files.fresh_folder(folder) == folder
        assert list(folder.iterdir()) == []
        (folder / "summary.json").write_text(str(number))
    kept = sorted(path for path in folder.parent.iterdir() if path != folder)
    assert [(path / "summary.json").read_text() for path in kept] == ["1", "2"]
    assert all(path.name.startswith("T+1h.") for path in kept)
    assert mode(folder) == 0o750


def test_every_gate_has_its_files_and_says_what_was_not_measured(tmp_path: Path) -> None:
    document = evidence_of_now()
    document["instances"]["tdd-expert@dgx-1"]["reason"] = "host_unreachable"
    hashes = written(tmp_path, document)
    assert sorted(hashes) == sorted(path.name for path in tmp_path.iterdir()) == [
        "agent_status.json", "errors.log", "evidence.json", "nats_sampling.json", "nats_sampling.txt", "summary.json",
        "system_metrics.json",
    ]  # fmt: skip
    for name, told in hashes.items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == told
    assert files.read_json(tmp_path / "evidence.json") == document
    summary = files.read_json(tmp_path / "summary.json")
    assert (summary["rollout"], summary["skips_waits"], summary["decision"]) == ("wave2", True, DECISION)
    assert {gap["criterion"] for gap in summary["not_measured"]} >= {"agent_uptime", "error_rate"}
    assert "kinds" not in json.dumps(files.read_json(tmp_path / "agent_status.json"))


# What nats_sample answers when it can't connect, and when its connection broke.
NO_CONNECTION: dict[str, Any] = {
    "server": "127.0.0.1:1", "server_id": None, "started_at": None, "ended_at": None, "window_s": None, "lossless": False,
    "reason": "nats_unreachable", "message": "cannot connect", "partial": False, "groups": {}, "total": None, "agents": {},
    "dual": None, "own_ids": None, "probe": None,
}  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [
        {"sample": NO_CONNECTION, "probe": None},
        {"sample": None, "probe": None},
        {"sample": None, "probe": {"reason": "nats_unreachable", "message": "cannot connect", "agents": {}}},
        {"reason": "host_unreachable", "message": "no route", "sample": None, "probe": None},
    ],
    ids=["sample without a connection", "neither", "probe without a connection", "host away"],
)
def test_a_gate_that_could_not_measure_nats_is_written_all_the_same(tmp_path: Path, values: dict[str, Any]) -> None:
    document = evidence_of_now()
    document["nats"][0].update(copy.deepcopy(values))
    written(tmp_path, document)
    text = (tmp_path / "nats_sampling.txt").read_text()
    reason = values.get("reason") or (values["sample"] or values["probe"] or {}).get("reason") or "not measured"
    assert reason in text


def test_a_sample_that_lost_something_says_so(tmp_path: Path) -> None:
    document = evidence()
    document["nats"][0]["sample"].update(lossless=False, reason="sampler_lossy", message="12 of 2896")
    assert "NOT lossless: sampler_lossy: 12 of 2896" in files.nats_text(document)


def test_a_window_without_a_message_has_no_shares() -> None:
    document = evidence("wave2_T+6h")
    for counted in document["nats"][0]["sample"]["groups"].values():
        counted.update(messages=0, rate_per_s=0.0, pct=None, unique_subjects=0)
    assert "       0 messages        0.0/s      - %  0 subjects" in files.nats_text(document)


def test_errors_are_told_by_kind_and_what_was_not_seen_is_not_none() -> None:
    document = evidence()
    kind = {
        "kind": "k",
        "level": "ERROR",
        "count": 3,
        "first_at": "a",
        "last_at": "b",
        "recurring": True,
        "example": "boom",
    }
    document["instances"]["tdd-expert@dgx-1"].update(
        errors=3, kinds=[kind, {**kind, "level": "INFO", "example": "hush"}]
    )
    document["instances"]["tdd-expert@dgx-2"] = {"role": "test", "reason": "host_unreachable"}
    text = files.errors_text(document)
    assert "tdd-expert@dgx-1: 3 errors, 0 warnings (test)\n       3 x ERROR recurring, a .. b: boom" in text
    assert "tdd-expert@dgx-2: not seen (host_unreachable)" in text
    assert "hush" not in text


def test_one_line_of_an_agent_stays_one_line_of_the_file() -> None:
    document = evidence()
    kind = {"kind": "k", "level": "ERROR", "count": 1, "first_at": "a", "last_at": "b", "recurring": False}
    document["instances"]["tdd-expert@dgx-1"].update(
        errors=1, kinds=[{**kind, "example": "a\nnetwork-expert@dgx-9: forged"}]
    )
    assert not any(line.startswith("network-expert@dgx-9") for line in files.errors_text(document).splitlines())
