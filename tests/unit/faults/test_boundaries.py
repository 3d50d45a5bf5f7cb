# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run wrote down of its boundaries, and the real times of what a ledger that skips waits has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.campaign.faults import assess
from tests.rollout.scenario import boundaries
from tests.rollout.scenario.boundaries import Boundary, Met
from tests.rollout.scenario.told import Told

ONE, TWO = Boundary("Soak", "Wait"), Boundary("Soak", "Wait", 2)


def test_boundaries_of_a_run(tmp_path: Path) -> None:
    assert boundaries.met(tmp_path, "run") == []
    # The last line is still being written.
    (tmp_path / "run.boundaries").write_text(f"1.0\t{ONE.line}\nstruck\n2.5\t{TWO.line}\n3.0\tSoak\tWa")
    assert boundaries.met(tmp_path, "run") == [Met(ONE, 1.0, struck=True), Met(TWO, 2.5)]
    assert [str(each.place) for each in boundaries.met(tmp_path, "run")] == ["Soak / Wait", "Soak / Wait #2"]


def test_seconds_to_safe_are_real_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the strike and the end of the rollback two hours of the plan were skipped; it took four seconds."""
    records: list[dict[str, Any]] = [
        {"kind": "rollback.started", "at": "2026-01-01T02:00:03+00:00", "data": {"instances": []}},
        {"kind": "rollback.done", "at": "2026-01-01T02:00:04+00:00", "data": {}},
    ]
    monkeypatch.setattr(Told, "ledger", lambda self, rollout: records)
    struck_at = 1767225600.0  # 2026-01-01T00:00:00Z
    assert assess.seconds_to_safe(tmp_path, struck_at) == 7204.0
    (tmp_path / "monitoring" / "keys").mkdir(parents=True)
    skips = {"skips": [["2026-01-01T00:00:01+00:00", 7200.0]]}
    (tmp_path / "monitoring" / "keys" / "clock.json").write_text(json.dumps(skips))
    assert assess.seconds_to_safe(tmp_path, struck_at) == 4.0
