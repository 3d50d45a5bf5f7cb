# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A blinded instrument never passes and never takes a change back: the checkpoint holds, and says what it did not see."""

from __future__ import annotations

import pathlib

import pytest

from tests.module.nats.blinded import CASES, SOUND, Case, bench, decided


@pytest.mark.parametrize("case", SOUND, ids=lambda case: case.source)
def test_with_sound_instruments_the_checkpoint_goes_on(directory: pathlib.Path, case: Case) -> None:
    with bench(directory, case) as made:
        measured = getattr(made, case.source)()
    decision, told = decided(case.source, measured)
    assert (decision.decision, told) == ("go", {}), decision.why


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.source}: {case.name}")
def test_a_blinded_instrument_holds_for_a_reason(directory: pathlib.Path, case: Case) -> None:
    with bench(directory, case) as made:
        measured = getattr(made, case.source)()
    decision, told = decided(case.source, measured)
    assert decision.decision == "hold", decision.why
    assert case.reason in told, told
    assert case.said in told[case.reason]
