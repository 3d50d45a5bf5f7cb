# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short stretch of errors is found however long the rollout is; errors that are usual are none."""

from __future__ import annotations

import numpy as np
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._error_peaks import peaks
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import Columns

from tests.unit.plugins.plugin_utils.made_series import CONTROL, HOSTS, TEST, Made

AGENT, OTHER = TEST
MANY = dict.fromkeys(TEST, 1e9)


def peak(made: Made, own: dict[str, float] | None = None, agent: str = AGENT) -> float:
    return peaks(Columns(made.document), MANY if own is None else own)[agent]


def errs(made: Made, agents: tuple[str, ...], share: float, first: int = 0, last: int | None = None) -> Made:
    """Errors by chance, a share of the 30 messages that each instance handles in a minute, on top of those it has."""
    last = made.buckets if last is None else last
    for agent in agents:
        for host in HOSTS:
            entry = made.document["instances"][f"{agent}@{host}"]
            had = dict(map(tuple, entry["errors"]))
            for at in range(first, last):
                had[at] = had.get(at, 0) + int(made.rng.binomial(30, share))
            entry["errors"] = [[at, count] for at, count in sorted(had.items()) if count]
    return made


def bursts(made: Made, agents: tuple[str, ...]) -> Made:
    """Errors that come in crowds: every two hours or so a minute with a dozen of them."""
    for agent in agents:
        for host in HOSTS:
            at = sorted({int(bucket) for bucket in made.rng.integers(0, made.buckets, made.buckets // 120)})
            made.document["instances"][f"{agent}@{host}"]["errors"] = [[bucket, 12] for bucket in at]
    return made


@pytest.mark.parametrize("at", [70, 700, 1400])
def test_ten_minutes_of_one_percent_are_found_in_a_day(at: int) -> None:
    made = errs(Made(buckets=1500), (AGENT,), 0.01, at, at + 10)
    assert 0.5 < peak(made) < 3.0
    assert peak(made, agent=OTHER) == 0.0


def test_nothing_is_found_before_there_is_anything() -> None:
    assert peak(Made(buckets=1500)) == 0.0


@pytest.mark.parametrize("seed", range(40))
def test_errors_that_everybody_always_has_are_no_peak(seed: int) -> None:
    made = errs(Made(buckets=1500, seed=seed), (*TEST, *CONTROL), 0.002)
    assert (peak(made), peak(made, agent=OTHER)) == (0.0, 0.0)


@pytest.mark.parametrize("seed", range(40))
def test_errors_that_an_agent_alone_had_before_as_well_are_no_peak(seed: int) -> None:
    assert peak(errs(Made(buckets=1500, changed=600, seed=seed), (AGENT,), 0.002)) == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_crowds_of_errors_as_control_has_them_are_no_peak(seed: int) -> None:
    made = bursts(Made(buckets=1500, seed=seed), (*TEST, *CONTROL))
    assert (peak(made), peak(made, agent=OTHER)) == (0.0, 0.0)


def test_what_control_has_in_the_same_minutes_is_not_the_changes() -> None:
    assert peak(errs(Made(buckets=1500), (*TEST, *CONTROL), 0.2, 700, 710)) == 0.0


def test_errors_of_kinds_that_control_shows_are_left_out() -> None:
    made = errs(Made(buckets=1500), (AGENT,), 0.1, 700, 710)
    assert peak(made, {AGENT: 0.0, OTHER: 0.0}) == 0.0
    assert peak(made, {AGENT: 30.0, OTHER: 0.0}) > 0.0


def test_two_errors_are_an_accident_and_what_was_before_the_change_is_no_peak() -> None:
    made = Made(buckets=1500)
    made.document["instances"][f"{AGENT}@{HOSTS[0]}"]["errors"] = [[700, 2]]
    assert peak(made) == 0.0
    assert peak(errs(Made(buckets=1500, changed=800), (AGENT,), 0.3, 100, 120)) == 0.0


def test_a_long_weak_stretch_is_found_as_a_short_strong_one_is() -> None:
    made = errs(Made(buckets=1500), (AGENT,), 0.004, 500, 660)
    assert 0.2 < peak(made) < 2.0


def test_messages_that_nobody_counted_make_no_rate_beyond_all() -> None:
    made = errs(Made(buckets=400), (AGENT,), 1.0, 200, 220)
    for host in HOSTS:
        made.document["instances"][f"{AGENT}@{host}"]["messages"] = []
    made.document["agents"][AGENT]["answered"] = []
    assert 0.0 < peak(made) <= 100.0
    assert np.isfinite(peak(made))
