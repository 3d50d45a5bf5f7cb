# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that a file can hold gets through as anything but a plan or a PlanError."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import Catalogue
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import PlanError, load_plan, plan_from_dict
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._model import Plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import parse_source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[5]
TEXT = (ROOT / "playbooks/plans/wave2.yml").read_text(encoding="utf-8")
DATA: dict[str, Any] = parse_source(TEXT, "wave2.yml").data
CATALOGUE = Catalogue.read(ROOT / "inventories/dgx/group_vars/dgx/agents.csv")

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(
            ["2h", "1m", "5%", "T+1h", "go", "1GiB", "{agent}", "a.>", "6h after deployed", "errors", "latency_p50"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.text(max_size=6), st.sampled_from(sorted(Plan.model_fields)), st.integers()), inner, max_size=4
        ),
    ),
    max_leaves=12,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += paths(item, (*path, key))
    return found


PATHS = paths(DATA)


def try_dict(data: Any) -> None:
    try:
        plan = plan_from_dict(data, "wild", CATALOGUE, ["dgx-1"])
    except PlanError as error:
        assert error.problems
        assert all("\n" not in str(problem) for problem in error.problems)
        str(error).encode("utf-8")
    else:
        written = json.loads(json.dumps(plan.to_dict()))
        assert plan_from_dict(written).to_dict() == plan.to_dict()


@QUICK
@given(anything)
def test_wild_data(data: Any) -> None:
    try_dict(data)


@QUICK
@given(st.dictionaries(st.sampled_from(sorted(Plan.model_fields)), anything))
def test_wild_sections(sections: dict[str, Any]) -> None:
    try_dict({**DATA, **sections})


@QUICK
@given(st.sampled_from(PATHS), anything, st.booleans())
def test_one_wild_value_anywhere(path: tuple[Any, ...], value: Any, remove: bool) -> None:
    data: Any = copy.deepcopy(DATA)
    around: Any = data
    for key in path[:-1]:
        around = around[key]
    if remove:
        del around[path[-1]]
    else:
        around[path[-1]] = value
    try_dict(data)


@QUICK
@given(st.integers(0, len(TEXT)), st.integers(0, 40), st.text(max_size=12))
def test_a_plan_file_with_a_hole_and_a_patch(start: int, length: int, patch: str) -> None:
    content = (TEXT[:start] + patch + TEXT[start + length :]).encode("utf-8", "surrogatepass")
    try_bytes(content)


@QUICK
@given(st.binary(max_size=300))
def test_wild_bytes(content: bytes) -> None:
    try_bytes(content)


def try_bytes(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".yml") as file:
        file.write(content)
        file.flush()
        try:
            plan = load_plan(file.name, CATALOGUE, ["dgx-1", "dgx-2"])
        except PlanError as error:
            assert error.problems
            assert all(problem.file == file.name for problem in error.problems)
            str(error).encode("utf-8")
        else:
            assert plan_from_dict(plan.to_dict()).digest == plan.digest
