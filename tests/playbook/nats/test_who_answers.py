# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Behind leaf nodes every request is heard at all sites: who answers is known before anything is changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.playbook.nats.sites import Sites, sites


def held(made: Sites) -> tuple[list[str], str]:
    """(reasons, what the terminal said) of a baseline that holds after a preflight that passed, with nothing changed."""
    run = made.run("preflight")
    assert run.status == 0, run.text
    (group,) = made.records("preflight.passed")[-1]["nats_groups"]
    assert (group["hosts"], group["expected"]) == (["edge-a", "edge-b", "edge-c"], 3)
    run = made.run("baseline")
    decided = made.records("gate.decided")
    if not decided:
        assert made.records("baseline.taken"), run.text
        return [], run.text
    assert (decided[-1]["gate"], decided[-1]["decision"], made.changed()) == ("baseline", "hold", False)
    assert run.status != 0
    return decided[-1]["reasons"], run.text


def test_all_sites_answer_and_the_baseline_is_taken(tmp_path: Path) -> None:
    with sites(tmp_path) as made:
        reasons, text = held(made)
    assert reasons == [], text


def test_a_dead_agent_is_seen_though_others_answer(tmp_path: Path) -> None:
    with sites(tmp_path, silent="alder@edge-c") as made:
        reasons, text = held(made)
    assert reasons == ["agent_silent"]
    assert "alder on " in text and "as if 1 of 3 instances did not answer" in text


def test_answers_of_a_site_that_is_not_in_the_inventory(tmp_path: Path) -> None:
    with sites(tmp_path, "elsewhere", silent="alder@edge-c") as made:
        reasons, text = held(made)
    assert reasons == ["too_many_answers"], text


@pytest.mark.parametrize("names", [(), ("birch", "cedar", "fir")])
def test_a_probe_that_nobody_answers(tmp_path: Path, names: tuple[str, ...]) -> None:
    with sites(tmp_path, names=names) as made:
        reasons, text = held(made)
    assert reasons == ["nobody_answers"]
    assert re.search(
        "alder on edge-a: no answer to any of [0-9]+ requests: the agent does not hear the subject", text
    ), text
    assert ("birch on" in text) == (not names)
