# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shadow rollouts: nothing is changed, and what they say about a fleet's gates."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _orders
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import rollout_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._shadow import rate
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import GO, HOLD, ROLLBACK

from tests.unit.plugins.plugin_utils.recorded import Story


def shadows(*ends: str) -> Story:
    """A ledger of one attempt after the other, each ended so; `open` did not end."""
    story = Story()
    for number, end in enumerate(ends, start=1):
        story.attempt = number
        story.started(shadow=True).deployed("network-expert")
        if end == GO:
            story.gate("checkpoint", "T+1h", HOLD, stops=False).add("decision.made", decision=GO, why="good")
        elif end == ROLLBACK:
            story.gate("look", "look", ROLLBACK, causes=["message_loss"])
    return story


def test_a_shadow_rollout_has_an_id_of_its_own() -> None:
    assert rollout_id({"rollout_shadow": "true"}, "spring") == "spring-shadow"
    assert rollout_id({"rollout_shadow": "true"}, "spring-shadow") == "spring-shadow"
    assert rollout_id({"rollout_shadow": ""}, "spring") == "spring"


def test_every_rollback_of_a_shadow_rollout_is_a_false_one() -> None:
    seen = rate("spring-shadow", shadows(GO, ROLLBACK, GO, GO, "open").records)
    assert (seen.ended, seen.false_rollbacks, seen.held, seen.causes) == (4, 1, 3, ("message_loss",))
    assert seen.percent == 25.0
    # One of four: the published table of Clopper and Pearson has 0.7514 as the upper end at 95 %.
    assert seen.at_most_percent == pytest.approx(75.14, abs=0.01)
    assert "4 shadow rollouts ended, 1 false rollbacks (message_loss): 25.0 %" in seen.text()


@pytest.mark.parametrize(("ends", "at_most"), [((GO,) * 59, 4.95), ((GO,), 95.0), ((ROLLBACK,), 100.0)])
def test_no_false_rollback_so_far_is_not_none_ever(ends: tuple[str, ...], at_most: float) -> None:
    assert rate("s", shadows(*ends).records).at_most_percent == pytest.approx(at_most, abs=0.01)


def test_before_the_first_end_nothing_is_known() -> None:
    seen = rate("s", shadows("open").records)
    assert (seen.percent, seen.at_most_percent) == (None, None)
    assert seen.text() == "no shadow rollout has ended yet"


def test_a_shadow_rollout_backs_up_nothing_and_rolls_nothing_back() -> None:
    story = Story().started(shadow=True).add("preflight.passed", accepted=[], nats_groups=[])
    assert "changes nothing" in _orders.backup(story.view())["why"]
    story.add("baseline.taken", evidence="b").batch("network-expert", "dgx-1")
    assert _orders.deploy(story.view(batch=["dgx-2"]), "network-expert")["due"]
    story.gate("look", "look", ROLLBACK)
    assert not _orders.rollback(story.state(), forced=True, why="", chosen=lambda _i: True)["due"]
    assert (story.state().outcome, story.state().finished) == ("FALSE ROLLBACK", True)
