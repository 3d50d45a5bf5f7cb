# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a series: what was built comes back, and anything else is refused in plain words."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _series
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series import _files
from hypothesis import given, settings

from tests.unit.plugins.plugin_utils.measured import BUCKET_S, HOST, SUBJECTS, wild_lines, wild_looks
from tests.unit.plugins.plugin_utils.recorded import START, at


@given(wild_looks, wild_lines)
@settings(max_examples=25)
def test_what_was_built_comes_back(
    tmp_path_factory: pytest.TempPathFactory, looks: list[Any], lines: list[Any]
) -> None:
    series = _series.build({HOST: looks}, lines, SUBJECTS, BUCKET_S, START, at(3000))
    folder = tmp_path_factory.mktemp("gate")
    reference = _series.write(folder, series)
    assert _series.load(folder, reference) == series == json.loads((folder / "series.json").read_text(encoding="utf-8"))
    assert reference == {
        "file": "series.json", "sha256": hashlib.sha256((folder / "series.json").read_bytes()).hexdigest()
    }  # fmt: skip


def small(**more: Any) -> dict[str, Any]:
    latency = [[0, [[300, 2], [301, 1]]], [1, [[300, 2]]]]
    agents = {name: {"agent": name, "latency": latency} for name in ("é-expert", "nix-expert")}
    return {"schema": _series.SCHEMA, "instances": {}, "agents": agents, "hosts": {}, "gaps": [], **more}


def test_a_large_one_is_compressed_the_same_way_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "COMPRESSED_FROM", 10)
    reference = _series.write(tmp_path / "a", small())
    assert reference["file"] == "series.json.gz"
    assert _series.write(tmp_path / "b", small()) == reference
    assert json.loads(gzip.decompress((tmp_path / "a" / "series.json.gz").read_bytes())) == small()
    assert _series.load(tmp_path / "a", reference) == small()
    assert (tmp_path / "a" / "series.json.gz").stat().st_mode & 0o777 == 0o640


def test_a_line_for_each_instance_agent_and_host(tmp_path: Path) -> None:
    _series.write(tmp_path, small(hosts={"a": {"load": []}}))
    lines = (tmp_path / "series.json").read_text(encoding="utf-8").splitlines()
    assert [line[:12] for line in lines] == [
        '{"schema":"c', '"instances":', '"agents":{', '"é-expert":{', '"nix-expert"', '"hosts":{', '"a":{"load":', '"gaps":[]}'
    ]  # fmt: skip


def test_alike_bins_are_one_object_once_read(tmp_path: Path) -> None:
    series = _series.load(tmp_path, _series.write(tmp_path, small()))
    assert series is not None
    bins = [pair for agent in series["agents"].values() for _at, sketch in agent["latency"] for pair in sketch]
    assert len(bins) == 6 and len({id(pair) for pair in bins}) == 2


def test_a_changed_file_is_refused_with_both_hashes(tmp_path: Path) -> None:
    reference = _series.write(tmp_path, small())
    path = tmp_path / "series.json"
    path.write_text(path.read_text(encoding="utf-8").replace("301", "302"), encoding="utf-8")
    seen = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(
        _series.SeriesError, match=f"its SHA-256 is {seen}, the evidence beside it says {reference['sha256']}"
    ):
        _series.load(tmp_path, reference)


def test_a_missing_file_and_one_that_is_no_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(_series.SeriesError, match="No such file"):
        _series.load(tmp_path, {"file": "series.json", "sha256": "0"})
    for name, content in (("series.json", b"{"), ("series.json.gz", b"no gzip")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(_series.SeriesError, match="expected JSON"):
            _series.load(tmp_path, {"file": name, "sha256": hashlib.sha256(content).hexdigest()})


def test_evidence_without_a_series_has_none_and_one_within_is_given_back(tmp_path: Path) -> None:
    assert _series.load(tmp_path, None) is None
    assert _series.load(tmp_path, {}) is None
    assert _series.load(tmp_path, small()) == small()


def test_a_reference_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    reference = _series.write(tmp_path, small())
    (tmp_path / "gate").mkdir()
    with pytest.raises(_series.SeriesError, match=r"gate/series\.json"):
        _series.load(tmp_path / "gate", {**reference, "file": "../series.json"})


def test_nothing_is_left_of_a_write_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_ends: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        _series.write(tmp_path, small())
    assert list(tmp_path.iterdir()) == []
