# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _instance

GOOD = {"agent": "a-b.c_1", "unit": "agent-runtime@a-b.service", "env_file": "/e/a.env", "env": {"K": "v"}}


def spec(**fields):
    return dict(GOOD, **fields)


def test_good():
    [one] = _instance.instances_from([spec(proof={"log": "ON", "subscriptions": ["x.>"]})], True, True)
    assert (one.agent, one.env, one.proof) == ("a-b.c_1", {"K": "v"}, _instance.Proof("ON", ("x.>",), 30.0))


@pytest.mark.parametrize(
    "fields",
    [
        {"agent": "../x"},
        {"agent": "a/b"},
        {"agent": "a..b"},
        {"agent": "-a"},
        {"agent": "a\n"},
        {"agent": ""},
        {"unit": "-H.service"},
        {"unit": "a*.service"},
        {"unit": "a/b.service"},
        {"unit": "a b.service"},
        {"unit": "a.timer"},
        {"unit": "a@b@c.service"},
        {"unit": "a.service\n"},
        {"env_file": "relative.env"},
        {"env_file": "/a/../b"},
        {"env_file": "/a//b"},
        {"env_file": "/a\nb"},
        {"env_file": None},
        {"env": {}},
        {"env": {"K": "a\nb"}},
        {"env": {"1K": "a"}},
        {"env": {"K": True}},
        {"proof": {"ready_within": 0}},
        {"proof": {"subscriptions": "x"}},
        {"proof": {"log": 1}},
    ],
)
def test_refused(fields):
    with pytest.raises(_instance.ArgumentProblem):
        _instance.instances_from([spec(**fields)], True, True)


@pytest.mark.parametrize("same", ["agent", "unit", "env_file"])
def test_nothing_twice(same):
    other = spec(agent="z", unit="z.service", env_file="/e/z.env")
    other[same] = GOOD[same]
    with pytest.raises(_instance.ArgumentProblem, match="already used"):
        _instance.instances_from([GOOD, other])


def test_all_problems_are_named():
    with pytest.raises(_instance.ArgumentProblem, match=r"unit.*unit"):
        _instance.instances_from([spec(unit="x"), spec(agent="b", unit="y")])


@pytest.mark.parametrize("value", ["abc", "G" * 64, "A" * 64, 7])
def test_a_backup_hash_is_a_hash(value):
    spec = {"agent": "a", "unit": "a.service", "backup_sha256": value}
    with pytest.raises(_instance.ArgumentProblem, match="backup_sha256"):
        _instance.instances_from([spec])


def test_no_backup_hash_is_asked_for_by_an_empty_one():
    assert _instance.instances_from([{"agent": "a", "unit": "a.service", "backup_sha256": ""}])[0].backup_sha256 is None
