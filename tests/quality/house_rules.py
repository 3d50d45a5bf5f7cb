# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of this repository that no general linter knows: `python -m tests.quality.house_rules`."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.quality.command import ROOT
from tests.quality.host_keys_rule import host_keys
from tests.quality.variables_rule import variables

#: Entries of the collection that a plain clone offers under ansible_collections.cowboyai.rollout.
LINKS = ("bindep.txt", "extensions", "galaxy.yml", "meta", "playbooks", "plugins", "requirements.txt", "roles")
LINKED_AT = Path("collections/ansible_collections/cowboyai/rollout")

#: A site's names belong into inventories, plans and tests: the verbs must fit any fleet.
SITE_NAMES = re.compile(
    r"\bdgx\b|\bdgx-\d|cim-dgx|\bwave[-_ ]?\d|\b[a-z]+-expert\b|\bcim-agent\b|\bcim\.agent\b|\bcimadmin\b"
    r"|\b10\.0\.20\.\d|ENABLE_UNIFIED_SUBJECTS",
    re.IGNORECASE,
)

HEADER = (
    "# Copyright (c) 2026 Cowboy AI, LLC",
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)

NOT_EXECUTED = re.compile(
    r"pytest\.(mark\.)?[s]kip|importor[s]kip|\b[x]fail\(|mark\.[x]fail|unittest\.[s]kip|^\s*assert True\s*$"
)


def files(root: Path, *tops: str) -> Iterator[Path]:
    """Regular text files below `tops`, in a stable order, without caches."""
    for top in tops:
        for folder, folders, names in os.walk(root / top):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink() and path.suffix not in {".pyc", ".pyo"}:
                    yield path


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def site_names(root: Path) -> Iterator[str]:
    for path in files(root, "extensions", "plugins", "roles"):
        for number, line in enumerate(_lines(path), 1):
            seen = SITE_NAMES.search(line)
            if seen:
                yield (
                    f"{path.relative_to(root)}:{number}: {seen[0]!r} is a name of one site; say it in general words"
                    " (it belongs into inventories/, playbooks/plans/ or tests/)"
                )


def roles(root: Path) -> Iterator[str]:
    for role in sorted(path for path in (root / "roles").glob("*") if path.is_dir()):
        for needed in ("README.md", "meta/argument_specs.yml", "tasks/main.yml"):
            if not (role / needed).is_file():
                yield f"roles/{role.name}: {needed} is missing"


def headers(root: Path) -> Iterator[str]:
    for path in files(root, "extensions", "plugins", "tests"):
        lines = _lines(path)
        is_python = path.suffix == ".py" or (lines[:1] and re.match(r"#!.*\bpython", lines[0]))
        if not is_python or not any(line.strip() for line in lines):
            continue
        try:
            body = ast.parse("\n".join(lines)).body
        except SyntaxError as error:
            yield f"{path.relative_to(root)}:{error.lineno}: is no Python: {error.msg}"
            continue
        code = [statement for statement in body if not _is_docstring(statement)]
        top = lines[1:4] if lines[0].startswith("#!") else lines[:3]
        if tuple(top) != HEADER:
            yield f"{path.relative_to(root)}:1: the three header lines (copyright, GPL-3.0-or-later, SPDX) are missing"
        if code and "from __future__ import annotations" not in lines:
            yield f"{path.relative_to(root)}:1: 'from __future__ import annotations' is missing"


def tests_run(root: Path) -> Iterator[str]:
    for path in files(root, "tests"):
        if path.suffix == ".py":
            for number, line in enumerate(_lines(path), 1):
                seen = NOT_EXECUTED.search(line)
                if seen:
                    yield f"{path.relative_to(root)}:{number}: {seen[0].strip()!r}: a test runs or it isn't there"


def links(root: Path) -> Iterator[str]:
    found = {path.name for path in (root / LINKED_AT).glob("*")}
    for name in sorted(found.symmetric_difference(LINKS)):
        yield f"{LINKED_AT}/{name}: {'is missing' if name in LINKS else 'does not belong here'}"
    for name in sorted(found.intersection(LINKS)):
        link, wanted = root / LINKED_AT / name, f"../../../../{name}"
        if not link.is_symlink() or os.readlink(link) != wanted:
            yield f"{LINKED_AT}/{name}: expected a link to {wanted}"
        elif not link.exists():
            yield f"{LINKED_AT}/{name}: points to nothing"


RULES = (site_names, roles, headers, tests_run, links, variables, host_keys)


def violations(root: Path) -> list[str]:
    """Every breach of every rule below `root`, as lines `path:line: what`."""
    return [line for rule in RULES for line in rule(root)]


def main() -> int:
    found = violations(ROOT)
    for line in found:
        print(line)
    print(f"house rules: {len(found)} violations, {len(RULES)} rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
