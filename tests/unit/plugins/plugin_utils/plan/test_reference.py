# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What editors and readers are told is what the model does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _metrics
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import load_plan, plan_json_schema
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._reference import filled, main, schema_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import parse_source
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

AGAIN = "write it again, see the end of docs/plan.md"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = plan_json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_schema_in_the_documentation_is_that_of_the_model(root: Path) -> None:
    assert (root / "docs/plan.schema.json").read_text(encoding="utf-8") == schema_text(), AGAIN


def test_the_tables_in_the_documentation_are_those_of_the_model(root: Path) -> None:
    page = (root / "docs/plan.md").read_text(encoding="utf-8")
    assert filled(page) == page, AGAIN
    assert all(f"`{name}`" in page for name in METRICS)


def test_every_section_of_the_model_has_a_table(root: Path) -> None:
    page = (root / "docs/plan.md").read_text(encoding="utf-8")
    tables = [part.split("\n")[0] for part in page.split("\n### ")]
    properties = plan_json_schema()["properties"]
    sections = {name for name, value in properties.items() if described_by_keys(value)}
    assert {name for name in sections if f"`{name}`" not in tables and f"`{name}[]`" not in tables} == {"alerts"}


def described_by_keys(value: dict[str, Any]) -> bool:
    """Whether a key's value is a section, or a list of them."""
    return "properties" in value or "$ref" in value or "$ref" in value.get("items", {})


def test_writing_the_documentation_changes_nothing_that_is_right(root: Path, tmp_path: Path) -> None:
    page = (root / "docs/plan.md").read_text(encoding="utf-8")
    (tmp_path / "plan.md").write_text(page.replace("`latency_p50`", "gone"), encoding="utf-8")
    main(str(tmp_path))
    assert (tmp_path / "plan.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("name", ["wave1", "wave2", "wave3"])
def test_shipped_plans_satisfy_the_schema(root: Path, validator: Draft202012Validator, name: str) -> None:
    path = root / f"playbooks/plans/{name}.yml"
    data = parse_source(path.read_text(encoding="utf-8"), str(path)).data
    assert [error.message for error in validator.iter_errors(data)] == []
    assert [error.message for error in validator.iter_errors(load_plan(str(path)).to_dict())] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"true"', "true"),
        ("soak: 2h", "soak: 2"),
        ("soak: 2h", "soak: 2 h"),
        ("soak: 2h", "sook: 2h"),
        ("rollout: wave2", "rollout: Wave 2"),
        ("hosts: dgx", ""),
        ("serial: 1", "serial: 0"),
        ("error_rate, below: 0.1%", "error_rat, below: 0.1%"),
        ("error_rate, below: 0.1%", "error_rate, below: 100ms"),
        ("error_rate, below: 0.1%", "error_rate, below: 1%, above: 2%"),
        ("error_rate, below: 0.1%", "error_rate"),
        ("below: 20%, against: previous", "below: 20ms, against: previous"),
        ("equals: 0}", "equals: 0.5}"),
        ("severity: critical", "severity: fatal"),
        ("decision: go", "decision: hold"),
        ("6h after deployed", "6 after deployed"),
        ("{times: 3", "{times: -1"),
        ("name: message_loss, ", ""),
        ("agent.to.{agent}.from", "agent.*.{agent}.from"),
    ],
)
def test_an_editor_sees_mistakes_too(validator: Draft202012Validator, wave2_text: str, old: str, new: str) -> None:
    assert old in wave2_text
    data: Any = parse_source(wave2_text.replace(old, new, 1), "plan.yml").data
    assert not validator.is_valid(data)


def described(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    """A key says what it is by itself, or by the section that it refers to."""
    name = value.get("$ref", "").rpartition("/")[2]
    return "description" in value or "description" in schema["$defs"].get(name, {})


def test_every_key_of_the_schema_is_described_and_no_section_is_open() -> None:
    schema = plan_json_schema()
    sections = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]
    assert len(sections) > 15
    for section in sections:
        assert section["additionalProperties"] is False
        assert [key for key, value in section["properties"].items() if not described(schema, value)] == []


def test_null_is_never_offered() -> None:
    assert '"null"' not in json.dumps(plan_json_schema())


def test_every_metric_that_a_plan_can_name_can_be_read() -> None:
    assert _metrics.names() == sorted(METRICS)


def test_metrics_are_complete_and_consistent() -> None:
    for name, metric in METRICS.items():
        assert name == metric.name
        assert metric.meaning.endswith(".") and metric.source
        assert metric.min_samples >= 1
        assert not metric.comparison or len(metric.against) == 1
        assert not metric.share or metric.unit == "percent"
        assert metric.unit != "percent" or metric.share or metric.comparison
