# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program by which a host puts itself back has every module it can need, whichever package that is in."""

from __future__ import annotations

import ast
import importlib.util
import io
import subprocess
import sys
import zipfile

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _guard_file, _revert
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError

from tests.unit.plugins.paused_time import HANGS_S

OURS = "ansible_collections.cowboyai.rollout.plugins.module_utils"
#: Modules of a program in packages of packages, in the order in which Python would load them.
NESTED = {
    "_nest/__init__.py": "WORD = 'package'\n",
    "_nest/_deep/__init__.py": "",
    "_nest/_deep/leaf.py": f"from {OURS}._instance import InstanceError\nclass Leaf:\n    reason = InstanceError('leaf', 'x').reason\n",
    "_nest/entry.py": (
        f"from {OURS} import _nest\nfrom {OURS}._nest._deep.leaf import Leaf\n"
        "def main(words):\n    print(_nest.WORD, Leaf.reason, *words)\n    return 3\n"
    ),
}


def contents(program):
    """Path -> source of what a program has."""
    with zipfile.ZipFile(io.BytesIO(program)) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def imported(source, path):
    """Names of all modules that a source imports, those inside its functions included; `from a import b` gives `a` and `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.split("/")[: -node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{each.name}" for each in node.names)


def missing(files):
    """What a program's modules import and a host doesn't have: modules of ours that aren't packed, and others' packages."""
    known = {name[:-3].replace("/", ".").removesuffix(".__init__") for name in files}
    packages = {name[:-12].replace("/", ".") for name in files if name.endswith("/__init__.py")}
    lost = set()
    for path, source in files.items():
        for name in imported(source, path):
            if not name.startswith("ansible_collections"):
                if name.split(".")[0] not in sys.stdlib_module_names:
                    lost.add(name)
            elif name not in known:
                parent = name.rpartition(".")[0]
                # What a module has is a name of its; what a package has may be a module too.
                if parent not in known or (parent in packages and importlib.util.find_spec(name)):
                    lost.add(name)
    return lost


@pytest.fixture
def nested(tmp_path, monkeypatch):
    """The entry of a program whose modules are in nested packages."""
    for path, source in NESTED.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        name = f"{OURS}.{path[:-3].replace('/', '.')}"
        is_package = name.endswith(".__init__")
        name = name.removesuffix(".__init__")
        spec = importlib.util.spec_from_file_location(
            name, file, submodule_search_locations=[str(file.parent)] if is_package else None
        )
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        parent, last = name.rsplit(".", 1)
        monkeypatch.setattr(sys.modules[parent], last, module, raising=False)
        spec.loader.exec_module(module)
    return module


def test_everything_that_the_program_imports_is_packed():
    files = contents(_guard_file.archive(_revert))
    assert len(files) > 20
    assert missing(files) == set()


@pytest.mark.parametrize("name", ["_agent_restore", "_systemd", "_instance"])
def test_a_module_that_is_left_out_is_seen(name):
    files = contents(_guard_file.archive(_revert))
    del files[f"{OURS.replace('.', '/')}/{name}.py"]
    assert f"{OURS}.{name}" in missing(files)


def test_a_program_of_nested_packages_runs_by_itself(nested, tmp_path):
    program = tmp_path / "program.pyz"
    program.write_bytes(_guard_file.archive(nested))
    argv = [sys.executable, "-I", "-S", str(program), "word"]
    done = subprocess.run(argv, cwd="/", env={}, capture_output=True, text=True, timeout=HANGS_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "package leaf word\n", "")
    assert missing(contents(program.read_bytes())) == set()


def test_a_module_whose_source_is_empty_is_refused(nested, tmp_path):
    (tmp_path / "_nest" / "_deep" / "leaf.py").write_text("")
    with pytest.raises(InstanceError, match=r"the source of \S+\.leaf can't be read"):
        _guard_file.archive(nested)


@pytest.mark.parametrize("below", ["_guard_file", "_guard.program", "_guard._deeper.program"])
def test_the_packer_may_itself_be_in_a_package(below):
    assert _guard_file.package_of(f"{OURS}.{below}") == OURS
