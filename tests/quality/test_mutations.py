# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault counts as found by a test that fails, and by nothing else; the list fits the code as it is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.quality import mutations
from tests.quality.command import ROOT

CODE = """\
def larger(a, b):
    return a if a > b else b

def smaller(a, b):
    return a if a < b else b
"""
TESTS = """\
import os, runpy
import pytest

HERE = os.path.dirname(__file__)

@pytest.fixture
def code():
    return runpy.run_path(HERE + "/figures.py")

def test_larger(code):
    assert code["larger"](1, 2) == 2
"""
#: Ten mechanisms in which a fault must not go unnoticed.
CENTRAL = {
    "accounting", "fence", "guard", "proof", "loss proof of the sampler", "missing data of the judge", "lease",
    "hash chain", "byte-exact restore", "secrets",
}  # fmt: skip

Tried = Callable[..., tuple[int, dict[str, list[str]]]]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in small, some of it not committed."""
    monkeypatch.setattr(mutations, "WORK", tmp_path / "work")
    # Those of this repository take a second to load.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    here = tmp_path / "a checkout"
    here.mkdir()
    (here / ".gitignore").write_text("/.venv\n")
    (here / ".venv").symlink_to(ROOT / ".venv")
    (here / "figures.py").write_text(CODE)
    (here / "test_figures.py").write_text(TESTS)
    subprocess.run(["git", "init", "-q"], cwd=here, check=True)
    return here


@pytest.fixture
def tried(checkout: Path) -> Tried:
    """Exit status, and by fault the tests that found it."""

    def go(
        *faults: tuple[str, str, str], tests: tuple[str, ...] = ("test_figures.py",)
    ) -> tuple[int, dict[str, list[str]]]:
        listed = checkout.parent / "list.toml"
        listed.write_text(
            "\n".join(
                f"[[mutation]]\nmechanism = 'm'\nname = '{name}'\nfile = 'figures.py'\nold = '{old}'\nnew = \"{new}\"\n"
                f"tests = {list(tests)}\n"
                for name, old, new in faults
            )
        )
        into = checkout.parent / "out.json"
        status = mutations.main(["--into", str(into)], checkout, listed)
        told = json.loads(into.read_text())["mutations"] if into.exists() else []
        return status, {each["mutation"]["name"]: each["found_by"] for each in told}

    return go


def test_what_a_test_sees_is_found_and_what_none_sees_survives(
    checkout: Path, tried: Tried, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in checkout.glob("*.py")}
    status, found = tried(("seen", "a > b", "a < 9"), ("unseen", "a < b", "a < 9"))
    assert (status, found) == (1, {"seen": ["test_figures::test_larger"], "unseen": []})
    told = capsys.readouterr().out
    assert "| m | seen | test_larger |" in told and "| m | unseen | **survived**" in told
    assert "1 found, 1 survived: unseen" in told
    assert {path: path.read_bytes() for path in checkout.glob("*.py")} == before
    assert not [path for path in (checkout.parent / "work").iterdir() if path.is_dir()]


def test_all_found_is_good(tried: Tried) -> None:
    assert tried(("seen", "a > b", "a < 9")) == (0, {"seen": ["test_figures::test_larger"]})


def test_the_next_tests_are_asked_when_the_first_find_nothing(checkout: Path, tried: Tried) -> None:
    (checkout / "test_nothing.py").write_text("def test_it():\n    pass\n")
    assert tried(("seen", "a > b", "a < 9"), tests=("test_nothing.py", "test_figures.py::test_larger"))[0] == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def larger(a, b):", "import no_such_module\\ndef larger(a, b):"),
        ("return a if a > b", "import no_such_module; return a if a > b"),
        ("a > b", "aa > b"),
    ],
    ids=["in a fixture", "import in a test", "name that is not there"],
)
def test_a_fault_that_does_not_hold_is_not_found(
    tried: Tried, capsys: pytest.CaptureFixture[str], old: str, new: str
) -> None:
    status, found = tried(("broken", old, new))
    assert (status, found) == (1, {"broken": []})
    assert "**survived** test_figures::test_larger: " in capsys.readouterr().out


def test_an_error_while_tests_are_collected_finds_nothing(checkout: Path, tried: Tried) -> None:
    (checkout / "test_figures.py").write_text(
        TESTS + '\nassert runpy.run_path(HERE + "/figures.py")["larger"](1, 2) == 2\n'
    )
    assert tried(("seen", "a > b", "a < 9")) == (1, {"seen": []})


@pytest.mark.parametrize(
    ("old", "new", "tests", "said"),
    [
        ("a == b", "a", ("test_figures.py",), "has the old text 0 times"),
        ("return a", "return b", ("test_figures.py",), "has the old text 2 times"),
        ("a > b", "a > b", ("test_figures.py",), "another new text"),
        ("a > b", "a >", ("test_figures.py",), "is no Python"),
        ("a > b", "a", ("test_gone.py",), "there is no test test_gone.py"),
        ("a > b", "a", (), "there is no test named"),
    ],
)
def test_a_list_that_does_not_fit_the_code_is_refused(
    tried: Tried, capsys: pytest.CaptureFixture[str], old: str, new: str, tests: tuple[str, ...], said: str
) -> None:
    assert tried(("rotten", old, new), tests=tests) == (2, {})
    assert said in capsys.readouterr().err


def test_tests_that_fail_without_a_fault_prove_nothing(
    checkout: Path, tried: Tried, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "test_figures.py").write_text(TESTS.replace("== 2", "== 1"))
    assert tried(("seen", "a > b", "a < 9")) == (2, {})
    assert "test_figures::test_larger" in capsys.readouterr().err


def test_the_list_fits_the_code_and_has_every_central_mechanism() -> None:
    listed = mutations.read()
    for each in listed:
        each.applied(ROOT)
        # A fault must fail `make test`, which has no campaigns.
        assert not any(test.startswith("tests/campaign") for test in each.tests), each.name
    assert {each.mechanism for each in listed} == CENTRAL
    assert len({each.name for each in listed}) == len(listed)
