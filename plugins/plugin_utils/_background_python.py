# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python that a job in the background runs under, by a path that Ansible's async can start.

Ansible joins the words of that job's command by spaces, without quotes, and its wrapper splits the module's first line at
spaces: a clone or a virtual environment in a folder such as `my tools` could start no job at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Ansible sets it to its own Python for a localhost that no inventory names; an inventory may set it to a template.
VARIABLE = "ansible_python_interpreter"


def spaceless(python: str, folder: Path) -> str:
    """The same Python through a link in `folder` to what holds its `bin`, so that a virtual environment stays one.

    Raises OSError where the link can't be made.
    """
    path = Path(python)
    home = path.parent.parent
    if " " in str(folder):
        # As private as the run's own folder, and where Ansible puts the job's files anyway.
        folder = Path.home() / ".ansible" / "tmp"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    link = folder / f"python-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
    try:
        link.symlink_to(home)
    except FileExistsError:
        # Made by another host's task of this run; the folder is the run's own.
        pass
    return str(link / path.parent.name / path.name)


def variables_of(task_vars: Mapping[str, Any], delegate_to: str | None) -> Mapping[str, Any]:
    """The variables that say which Python a task runs under."""
    found: Mapping[str, Any] = task_vars["ansible_delegated_vars"][delegate_to] if delegate_to else task_vars
    return found


def with_python(task_vars: Mapping[str, Any], delegate_to: str | None, python: str) -> dict[str, Any]:
    """The task's variables with another Python where it runs; those given are left as they are."""
    if not delegate_to:
        return {**task_vars, VARIABLE: python}
    delegated = task_vars["ansible_delegated_vars"]
    there = {**delegated[delegate_to], VARIABLE: python}
    return {**task_vars, "ansible_delegated_vars": {**delegated, delegate_to: there}}
