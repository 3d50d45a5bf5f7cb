# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the plan of a rollout is looked for: with its users, never among the examples of an installed collection by accident.

Ansible says as `playbook_dir` where the playbook of a play is; for an imported step of the collection that is the collection itself. So the
folders of the playbooks on the command line count, wherever the command is given.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

EXAMPLE_PLANS = Path(__file__).resolve().parents[2] / "playbooks" / "plans"
# What an example is called in full, before its own name.
FULL_NAME = "cowboyai.rollout."
SUFFIXES = (".yml", ".yaml")
# Folders of playbooks whose plans may also be beside the folder.
INNER = ("playbooks", "steps")


@dataclass(frozen=True)
class Search:
    """`named`: what `rollout_plans_dir` names, where a plan counts before all others; `folders`: where a name must stand for one file."""

    named: tuple[Path, ...]
    folders: tuple[Path, ...]

    def files(self, rollout: str) -> list[Path]:
        """The plans of that name, each file once. Of several nobody knows which one was meant."""
        for folders in (self.named, self.folders):
            found = _each_once(folder / f"{rollout}{suffix}" for folder in folders for suffix in SUFFIXES)
            if found:
                return found
        return []

    def all_files(self) -> list[Path]:
        """Every plan, each file once; those of a name that `named` has are found there only."""
        first, others = (_plans_in(folders) for folders in (self.named, self.folders))
        names = {path.stem for path in first}
        return _each_once([*first, *(path for path in others if path.stem not in names)])

    def text(self) -> str:
        return ", ".join(str(folder) for folder in dict.fromkeys((*self.named, *self.folders)))


def search_of(plans_dir: str, playbooks: Sequence[str], playbook_dir: str, here: Path) -> Search:
    """Where to look: beside the playbooks of the command line, then in the current folder.

    `playbooks`: as the command line names them, by path or in full; `playbook_dir`: of the play, as Ansible says it; `here`: the current folder.
    """
    paths = [here / Path(playbook).expanduser() for playbook in playbooks]
    # People read these paths: without dots, and with their links.
    beside = [Path(os.path.normpath(path.absolute())).parent for path in paths if path.is_file()]
    # A playbook that another one imports may have its plan beside it, unless it is a step of the collection.
    if playbook_dir and (not playbooks or not is_of_collection(Path(playbook_dir))):
        beside.append(Path(playbook_dir))
    folders = [folder for each in beside for folder in ([each, each.parent] if each.name in INNER else [each])]
    named = (here / Path(plans_dir).expanduser(),) if plans_dir else ()
    return Search(named, tuple(dict.fromkeys(folder / "plans" for folder in [*folders, here, here / "playbooks"])))


def example(name: str) -> Path | None:
    """The example that is named in full, such as `cowboyai.rollout.<name>`; None for any other name."""
    own = name.removeprefix(FULL_NAME)
    path = EXAMPLE_PLANS / f"{own}.yml"
    return path if own != name and "/" not in own and path.is_file() else None


def is_of_collection(path: Path) -> bool:
    """Whether a playbook, or its folder, is one of this collection's own."""
    return path.resolve().is_relative_to(EXAMPLE_PLANS.parent)


def _plans_in(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.glob("*")) if path.suffix in SUFFIXES]


def _each_once(paths: Iterable[Path]) -> list[Path]:
    """Those that are files, one of those that are the same file."""
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_file():
            found.setdefault(path.resolve(), path)
    return list(found.values())
