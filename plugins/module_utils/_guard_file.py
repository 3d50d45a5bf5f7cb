# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that puts a host back by itself: one file with all the code it needs, run without Ansible or collection.

It is made of the very modules that a rollback from the controller runs, read from where Python found them (from the
module's own archive, as a rule), so that there is one way back and not two.
"""

from __future__ import annotations

import io
import os
import sys
import types
import zipfile
from typing import Any, Dict, List

from ansible_collections.cowboyai.rollout.plugins.module_utils import _atomic_write, _state_folder
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError

FILE = "revert.pyz"


def package_of(name: str) -> str:
    """The package under which all modules are that a program may need, whichever package below it ``name`` is in."""
    mark = ".module_utils"
    return name[: name.index(mark + ".") + len(mark)]


_PACKAGE = package_of(__name__)
_MAIN = "import sys\nfrom {0} import main\nsys.exit(main(sys.argv[1:]))\n"
# The same content gives the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


def argv(root: str, *words: str) -> List[str]:
    """The command that runs it."""
    return [sys.executable, "-I", os.path.join(root, FILE)] + list(words)


def install(entry: types.ModuleType, root: str) -> None:
    """Put the program into ``root``, if it isn't there; its ``main`` is that of ``entry``."""
    data = archive(entry)
    path = os.path.join(root, FILE)
    try:
        if _atomic_write.read_regular(path, "program", "state").data == data:
            return
    except InstanceError as problem:
        if problem.reason != "state_missing":
            raise
    _state_folder.make(root)
    _state_folder.put(path, data)


def archive(entry: types.ModuleType) -> bytes:
    """The program's bytes."""
    sources: Dict[str, str] = {}
    _gather(entry, sources)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        parts = _PACKAGE.split(".")
        packages = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        files = {"{0}/__init__.py".format(package): "" for package in packages}
        files.update((_path(name), source) for name, source in sources.items())
        files["__main__.py"] = _MAIN.format(entry.__name__)
        for name in sorted(files):
            packed.writestr(zipfile.ZipInfo(name, _DATE), files[name])
    return out.getvalue()


def _is_package(module: types.ModuleType) -> bool:
    return hasattr(module, "__path__")


def _path(name: str) -> str:
    """Where the program has a module."""
    path = name.replace(".", "/")
    return "{0}/__init__.py".format(path) if _is_package(sys.modules[name]) else "{0}.py".format(path)


def _gather(module: types.ModuleType, sources: Dict[str, str]) -> None:
    """A module's source, and those of all modules of ours that it uses."""
    if module.__name__ in sources:
        return
    loader: Any = getattr(module, "__loader__", None)
    source = loader.get_source(module.__name__) if hasattr(loader, "get_source") else None
    # A package without content is one; a module without is a file that could not be read.
    if not source and not (source == "" and _is_package(module)):
        raise InstanceError(
            "guard_failed", "the source of {0} can't be read from {1!r}".format(module.__name__, loader)
        )
    sources[module.__name__] = source
    parent = module.__name__.rpartition(".")[0]
    if parent != _PACKAGE:
        # Python runs the package before what is in it, and so does the program.
        _gather(sys.modules[parent], sources)
    for value in list(vars(module).values()):
        name = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
        if isinstance(name, str) and name.startswith(_PACKAGE + ".") and name in sys.modules:
            _gather(sys.modules[name], sources)
