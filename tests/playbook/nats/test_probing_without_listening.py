# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks that don't listen (`watch.sample: 0s`) probe all the same: triggers are answered, and soaks come to their end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.playbook.nats.sites import Sites, sites

STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("preflight", {}), ("baseline", {}), ("backup", {}), ("deploy", {"phase": "first"}), ("verify", {"phase": "first"}),
)  # fmt: skip


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """The first phase is verified; its looks may ask as rarely as they come."""
    with sites(tmp_path_factory.mktemp("verified")) as made:
        for step, more in STEPS:
            run = made.run(step, **more)
            assert run.status == 0, (step, run.text)
        yield made


def test_a_soak_without_listening_ends_and_every_look_answers_its_triggers(verified: Sites, tmp_path: Path) -> None:
    made = verified.copied_to(tmp_path)
    staggers = made.records("look.taken")
    assert len(staggers) > 0
    run = made.run("soak", phase="first")
    assert (run.status, made.records("soak.reset")) == (0, []), run.text
    looks = made.records("look.taken")
    assert len(looks) > len(staggers)
    assert [look["asked"] for look in looks] == [["message_loss"]] * len(looks)
    assert len(made.records("soak.done")) == 1


def test_what_a_soak_began_anew_for_is_said_on_the_terminal_and_in_status(verified: Sites, tmp_path: Path) -> None:
    made = verified.copied_to(tmp_path)
    made.reached = False
    run = made.run("soak", phase="first", soak_rounds=1)
    status = made.run("status", live=False)
    resets = made.records("soak.reset")
    assert run.status != 0 and resets and "nats_unreachable" in resets[-1]["why"]
    assert f"the soak of first begins anew: {resets[0]['why'][:60]}" in run.text
    assert "the last time for: " in status.text and "nats_unreachable" in status.text, status.text
