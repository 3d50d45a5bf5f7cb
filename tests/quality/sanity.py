# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity and the plugins' unit tests on the built and installed artifact: `python -m tests.quality.sanity`.

ansible-test refuses to work in a checkout, and from an editable install it says "All targets skipped" and ends with 0.
So the artifact is built, installed into build/tree, and tested there; what ran is counted from the JUnit files.

Every sanity test runs, on the files that this clone changed; on all of them with `--all` and in continuous integration.
The unit tests always run, by pytest, on all processors; `--all` adds those that are marked as long.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.quality.changed import ALL, Files, chosen
from tests.quality.command import LOGS, RESULTS, ROOT, Finished, end_all_on_signals, environment, run
from tests.quality.suite import BESIDE, LONG, with_long
from tests.quality.tally import Tally, from_junit

ARTIFACT = ROOT / "build" / "artifact"
TREE = ROOT / "build" / "tree"
COLLECTION = TREE / "ansible_collections" / "cowboyai" / "rollout"
JUNIT = COLLECTION / "tests" / "output" / "junit"
#: ansible-test keeps venvs and downloads in ~/.ansible: it gets a home of its own, and the user's stays as it is.
HOME = ROOT / "build" / "home"
#: Of tests/, the artifact holds these alone: others need the checkout's tools or its fleet, and ansible-test would run them.
SHIPPED_TESTS = "tests/unit/plugins"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

#: What ansible-test had when this was written: one that goes would go unnoticed otherwise. New ones run as well.
SANITY_TESTS = frozenset(
    {
        *("action-plugin-docs", "ansible-doc", "changelog", "compile", "empty-init", "ignores"),
        *("import", "line-endings", "no-assert", "no-get-exception", "no-illegal-filenames", "no-smart-quotes"),
        *("pep8", "pslint", "pylint", "replace-urlopen", "runtime-metadata", "shebang"),
        *("shellcheck", "symlinks", "use-argspec-type-path", "use-compat-six", "validate-modules", "yamllint"),
    }
)

#: Sanity tests for kinds of files that this collection does not ship; any other test must find something to test.
MAY_FIND_NOTHING = frozenset({"empty-init", "pslint", "shellcheck"})

#: The tests find the installed plugins beside them, and no other copy (their conftest.py sees to it). Strict: a test that is
#: expected to fail and passes is a failure, and none is expected to fail anyway (house rules).
PYTEST_INI = """\
[pytest]
addopts = --import-mode=importlib --strict-markers --strict-config -q -m "not long" -p no:cacheprovider
pythonpath = . ansible_collections/cowboyai/rollout
xfail_strict = true
"""

# ansible-test downloads get-pip.py from a host of its own; the same pip comes from PyPI as well.
GET_PIP = '''\
"""Stands in for get-pip.py: installs pip from the wheel that lies beside it."""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "{wheel}"))
from pip._internal.cli.main import main

wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.exit(main(["install", "--no-index", "--find-links", here, *wanted]))
'''

# Options of the user's pip that ansible-test's own environments need too, as they need the network in the same way.
PIP_OPTIONS = frozenset(
    {"cert", "client-cert", "default-timeout", "extra-index-url", "find-links", "index-url"}
    | {"no-index", "proxy", "retries", "timeout", "trusted-host"}
)


class Stop(Exception):
    """The step cannot go on; the message says why."""


@dataclass
class Report:
    """What ansible-test said in one run of its sanity tests."""

    ran: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    """Found nothing to test, and may."""


def judge(
    listed: list[str], junit: Tally, executed: list[str], may_find_nothing: frozenset[str] = MAY_FIND_NOTHING
) -> Report:
    """Hold the tests that ansible-test lists against what its JUnit files show.

    `executed` are the names of all test cases in the files (with "-python-3.11" where a test has one run per version).
    A listed test that is missing, skipped for whatever reason, or idle without permission, is a failure.
    """
    report = Report(failed=[f"sanity {name}: ansible-test has no such test any more" for name in missing(listed)])
    bad = {_test_name(name) for name in junit.failed}
    idle = {_test_name(name) for name in junit.skipped}
    seen = {_test_name(name) for name in executed}
    for name in listed:
        if name not in seen:
            report.failed.append(f"sanity {name}: did not run")
        elif name in bad:
            report.failed.append(f"sanity {name}")
        elif name in idle and name in may_find_nothing:
            report.idle.append(name)
        elif name in idle:
            report.failed.append(f"sanity {name}: skipped, or found nothing to test")
        else:
            report.ran.append(name)
    return report


def found_nothing(junit: list[Path]) -> frozenset[str]:
    """Sanity tests that were skipped since none of the files is for them, and for no other reason."""
    return frozenset(
        _test_name(case.get("name") or "")
        for path in junit
        for case in ElementTree.parse(path).iter("testcase")
        if (case.findtext("skipped") or "").strip() == "No tests applicable."
    )


def missing(listed: list[str]) -> list[str]:
    return sorted(SANITY_TESTS - set(listed))


def _test_name(case: str) -> str:
    return re.sub(r"-python-\d+\.\d+$", "", case.split("::")[-1])


def step(name: str, argv: list[str | Path], deadline_s: float, cwd: Path = ROOT, **more: str) -> Finished:
    env = environment(
        HOME=str(HOME),
        ANSIBLE_CONFIG=str(HOME / "ansible.cfg"),
        # Else ansible-test asks the clone's git for the files below build/, which git ignores: nothing left to test.
        ANSIBLE_TEST_CONTENT_ROOT=str(COLLECTION),
        **more,
    )
    # Left in, these would offer the checkout's own copy of the collection beside the installed one.
    for variable in ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOME"):
        env.pop(variable, None)
    finished = run(argv, log=LOGS / f"sanity-{name}.log", deadline_s=deadline_s, cwd=cwd, env=env)
    print(f"{'ok    ' if finished.good else 'FAILED'} {name:<20} {finished.seconds:5.1f} s")
    return finished


def must(finished: Finished) -> Finished:
    if not finished.good:
        raise Stop(f"{' '.join(finished.argv)}\n    {finished.why()}\n{finished.tail()}")
    return finished


def build_and_install() -> None:
    for folder in (ARTIFACT, TREE):
        shutil.rmtree(folder, ignore_errors=True)
    galaxy: list[str | Path] = ["ansible-galaxy", "collection"]
    must(step("build", [*galaxy, "build", "--force", "--output-path", ARTIFACT], 120))
    artifacts = list(ARTIFACT.glob("*.tar.gz"))
    if len(artifacts) != 1:
        raise Stop(f"expected one artifact in {ARTIFACT}, found {[path.name for path in artifacts]}")
    with tarfile.open(artifacts[0]) as artifact:
        foreign = foreign_tests(artifact.getnames())
    if foreign:
        raise Stop(
            f"the artifact holds {', '.join(foreign)}; add what is not for its users to build_ignore in galaxy.yml"
        )
    must(step("install", [*galaxy, "install", artifacts[0], "-p", TREE, "--offline", "--no-deps", "--force"], 120))


def foreign_tests(names: list[str]) -> list[str]:
    """Folders of tests, of a path in the artifact each, that are not to be shipped."""
    files = [PurePosixPath(name) for name in names]
    kept = PurePosixPath(SHIPPED_TESTS)
    # The folders above it are in the artifact as well.
    strangers = [path for path in files if path.parts[:1] == ("tests",) and kept not in (path, *path.parents)]
    return sorted({"/".join(path.parts[:3]) for path in strangers if path not in kept.parents})


def prepare_home() -> None:
    """Give ansible-test what it wants to find in its home: the way to PyPI, and a way to pip."""
    pip_settings = _pip_settings()
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME / "ansible.cfg").write_text("# empty on purpose: nobody's settings count here\n", encoding="utf-8")
    target = HOME / ".config" / "pip" / "pip.conf"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    target.write_text(
        "[global]\n" + "".join(f"{key} = {value}\n" for key, value in pip_settings.items()), encoding="utf-8"
    )

    version = subprocess.run(
        [
            sys.executable,
            "-c",
            "from types import SimpleNamespace as Config\n"
            "from ansible_test._internal.python_requirements import get_venv_packages\n"
            f"print(get_venv_packages(Config(version='{PYTHON}'))['pip'])",
        ],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    if version.returncode != 0:
        raise Stop(f"ansible-test does not say which pip it wants:\n{version.stderr}")
    wanted = version.stdout.strip()
    cache = HOME / ".ansible" / "test" / "cache"
    wheel = cache / f"pip-{wanted}-py3-none-any.whl"
    if not wheel.exists():
        argv: list[str | Path] = [sys.executable, "-m", "pip", "download", "--no-input", "--no-deps", "-d", cache]
        must(step("download-pip", [*argv, f"pip=={wanted}"], 300))
    (cache / f"get_pip_{wanted.replace('.', '_')}.py").write_text(GET_PIP.format(wheel=wheel.name), encoding="utf-8")


def _pip_settings() -> dict[str, str]:
    """pip's settings as they are in force here: files first, then the environment, which ansible-test would drop."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True, env=environment()
    ).stdout
    settings: dict[str, str] = {}
    for from_environment in (False, True):
        for key, value in re.findall(r"^([^=]+)='(.*)'$", told, re.MULTILINE):
            section, _, option = key.rpartition(".")
            if option in PIP_OPTIONS and section.startswith(":env:") == from_environment:
                settings[option] = value
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    if proxy:
        settings.setdefault("proxy", proxy)
    return settings


def sanity(tally: Tally, ansible_test: list[str | Path], files: Files) -> None:
    targets = [name for name in files.names or () if (COLLECTION / name).is_file()]
    if not files.all and not targets:
        print(f"       {files.say()}, none of them is in the artifact: nothing to test ({ALL} for all files)")
        return
    must(step("list", [*ansible_test, "sanity", "--list-tests"], 60, COLLECTION))
    listed = [
        line.strip()
        for line in (LOGS / "sanity-list.log").read_text(encoding="utf-8").splitlines()
        if re.fullmatch(r"[a-z0-9-]+", line.strip())
    ]
    shutil.rmtree(JUNIT, ignore_errors=True)
    argv = [*ansible_test, "sanity", "--local", "--python", PYTHON, "--junit", *targets]
    finished = step("sanity", argv, 1500, COLLECTION)
    results = sorted(JUNIT.glob("ansible-test-sanity-*.xml"))
    junit = from_junit(results, "tests")
    executed = [path.stem.removeprefix("ansible-test-sanity-") for path in results]
    # Of a few files any test may find none; one that could not run is still a failure.
    idle = MAY_FIND_NOTHING if files.all else MAY_FIND_NOTHING | found_nothing(results)
    report = judge(listed, junit, executed, idle)
    print(f"       {len(report.ran)} of {len(listed)} sanity tests had something to test: {files.say()}")
    tally.passed += len(report.ran)
    tally.failed += report.failed
    if report.idle:
        print(f"       nothing to test for: {', '.join(report.idle)}")
    if not finished.good and not report.failed:
        tally.failed.append(f"sanity: ansible-test ended with {finished.why()}")
    if not finished.good or report.failed:
        print("\n".join(f"    {name}" for name in report.failed))
        said = finished.log.read_text(encoding="utf-8", errors="replace").splitlines()
        print("\n".join(f"    {line}" for line in said if line.startswith(("ERROR", "FATAL"))) or finished.tail())


def units(tally: Tally, long: bool) -> None:
    """The plugins' unit tests beside the installed plugins, with settings that know nothing of the checkout."""
    settings, junit_file = TREE / "pytest.ini", RESULTS / "artifact-units.xml"
    settings.write_text(PYTEST_INI, encoding="utf-8")
    RESULTS.mkdir(parents=True, exist_ok=True)
    junit_file.unlink(missing_ok=True)
    words, variables = with_long([LONG] if long else [])
    argv: list[str | Path] = [sys.executable, "-m", "pytest", "-c", settings, "--rootdir", COLLECTION, *BESIDE]
    argv += [f"--junitxml={junit_file}", *words, SHIPPED_TESTS]
    finished = step("units", argv, 1500, COLLECTION, **variables)
    results = [junit_file] if junit_file.exists() else []
    junit = from_junit(results, "tests")
    idle = idle_test_files(results)
    tally.passed += junit.passed
    tally.failed += [f"units in the artifact: {name}" for name in junit.failed]
    tally.failed += [f"units in the artifact, skipped: {name}" for name in junit.skipped]
    # Where collecting them fails, none of them runs: that is no news then.
    if idle and finished.good:
        tally.failed.append(f"units in the artifact: no test ran of {', '.join(idle)}")
    if junit.passed == 0 or (not finished.good and not junit.failed):
        tally.failed.append(f"units in the artifact: {finished.why()}, {junit.passed} tests ran")
    print(f"       {junit.say()}")
    if not finished.good or junit.skipped or junit.passed == 0:
        print(finished.tail(80))


def idle_test_files(junit: list[Path]) -> list[str]:
    """Test files of the installed artifact of which no test case is in the JUnit files."""
    seen = {
        part
        for path in junit
        for case in ElementTree.parse(path).iter("testcase")
        for part in (case.get("classname") or "").split(".")
    }
    there = sorted((COLLECTION / "tests" / "unit").rglob("test_*.py"))
    return [str(path.relative_to(COLLECTION)) for path in there if path.stem not in seen]


def main(arguments: list[str]) -> int:
    unknown = sorted(set(arguments) - {ALL})
    if unknown:
        print(f"no such option: {', '.join(unknown)}; there is {ALL}", file=sys.stderr)
        return 2
    tally, files = Tally("sanity and artifact tests"), chosen(arguments)
    Tally.forget("sanity")
    end_all_on_signals()
    try:
        prepare_home()
        build_and_install()
        # ansible-test writes scripts that begin with #! and the path of its Python: no space may be in that.
        with tempfile.TemporaryDirectory(prefix="rollout-") as folder:
            venv = Path(folder) / "venv"
            venv.symlink_to(ROOT / ".venv")
            ansible_test: list[str | Path] = [venv / "bin" / "python", venv / "bin" / "ansible-test"]
            sanity(tally, ansible_test, files)
        units(tally, long=ALL in arguments)
    except Stop as stop:
        print(f"sanity: cannot go on: {stop}")
        tally.failed.append("sanity: " + str(stop).splitlines()[0])
    tally.write("sanity")
    print(f"sanity: {tally.say()}")
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
