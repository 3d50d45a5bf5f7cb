# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the agents' log lines are read, as plans and inventories say it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from ansible_collections.cowboyai.rollout.plugins.module_utils import _log_reading
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._fields import (
    Line,
    Percent,
    Section,
    TriggerName,
    log_pattern,
    refuse,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._findings import Checks, Finding, Findings
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._pydantic import (
    BeforeValidator,
    Field,
    WithJsonSchema,
    field_validator,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import Path_
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._steady_pattern import pattern_fault

# Lines that say nothing but how bad they are.
_NOTHING_SAID = (
    "ERROR", "ERROR: ", "[ERROR] ", "2026-01-23T17:00:00.123456Z ERROR agent: ", "2026-01-23 17:00:00,123 - agent - ERROR - ", "error: ",
    '{"level":"error","message":""}', '{"level":50,"msg":""}', 'level=error msg=""', "E0123 17:00:00.123456 12345 a.go:1] ", "<3>",
)  # fmt: skip


def _steady(value: Any) -> str:
    pattern = log_pattern(value)
    fault = pattern_fault(pattern)
    if fault:
        raise refuse("a regular expression that no log line can make slow", fault)
    return pattern


def _line_pattern(value: Any) -> str:
    pattern = _steady(value)
    if "level" not in re.compile(pattern).groupindex:
        raise refuse("a regular expression with the group (?P<level>...)", "without it no line has a level")
    return pattern


def _harmless_pattern(value: Any) -> str:
    pattern = _steady(value)
    found = next((line for line in _NOTHING_SAID if re.search(pattern, line)), None)
    if found is not None:
        raise refuse(
            "a regular expression of what the line says",
            f"it is found in any line such as {found!r}, so it would hide all errors",
        )
    return pattern


_REGEX = WithJsonSchema({"type": "string", "minLength": 1, "format": "regex"})
LinePattern = Annotated[str, BeforeValidator(_line_pattern), _REGEX]
HarmlessPattern = Annotated[str, BeforeValidator(_harmless_pattern), _REGEX]
Level = Literal["trace", "debug", "info", "warning", "error"]
ShapeName = Literal[
    "auto", "tracing", "json", "pino", "ecs", "logfmt", "klog", "python", "zerolog", "serilog", "log4j", "go", "ruby", "nginx", "apache",
    "postgresql", "elixir", "monolog", "syslog", "winston", "plain",
]  # fmt: skip


class LogKeys(Section):
    """What the keys of lines in the shapes json and logfmt are called."""

    level: list[Line] = Field(default_factory=list, description="Keys that hold the level; the worst counts.")
    message: list[Line] = Field(
        default_factory=list, description="Keys that hold the message; the first that is there counts."
    )
    target: list[Line] = Field(default_factory=list, description="Keys that hold the name of the logger.")


class Harmless(Section):
    """Lines that are known to mean nothing, whatever their level: counted and told, neither errors nor unread."""

    name: TriggerName = Field(description="The name that they are counted by.")
    line: HarmlessPattern = Field(description="Regular expression of what such a line says.")
    why: Line = Field(description="Why they are harmless, for whoever reads the report.")
    at_most: int = Field(
        default=_log_reading.AT_MOST,
        ge=1,
        le=1000,
        description="Lines a minute of one instance; further ones count as what they are.",
    )


class LogShape(Section):
    """How log lines are read."""

    shape: ShapeName = Field(
        default="auto",
        description="Shape of the lines (docs/log-lines.md); auto tries all, plain takes the journal's PRIORITY.",
    )
    keys: LogKeys | None = Field(default=None, description="Names of the keys, with the shapes json and logfmt.")
    pattern: LinePattern | None = Field(
        default=None,
        description="Regular expression that matches from the beginning of a line, instead of a shape: with the group level, and message and target.",
    )
    levels: dict[Line, Level] = Field(
        default_factory=dict, description="What words and numbers of the agents' own mean, such as `FEHLER: error`."
    )

    @property
    def says_how(self) -> bool:
        """Whether anything but the defaults is asked for."""
        return self.shape != "auto" or bool(self.keys or self.pattern or self.levels)

    def reading(self) -> dict[str, Any]:
        """As modules take it; empty where all shapes are tried."""
        given = {
            "shape": self.shape if self.shape != "auto" else "",
            "pattern": self.pattern,
            "levels": dict(self.levels),
        }
        keys = self.keys.model_dump() if self.keys else {}
        return {name: value for name, value in {**given, "keys": keys}.items() if value}


class LogLines(LogShape):
    """How the agents' log lines are read. What it says of their shape wins over the inventory's `rollout_agent_log_lines`."""

    harmless: list[Harmless] = Field(default_factory=list, description="Lines that are known to be harmless.")
    readable: Percent = Field(
        default=100.0,
        description="Share of each instance's lines that must be read, at preflight and by every gate; below it the errors are unknown.",
    )

    @field_validator("readable")
    @classmethod
    def _most_of_them(cls, value: float) -> float:
        """Below a half nothing that is counted says anything of an agent."""
        if value < 50.0:
            raise refuse("a share between a half and all of them", "with less nobody knows what an agent logs")
        return value


CHECKS = Checks()


@CHECKS.add
def _log_lines(log_lines: LogLines | None) -> Findings:
    if log_lines is None:
        return
    yield from faults(log_lines, ("log_lines",))
    names: set[str] = set()
    for position, each in enumerate(log_lines.harmless):
        if each.name in names:
            yield Finding(("log_lines", "harmless", position, "name"), "a name that no other harmless line has")
        names.add(each.name)


def faults(shape: LogShape, path: Path_) -> Iterator[Finding]:
    """What can't be meant together; `path` leads to the section."""
    if shape.pattern and shape.shape != "auto":
        yield Finding((*path, "pattern"), "a shape or a pattern", f"the shape is {shape.shape}; remove one of them")
    if shape.keys and shape.shape not in _log_reading.WITH_KEYS:
        yield Finding(
            (*path, "keys"),
            f"keys beside the shape {' or '.join(_log_reading.WITH_KEYS)}",
            f"the shape is {shape.shape}; other lines have no keys",
            "keys",
        )
    if shape.levels and not shape.pattern and shape.shape not in _log_reading.WITH_KEYS:
        yield Finding(
            (*path, "levels"),
            f"levels beside a pattern, or the shape {' or '.join(_log_reading.WITH_KEYS)}",
            f"the shape {shape.shape} has words of its own",
            "levels",
        )
