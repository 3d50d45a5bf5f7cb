# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An undo proof that nothing shows is no dead end: a corrected plan, or a person with a reason, ends the rollback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.playbook.traps.acting_host import SHOWN
from tests.playbook.traps.wards import HERE, Wards

MUTE = "alder@edge-a"


@pytest.fixture(scope="module")
def stuck_once(tmp_path_factory: pytest.TempPathFactory) -> Wards:
    """A bad batch has gone back, and one instance does not show the undo proof."""
    wards = Wards(tmp_path_factory.mktemp("stuck")).seed()
    assert wards.open().status == 0
    wards.refuse("birch", "edge-b")
    wards.set("edge-a", mute=["alder"])
    run = wards.deploy("first")
    assert run.status != 0
    assert "ROLLED BACK, NOT PROVEN" in run.text
    assert f"restored, not proven: {MUTE}" in run.text
    assert "rollout_accept_unproven=alder@edge-a" in run.text.replace("\n", "")
    return wards


@pytest.fixture
def stuck(stuck_once: Wards, tmp_path: Path) -> Wards:
    return stuck_once.copied_to(tmp_path)


def test_rolling_back_again_changes_nothing_and_says_the_same(stuck: Wards) -> None:
    before = stuck.instances("pid")
    run = stuck.act("playbooks/rollback.yml")
    assert run.status != 0
    assert f"restored, not proven: {MUTE}" in run.text
    assert "still changed" not in run.text
    assert stuck.instances("pid") == before
    assert list(stuck.records("rollback.done")[-1]["unproven"]) == [MUTE]
    # It is not over yet: no new attempt begins, and it says why.
    again = stuck.open(rollout_new_attempt=True)
    assert again.status != 0
    assert f"restored, not proven: {MUTE}" in again.text
    assert len(stuck.records("rollout.started")) == 1


def test_a_corrected_plan_ends_it(stuck: Wards) -> None:
    text = (HERE / "plan.yml").read_text()
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("undo_proof"))
    inline = "{log:" in lines[at]
    lines[at if inline else at + 1] = f"  undo_proof: {{log: {SHOWN}}}" if inline else f"    log: {SHOWN}"
    corrected = stuck.folder / "corrected.yml"
    corrected.write_text("\n".join(lines) + "\n")
    run = stuck.act("playbooks/rollback.yml", rollout_plan=str(corrected))
    assert run.status == 0, run.text
    assert len(stuck.records("rollback.started")[-1]["undo_proof_of_plan"]) == 64
    stuck.refuse("nobody")
    assert stuck.open(rollout_new_attempt=True).status == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rollout_accept_unproven": MUTE}, "Say why"),
        ({"rollout_accept_unproven": "alder@edge-z", "reason": "seen"}, "seen alder@edge-z"),
        ({"rollout_accept_unproven": "all", "reason": "seen"}, "seen all"),
    ],
)
def test_who_accepts_says_whom_and_why(stuck: Wards, given: dict[str, str], said: str) -> None:
    before = len(stuck.records("rollback.started"))
    run = stuck.act("playbooks/rollback.yml", **given)
    assert run.status != 0
    assert said in run.text
    assert len(stuck.records("rollback.started")) == before


def test_a_person_with_a_reason_ends_it(stuck: Wards) -> None:
    run = stuck.act("playbooks/rollback.yml", rollout_accept_unproven=MUTE, reason="seen on the host")
    assert run.status == 0, run.text
    accepted = stuck.records("rollback.done")[-1]["accepted_unproven"][MUTE]
    assert (accepted["reason"], accepted["accepted_for"]) == ("log_line_missing", "seen on the host")
    stuck.refuse("nobody")
    assert stuck.open(rollout_new_attempt=True).status == 0
