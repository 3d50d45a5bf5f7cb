# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole rollouts that were recorded are judged and told as they were, byte for byte; `make recorded` records them."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest

from tests.unit.recorded import archive, results

#: Fixture -> the outcome in its status.
OUTCOMES = {
    "wave1_go": "GO",
    "wave2_go": "GO",
    "killed_and_resumed": "GO",
    "operator_rollback": "ROLLED BACK",
    "hold": "HOLD",
    "cancelled": "ROLLED BACK",
    "shadow": "GO",
    "bad_crash_after": "ROLLED BACK",
    "bad_errors": "ROLLED BACK",
}


def recorded(name: str) -> dict[str, bytes]:
    return archive.unpack(archive.path_of(name).read_bytes())


def told(files: dict[str, bytes], folder: Path) -> dict[str, str]:
    found = archive.inputs(files)
    archive.lay_out(found, folder)
    return results.results_of(folder, archive.rollout_of(found))


def differences(files: dict[str, bytes], now: dict[str, str]) -> list[str]:
    """A unified diff of everything that is not as it was recorded."""
    mark = f"{archive.RESULTS}/"
    then = {name.removeprefix(mark): data.decode() for name, data in files.items() if name.startswith(mark)}
    lines: list[str] = []
    for name in sorted({*then, *now}):
        one, other = then.get(name, "").splitlines(), now.get(name, "").splitlines()
        lines += difflib.unified_diff(one, other, f"then/{name}", f"now/{name}", lineterm="", n=0)
        if (name in then) != (name in now) or (one == other and then[name] != now[name]):
            lines.append(f"{name}: {'not any more' if name not in now else 'new, or other ends of lines'}")
    return lines


def test_every_kind_of_rollout_is_recorded() -> None:
    assert set(archive.names()) == set(OUTCOMES)


@pytest.mark.parametrize("name", archive.names())
def test_it_is_judged_and_told_as_it_was(name: str, tmp_path: Path) -> None:
    files = recorded(name)
    now = told(files, tmp_path)
    assert "\n".join(differences(files, now)[:80]) == ""
    assert f"  {OUTCOMES[name]}  " in now["status.txt"].splitlines()[0]
    gates = [text for path, text in now.items() if path.startswith("gates/")]
    judged = [text for text in gates if "its files were replaced" not in text]
    # The run's own verdicts, which it wrote before anything was recorded here.
    assert [text.splitlines()[0] for text in judged if not text.startswith("differs: False; ")] == []
    # A batch that crashes is rolled back before any gate.
    assert judged or name == "bad_crash_after"


@pytest.mark.parametrize("name", archive.names())
def test_it_is_small_and_names_no_machine(name: str) -> None:
    data = archive.path_of(name).read_bytes()
    assert len(data) <= archive.MOST_BYTES
    for path, content in archive.unpack(data).items():
        for word in (b"/root/", b"/home/", b"root@"):
            assert word not in content, path


@pytest.fixture
def whole() -> dict[str, bytes]:
    return recorded("wave2_go")


def test_another_verdict_is_seen(whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = results.rejudge
    strict = {"criteria": {"primary": [{"metric": "errors", "below": 1}]}}

    def stricter(plan, *rest):  # type: ignore[no-untyped-def]
        return judge(results.plan_from_dict({**plan.to_dict(), **strict}), *rest)

    monkeypatch.setattr(results, "rejudge", stricter)
    assert any("differs: True" in line for line in differences(whole, told(whole, tmp_path)))


@pytest.mark.parametrize(
    "name", ["state.json", "status.txt", "metrics.prom", "reports/decision.md", "reports/report.html"]
)
def test_another_byte_is_seen(whole: dict[str, bytes], tmp_path: Path, name: str) -> None:
    now = told(whole, tmp_path)
    assert differences(whole, now) == []
    assert differences(whole, {**now, name: now[name] + "."})
    assert differences(whole, {**now, name: now[name] + "\n"})
    assert differences(whole, {path: text for path, text in now.items() if path != name})


def test_what_is_masked_keeps_its_hashes_and_its_chain(whole: dict[str, bytes], tmp_path: Path) -> None:
    files = archive.masked(archive.inputs(whole), "wave2", {"dgx-1": "other-host"})
    assert not any(b"dgx-1" in data for data in files.values())
    now = told(files, tmp_path)
    assert all(text.startswith("differs: False") for path, text in now.items() if path.startswith("gates/"))
    assert "other-host" in json.dumps(now)
