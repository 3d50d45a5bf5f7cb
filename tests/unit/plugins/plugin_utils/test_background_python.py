# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python in a folder with a space in its name, by a path without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._background_python import (
    VARIABLE,
    spaceless,
    variables_of,
    with_python,
)


def test_the_link_leads_to_the_same_python_and_is_made_once(tmp_path: Path) -> None:
    python = tmp_path / "my tools" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.write_text("")
    links = tmp_path / "links"
    links.mkdir()
    found = [spaceless(str(python), links) for _task in range(2)]
    assert found[0] == found[1] and Path(found[0]).samefile(python)
    assert " " not in Path(found[0]).relative_to(tmp_path).as_posix()
    # The folder above bin is where a virtual environment keeps its pyvenv.cfg.
    assert [Path(found[0]).parent.parent] == list(links.iterdir())


def test_two_environments_get_two_links(tmp_path: Path) -> None:
    assert spaceless("/a b/bin/python", tmp_path) != spaceless("/a c/bin/python", tmp_path)


def test_a_folder_with_a_space_is_no_place_for_the_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    python = Path(spaceless("/a b/bin/python", tmp_path / "my run"))
    assert python.is_relative_to(tmp_path / "home") and " " not in python.relative_to(tmp_path).as_posix()
    assert [link.readlink() for link in (tmp_path / "home" / ".ansible" / "tmp").iterdir()] == [Path("/a b")]


def test_the_variables_of_where_the_task_runs_are_changed_in_a_copy() -> None:
    given = {VARIABLE: "/h", "x": 1, "ansible_delegated_vars": {"localhost": {VARIABLE: "/a b", "y": 2}}}
    assert variables_of(given, None)[VARIABLE] == "/h" and variables_of(given, "localhost")[VARIABLE] == "/a b"
    assert with_python(given, None, "/n") == {**given, VARIABLE: "/n"}
    there = with_python(given, "localhost", "/n")
    assert there["ansible_delegated_vars"] == {"localhost": {VARIABLE: "/n", "y": 2}} and there[VARIABLE] == "/h"
    assert given["ansible_delegated_vars"]["localhost"][VARIABLE] == "/a b"
