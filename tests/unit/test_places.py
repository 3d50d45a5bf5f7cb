# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What finds another file by its own place, by a path or by a name in a document still finds it: nothing else would tell."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.plugins.paused_time import HANGS_S

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.cowboyai.rollout"
#: A module path of ours in a document or a script, and the words after it.
COMMAND = re.compile(r"(?:python3?|\$\(PYTHON\)) -m ([a-z_]+(?:\.[a-z_]+)+)((?: [\w./-]+)*)")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/**/*.md"), ROOT / "Makefile"])
#: Writes what a plan's documentation has, into the folder that is its argument.
REFERENCE = "._reference"


def sources() -> list[Path]:
    return sorted([*(ROOT / "plugins").rglob("*.py"), *(ROOT / "extensions").rglob("*.py")])


def counted_places() -> list[tuple[Path, str]]:
    """Names at the top of a module whose value is counted from the module's own place."""
    found = []
    for path in sources():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and "__file__" in ast.unparse(node.value):
                found += [(path, target.id) for target in node.targets if isinstance(target, ast.Name)]
    return found


def module_of(path: Path) -> str:
    return f"{COLLECTION}.{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}".removesuffix(".__init__")


def commands() -> list[tuple[Path, str, str]]:
    return [(page, *found) for page in DOCUMENTS for found in COMMAND.findall(page.read_text(encoding="utf-8"))]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "collections"), str(ROOT)])}


@pytest.mark.parametrize(("path", "name"), counted_places(), ids=lambda value: getattr(value, "stem", value))
def test_a_place_that_is_counted_from_a_module_is_there(path: Path, name: str) -> None:
    place = getattr(importlib.import_module(module_of(path)), name)
    assert isinstance(place, Path)
    assert place.is_absolute() and place.exists(), place
    if place.is_dir():
        assert any(place.iterdir()), place
        # What templates and plans are for is in the name of their folder.
        assert place.name in {"templates", "plans"}, place


def test_every_counted_place_is_looked_at() -> None:
    """Counted in a function, a place is looked at by the tests of that program: the sender below, the event source in tests/module/eda."""
    counting = {path for path in sources() if ".parents[" in path.read_text(encoding="utf-8")}
    assert len(counted_places()) >= 5
    left = {path.name for path in counting - {path for path, _name in counted_places()}}
    assert left == {"_sender_main.py", "nats.py"}


def test_the_sender_runs_by_its_path(tmp_path: Path) -> None:
    """From a folder that knows nothing of the collection."""
    program = importlib.import_module(f"{COLLECTION}.plugins.plugin_utils._notify._process").PROGRAM
    probe = (
        "import runpy, sys; found = runpy.run_path(sys.argv[1]); found['find_collection'](); "
        f"import importlib; print(importlib.import_module({COLLECTION!r} + '.plugins.plugin_utils._notify._sender').__file__)"
    )
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", probe, str(program)], cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=HANGS_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve().is_relative_to(ROOT / "plugins")


def test_folds_are_made_again_after_a_change_of_any_module_of_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest of their code covers every module of their package, deeper ones too."""
    store = importlib.import_module(f"{COLLECTION}.plugins.plugin_utils._folds._store")
    package = Path(store.__file__).parent
    for path in package.rglob("*.py"):
        copy = tmp_path / path.relative_to(package)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (tmp_path / "_deeper").mkdir()
    (tmp_path / "_deeper" / "_sums.py").write_text("")
    monkeypatch.setattr(store, "__file__", str(tmp_path / "_store.py"))
    code = store._code.__wrapped__
    assert len(list(tmp_path.rglob("*.py"))) > 5
    seen = {code()}
    for number, path in enumerate(sorted(tmp_path.rglob("*.py")), start=2):
        path.write_bytes(path.read_bytes() + b"\n# another\n")
        seen.add(code())
        assert len(seen) == number, path


def test_the_event_source_finds_the_code_that_it_imports() -> None:
    """Each module of ours that an extension imports, inside its functions too."""
    found = {}
    for path in (ROOT / "extensions").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(COLLECTION):
                module = importlib.import_module(str(node.module))
                found.update({(node.module, each.name): hasattr(module, each.name) for each in node.names})
    assert len(found) >= 2
    assert [name for name, there in found.items() if not there] == []


def test_commands_of_the_documents_name_modules_that_are_there() -> None:
    assert len(commands()) >= 10
    missing = []
    for page, module, _words in commands():
        if module.startswith(("tests.", COLLECTION)) and importlib.util.find_spec(module) is None:
            missing.append(f"{page.relative_to(ROOT)}: {module}")
    assert missing == []


def test_the_command_of_the_plan_s_page_writes_what_is_there(tmp_path: Path) -> None:
    found = [each for each in commands() if each[1].endswith(REFERENCE)]
    assert len(found) == 1
    page, module, words = found[0]
    assert page == ROOT / "docs" / "plan.md"
    (folder,) = shlex.split(words)
    (tmp_path / folder).mkdir()
    (tmp_path / folder / page.name).write_bytes(page.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", module, folder], cwd=tmp_path, env=environment(), capture_output=True, text=True,
        timeout=HANGS_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("plan.md", "plan.schema.json"):
        assert (tmp_path / folder / name).read_bytes() == (ROOT / "docs" / name).read_bytes()
