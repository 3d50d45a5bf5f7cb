# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""House rule: a variable that people set is read through the door that knows its type, in plugins, roles and playbooks alike."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import jinja2.nodes
import yaml

TABLE = Path("plugins/plugin_utils/_variables.py")
#: The door itself, and what asks whether a variable is there at all.
DOOR = {"_variables.py", "_play_variables.py", "_extra_vars.py", "_own_words.py"}
LOOKUP = "cowboyai.rollout.given"
FOREIGN = ("awx_", "tower_")
#: Values of these keys are expressions without braces.
EXPRESSIONS = ("when", "until", "failed_when", "changed_when", "that")
#: Whose roles and variables these are not: what sets AWX up is no job of AWX.
APART = ("roles/awx_setup/", "playbooks/plans/", "playbooks/awx_setup.yml")
RECEIVERS = re.compile(r"(variables|play|task_vars|raw)\Z|hostvars")
ON_CONTROLLER = ("action", "callback", "lookup", "plugin_utils")
#: Types by which Ansible refuses, before any plugin of ours runs, what it has made of an answer.
JUDGING = ("bool", "int", "float", "list", "dict")
ENVIRONMENT = jinja2.Environment(autoescape=True)


def table(root: Path) -> set[str]:
    """The names that the door knows."""
    if not (root / TABLE).is_file():
        return set()
    for node in ast.walk(ast.parse((root / TABLE).read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.AnnAssign)
            and ast.unparse(node.target) == "VARIABLES"
            and isinstance(node.value, ast.Dict)
        ):
            return {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}
    return set()


def variables(root: Path) -> Iterator[str]:
    known = table(root)
    for path in sorted([*root.glob("roles/*/*/*.yml"), *root.glob("playbooks/**/*.yml")]):
        name = str(path.relative_to(root))
        if not name.startswith(APART) and path.parent.name != "meta":
            for line, seen in _of_yaml(path.read_text(encoding="utf-8"), known):
                yield f"{name}:{line}: {seen}"
    for path in sorted(root.glob("roles/*/meta/argument_specs.yml")) if known else []:
        name = str(path.relative_to(root))
        if not name.startswith(APART):
            yield from (f"{name}: {seen}" for seen in _of_spec(path.read_text(encoding="utf-8"), known))
    # What runs on hosts knows no variables.
    for path in sorted(path for folder in ON_CONTROLLER for path in root.glob(f"plugins/{folder}/**/*.py")):
        if path.name not in DOOR:
            for line, seen in _of_python(path.read_text(encoding="utf-8"), known):
                yield f"{path.relative_to(root)}:{line}: {seen}"


def _of_spec(text: str, known: set[str]) -> Iterator[str]:
    try:
        specs = (yaml.safe_load(text) or {}).get("argument_specs") or {}
    except yaml.YAMLError:
        return
    for entry in specs.values():
        for option, said in (entry.get("options") or {}).items():
            if option.startswith("rollout_") and option not in known:
                yield f"has the option {option}, which {TABLE} does not know"
            if option in known and said.get("type") in JUDGING:
                yield f"option {option} has type {said['type']}: Ansible judges by it what it has made of an answer; say raw, {TABLE} has the type"


def _is_ours(name: str, known: set[str]) -> bool:
    return name in known or name.startswith("rollout_")


def _of_yaml(text: str, known: set[str]) -> Iterator[tuple[int, str]]:
    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        # Said by the linters that are there for it.
        return
    for scalar, is_expression in _scalars(document, False):
        template = scalar.value
        if not is_expression and "{{" not in template and "{%" not in template:
            continue
        if is_expression and "{{" not in template:
            template = "{{ (" + template + ") }}"
        try:
            parsed = ENVIRONMENT.parse(template)
        except jinja2.TemplateSyntaxError:
            continue
        for name in sorted(_read(parsed)):
            if _is_ours(name, known):
                yield scalar.start_mark.line + 1, f"reads {name} past its type: say lookup('{LOOKUP}', '{name}')"
        for name in sorted(_looked_up(parsed, LOOKUP) - known):
            yield scalar.start_mark.line + 1, f"asks for {name!r}, which {TABLE} does not know"


def _scalars(node: Any, is_expression: bool) -> Iterator[tuple[yaml.ScalarNode, bool]]:
    if isinstance(node, yaml.ScalarNode):
        yield node, is_expression
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _scalars(each, is_expression)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, getattr(key, "value", "") in EXPRESSIONS)


def _read(parsed: jinja2.nodes.Template) -> set[str]:
    """Variables by name, as an attribute or an item of a host's variables, and by Ansible's own lookup."""
    found = {name.name for name in parsed.find_all(jinja2.nodes.Name) if name.ctx == "load"} | _looked_up(
        parsed, "vars", "ansible.builtin.vars"
    )
    for attribute in parsed.find_all(jinja2.nodes.Getattr):
        found |= {attribute.attr} if attribute.attr.startswith("rollout_") else set()
    for item in parsed.find_all(jinja2.nodes.Getitem):
        if isinstance(item.arg, jinja2.nodes.Const) and str(item.arg.value).startswith("rollout_"):
            found.add(str(item.arg.value))
    return found


def _looked_up(parsed: jinja2.nodes.Template, *lookups: str) -> set[str]:
    found: set[str] = set()
    for call in parsed.find_all(jinja2.nodes.Call):
        words = [word.value for word in call.args if isinstance(word, jinja2.nodes.Const)]
        if getattr(call.node, "name", "") in ("lookup", "query", "q") and words and words[0] in lookups:
            found.update(str(word) for word in words[1:])
    return found


def _of_python(text: str, known: set[str]) -> Iterator[tuple[int, str]]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        # Said by the rule of headers.
        return
    constants = {
        ast.unparse(each.targets[0]): str(each.value.value)
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
    }
    for node in ast.walk(tree):
        receiver, name = _reading(node)
        if receiver is not None and _is_ours(name, known) and RECEIVERS.search(ast.unparse(receiver)):
            yield node.lineno, f"reads {name} past its type: say value_of(variables, {name!r})"  # type: ignore[attr-defined]
        asked = _asked(node, constants)
        if asked and asked not in known and not asked.startswith(FOREIGN):
            yield node.lineno, f"asks for {asked!r}, which {TABLE} does not know"  # type: ignore[attr-defined]


def _reading(node: ast.AST) -> tuple[ast.expr | None, str]:
    """(of what, name) of `of.get("name")` and `of["name"]`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        word = node.args[0] if node.args else None
        return (node.func.value, str(word.value)) if isinstance(word, ast.Constant) else (None, "")
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.value, str(node.slice.value)
    return None, ""


def _asked(node: ast.AST, constants: dict[str, str]) -> str:
    """The name that the door is asked for, also where it is a constant of the file."""
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return ""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called not in ("value_of", "is_true", "hostvar"):
        return ""
    word = node.args[1]
    return str(word.value) if isinstance(word, ast.Constant) else constants.get(ast.unparse(word), "")
