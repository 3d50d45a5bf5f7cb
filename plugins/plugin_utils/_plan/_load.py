# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads plans, and refuses what can't be meant, all of it at once."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import Catalogue
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import (
    _calendar,
    _check_names,
    _check_times,
    _log_lines,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._check_answerable import check_answers
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._check_inventory import (
    check_catalogue,
    check_hosts,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._check_metrics import check_measurable
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._faults import problem_at, problems_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._findings import Finding
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._model import Plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._pydantic import (
    MISSING,
    TypeAdapter,
    ValidationError,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import Path_, Source, read_source
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import Problem, ProblemsError


class PlanError(ProblemsError):
    """A plan that can't be used; `problems` lists every mistake found, `str()` gives a line for each."""


def load_plan(path: str, catalogue: Catalogue | None = None, hosts: list[str] | None = None) -> Plan:
    """Read and validate a plan file.

    With a catalogue the plan's agents and placeholders must be known to it; with hosts (inventory names that
    `plan.hosts` matched) there must be some. Raises PlanError with every problem, an unreadable file included.
    """
    require_pydantic(path)
    return _validated(read_source(path), catalogue, hosts, answers=True)


def plan_from_dict(
    data: Mapping[str, Any], path: str = "<plan>", catalogue: Catalogue | None = None, hosts: list[str] | None = None
) -> Plan:
    """The same for data that was read already, such as `Plan.to_dict()` out of a record; problems have no lines.

    A record's rules were judged as they are: whether a look can answer them is asked of files only.
    """
    require_pydantic(path)
    return _validated(Source(path, copy.deepcopy(data)), catalogue, hosts)


def log_shape_from(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """How an inventory has log lines read, as modules take it, and a line for each mistake in it, such as `.shape: seen ...`."""
    require_pydantic("")
    source = Source("", dict(data))
    try:
        shape = _log_lines.LogShape.model_validate(data)
    except ValidationError as error:
        problems = problems_of(source, error.errors(include_url=False), _log_lines.LogShape)
    else:
        problems = [_problem_of(source, finding) for finding in _log_lines.faults(shape, ())]
    if problems:
        return {}, [
            f".{each.key}: seen {each.seen}, expected {each.expected}; {each.hint}".rstrip("; ")
            for each in _once(problems)
        ]
    return shape.reading(), []


def require_pydantic(path: str) -> None:
    """Raise a PlanError that says what to install when pydantic is missing."""
    if MISSING is not None:
        hint = "install the controller's requirements: pip install -r requirements.txt"
        raise PlanError(
            [
                Problem(
                    path, "", None, f"no pydantic on this controller ({MISSING})", "pydantic 2, which reads plans", hint
                )
            ]
        )


def _validated(
    source: Source, catalogue: Catalogue | None, hosts: list[str] | None, answers: bool = False
) -> Plan:  # fmt: skip
    problems = list(source.problems)
    if not problems and not isinstance(source.data, dict):
        problems.append(
            problem_at(source, (), "a mapping that starts with rollout: <id>", "a plan is made of keys and values")
        )
    if not isinstance(source.data, dict):
        raise PlanError(problems)

    empty = list(_empty_values(source.data))
    problems.extend(problem_at(source, path, "a value", "write it, or remove the key", "nothing") for path in empty)
    plan, errors = _model_of(source.data)
    problems.extend(problems_of(source, errors, Plan))

    sections = _sections_of(source.data, plan, {str(error["loc"][0]) for error in errors if error["loc"]})
    checks = (_check_times.CHECKS, _check_names.CHECKS, _calendar.CHECKS, _log_lines.CHECKS)
    findings = [finding for each in checks for finding in each.run(sections)] + check_measurable(sections)
    findings += check_answers(sections) if answers else []
    findings += check_catalogue(sections, catalogue) if catalogue is not None else []
    findings += check_hosts(sections, hosts) if hosts is not None else []
    problems.extend(_problem_of(source, finding) for finding in findings)
    if problems or plan is None:
        raise PlanError(_once(problems))
    plan._path = source.file
    plan._raw = source.data
    return plan


def _model_of(data: dict[str, Any]) -> tuple[Plan | None, list[Any]]:
    try:
        return Plan.model_validate(data), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _sections_of(data: dict[str, Any], plan: Plan | None, bad: set[str]) -> dict[str, Any]:
    """The sections that are valid by themselves, defaults included, so that checks between them can run."""
    if plan is not None:
        return {name: getattr(plan, name) for name in Plan.model_fields}
    sections: dict[str, Any] = {}
    for name, field in Plan.model_fields.items():
        if name in bad:
            continue
        if name not in data:
            sections[name] = field.get_default(call_default_factory=True)
            continue
        annotation: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        sections[name] = TypeAdapter(annotation).validate_python(data[name], strict=True)
    return sections


def _problem_of(source: Source, finding: Finding) -> Problem:
    return problem_at(source, finding.path, finding.expected, finding.hint, finding.seen)


def _empty_values(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Keys and list items that have no value. A payload may hold nulls, it is the agents' business."""
    if path[:2] == ("probe", "payload"):
        return
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _empty_values(item, (*path, key if isinstance(key, int) else str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _empty_values(item, (*path, index))


def _once(problems: list[Problem]) -> list[Problem]:
    """One problem per key: the first says enough, later ones follow from it."""
    by_key: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        by_key.setdefault((problem.key, problem.seen if not problem.key else ""), problem)
    # What an alias (*name) repeats is wrong in one place only.
    by_place: dict[tuple[int | None, str, str, str, str], Problem] = {}
    for problem in by_key.values():
        place = problem.key if problem.line is None else problem.key.rpartition(".")[2]
        by_place.setdefault((problem.line, place, problem.seen, problem.expected, problem.hint), problem)
    return list(by_place.values())
