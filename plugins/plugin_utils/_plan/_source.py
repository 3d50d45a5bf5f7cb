# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the YAML of a plan and remembers where everything stood.

Two things differ from a plain YAML load, because plans are edited by people under pressure: a key written twice is
refused (the loader would silently take the last), and keys are always text (YAML 1.1 reads the key `on` as true).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import Problem

Path_ = tuple[str | int, ...]

MAX_BYTES = 1 << 20
MAX_VALUES = 20000
MAX_DEPTH = 50

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}\Z")
_UNPRINTABLE = re.compile(r"[\ud800-\udfff]")
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Source:
    """The data of a plan file, with the line and the text of each value by path, such as `("phases", 0, "soak")`."""

    file: str
    data: Any = None
    lines: dict[Path_, int] = field(default_factory=dict)
    texts: dict[Path_, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path_) -> int | None:
        """The line of a value, or of the nearest thing around it that has one."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def dotted(path: Path_) -> str:
    """`("phases", 0, "soak")` as `phases[0].soak`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_source(path: str) -> Source:
    """Read and parse a file. Nothing is raised: what went wrong is in `problems`, and then `data` may be partial."""
    source = Source(path)

    def refuse(seen: str, expected: str, hint: str, line: int | None = None) -> Source:
        source.problems.append(Problem(path, "", line, seen, expected, hint))
        return source

    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return refuse(
            getattr(error, "strerror", None) or str(error), "a readable plan file", "check the path of the plan"
        )
    if len(content) > MAX_BYTES:
        return refuse("more than 1 MiB", "a plan", "this is too large to be a plan; check the path")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return refuse(f"a byte that is not UTF-8 at offset {error.start}", "a file in UTF-8", "save it as UTF-8")
    return parse_source(text, path)


def parse_source(text: str, file: str) -> Source:
    """The same for a text; `file` is what problems are reported under."""
    source = Source(file)
    try:
        _refuse_depth(text)
        loader = _BASE(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except _TooLarge as error:
        source.problems.append(Problem(file, "", None, str(error), "a plan", "a plan is at most a few levels deep"))
        return source
    except yaml.YAMLError as error:
        source.problems.append(_not_yaml(error, file))
        return source
    except ValueError as error:
        # e.g. an escape beyond the last Unicode character
        source.problems.append(Problem(file, "", None, str(error), "YAML", "correct the escape sequence"))
        return source
    if node is None:
        source.problems.append(Problem(file, "", None, "an empty file", "a plan", "start with `rollout: <id>`"))
        return source
    try:
        source.data = _Builder(source).build(node, (), ())
    except _TooLarge as error:
        source.problems.append(
            Problem(file, "", node.start_mark.line + 1, str(error), "a plan", "do not nest aliases (*name)")
        )
    return source


def _not_yaml(error: yaml.YAMLError, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    found = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
    what = f"text that does not parse ({found})"
    hint = "check indentation, quotes and colons near this line"
    if "multiple" in str(error) or "single document" in str(error):
        what, hint = "a second document (---)", "keep one plan per file"
    elif "found character '%'" in str(error) or "found character '\\t'" in str(error):
        hint = "indent with spaces; a value that starts with % or @ needs quotes"
    return Problem(file, "", mark.line + 1 if mark is not None else None, str(what), "valid YAML", hint)


class _TooLarge(Exception):
    """More than a plan can need; said in the words of a problem."""


def _refuse_depth(text: str) -> None:
    """Look at the depth first: the composer recurses per level, and its C form would crash the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_BASE):
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _TooLarge(f"more than {MAX_DEPTH} levels")


class _Builder:
    """Turns YAML nodes into dicts, lists and scalars."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.count = 0

    def refuse(self, node: yaml.Node, path: Path_, seen: str, expected: str, hint: str) -> None:
        line = node.start_mark.line + 1
        self.source.problems.append(Problem(self.source.file, dotted(path), line, seen, expected, hint))

    def build(self, node: yaml.Node, path: Path_, around: tuple[int, ...]) -> Any:
        self.count += 1
        if self.count > MAX_VALUES or len(around) > MAX_DEPTH:
            raise _TooLarge(f"more than {MAX_VALUES} values or {MAX_DEPTH} levels")
        self.source.lines.setdefault(path, node.start_mark.line + 1)
        kind = node.tag[len(_TAG) :] if node.tag.startswith(_TAG) else None
        if kind not in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value"):
            self.refuse(
                node,
                path,
                f"the tag {node.tag}",
                "a plain value",
                "remove the tag; a plan holds no secrets and no code",
            )
            return ""
        if id(node) in around:
            self.refuse(node, path, "an alias to something around it", "a value", "write the value instead of *alias")
            return ""
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, (*around, id(node)))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index), (*around, id(node))) for index, item in enumerate(node.value)]
        return self.scalar(node, kind, path) if isinstance(node, yaml.ScalarNode) else None

    def mapping(self, node: yaml.MappingNode, path: Path_, around: tuple[int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                self.refuse(
                    key_node,
                    path,
                    "a list or mapping as a key",
                    "a word as a key",
                    "check the brackets and colons; a plan is no template, {{ }} is not filled in",
                )
                continue
            if key_node.tag == f"{_TAG}merge":
                self.refuse(
                    key_node,
                    (*path, key),
                    "a merge (<<)",
                    "the keys themselves",
                    "write them out; aliases of values (*name) do work",
                )
                continue
            if key in result:
                self.refuse(
                    key_node,
                    (*path, key),
                    f"the key again (first in line {first[key]})",
                    "each key once",
                    "remove one of them",
                )
                continue
            first[key] = key_node.start_mark.line + 1
            self.source.lines[(*path, key)] = first[key]
            result[key] = self.build(value_node, (*path, key), around)
        return result

    def scalar(self, node: yaml.ScalarNode, kind: str | None, path: Path_) -> Any:
        text: str = node.value
        self.source.texts[path] = text
        if _UNPRINTABLE.search(text):
            self.refuse(node, path, ascii(text), "text", "remove the surrogate escape (\\ud800 to \\udfff)")
            return ""
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("true", "yes", "on")
        # Other spellings of YAML 1.1 numbers (1:30, 0x10, 1_000, .inf) are left as text: nobody means them in a plan.
        if kind == "int" and _INT.match(text):
            return int(text)
        if kind == "float" and _FLOAT.match(text):
            return float(text)
        return text
