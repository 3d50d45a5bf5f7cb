# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check that only reads: `python -m tests.quality.lint [--all] [name ...]`; without names all of them.

One that reads documentation alone, and slowly, is left out where this clone changed nothing that it reads; `--all` and
continuous integration leave out none.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.quality.changed import ALL, Files, chosen
from tests.quality.command import LOGS, ROOT, Finished, end_all_on_signals, environment, run
from tests.quality.house_rules import files
from tests.quality.tally import Tally

COLLECTION = "ansible_collections.cowboyai.rollout"


def shell_scripts() -> list[Path]:
    """Files of this repository that a shell runs, known by ending or first line."""
    found = []
    for path in [ROOT / "bootstrap", *files(ROOT, ".ci", "tests", "playbooks", "molecule", "docs")]:
        with path.open("rb") as source:
            first = source.readline(80)
        if path.suffix == ".sh" or (first.startswith(b"#!") and first.rstrip().endswith((b"sh", b"bash", b"dash"))):
            found.append(path.relative_to(ROOT))
    return found


def host_code() -> list[str]:
    return [name for name in ("plugins/modules", "plugins/module_utils") if any((ROOT / name).glob("*.py"))]


# The slow ones first: two run at a time.
CHECKS: dict[str, Callable[[], list[str | Path]]] = {
    "ansible-lint": lambda: ["ansible-lint", "--offline", "--profile", "production", "--strict", "-q"],
    "antsibull-docs": lambda: ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."],
    "mypy": lambda: ["mypy", "-p", f"{COLLECTION}.plugins", "-p", f"{COLLECTION}.extensions", "-p", "tests.quality"],
    "ruff": lambda: ["ruff", "check", "."],
    "ruff-format": lambda: ["ruff", "format", "--check", "--quiet", "--diff", "."],
    "vermin": lambda: ["vermin", "--target=3.8-", "--violations", "--no-tips", "--quiet", *host_code()],
    "yamllint": lambda: ["yamllint", "--strict", "."],
    "shellcheck": lambda: ["shellcheck", "--external-sources", *shell_scripts()],
    "antsibull-changelog": lambda: ["antsibull-changelog", "lint"],
    # Writes the build context and checks the definition's schema; building it needs a registry.
    "ansible-builder": lambda: [
        *("ansible-builder", "create", "--output-filename", "Containerfile", "--verbosity", "1"),
        *("--file", "execution-environment.yml", "--context", "build/execution-environment"),
    ],
    "house-rules": lambda: [sys.executable, "-m", "tests.quality.house_rules"],
}
#: Slow ones, and what they read.
ONLY_WHERE_CHANGED = {
    "antsibull-docs": ("docs", "extensions", "galaxy.yml", "meta", "playbooks", "plugins", "roles", "constraints.txt"),
}


def left_out(names: list[str], changes: Files) -> list[str]:
    """Checks that have nothing new to read."""
    return [name for name in names if name in ONLY_WHERE_CHANGED and not changes.under(*ONLY_WHERE_CHANGED[name])]


def changed_links() -> str:
    """What git says about the committed links: some tools replace them by an installed copy."""
    if not (ROOT / ".git").exists():
        return ""
    told = subprocess.run(
        ["git", "status", "--porcelain", "--", "collections"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


def one(name: str) -> Finished:
    env = environment(
        # ansible-lint and antsibull-docs look for the collection by these, from whatever directory they work in.
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"),
        ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"),
        ANSIBLE_HOME=str(ROOT / ".ansible"),
    )
    return run(CHECKS[name](), log=LOGS / f"lint-{name}.log", deadline_s=600, env=env)


def main(arguments: list[str]) -> int:
    names = [word for word in arguments if word != ALL]
    unknown = sorted(set(names) - set(CHECKS))
    if unknown:
        print(f"no such check: {', '.join(unknown)}; there are: {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    tally = Tally("checks")
    Tally.forget("lint")
    end_all_on_signals()
    before, started = changed_links(), time.monotonic()
    changes = chosen(arguments)
    # Who names a check wants it.
    idle = [] if names else left_out(list(CHECKS), changes)
    for name in idle:
        print(f"  -    {name:<20} left out: it reads none of {changes.say()} ({ALL} for all of it)")
    wanted = names or [name for name in CHECKS if name not in idle]
    with ThreadPoolExecutor(max_workers=max(2, (os.cpu_count() or 2) // 2)) as pool:
        for name, finished in zip(wanted, pool.map(one, wanted), strict=True):
            print(f"{'ok    ' if finished.good else 'FAILED'} {name:<20} {finished.seconds:5.1f} s")
            if finished.good:
                tally.passed += 1
            else:
                tally.failed.append(f"lint: {name}")
                print(f"    {finished.why()}: {' '.join(finished.argv)}\n{finished.tail()}")
                print(f"    (all of it: {finished.log.relative_to(ROOT)})")
    if changed_links() != before:
        tally.failed.append("lint: a check changed the links under collections/")
        print(f"FAILED a check changed the links under collections/:\n{changed_links()}")
    if not names:
        tally.write("lint")
    print(f"lint: {tally.say()} in {time.monotonic() - started:.0f} s")
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
