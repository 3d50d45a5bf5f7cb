# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Medians and bars: what is missed is said, and what was not measured is missed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from speed.result import Faster, Under, judge, summary, table

SAMPLES = {"ours": [1.0, 9.0, 2.0], "loop_role": [10.0, 6.0, 8.0], "ssh_script": [5.0]}


def test_one_disturbed_run_does_not_move_a_median() -> None:
    row = summary("job", SAMPLES)
    assert (row["ours"], row["peers"], row["runs"]) == (2.0, {"loop_role": 8.0, "ssh_script": 5.0}, 3)
    assert row["peer_runs"] == {"loop_role": 3, "ssh_script": 1}
    assert (row["min"]["ours"], row["max"]["ours"]) == (1.0, 9.0)


def test_bars_are_met_up_to_their_edge_and_missed_beyond() -> None:
    met, lines = judge((Under(2.1), Faster("loop_role", 4.0)), SAMPLES)
    assert met and all(line.endswith(", met") for line in lines)
    # Exactly the time of the bar is not under it; four times is four times.
    assert not judge((Under(2.0),), SAMPLES)[0]
    assert not judge((Faster("loop_role", 4.01),), SAMPLES)[0]


def test_one_missed_bar_is_enough_and_is_named() -> None:
    met, lines = judge((Under(3.0), Faster("ssh_script", 20.0)), SAMPLES)
    assert not met
    assert [line.rpartition(", ")[2] for line in lines] == ["met", "MISSED"]


def test_a_peer_that_was_left_out_is_a_missed_bar() -> None:
    met, lines = judge((Faster("loop_role", 2.5),), {"ours": [1.0]})
    assert not met and "was not measured" in lines[0]


def test_the_table_shows_every_contender_with_its_runs_and_every_bar() -> None:
    rows = [summary("job", SAMPLES)]
    text = "\n".join(table(rows, {"job": judge((Under(1.0),), SAMPLES)[1]}))
    for words in (
        "ours",
        "loop_role",
        "4.0 x ours",
        "ssh_script",
        "1 run ",
        "3 runs",
        "bar: ours under 1 s: 2.00 s, MISSED",
    ):
        assert words in text
