# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what validation found into problems a person can mend: the key, what stands there, what was expected."""

from __future__ import annotations

import difflib
import json
import re
import types
import typing
from collections.abc import Iterable
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._fields import REFUSED, Section, quoting_hint
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import Path_, Source, dotted
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import Problem

_SECRET = re.compile(r"key|token|secret|passw|credential|seed|auth|private", re.IGNORECASE)

_KINDS = {
    "model_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "list_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}


def problem_at(source: Source, path: Path_, expected: str, hint: str = "", seen: str | None = None) -> Problem:
    """A problem of the value at a path; `seen` None means what is written there."""
    return Problem(
        source.file, dotted(path), source.line(path), shown_at(source, path) if seen is None else seen, expected, hint
    )


def shown_at(source: Source, path: Path_) -> str:
    """The value at a path as it was written, short, and never a secret."""
    if path[:2] == ("change", "env") and len(path) > 2 and _SECRET.search(str(path[2])):
        return "(a value not shown)"
    if path in source.texts:
        return _short(source.texts[path]) if source.texts[path] else "nothing"
    value: Any = source.data
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return "nothing"
    return shown(value)


def shown(value: Any) -> str:
    """A value for people, on one short line."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return _short(value) if value else "empty text"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    try:
        return _short(json.dumps(value))
    except (TypeError, ValueError):
        return f"a value of type {type(value).__name__}"


def _short(text: str) -> str:
    line = text if text.isprintable() else ascii(text)
    return line if len(line) <= 80 else line[:77] + "..."


def problems_of(source: Source, errors: Iterable[Any], root: type[Section]) -> list[Problem]:
    """Problems for the errors of one validation (`ValidationError.errors()`) of a section class."""
    return [_problem_of(source, error, root) for error in errors]


def _problem_of(source: Source, error: Any, root: type[Section]) -> Problem:
    kind: str = error["type"]
    # A mapping key that is refused is reported below a part of its own; the key itself is what matters. One that nobody
    # knows may be called so.
    path: Path_ = tuple(part for part in error["loc"] if part != "[key]" or kind == "extra_forbidden")
    context: dict[str, Any] = error.get("ctx") or {}
    if kind == REFUSED:
        return _refused(source, path, error["loc"], context)
    if kind in ("extra_forbidden", "invalid_key"):
        return _unknown_key(source, path, root)
    if kind == "missing":
        return problem_at(source, path, _purpose(path, root), "add the key", "no such key")
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        expected = known[0] if len(known) == 1 else "one of " + ", ".join(known)
        return problem_at(source, path, expected, _did_you_mean(error["input"], known), _key_seen(error["loc"]))
    if kind == "too_short":
        return problem_at(source, path, "at least one entry", "")
    if kind in ("greater_than_equal", "less_than_equal"):
        word, bound = ("at least", context["ge"]) if "ge" in context else ("at most", context["le"])
        unit = "s" if isinstance(bound, float) else ""
        return problem_at(source, path, f"{word} {bound:g}{unit}")
    if kind in _KINDS:
        hint = quoting_hint(error["input"]) if kind == "string_type" else ""
        return problem_at(source, path, _KINDS[kind], hint)
    return problem_at(source, path, str(error["msg"])[:1].lower() + str(error["msg"])[1:])


def _refused(source: Source, path: Path_, location: tuple[Any, ...], context: dict[str, Any]) -> Problem:
    if context.get("key", "") != "":
        path = (*path, context["key"])
    seen = context.get("seen") or _key_seen(location)
    hint = context.get("hint", "")
    if path and path[-1] == "metric" and not hint:
        hint = _did_you_mean(source.texts.get(path, ""), METRICS)
    return problem_at(source, path, context["expected"], hint, seen)


def _key_seen(location: tuple[Any, ...]) -> str | None:
    return shown(location[-2]) if location and location[-1] == "[key]" else None


def _unknown_key(source: Source, path: Path_, root: type[Section]) -> Problem:
    section = _section_at(path[:-1], root)
    known = list(section.model_fields) if section is not None else []
    hint = _did_you_mean(path[-1], known) or "remove it"
    return problem_at(source, path, "one of the keys " + ", ".join(known), hint, "an unknown key")


def _did_you_mean(value: Any, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(value), list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""


def _purpose(path: Path_, root: type[Section]) -> str:
    section = _section_at(path[:-1], root)
    field = section.model_fields.get(str(path[-1])) if section is not None else None
    text = (field.description or "") if field is not None else ""
    return f"{path[-1]} ({text.rstrip('.')})" if text else str(path[-1])


def _section_at(path: Path_, root: type[Section]) -> type[Section] | None:
    """The class of the section at a path, None where there is no section."""
    current: Any = root
    for part in path:
        if isinstance(current, type) and issubclass(current, Section):
            field = current.model_fields.get(str(part))
            current = field.annotation if field is not None else None
        else:
            current = (typing.get_args(current) or (None,))[-1]
        current = _bare(current)
    return current if isinstance(current, type) and issubclass(current, Section) else None


def _bare(annotation: Any) -> Any:
    """An annotation without Annotated and without `| None`."""
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif origin in (typing.Union, types.UnionType):
            rest = [item for item in typing.get_args(annotation) if item is not type(None)]
            annotation = rest[0]
        else:
            return annotation
