# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 2 begun by an older version of the collection and killed in its soak, finished by this one, and put back by it.

ROLLOUT_OLDER_REVISION names the older version; without it, it is the one that recorded the fixtures of tests/unit/recorded.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign.bad.parts import FIRST, ROLLOUT, SECOND, SKIPPING, Parts
from tests.campaign.triggers import campaign
from tests.rollout.scenario import boundaries
from tests.rollout.scenario.boundaries import Boundary
from tests.rollout.scenario.story import ROOT
from tests.rollout.scenario.told import Told
from tests.unit.recorded import archive

NAME = "older-version"
IN_SOAK = Boundary("Soak of phase network-expert", "cowboyai.rollout.watch : Judge the look")


def git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, timeout=60).stdout


def older_revision() -> str:
    recorded = archive.path_of("wave2_go").relative_to(ROOT)
    first = git("log", "--diff-filter=A", "-1", "--format=%H", "--", str(recorded)).decode().strip()
    found = os.environ.get("ROLLOUT_OLDER_REVISION") or first
    assert found, f"no commit adds {recorded}: name a version with ROLLOUT_OLDER_REVISION"
    return found


def checked_out(revision: str, folder: Path) -> Path:
    """A tree of that version, which is run from where it lies."""
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=git("archive", revision), check=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with campaign.fleets([NAME]):
        story = Parts(NAME, NAME)
        story.look("before")
        older = checked_out(older_revision(), story.out / "older")
        extra = {"rollout_plans_dir": str(story.out / "plans"), **SKIPPING}
        with boundaries.running(
            story, "older", str(older / "playbooks" / "wave2.yml"), [IN_SOAK], signal.SIGKILL, extra=extra,
            env={"ANSIBLE_CONFIG": str(older / "ansible.cfg"), "ANSIBLE_VERBOSITY": "4"},
        ):  # fmt: skip
            pass
        assert boundaries.met(story.out, "older")[-1].struck, f"it never came to {IN_SOAK}"
        story.note("older", {"records": len(story.records(ROLLOUT)), "tree": str(older)})
        story.look("older")
        story.run("newer", "playbooks/wave2.yml", extra=extra, deadline_s=boundaries.WITHIN_S)
        story.look("newer")
        story.undo("undone")
        story.look("undone")
        yield Told(NAME, out=story.out)


def test_it_was_the_older_version_that_began(told: Told) -> None:
    """Ansible says where it found the collection."""
    tree = told.note("older")["tree"]
    assert f"Loading collection cowboyai.rollout from {tree}/collections" in told.output("older")
    assert told.status("older") == -signal.SIGKILL


def test_this_version_goes_on_where_it_was_and_ends_with_go(told: Told) -> None:
    assert told.status("newer") == 0, told.output("newer")[-3000:]
    ledger = told.ledger(ROLLOUT)
    kinds = [record["kind"] for record in ledger]
    known = told.note("older")["records"]
    assert "batch.done" in kinds[:known] and "soak.done" not in kinds[:known]
    assert [kinds.count(once) for once in ("rollout.started", "baseline.taken", "backup.done", "decision.made")] == [
        1
    ] * 4
    assert "run.resumed" in kinds[known:]
    assert {record["attempt"] for record in ledger} == {1}
    assert [data["decision"] for data in told.of_kind(ROLLOUT, "decision.made")] == ["go"]
    assert f"DECISION GO {ROLLOUT}" in told.output("newer")


def test_what_the_older_version_changed_is_not_changed_again(told: Told) -> None:
    before, now = told.look("older"), told.look("newer")
    assert {name for name, seen in before.items() if seen.flag == "true"} == FIRST
    assert {name: now[name].untouched for name in FIRST} == {name: before[name].untouched for name in FIRST}
    assert {name for name, seen in now.items() if seen.flag == "true"} == FIRST | SECOND


def test_this_version_puts_back_what_both_changed(told: Told) -> None:
    assert told.status("undone") == 0, told.output("undone")[-3000:]
    before, now = told.look("before"), told.look("undone")
    assert {name: seen.file for name, seen in now.items()} == {name: seen.file for name, seen in before.items()}
    assert {seen.flag for seen in now.values()} == {"false"}
