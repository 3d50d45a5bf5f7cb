# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its users have it, built and installed, in a project of their own: their plan counts, wherever the command is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import yaml

from tests.playbook.hostile.hosts import ROOT
from tests.playbook.traps.wards import HERE, Wards

BIN = Path(sys.executable).parent


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the built archive is installed."""
    folder = tmp_path_factory.mktemp("installed")
    galaxy = [str(BIN / "ansible-galaxy"), "collection"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    # Not in the checkout: its ansible.cfg says that the collection is there already.
    how: dict[str, Any] = {
        "capture_output": True,
        "timeout": 600,
        "cwd": folder,
        "env": {**clean, "ANSIBLE_HOME": str(folder / "home")},
    }
    subprocess.run([*galaxy, "build", str(ROOT), "--output-path", str(folder)], check=True, **how)
    [archive] = folder.glob("*.tar.gz")
    subprocess.run(
        [*galaxy, "install", "--offline", "--no-deps", "-p", str(folder / "tree"), str(archive)], check=True, **how
    )
    return folder / "tree"


class Project:
    """An empty project beside an installed collection."""

    def __init__(self, folder: Path, tree: Path) -> None:
        self.wards, self.tree = Wards(folder).seed(), tree
        self.root, self.elsewhere = folder / "project", folder / "elsewhere"
        for path in (self.root, self.elsewhere):
            path.mkdir()
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")} | {
            "ANSIBLE_COLLECTIONS_PATH": str(tree), "ANSIBLE_HOME": str(folder / "home"), "ANSIBLE_NOCOLOR": "1", "PATH": f"{BIN}:{os.environ['PATH']}",
        }  # fmt: skip

    def plan(self, rollout: str, *, at: str = "plans", suffix: str = ".yml") -> Path:
        plan = yaml.safe_load((HERE / "plan.yml").read_text())
        path = (
            self.root.parent / at / f"{rollout}{suffix}"
            if at.startswith("elsewhere")
            else self.root / at / f"{rollout}{suffix}"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({**plan, "rollout": rollout}, sort_keys=False))
        return path

    def playbook(self, name: str, rollout: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([{"import_playbook": "cowboyai.rollout.preflight", "vars": {"rollout": rollout}}]))
        return path

    def run(self, *words: str, cwd: Path | None = None) -> tuple[int, str]:
        """(exit status, output)"""
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), "-i", str(self.wards.write()), *words],
            cwd=cwd or self.root, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=600, check=False,
        )  # fmt: skip
        return done.returncode, " ".join(done.stdout.split())


@pytest.fixture
def project(tmp_path: Path, tree: Path) -> Project:
    return Project(tmp_path, tree)


@pytest.mark.parametrize("at", ["plans", "playbooks/plans"])
def test_the_users_plan_of_a_name_that_the_collection_has_too(project: Project, at: str) -> None:
    plan = project.plan("wave2", at=at)
    status, text = project.run("cowboyai.rollout.preflight", "-e", "rollout=wave2")
    assert status == 0, text
    assert f"PLAN {plan}" in text


@pytest.mark.parametrize(
    ("playbook", "at"),
    [("mine.yml", "plans"), ("playbooks/mine.yml", "playbooks/plans"), ("playbooks/mine.yml", "plans")],
)
def test_a_playbook_that_is_started_from_another_directory(project: Project, playbook: str, at: str) -> None:
    plan = project.plan("mine", at=at)
    path = project.playbook(playbook, "mine")
    for named, cwd in (
        (str(path), project.elsewhere),
        (os.path.relpath(path, project.elsewhere), project.elsewhere),
        (playbook, project.root),
    ):
        status, text = project.run(named, cwd=cwd)
        assert status == 0, text
        assert f"PLAN {plan}" in text
        [started] = {record["plan_path"] for record in _started(project)}
        assert started == str(plan)


def _started(project: Project) -> list[dict[str, Any]]:
    lines = (project.wards.folder / "monitoring" / "ledger" / "mine.jsonl").read_text().splitlines()
    return [row["data"] for row in map(json.loads, lines) if row["kind"] == "rollout.started"]


def test_a_playbook_in_a_collection_of_the_users_own(project: Project) -> None:
    own = project.root / "collections" / "ansible_collections" / "acme" / "site" / "playbooks"
    plan = project.plan("mine", at=str(own.relative_to(project.root) / "plans"))
    project.playbook(str(own.relative_to(project.root) / "mine.yml"), "mine")
    project.environment["ANSIBLE_COLLECTIONS_PATH"] = f"{project.root / 'collections'}:{project.tree}"
    status, text = project.run("acme.site.mine", cwd=project.elsewhere)
    assert status == 0, text
    assert f"PLAN {plan}" in text


def test_an_example_is_used_by_its_full_name_only(project: Project) -> None:
    for words in (["cowboyai.rollout.preflight", "-e", "rollout=wave2"], ["cowboyai.rollout.wave2"]):
        status, text = project.run(*words)
        assert status != 0
        assert "no plan wave2.yml in" in text
        assert "-e rollout_plan=cowboyai.rollout.wave2" in text
    status, text = project.run("cowboyai.rollout.preflight", "-e", "rollout_plan=cowboyai.rollout.wave2")
    # It is one of a fleet that this user has not.
    assert status != 0 and "no host of the inventory fits the hosts dgx" in text
    for name in ("cowboyai.rollout.nothing", "cowboyai.rollout.../plans/wave2", "wave2"):
        status, text = project.run("cowboyai.rollout.preflight", "-e", f"rollout_plan={name}")
        assert status != 0 and "(rollout_plan): no such file" in text


@pytest.mark.parametrize(
    "where",
    [{"at": "playbooks/plans"}, {"at": "elsewhere/plans"}, {"at": "plans", "suffix": ".yaml"}],
    ids=["two folders", "current folder", "two suffixes"],
)
def test_two_candidates_are_refused(project: Project, where: dict[str, str]) -> None:
    first, second = project.plan("mine"), project.plan("mine", **where)
    path = project.playbook("playbooks/mine.yml", "mine")
    status, text = project.run(str(path), cwd=project.elsewhere)
    assert status != 0
    assert "2 plans of that name" in text and str(first) in text and str(second) in text
    assert not (project.wards.folder / "monitoring" / "ledger").exists()
    # Whoever says which one gets it.
    status, text = project.run(str(path), "-e", f"rollout_plan={second}", cwd=project.elsewhere)
    assert status == 0 and f"PLAN {second}" in text, text
    status, text = project.run(str(path), "-e", f"rollout_plans_dir={second.parent}", cwd=project.elsewhere)
    assert (status == 0) == ("suffix" not in where), text


def test_one_file_that_is_found_twice_is_one_plan(project: Project) -> None:
    plan = project.plan("mine", at="playbooks/plans")
    (project.root / "plans").symlink_to("playbooks/plans")
    status, text = (
        project.run("playbooks/../playbooks/mine.yml") if project.playbook("playbooks/mine.yml", "mine") else (1, "")
    )
    assert status == 0, text
    assert plan.name in text


@pytest.mark.parametrize("playbook", ["mine.yml", "playbooks/mine.yml"])
def test_a_job_in_a_projects_folder(project: Project, playbook: str) -> None:
    """As AWX lays it out: the project below a private data dir, the playbook named within it."""
    plan = project.plan("mine", at=str(Path(playbook).parent / "plans"))
    project.playbook(playbook, "mine")
    inventory = project.wards.write()
    told = ansible_runner.run(
        private_data_dir=str(project.root.parent),
        playbook=playbook,
        inventory=str(inventory),
        envvars=project.environment,
        quiet=True,
    )
    said = " ".join(event.get("stdout") or "" for event in told.events)
    assert told.status == "successful", said
    assert [record["plan_path"] for record in _started(project)] == [str(plan)]
