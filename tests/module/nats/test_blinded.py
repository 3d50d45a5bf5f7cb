# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A blinded instrument never passes and never takes a change back: the checkpoint holds, and says what it did not see."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe import run_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import parse_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_reach import parse_reach, run_reach
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reach_order import NOBODY, narrowed

from tests.module.nats.blinded import CASES, PATTERNS, SOUND, Case, bench, decided
from tests.module.nats.servers import HANGS_S


@pytest.mark.parametrize("case", SOUND, ids=lambda case: f"{case.source}: {case.name}")
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


def test_preflight_needs_no_more_permissions_than_are_documented(directory: pathlib.Path) -> None:
    """The probe's subject with nobody's name, and one below each pattern of the sample."""
    request = "agent.to.rollout-reach.from.rollout.question"
    asked = [{"subject": request, "pattern": "agent.to.rollout-reach.>"}]
    for pattern in [*PATTERNS["legacy"], *PATTERNS["unified"]]:
        listened = narrowed(pattern)
        asked.append({"subject": listened.replace("*", NOBODY).replace(">", NOBODY), "pattern": listened})
    with bench(directory, SOUND[-1]) as made:
        servers = [{"name": "a", "server": made.server.url, **made.login}]
        found = run_reach(parse_reach({"servers": servers, "subjects": asked, "within": HANGS_S}))
        streams = run_probe(made.to, parse_probe({"targets": [{"agent": "a", "subject": request}]}, send=False))
    row = found["servers"]["a"]
    assert (row["refused"], set(row["answered"])) == ({}, {each["subject"] for each in asked})
    assert (streams["reason"], streams["streams_unknown"]) == (None, None)
