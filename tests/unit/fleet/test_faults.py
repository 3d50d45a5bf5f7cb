# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fault files of the stand-in agent."""

from __future__ import annotations

from pathlib import Path

import faults
import pytest
from hypothesis import given
from hypothesis import strategies as st


def test_all_faults_at_once() -> None:
    text = (
        "# wanted\ncrash_after=5\nerrors=5%\ndrop = 20%\nlate=150ms  # slow\n\nlegacy_only\nleak=2MB/s\nnoise\n"
        "after=3s\nalways\ncorrupt\nfill=40MB\nlate=25%\nnats_closed\nwork=100ms\n"
    )
    found = faults.parse(text)
    assert (found.crash_after, found.errors, found.drop, found.late) == (5.0, 5.0, 20.0, 0.15)
    assert (found.legacy_only, found.leak, found.noise) == (True, 2 * 1024**2, True)
    assert (found.after, found.always, found.corrupt, found.nats_closed) == (3.0, True, True, True)
    assert (found.fill, found.late_percent, found.work) == (40 * 1024**2, 25.0, 0.1)


def test_empty_file_is_no_fault() -> None:
    found, neutral = faults.parse("\n# nothing\n"), faults.Faults()
    assert all(getattr(found, name) == getattr(neutral, name) for name in faults.Faults.__slots__)
    assert not any(getattr(neutral, name) for name in faults.Faults.__slots__)


def test_a_percentage_makes_late_by_a_share_of_the_time_that_an_answer_takes_anyway() -> None:
    assert faults.parse("work=100ms\nlate=25%").delay == pytest.approx(0.125)
    assert faults.parse("work=100ms\nlate=30ms").delay == pytest.approx(0.13)
    assert faults.parse("late=25%").delay == 0.0


def test_only_the_usual_time_is_left_while_faults_do_not_act() -> None:
    quiet = faults.parse("work=100ms\nlate=25%\nerrors=5%\nalways").without()
    assert (quiet.delay, quiet.errors, quiet.always) == (0.1, 0.0, False)


@pytest.mark.parametrize(
    "text",
    ["errors=5", "errors=101%", "errors=-1%", "drop=nan%", "late=soon", "late=-5ms", "crash_after=", "leak=2MB",
     "leak=2XB/s", "leak=/s", "noise=1", "legacy-only", "explode", "fill=40MB/s", "fill=", "late=120%", "late=%",
     "work=25%", "after=now", "always=1", "nats_closed=yes"],
)  # fmt: skip
def test_what_is_no_fault_is_refused_by_name(text: str) -> None:
    with pytest.raises(faults.FaultError, match=text.split("=")[0]):
        faults.parse(text)


@pytest.mark.parametrize(
    ("percent", "of", "hits"), [(5, 20, 1), (5, 1000, 50), (20, 50, 10), (0.5, 200, 1), (0, 99, 0)]
)
def test_share_is_exact(percent: float, of: int, hits: int) -> None:
    share = faults.Share()
    assert sum(share.hit(percent) for _ in range(of)) == hits


@given(st.floats(0, 100), st.integers(1, 500))
def test_share_never_strays_by_more_than_one(percent: float, of: int) -> None:
    share = faults.Share()
    assert abs(sum(share.hit(percent) for _ in range(of)) - percent * of / 100) <= 1.001


def test_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "sage"
    watched = faults.FaultFile(str(path))
    first = watched.changed()
    assert first is not None and not first.noise
    assert watched.token == "0:0"
    assert watched.changed() is None
    path.write_text("noise\n")
    second = watched.changed()
    assert second is not None and second.noise
    assert watched.token == f"{path.stat().st_ino}:{path.stat().st_mtime_ns}"
    assert watched.changed() is None
    path.write_text("nonsense\n")
    with pytest.raises(faults.FaultError, match="nonsense"):
        watched.changed()
    assert watched.changed() is None
    path.unlink()
    last = watched.changed()
    assert last is not None and not last.noise
