# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of series: outages, shifts and trends are found, noise and everybody's trouble are not, and blindness is told."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import numpy as np
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _metrics, _series_metrics
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Reading
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._columns import Columns, columns_of, remember
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series_metrics import log_ratio
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics._trend import NEVER
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.made_series import CONTROL, HOSTS, TEST, Made

AGENT, OTHER = TEST
NAMES = ("silence", "bad_minutes", "latency_shift", "memory_lasts", "disk_lasts")
DAY = 86400.0


def read(name: str, made: Made, **more: Any) -> Reading:
    return _metrics.read(name, made.evidence(**more))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(5))
def test_a_quiet_fleet_has_nothing_wrong(name: str, seed: int) -> None:
    found = read(name, Made(buckets=600, seed=seed))
    assert found.missing == {} and found.value is not None and found.low == {}
    if METRICS[name].unit == "duration" and METRICS[name].higher_is_better:
        assert min(found.high.values()) > 30 * DAY
    else:
        assert found.value < 5.0


# ---------------------------------------------------------------- silence, bad minutes


@pytest.mark.parametrize("minutes", [1, 2, 9, 30, 60])
def test_a_dead_agent_is_silent_for_as_long_as_it_is_dead(minutes: int) -> None:
    made = Made().answers(AGENT, 100, 100 + minutes, 0)
    silence, bad = read("silence", made), read("bad_minutes", made)
    assert silence.by == {AGENT: 60.0 * minutes, OTHER: 0.0}
    assert bad.by[AGENT] == pytest.approx(100.0 * minutes / 300)


def test_plan_time_is_scaled() -> None:
    made = Made().answers(AGENT, 100, 103, 0)
    made.document.update(bucket_s=1.0, time_scale=60.0)
    assert read("silence", made).value == 180.0


def test_one_dead_instance_of_three_is_no_silence_and_bad_minutes() -> None:
    made = Made().answers(AGENT, 100, 115, 12)
    assert read("silence", made).value == 0.0
    assert read("bad_minutes", made).value == pytest.approx(5.0)


def test_what_control_lost_as_well_is_not_the_changes() -> None:
    made = Made()
    for name in (*TEST, *CONTROL):
        made.answers(name, 100, 115, 0)
        made.answers(name, 200, 215, 12)
    assert [read(name, made).value for name in ("silence", "bad_minutes")] == [0.0, 0.0]
    # Nobody knows of those minutes; they are not good ones either.
    assert read("bad_minutes", made).samples == 285


def test_buckets_in_which_nobody_was_asked_neither_break_a_silence_nor_lengthen_it() -> None:
    made = Made().answers(AGENT, 100, 120, 0)
    for name in (*TEST, *CONTROL):
        for key in ("asked", "answered"):
            del made.document["agents"][name][key][105:115]
    assert read("silence", made).value == 600.0


def test_before_the_change_nobody_is_judged() -> None:
    made = Made().answers(AGENT, 10, 40, 0)
    assert read("silence", made).value == 0.0
    for name in TEST:
        made.document["agents"][name].update(role="pending", changed=None)
    found = read("silence", made)
    assert (found.value, list(found.missing)) == (None, ["too_few_samples"])


@pytest.mark.parametrize("name", ["silence", "bad_minutes"])
def test_a_blind_measurer_says_so_and_blames_nobody(name: str) -> None:
    made = Made()
    for agent in (*TEST, *CONTROL):
        for key in ("asked", "answered"):
            del made.document["agents"][agent][key][350:]
    made.document["gaps"] = [
        {"from": 350, "to": 360, "what": "nats group cim", "reason": "nats_unreachable", "message": "refused"}
    ]
    found = read(name, made)
    assert (found.value, found.missing) == (0.0, {"nats_unreachable": "cim: refused"})
    # It was told when it was new; what was measured since is whole.
    made.document["gaps"][0].update({"from": 100, "to": 120})
    assert read(name, made).missing == {}


def test_nobody_answering_is_typed_even_without_a_gap() -> None:
    made = Made()
    for agent in (*TEST, *CONTROL):
        made.answers(agent, 340, 360, 0)
    found = read("silence", made)
    assert found.value == 0.0 and list(found.missing) == ["nats_unreachable"]


def test_without_control_a_silent_agent_is_missing_not_dead() -> None:
    made = Made().answers(AGENT, 100, 120, 0)
    for name in CONTROL:
        del made.document["agents"][name]
    found = read("silence", made)
    assert (found.by, list(found.missing)) == ({OTHER: 0.0}, ["agent_silent"])


def test_control_of_other_servers_excuses_nobody() -> None:
    made = Made().answers(AGENT, 100, 120, 0)
    other = copy.deepcopy(made.document["agents"][CONTROL[0]])
    other["group"] = "far"
    made.document["agents"]["nix-expert/far"] = other
    made.document["agents"]["nix-expert/far"]["answered"] = made.every(0)
    assert read("silence", made).value == 1200.0


# ---------------------------------------------------------------- latency


@pytest.mark.parametrize("seed", range(8))
def test_a_quarter_slower_is_found_measured_and_sure(seed: int) -> None:
    found = read("latency_shift", Made(buckets=600, noise=0.1, seed=seed).latency(AGENT, 1.25))
    assert found.by[AGENT] == pytest.approx(25.0, abs=7.0)
    assert 10.0 < found.low[AGENT] < 25.0
    assert found.absolute[AGENT] == pytest.approx(0.005, abs=0.002)
    assert OTHER not in found.low


def test_slower_for_everybody_is_not_slower() -> None:
    made = Made(buckets=600)
    for name in (*TEST, *CONTROL):
        made.latency(name, 1.5, since=200)
    found = read("latency_shift", made)
    assert abs(found.value or 99.0) < 4.0 and found.low == {}


def test_slower_since_an_hour_is_measured_since_then() -> None:
    found = read("latency_shift", Made(buckets=900).latency(OTHER, 1.5, since=780))
    assert found.by[OTHER] == pytest.approx(50.0, abs=6.0)
    assert found.low[OTHER] > 25.0


def test_a_control_agent_that_misses_buckets_shifts_nothing() -> None:
    made = Made(buckets=600)
    # Ten times as slow as the other one, and silent soon after the change.
    made.document["agents"][CONTROL[0]]["latency"] = made.sketches(0.200 * made.factors())[:200]
    found = read("latency_shift", made)
    assert abs(found.value or 99.0) < 4.0


@pytest.mark.parametrize(("buckets", "changed"), [(64, 60), (360, 6)])
def test_fewer_than_five_buckets_a_side_are_too_few(buckets: int, changed: int) -> None:
    found = read("latency_shift", Made(buckets=buckets, changed=changed))
    assert (found.value, list(found.missing)) == (None, ["too_few_samples"])


def test_the_baseline_ends_before_the_first_instance_changed() -> None:
    made = Made(changed=60)
    made.document["instances"][f"{AGENT}@{HOSTS[0]}"]["changed"] = 6
    assert AGENT in read("latency_shift", made).missing["too_few_samples"]


def test_columns_of_a_longer_series_say_the_same() -> None:
    made = Made(buckets=600, noise=0.1).latency(AGENT, 1.25)
    made.answers(OTHER, 200, 205, 0)
    cut = copy.deepcopy(made.document)
    cut["buckets"] = 400
    for section in ("agents", "instances", "hosts"):
        for each in cut[section].values():
            for key, points in each.items():
                if isinstance(points, list) and points and isinstance(points[0], list) and key != "watched":
                    each[key] = [point for point in points if point[0] < 400]
    evidence = {**made.evidence(), "series": cut}
    alone = {name: _metrics.read(name, {**evidence, "series": copy.deepcopy(cut)}) for name in NAMES}
    remember(Columns(cut, columns_of(made.document)))
    assert {name: _metrics.read(name, evidence) for name in NAMES} == alone


def ticking(made: Made, tick_ms: float, level_ms: float, rises_to_ms: float) -> Made:
    """All latencies of an agent in whole ticks of a timer, rounded up: here and there of the neighbour."""
    at = np.where(made.at < made.changed, level_ms, rises_to_ms) * made.factors() ** 0.5
    seconds = np.ceil(at / tick_ms) * tick_ms / 1000.0
    made.document["agents"][AGENT]["latency"] = made.sketches(seconds)
    return made


def test_a_step_of_a_timer_is_no_shift_and_several_are() -> None:
    """28.7 ms become 30 and 31 become 40: a third more, of most answers, and a twelfth in truth."""
    one = read("latency_shift", ticking(Made(), 10.0, 28.7, 31.0))
    assert one.by[AGENT] > 20.0 and one.low.get(AGENT, 0.0) <= 5.0
    more = read("latency_shift", ticking(Made(), 10.0, 28.7, 58.0))
    assert more.low[AGENT] > 5.0
    # Who answers within one and the same bin all the time comes in no steps.
    quiet = Made(noise=0.0001).latency(AGENT, 1.3)
    assert read("latency_shift", quiet).low[AGENT] > 5.0


@pytest.mark.parametrize(("noise", "buckets"), [(0.02, 300), (0.2, 10), (0.2, 300), (0.2, 1500)])
def test_what_comes_in_no_steps_has_none(noise: float, buckets: int) -> None:
    quiet = columns_of(Made(buckets=buckets, noise=noise).document)
    assert _series_metrics.resolution(quiet.log_p50(AGENT)) == 0.0
    steps = columns_of(ticking(Made(buckets=max(buckets, 300)), 10.0, 29.0, 35.0).document)
    assert _series_metrics.resolution(steps.log_p50(AGENT)) == pytest.approx(math.log(4.0 / 3.0), abs=0.02)
    assert _series_metrics.resolution(np.array([])) == _series_metrics.resolution(np.array([1.0, 1.0, np.nan])) == 0.0


# ---------------------------------------------------------------- memory, disk


@pytest.mark.parametrize("days", [1.0, 3.0, 7.0])
def test_a_leak_is_found_within_twelve_hours(days: float) -> None:
    per_bucket = (512.0 - 200.0) / (days * 1440.0)
    made = Made(buckets=780).memory(f"{AGENT}@{HOSTS[1]}", lambda at: 200.0 + np.maximum(at - 60, 0) * per_bucket)
    found = read("memory_lasts", made)
    name = f"{AGENT}@{HOSTS[1]}"
    assert found.value == found.by[name] == pytest.approx((days - 0.5) * DAY, rel=0.15)
    assert found.value < found.high[name] < 2.0 * 7.0 * DAY
    assert all(value == NEVER for other, value in found.by.items() if other != name)


@pytest.mark.parametrize("hours", [0, 8, 12])
def test_a_leak_that_begins_late_is_found_within_twelve_hours_of_its_begin(hours: int) -> None:
    """A line through the hours without it and those with it fits neither, and what it leaves would pass for noise."""
    begin, per_bucket = 60 + 60 * hours, (512.0 - 200.0) / (3.0 * 1440.0)
    made = Made(buckets=begin + 720)
    made.memory(name := f"{AGENT}@{HOSTS[1]}", lambda at: 200.0 + np.maximum(at - begin, 0) * per_bucket)
    found = read("memory_lasts", made)
    assert found.by[name] == found.value == pytest.approx(2.5 * DAY, rel=0.3)
    assert found.high[name] < 2.0 * 7.0 * DAY
    assert all(value == NEVER for other, value in found.by.items() if other != name)


@pytest.mark.parametrize("name", ["memory_lasts", "disk_lasts"])
def test_no_trend_is_surer_for_being_asked_of_halves_as_well(name: str) -> None:
    seeds = range(40)
    sure = [min(read(name, Made(buckets=1560, noise=0.1, seed=seed)).high.values()) < 60 * DAY for seed in seeds]
    assert not any(sure)


def test_what_control_does_as_well_is_no_leak() -> None:
    made = Made(buckets=780)
    for name in made.document["instances"]:
        made.memory(name, lambda at: 200.0 + np.maximum(at - 60, 0) * 0.1)
    assert read("memory_lasts", made).value == NEVER


@pytest.mark.parametrize(("mib", "minutes"), [(20.0, 60.0), (100.0, 100.0)])
def test_filling_caches_after_a_start_is_no_leak(mib: float, minutes: float) -> None:
    for buckets in range(430, 1000, 80):
        made = Made(buckets=buckets, noise=0.02)
        made.memory(f"{AGENT}@{HOSTS[0]}", lambda at: 250.0 - mib * np.exp(-(at - 60) / minutes))
        found = read("memory_lasts", made)
        assert found.value is not None and (found.value > 7.0 * DAY or min(found.high.values()) > 14.0 * DAY)
    # Twelve hours on it is no matter of doubt any more.
    assert min(found.high.values()) > 14.0 * DAY


def test_a_restart_begins_anew() -> None:
    made = Made(buckets=780).memory(f"{AGENT}@{HOSTS[0]}", lambda at: 200.0 + np.maximum(at - 60, 0) * 0.2)
    made.document["instances"][f"{AGENT}@{HOSTS[0]}"]["restarts"] = [[770, 1]]
    assert f"{AGENT}@{HOSTS[0]}" in read("memory_lasts", made).missing["too_few_samples"]


def test_the_limit_is_its_own_else_its_hosts_else_missing() -> None:
    made = Made(buckets=780).memory(f"{AGENT}@{HOSTS[0]}", lambda at: 200.0 + np.maximum(at - 60, 0) * 0.2)
    evidence = made.evidence()
    evidence["instances"][f"{AGENT}@{HOSTS[0]}"]["memory_limit_bytes"] = None
    found = _metrics.read("memory_lasts", evidence)
    assert list(found.missing) == ["tool_error"] and f"{AGENT}@{HOSTS[0]}" not in found.by
    evidence["hosts"][HOSTS[0]] = {"host": {"memory": {"total_bytes": 1024 * 1048576.0}}}
    found = _metrics.read("memory_lasts", evidence)
    assert found.missing == {} and 1.5 * DAY < (found.value or 0.0) < 4.0 * DAY


def test_who_could_not_be_looked_at_is_missing() -> None:
    evidence = Made(buckets=780).evidence()
    evidence["instances"][f"{AGENT}@{HOSTS[0]}"]["reason"] = "host_unreachable"
    evidence["hosts"][HOSTS[1]]["reason"] = "host_unreachable"
    assert _metrics.read("memory_lasts", evidence).missing == {"host_unreachable": f"{AGENT}@{HOSTS[0]}"}
    assert _metrics.read("disk_lasts", evidence).missing == {"host_unreachable": HOSTS[1]}


def test_a_young_trend_is_none_yet() -> None:
    made = Made(buckets=240).memory(f"{AGENT}@{HOSTS[0]}", lambda at: 200.0 + np.maximum(at - 60, 0) * 0.2)
    found = read("memory_lasts", made)
    assert (found.value, found.high, found.missing) == (NEVER, {}, {})
    assert found.note == "6 of 6 seen for less than 6 h: no trend yet"


def test_what_would_be_full_soon_is_told_of_a_young_trend_and_is_not_sure() -> None:
    made = Made(buckets=240).memory(f"{AGENT}@{HOSTS[0]}", lambda at: 200.0 + np.maximum(at - 60, 0) * 0.5)
    found = read("memory_lasts", made)
    assert 6 * 3600 < (found.value or 0.0) < 10 * 3600, "watched for three hours, full in eight"
    assert found.high == {}


def test_what_is_full_in_less_time_than_it_was_watched_needs_no_six_hours() -> None:
    made = Made(buckets=200).memory(f"{AGENT}@{HOSTS[0]}", lambda at: 200.0 + np.maximum(at - 60, 0) * 1.5)
    found = read("memory_lasts", made)
    assert found.value == pytest.approx((312.0 - 210.0) / 1.5 * 60.0, rel=0.2)
    assert found.high[f"{AGENT}@{HOSTS[0]}"] < DAY


def test_a_disk_that_fills_up_is_found() -> None:
    made = Made(buckets=780)
    made.document["hosts"][HOSTS[2]]["disk_pct"] = made.ticks(70.0 + 0.004 * made.at + 0.1 * np.log(made.factors()))
    found = read("disk_lasts", made)
    room = 100.0 - 70.0 - 0.004 * 780
    assert found.by[HOSTS[2]] == pytest.approx(room / 0.004 * 60.0, rel=0.05)
    assert found.high[HOSTS[2]] < 2.0 * 7.0 * DAY


# ---------------------------------------------------------------- whatever comes


@pytest.mark.parametrize("name", NAMES)
def test_without_a_series_nothing_is_known(name: str) -> None:
    for series in (None, {}, {"file": "series.json", "sha256": "0" * 64}):
        found = _metrics.read(name, {**Made(buckets=70).evidence(), "series": series})
        assert (found.value, list(found.missing)) == (None, ["too_few_samples"])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_holes_nans_and_wild_values_never_raise_and_stay_numbers(data: st.DataObject) -> None:
    made = Made(buckets=90, changed=30)
    wild = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.integers(-5, 10**18))
    index = st.integers(-3, 120)
    for section, keys in (
        ("agents", ("asked", "answered")),
        ("instances", ("memory", "restarts")),
        ("hosts", ("disk_pct",)),
    ):
        name = data.draw(st.sampled_from(sorted(made.document[section])))
        key = data.draw(st.sampled_from(keys))
        points = data.draw(st.lists(st.tuples(index, wild), max_size=12))
        made.document[section][name][key] = sorted([list(point) for point in points], key=lambda point: point[0])
    agent = data.draw(st.sampled_from((*TEST, *CONTROL)))
    made.document["agents"][agent]["latency"] = [
        [at, data.draw(st.sampled_from([[], [[0, 1]], [[1399, 3]]]))] for at in range(0, 90, 7)
    ]
    for name in NAMES:
        found = read(name, made)
        assert found.value is None or math.isfinite(found.value)
        assert found.value is not None or found.missing
        json.dumps(vars(found))


def test_bounds_are_of_all_looks_and_agents_together() -> None:
    """Half the alpha for the same agent asks for more: the bound is lower."""
    made = Made(buckets=400, noise=0.1).latency(AGENT, 1.25)
    sure = [read("latency_shift", made, alpha=alpha).low.get(AGENT, -100.0) for alpha in (0.1, 0.01, 1e-4, 1e-8)]
    assert sure == sorted(sure, reverse=True) and sure[0] > sure[-1]


def test_of_controls_noise_only_what_is_shared_is_taken_off() -> None:
    shared, alone = Made(buckets=600, noise=0.1), Made(buckets=600, noise=0.1)
    for name in (*TEST, *CONTROL):
        alone.latency(name, 1.0, since=0)
    common = shared.factors()
    for name in (*TEST, *CONTROL):
        shared.document["agents"][name]["latency"] = shared.sketches(0.020 * common)
    spread = {made: float(np.nanstd(log_ratio(columns_of(made.document), AGENT))) for made in (shared, alone)}
    # All of it is shared: nothing is left but the width of a bin. Nothing is: control's is not added to the agent's.
    assert spread[shared] < 0.01
    assert spread[alone] == pytest.approx(0.1, abs=0.012)


def test_a_bound_loses_little_by_being_rounded_down() -> None:
    """With whole percents a bound of 5.9 was no more than the 5 of which a threshold of 20 % must be sure."""
    percent = 100.0 * np.expm1(_series_metrics.shifts())
    assert percent[0] == 0.0 and percent[-1] == pytest.approx(400.0)
    assert np.diff(percent[percent <= 30.0]).max() <= 0.2501
