# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller without the requirements gets a sentence, not a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = "ansible_collections.cowboyai.rollout.plugins.plugin_utils"

RUN = f"""
import sys
sys.modules["pydantic"] = None
sys.modules["pydantic_core"] = None
import importlib, pkgutil
import {PACKAGE}._plan as package
for module in pkgutil.iter_modules(package.__path__):
    importlib.import_module(package.__name__ + "." + module.name)
try:
    package.load_plan(sys.argv[1])
except package.PlanError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def output(root: Path) -> str:
    command = [sys.executable, "-c", RUN, "playbooks/plans/wave2.yml"]
    done = subprocess.run(
        command,
        cwd=root,
        # In a checkout links lead to the collection; the artifact lies in a tree of collections itself.
        env={"PYTHONPATH": str(root / "collections" if (root / "collections").is_dir() else root.parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout


def test_every_file_can_be_imported_and_loading_says_what_to_install(output: str) -> None:
    assert output.startswith("playbooks/plans/wave2.yml: seen no pydantic on this controller")
    assert output.endswith("install the controller's requirements: pip install -r requirements.txt\n")
