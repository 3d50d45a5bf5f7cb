# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a slow check looks at: those that this clone changed, or all with --all and in continuous integration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.quality.command import ROOT

ALL = "--all"


@dataclass(frozen=True)
class Files:
    """`names` below the root, sorted, and in `since` what they were compared with; None: all files."""

    names: tuple[str, ...] | None
    since: str = ""

    @property
    def all(self) -> bool:
        return self.names is None

    def under(self, *tops: str) -> bool:
        """Whether all files are meant, or one at or below `tops` is among them."""
        if self.names is None:
            return True
        return any(Path(top) in (Path(name), *Path(name).parents) for name in self.names for top in tops)

    def say(self) -> str:
        return "all files" if self.names is None else f"{len(self.names)} files changed since {self.since}"


def chosen(arguments: Sequence[str], environ: Mapping[str, str] = os.environ, root: Path = ROOT) -> Files:
    """All files where they are asked for, in continuous integration, and where there is nothing to compare with."""
    if ALL in arguments or environ.get("CI", "").lower() not in ("", "0", "false"):
        return Files(None)
    return changed(root)


def changed(root: Path) -> Files:
    """What this branch and the work tree have that the upstream branch has not; with nothing new, the last commit's files."""
    upstream = _git(root, "rev-parse", "--abbrev-ref", "@{upstream}") or _git(
        root, "rev-parse", "--abbrev-ref", "origin/HEAD"
    )
    base = _git(root, "merge-base", "HEAD", upstream) if upstream else None
    if not base:
        return Files(None)
    names = _differing(root, base)
    if not names:
        upstream, base = "the commit before", _git(root, "rev-parse", "--verify", "HEAD~1")
        if not base:
            return Files(None)
        names = _differing(root, base)
    return Files(names, f"{upstream} ({base[:7]})")


def _differing(root: Path, base: str) -> tuple[str, ...]:
    """Files that differ, also those that are gone, and new ones that nobody added yet."""
    told = _git(root, "diff", "--name-only", "--no-renames", "-z", base) or ""
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z") or ""
    return tuple(sorted({name for name in (told + "\0" + new).split("\0") if name}))


def _git(root: Path, *words: str) -> str | None:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip("\n") if done.returncode == 0 else None
