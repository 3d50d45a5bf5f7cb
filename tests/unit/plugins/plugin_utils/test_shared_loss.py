# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loss that control shares over the rollout is not the change's; one that control does not share always is."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _metrics
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._gating import LOOK, judge_gate
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import Rule
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Reading
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._shared_loss import (
    WAIT,
    Lone,
    _ever_surely_more,
    lone_losses,
    loses_as_control,
)

from tests.unit.plugins.plugin_utils.made_series import CONTROL, TEST, Made
from tests.unit.plugins.plugin_utils.recorded import evidence, plan

AGENT, OTHER = TEST


def excused(made: Made, agent: str = AGENT, group: str = "cim", now: tuple[int, int] = (1, 0)) -> bool:
    # Columns are made once for a document: one that was changed is another.
    return loses_as_control({**made.evidence(), "series": copy.deepcopy(made.document)}, agent, group, now)


def lossy(made: Made, agents: tuple[str, ...], share: float, seed: int = 1) -> Made:
    rng = np.random.default_rng(seed)
    for agent in agents:
        for point in made.document["agents"][agent]["answered"][made.changed :]:
            point[1] = 18 - int(rng.binomial(18, share))
    return made


def one_lost(made: Made, agent: str, bucket: int) -> Made:
    return made.answers(agent, bucket, bucket + 1, 17)


@pytest.mark.parametrize("share", [0.002, 0.01, 0.1])
@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_everybody_has_is_nobodys(share: float, seed: int) -> None:
    made = lossy(Made(buckets=600), (*TEST, *CONTROL), share, seed)
    assert [excused(made, agent) for agent in TEST] == [True, True]


@pytest.mark.parametrize("share", [0.02, 0.05, 0.5])
def test_an_agent_that_loses_much_more_than_control_is_not_excused(share: float) -> None:
    made = lossy(lossy(Made(buckets=600), CONTROL, 0.002), (AGENT,), share)
    assert not excused(made)


def test_control_that_lost_nothing_excuses_nobody() -> None:
    assert not excused(one_lost(Made(), AGENT, 200))


def test_one_message_of_each_is_nothing_that_can_be_told_apart() -> None:
    made = one_lost(one_lost(Made(), CONTROL[0], 100), AGENT, 200)
    assert excused(made)
    for bucket in range(210, 218):
        one_lost(made, AGENT, bucket)
    assert excused(made), "nine against one are asked for again and again"
    one_lost(made, AGENT, 218)
    assert not excused(made), "ten against one"


def test_what_control_lost_before_the_change_excuses_nothing() -> None:
    assert not excused(one_lost(one_lost(Made(changed=60), CONTROL[0], 30), AGENT, 200))


def test_an_outage_that_all_had_excuses_nothing_later() -> None:
    made = one_lost(Made(), AGENT, 200)
    for agent in (*TEST, *CONTROL):
        made.answers(agent, 100, 115, 0)
    assert not excused(made)


def test_an_outage_of_control_alone_does_not_excuse_a_whole_day_of_losses() -> None:
    made = Made(buckets=600).answers(CONTROL[0], 100, 115, 0)
    assert excused(one_lost(made, AGENT, 200))
    for bucket in range(200, 240):
        one_lost(made, AGENT, bucket)
    assert not excused(made)


def test_one_dead_minute_is_more_than_single_messages_of_control() -> None:
    made = one_lost(Made(), CONTROL[0], 100)
    made.answers(AGENT, 200, 201, 12)
    assert not excused(made, now=(6, 0))
    # In the very minutes in which control loses one too: the look tells.
    one_lost(made.answers(AGENT, 200, 202, 12), CONTROL[0], 200)
    assert excused(made, now=(1, 1))
    assert not excused(made, now=(12, 1))


def test_other_servers_and_unknown_agents_excuse_nobody() -> None:
    made = one_lost(one_lost(Made(), CONTROL[0], 100), AGENT, 200)
    assert excused(made)
    assert not excused(made, group="south")
    assert not excused(made, agent="nobody")
    assert not loses_as_control({**made.evidence(), "series": None}, AGENT, "cim", (1, 0))
    for name in CONTROL:
        made.document["agents"][name]["group"] = "south"
    assert not excused(made)


@pytest.mark.parametrize("name", ["messages_lost", "message_delivery"])
def test_the_metrics_of_losses_ask_for_it(name: str) -> None:
    """Control lost nothing in this look, but as often before: open instead of bad, and bad where control never lost."""

    def read(made: Made) -> Reading:
        document: dict[str, Any] = {**copy.deepcopy(evidence()), "series": one_lost(made, AGENT, 359).document}
        document["nats"][0]["probe"]["agents"][AGENT].update(delivered=299)
        return _metrics.read(name, document)

    shared = read(one_lost(Made(), CONTROL[0], 100))
    assert list(shared.missing) == ["nats_unreachable"]
    assert AGENT not in shared.by and OTHER in shared.by
    alone = read(Made())
    assert (alone.missing, alone.by[AGENT] not in (0.0, 100.0)) == ({}, True)


# ---------------------------------------------------------------- a loss that may be everybody's


def lone(made: Made, lost: int, agent: str = AGENT) -> Lone:
    return lone_losses({**made.evidence(), "series": copy.deepcopy(made.document)}, agent, "cim", lost)


def at_the_end(*losses: tuple[str, int]) -> Made:
    """A fleet in whose last but one bucket agents lost so many answers."""
    made = Made(buckets=120, changed=60)
    for agent, lost in losses:
        made.answers(agent, 118, 119, 18 - lost)
    return made


def test_a_single_loss_waits_until_it_is_clear_whose_it_is() -> None:
    assert lone(at_the_end((AGENT, 1)), 1) == Lone(waits=True)


def test_many_losses_beside_a_control_without_any_wait_for_nothing() -> None:
    assert lone(at_the_end((AGENT, 5)), 5).waits
    assert lone(at_the_end((AGENT, 6)), 6) == Lone()


def test_a_loss_that_waited_counts_when_control_lost_nothing_meanwhile() -> None:
    later = one_lost(Made(buckets=120 + WAIT, changed=60), AGENT, 118)
    assert lone(later, 0) == Lone(before=1)
    assert lone(later, 2) == Lone(before=1)


def test_a_loss_that_waited_is_everybodys_when_control_loses_as_well() -> None:
    later = one_lost(one_lost(Made(buckets=120 + WAIT, changed=60), AGENT, 118), CONTROL[1], 123)
    assert lone(later, 0) == Lone()


def test_a_loss_waits_on_while_nobody_asks_control() -> None:
    later = one_lost(Made(buckets=150, changed=60), AGENT, 118)
    for agent in CONTROL:
        for point in later.document["agents"][agent]["asked"][119:]:
            point[1] = 0
    assert lone(later, 0).waits


def test_what_all_lost_in_one_minute_is_nobodys_alone() -> None:
    assert lone(at_the_end((AGENT, 1), (CONTROL[0], 1), (CONTROL[1], 1)), 1) == Lone()


def _look(lost: int, made: Made) -> dict[str, Any]:
    document = evidence()
    document["series"] = made.document
    answers = document["nats"][0]["probe"]["agents"][AGENT]
    answers["delivered"] -= lost
    return document


@pytest.mark.parametrize("metric", ["messages_lost", "message_delivery"])
def test_a_look_holds_for_a_loss_that_waits_and_the_one_after_it_rolls_back(metric: str) -> None:
    bad = {"messages_lost": ("above", 0.0), "message_delivery": ("below", 100.0)}[metric]
    rule = Rule("loss", metric, *bad, "", kind="trigger", over="checkpoint")
    first = judge_gate(plan(), LOOK, "look", _look(1, at_the_end((AGENT, 1))), [], rules=[rule])
    assert (first.decision.decision, "next look" in first.decision.why) == ("hold", True)
    assert (
        judge_gate(plan(), LOOK, "look", _look(9, at_the_end((AGENT, 9))), [], rules=[rule]).decision.decision
        == "rollback"
    )
    if metric == "messages_lost":
        later = _look(0, one_lost(Made(buckets=120 + WAIT, changed=60), AGENT, 118))
        assert judge_gate(plan(), LOOK, "look", later, [], rules=[rule]).decision.decision == "rollback"


def test_an_alert_tells_at_once() -> None:
    rule = Rule("loss", "messages_lost", "above", 0.0, "", kind="alert", over="checkpoint")
    judged = judge_gate(plan(), LOOK, "look", _look(1, at_the_end((AGENT, 1))), [], rules=[rule])
    assert (judged.verdicts[0].verdict, judged.verdicts[0].value) == ("fail", 1.0)


def test_asked_look_after_look_equal_losses_are_hardly_ever_called_more() -> None:
    """Over a whole day of looks together, not at each: an agent that loses as each of two control agents does."""
    rng = np.random.default_rng(1)
    stopped = 0
    for _rollout in range(400):
        mine = np.cumsum(rng.poisson(0.3, 300))
        theirs = np.cumsum(rng.poisson(0.6, 300))
        stopped += any(
            _ever_surely_more(int(a), int(b), 1 / 3) for a, b in zip(mine, theirs, strict=True)
        )  # fmt: skip
    assert stopped <= 4
    assert _ever_surely_more(60, 40, 1 / 3)
