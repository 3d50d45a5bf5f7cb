# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door for what hosts answer: sound answers pass as they are, and nothing that passes breaks what comes behind it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _evidence, _reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import account
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._answer import vetted
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._foreign import LONGEST_TEXT, visible
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import look_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._status_table import status_lines
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import START, looks


def units() -> dict[str, Any]:
    """A whole answer of `agent_units_info`."""
    look = looks()[-1]
    return {"changed": False, "instances": look["instances"], "host": look["host"], "journal": look["journal"]}


ASKED = list(units()["instances"])
AGENT = ASKED[0]


def test_every_recorded_look_passes_as_it_is() -> None:
    for look in looks():
        answer = {"instances": look["instances"], "host": look["host"], "journal": look["journal"]}
        assert vetted("agent_units_info", answer, look["instances"]) == answer


def test_what_ansible_would_act_upon_is_dropped() -> None:
    acted_upon = {
        "add_host": {"host_name": "evil", "groups": ["dgx"]}, "add_group": "x", "ansible_facts": {"rollout": "x"}, "_ansible_notify": ["x"],
        "ansible_stats": {"data": {}}, "results": [], "item": "dgx-2", "skipped": True, "warnings": ["x"], "exception": "x", "ansible_job_id": "j",
    }  # fmt: skip
    assert vetted("agent_units_info", {**units(), **acted_upon}, ASKED) == units()


def test_a_job_keeps_what_it_is_asked_by() -> None:
    begun = {
        "ansible_job_id": "j1",
        "started": True,
        "finished": False,
        "results_file": "/x",
        "changed": False,
        "add_host": {},
    }
    kept = vetted("nats_probe", begun, job=True)
    assert kept == {"ansible_job_id": "j1", "started": True, "finished": False, "results_file": "/x", "changed": False}
    assert vetted("nats_probe", begun)["reason"] == _reasons.TOOL_ERROR


@pytest.mark.parametrize("ended", [{"failed": True, "msg": "no python"}, {"unreachable": True, "msg": "no route"}])
def test_a_task_that_ended_without_an_answer_says_why(ended: dict[str, Any]) -> None:
    assert vetted("agent_units_info", ended, ASKED) == ended
    # It says nothing about agents all the same.
    assert vetted("agent_units_info", {**ended, "instances": {"x": 7}}, ASKED)["reason"] == _reasons.TOOL_ERROR
    assert vetted("nats_probe", {**ended, "probe": "x"})["reason"] == _reasons.TOOL_ERROR


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "-rf", "a@dgx-2", "a\nb", "", "a b", "a..b", ".a", "a\u202eb"])
def test_a_name_that_is_none_is_no_answer(name: str) -> None:
    for module, body in (("agent_restore", {"state": "restored"}), ("agent_units_info", units()["instances"][AGENT])):
        answer = vetted(module, {**units(), "instances": {name: body}})
        assert answer["reason"] == _reasons.TOOL_ERROR
        assert "\n" not in answer["msg"]
        assert "\u202e" not in answer["msg"]


def test_an_agent_that_nobody_asked_about_is_no_answer() -> None:
    assert "asked for" in vetted("agent_units_info", units(), ASKED[1:])["msg"]
    assert "failed" not in vetted("agent_units_info", units(), None)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 10**400, -(2**63)])
def test_a_number_that_is_none(number: float) -> None:
    answer = units()
    answer["instances"][AGENT]["cpu_s"] = number
    assert vetted("agent_units_info", answer, ASKED)["reason"] == _reasons.TOOL_ERROR


def test_no_end_of_anything() -> None:
    deep: Any = "x"
    for _level in range(5000):
        deep = [deep]
    assert vetted("agent_units_info", {**units(), "x": deep}, ASKED)["reason"] == _reasons.TOOL_ERROR
    assert vetted("agent_units_info", {**units(), "x": [0] * 2_000_001}, ASKED)["reason"] == _reasons.TOOL_ERROR
    long = vetted("agent_units_info", {**units(), "x": "y" * 1_000_000}, ASKED)["x"]
    assert len(long) < LONGEST_TEXT + 100
    assert long.endswith("more characters)")


def test_characters_that_do_something_are_spelled_out() -> None:
    assert visible("a\x1b[31m\x07\x9b\u202e\ud800\u2028\r\0") == r"a\x1b[31m\x07\x9b\u202e\ud800\u2028\r\x00"
    assert visible("as it was:\n\té 字 🚨 {{ x }}") == "as it was:\n\té 字 🚨 {{ x }}"


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.just("2026-01-23T12:00:00+00:00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
PATHS = list(
    [("instances", AGENT, key) for key in units()["instances"][AGENT]]
    + [
        ("instances", AGENT, "log", key)
        for key in (*units()["instances"][AGENT]["log"], "signs", "buckets", "counter_points")
    ]
    + [("host", key) for key in units()["host"]]
    + [("journal", key) for key in units()["journal"]]
    + [(key,) for key in units()]
    + [("instances", AGENT)]
)


@given(st.lists(st.tuples(st.sampled_from(PATHS), anything, st.booleans()), min_size=1, max_size=3))
def test_what_passes_breaks_nothing_behind_the_door(harms: list[tuple[tuple[str, ...], Any, bool]]) -> None:
    answer = copy.deepcopy(units())
    for path, value, gone in harms:
        place: Any = answer
        for key in path[:-1]:
            place = place.get(key) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.pop(path[-1], None) if gone else place.update({path[-1]: value})
    found = vetted("agent_units_info", answer, ASKED)
    json.dumps(found, allow_nan=False)
    lines, _counts = status_lines({"dgx-1": found}, ["dgx-1"])
    assert all(visible(line) == line for line in lines)
    account([f"{AGENT}@dgx-1"], {"dgx-1": found}, ("proven",))
    seen = [look_of("dgx-1", found, "2026-01-23T12:00:00+00:00", 60.0)] if "failed" not in found else []
    subject = _evidence.Subject(AGENT, "dgx-1", "test", START)
    document = _evidence.assemble(
        head={"gate": {}},
        subjects=[subject],
        units={"dgx-1": found},
        looks={"dgx-1": seen},
        nats=[],
        corruption=["x"],
        now=START,
    )
    json.dumps(document, allow_nan=False)


REVERTED = {
    "id": "a1",
    "at": "2026-01-23T23:12:10.000000+00:00",
    "why": "not confirmed in time",
    "complete": True,
    "instances": {AGENT: {"state": "restored", "reason": None}},
}
GUARD: dict[str, Any] = {"state": "reverted", "deadline": None, "agents": [], "reverted": REVERTED}


@pytest.mark.parametrize("module", ["agent_units_info", "agent_guard"])
def test_how_a_host_stands_with_its_own_way_back_passes(module: str) -> None:
    answer = {**units(), "guard": GUARD, "late_s": 0.1}
    assert vetted(module, answer, ASKED) == answer


@pytest.mark.parametrize(
    "harm",
    [
        {"state": 7},
        {"deadline": "soon"},
        {"agents": "all"},
        {"reverted": {**REVERTED, "at": "once"}},
        {"reverted": {**REVERTED, "instances": {"../x": {}}}},
        {"reverted": {**REVERTED, "complete": "yes"}},
        {"reverted": {"id": "a1"}},
    ],
)
def test_a_way_back_that_is_none_is_no_answer(harm: dict[str, Any]) -> None:
    for module in ("agent_units_info", "agent_guard"):
        answer = {**units(), "guard": {**GUARD, **harm}, "late_s": 0.1}
        assert vetted(module, answer, ASKED)["reason"] == _reasons.TOOL_ERROR


def test_every_module_that_runs_elsewhere_comes_in_by_the_door() -> None:
    plugins = Path(vetted.__code__.co_filename).parents[1]
    elsewhere = [
        path for path in (plugins / "modules").glob("*.py") if "module_utils" in path.read_text(encoding="utf-8")
    ]
    assert len(elsewhere) >= 7
    for path in elsewhere:
        assert "VettedModule" in (plugins / "action" / path.name).read_text(encoding="utf-8"), path.name
