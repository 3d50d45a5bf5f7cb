# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: all of plugins/, in every process that a test starts, through the links of collections/ and from zips too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.quality import coverage
from tests.quality.coverage import Counted, Suite, counted, package_of, percent, table

BRANCH = "def answer(loud):\n    if loud:\n        return 1\n    return 2\n"
ACTION = """\
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"changed": False}
"""
TESTS = '''
import os, runpy, subprocess, sys, zipfile

HERE = os.getcwd()

def test_in_this_process():
    assert runpy.run_path(HERE + "/plugins/action/here.py")["answer"](True) == 1

def test_in_another_process():
    code = "import runpy; runpy.run_path('collections/linked/plugins/lookup/there.py')['answer'](False)"
    subprocess.run([sys.executable, "-c", code], check=True)

def test_in_a_fork_that_ends_at_once():
    child = os.fork()
    if child == 0:
        runpy.run_path(HERE + "/plugins/plugin_utils/_plan/forked.py")["answer"](True)
        runpy.run_path(HERE + "/plugins/plugin_utils/_plan/forked.py")["answer"](False)
        os._exit(0)
    os.waitpid(child, 0)

def test_in_the_last_worker_of_a_playbook():
    environment = {**os.environ, "ANSIBLE_ACTION_PLUGINS": HERE + "/plugins/action", "ANSIBLE_LIBRARY": HERE + "/plugins/action"}
    words = ["-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", HERE + "/play.yml"]
    subprocess.run([sys.executable, *words], check=True, env=environment)

def test_from_inside_a_zip(tmp_path):
    name = "ansible_collections/cowboyai/rollout/plugins/modules/"
    with zipfile.ZipFile(tmp_path / "payload.zip", "w") as packed:
        packed.write(HERE + "/plugins/modules/packed.py", name + "packed.py")
        packed.writestr(name + "made_up.py", "here = False")
        packed.writestr("__main__.py", f"""
import sys
sys.path.insert(0, {str(tmp_path / "payload.zip")!r} + "/" + {name!r})
import made_up, packed
packed.answer(made_up.here)
""")
    subprocess.run([sys.executable, tmp_path / "payload.zip"], check=True)

def test_that_fails():
    assert False
'''


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in small, and a place of its own for the data."""
    monkeypatch.setattr(coverage, "WORK", tmp_path / "work")
    # Those of this repository take a second to load.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    here = tmp_path / "a checkout"
    for name in (
        "action/here.py",
        "lookup/there.py",
        "plugin_utils/_plan/forked.py",
        "modules/packed.py",
        "callback/never.py",
    ):
        file = here / "plugins" / name
        file.parent.mkdir(parents=True)
        file.write_text(BRANCH)
    (here / "plugins" / "action" / "worked.py").write_text(ACTION)
    (here / "play.yml").write_text('[{"hosts": "all", "gather_facts": false, "tasks": [{"worked": {}}]}]')
    (here / "tests").mkdir()
    (here / "tests" / "test_all.py").write_text(TESTS)
    (here / "collections" / "linked").mkdir(parents=True)
    (here / "collections" / "linked" / "plugins").symlink_to("../../plugins")
    return here


def test_processes_links_and_files_that_nobody_runs_are_counted(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = checkout / "out.json"
    status = coverage.main(["all=tests", "--checkout", str(checkout), "--into", str(into)])
    told = json.loads(into.read_text())
    assert status == 1
    assert {name: (each["lines_run"], each["branches_run"]) for name, each in told["packages"].items()} == {
        "action": (3 + 4, 1),
        "callback": (0, 0),
        "lookup": (3, 1),
        "modules": (3, 1),
        "plugin_utils/_plan": (4, 2),
    }
    assert (told["total"]["lines"], told["total"]["branches"], told["total"]["lines_percent"]) == (24, 10, 70.83)
    suite = told["suites"]["all"]
    assert (suite["passed"], suite["lines_run"]) == (5, 17)
    assert [name.rpartition("::")[2] for name in suite["failed"]] == ["test_that_fails"]
    assert "| **all of plugins/** | 24 | 70.83 % | 10 | 50.00 % |" in capsys.readouterr().out


def test_a_suite_that_is_not_there_is_refused(checkout: Path) -> None:
    for word in ("nothing", "all=tests/none"):
        with pytest.raises(SystemExit, match="there is no"):
            coverage.main([word, "--checkout", str(checkout)])


def test_a_run_without_a_test_is_not_good() -> None:
    assert Suite("x", [], passed=1).good
    assert not Suite("x", []).good
    assert not Suite("x", [], passed=1, failed=["a"]).good


def test_files_count_for_their_package() -> None:
    assert package_of("plugins/action/step.py") == "action"
    assert package_of("plugins/plugin_utils/_judge.py") == "plugin_utils"
    assert package_of("plugins/plugin_utils/_plan/_model.py") == "plugin_utils/_plan"
    assert package_of("plugins/plugin_utils/_judge/metrics/host.py") == "plugin_utils/_judge"


def test_sums_are_of_lines_and_not_of_percentages() -> None:
    def file(lines: int, ran: int, branches: int, taken: int) -> dict[str, dict[str, int]]:
        names = ("num_statements", "covered_lines", "num_branches", "covered_branches")
        return {"summary": dict(zip(names, (lines, ran, branches, taken), strict=True))}

    total, packages = counted(
        {"files": {"plugins/action/a.py": file(90, 90, 0, 0), "plugins/lookup/b.py": file(10, 0, 4, 1)}}
    )
    assert (total, packages["action"]) == (Counted(100, 90, 4, 1), Counted(90, 90, 0, 0))
    assert (percent(1, 4), percent(0, 0)) == (25.0, None)
    assert "| action | 90 | 100.00 % | 0 | - |" in table(total, packages)
