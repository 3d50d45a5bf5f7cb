# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of values a plan is made of. Each reads what a person writes and says what it expected otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Annotated, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import is_agent_name
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._patterns import pattern_fault
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    PydanticCustomError,
    WithJsonSchema,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._steady_pattern import endless_fault
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import (
    NOTATIONS,
    UnitError,
    format_duration,
    format_percent,
    format_size,
    parse_duration,
    parse_percent,
    parse_size,
)

REFUSED = "plan_value"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_ROLLOUT = r"^[a-z0-9][a-z0-9_-]*$"
_AGENT = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_WORD = r"^[a-z][a-z0-9_]*$"
_ENV_KEY = r"^[A-Za-z_][A-Za-z0-9_]*$"
_PERCENT_OF_HOSTS = r"^(?:[1-9][0-9]?|100)%$"


class Section(BaseModel):
    """A mapping of a plan: unknown keys are refused, values are not converted silently, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def refuse(expected: str, hint: str = "", key: str | int = "", seen: str = "") -> Exception:
    """The error of a value that can't be used. `key` names a key below the value, `seen` replaces the value itself."""
    return PydanticCustomError(REFUSED, "{expected}", {"expected": expected, "hint": hint, "key": key, "seen": seen})


def _read(parse: Callable[[Any], Any], lowest: float | None = None, lowest_text: str = "") -> Any:
    def read(value: Any) -> Any:
        try:
            parsed = parse(value)
        except UnitError as error:
            raise refuse(error.expected, error.hint) from error
        if lowest is not None and parsed < lowest:
            raise refuse(f"at least {lowest_text}")
        return parsed

    return BeforeValidator(read)


_DURATION_JSON = WithJsonSchema(NOTATIONS["duration"].json)
Duration = Annotated[float, _read(parse_duration, 0.001, "1ms"), PlainSerializer(format_duration), _DURATION_JSON]
DurationOrZero = Annotated[float, _read(parse_duration), PlainSerializer(format_duration), _DURATION_JSON]
Percent = Annotated[
    float, _read(parse_percent), PlainSerializer(format_percent), WithJsonSchema(NOTATIONS["percent"].json)
]
Size = Annotated[int, _read(parse_size), PlainSerializer(format_size), WithJsonSchema(NOTATIONS["size"].json)]


def quoting_hint(value: object) -> str:
    """How to write a value that YAML took for something else than text."""
    if isinstance(value, bool):
        return f'quote it: "{str(value).lower()}"'
    if isinstance(value, (int, float)):
        return f'quote it: "{value}"'
    return ""


def _text(value: Any, expected: str) -> str:
    if not isinstance(value, str):
        raise refuse(expected, quoting_hint(value))
    return value


def _matching(pattern: str, expected: str, hint: str = "") -> Any:
    compiled = re.compile(pattern[:-1] + r"\Z")

    def read(value: Any) -> str:
        if not compiled.match(_text(value, expected)):
            raise refuse(expected, hint)
        return str(value)

    return Annotated[str, BeforeValidator(read), WithJsonSchema({"type": "string", "pattern": pattern})]


def _agent(value: Any) -> str:
    expected = "the name of an agent: letters, digits, '.', '_' and '-', no '..'"
    if not is_agent_name(_text(value, expected)):
        raise refuse(expected, "it becomes part of a unit, a file and a subject")
    return str(value)


def _line(value: Any) -> str:
    expected = "text on one line, not empty"
    if not _text(value, expected).strip() or _CONTROL.search(value):
        raise refuse(
            expected, "remove line breaks and control characters" if value.strip() else "write it, or remove the key"
        )
    return str(value)


def _host_pattern(value: Any) -> str:
    if "{" in _line(value) or value != value.strip():
        raise refuse(
            "a group or host pattern of the inventory, such as agents", "it is not a template; use -l to narrow a run"
        )
    return str(value)


def _env_value(value: Any) -> str:
    expected = "text"
    if isinstance(value, (bool, int, float)):
        expected = "text in quotes"
    if _CONTROL.search(_text(value, expected)):
        raise refuse("text on one line", "an environment file can't hold line breaks, NUL or other control characters")
    return str(value)


def _subject_pattern(value: Any) -> str:
    fault = pattern_fault(_text(value, "a NATS subject pattern"))
    if fault:
        raise refuse(expected="a NATS subject pattern such as agent.to.{agent}.>", hint=fault)
    return str(value)


def _subject(value: Any) -> str:
    fault = pattern_fault(_text(value, "a NATS subject"), wildcards=False)
    if fault:
        raise refuse("a NATS subject without wildcards", fault)
    return str(value)


def _directory(value: Any) -> str:
    expected = "an absolute directory, without '..'"
    if _CONTROL.search(_text(value, expected)) or not value.startswith("/") or ".." in value.split("/"):
        raise refuse(expected, "write the whole path, such as /opt/backups/spring_pre")
    parts = [part for part in value.split("/") if part not in ("", ".")]
    if len(parts) < 2:
        raise refuse("a directory of its own", "backups of a rollout don't belong into a top-level directory")
    return "/" + "/".join(parts)


def _serial(value: Any) -> int | str | list[int | str]:
    expected = 'a number of hosts (1 or more), a percentage such as "25%", or a list of these'
    if isinstance(value, list) and value:
        return [_batch(item, expected, position) for position, item in enumerate(value)]
    return _batch(value, expected)


def _batch(value: Any, expected: str, position: int | str = "") -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if isinstance(value, str) and re.match(_PERCENT_OF_HOSTS[:-1] + r"\Z", value):
        return value
    hint = "it says how many hosts change at once"
    if isinstance(value, str) and value.isdigit():
        hint = "remove the quotes"
    raise refuse(expected, hint, key=position)


def log_pattern(value: Any) -> str:
    """A regular expression that not every line matches."""
    expected = "a regular expression"
    try:
        compiled = re.compile(_text(value, expected))
    except (re.error, OverflowError, RecursionError) as error:
        raise refuse(expected, f"it does not compile: {error}") from error
    if compiled.search(""):
        raise refuse("a regular expression that some text does not match", "this one matches every line")
    endless = endless_fault(str(value))
    if endless:
        raise refuse("a regular expression that no log line can keep busy", endless)
    return str(value)


def _payload(value: Any) -> dict[str, Any] | str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise refuse("a mapping (sent as JSON) or text")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise refuse("a mapping that can be written as JSON", str(error)) from error
    return value


def _name_of_checkpoint(value: Any) -> str:
    expected = "the name of a checkpoint such as T+6h"
    if not _text(value, expected).startswith("T+"):
        raise refuse(expected, "T+ and the time after the last phase")
    try:
        return "T+" + format_duration(parse_duration(value[2:]))
    except UnitError as error:
        raise refuse(expected, error.hint) from error


_BATCH_JSON: dict[str, Any] = {
    "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": _PERCENT_OF_HOSTS}]
}

RolloutId = _matching(
    _ROLLOUT, "an id of lower case letters, digits, '_' and '-'", "it names directories and the ledger"
)
PhaseName = Annotated[str, BeforeValidator(_agent), WithJsonSchema({"type": "string", "pattern": _AGENT})]
AgentName = Annotated[str, BeforeValidator(_agent), WithJsonSchema({"type": "string", "pattern": _AGENT})]
TriggerName = _matching(_WORD, "a name of lower case letters, digits and '_'", "such as message_loss")
EnvKey = _matching(
    _ENV_KEY, "the name of an environment variable", "letters, digits and '_', not starting with a digit"
)
EnvValue = Annotated[str, BeforeValidator(_env_value), WithJsonSchema({"type": "string"})]
Line = Annotated[str, BeforeValidator(_line), WithJsonSchema({"type": "string", "minLength": 1})]
HostPattern = Annotated[str, BeforeValidator(_host_pattern), WithJsonSchema({"type": "string", "minLength": 1})]
SubjectPattern = Annotated[str, BeforeValidator(_subject_pattern), WithJsonSchema({"type": "string", "minLength": 1})]
Subject = Annotated[str, BeforeValidator(_subject), WithJsonSchema({"type": "string", "pattern": r"^[^\s*>]+$"})]
Directory = Annotated[str, BeforeValidator(_directory), WithJsonSchema({"type": "string", "pattern": "^/"})]
Serial = Annotated[
    Any,
    BeforeValidator(_serial),
    WithJsonSchema({"anyOf": [*_BATCH_JSON["anyOf"], {"type": "array", "items": _BATCH_JSON, "minItems": 1}]}),
]
LogPattern = Annotated[
    str, BeforeValidator(log_pattern), WithJsonSchema({"type": "string", "minLength": 1, "format": "regex"})
]
Payload = Annotated[Any, BeforeValidator(_payload), WithJsonSchema({"type": ["object", "string"]})]
CheckpointName = Annotated[
    str, BeforeValidator(_name_of_checkpoint), WithJsonSchema({"type": "string", "pattern": r"^T\+"})
]
