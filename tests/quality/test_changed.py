# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow checks look at what is new in a clone, and at everything where that is asked for or can't be known."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.quality.changed import Files, chosen

LOCAL: dict[str, str] = {}


def git(folder: Path, *words: str) -> None:
    who = [
        "-c",
        "user.name=me",
        "-c",
        "user.email=me@here",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "commit.gpgsign=false",
    ]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of two commits."""
    first = tmp_path / "upstream"
    first.mkdir()
    git(first, "init", "-q")
    commit(first, old="1", gone="1")
    commit(first, last="1")
    git(tmp_path, "clone", "-q", "upstream", "a clone")
    return tmp_path / "a clone"


def names(clone: Path) -> tuple[str, ...] | None:
    return chosen([], LOCAL, clone).names


def test_what_is_committed_or_not_or_new_or_gone_is_changed(clone: Path) -> None:
    git(clone, "checkout", "-q", "-b", "mine")
    commit(clone, mine="1")
    (clone / "old").write_text("2")
    (clone / "gone").unlink()
    (clone / "new ü").write_text("1")
    assert names(clone) == ("gone", "mine", "new ü", "old")
    assert chosen([], LOCAL, clone).say().startswith("4 files changed since origin/main (")


def test_what_others_did_upstream_is_not(clone: Path) -> None:
    commit(clone, mine="1")
    commit(clone.parent / "upstream", theirs="1")
    git(clone, "fetch", "-q")
    assert names(clone) == ("mine",)


def test_with_nothing_new_it_is_the_last_commit(clone: Path) -> None:
    assert names(clone) == ("last",)


def test_without_an_upstream_and_where_it_is_asked_for_it_is_all(clone: Path) -> None:
    assert names(clone.parent / "upstream") is None
    assert chosen(["--all"], LOCAL, clone).all
    assert chosen([], {"CI": "true"}, clone).all
    assert not chosen([], {"CI": "false"}, clone).all


def test_no_repository_is_all(tmp_path: Path) -> None:
    assert names(tmp_path) is None


def test_folders() -> None:
    some = Files(("plugins/modules/a.py", "README.md"))
    assert some.under("roles", "plugins") and some.under("README.md") and Files(None).under("roles")
    assert not some.under("plugins/module") and not some.under("docs")
