# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a service's environment comes from, as systemd has loaded its unit."""

from __future__ import annotations

import glob
import os
import re
import shlex
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _command
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import SystemdError

_PROPERTIES = "Id,EnvironmentFiles,UnsetEnvironment,ExecStart,ControlGroup"
_FILE = re.compile(r"(?P<path>.*) \(ignore_errors=(?:yes|no)\)\Z")
_ARGV = re.compile(r"argv\[\]=(?P<argv>.*?) ; ignore_errors=")


@dataclass(frozen=True)
class UnitConfig:
    """``files`` in the order in which systemd reads them; a later one overrides. ``commands``: each ExecStart= as one text."""

    files: Tuple[str, ...] = ()
    unset: Tuple[str, ...] = ()
    commands: Tuple[str, ...] = ()
    control_group: str = ""

    def after(self, path: str) -> Tuple[bool, List[str]]:
        """(whether the unit reads this file, the files that it reads after it)."""
        places = [place for place, name in enumerate(self.files) if _is_same(name, path)]
        return bool(places), list(self.files[places[-1] + 1 :]) if places else []


def _is_same(name: str, path: str) -> bool:
    if name == path:
        return True
    try:
        return os.path.samefile(name, path)
    except OSError:
        return False


def parse(text: str) -> UnitConfig:
    """One block of ``systemctl show``."""
    files: List[str] = []
    unset: List[str] = []
    commands: List[str] = []
    group = ""
    for line in text.split("\n"):
        name, _sign, value = line.partition("=")
        if name == "EnvironmentFiles":
            match = _FILE.match(value)
            path = match.group("path") if match else value
            # systemd reads what fits a pattern in the order of names.
            files += (
                (sorted(glob.glob(path)) or [path]) if any(sign in path for sign in "*?[") else [path] if path else []
            )
        elif name == "UnsetEnvironment":
            unset += _words(value)
        elif name == "ExecStart":
            commands += [match.group("argv") for match in _ARGV.finditer(value)]
        elif name == "ControlGroup":
            group = value
    return UnitConfig(tuple(files), tuple(unset), tuple(commands), group)


def _words(text: str) -> List[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def show(units: Sequence[str], run: _command.Runner = _command.run) -> Dict[str, UnitConfig]:
    """Of all ``units``, in one call. Raises :class:`SystemdError` when systemd doesn't answer for each of them."""
    if not units:
        return {}
    done = run(["systemctl", "show", "--no-pager", "--property=" + _PROPERTIES, "--"] + list(units), 30.0)
    blocks = [block for block in done.out.strip("\n").split("\n\n") if block.strip()]
    if len(blocks) != len(units):
        raise SystemdError(
            "asking systemd how {0} units are configured gave {1} answers: {2}".format(
                len(units), len(blocks), done.err.strip()
            )
        )
    return {unit: parse(block) for unit, block in zip(units, blocks)}
