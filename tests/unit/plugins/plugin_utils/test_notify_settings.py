# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `notify` section of plans: what it may say, what is refused, and who hears of what."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._channels import environment_name, urls_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._settings import (
    DEFAULT_LEVELS,
    Settings,
    settings_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import PlanError, plan_from_dict, plan_json_schema
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._notify import NotifyEvents
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import plan

LEVELS = {1: ["ops-alerts"], 2: ["ops-critical", "pager"], 3: ["incident", "pager"]}


def test_a_plan_without_the_section_tells_nobody_and_keeps_its_digest() -> None:
    assert plan().notify is None
    assert "notify" not in plan().to_dict()
    assert settings_of(plan().to_dict().get("notify")) is None


def test_a_section_is_read_written_and_read_again() -> None:
    first = plan(notify={"levels": LEVELS, "resend": "45m", "events": {"report": 2, "warning": 0}})
    again = plan_from_dict(first.to_dict())
    assert again.digest == first.digest
    assert again.notify is not None
    assert (again.notify.resend, again.notify.levels) == (2700.0, LEVELS)
    settings = settings_of(first.to_dict()["notify"])
    assert settings == Settings(LEVELS, {**DEFAULT_LEVELS, "report": 2, "warning": 0})
    jsonschema.validate(first.to_dict(), plan_json_schema())


def test_the_defaults_are_those_of_the_model() -> None:
    assert NotifyEvents().model_dump() == DEFAULT_LEVELS


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({}, "notify.levels"),
        ({"levels": {}}, "notify.levels"),
        ({"levels": {1: []}}, "notify.levels[1]"),
        ({"levels": {0: ["a"]}}, "notify.levels.0"),
        ({"levels": {10: ["a"]}}, "notify.levels.10"),
        ({"levels": {"one": ["a"]}}, "notify.levels.one"),
        ({"levels": {1: ["a"], "1": ["b"]}}, "notify.levels.1"),
        ({"levels": {1: ["Ops Alerts"]}}, "notify.levels[1][0]"),
        ({"levels": {1: ["ops_alerts"]}}, "notify.levels[1][0]"),
        ({"levels": {1: "ops"}}, "notify.levels[1]"),
        ({"levels": LEVELS, "events": {"deploy": 1}}, "notify.events.deploy"),
        ({"levels": LEVELS, "events": {"report": 10}}, "notify.events.report"),
        ({"levels": LEVELS, "resend": 30}, "notify.resend"),
    ],
)
def test_mistakes_are_named(section: dict[str, Any], key: str) -> None:
    with pytest.raises(PlanError) as error:
        plan(notify=section)
    assert [problem.key for problem in error.value.problems] == [key]


def test_a_url_in_a_plan_is_refused_and_not_shown() -> None:
    with pytest.raises(PlanError) as error:
        plan(notify={"levels": {1: ["slack://T0KEN/s3cret/more"]}})
    assert "rollout_notify_channels" in str(error.value)
    assert "T0KEN" not in str(error.value)


@pytest.mark.parametrize(
    ("event", "channels"),
    [
        ("checkpoint", ["ops-alerts"]),
        ("incident", ["ops-critical", "pager"]),
        ("rollback", ["incident", "pager"]),
        ("report", ["incident", "pager"]),
        ("warning", []),
    ],
)
def test_levels_route_events(event: str, channels: list[str]) -> None:
    settings = settings_of({"levels": {str(k): v for k, v in LEVELS.items()}, "events": {"report": 7, "warning": 0}})
    assert settings is not None
    assert settings.channels_for(event) == channels


def test_a_level_that_is_not_listed_takes_the_next_lower_one_and_below_the_lowest_nobody_is_told() -> None:
    settings = Settings({2: ["pager"]}, DEFAULT_LEVELS)
    assert [settings.channels(level) for level in (0, 1, 2, 3, 9)] == [[], [], ["pager"], ["pager"], ["pager"]]
    assert settings.all_channels() == ["pager"]


# URLs of channels


def test_urls_come_from_the_variable_then_from_the_environment() -> None:
    assert environment_name("ops-alerts") == "ROLLOUT_NOTIFY_OPS_ALERTS"
    found = urls_of(
        ["ops-alerts", "pager", "incident", "unset", "bad"],
        {"ops-alerts": "json://h/1", "incident": ["json://h/2", "json://h/3", "json://h/2"], "bad": "not a url"},
        {"ROLLOUT_NOTIFY_OPS_ALERTS": "json://other", "ROLLOUT_NOTIFY_PAGER": "json://h/4 mailto://u:p@h"},
    )
    assert found == {
        "ops-alerts": ["json://h/1"],
        "incident": ["json://h/2", "json://h/3"],
        "pager": ["json://h/4", "mailto://u:p@h"],
    }


@given(st.one_of(st.none(), st.text(), st.integers(), st.lists(st.text()), st.dictionaries(st.text(), st.text())))
def test_odd_variables_give_no_url_and_no_error(variable: Any) -> None:
    assert all("://" in url for urls in urls_of(["ops"], variable, {}).values() for url in urls)
