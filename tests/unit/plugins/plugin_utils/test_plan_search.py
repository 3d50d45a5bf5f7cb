# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a plan is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan_search import (
    EXAMPLE_PLANS,
    Search,
    example,
    search_of,
)


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


def folders(root: Path, *playbooks: str, playbook_dir: str = "", plans_dir: str = "") -> list[str]:
    search = search_of(plans_dir, playbooks, playbook_dir, root / "here")
    return [str(path.relative_to(root)) for path in (*search.named, *search.folders) if path.is_relative_to(root)]


HERE = ["here/plans", "here/playbooks/plans"]


@pytest.mark.parametrize(
    ("playbook", "beside"),
    [
        ("../a/mine.yml", ["a/plans"]),
        ("../b/playbooks/mine.yml", ["b/playbooks/plans", "b/plans"]),
        ("mine.yml", []),
        ("cowboyai.rollout.wave2", []),
        ("../a/gone.yml", []),
    ],
)
def test_beside_the_playbook_then_in_the_current_folder(tmp_path: Path, playbook: str, beside: list[str]) -> None:
    for name in ("a/mine.yml", "b/playbooks/mine.yml", "here/mine.yml"):
        made(tmp_path / name)
    assert folders(tmp_path, playbook) == [*beside, *HERE]


def test_the_collections_own_folder_is_none_of_its_users(tmp_path: Path) -> None:
    made(tmp_path / "a" / "mine.yml")
    steps = str(EXAMPLE_PLANS.parent / "steps")
    for playbook in ("../a/mine.yml", "cowboyai.rollout.wave2"):
        search = search_of("", [playbook], steps, tmp_path / "here")
        assert EXAMPLE_PLANS not in [path.resolve() for path in search.folders]
    # Who names the collection's playbook by its path has chosen it.
    by_path = search_of("", [str(EXAMPLE_PLANS.parent / "wave2.yml")], steps, tmp_path / "here")
    assert EXAMPLE_PLANS in [path.resolve() for path in by_path.folders]


def test_a_playbook_that_another_one_imports_may_have_its_plan_beside_it(tmp_path: Path) -> None:
    made(tmp_path / "here" / "site.yml")
    assert "rollouts/plans" in folders(tmp_path, "site.yml", playbook_dir=str(tmp_path / "rollouts"))


def test_a_named_folder_comes_before_all_others(tmp_path: Path) -> None:
    first, second = made(tmp_path / "named" / "x.yml"), made(tmp_path / "plans" / "x.yml")
    other = made(tmp_path / "plans" / "y.yaml")
    search = Search((tmp_path / "named",), (tmp_path / "plans",))
    assert (search.files("x"), search.files("y"), search.files("z")) == ([first], [other], [])
    assert search.all_files() == [first, other]
    assert Search((), (tmp_path / "named", tmp_path / "plans")).files("x") == [first, second]


def test_a_file_that_is_found_twice_is_one(tmp_path: Path) -> None:
    plan = made(tmp_path / "plans" / "x.yml")
    (tmp_path / "link").symlink_to("plans")
    assert Search((), (tmp_path / "plans", tmp_path / "link")).files("x") == [plan]


@pytest.mark.parametrize(
    "name",
    [
        "wave2",
        "cowboyai.rollout.",
        "cowboyai.rollout.nothing",
        "cowboyai.rollout.../plans/wave2",
        "other.rollout.wave2",
    ],
)
def test_what_is_no_full_name_of_an_example(name: str) -> None:
    assert example(name) is None


def test_an_example_by_its_full_name() -> None:
    assert example("cowboyai.rollout.wave2") == EXAMPLE_PLANS / "wave2.yml"
